/* SPDX-License-Identifier: Apache-2.0 */
#include "history/history.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/attempts.h"
#include "history/days.h"
#include "history/farms.h"
#include "history/kept_server.h"
#include "history/knocks.h"
#include "history/known_offers.h"
#include "history/net.h"
#include "history/paths.h"
#include "history/senders.h"
#include "history/servers.h"
#include "history/vantages.h"

#define CLOCK_WRONG (24LL * 3600 * NS_PER_S)

struct history {
    struct psl_memory *names;
    struct layouts *layouts;
    struct servers *servers;
    struct senders *senders;
    struct farms *farms;
    struct attempts *attempts;
    struct knocks *knocks;
    struct paths *paths;
    struct doubts *doubts;
    struct stops *stops;
    struct keep *keep; /* borrowed; NULL: nothing outlives the run */
    bool ending;       /* what is decided now is so for want of more, and not kept */
    history_turn_fn turn;
    void *user;
    nstime newest;
    nstime swept;
    struct baseline late;  /* of a session that is judged again */
    struct baseline other; /* of another server than the session's */
};

/* --- turns --- */

static struct observation observation_of(const struct doubt *d, nstime now)
{
    struct observation o = {.time = now, .family = d->family, .port = d->port};
    memcpy(o.server, d->server, sizeof(o.server));
    return o;
}

/* While a doubt is open, what counts is what was usual before it. */
static void stand_still(struct usual *u, const struct doubt_view *d)
{
    uint32_t pair = u->pair;
    if (d->state == DOUBT_NONE || d->latent)
        return;
    *u = d->usual;
    u->pair = pair;
}

static void recall_doubts(struct history *h, const struct observation *o, struct baseline *b)
{
    b->offer_doubt = doubts_view(h->doubts, DOUBT_OF_OFFER, o);
    b->upgrade_doubt = doubts_view(h->doubts, DOUBT_OF_UPGRADE, o);
    stand_still(&b->offer, &b->offer_doubt);
    stand_still(&b->upgrade, &b->upgrade_doubt);
}

/* What a turn means for the memory of the server. */
static void settle(struct history *h, const struct doubt *d, struct server *r)
{
    struct keep *keep = h->ending ? NULL : h->keep;
    if (d->kind != DOUBT_OF_OFFER || !r)
        return;
    if (d->state == DOUBT_RECONFIGURED) {
        kept_server_reset(keep, r, h->newest);
        servers_reset(r);
    } else if (d->state == DOUBT_MIXED ||
               (d->state == DOUBT_NONE && !d->latent && d->usual.support != SUPPORT_WELL)) {
        kept_server_misses(keep, r, h->newest, d->misses);
        servers_learn_misses(r, h->newest, d->misses);
    } else if (d->state == DOUBT_SELECTIVE && d->latent) {
        kept_server_forgive(keep, r, h->newest);
        servers_forgive(r);
    }
}

static bool may_be_judged_again(const struct doubt *d)
{
    return d->state == DOUBT_SELECTIVE || d->state == DOUBT_PATH || d->state == DOUBT_UNDECIDED;
}

/* doubt_turn_fn */
static void on_turn(void *user, struct doubt *d)
{
    struct history *h = user;
    struct observation o = observation_of(d, h->newest);
    struct server *r = servers_find(h->servers, &o);
    settle(h, d, r);
    if (!may_be_judged_again(d) || !r)
        return;
    memset(&h->late, 0, sizeof(h->late));
    servers_recall(h->servers, r, &o, &h->late);
    recall_doubts(h, &o, &h->late);
    for (uint8_t i = 0; i < d->item_count; i++) {
        if (d->item[i].told)
            continue;
        d->item[i].told = true;
        const struct history_turn t = {
            .doubt = d, .item = &d->item[i], .baseline = &h->late, .now = h->newest};
        h->turn(h->user, &t);
    }
}

/* doubt_elsewhere_fn */
static bool elsewhere(void *user, const struct doubt *d, uint64_t *offers)
{
    struct history *h = user;
    struct observation o = observation_of(d, h->newest);
    struct server *r = h->ending ? NULL : servers_find(h->servers, &o);
    return r && servers_elsewhere(h->servers, r, h->newest, offers);
}

