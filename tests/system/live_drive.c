/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live capture by hand, for tests/system/test_live.py: opens, enters the walls where asked to, and
 * says as lines of JSON what comes: a line for each packet (--show) with its frame in hexadecimal,
 * and one for each interface, when SIGUSR1 asks and at the end (SIGTERM, or --lost: one is gone).
 * SIGUSR2 sets the clock that it reads an hour back, and the next one forward again.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sensor/live.h"
#include "sensor/sandbox.h"

static volatile sig_atomic_t asked, ended, late;
static bool show;
static nstime promised = INT64_MIN; /* the latest live_now() */
static uint64_t broken;             /* packets of before it */

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    int r = __real_clock_gettime(clock, t);
    if (clock == CLOCK_REALTIME && late)
        t->tv_sec -= 3600;
    return r;
}

static void on_signal(int number)
{
    if (number == SIGUSR1)
        asked = 1;
    else if (number == SIGUSR2)
        late = !late;
    else
        ended = 1;
}

static void on_packet(void *user, const struct packet *p)
{
    (void)user;
    broken += p->time < promised;
    if (!show)
        return;
    printf("{\"packet\":\"");
    for (size_t i = 0; i < p->bytes.n; i++)
        printf("%02x", p->bytes.p[i]);
    printf("\",\"source\":%" PRIu32 ",\"link\":%" PRIu32 ",\"time\":%" PRId64 ",\"wire\":%" PRIu32
           "}\n",
           p->source, p->link, p->time, p->wire_len);
}

static void tell(struct live *l)
{
    struct live_counts c = live_counts(l);
    for (size_t i = 0; i < live_interfaces(l); i++) {
        struct live_stats s;
        live_stats(l, i, &s);
        printf("{\"interface\":\"%s\",\"state\":\"%s\",\"downs\":%" PRIu64
               ",\"kernel_packets\":%" PRIu64 ",\"kernel_drops\":%" PRIu64 ",\"ring_full\":%" PRIu64
               ",\"interface_drops\":%" PRIu64 ",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"cut\":%" PRIu64 ",\"waiting\":%" PRIu64 ",\"errors\":%" PRIu64 "}\n",
               s.name, nic_state_text(s.state), s.downs, s.kernel_packets, s.kernel_drops,
               s.ring_full, s.interface_drops, s.packets, s.bytes, s.cut, s.waiting, s.errors);
    }
    printf("{\"disordered\":%" PRIu64 ",\"steps\":%" PRIu64 ",\"last_step\":%" PRId64
           ",\"broken\":%" PRIu64 ",\"lost\":%s}\n",
           c.disordered, c.steps, c.last_step, broken, live_lost(l) ? "true" : "false");
    fflush(stdout);
}

static void promise(const struct live *l)
{
    if (live_now(l) > promised)
        promised = live_now(l);
}

static void run(struct live *l, bool until_lost, bool stall)
{
    struct pollfd fd[CAP_INTERFACES];
    while (!ended && !(until_lost && live_lost(l))) {
        int wait;
        size_t n = live_fds(l, fd, &wait);
        (void)poll(fd, n, wait);
        while (!stall && live_poll(l, 64, on_packet, NULL) == 64)
            promise(l);
        promise(l);
        fflush(stdout);
        if (asked) {
            asked = 0;
            tell(l);
        }
        if (stall)
            usleep(1000);
    }
    while (live_poll(l, 64, on_packet, NULL) > 0)
        ;
    tell(l);
}

static bool enter_walls(void)
{
    const struct sandbox s = {.asks = true, .descriptors = 128};
    struct sandbox_state state;
    char why[SANDBOX_WHY] = "";
    if (sandbox_drop("nobody", NULL, why) && sandbox_enter(&s, &state, why))
        return true;
    fprintf(stderr, "live_drive: %s\n", why);
    return false;
}

static void add_interface(struct live_config *c, char *name)
{
    char *how = strchr(name, ':');
    if (how) {
        *how++ = '\0';
        c->direction[c->count] = strcmp(how, "in") == 0 ? FILTER_IN : FILTER_OUT;
    }
    if (c->count < CAP_INTERFACES)
        c->name[c->count++] = name;
}

int main(int argc, char **argv)
{
    struct live_config c = {.strict = true,
                            .promiscuous = true,
                            .snaplen = FILTER_WHOLE,
                            .ring_mib = 4,
                            .port = {25, 587, 2525, 465},
                            .port_count = 4};
    char why[LIVE_WHY] = "";
    bool walls = false, until_lost = false, stall = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-i") == 0 && i + 1 < argc)
            add_interface(&c, argv[++i]);
        else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc)
            c.expression = argv[++i];
        else if (strcmp(argv[i], "--fanout") == 0 && i + 1 < argc)
            c.fanout = (uint16_t)atoi(argv[++i]);
        else if (strcmp(argv[i], "--snaplen") == 0 && i + 1 < argc)
            c.snaplen = (uint32_t)atoi(argv[++i]);
        else if (strcmp(argv[i], "--ring") == 0 && i + 1 < argc)
            c.ring_mib = (uint32_t)atoi(argv[++i]);
        else if (strcmp(argv[i], "--show") == 0)
            show = true;
        else if (strcmp(argv[i], "--walls") == 0)
            walls = true;
        else if (strcmp(argv[i], "--lost") == 0)
            until_lost = true;
        else if (strcmp(argv[i], "--stall") == 0)
            stall = true;
        else if (strcmp(argv[i], "--some") == 0)
            c.strict = false;
        else if (strcmp(argv[i], "--dns") == 0)
            c.dns = true;
        else if (strcmp(argv[i], "--fetch") == 0)
            c.fetch = true;
        else
            return 2;
    }
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    signal(SIGTERM, on_signal);
    struct live *l = live_open(&c, why);
    if (!l) {
        printf("{\"refused\":\"%s\"}\n", why);
        return 1;
    }
    if (walls && !enter_walls())
        return 3;
    printf("{\"open\":true}\n");
    fflush(stdout);
    run(l, until_lost, stall);
    live_close(l);
    return 0;
}
