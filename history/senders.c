/* SPDX-License-Identifier: Apache-2.0 */
#include "history/senders.h"

#include <stdlib.h>

#include "base/recent.h"
#include "base/text.h"
#include "history/days.h"
#include "history/keep.h"
#include "history/kinds.h"
#include "history/net.h"
#include "history/servers.h"

#define NAMES   8   /* hosts of one sender in one network that are told apart */
#define SERVERS 128 /* that it was upgraded with: what of it is cut off is known by them */
#define SWEPT   16  /* senders that one sweep looks at */

struct sender {
    struct days days;     /* DAY_OFFERED, DAY_UPGRADED; DAY_ASKED: came back */
    uint64_t name[NAMES]; /* digests of EHLO names that upgraded */
    uint32_t server[SERVERS];
    uint16_t met[SERVERS]; /* the day when last, short */
    uint8_t name_count, server_count;
    int32_t tidied;        /* the day when servers of too long ago were forgotten last */
    uint16_t lapses;       /* in clear although offered, since the last that upgraded */
    nstime upgraded;       /* when the newest session that upgraded began */
    uint16_t incompatible; /* handshakes that ended by an alert */
    bool loaded;           /* what a store had is in it */
    uint8_t novel;         /* kinds of hellos that the store has of it */
    uint32_t delivered;
    struct kinds ja4;
};

struct senders {
    struct recent *table;
    struct keep *keep; /* borrowed; NULL: nothing outlives the run */
    uint32_t pair_days;
};

struct senders *senders_new(const struct siphash_key *key)
{
    struct senders *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->pair_days = PAIR_DAYS;
    s->table = recent_new(key, CAP_HISTORY_SENDERS, sizeof(struct sender));
    if (s->table)
        return s;
    free(s);
    return NULL;
}

struct recent **senders_tables(struct senders *s, struct recent **to)
{
    *to++ = s->table;
    return to;
}

void senders_free(struct senders *s)
{
    if (!s)
        return;
    recent_free(s->table);
    free(s);
}

void senders_keep(struct senders *s, struct keep *keep)
{
    s->keep = keep;
}

uint32_t senders_count(const struct senders *s)
{
    return recent_count(s->table);
}

uint64_t senders_evicted(const struct senders *s)
{
    return recent_evicted(s->table);
}

size_t senders_key(struct sender_key *k, const struct observation *o, const struct psl_domain *name)
{
    net_of(o->family, o->client, k->net);
    memcpy(k->name, name->text, name->n);
    return sizeof(k->net) + name->n;
}

static uint64_t digest(const void *p, size_t n)
{
    static const struct siphash_key key = {3, 0};
    return siphash(&key, p, n) | 1;
}

static bool has(const uint64_t *list, uint8_t n, uint64_t what)
{
    for (uint8_t i = 0; i < n; i++)
        if (list[i] == what)
            return true;
    return false;
}

/* False: it is there, or there is no room. */
static bool add(uint64_t *list, uint8_t *n, uint8_t most, uint64_t what)
{
    if (has(list, *n, what) || *n == most)
        return false;
    list[(*n)++] = what;
    return true;
}

static void count_by(uint16_t *n, uint32_t by)
{
    uint32_t sum = *n + by;
    *n = sum < UINT16_MAX ? (uint16_t)sum : UINT16_MAX;
}

/* --- servers that it met --- */

void senders_pairs(struct senders *s, uint32_t days)
{
    s->pair_days = days;
}

#define LOOKED_AT 16 /* servers at a time, which compilers compare at once */

_Static_assert(SERVERS % LOOKED_AT == 0, "the last servers would not be looked at");

static void forget_servers(const struct senders *s, struct sender *r, int32_t day)
{
    uint8_t kept = 0;
    r->tidied = day;
    for (uint8_t i = 0; i < r->server_count; i++) {
        if (days_over(r->met[i], day, s->pair_days))
            continue;
        r->server[kept] = r->server[i];
        r->met[kept++] = r->met[i];
    }
    memset(r->server + kept, 0, (size_t)(r->server_count - kept) * sizeof(r->server[0]));
    r->server_count = kept;
}

