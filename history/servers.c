/* SPDX-License-Identifier: Apache-2.0 */
#include "history/servers.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/kept_server.h"
#include "history/proportion.h"
#include "history/vantages.h"

#define SWEPT      16   /* servers that one sweep looks at */
#define OLDEST     32   /* that are looked at when one has to go: so many known ones lose one */
#define CACHE_LINE 64   /* bytes */
#define CLEAR      25.0 /* times as many in a row as one miss among so many would let expect */

struct server_key {
    uint8_t address[16];
    uint16_t port;
    uint8_t family;
    uint8_t zero;
};

struct servers {
    struct recent *table;
    struct vantages vantages;
    struct layouts *layouts; /* borrowed */
    struct keep *keep;       /* likewise; NULL: nothing outlives the run */
    uint64_t evicted;
    uint32_t pair_days;
    struct server_key key; /* that was looked for last, for it is so several times in a row */
    struct server *found;  /* by it; NULL: none was */
};

static struct server_key key_of(const struct observation *o)
{
    struct server_key k = {.port = o->port, .family = o->family};
    memcpy(k.address, o->server, sizeof(k.address));
    return k;
}

struct servers *servers_new(const struct siphash_key *key, struct layouts *layouts)
{
    struct servers *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->layouts = layouts;
    s->pair_days = PAIR_DAYS;
    s->table = recent_new(key, CAP_HISTORY_SERVERS, sizeof(struct server));
    if (s->table)
        return s;
    free(s);
    return NULL;
}

struct recent **servers_tables(struct servers *s, struct recent **to)
{
    *to++ = s->table;
    return to;
}

struct vantages *servers_vantages(struct servers *s)
{
    return &s->vantages;
}

void servers_free(struct servers *s)
{
    if (!s)
        return;
    recent_free(s->table);
    free(s);
}

void servers_keep(struct servers *s, struct keep *keep)
{
    s->keep = keep;
}

uint32_t servers_count(const struct servers *s)
{
    return recent_count(s->table);
}

uint64_t servers_evicted(const struct servers *s)
{
    return s->evicted;
}

/* Nobody gains by choosing addresses that meet: two clients would count as one. */
uint32_t servers_client_digest(const struct observation *o)
{
    static const struct siphash_key key = {1, 0};
    uint64_t h = siphash(&key, o->client, sizeof(o->client));
    return (uint32_t)h ? (uint32_t)h : 1;
}

uint64_t servers_issuer_digest(struct span issuer)
{
    static const struct siphash_key key = {2, 0};
    return issuer.n > 0 ? siphash(&key, issuer.p, issuer.n) | 1 : 0;
}

void servers_pairs(struct servers *s, uint32_t days)
{
    s->pair_days = days;
}

static void forget_clients(const struct servers *s, struct server *r, int32_t day)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < r->client_count; i++)
        if (!days_over(r->client[i].day, day, s->pair_days)) {
            if (kept != i)
                r->client[kept] = r->client[i];
            kept++;
        }
    memset(r->client + kept, 0, (size_t)(r->client_count - kept) * sizeof(r->client[0]));
    r->client_count = kept;
}

void servers_sweep(struct servers *s, int32_t day)
{
    for (int i = 0; i < SWEPT; i++) {
        struct server *r = recent_round(s->table);
        if (r)
            forget_clients(s, r, day);
    }
}

/* --- which one --- */

static uint32_t weight(const struct server *r)
{
    return days_sum(&r->days, r->days.newest, DAY_COMPLETE);
}

/* Lets the least known of the oldest few go. The others that were met more than once are as good as
 * met again, so that those met since come to stand between them, and go first. */
