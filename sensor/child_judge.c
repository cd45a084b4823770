/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

#include "sensor/child.h"
#include "sensor/coverage.h"
#include "sensor/desk.h"
#include "sensor/gauges.h"
#include "sensor/held.h"
#include "sensor/nic.h"
#include "sensor/relay.h"
#include "sensor/status_told.h"
#include "sensor/told.h"
#include "sensor/unraised.h"
#include "sensor/wants.h"
#include "sensor/wire.h"
#include "store/store.h"
#include "store/where.h"

#define TURN_MS     100
#define EVERY_S     NS_PER_S
#define STATS_EVERY (60 * NS_PER_S)
#define FAIR        64 /* messages of one process before those of the next */

struct judging {
    struct child *child;
    struct desk *desk;
    struct held *held;
    struct coverage *coverage;
    struct unraised *unraised;
    struct wants *lookups; /* NULL: nothing is looked up */
    struct message_out *ask;
    struct message_in *fetched;
    struct message_in *lists;
    struct message_in *watch[CAP_WATCHERS];
    struct message_in *feed_in;
    struct message_out *feed;
    const char *interface[CAP_INTERFACES];
    enum vantage vantage[CAP_INTERFACES]; /* as configured */
    struct eve_options eve;
    struct told_watch told[CAP_WATCHERS]; /* the newest of each */
    struct told_watch before;             /* of all that are gone */
    uint64_t generation[CAP_WATCHERS];
    struct told_feed kept;
    uint64_t feed_generation;
    uint64_t malformed; /* facts that nobody of ours would write */
    uint64_t restarts;
    uint64_t gap_ms;
    nstime newest; /* packet time */
    nstime second, stats;
    struct wire_session session;
    struct wire_handshake handshake;
    struct wire_dns dns;
    struct wire_fetch fetch;
    FILE *handover; /* from and to the judges before and behind this one */
    bool feed_gone;
};

static const char HANDOVER[8] = "history"; /* at its begin when it is whole */

/* --- lines --- */

static bool wants(const struct judging *g, enum desk_line kind, enum severity severity)
{
    unsigned log = g->child->config.privacy.log_sessions;
    if (kind == DESK_ALERT || kind == DESK_STATS || log == CONFIG_SESSIONS_ALL)
        return true;
    return kind == DESK_SESSION && log == CONFIG_SESSIONS_FINDINGS && severity > SEVERITY_INFO;
}

/* desk_hooks */
static void on_line(void *user, struct desk_mark mark, struct span line)
{
    struct judging *g = user;
    if (wants(g, mark.kind, mark.severity))
        unraised_tell(g->unraised, g->feed, mark, line);
}

static void on_problem(void *user, const char *name, unsigned line, const char *what)
{
    const struct judging *g = user;
    if (line > 0)
        child_say(g->child, CONFIG_LOG_WARNING, "%s: line %u: %s", name, line, what);
    else
        child_say(g->child, CONFIG_LOG_WARNING, "%s: %s", name, what);
}

/* --- facts --- */

static void see_time(struct judging *g, nstime now)
{
    if (now <= g->newest)
        return;
    g->newest = now;
    desk_pass(g->desk, now);
}

static bool judge_session(struct judging *g, const struct held_id *id, struct span *body)
{
    struct session *s = &g->session.own;
    uint32_t milestone;
    if (body->n < sizeof(milestone))
        return false;
    memcpy(&milestone, body->p, sizeof(milestone));
    *body = span_from(*body, sizeof(milestone));
    if (milestone >= SESSION_MILESTONE_COUNT || !wire_get_session(body, &g->session))
        return false;
    see_time(g, s->now);
    struct held_id of = {id->generation, s->serial, id->index};
    held_give(g->held, &of, s);
    wants_session(g->lookups, child_clock(), s);
    desk_session(g->desk, s, (enum session_milestone)milestone);
    held_take(g->held, &of, s, milestone == SESSION_CLOSED);
    return true;
}