/* stop_turn_fn. Who takes the offer now and then, by its way, has not stopped. */
static void on_stop(void *user, struct stop *s)
{
    struct history *h = user;
    struct observation o = {.time = h->newest, .begin = h->newest, .family = s->family};
    memcpy(o.client, s->client, sizeof(o.client));
    memset(&h->late, 0, sizeof(h->late));
    memcpy(h->late.sender, s->name.text, s->name.n + 1u);
    h->late.pair_upgrade.did = s->pair;
    senders_recall(h->senders, &o, &s->name, &h->late);
    if (h->late.sender_mixed)
        return;
    for (uint8_t i = 0; i < s->item_count; i++) {
        if (s->item[i].told)
            continue;
        s->item[i].told = true;
        const struct history_turn t = {
            .stop = s, .item = &s->item[i], .baseline = &h->late, .now = h->newest};
        h->turn(h->user, &t);
    }
}

struct history *history_new(const struct siphash_key *key, history_turn_fn turn, void *user)
{
    struct history *h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->turn = turn;
    h->user = user;
    h->newest = h->swept = INT64_MIN;
    h->names = psl_memory_new(key);
    h->layouts = layouts_new();
    h->servers = h->layouts ? servers_new(key, h->layouts) : NULL;
    h->senders = senders_new(key);
    h->farms = farms_new(key);
    h->attempts = attempts_new(key);
    h->knocks = knocks_new(key);
    h->paths = paths_new(key);
    h->doubts = doubts_new(key, on_turn, elsewhere, h);
    h->stops = stops_new(key, on_stop, h);
    if (h->names && h->servers && h->senders && h->farms && h->attempts && h->knocks && h->paths &&
        h->doubts && h->stops)
        return h;
    history_free(h);
    return NULL;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    stops_free(h->stops);
    doubts_free(h->doubts);
    paths_free(h->paths);
    knocks_free(h->knocks);
    attempts_free(h->attempts);
    farms_free(h->farms);
    senders_free(h->senders);
    servers_free(h->servers);
    layouts_free(h->layouts);
    psl_memory_free(h->names);
    free(h);
}

/* --- for another process --- */

#define TABLES 12

static void tables_of(const struct history *h, struct recent *table[TABLES])
{
    struct recent **at = servers_tables(h->servers, table);
    at = senders_tables(h->senders, at);
    at = farms_tables(h->farms, at);
    at = attempts_tables(h->attempts, at);
    at = knocks_tables(h->knocks, at);
    at = paths_tables(h->paths, at);
    at = doubts_tables(h->doubts, at);
    stops_tables(h->stops, at);
}

bool history_save(struct history *h, FILE *to)
{
    struct recent *table[TABLES];
    tables_of(h, table);
    bool good = fwrite(&h->newest, sizeof(h->newest), 1, to) == 1 && layouts_save(h->layouts, to);
    for (int i = 0; good && i < TABLES; i++)
        good = recent_save(table[i], to);
    return good && vantages_save(servers_vantages(h->servers), to);
}

bool history_restore(struct history *h, FILE *from)
{
    struct recent *table[TABLES];
    tables_of(h, table);
    bool good =
        fread(&h->newest, sizeof(h->newest), 1, from) == 1 && layouts_restore(h->layouts, from);
    for (int i = 0; good && i < TABLES; i++)
        good = recent_restore(table[i], from);
    return good && vantages_restore(servers_vantages(h->servers), from);
}

void history_keep(struct history *h, struct keep *keep)
{
    h->keep = keep;
    servers_keep(h->servers, keep);
    senders_keep(h->senders, keep);
    farms_keep(h->farms, keep);
    attempts_keep(h->attempts, keep);
    doubts_keep(h->doubts, keep);
}

void history_pairs(struct history *h, uint32_t days)
{
    servers_pairs(h->servers, days);
    senders_pairs(h->senders, days);
    farms_pairs(h->farms, days);
    attempts_pairs(h->attempts, days);
    if (h->keep)
        keep_pairs(h->keep, days);
}

/* A few each second, so that nobody waits for it; all within some half an hour of packet time. */
static void sweep(struct history *h, nstime now)
{
    int32_t day = days_of(now);
    int64_t since = clock_since(now, h->swept);
    if (since >= 0 && since < NS_PER_S)
        return;
    h->swept = now;
    servers_sweep(h->servers, day);
    senders_sweep(h->senders, day);
    farms_sweep(h->farms, day);
    attempts_sweep(h->attempts, day);
}

void history_pass(struct history *h, nstime now)
{
    keep_turn(h->keep, now);
    sweep(h, now);
}

/* --- recalling --- */

void history_names(struct history *h, const struct observation *o, struct history_names *out)
{
    psl_recall(h->names, o->host, &out->farm);
    psl_recall(h->names, o->sender, &out->sender);
}

