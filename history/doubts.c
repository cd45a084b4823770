/* SPDX-License-Identifier: Apache-2.0 */
#include "history/doubts.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/kept_doubt.h"
#include "history/paths.h"
#include "history/servers.h"

#define HOUR (3600 * NS_PER_S)
#define DAY  (24 * HOUR)
#define WEEK (7 * DAY)

#define PATH_SERVERS  3 /* unrelated ones, within PATH_SPAN: it is no chance */
#define PATH_SPAN     (600 * NS_PER_S)
#define ALL_CLIENTS   3  /* that miss it are everybody */
#define MANY_MISSES   20 /* with them, sooner than a day: as many as make a memory good */
#define SOME_MISSES   3
#define SETTLED       (300 * NS_PER_S) /* five times what sensors keep before they write */
#define MIXED_PATHS   3                /* whose clients are served in turns, or not at all */
#define CLEAN         20               /* served in a row: it is over */
#define SURE_SESSIONS 40 /* of a server of which one in four lacks the offer: 1 in 100,000 */

/* Servers that never offer are many, and must not drive out those that did. */
enum { TABLE_USUAL, TABLE_LATENT, TABLES };

struct doubts {
    struct recent *table[TABLES];
    struct keep *keep; /* borrowed; NULL: nothing outlives the run */
    doubt_turn_fn turn;
    doubt_elsewhere_fn elsewhere;
    void *user;
    nstime ticked;
};

struct doubt_key {
    uint8_t address[16];
    uint16_t port;
    uint8_t family;
    uint8_t kind;
};

static struct doubt_key key_of(enum doubt_kind kind, const struct observation *o)
{
    struct doubt_key k = {.port = o->port, .family = o->family, .kind = (uint8_t)kind};
    memcpy(k.address, o->server, sizeof(k.address));
    return k;
}

struct doubts *doubts_new(const struct siphash_key *key, doubt_turn_fn turn,
                          doubt_elsewhere_fn elsewhere, void *user)
{
    struct doubts *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->turn = turn;
    d->elsewhere = elsewhere;
    d->user = user;
    d->ticked = INT64_MIN;
    for (int i = 0; i < TABLES; i++)
        d->table[i] = recent_new(key, CAP_HISTORY_DOUBTS, sizeof(struct doubt));
    if (d->table[TABLE_USUAL] && d->table[TABLE_LATENT])
        return d;
    doubts_free(d);
    return NULL;
}

struct recent **doubts_tables(struct doubts *d, struct recent **to)
{
    *to++ = d->table[TABLE_USUAL];
    *to++ = d->table[TABLE_LATENT];
    return to;
}

void doubts_free(struct doubts *d)
{
    if (!d)
        return;
    for (int i = 0; i < TABLES; i++)
        recent_free(d->table[i]);
    free(d);
}

void doubts_keep(struct doubts *d, struct keep *keep)
{
    d->keep = keep;
}

uint32_t doubts_count(const struct doubts *d)
{
    return recent_count(d->table[TABLE_USUAL]);
}

uint64_t doubts_evicted(const struct doubts *d)
{
    return recent_evicted(d->table[TABLE_USUAL]) + recent_evicted(d->table[TABLE_LATENT]);
}

static struct doubt *find(struct doubts *d, enum doubt_kind kind, const struct observation *o)
{
    const struct doubt_key k = key_of(kind, o);
    struct doubt *of = NULL;
    if (recent_count(d->table[TABLE_USUAL]) + recent_count(d->table[TABLE_LATENT]) == 0)
        return NULL; /* mostly there is none */
    uint64_t digest = recent_digest(d->table[TABLE_USUAL], &k, sizeof(k));
    for (int i = 0; i < TABLES && !of; i++)
        of = recent_find_digest(d->table[i], digest);
    return of;
}

static struct recent *table_of(struct doubts *d, const struct doubt *of)
{
    return d->table[of->latent ? TABLE_LATENT : TABLE_USUAL];
}

/* --- who missed, who was served --- */

static struct doubt_client *client_of(struct doubt *d, const struct observation *o)
{
    uint32_t who = servers_client_digest(o);
    for (uint8_t i = 0; i < d->client_count; i++)
        if (d->client[i].who == who)
            return &d->client[i];
    if (d->client_count == DOUBT_CLIENTS)
        return NULL;
    d->client[d->client_count] = (struct doubt_client){.who = who, .path = paths_digest(o)};
    return &d->client[d->client_count++];
}

static void count_up(uint16_t *n)
{
    *n = (uint16_t)(*n + (*n < UINT16_MAX));
}

struct crowd {
    uint32_t missed_only; /* clients that miss what they had */
    uint32_t missed_new;  /* that miss what they never had */
    uint32_t served_only, both;
};