static bool judge_handshake(struct judging *g, const struct held_id *id, struct span *body)
{
    struct session *s = &g->session.own;
    if (!wire_get_session(body, &g->session) || !wire_get_handshake(body, &g->handshake))
        return false;
    see_time(g, s->now);
    struct held_id of = {id->generation, s->serial, id->index};
    held_give(g->held, &of, s);
    desk_handshake(g->desk, s, &g->handshake.sighting);
    held_take(g->held, &of, s, false);
    return true;
}

static bool judge_dns(struct judging *g, struct span *body)
{
    if (!wire_get_dns(body, &g->dns))
        return false;
    see_time(g, g->dns.sighting.now);
    wants_dns(g->lookups, child_clock(), &g->dns.sighting);
    desk_dns(g->desk, &g->dns.sighting);
    return true;
}

static bool judge_fetch(struct judging *g, struct span *body)
{
    if (!wire_get_fetch(body, &g->fetch))
        return false;
    see_time(g, g->fetch.sighting.now);
    desk_fetch(g->desk, &g->fetch.sighting);
    return true;
}

static bool judge_attempt(struct judging *g, struct span *body)
{
    struct dissect_attempt a;
    if (!wire_get_attempt(body, &a))
        return false;
    see_time(g, a.time);
    desk_attempt(g->desk, &a);
    return true;
}

static bool judge_sighting(struct judging *g, struct span *body)
{
    switch (told_sighting_read(body)) {
    case TOLD_DNS:
        return judge_dns(g, body);
    case TOLD_FETCH:
        return judge_fetch(g, body);
    case TOLD_ATTEMPT:
        return judge_attempt(g, body);
    case TOLD_SIGHTING_COUNT:
    default:
        return false;
    }
}

static bool judge_counters(struct judging *g, uint16_t index, struct span *body)
{
    if (body->n != sizeof(g->told[index]))
        return false;
    memcpy(&g->told[index], body->p, body->n);
    *body = span_from(*body, body->n);
    if (g->told[index].newest > g->newest && g->told[index].newest <= CLOCK_PACKET_S * NS_PER_S)
        see_time(g, g->told[index].newest);
    return true;
}

/* What one who is gone had counted stays counted; what he had open is gone with him. */
static void meet(struct judging *g, const struct message_head *h)
{
    uint16_t i = h->index;
    if (g->generation[i] == h->generation)
        return;
    g->generation[i] = h->generation;
    g->told[i].interfaces = g->told[i].down = g->told[i].dissect.flows_open = 0;
    for (size_t k = 0; k < CAP_INTERFACES; k++)
        g->told[i].interface[k].state = NIC_UP;
    told_watch_add(&g->before, &g->told[i], i);
    memset(&g->told[i], 0, sizeof(g->told[i]));
    held_forget(g->held, i, h->generation);
}

/* message_fn */
static void on_fact(void *user, const struct message_head *h, struct span body)
{
    struct judging *g = user;
    const struct held_id id = {h->generation, 0, h->index};
    bool good = false;
    meet(g, h);
    switch ((enum message_type)h->type) {
    case MESSAGE_SESSION:
        good = judge_session(g, &id, &body);
        break;
    case MESSAGE_HANDSHAKE:
        good = judge_handshake(g, &id, &body);
        break;
    case MESSAGE_SIGHTING:
        good = judge_sighting(g, &body);
        break;
    case MESSAGE_STATE:
        good = judge_counters(g, h->index, &body);
        break;
    default:
        break;
    }
    g->malformed += !good || body.n > 0;
}

/* --- looking up --- */

/* message_fn */
static void on_told(void *user, const struct message_head *h, struct span body)
{
    struct judging *g = user;
    struct lookup found;
    if (h->type != MESSAGE_TOLD) {
        g->malformed++;
        return;
    }
    if (!wants_take(g->lookups, child_clock(), body, &found))
        return;
    desk_lookup(g->desk, &found, g->newest);
    lookup_fini(&found);
}