static bool should_offer(const struct observation *o, const struct baseline *b)
{
    return (b->offer.support != SUPPORT_NONE && !b->mixed) || b->known_offer || o->promised;
}

/* Digest of who owns the server: its registrable domain, or else its network. */
static uint64_t owner_of(const struct observation *o, const struct history_names *n)
{
    static const struct siphash_key key = {5, 0};
    uint8_t net[NET_BYTES];
    net_of(o->family, o->server, net);
    uint64_t h =
        n->farm.n > 0 ? siphash(&key, n->farm.text, n->farm.n) : siphash(&key, net, sizeof(net));
    return h | 1;
}

/* It was met, and what it offered was forgotten. It is no stranger, of whom its owner's other
 * servers tell; and if they spoke for it, it would be accused for ever, for what is accused is not
 * learnt.
 */
static bool starts_anew(const struct server *r)
{
    return r && r->client_count == 0 && r->days.used == 0;
}

/* And what those servers are like that it did not reach. */
static void recall_knocks(struct history *h, const struct observation *o, struct baseline *b)
{
    knocks_recall(h->knocks, o, b);
    for (uint8_t i = 0; i < b->knock_count; i++) {
        struct observation there = {.time = o->time, .family = o->family, .port = o->port};
        memcpy(there.server, b->knock[i].server, sizeof(there.server));
        memcpy(there.client, o->client, sizeof(there.client));
        memset(&h->other, 0, sizeof(h->other));
        servers_recall(h->servers, servers_find(h->servers, &there), &there, &h->other);
        b->knock[i].upgrade = h->other.upgrade;
    }
}

/* The server, with the doubts that an earlier run had of it. */
static struct server *find_server(struct history *h, const struct observation *o)
{
    struct server *r = servers_find(h->servers, o);
    if (r && r->doubted) {
        r->doubted = false;
        vantages_own(servers_vantages(h->servers), o->vantage); /* else it would be another's */
        doubts_load(h->doubts, o);
    }
    return r;
}

/* What several sessions tell together. Nothing of it matters to one that has come to TLS. */
static void recall_others(struct history *h, const struct observation *o,
                          const struct history_names *n, struct baseline *b)
{
    if (b->farm_sure && !starts_anew(servers_find(h->servers, o)))
        farms_recall(h->farms, o, &n->farm, b);
    senders_recall(h->senders, o, &n->sender, b);
    attempts_recall(h->attempts, o, &n->farm, b);
    recall_knocks(h, o, b);
    paths_recall(h->paths, o, should_offer(o, b) ? owner_of(o, n) : 0, b);
}

/* What it did itself says more. */
static void recall_known_offer(const struct observation *o, struct baseline *b)
{
    if (b->offer.support == SUPPORT_NONE)
        b->known_offer = known_offers_suffix(o->host);
}

void history_recall_offer(struct history *h, const struct observation *o,
                          const struct history_names *n, struct baseline *b)
{
    memset(b, 0, sizeof(*b));
    b->farm_sure = n->farm.n > 0 && o->host_sure;
    servers_recall_offer(find_server(h, o), o, b);
    recall_known_offer(o, b);
    recall_doubts(h, o, b);
}

/* Is it the sender that is new? Of a session that was told of its names were not asked for. */
static void recall_hello(struct history *h, const struct observation *o, struct baseline *b)
{
    struct psl_domain sender;
    psl_recall(h->names, o->sender, &sender);
    senders_recall_hello(h->senders, o, &sender, b);
}

void history_recall(struct history *h, const struct observation *o, const struct history_names *n,
                    struct baseline *b)
{
    memset(b, 0, sizeof(*b));
    memcpy(b->farm, n->farm.text, n->farm.n + 1u);
    memcpy(b->sender, n->sender.text, n->sender.n + 1u);
    b->farm_sure = n->farm.n > 0 && o->host_sure;
    servers_recall(h->servers, find_server(h, o), o, b);
    recall_known_offer(o, b);
    recall_doubts(h, o, b);
    if (o->fate != OBSERVED_FATE_TLS)
        recall_others(h, o, n, b);
    else if (baseline_other_stack(b))
        recall_hello(h, o, b);
}

nstime history_newest(struct history *h, uint8_t family, const uint8_t address[16], uint16_t port,
                      nstime now)
{
    struct observation o = {.time = now, .family = family, .port = port};
    memcpy(o.server, address, sizeof(o.server));
    const struct server *r = servers_find(h->servers, &o);
    return r && r->days.used ? days_begin(r->days.newest) : now;
}