static struct crowd crowd_of(const struct doubt *d)
{
    struct crowd c = {0};
    for (uint8_t i = 0; i < d->client_count; i++) {
        const struct doubt_client *p = &d->client[i];
        c.missed_only += p->missed > 0 && p->served == 0 && p->known;
        c.missed_new += p->missed > 0 && p->served == 0 && !p->known;
        c.served_only += p->missed == 0 && p->served > 0;
        c.both += p->missed > 0 && p->served > 0;
    }
    return c;
}

/* --- deciding --- */

static void turn(struct doubts *d, struct doubt *of, enum doubt_state to, nstime now)
{
    bool lasts = to == DOUBT_RECONFIGURED && of->kind == DOUBT_OF_UPGRADE; /* trouble may end */
    bool ends = (to == DOUBT_RECONFIGURED && !lasts) || to == DOUBT_MIXED || to == DOUBT_NONE;
    if (ends)
        kept_doubt_end(d->keep, of, now);
    else
        kept_doubt_turn(d->keep, of, to, now);
    of->state = to;
    d->turn(d->user, of);
    if (ends)
        recent_forget(table_of(d, of), of);
}

/* Clients that have to miss it before it is everybody. */
static uint32_t everybody(const struct doubt *of)
{
    return of->usual.clients >= ALL_CLIENTS ? ALL_CLIENTS : 2;
}

/* Unrelated servers that deviate on its path since about then. */
static uint32_t deviating(struct doubts *d, const struct doubt *of)
{
    uint64_t group[PATH_SERVERS];
    uint32_t n = 0;
    for (struct doubt *p = recent_oldest(d->table[TABLE_USUAL]); p && n < PATH_SERVERS;
         p = recent_newer(d->table[TABLE_USUAL], p)) {
        int64_t apart = clock_since(p->first, of->first);
        bool open = p->kind == DOUBT_OF_OFFER && (p->state == DOUBT_OPEN || p->state == DOUBT_PATH);
        uint32_t i = 0;
        if (!open || p->path != of->path || apart > PATH_SPAN || apart < -PATH_SPAN)
            continue;
        while (i < n && group[i] != p->group)
            i++;
        if (i == n)
            group[n++] = p->group;
    }
    return n;
}

static void decide_path(struct doubts *d, struct doubt *of, nstime now)
{
    struct doubt *next;
    if (deviating(d, of) < PATH_SERVERS)
        return;
    for (struct doubt *p = recent_oldest(d->table[TABLE_USUAL]); p; p = next) {
        int64_t apart = clock_since(p->first, of->first);
        next = recent_newer(d->table[TABLE_USUAL], p);
        if (p->state == DOUBT_OPEN && p->kind == DOUBT_OF_OFFER && p->path == of->path &&
            apart <= PATH_SPAN && apart >= -PATH_SPAN)
            turn(d, p, DOUBT_PATH, now);
    }
}

/* All miss it here: have other sensors seen more offers since they were asked first? What they
 * learn they write within a minute, so the first answer is taken when all is written that they saw
 * before it began. For a day they are waited for. */
static enum doubt_state ask_elsewhere(struct doubts *d, struct doubt *of, nstime now)
{
    struct doubt_elsewhere *e = &of->elsewhere;
    uint64_t offers = e->offers;
    if (of->kind != DOUBT_OF_OFFER)
        return DOUBT_RECONFIGURED;
    if (e->asked != 0 && clock_since(now, e->asked) < HOUR / 6)
        return of->state;
    if (!d->elsewhere(d->user, of, &offers) && e->asked == 0)
        return DOUBT_RECONFIGURED; /* nobody else knows the server */
    if (clock_since(now, of->first) < SETTLED)
        return of->state;
    bool more = e->asked != 0 && offers > e->offers;
    if (more || e->asked == 0)
        e->grew = now;
    e->since += more ? offers - e->offers : 0;
    e->offers = offers;
    e->asked = now;
    if (clock_since(now, e->grew) >= DAY)
        return DOUBT_RECONFIGURED;
    return e->since > 0 ? DOUBT_SELECTIVE : of->state;
}

/* Nobody was served since it began. */
static void decide_unserved(struct doubts *d, struct doubt *of, nstime now, bool end)
{
    struct crowd c = crowd_of(of);
    int64_t age = clock_since(now, of->first);
    bool all = c.missed_only + c.missed_new >= everybody(of);
    bool alone_for_long = age >= WEEK && of->misses >= MANY_MISSES;
    if ((all && (end || of->misses >= MANY_MISSES || (age >= DAY && of->misses >= SOME_MISSES))) ||
        alone_for_long) {
        enum doubt_state to = end ? DOUBT_RECONFIGURED : ask_elsewhere(d, of, now);
        if (to != of->state && !(end && of->state == DOUBT_SELECTIVE))
            turn(d, of, to, now);
        return;
    }
    int64_t patience = of->usual.clients == 1 ? DAY : WEEK; /* who else should come? */
    if (of->state == DOUBT_OPEN && !all && c.missed_only > 0 &&
        (age >= patience || (end && age < DAY)))
        turn(d, of, DOUBT_UNDECIDED, now);
}