/* What does not go out now goes out with what is said next, or is asked again when it is missed. */
static void look_up(struct judging *g)
{
    struct told_ask a;
    if (!g->lookups)
        return;
    while (message_receive(g->fetched, on_told, g) > 0)
        ;
    while (wants_next(g->lookups, child_clock(), &a))
        message_put(g->ask, MESSAGE_ASK, span_of(&a, sizeof(a)), true);
    message_flush(g->ask);
}

/* --- lists that were read anew --- */

/* message_fn */
static void on_list(void *user, const struct message_head *h, struct span body)
{
    struct judging *g = user;
    struct desk_lists before, now;
    if (h->type != MESSAGE_TOLD || body.n == 0 || body.p[0] >= LISTS_RECORD_COUNT) {
        g->malformed++;
        return;
    }
    enum lists_record record = (enum lists_record)body.p[0];
    switch (desk_list(g->desk, record, span_from(body, 1), &before, &now)) {
    case LISTS_WHOLE:
        child_say(g->child, CONFIG_LOG_INFO,
                  "lists: policies %" PRIu64 " -> %" PRIu64 ", suppressions %zu -> %zu",
                  before.policies, now.policies, before.suppressions, now.suppressions);
        break;
    case LISTS_WRONG:
        child_say(g->child, CONFIG_LOG_ERROR, "lists: not as they must be; those before stay");
        g->malformed++;
        break;
    default:
        break;
    }
}

/* --- the feed, the parent --- */

/* message_fn */
static void on_kept(void *user, const struct message_head *h, struct span body)
{
    struct judging *g = user;
    if (h->type != MESSAGE_KEPT || !told_feed_read(body, &g->kept)) {
        g->malformed++;
        return;
    }
    if (g->kept.generation == g->child->generation)
        unraised_kept(g->unraised, g->kept.serial);
    if (g->feed_generation == 0)
        unraised_first(g->unraised, h->generation);
    else if (h->generation != g->feed_generation)
        unraised_again(g->unraised, g->feed, h->generation);
    g->feed_generation = h->generation;
}

/* child.heard */
static void on_heard(void *user, const struct child_message *m)
{
    struct judging *g = user;
    nstime gap = m->to > m->from ? m->to - m->from : 0;
    if (m->order != CHILD_BACK || m->process >= PROCESS_COUNT)
        return;
    g->restarts++;
    if (m->process == PROCESS_FETCH)
        wants_again(g->lookups, child_clock());
    if (m->process != PROCESS_WATCH && m->process != PROCESS_JUDGE)
        return;
    g->gap_ms += (uint64_t)(gap / NS_PER_MS);
    coverage_gap(g->coverage, (enum process)m->process, m->from, m->to);
}

/* --- telling --- */

static struct told_watch sum_of(const struct judging *g)
{
    struct told_watch sum = g->before;
    for (size_t i = 0; i < CAP_WATCHERS; i++)
        told_watch_add(&sum, &g->told[i], (uint16_t)i);
    return sum;
}

static struct eve_live live_of(const struct judging *g, const struct told_watch *sum)
{
    uint64_t malformed = g->malformed + message_malformed(g->feed_in);
    malformed += g->fetched ? message_malformed(g->fetched) : 0;
    for (size_t i = 0; i < CAP_WATCHERS && g->watch[i]; i++)
        malformed += message_malformed(g->watch[i]);
    struct eve_lookups lookups = wants_stats(g->lookups);
    lookups.unkept = desk_unkept(g->desk);
    return (struct eve_live){
        .kernel_packets = sum->kernel_packets,
        .kernel_drops = sum->kernel_drops,
        .interface_drops = sum->interface_drops,
        .shed = sum->shed,
        .shed_urgent = sum->shed_urgent,
        .malformed_messages = malformed,
        .restarts = g->restarts,
        .gap_ms = g->gap_ms,
        .raised = unraised_raised(g->unraised),
        .unraised = unraised_count(g->unraised),
        .lost = g->kept.lost + unraised_lost(g->unraised),
        .lookups = lookups,
    };
}