bool history_server(struct history *h, uint8_t family, const uint8_t address[16], uint16_t port,
                    nstime now, struct baseline *b)
{
    struct observation o = {.time = now, .family = family, .port = port};
    memcpy(o.server, address, sizeof(o.server));
    const struct server *r = servers_find(h->servers, &o);
    memset(b, 0, sizeof(*b));
    servers_recall(h->servers, r, &o, b);
    return b->offer.of > 0 || b->offer.clients > 0 || b->synack.kinds > 0;
}

/* --- learning --- */

static bool is_doubted_often(struct history *h, const struct observation *o)
{
    const struct server *r = h->keep ? servers_find(h->servers, o) : NULL;
    return r && r->doubts >= CAP_HISTORY_DOUBTED;
}

/* One that began with this session. */
static struct doubt *count_doubt(struct history *h, const struct observation *o, struct doubt *of)
{
    struct server *r = of->kept && of->misses == 1 ? servers_find(h->servers, o) : NULL;
    if (r)
        r->doubts = (uint8_t)(r->doubts + (r->doubts < UINT8_MAX));
    return of;
}

/* What deviates. Where a server never offered, or offers to some, that is its way. */
static struct doubt *doubt_offer(struct history *h, const struct observation *o,
                                 const struct history_names *n, const struct baseline *b)
{
    const struct doubt_ground g = {
        .full = is_doubted_often(h, o),
        .usual = &b->offer,
        .latent = b->offer.did == 0,
        .known = baseline_would_serve(b),
        .group = owner_of(o, n),
        .path = paths_digest(o),
    };
    vantages_own(servers_vantages(h->servers), o->vantage);
    if (b->mixed)
        doubts_miss_again(h->doubts, DOUBT_OF_OFFER, o);
    if (b->mixed || (g.latent && o->offer != OBSERVED_OFFER_MISSING))
        return NULL;
    if (!g.latent) {
        struct server *r = servers_meet(h->servers, o);
        servers_note_miss(r, o);
        kept_server_miss(h->keep, r, o);
    }
    return count_doubt(h, o, doubts_miss(h->doubts, DOUBT_OF_OFFER, o, &g));
}

static struct doubt *doubt_upgrade(struct history *h, const struct observation *o,
                                   const struct history_names *n, const struct baseline *b)
{
    const struct doubt_ground g = {
        .full = is_doubted_often(h, o),
        .known = true,
        .usual = &b->upgrade,
        .group = owner_of(o, n),
        .path = paths_digest(o),
    };
    if (b->upgrade.did == 0)
        return NULL;
    return count_doubt(h, o, doubts_miss(h->doubts, DOUBT_OF_UPGRADE, o, &g));
}

static bool missed(const struct observation *o)
{
    return o->offer == OBSERVED_OFFER_MISSING || o->offer == OBSERVED_EHLO_REFUSED;
}

static bool seen(const struct observation *o)
{
    return o->offer != OBSERVED_OFFER_UNKNOWN;
}

/* Is what the session shows of the server its way, as far as is known? */
static bool teaches(const struct observation *o, const struct baseline *b)
{
    return !o->suspicious && seen(o) && (!missed(o) || b->offer.did == 0 || b->mixed);
}

/* Sessions end in another order than they began; but a clock that was a day ahead was wrong. */
static void turn_clock(struct history *h, nstime now)
{
    if (now > h->newest || clock_since(h->newest, now) >= CLOCK_WRONG)
        h->newest = now;
    doubts_tick(h->doubts, h->newest);
    stops_tick(h->stops, h->newest);
}

static void learn_attempt(struct history *h, const struct observation *o,
                          const struct history_names *n, const struct baseline *b)
{
    attempts_learn(h->attempts, o, &n->farm);
    if (o->fate == OBSERVED_FATE_ALERT && b->pair_upgrade.did == 0)
        attempts_incompatible(h->attempts, o);
}

/* What was offered, whether it was taken, and what TLS showed. True: the server showed all of it
 * before. */