/* Trouble of the server ends as well. Without an offer: all who came had missed it, and not on one
 * path alone, until somebody was served. With one: others are served again then, later, or had
 * missed it before. It may come again, and a miss tells nobody apart. */
static bool passed(const struct doubt *of, nstime now)
{
    if (of->kind == DOUBT_OF_OFFER)
        return of->many_paths && of->missed_first >= everybody(of);
    return of->missed_first > 1 || of->clean == 0 || clock_since(now, of->last) > HOUR / 6;
}

/* Networks of clients that miss it though others do not, without having a reason to: they had it as
 * well, or never did. */
static uint32_t paths_mixed(const struct doubt *of)
{
    uint64_t path[MIXED_PATHS];
    uint32_t n = 0;
    for (uint8_t i = 0; i < of->client_count && n < MIXED_PATHS; i++) {
        const struct doubt_client *p = &of->client[i];
        uint32_t k = 0;
        if (p->served > 0 ? !p->again : p->missed == 0 || p->known)
            continue;
        while (k < n && path[k] != p->path)
            k++;
        if (k == n)
            path[n++] = p->path;
    }
    return n;
}

/* Somebody was. */
static void decide_served(struct doubts *d, struct doubt *of, nstime now)
{
    struct crowd c = crowd_of(of);
    bool in_turns = of->kind == DOUBT_OF_OFFER && of->turns == DOUBT_TURNS;
    if (in_turns || paths_mixed(of) >= MIXED_PATHS) {
        turn(d, of, DOUBT_MIXED, now);
        return;
    }
    bool apart = c.missed_only > 0 || (c.both > 0 && of->usual.of >= SURE_SESSIONS);
    if (of->state == DOUBT_OPEN && apart && of->turns == 0 && !passed(of, now))
        turn(d, of, DOUBT_SELECTIVE, now);
}

/* A server that had never offered, and does now. If all its clients had missed it, it has learnt;
 * if it was one alone, a day before at most, and others have been served since, it may have offered
 * all the time. */
static void decide_latent(struct doubts *d, struct doubt *of, nstime now, bool end)
{
    struct crowd c = crowd_of(of);
    uint32_t missed = c.missed_only + c.missed_new + c.both;
    bool soon = clock_since(of->served_first, of->last) < DAY;
    if (of->served == 0) {
        if (end)
            turn(d, of, DOUBT_NONE, now);
    } else if (missed != 1 || !soon) {
        turn(d, of, DOUBT_NONE, now);
    } else if (c.served_only >= BASELINE_WELL_CLIENTS && of->served >= BASELINE_WELL_SESSIONS) {
        turn(d, of, DOUBT_SELECTIVE, now);
    } else if (end) {
        turn(d, of, c.served_only > 0 && of->served >= 2 ? DOUBT_SELECTIVE : DOUBT_NONE, now);
    }
}

static bool over(const struct doubt *of, nstime now)
{
    return of->clean >= CLEAN || clock_since(now, of->last) >= WEEK;
}

static void decide(struct doubts *d, struct doubt *of, nstime now, bool end)
{
    if (of->latent && of->state == DOUBT_OPEN)
        decide_latent(d, of, now, end);
    else if (of->served > 0 && !over(of, now))
        decide_served(d, of, now);
    else if (of->served > 0 || (of->state != DOUBT_OPEN && over(of, now)))
        turn(d, of, DOUBT_NONE, now);
    else if (of->state != DOUBT_RECONFIGURED)
        decide_unserved(d, of, now, end);
}

void doubts_decide(struct doubts *d, struct doubt *of, nstime now)
{
    if (!of)
        return;
    if (of->state == DOUBT_OPEN && of->served == 0 && !of->latent && of->kind == DOUBT_OF_OFFER)
        decide_path(d, of, now);
    decide(d, of, now, false);
}

static void decide_all(struct doubts *d, nstime now, bool end)
{
    struct doubt *next;
    for (int i = 0; i < TABLES; i++)
        for (struct doubt *p = recent_oldest(d->table[i]); p; p = next) {
            next = recent_newer(d->table[i], p);
            decide(d, p, now, end);
        }
}

void doubts_tick(struct doubts *d, nstime now)
{
    int64_t since = clock_since(now, d->ticked);
    if (since >= 0 && since < HOUR / 6)
        return;
    d->ticked = now;
    decide_all(d, now, false);
}