/* What `stripwatch status` is told. */
static void tell_status(struct judging *g, const struct told_watch *sum,
                        const struct eve_live *live)
{
    static struct told_judge t;
    const struct desk_lists lists = desk_lists(g->desk);
    memset(&t, 0, sizeof(t));
    t.sum = *sum;
    t.live = *live;
    t.policies = lists.policies;
    t.suppressions = lists.suppressions;
    t.store_away = g->child->config.policy.state && desk_is_alone(g->desk);
    t.open = (uint32_t)coverage_open(g->coverage, t.gap);
    for (uint32_t i = 0; i < g->eve.interface_count; i++) {
        const struct tap_side_counts c = desk_tap_side(g->desk, i);
        t.side[i] = (struct told_side){.vantage = desk_vantage(g->desk, i),
                                       .configured = g->vantage[i] != VANTAGE_UNKNOWN,
                                       .client_side = c.client_side,
                                       .server_side = c.server_side};
    }
    message_put(g->feed, MESSAGE_STATE, span_of(&t, sizeof(t)), true);
}

static void each_second(struct judging *g, bool stats)
{
    const struct told_watch sum = sum_of(g);
    const struct eve_live live = live_of(g, &sum);
    nstime now = child_wall();
    const struct history_counters past = desk_past(g->desk);
    struct span text = gauges_write(now, &sum, &live, desk_incidents(g->desk), &past, &g->kept);
    message_put(g->feed, MESSAGE_STATE, text, true);
    tell_status(g, &sum, &live);
    coverage_second(g->coverage, now, &sum);
    coverage_spool(g->coverage, now, &g->kept);
    coverage_store(g->coverage, now, g->child->config.policy.state && desk_is_alone(g->desk));
    if (stats)
        desk_stats(g->desk, g->newest > 0 ? g->newest : now, &sum.dissect, &live);
}

static void look_at_clock(struct judging *g)
{
    nstime now = child_clock();
    bool stats = now - g->stats >= STATS_EVERY;
    if (now - g->second < EVERY_S)
        return;
    g->second = now;
    if (stats)
        g->stats = now;
    each_second(g, stats);
}

/* --- the loop --- */

static bool turn(struct judging *g, struct pollfd *wait, size_t count)
{
    bool more = false;
    wait[0].events = (short)(POLLIN | (message_waits(g->feed) ? POLLOUT : 0));
    if (poll(wait, (nfds_t)count, TURN_MS) < 0 && errno != EINTR)
        return false;
    for (size_t i = 0; i < g->child->config.capture.workers; i++)
        for (int n = 0; n < FAIR && message_receive(g->watch[i], on_fact, g) > 0; n++)
            more = true;
    while (message_receive(g->feed_in, on_kept, g) > 0)
        ;
    for (int n = 0; n < FAIR && message_receive(g->lists, on_list, g) > 0; n++)
        ;
    look_up(g);
    desk_turn(g->desk);
    unraised_retry(g->unraised, g->feed);
    child_turn(g->child);
    look_at_clock(g);
    g->feed_gone = !message_flush(g->feed);
    return !g->feed_gone && (!g->child->stop || more);
}

static void loop(struct judging *g)
{
    struct pollfd wait[4 + CAP_WATCHERS];
    size_t count = 0;
    wait[count++] = (struct pollfd){.fd = CHILD_FEED, .events = POLLIN};
    wait[count++] = (struct pollfd){.fd = CHILD_PARENT, .events = POLLIN};
    wait[count++] = (struct pollfd){.fd = CHILD_LISTS, .events = POLLIN};
    if (g->lookups)
        wait[count++] = (struct pollfd){.fd = CHILD_FETCH, .events = POLLIN};
    for (size_t i = 0; i < g->child->config.capture.workers; i++)
        wait[count++] = (struct pollfd){.fd = CHILD_WATCH + (int)i, .events = POLLIN};
    while (turn(g, wait, count))
        ;
}

