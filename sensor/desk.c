/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "rules/garble.h"
#include "sensor/past.h"
#include "sensor/peers.h"
#include "sensor/promises.h"
#include "sensor/suppress.h"
#include "store/store.h"

#define AHEAD     (60 * NS_PER_S) /* that the clock of a look-up may be */
#define ASK_AGAIN (10 * NS_PER_S) /* for policies of a store that has come back */

struct desk {
    struct desk_config config;
    struct desk_hooks hooks;
    struct incidents *incidents;
    struct judgement *judgement;
    const struct judgement *telling; /* of the session that incidents are told of */
    struct garble_memory *memory;
    struct promises *promises;
    struct suppress *suppress;
    struct peers *peers;
    struct tap_sides *sides;
    struct past *past;
    char tap[CAP_INTERFACES][CAP_HISTORY_VANTAGE + 1]; /* by session.source; "": without a name */
    struct json *line;
    struct lists_taken *taken; /* lists that are coming in; NULL: none are */
    bool policies_missing;     /* those of the store, which did not answer */
    nstime asked;              /* for them: packet time */
    nstime newest;             /* packet time that was passed */
};

/* --- who is told --- */

static void complain(struct desk *d, const char *name, const char *what)
{
    d->hooks.problem(d->hooks.user, name, 0, what);
}

static void tell(struct desk *d, enum desk_line kind, enum severity severity)
{
    d->hooks.line(d->hooks.user, (struct desk_mark){.kind = kind, .severity = severity},
                  json_end(d->line));
}

/* That many were held back is of no rule. */
static void tell_alert(struct desk *d, const struct incident_alert *a)
{
    d->hooks.line(d->hooks.user,
                  (struct desk_mark){.kind = DESK_ALERT,
                                     .severity = a->severity,
                                     .sid = a->update > 0 ? rule_row(a->primary->rule)->sid : 0},
                  json_end(d->line));
}

/* Lines come in the order of time. Gives whether there were others to come first. */
static bool hand_in(struct desk *d)
{
    return d->hooks.before && d->hooks.before(d->hooks.user);
}

/* incident_fn */
static void on_alert(void *user, const struct session *s, enum incident_outcome outcome,
                     const struct incident_alert *alert)
{
    struct desk *d = user;
    const struct eve_options *eve = &d->config.eve;
    if (outcome == INCIDENT_ALERT && alert->severity < d->config.min_severity)
        return;
    if (outcome == INCIDENT_STORM)
        eve_storm(d->line, s, alert, eve);
    else if (alert->state == INCIDENT_CLOSED)
        eve_closed(d->line, alert, eve);
    else
        eve_alert(d->line, s, d->telling, alert, eve);
    tell_alert(d, alert);
}

static enum role role_in(const struct desk *d, const struct flow_key *k)
{
    return role_of(d->config.roles, k->family, k->client, k->server, k->server_port);
}

static const char *role_name(const struct desk *d, const struct flow_key *k)
{
    enum role role = role_in(d, k);
    return role == ROLE_UNKNOWN ? NULL : role_text(role);
}

static void leave_out_below(struct judgement *j, enum severity least)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < j->finding_count; i++) {
        if (j->finding[i].severity < least)
            continue;
        if (kept != i)
            j->finding[kept] = j->finding[i];
        kept++;
    }
    j->finding_count = kept;
}

/* --- what DNS said --- */

static void tell_discovery(struct desk *d, const struct discovery *dis,
                           enum incident_outcome outcome, const struct incident_alert *alert)
{
    hand_in(d);
    if (outcome == INCIDENT_ALERT)
        eve_discovery(d->line, dis, alert, &d->config.eve);
    else
        eve_discovery_storm(d->line, dis, alert, &d->config.eve);
    tell_alert(d, alert);
}