static void make_room(struct servers *s)
{
    struct server *oldest[OLDEST] = {NULL};
    uint32_t known[OLDEST];
    size_t n = 0, least = 0;
    for (struct server *r = recent_oldest(s->table); r && n < OLDEST; r = recent_newer(s->table, r))
        oldest[n++] = r;
    for (size_t i = 0; i < n; i++) {
        known[i] = weight(oldest[i]);
        if (known[i] < known[least])
            least = i;
    }
    for (size_t i = 0; i < n; i++)
        if (i != least && known[i] > 1)
            recent_use(s->table, oldest[i]);
    if (s->found == oldest[least])
        s->found = NULL;
    recent_forget(s->table, oldest[least]);
    s->evicted++;
}

/* It is not in the caches, mostly, and will be read here and there. */
static void fetch_early(const struct server *r)
{
    for (size_t at = 0; at < sizeof(*r); at += CACHE_LINE)
        __builtin_prefetch((const uint8_t *)r + at);
}

static struct server *look(struct servers *s, const struct server_key *k)
{
    if (s->found && memcmp(k, &s->key, sizeof(*k)) == 0)
        return s->found;
    s->key = *k;
    s->found = recent_find(s->table, k, sizeof(*k));
    if (s->found)
        fetch_early(s->found);
    return s->found;
}

static struct server *meet(struct servers *s, const struct observation *o)
{
    const struct server_key k = key_of(o);
    struct server *r = look(s, &k);
    if (r) {
        recent_use(s->table, r);
        return r;
    }
    if (recent_is_full(s->table))
        make_room(s);
    r = s->found = recent_keep(s->table, &k, sizeof(k));
    r->family = o->family;
    r->port = o->port;
    memcpy(r->address, o->server, sizeof(r->address));
    return r;
}

/* One that a store was not asked for yet is asked for. */
static struct server *remembered(struct servers *s, struct server *r, nstime t)
{
    if (s->keep && !r->loaded)
        kept_server_load(s->keep, s->layouts, &s->vantages, r, t);
    if (r->swept != days_of(t)) {
        r->swept = days_of(t);
        forget_clients(s, r, r->swept);
    }
    return r;
}

struct server *servers_find(struct servers *s, const struct observation *o)
{
    const struct server_key k = key_of(o);
    struct server *r = s->keep ? meet(s, o) : look(s, &k);
    if (!r)
        return NULL;
    recent_use(s->table, r);
    return remembered(s, r, o->time);
}

struct server *servers_meet(struct servers *s, const struct observation *o)
{
    return remembered(s, meet(s, o), o->time);
}

void servers_reset(struct server *r)
{
    memset(&r->days, 0, sizeof(r->days));
    memset(r->client, 0, sizeof(r->client));
    memset(r->layout, 0, sizeof(r->layout));
    memset(r->vantage, 0, sizeof(r->vantage));
    r->client_count = 0;
    r->more_clients = false;
    r->run = 0;
}

/* --- counting --- */

static struct server_client *client_of(struct server *r, const struct observation *o, bool make)
{
    uint32_t who = servers_client_digest(o);
    uint16_t day = (uint16_t)days_of(o->time);
    for (uint8_t i = 0; i < r->client_count; i++)
        if (r->client[i].who == who) {
            r->client[i].day = day;
            return &r->client[i];
        }
    if (!make)
        return NULL;
    if (r->client_count == CAP_HISTORY_CLIENTS) {
        r->more_clients = true;
        return NULL;
    }
    r->client[r->client_count] = (struct server_client){.who = who, .day = day};
    return &r->client[r->client_count++];
}

static void count_up(uint16_t *n)
{
    *n = (uint16_t)(*n + (*n < UINT16_MAX));
}

/* False: new, or none that can be learnt. */
static bool layout_seen(struct server *r, uint16_t number, int32_t day)
{
    size_t place = 0;
    if (number == 0)
        return false;
    for (size_t i = 0; i < BASELINE_LAYOUTS; i++) {
        if (r->layout[i].number == number) {
            r->layout[i].count++;
            r->layout[i].day = day;
            return true;
        }
        bool free_one = r->layout[i].number == 0 && r->layout[place].number != 0;
        bool older = r->layout[i].number != 0 && r->layout[place].number != 0 &&
                     (r->layout[i].day < r->layout[place].day ||
                      (r->layout[i].day == r->layout[place].day &&
                       r->layout[i].count < r->layout[place].count));
        if (free_one || older)
            place = i;
    }
    r->layout[place].number = number;
    r->layout[place].count = 1;
    r->layout[place].day = day;
    return false;
}