/* What was told last should not be lost for haste: some seconds at most. */
static void linger(struct judging *g)
{
    nstime until = child_clock() + 3 * NS_PER_S;
    struct pollfd wait = {.fd = CHILD_FEED, .events = POLLIN | POLLOUT};
    while (!g->feed_gone && (message_waits(g->feed) || unraised_count(g->unraised) > 0) &&
           child_clock() < until) {
        wait.events = (short)(POLLIN | (message_waits(g->feed) ? POLLOUT : 0));
        poll(&wait, 1, 20);
        while (message_receive(g->feed_in, on_kept, g) > 0)
            ;
        g->feed_gone = !message_flush(g->feed);
    }
}

/* --- one judge and the next --- */

/* The mark is written last. */
static void hand_over(struct judging *g)
{
    FILE *f = g->handover;
    bool good = fseek(f, sizeof(HANDOVER), SEEK_SET) == 0 && desk_hand_over(g->desk, f) &&
                fflush(f) == 0 && fseek(f, 0, SEEK_SET) == 0 &&
                fwrite(HANDOVER, sizeof(HANDOVER), 1, f) == 1 && fflush(f) == 0;
    if (!good)
        child_say(g->child, CONFIG_LOG_WARNING, "what was learnt is not handed over whole");
}

static void take_over(struct judging *g)
{
    char mark[sizeof(HANDOVER)];
    rewind(g->handover); /* all who have it share one place in it */
    if (fread(mark, sizeof(mark), 1, g->handover) != 1 || memcmp(mark, HANDOVER, sizeof(mark)) != 0)
        return;
    if (desk_take_over(g->desk, g->handover))
        child_say(g->child, CONFIG_LOG_DEBUG, "goes on with what the one before it had learnt");
    else
        child_say(g->child, CONFIG_LOG_WARNING, "what was handed over cannot be used");
}

/* --- setting up --- */

static bool open_desk(struct judging *g)
{
    const struct config *c = &g->child->config;
    const struct desk_config desk = {
        .roles = &c->sensor.roles,
        .resolvers = &c->sensor.resolvers,
        .policies = (const char *const *)c->policy.policies.word,
        .policies_count = (uint32_t)c->policy.policies.count,
        .preload = c->policy.preload,
        .partners = c->policy.partners,
        .suppress = c->policy.suppress,
        .state = c->policy.state,
        .relay = getenv(RELAY_VARIABLE),
        .ca_file = c->policy.ca_file,
        .vantage = g->vantage,
        .vantages = (uint32_t)c->capture.interfaces.count,
        .eve = g->eve,
        .min_severity = (enum severity)c->output.min_severity,
        .handshakes = c->privacy.log_sessions == CONFIG_SESSIONS_ALL,
        .hourly = c->output.hourly,
        .pair_days = c->privacy.pair_days,
        .patient = true,
        .authorities_now = true,
    };
    const struct desk_hooks hooks = {.line = on_line, .problem = on_problem, .user = g};
    g->desk = desk_new(&desk, &hooks);
    return g->desk != NULL;
}

static void name_interfaces(struct judging *g)
{
    static const enum vantage VANTAGE[] = {VANTAGE_UNKNOWN, VANTAGE_CLIENT_SIDE,
                                           VANTAGE_SERVER_SIDE};
    const struct config *c = &g->child->config;
    for (size_t i = 0; i < c->capture.interfaces.count; i++) {
        g->interface[i] = c->capture.interfaces.one[i].name;
        g->vantage[i] = VANTAGE[config_vantage_of(c, &c->capture.interfaces.one[i])];
    }
    g->eve = (struct eve_options){.sensor = c->sensor.name,
                                  .interface = g->interface,
                                  .interface_count = (uint32_t)c->capture.interfaces.count,
                                  .community_id_seed = (uint16_t)c->sensor.community_id_seed,
                                  .show_addresses = c->sensor.show_addresses};
}

static struct coverage *new_coverage(struct judging *g)
{
    const struct config *c = &g->child->config;
    const struct coverage_config coverage = {.gap = (int64_t)c->coverage.gap * NS_PER_S,
                                             .drops = c->coverage.drops,
                                             .min_severity = (enum severity)c->output.min_severity,
                                             .eve = &g->eve};
    return coverage_new(&coverage, on_line, g);
}