static void judge_discovery(struct desk *d, const struct discovery *dis)
{
    struct incident_alert alert;
    struct finding f;
    if (!discovery_judge(dis, &f))
        return;
    suppress_discovery(d->suppress, dis, &f);
    enum incident_outcome outcome = incident_discovery(d->incidents, dis, &f, &alert);
    if (outcome == INCIDENT_STORM ||
        (outcome == INCIDENT_ALERT && f.severity >= d->config.min_severity))
        tell_discovery(d, dis, outcome, &alert);
    if (d->hooks.discovered && f.severity >= d->config.min_severity)
        d->hooks.discovered(d->hooks.user, dis, &f);
}

void desk_dns(struct desk *d, const struct dns_sighting *s)
{
    struct discovery dis;
    if (promises_dns(d->promises, s, &dis))
        judge_discovery(d, &dis);
}

void desk_fetch(struct desk *d, const struct fetch_sighting *s)
{
    struct discovery dis;
    if (promises_fetch(d->promises, s, &dis))
        judge_discovery(d, &dis);
}

/* promises_found_fn */
static void on_found(void *user, const struct discovery *dis)
{
    judge_discovery(user, dis);
}

/* Of times to come nobody knows anything: what says that it does would stand before all that is
 * found until then. */
void desk_lookup(struct desk *d, const struct lookup *l, nstime now)
{
    if (clock_since(l->time, clock_of(time(NULL), 0)) > AHEAD)
        return;
    promises_lookup(d->promises, l, now, on_found, d);
    past_lookup(d->past, l);
}

void desk_attempt(struct desk *d, const struct dissect_attempt *a)
{
    past_knock(d->past, a);
}

/* --- where taps stand --- */

enum vantage desk_vantage(const struct desk *d, uint32_t source)
{
    const struct desk_config *c = &d->config;
    if (source < c->vantages && c->vantage[source] != VANTAGE_UNKNOWN)
        return c->vantage[source];
    return tap_sides_of(d->sides, source);
}

struct tap_side_counts desk_tap_side(const struct desk *d, uint32_t source)
{
    return tap_sides_counts(d->sides, source);
}

/* The vantage of eve_options */
static const char *say_vantage(void *user, uint32_t source)
{
    enum vantage v = desk_vantage(user, source);
    return v == VANTAGE_UNKNOWN ? NULL : vantage_text(v);
}

/* --- sessions --- */

/* All that a session is judged with; valid until the next one is. */
struct grounds {
    struct expectations expected;
    struct past_aid known;
    struct steering steering;
    struct judge_aid aid;
};

/* What others know of it. */
static const struct past_aid *find_expected(struct desk *d, const struct session *s,
                                            struct grounds *g)
{
    bool promised = promises_expect(d->promises, s, role_in(d, &s->key), &g->expected) != NULL;
    g->known = (struct past_aid){
        peers_certificate(s), promised ? &g->expected : NULL,
        span_str(d->tap[s->source < d->config.eve.interface_count ? s->source : 0])};
    return &g->known;
}

/* All but what is usual. */
static void find_known(struct desk *d, const struct session *s, struct grounds *g)
{
    const struct certificate *certificate = find_expected(d, s, g)->certificate;
    if (g->known.expected)
        promises_match(d->promises, s, certificate, &g->expected);
    g->aid = (struct judge_aid){.memory = d->memory,
                                .expected = g->known.expected,
                                .sender_checks = promises_checks(d->promises, s),
                                .certificate = certificate,
                                .vantage = desk_vantage(d, s->source),
                                .own_authorities = d->config.ca_file != NULL};
}

static void find_grounds(struct desk *d, const struct session *s, struct grounds *g)
{
    find_known(d, s, g);
    g->aid.usual = past_recall(d->past, s, &g->known);
    if (promises_steered(d->promises, s, g->aid.usual, &g->steering))
        g->aid.steering = &g->steering;
}

/* A session in TLS may last for hours, and what it says of its server counts from now on. */
static void learn_upgrade(struct desk *d, struct session *s)
{
    struct grounds g;
    if (!s->tls_complete || s->learnt)
        return;
    if (judge_calm(s)) {
        past_served(d->past, s, find_expected(d, s, &g));
        return;
    }
    find_grounds(d, s, &g);
    judge(s, SESSION_UPGRADE_DECIDED, &g.aid, d->judgement);
    past_upgraded(d->past, s, d->judgement);
}