void senders_sweep(struct senders *s, int32_t day)
{
    for (int i = 0; i < SWEPT; i++) {
        struct sender *r = recent_round(s->table);
        if (r)
            forget_servers(s, r, day);
    }
}

/* Of its digest half is kept: of so few no two meet by chance. */
static uint32_t half(uint64_t digest)
{
    return (uint32_t)(digest >> 32);
}

/* When it was met so last; NULL: it was not, or there is no room for it. */
static uint16_t *met_last(struct sender *r, uint64_t server)
{
    for (unsigned i = 0; i < r->server_count; i += LOOKED_AT) {
        unsigned at = i, any = 0;
        for (unsigned j = 0; j < LOOKED_AT; j++)
            any |= r->server[i + j] == half(server);
        while (any && at < r->server_count && r->server[at] != half(server))
            at++;
        if (any && at < r->server_count)
            return &r->met[at];
    }
    return NULL;
}

/* Likewise, but a new one was met at `otherwise`. */
static uint16_t *met(struct sender *r, uint64_t server, int32_t otherwise)
{
    uint16_t *last = met_last(r, server);
    if (last || r->server_count == SERVERS)
        return last;
    r->server[r->server_count] = half(server);
    r->met[r->server_count] = (uint16_t)otherwise;
    return &r->met[r->server_count++];
}

/* --- what outlives the run: docs/history.md has the fields --- */

/* "alder.example@192.0.2.0" */
static void kept_name(struct keep_text *t, const struct sender_key *k, size_t n)
{
    char net[TEXT_IP];
    uint8_t address[16] = {0};
    memcpy(address, k->net + 1, NET_BYTES - 1);
    text_ip(net, k->net[0], address);
    keep_text_init(t);
    keep_put_bytes(t, span_of(k->name, n - sizeof(k->net)));
    keep_put(t, "@");
    keep_put(t, net);
}

static void put_thing(struct keep_text *f, char letter, uint64_t value, unsigned hex,
                      unsigned decimal)
{
    keep_text_init(f);
    keep_put_bytes(f, span_of(&letter, 1));
    if (hex > 0)
        keep_put_hex(f, value, hex);
    if (decimal > 0)
        keep_put_number(f, value, decimal);
}

static void keep_thing(struct keep *k, char letter, uint64_t value, unsigned hex, unsigned decimal,
                       int64_t by)
{
    struct keep_text f;
    if (!k)
        return;
    put_thing(&f, letter, value, hex, decimal);
    keep_add(k, keep_text_span(&f), by);
}

static void keep_server(struct keep *k, uint64_t server)
{
    struct keep_text f;
    put_thing(&f, 's', server, 16, 0);
    keep_add_pair(k, keep_text_span(&f), 1);
}

static bool load_day(struct sender *r, const struct kept_field *f, struct span text)
{
    uint32_t n = keep_count(f->total, UINT16_MAX);
    int32_t day;
    if (!keep_read_day(f, span_from(text, 1), &day))
        return false;
    if (n > 0 && text.p[0] == 'b')
        days_add(&r->days, day, DAY_ASKED, n);
    else if (n > 0)
        days_add(&r->days, day, DAY_OFFERED, n);
    if (n > 0 && text.p[0] == 'u')
        days_add(&r->days, day, DAY_UPGRADED, n);
    return true;
}

static bool load_digest(uint64_t *list, uint8_t *n, uint8_t most, struct span text)
{
    uint64_t what;
    if (!keep_read_hex(span_from(text, 1), 16, &what) || what == 0)
        return false;
    add(list, n, most, what);
    return true;
}

static bool load_server(struct sender *r, const struct kept_field *f)
{
    uint64_t what;
    if (!keep_read_hex(span_from(f->text, 1), 16, &what) || what == 0)
        return false;
    uint16_t *day = met(r, what, f->first);
    if (day && days_over(*day, f->first, 1))
        *day = (uint16_t)f->first;
    return true;
}

static bool load_hello(struct sender *r, const struct kept_field *f)
{
    uint32_t n = keep_count(f->total, UINT32_MAX);
    uint64_t what;
    if (!keep_read_hex(span_from(f->text, 1), 16, &what) || what == 0)
        return false;
    r->novel = (uint8_t)(r->novel + (r->novel < CAP_HISTORY_HELLOS));
    if (n > 0)
        kinds_put(&r->ja4, what, n, f->first);
    return true;
}

