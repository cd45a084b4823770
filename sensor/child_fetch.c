/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one that speaks with the network on behalf of the judge. It looks domains up that the judge
 * asks for, and connects to the Redis that keeps the state, as often as the judge comes to the
 * socket of its own. Nothing that it says is believed without being read as what a stranger wrote.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "online/lookup_run.h"
#include "policy/lookup_json.h"
#include "sensor/child.h"
#include "sensor/fetch_walls.h"
#include "sensor/relay.h"
#include "sensor/told.h"

#define TURN_MS 200
#define AGENT   "stripwatch/" STRIPWATCH_VERSION

struct fetching {
    struct child *child;
    struct relay *relay;    /* NULL: no Redis */
    struct lookup_run *run; /* NULL: nothing is to be looked up */
    struct message_in *judge;
    struct message_out *back;
    uint64_t malformed;
    bool judge_gone;
};

/* --- telling --- */

static bool tell(struct fetching *f, const struct lookup *l)
{
    char *line = lookup_json_text(l);
    size_t n = line ? strlen(line) : SIZE_MAX;
    bool good = n <= CAP_LOOKUP_LINE;
    if (good)
        message_put(f->back, MESSAGE_TOLD, span_of(line, n), true);
    free(line);
    return good;
}

/* lookup_fn: what cannot be said whole is said without the body. */
static void on_found(void *user, const struct lookup *l)
{
    struct fetching *f = user;
    if (tell(f, l))
        return;
    struct lookup less = *l;
    less.body = NULL;
    less.body_n = 0;
    less.sts = LOOKUP_STS_INVALID;
    snprintf(less.why, sizeof(less.why), "the policy is too long to be told");
    tell(f, &less);
}

static void tell_busy(struct fetching *f, const struct domain *d)
{
    const struct lookup l = {
        .domain = *d, .time = child_wall(), .why = "too much is being looked up already"};
    tell(f, &l);
}

/* --- asked --- */

static bool ask(struct fetching *f, struct span body)
{
    struct told_ask a;
    struct domain d;
    if (!told_ask_read(body, &a, &d))
        return false;
    if (!f->run || !lookup_run_ask(f->run, &d, a.id, a.mx, on_found, f))
        tell_busy(f, &d);
    return true;
}

/* message_fn */
static void on_message(void *user, const struct message_head *h, struct span body)
{
    struct fetching *f = user;
    f->malformed += h->type != MESSAGE_ASK || !ask(f, body);
}

/* --- the loop --- */

static bool turn(struct fetching *f)
{
    struct pollfd wait[2 + RELAY_FDS + LOOKUP_RUN_FDS] = {
        {.fd = CHILD_PARENT, .events = POLLIN},
        {.fd = CHILD_JUDGE, .events = (short)(POLLIN | (message_waits(f->back) ? POLLOUT : 0))}};
    struct pollfd *relay = wait + 2;
    int most = TURN_MS;
    size_t relays = f->relay ? relay_fds(f->relay, relay) : 0;
    struct pollfd *run = relay + relays;
    size_t runs = f->run ? lookup_run_fds(f->run, run, &most) : 0;
    if (poll(wait, (nfds_t)(2 + relays + runs), most) < 0 && errno != EINTR)
        return false;
    if (f->relay)
        relay_turn(f->relay, relay, relays);
    if (f->run)
        lookup_run_turn(f->run, run, runs, child_clock(), child_wall());
    while (message_receive(f->judge, on_message, f) > 0)
        ;
    f->judge_gone = !message_flush(f->back);
    child_turn(f->child);
    return !f->child->stop;
}

/* --- setting up --- */

static bool open_run(struct fetching *f, char why[RESOLVE_WHY])
{
    const struct config *c = &f->child->config;
    const struct lookup_run_config run = {
        .resolve = {.forward = (const char *const *)c->resolver.forward.word,
                    .forwards = c->resolver.forward.count,
                    .anchor_file = c->resolver.trust_anchor,
                    .ca_file = c->resolver.ca_file,
                    .stub = (const char *const *)c->resolver.stub.word,
                    .stubs = c->resolver.stub.count},
        .https = {.ca_file = c->fetch.ca_file, .port = (uint16_t)c->fetch.port, .agent = AGENT},
        .allowed = &c->fetch.allow_nets,
    };
    if (c->policy.lookups != CONFIG_LOOKUPS_OFF)
        f->run = lookup_run_new(&run, why);
    return f->run || c->policy.lookups == CONFIG_LOOKUPS_OFF;
}

static bool open_relay(struct fetching *f, char why[RELAY_WHY])
{
    const char *state = f->child->config.policy.state;
    if (relay_wanted(state))
        f->relay = relay_new(getenv(RELAY_VARIABLE), state, why);
    return f->relay || !relay_wanted(state);
}

static bool enter(struct fetching *f)
{
    const struct config *c = &f->child->config;
    const struct sandbox walls = fetch_walls();
    char why[SANDBOX_WHY] = "";
    _Static_assert(sizeof(why) >= RESOLVE_WHY && sizeof(why) >= RELAY_WHY, "for all of them");
    if (sandbox_drop(c->process.user, c->process.group, why) && open_relay(f, why) &&
        open_run(f, why))
        return child_ready(f->child, &walls);
    child_say(f->child, CONFIG_LOG_ERROR, "%s", why);
    return false;
}

static void fini(struct fetching *f)
{
    lookup_run_free(f->run);
    relay_free(f->relay);
    message_in_free(f->judge);
    message_out_free(f->back);
}

int child_fetch(struct child *c)
{
    struct fetching f = {.child = c};
    int code = CHILD_CANNOT;
    f.judge = message_in_new(CHILD_JUDGE, PROCESS_JUDGE, 0);
    f.back = message_out_new(CHILD_JUDGE, PROCESS_FETCH, 0, c->generation);
    if (f.judge && f.back && enter(&f)) {
        while (turn(&f))
            ;
        code = 0;
    }
    fini(&f);
    return code;
}