static bool open_lookups(struct judging *g)
{
    const struct child *c = g->child;
    const struct wants_config lookups = {.mode = (enum config_lookups)c->config.policy.lookups,
                                         .own = &c->config.policy.own_domains,
                                         .allow = &c->config.policy.lookup_allow,
                                         .roles = &c->config.sensor.roles};
    struct siphash_key key;
    if (lookups.mode == CONFIG_LOOKUPS_OFF)
        return true;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return false;
    g->ask = message_out_new(CHILD_FETCH, PROCESS_JUDGE, 0, c->generation);
    g->fetched = message_in_new(CHILD_FETCH, PROCESS_FETCH, 0);
    g->lookups = g->ask && g->fetched ? wants_new(&lookups, &key) : NULL;
    return g->lookups != NULL;
}

static bool open_links(struct judging *g)
{
    const struct child *c = g->child;
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return false;
    name_interfaces(g);
    g->held = held_new(&key);
    g->unraised = unraised_new();
    g->coverage = new_coverage(g);
    g->feed = message_out_new(CHILD_FEED, PROCESS_JUDGE, 0, c->generation);
    g->feed_in = message_in_new(CHILD_FEED, PROCESS_FEED, 0);
    g->lists = message_in_new(CHILD_LISTS, PROCESS_LISTS, 0);
    for (size_t i = 0; i < c->config.capture.workers; i++)
        if (!(g->watch[i] = message_in_new(CHILD_WATCH + (int)i, PROCESS_WATCH, (uint16_t)i)))
            return false;
    return g->held && g->unraised && g->coverage && g->feed && g->feed_in && g->lists &&
           open_lookups(g);
}

/* Where its file is, and those that SQLite puts beside it. False: it is no file. */
static bool state_dir(const char *state, char dir[CONFIG_PATH])
{
    struct where w;
    char why[SANDBOX_WHY];
    if (!state || where_parse(&w, state, why, sizeof(why)) || w.kind != WHERE_SQLITE)
        return false;
    snprintf(dir, CONFIG_PATH, "%s", dirname(w.path));
    return true;
}

static bool enter(struct judging *g)
{
    struct sandbox walls = {.connects_here = true};
    char why[SANDBOX_WHY], state[CONFIG_PATH];
    const struct config *c = &g->child->config;
    if (state_dir(c->policy.state, state))
        walls.write_dir[0] = state;
    if (!sandbox_drop(c->process.user, c->process.group, why)) {
        child_say(g->child, CONFIG_LOG_ERROR, "%s", why);
        return false;
    }
    g->handover = fdopen(CHILD_HANDOVER, "r+");
    if (!g->handover || !open_desk(g))
        return false;
    take_over(g);
    return child_ready(g->child, &walls);
}

static void fini(struct judging *g)
{
    held_free(g->held);
    desk_free(g->desk);
    unraised_free(g->unraised);
    coverage_free(g->coverage);
    if (g->handover)
        fclose(g->handover);
    message_out_free(g->feed);
    message_in_free(g->feed_in);
    message_in_free(g->lists);
    wants_free(g->lookups);
    message_out_free(g->ask);
    message_in_free(g->fetched);
    for (size_t i = 0; i < CAP_WATCHERS; i++)
        message_in_free(g->watch[i]);
    free(g);
}

int child_judge(struct child *c)
{
    int code = CHILD_CANNOT;
    struct judging *g = calloc(1, sizeof(*g));
    if (!g)
        return CHILD_FAILED;
    g->child = c;
    c->heard = on_heard;
    c->user = g;
    if (open_links(g) && enter(g)) {
        g->stats = child_clock();
        loop(g);
        if (c->renew)
            hand_over(g);
        else
            desk_finish(g->desk);
        each_second(g, true);
        linger(g);
        code = c->stop ? 0 : CHILD_FAILED;
    }
    fini(g);
    return code;
}