void desk_handshake(struct desk *d, struct session *s, const struct tls_sighting *t)
{
    peers_meet(d->peers, s, t);
    if (d->config.handshakes) {
        const struct eve_peer peer = peers_describe(d->peers, s);
        eve_tls(d->line, s, t, &peer, &d->config.eve);
        tell(d, DESK_HANDSHAKE, SEVERITY_INFO);
    }
    learn_upgrade(d, s);
}

static enum severity worst_of(const struct judgement *j)
{
    return j->finding_count > 0 ? j->finding[0].severity : SEVERITY_INFO;
}

static void close_session(struct desk *d, struct session *s, bool calm)
{
    struct judgement *j = d->judgement;
    tap_sides_see(d->sides, s);
    if (eve_wants(s)) {
        eve_session(d->line, s, j, role_name(d, &s->key), &d->config.eve);
        tell(d, DESK_SESSION, worst_of(j));
    }
    if (s->learnt && calm)
        past_over(d->past, s);
    else
        past_learn(d->past, s, j);
    leave_out_below(j, d->config.min_severity);
    if (d->hooks.closed)
        d->hooks.closed(d->hooks.user, s, j);
    peers_leave(s);
}

void desk_session(struct desk *d, struct session *s, enum session_milestone m)
{
    struct grounds g;
    bool calm = judge_calm(s);
    if (m != SESSION_CLOSED && m != SESSION_ENDING && calm)
        return;
    if (m == SESSION_CLOSED && s->known && calm) /* nothing can be unusual */
        find_known(d, s, &g);
    else
        find_grounds(d, s, &g);
    g.aid.calm = calm;
    if (m == SESSION_ENDING) {
        past_ending(d->past, s);
        return;
    }
    judge(s, m, &g.aid, d->judgement);
    if (m != SESSION_CLOSED) {
        if (worst_of(d->judgement) == SEVERITY_INFO)
            return;
        if (hand_in(d)) { /* what they taught counts */
            find_grounds(d, s, &g);
            judge(s, m, &g.aid, d->judgement);
        }
    }
    suppress_session(d->suppress, s, d->judgement);
    d->telling = d->judgement;
    incident_judge(d->incidents, s, m, d->judgement);
    if (m == SESSION_CLOSED)
        close_session(d, s, calm);
}

/* past_again_fn: told of apart from its line, which is never revised. */
static void on_again(void *user, struct session *s, struct judgement *j, bool told)
{
    struct desk *d = user;
    suppress_session(d->suppress, s, j);
    d->telling = j;
    incident_again(d->incidents, s, told, j);
    leave_out_below(j, d->config.min_severity);
    if (d->hooks.again)
        d->hooks.again(d->hooks.user, s, j);
}

/* Apart, for each packet asks. */
__attribute__((noinline)) static void keep_state(struct desk *d, nstime now)
{
    past_pass(d->past, now);
    if (!d->policies_missing || past_is_away(d->past) || now - d->asked < ASK_AGAIN)
        return;
    d->asked = now;
    d->policies_missing = promises_add_state(d->promises, d->config.state) != 0;
}

void desk_pass(struct desk *d, nstime now)
{
    d->newest = now;
    promises_pass(d->promises, now, false, on_found, d);
    if (d->config.state)
        keep_state(d, now);
}

void desk_turn(struct desk *d)
{
    past_turn(d->past);
}

uint64_t desk_unkept(const struct desk *d)
{
    return past_unkept(d->past);
}

bool desk_is_alone(const struct desk *d)
{
    return past_is_away(d->past);
}

static void finish_promises(struct desk *d)
{
    if (d->newest != INT64_MIN)
        promises_pass(d->promises, d->newest, true, on_found, d);
}