static bool is_later(uint16_t day, uint16_t other)
{
    return days_near(day, other) > other;
}

void servers_place(struct server *r, uint8_t number, uint32_t of, uint32_t did, int32_t first,
                   int32_t last)
{
    struct server_vantage *place = &r->vantage[0];
    if (number == 0)
        return;
    for (size_t i = 0; i < BASELINE_VANTAGES; i++) {
        struct server_vantage *at = &r->vantage[i];
        if (at->number == number) {
            place = at;
            break;
        }
        if (place->number && (!at->number || is_later(place->last, at->last)))
            place = at;
    }
    if (place->number != number)
        *place = (struct server_vantage){
            .number = number, .first = (uint16_t)first, .last = (uint16_t)last};
    place->of = place->of > UINT32_MAX - of ? UINT32_MAX : place->of + of;
    place->did = place->did > UINT32_MAX - did ? UINT32_MAX : place->did + did;
    if (is_later(place->first, (uint16_t)first))
        place->first = (uint16_t)first;
    if (is_later((uint16_t)last, place->last))
        place->last = (uint16_t)last;
}

/* It offers to everybody by now: as many in a row as misses that were mere chance would not let
 * pass. What it did before does not count any more. */
static bool gained(const struct server *r, int32_t day)
{
    uint32_t complete = days_sum(&r->days, day, DAY_COMPLETE);
    uint32_t missed = complete - days_sum(&r->days, day, DAY_OFFERED);
    return missed > 0 && r->run >= BASELINE_WELL_SESSIONS &&
           (double)r->run * missed > CLEAR * complete;
}

static bool learn_offer(struct servers *s, struct server *r, const struct observation *o,
                        int32_t day)
{
    bool made = o->offer == OBSERVED_OFFER_MADE;
    bool full = days_full(&r->days, day);
    struct server_client *c = client_of(r, o, true);
    days_add(&r->days, day, DAY_COMPLETE, !full);
    days_add(&r->days, day, DAY_OFFERED, made && !full);
    if (c)
        count_up(made ? &c->offered : &c->missed);
    r->run = made ? r->run + 1 : 0;
    servers_place(r, vantages_own(&s->vantages, o->vantage), 1, made, day, day);
    bool known = layout_seen(r, layouts_learn(s->layouts, o->word, o->word_count), day);
    if (made && gained(r, day)) {
        kept_server_forgive(s->keep, r, o->time);
        days_forgive(&r->days);
    }
    return known;
}

/* True: its reply was seen before. */
static bool count_session(struct servers *s, struct server *r, const struct observation *o,
                          int32_t day)
{
    bool full = days_full(&r->days, day), known = false;
    if (o->offer == OBSERVED_OFFER_MADE || o->offer == OBSERVED_OFFER_MISSING)
        known = learn_offer(s, r, o, day);
    if (o->offer == OBSERVED_OFFER_MADE && o->fate != OBSERVED_FATE_NONE)
        days_add(&r->days, day, DAY_ASKED, !full);
    if (o->offer != OBSERVED_OFFER_MADE || o->fate != OBSERVED_FATE_TLS)
        return known;
    struct server_client *c = client_of(r, o, false);
    if (c)
        count_up(&c->upgraded);
    days_add(&r->days, day, DAY_UPGRADED, !full);
    return known;
}

static bool issuer_seen(struct server *r, struct span issuer, int32_t day)
{
    size_t n = issuer.n < CAP_HISTORY_ISSUER ? issuer.n : CAP_HISTORY_ISSUER;
    if (n == 0)
        return true;
    memcpy(r->issuer_name, issuer.p, n);
    r->issuer_name[n] = '\0';
    return kinds_seen(&r->issuer, servers_issuer_digest(issuer), day);
}