void doubts_finish(struct doubts *d, nstime now)
{
    decide_all(d, now, true);
}

/* --- telling --- */

static struct doubt *begin(struct doubts *d, enum doubt_kind kind, const struct observation *o,
                           const struct doubt_ground *g)
{
    const struct doubt_key k = key_of(kind, o);
    struct recent *table = d->table[g->latent ? TABLE_LATENT : TABLE_USUAL];
    struct doubt *of = recent_keep(table, &k, sizeof(k));
    *of = (struct doubt){.kind = kind,
                         .state = DOUBT_OPEN,
                         .family = o->family,
                         .port = o->port,
                         .group = g->group,
                         .path = g->path,
                         .latent = g->latent,
                         .usual = *g->usual,
                         .first = o->time};
    memcpy(of->server, o->server, sizeof(of->server));
    kept_doubt_begin(g->full ? NULL : d->keep, of);
    return of;
}

static void missed(struct doubt *of, struct doubt_client *c, const struct observation *o)
{
    if (c) {
        c->again |= c->served > 0;
        count_up(&c->missed);
    }
    of->misses++;
    of->clean = 0;
    of->last = o->time;
}

/* Who sits on one path hits one path. */
static void note_path(struct doubt *of, uint64_t path)
{
    if (path == of->path)
        return;
    of->many_paths = true;
    for (uint8_t i = 0; i < of->turns; i++)
        if (of->turn_path[i] == path)
            return;
    if (of->clean > 0 && of->turns < DOUBT_TURNS)
        of->turn_path[of->turns++] = path;
}

struct doubt *doubts_miss(struct doubts *d, enum doubt_kind kind, const struct observation *o,
                          const struct doubt_ground *g)
{
    struct doubt *of = find(d, kind, o);
    if (!of)
        of = begin(d, kind, o, g);
    recent_use(table_of(d, of), of);
    struct doubt before = *of;
    note_path(of, g->path);
    struct doubt_client *c = client_of(of, o);
    if (c)
        c->known |= g->known;
    missed(of, c, o);
    kept_doubt_change(d->keep, &before, of, o->time);
    return of;
}

void doubts_load(struct doubts *d, const struct observation *o)
{
    for (int kind = 0; d->keep && kind < DOUBT_KIND_COUNT; kind++) {
        struct doubt there = {.kind = (enum doubt_kind)kind, .family = o->family, .port = o->port};
        const struct doubt_key k = key_of(there.kind, o);
        memcpy(there.server, o->server, sizeof(there.server));
        if (!find(d, there.kind, o) && kept_doubt_load(d->keep, &there, o->time))
            *(struct doubt *)recent_keep(d->table[TABLE_USUAL], &k, sizeof(k)) = there;
    }
}

void doubts_miss_again(struct doubts *d, enum doubt_kind kind, const struct observation *o)
{
    struct doubt *of = find(d, kind, o);
    if (!of)
        return;
    struct doubt before = *of;
    missed(of, client_of(of, o), o);
    kept_doubt_change(d->keep, &before, of, o->time);
    decide(d, of, o->time, false);
}

void doubts_serve(struct doubts *d, enum doubt_kind kind, const struct observation *o)
{
    struct doubt *of = find(d, kind, o);
    if (!of)
        return;
    struct doubt before = *of;
    struct doubt_client *c = client_of(of, o);
    if (c)
        count_up(&c->served);
    if (of->served++ == 0) {
        struct crowd crowd = crowd_of(of);
        of->served_first = o->time;
        of->missed_first = crowd.missed_only + crowd.missed_new + crowd.both;
    }
    of->clean++;
    kept_doubt_change(d->keep, &before, of, o->time);
    decide(d, of, o->time, false);
}

void doubts_case(struct doubt *d, const struct observation *o, const void *note, size_t n)
{
    if (d->item_count == CAP_HISTORY_CASES || n > CAP_HISTORY_NOTE)
        return;
    struct doubt_case *c = &d->item[d->item_count++];
    *c = (struct doubt_case){.time = o->time, .flow_id = o->flow_id, .note_n = (uint16_t)n};
    memcpy(c->note, note, n);
}

struct doubt_view doubts_view(struct doubts *d, enum doubt_kind kind, const struct observation *o)
{
    const struct doubt *of = find(d, kind, o);
    struct doubt_view v = {.state = DOUBT_NONE};
    if (!of)
        return v;
    struct crowd c = crowd_of(of);
    v.state = of->state;
    v.latent = of->latent;
    v.usual = of->usual;
    v.same_path = of->path == paths_digest(o);
    v.first = of->first;
    v.misses = of->misses;
    v.missed = c.missed_only + c.missed_new + c.both;
    v.served = of->served;
    v.elsewhere = of->elsewhere.since;
    v.served_others = c.served_only;
    return v;
}
