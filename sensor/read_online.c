/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/read_online.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "policy/lookup_json.h"
#include "sensor/child.h"
#include "sensor/errand.h"
#include "sensor/timeline.h"

#define LOOK_PACKETS 4096 /* packets between two looks at what came back; a power of two */

struct collecting {
    struct wants *lookups;
    struct errand *errand;
    struct timeline *timeline;
    struct dissect *dissect;
    FILE *to;
    nstime first; /* packet time */
    uint64_t packets;
    bool failed;
};

static bool say(const char *what, const char *why)
{
    fprintf(stderr, "stripwatch: --online: %s%s%s\n", what, *why ? ": " : "", why);
    return false;
}

/* errand_fn */
static void on_found(void *user, const struct lookup *l, struct span line)
{
    struct collecting *g = user;
    struct lookup then = *l; /* borrows the body */
    (void)line;
    then.time = g->first;
    char *text = lookup_json_text(&then);
    if (!text || fprintf(g->to, "%s\n", text) < 0)
        g->failed = true;
    free(text);
}

/* --- packets --- */

/* dissect_fn */
static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct collecting *g = user;
    if (m == SESSION_CLOSED)
        wants_session(g->lookups, child_clock(), s);
}

/* timeline_problem_fn: they are told of when the files are read to be judged */
static void on_problem(void *user, const struct timeline_problem *p)
{
    (void)user;
    (void)p;
}

/* timeline_packet_fn */
static bool on_packet(void *user, const struct packet *p)
{
    struct collecting *g = user;
    if (g->packets == 0 || p->time < g->first)
        g->first = p->time;
    dissect_packet(g->dissect, p);
    if ((++g->packets & (LOOK_PACKETS - 1)) == 0)
        g->failed |= !errand_turn(g->errand, g->lookups, 0, on_found, g);
    return !g->failed;
}

/* --- the run --- */

static bool can_be_read_again(const struct inputs *inputs)
{
    for (uint32_t i = 0; i < inputs->count; i++)
        if (!inputs->item[i].again)
            return say(inputs->item[i].name, "captures are read twice, and this is no file");
    return true;
}

static bool open_collecting(struct collecting *g, const struct cli *cli,
                            const struct inputs *inputs, const struct dissect_config *c)
{
    const struct wants_config lookups = {.mode = CONFIG_LOOKUPS_SEEN, .roles = &cli->roles};
    struct siphash_key key;
    int fd = memfd_create("look-ups", MFD_CLOEXEC);
    g->to = fd < 0 ? NULL : fdopen(fd, "w");
    if (!g->to && fd >= 0)
        close(fd);
    if (!g->to || getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
        !(g->lookups = wants_new(&lookups, &key)) ||
        !(g->dissect = dissect_new(c, on_session, g)) ||
        !(g->timeline = timeline_new(inputs, on_problem, g)))
        return say("start", strerror(errno ? errno : ENOMEM));
    return (g->errand = errand_new(cli)) != NULL;
}

static void tell(const struct collecting *g, const struct cli *cli)
{
    const struct eve_lookups s = wants_stats(g->lookups);
    if (s.dropped > 0)
        fprintf(stderr,
                "stripwatch: --online: %llu domains were not looked up: there are more than can "
                "be asked for (%d a minute, %d waiting)\n",
                (unsigned long long)s.dropped, CAP_ASKING_MINUTE, CAP_ASKING_QUEUE);
    if (!cli->quiet)
        fprintf(stderr, "stripwatch: --online: %llu domains looked up, of %llu nothing is known\n",
                (unsigned long long)s.asked, (unsigned long long)s.failed);
}

/* What is under way when the last packet was read is waited for. */
static int run(struct collecting *g, const struct cli *cli)
{
    timeline_prepare(g->timeline);
    timeline_run(g->timeline, on_packet, g);
    dissect_finish(g->dissect);
    if (g->failed || !errand_finish(g->errand, g->lookups, on_found, g) || g->failed)
        return -1;
    tell(g, cli);
    int fd = dup(fileno(g->to));
    if (fflush(g->to) == 0 && fd >= 0)
        return fd;
    say("look-ups", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int read_online(const struct cli *cli, const struct inputs *inputs, struct dissect_config c)
{
    struct collecting g = {0};
    int fd = -1;
    c.dns = NULL;
    c.fetch = NULL;
    c.tls = NULL;
    c.attempt = NULL;
    if (can_be_read_again(inputs) && open_collecting(&g, cli, inputs, &c))
        fd = run(&g, cli);
    errand_free(g.errand);
    dissect_free(g.dissect);
    timeline_free(g.timeline);
    wants_free(g.lookups);
    if (g.to)
        fclose(g.to);
    return fd;
}