static uint16_t flight_of(const struct observation *o)
{
    return o->flight < UINT16_MAX ? (uint16_t)o->flight : UINT16_MAX;
}

static void flight_seen(struct server *r, uint16_t f)
{
    if (f == 0)
        return;
    bool less = r->flights == 0 || f < r->flight_least;
    bool more = f > r->flight_most;
    r->least_once = less || (r->least_once && f != r->flight_least);
    r->most_once = more || (r->most_once && f != r->flight_most);
    r->flight_least = less ? f : r->flight_least;
    r->flight_most = more ? f : r->flight_most;
    r->flights++;
}

static bool learn_handshake(struct server *r, const struct observation *o, int32_t day)
{
    bool known = kinds_seen(&r->version, o->tls_version, day);
    known &= kinds_seen(&r->spki, o->spki, day);
    known &= kinds_seen(&r->ja3s, o->ja3s, day);
    known &= issuer_seen(r, o->issuer, day);
    flight_seen(r, flight_of(o));
    return known;
}

bool servers_learn(struct servers *s, struct server *r, const struct observation *o)
{
    int32_t day = days_of(o->time);
    bool known = count_session(s, r, o, day);
    known &= kinds_seen(&r->synack, o->synack, day);
    if (o->fate == OBSERVED_FATE_TLS)
        known &= learn_handshake(r, o, day);
    kept_server_learn(s->keep, s->layouts, r, o);
    return known;
}

bool servers_elsewhere(struct servers *s, struct server *r, nstime t, uint64_t *offers)
{
    return s->keep && kept_server_elsewhere(s->keep, &s->vantages, r, t, offers);
}

void servers_note_miss(struct server *r, const struct observation *o)
{
    struct server_client *c = client_of(r, o, true);
    if (c)
        count_up(&c->missed);
}

void servers_forgive(struct server *r)
{
    days_forgive(&r->days);
}

void servers_learn_misses(struct server *r, nstime t, uint32_t n)
{
    days_add(&r->days, days_of(t), DAY_COMPLETE, n);
    r->run = 0;
}

/* --- recalling --- */

enum support servers_support(const struct usual *u)
{
    bool wide = u->clients >= BASELINE_WELL_CLIENTS || u->pair >= BASELINE_WELL_SESSIONS;
    if (u->of >= BASELINE_WELL_SESSIONS && wide &&
        proportion_least(u->did, u->of) >= BASELINE_WELL_SHARE)
        return SUPPORT_WELL;
    if (u->did >= 2 && (double)u->did >= BASELINE_WELL_SHARE * u->of)
        return SUPPORT_THIN;
    return SUPPORT_NONE;
}

static void recall_clients(const struct server *r, const struct observation *o, struct baseline *b)
{
    uint32_t who = servers_client_digest(o);
    for (uint8_t i = 0; i < r->client_count; i++) {
        const struct server_client *c = &r->client[i];
        b->offer.clients += c->offered > 0;
        b->upgrade.clients += c->upgraded > 0;
        b->never_served += c->who != who && c->offered == 0 && c->missed > 0;
        if (c->who != who)
            continue;
        b->offer.pair = c->offered;
        b->upgrade.pair = b->pair_upgrade.did = c->upgraded;
        b->pair_upgrade.of = c->offered;
        b->constant_miss = c->offered == 0 && c->missed > 0;
    }
    b->offer.more_clients = b->upgrade.more_clients = r->more_clients;
}

static void recall_vantages(const struct servers *s, const struct server *r,
                            const struct observation *o, struct baseline *b)
{
    int32_t day = days_of(o->time);
    b->placed = o->vantage.n > 0;
    for (size_t i = 0; i < BASELINE_VANTAGES; i++) {
        const struct server_vantage *at = &r->vantage[i];
        if (at->number == 0)
            continue;
        const char *name = vantages_name(&s->vantages, at->number);
        b->vantage[b->vantage_count++] = (struct usual_vantage){
            .name = name,
            .here = span_eq(o->vantage, span_str(name)),
            .of = at->of,
            .did = at->did,
            .first = days_near(at->first, day),
            .last = days_near(at->last, day),
        };
    }
}