static bool learn_session(struct history *h, const struct observation *o,
                          const struct history_names *n, const struct baseline *b)
{
    bool known = false;
    if (teaches(o, b)) {
        known = servers_learn(h->servers, servers_meet(h->servers, o), o);
        farms_learn(h->farms, o, &n->farm);
    }
    if (o->offer == OBSERVED_OFFER_MADE)
        doubts_serve(h->doubts, DOUBT_OF_OFFER, o);
    if (o->fate == OBSERVED_FATE_TLS)
        doubts_serve(h->doubts, DOUBT_OF_UPGRADE, o);
    if (seen(o))
        knocks_answered(h->knocks, o);
    senders_learn(h->senders, o, &n->sender, b);
    if (o->fate == OBSERVED_FATE_TLS && o->delivered)
        stops_end(h->stops, o, &n->sender);
    learn_attempt(h, o, n, b);
    if (seen(o) && should_offer(o, b))
        paths_learn(h->paths, o, owner_of(o, n));
    return known;
}

bool history_upgraded(struct history *h, const struct observation *o, const struct history_names *n,
                      const struct baseline *b)
{
    turn_clock(h, o->time);
    return learn_session(h, o, n, b);
}

static void fell_back(struct history *h, const struct usual_attempt *failed,
                      const struct doubt_case *item, const struct baseline *b)
{
    const struct history_turn t = {
        .failed = *failed, .item = item, .baseline = b, .now = h->newest};
    h->turn(h->user, &t);
}

/* Is this why its client is back in clear already? */
static void explain(struct history *h, const struct observation *o, const struct baseline *b)
{
    const struct usual_attempt failed = {
        .flow_id = o->flow_id, .time = o->time, .fate = (uint8_t)o->fate, .same_server = true};
    struct doubt_case item;
    if (attempts_explain(h->attempts, o, &item))
        fell_back(h, &failed, &item, b);
}

/* Back in clear: why, is known by now, or will be told. */
static void back(struct history *h, const struct observation *o, const struct baseline *b,
                 const struct usual_attempt *failed, const void *note, size_t size)
{
    struct doubt_case item = {.time = o->time, .flow_id = o->flow_id, .note_n = (uint16_t)size};
    if (!failed) {
        attempts_returned(h->attempts, o, note, size);
    } else if (size <= CAP_HISTORY_NOTE) {
        memcpy(item.note, note, size);
        fell_back(h, failed, &item, b);
    }
}

void history_learn(struct history *h, const struct observation *o, const struct history_names *n,
                   const struct baseline *b, const void *note, size_t size)
{
    struct doubt *offer = NULL, *upgrade = NULL;
    struct usual_attempt failed;
    turn_clock(h, o->time);
    bool meanwhile = b->failed_count == 0 && attempts_meanwhile(h->attempts, o, &failed);
    if (!o->upgraded_before)
        learn_session(h, o, n, b);
    if (b->failed_count == 0)
        back(h, o, b, meanwhile ? &failed : NULL, note, size);
    explain(h, o, b);
    if (senders_lapsed(o, b) && !b->sender_back && !b->sender_mixed)
        stops_lapse(h->stops, o, &n->sender, b, note, size);
    if (missed(o) && (offer = doubt_offer(h, o, n, b)))
        doubts_case(offer, o, note, size);
    if (o->fate == OBSERVED_FATE_REFUSED && (upgrade = doubt_upgrade(h, o, n, b)))
        doubts_case(upgrade, o, note, size);
    doubts_decide(h->doubts, offer, h->newest);
    doubts_decide(h->doubts, upgrade, h->newest);
}

void history_over(struct history *h, nstime now)
{
    turn_clock(h, now);
}

void history_knock(struct history *h, const struct observation *o, bool refused)
{
    turn_clock(h, o->time);
    knocks_note(h->knocks, o, refused);
}

void history_attempt(struct history *h, const struct observation *o, const struct history_names *n,
                     const struct baseline *b)
{
    turn_clock(h, o->time);
    learn_attempt(h, o, n, b);
    explain(h, o, b);
}

void history_finish(struct history *h)
{
    h->ending = true;
    doubts_keep(h->doubts, NULL);
    doubts_finish(h->doubts, h->newest);
    stops_finish(h->stops);
}

struct history_counters history_counters(const struct history *h)
{
    return (struct history_counters){
        .servers = servers_count(h->servers),
        .senders = senders_count(h->senders),
        .doubts = doubts_count(h->doubts),
        .stops = stops_count(h->stops),
        .evicted = {.servers = servers_evicted(h->servers),
                    .senders = senders_evicted(h->senders),
                    .farms = farms_evicted(h->farms),
                    .pairs = attempts_evicted(h->attempts),
                    .knocks = knocks_evicted(h->knocks),
                    .paths = paths_evicted(h->paths),
                    .doubts = doubts_evicted(h->doubts),
                    .stops = stops_evicted(h->stops)},
        .layouts_refused = layouts_refused(h->layouts),
    };
}