bool desk_hand_over(struct desk *d, FILE *to)
{
    char why[PAST_WHY];
    finish_promises(d);
    bool good = past_hand_over(d->past, to, why);
    if (*why)
        complain(d, "--state", why);
    return good;
}

bool desk_take_over(struct desk *d, FILE *from)
{
    return past_take_over(d->past, from);
}

bool desk_finish(struct desk *d)
{
    char why[PAST_WHY];
    finish_promises(d);
    if (past_finish(d->past, why))
        return true;
    complain(d, "--state", why);
    return false;
}

void desk_stats(struct desk *d, nstime now, const struct dissect_counters *c,
                const struct eve_live *live)
{
    const struct history_counters h = past_counters(d->past);
    eve_stats(d->line, now, c, incident_counters(d->incidents), &h, live, &d->config.eve);
    tell(d, DESK_STATS, SEVERITY_INFO);
}

struct history_counters desk_past(const struct desk *d)
{
    return past_counters(d->past);
}

const struct incident_counters *desk_incidents(const struct desk *d)
{
    return incident_counters(d->incidents);
}

/* --- setting up --- */

/* promises_problem_fn */
static void on_list_problem(void *user, const char *name, unsigned line, const char *what)
{
    struct desk *d = user;
    d->hooks.problem(d->hooks.user, name, line, what);
}

/* A source of which nothing can be used would leave every broken promise unseen: that is refused.
 */
static bool open_promises(struct desk *d)
{
    struct siphash_key key;
    const struct desk_config *c = &d->config;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
        !(d->promises = promises_new(&key, on_list_problem, d))) {
        complain(d, "promises", strerror(ENOMEM));
        return false;
    }
    promises_believe(d->promises, c->resolvers);
    for (uint32_t i = 0; i < c->policies_count; i++)
        if (promises_add_policies(d->promises, c->policies[i]))
            return false;
    store_through(c->relay);
    bool state = c->state && promises_add_state(d->promises, c->state) == 0;
    d->policies_missing = c->state && !state;
    return (!c->state || state || c->patient) &&
           (!c->preload || !promises_add_preload(d->promises, c->preload)) &&
           (!c->partners || !promises_add_partners(d->promises, c->partners));
}

/* suppress_ended_fn */
static void on_suppress_ended(void *user, unsigned line, const char *what)
{
    struct desk *d = user;
    on_list_problem(d, d->config.suppress, line, what);
}

static bool open_suppress(struct desk *d)
{
    d->suppress = suppress_new(on_suppress_ended, d);
    if (!d->suppress) {
        complain(d, "suppress", strerror(ENOMEM));
        return false;
    }
    return !d->config.suppress ||
           suppress_load(d->suppress, d->config.suppress, on_list_problem, NULL, d) == 0;
}

/* --- lists that are read anew --- */

static void drop_taken(struct desk *d)
{
    if (d->taken)
        lists_taken_fini(d->taken);
    free(d->taken);
    d->taken = NULL;
}

static bool begin_taken(struct desk *d)
{
    struct siphash_key key;
    drop_taken(d);
    d->taken = calloc(1, sizeof(*d->taken));
    return d->taken && getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
           lists_taken_init(d->taken, &key, on_suppress_ended, d);
}

static void use_taken(struct desk *d)
{
    struct lists_taken *t = d->taken;
    struct suppress *former = d->suppress;
    if (!t->begin.whole) {
        promises_add(d->promises, &t->lists);
    } else {
        t->lists.preload.from = t->begin.preload_from;
        t->lists.preload.until = t->begin.preload_until;
        t->lists.preload_path = t->begin.preload ? d->config.preload : NULL;
        promises_exchange(d->promises, &t->lists, t->begin.state);
        d->suppress = t->suppress;
        t->suppress = former;
    }
    d->policies_missing = d->policies_missing && !t->begin.state;
    drop_taken(d);
}

struct desk_lists desk_lists(const struct desk *d)
{
    return (struct desk_lists){.policies = promises_count(d->promises),
                               .suppressions = suppress_count(d->suppress)};
}