/* Without the session itself, if it was learnt from already. */
static void recall_layouts(const struct servers *s, const struct server *r,
                           const struct observation *o, struct baseline *b)
{
    uint16_t own = o->upgraded_before ? layouts_find(s->layouts, o->word, o->word_count) : 0;
    for (size_t i = 0; i < BASELINE_LAYOUTS; i++) {
        bool itself = own != 0 && r->layout[i].number == own && r->layout[i].count == 1;
        if (r->layout[i].number == 0 || itself)
            continue;
        b->layout[b->layout_count].known = layouts_get(s->layouts, r->layout[i].number);
        b->layout[b->layout_count++].count = r->layout[i].count;
    }
}

/* The one that more sessions had than any other. */
static void recall_version(const struct server *r, struct baseline *b)
{
    uint32_t most = 0;
    for (size_t i = 0; i < KINDS_MOST; i++)
        if (r->version.one[i].count > most) {
            most = r->version.one[i].count;
            b->version_usual = (uint16_t)r->version.one[i].what;
        }
    b->version_count = most;
}

/* Is the flight as large as those before? */
static struct usual_kind recall_flight(const struct server *r, const struct observation *o)
{
    uint16_t f = flight_of(o);
    bool itself = o->upgraded_before && f != 0 && r->flights > 0;
    bool alone = itself &&
                 ((r->least_once && f == r->flight_least) || (r->most_once && f == r->flight_most));
    return (struct usual_kind){
        .seen = r->flights - itself,
        .same = f != 0 && !alone && f >= r->flight_least && f <= r->flight_most,
    };
}

static void recall_handshakes(const struct server *r, const struct observation *o,
                              struct baseline *b)
{
    bool itself = o->upgraded_before;
    b->version = kinds_recall(&r->version, o->tls_version, itself);
    b->spki = kinds_recall(&r->spki, o->spki, itself);
    b->issuer = kinds_recall(&r->issuer, servers_issuer_digest(o->issuer), itself);
    b->ja3s = kinds_recall(&r->ja3s, o->ja3s, itself);
    b->synack = kinds_recall(&r->synack, o->synack, itself);
    b->ja3s_seen = o->ja3s != 0;
    b->synack_seen = o->synack != 0;
    b->flight_seen = o->flight != 0;
    b->flight = recall_flight(r, o);
    b->issuer_usual = r->issuer_name[0] ? r->issuer_name : NULL;
    recall_version(r, b);
}

void servers_recall_offer(const struct server *r, const struct observation *o, struct baseline *b)
{
    if (!r)
        return;
    int32_t day = days_of(o->time);
    b->offer.of = days_sum(&r->days, day, DAY_COMPLETE);
    b->offer.did = days_sum(&r->days, day, DAY_OFFERED);
    b->offer.days = b->upgrade.days = days_span(&r->days, day);
    b->upgrade.of = days_sum(&r->days, day, DAY_ASKED);
    b->upgrade.did = days_sum(&r->days, day, DAY_UPGRADED);
    b->never = b->offer.did == 0 ? b->offer.of : 0;
    b->mixed = b->offer.did > 0 && b->offer.did < b->offer.of;
    recall_clients(r, o, b);
    b->offer.support = servers_support(&b->offer);
    b->upgrade.support = servers_support(&b->upgrade);
}

void servers_recall(struct servers *s, const struct server *r, const struct observation *o,
                    struct baseline *b)
{
    if (!r)
        return;
    servers_recall_offer(r, o, b);
    recall_layouts(s, r, o, b);
    recall_vantages(s, r, o, b);
    recall_handshakes(r, o, b);
}