static bool load_field(struct sender *r, int64_t *lapses, const struct kept_field *f)
{
    uint32_t n = keep_count(f->total, UINT32_MAX - UINT16_MAX);
    struct span text = f->text;
    switch (text.p[0]) {
    case 'b':
    case 'o':
    case 'u':
        return load_day(r, f, text);
    case 'n':
        return load_digest(r->name, &r->name_count, NAMES, text);
    case 's':
        return load_server(r, f);
    case 'j':
        return load_hello(r, f);
    case 'a':
        count_by(&r->incompatible, n);
        break;
    case 'l':
        *lapses += keep_balance(f->total);
        break;
    case 'd':
        r->delivered = r->delivered > UINT32_MAX - n ? UINT32_MAX : r->delivered + n;
        break;
    default:
        return false;
    }
    return text.n == 1;
}

static void load(struct senders *s, struct sender *r, struct span name, int32_t day)
{
    int64_t lapses = 0;
    struct kept kept;
    if (!keep_load(s->keep, KEEP_SENDER, name, day, &kept))
        return;
    *r = (struct sender){.loaded = true};
    for (size_t i = 0; i < kept.count; i++)
        if (!load_field(r, &lapses, &kept.field[i]))
            keep_pass_over(s->keep);
    r->lapses = (uint16_t)keep_count(lapses, UINT16_MAX);
}

static struct sender *look(struct senders *s, const struct observation *o,
                           const struct psl_domain *name, bool make)
{
    struct sender_key k;
    struct keep_text kept;
    size_t n = senders_key(&k, o, name);
    if (!s->keep || name->n == 0)
        return make ? recent_keep(s->table, &k, n) : recent_find(s->table, &k, n);
    struct sender *r = recent_keep(s->table, &k, n);
    if (r->loaded && !make)
        return r;
    kept_name(&kept, &k, n);
    keep_of(s->keep, KEEP_SENDER, keep_text_span(&kept), days_of(o->time));
    if (!r->loaded)
        load(s, r, keep_text_span(&kept), days_of(o->time));
    return r;
}

/* The one of the observation, as of its day; NULL: it is not known, and `make` is false. */
static struct sender *find(struct senders *s, const struct observation *o,
                           const struct psl_domain *name, bool make)
{
    struct sender *r = look(s, o, name, make);
    if (r && r->tidied != days_of(o->time)) /* those of today are met today, or later */
        forget_servers(s, r, days_of(o->time));
    return r;
}

/* --- recalling and learning --- */

void senders_recall(struct senders *s, const struct observation *o, const struct psl_domain *name,
                    struct baseline *b)
{
    struct sender *r = find(s, o, name, false);
    if (!r)
        return;
    int32_t day = days_of(o->time);
    struct usual *u = &b->sender_upgrade;
    u->of = days_sum(&r->days, day, DAY_OFFERED);
    u->did = days_sum(&r->days, day, DAY_UPGRADED);
    u->clients = r->server_count; /* of a sender the other side counts */
    u->more_clients = r->server_count == SERVERS;
    u->days = days_span(&r->days, day);
    u->pair = b->pair_upgrade.did;
    u->support = servers_support(u);
    b->sender_known_name = has(r->name, r->name_count, digest(o->sender.p, o->sender.n));
    b->sender_knows_server = met_last(r, digest(o->server, sizeof(o->server)));
    b->sender_incompatible = r->incompatible;
    b->sender_lapses = r->lapses;
    b->sender_mixed = days_sum(&r->days, day, DAY_ASKED) >= SENDERS_MIXED;
    b->sender_back = o->begin < r->upgraded;
    b->sender_delivers = r->delivered > 1;
    b->sender_ja4 = kinds_recall(&r->ja4, o->ja4, o->upgraded_before);
}

void senders_recall_hello(struct senders *s, const struct observation *o,
                          const struct psl_domain *name, struct baseline *b)
{
    const struct sender *r = find(s, o, name, false);
    if (r)
        b->sender_ja4 = kinds_recall(&r->ja4, o->ja4, o->upgraded_before);
}