enum lists_step desk_list(struct desk *d, enum lists_record record, struct span body,
                          struct desk_lists *before, struct desk_lists *now)
{
    if (record == LISTS_BEGIN && !begin_taken(d))
        return LISTS_WRONG;
    if (!d->taken)
        return LISTS_MORE;
    enum lists_step step = lists_take(d->taken, record, body);
    *before = desk_lists(d);
    if (step == LISTS_WHOLE)
        use_taken(d);
    else if (step == LISTS_WRONG)
        drop_taken(d);
    *now = desk_lists(d);
    return step;
}

/* Authorities that were named must be there; those of the system are read when they are needed. */
static bool open_peers(struct desk *d)
{
    struct siphash_key key;
    const char *path = d->config.ca_file;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
        !(d->peers = peers_new(&key, path))) {
        complain(d, "certificates", strerror(ENOMEM));
        return false;
    }
    bool loaded = (path || d->config.authorities_now) && peers_load(d->peers);
    if (!path || loaded)
        return true;
    complain(d, path, "no certificate of an authority can be read from it");
    return false;
}

static bool open_judge(struct desk *d)
{
    struct siphash_key key;
    d->line = malloc(sizeof(*d->line));
    d->judgement = malloc(sizeof(*d->judgement));
    d->sides = tap_sides_new();
    if (d->line && d->judgement && d->sides &&
        getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key)) {
        d->incidents = incident_new(&key, d->config.eve.sensor, on_alert, d);
        d->memory = garble_memory_new(&key);
        d->past = past_new(&key, on_again, d);
    }
    if (d->incidents && d->config.hourly)
        incident_hourly(d->incidents, d->config.hourly);
    if (d->incidents && d->memory && d->past)
        return true;
    complain(d, "start", strerror(ENOMEM));
    return false;
}

static bool open_kept(struct desk *d)
{
    struct siphash_key key;
    char why[PAST_WHY] = "";
    if (!d->config.state)
        return true;
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
        past_keep(d->past, d->config.state, d->config.eve.sensor, &key, d->config.patient, why) ==
            0) {
        if (*why)
            complain(d, "--state", why);
        return true;
    }
    complain(d, "--state", why);
    return false;
}

static bool open_past(struct desk *d)
{
    bool good = open_kept(d);
    if (good && d->config.pair_days > 0)
        past_pairs(d->past, d->config.pair_days);
    return good;
}

/* Files have no interfaces, and a sensor without a name has nobody to be told from. */
static void name_taps(struct desk *d)
{
    const struct eve_options *eve = &d->config.eve;
    if (!eve->sensor)
        return;
    snprintf(d->tap[0], sizeof(d->tap[0]), "%s", eve->sensor);
    for (uint32_t i = 0; i < eve->interface_count && i < CAP_INTERFACES; i++)
        snprintf(d->tap[i], sizeof(d->tap[i]), "%s/%s", eve->sensor, eve->interface[i]);
}

struct desk *desk_new(const struct desk_config *c, const struct desk_hooks *hooks)
{
    struct desk *d = calloc(1, sizeof(*d));
    if (!d) {
        hooks->problem(hooks->user, "start", 0, strerror(ENOMEM));
        return NULL;
    }
    d->config = *c;
    d->config.eve.vantage = say_vantage;
    d->config.eve.vantage_user = d;
    d->hooks = *hooks;
    name_taps(d);
    d->newest = INT64_MIN;
    if (open_suppress(d) && open_promises(d) && open_peers(d) && open_judge(d) && open_past(d))
        return d;
    desk_free(d);
    return NULL;
}

void desk_free(struct desk *d)
{
    if (!d)
        return;
    incident_free(d->incidents);
    garble_memory_free(d->memory);
    past_free(d->past);
    promises_free(d->promises);
    suppress_free(d->suppress);
    peers_free(d->peers);
    drop_taken(d);
    tap_sides_free(d->sides);
    free(d->line);
    free(d->judgement);
    free(d);
}
