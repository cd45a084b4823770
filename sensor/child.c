/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/child.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define ALIVE_EVERY NS_PER_S

nstime child_wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

nstime child_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* --- saying --- */

void child_say(const struct child *c, enum config_log_level level, const char *format, ...)
{
    static const char *const WORD[] = {"error", "warning", "info", "debug"};
    char text[1024], line[1200];
    va_list list;
    if (level > c->config.log.level)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    const char *process = process_text(c->process);
    int n = c->config.log.format == CONFIG_LOG_JSON
                ? snprintf(line, sizeof(line), "{\"level\":\"%s\",\"process\":\"%s\",\"text\":\"",
                           WORD[level], process)
                : snprintf(line, sizeof(line), "stripwatch: %s: ", process);
    size_t at = (size_t)n;
    for (const char *p = text; *p && at + 8 < sizeof(line); p++) {
        if (c->config.log.format == CONFIG_LOG_JSON && (*p == '"' || *p == '\\'))
            line[at++] = '\\';
        line[at++] = *p;
    }
    at += (size_t)snprintf(line + at, sizeof(line) - at, "%s\n",
                           c->config.log.format == CONFIG_LOG_JSON ? "\"}" : "");
    (void)!write(STDERR_FILENO, line, at); /* in one piece, so lines of several do not mix */
}

/* --- prologue --- */

/* config_problem_fn */
static void on_problem(void *user, const struct config_problem *p)
{
    (void)user;
    config_problem_print(stderr, p);
}

static bool number(const char *text, uint64_t most, uint64_t *to)
{
    char *end;
    errno = 0;
    *to = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && end != text && *to <= most;
}

static bool named(const char *name, enum process *to)
{
    for (enum process p = PROCESS_WATCH; p < PROCESS_COUNT; p++) {
        if (strcmp(name, process_text(p)) != 0)
            continue;
        *to = p;
        return true;
    }
    return false;
}

static bool open_child(struct child *c, int argc, char **argv, const child_fn *work)
{
    uint64_t index;
    char path[32];
    if (argc != 5 || strcmp(argv[1], CHILD_ARGUMENT) != 0 || !named(argv[2], &c->process) ||
        !work[c->process] || !number(argv[3], CAP_WATCHERS, &index) ||
        !number(argv[4], UINT64_MAX, &c->generation))
        return false;
    c->index = (uint16_t)index;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", CHILD_CONFIG);
    if (config_init(&c->config) || config_load(&c->config, path, on_problem, NULL))
        return false;
    close(CHILD_CONFIG);
    c->up = message_out_new(CHILD_PARENT, c->process, c->index, c->generation);
    c->down = message_in_new(CHILD_PARENT, PROCESS_PARENT, 0);
    return c->up && c->down;
}

int child_main(int argc, char **argv, const child_fn work[PROCESS_COUNT])
{
    struct child c = {.process = PROCESS_PARENT};
    int code = CHILD_CANNOT;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* nobody outlives who watches over him */
    signal(SIGINT, SIG_IGN);                   /* of the terminal: the parent tells us */
    signal(SIGTERM, SIG_IGN);                  /* systemd and timeout(1) send it to all of us */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    tzset(); /* asks for a file, which is out of reach later */
    if (open_child(&c, argc, argv, work))
        code = work[c.process](&c);
    else
        fprintf(stderr, "stripwatch: %s is for its parent alone\n", CHILD_ARGUMENT);
    message_out_free(c.up);
    message_in_free(c.down);
    config_fini(&c.config);
    return code;
}

static void tell_walls(const struct child *c, const struct sandbox_state *s)
{
    if (s->landlock_refused)
        child_say(c, CONFIG_LOG_WARNING, "Landlock is refused (%s): seccomp stands alone",
                  strerror(s->landlock_refused));
    child_say(c, CONFIG_LOG_DEBUG, "ready: seccomp, Landlock %d%s", s->landlock,
              s->landlock > 0       ? ""
              : s->landlock_refused ? " (refused)"
                                    : " (the kernel has none)");
}

bool child_ready(struct child *c, const struct sandbox *walls)
{
    struct sandbox_state state;
    char why[SANDBOX_WHY];
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* once more: becoming another user takes it back */
    if (!sandbox_enter(walls, &state, why)) {
        child_say(c, CONFIG_LOG_ERROR, "no sandbox: %s", why);
        return false;
    }
    tell_walls(c, &state);
    c->alive = 0;
    child_turn(c);
    return true;
}

/* --- the parent --- */

/* message_fn */
static void on_message(void *user, const struct message_head *h, struct span body)
{
    struct child *c = user;
    struct child_message m;
    if (h->type != MESSAGE_ORDER || body.n != sizeof(m))
        return;
    memcpy(&m, body.p, sizeof(m));
    if (m.order == CHILD_STOP || m.order == CHILD_RENEW) {
        c->stop = true;
        c->renew = m.order == CHILD_RENEW;
    } else if (m.order == CHILD_REOPEN) {
        c->reopen = true;
    } else if (c->heard) {
        c->heard(c->user, &m);
    }
}

void child_turn(struct child *c)
{
    int got;
    while ((got = message_receive(c->down, on_message, c)) > 0)
        ;
    nstime now = child_clock();
    if (c->alive == 0 || now - c->alive >= ALIVE_EVERY) {
        c->alive = now;
        message_put(c->up, MESSAGE_STATE, span_of(NULL, 0), true);
    }
    c->stop = c->stop || got < 0 || !message_flush(c->up);
}
