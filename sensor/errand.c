/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/errand.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sensor/config_cli.h"
#include "sensor/kid.h"
#include "sensor/program.h"

#define TURN_MS 100
#define START   (10 * NS_PER_S) /* until it has read its trust anchors and authorities */

struct errand {
    struct kid kid;
    int fd[2]; /* ours, and that of the process */
    int written;
    struct message_out *ask;
    struct message_in *told;
};

/* A line that has come in. */
struct hearing {
    struct wants *lookups;
    errand_fn fn;
    void *user;
};

static void say(const char *what, const char *why)
{
    fprintf(stderr, "stripwatch: %s%s%s\n", what, *why ? ": " : "", why);
}

/* --- starting --- */

/* Whatever the file says of a sensor that runs, this process keeps no state and looks up what it is
 * asked for. */
static bool configure(const struct cli *cli, int *written)
{
    static struct config c;
    static struct config_cli from;
    if (config_cli_read(&c, &from, cli))
        return false;
    free(c.policy.state);
    c.policy.state = NULL;
    c.policy.lookups = CONFIG_LOOKUPS_SEEN;
    *written = kid_config(&c);
    if (*written < 0)
        say(PROGRAM_FETCH, strerror(errno));
    config_fini(&c);
    return *written >= 0;
}

static bool is_there(struct errand *e)
{
    int status;
    if (e->kid.pid != 0 && waitpid(e->kid.pid, &status, WNOHANG) == e->kid.pid)
        kid_ended(&e->kid, status);
    return e->kid.pid != 0;
}

/* It says itself why it cannot. */
static bool wait_until_ready(struct errand *e)
{
    nstime until = child_clock() + START;
    while (!kid_hear(&e->kid)) {
        struct pollfd wait = {.fd = e->kid.link[0], .events = POLLIN};
        if (!is_there(e))
            return false;
        if (child_clock() > until) {
            say(PROGRAM_FETCH, "does not begin to work");
            return false;
        }
        poll(&wait, 1, TURN_MS);
    }
    return true;
}

static bool start(struct errand *e)
{
    int error = message_pair(e->fd);
    if (!error) {
        e->kid.peer[e->kid.peers++] = e->fd[1];
        e->ask = message_out_new(e->fd[0], PROCESS_JUDGE, 0, 1);
        e->told = message_in_new(e->fd[0], PROCESS_FETCH, 0);
        error = e->ask && e->told ? kid_start(&e->kid, e->written) : ENOMEM;
    }
    if (error)
        say(PROGRAM_FETCH, strerror(error));
    return !error && wait_until_ready(e);
}

struct errand *errand_new(const struct cli *c)
{
    char path[PROGRAM_PATH];
    struct errand *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->fd[0] = e->fd[1] = e->written = -1;
    kid_init(&e->kid, PROCESS_FETCH, 0);
    if (!program_path(PROGRAM_FETCH, path))
        say(PROGRAM_FETCH, "is not there, and with it " PROGRAM_FETCH_LOST);
    else if (configure(c, &e->written) && start(e))
        return e;
    errand_free(e);
    return NULL;
}

void errand_free(struct errand *e)
{
    if (!e)
        return;
    if (e->kid.pid != 0) {
        kill(e->kid.pid, SIGKILL);
        waitpid(e->kid.pid, NULL, 0);
    }
    kid_fini(&e->kid);
    message_out_free(e->ask);
    message_in_free(e->told);
    for (int i = 0; i < 2; i++)
        if (e->fd[i] >= 0)
            close(e->fd[i]);
    if (e->written >= 0)
        close(e->written);
    free(e);
}

/* --- asking --- */

/* message_fn */
static void on_told(void *user, const struct message_head *h, struct span body)
{
    const struct hearing *heard = user;
    struct lookup l;
    if (h->type != MESSAGE_TOLD || !wants_take(heard->lookups, child_clock(), body, &l))
        return;
    heard->fn(heard->user, &l, body);
    lookup_fini(&l);
}

bool errand_turn(struct errand *e, struct wants *l, int wait_ms, errand_fn fn, void *user)
{
    struct hearing heard = {l, fn, user};
    struct told_ask a;
    while (wants_next(l, child_clock(), &a))
        message_put(e->ask, MESSAGE_ASK, span_of(&a, sizeof(a)), true);
    message_flush(e->ask);
    struct pollfd wait[] = {{.fd = e->fd[0], .events = POLLIN},
                            {.fd = e->kid.link[0], .events = POLLIN}};
    poll(wait, 2, wait_ms);
    (void)kid_hear(&e->kid);
    while (message_receive(e->told, on_told, &heard) > 0)
        ;
    if (is_there(e))
        return true;
    say(PROGRAM_FETCH, "has ended; what was to be looked up is not known");
    return false;
}

bool errand_finish(struct errand *e, struct wants *l, errand_fn fn, void *user)
{
    for (;;) {
        const struct eve_lookups s = wants_stats(l);
        if (s.waiting == 0 && s.flying == 0)
            return true;
        if (!errand_turn(e, l, TURN_MS, fn, user))
            return false;
    }
}