bool senders_lapsed(const struct observation *o, const struct baseline *b)
{
    return o->declined && b->failed_count == 0 && b->sender_known_name &&
           (b->pair_upgrade.did > 0 || b->sender_knows_server);
}

static void learn_offer(struct keep *k, struct sender *r, int32_t day, bool taken)
{
    if (days_full(&r->days, day))
        return;
    days_add(&r->days, day, DAY_OFFERED, 1);
    if (taken)
        days_add(&r->days, day, DAY_UPGRADED, 1);
    keep_thing(k, taken ? 'u' : 'o', keep_day_of_month(day), 0, 2, 1);
}

/* Now and then is its way; but an attack counts once. */
static void learn_return(struct keep *k, struct sender *r, int32_t day)
{
    learn_offer(k, r, day, false);
    days_add(&r->days, day, DAY_ASKED, 1);
    keep_thing(k, 'b', keep_day_of_month(day), 0, 2, 1);
}

/* It is kept as long as the period lasts that it was met in. */
static void learn_server(struct keep *k, struct sender *r, uint64_t server, int32_t day)
{
    uint8_t before = r->server_count;
    uint16_t *last = met(r, server, day);
    if (last && k && (r->server_count > before || !keep_same_period(k, day, days_near(*last, day))))
        keep_server(k, server);
    if (last)
        *last = (uint16_t)day;
}

/* Whoever says hello otherwise every time does not fill the store. */
static void learn_hello(struct keep *k, struct sender *r, uint64_t ja4, int32_t day)
{
    bool known = kinds_seen(&r->ja4, ja4, day);
    if (ja4 == 0 || (!known && r->novel == CAP_HISTORY_HELLOS))
        return;
    r->novel = (uint8_t)(r->novel + !known);
    keep_thing(k, 'j', ja4, 16, 0, 1);
}

static void learn_upgrade(struct keep *k, struct sender *r, const struct observation *o)
{
    uint64_t name = digest(o->sender.p, o->sender.n);
    uint64_t server = digest(o->server, sizeof(o->server));
    if (r->lapses > 0) {
        keep_thing(k, 'l', 0, 0, 0, -(int64_t)r->lapses);
        learn_return(k, r, days_of(o->time));
    }
    r->lapses = 0;
    if (o->begin > r->upgraded)
        r->upgraded = o->begin;
    if (add(r->name, &r->name_count, NAMES, name))
        keep_thing(k, 'n', name, 16, 0, 1);
    learn_server(k, r, server, days_of(o->time));
    learn_hello(k, r, o->ja4, days_of(o->time));
    learn_offer(k, r, days_of(o->time), true);
}

/* It may end after sessions that began later. */
static void learn_lapse(struct keep *k, struct sender *r, const struct observation *o)
{
    if (o->begin < r->upgraded) {
        learn_return(k, r, days_of(o->time));
        return;
    }
    count_by(&r->lapses, 1);
    keep_thing(k, 'l', 0, 0, 0, 1);
}

void senders_learn(struct senders *s, const struct observation *o, const struct psl_domain *name,
                   const struct baseline *b)
{
    bool lapsed = senders_lapsed(o, b);
    if (!o->delivered && !lapsed && o->fate != OBSERVED_FATE_ALERT)
        return; /* probes have many names */
    struct sender *r = find(s, o, name, true);
    struct keep *k = name->n > 0 ? s->keep : NULL;
    r->delivered += o->delivered;
    if (o->delivered)
        keep_thing(k, 'd', 0, 0, 0, 1);
    if (o->fate == OBSERVED_FATE_ALERT) {
        count_by(&r->incompatible, 1);
        keep_thing(k, 'a', 0, 0, 0, 1);
    }
    if (lapsed)
        learn_lapse(k, r, o);
    else if (o->offer == OBSERVED_OFFER_MADE && o->delivered && o->fate == OBSERVED_FATE_TLS)
        learn_upgrade(k, r, o);
    else if (o->offer == OBSERVED_OFFER_MADE && o->delivered && !o->suspicious)
        learn_offer(k, r, days_of(o->time), false);
}
