/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/exchangers.h"

#include <stdlib.h>

#define BUCKETS 8192 /* a power of two */
#define A_DAY   (86400 * NS_PER_S)
#define SLACK   (300 * NS_PER_S) /* as in policy/routes.c */
#define LOOKED  64               /* of one key: no long search */
#define KEPT    4                /* look-ups of one exchanger of one domain */

enum key { KEY_DOMAIN, KEY_HOST, KEY_BASE, KEY_ADDRESS, KEYS = KEY_ADDRESS + CAP_LOOKUP_ADDRESSES };

struct link {
    struct link *next; /* same bucket */
    uint64_t hash;
    struct item *item;
};

/* One exchanger of one domain, by one look-up. */
struct item {
    struct item *older, *newer;
    struct link link[KEYS];
    struct domain domain, host, base, expansion;
    struct lookup_address at[CAP_LOOKUP_ADDRESSES];
    uint8_t addresses;
    uint8_t records;
    uint16_t preference;
    nstime time;  /* of the look-up */
    nstime exact; /* until then its TTL lasts */
    nstime end;   /* until then it is held to */
    struct route_tlsa record[];
};

struct exchangers {
    struct siphash_key key;
    struct link *bucket[BUCKETS];
    struct item *oldest, *newest;
    uint32_t count;
};

struct exchangers *exchangers_new(const struct siphash_key *key)
{
    struct exchangers *e = calloc(1, sizeof(*e));
    if (e)
        e->key = *key;
    return e;
}

void exchangers_free(struct exchangers *e)
{
    if (!e)
        return;
    for (struct item *i = e->oldest, *newer; i; i = newer) {
        newer = i->newer;
        free(i);
    }
    free(e);
}

uint32_t exchangers_count(const struct exchangers *e)
{
    return e->count;
}

/* --- keys --- */

static uint64_t hash_name(const struct exchangers *e, enum key kind, const struct domain *d)
{
    return siphash(&e->key, d->text, d->n) + (uint64_t)kind;
}

static uint64_t hash_address(const struct exchangers *e, uint8_t family, const uint8_t *address)
{
    return siphash(&e->key, address, family == 4 ? 4 : 16) + (uint64_t)KEY_ADDRESS;
}

static void tie(struct exchangers *e, struct item *item, struct link *l, uint64_t hash)
{
    *l = (struct link){.next = e->bucket[hash % BUCKETS], .hash = hash, .item = item};
    e->bucket[hash % BUCKETS] = l;
}

static void untie(struct exchangers *e, const struct link *l)
{
    struct link **at = &e->bucket[l->hash % BUCKETS];
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
}

static void drop(struct exchangers *e, struct item *i)
{
    for (size_t k = 0; k < (size_t)KEY_ADDRESS + i->addresses; k++)
        untie(e, &i->link[k]);
    *(i->older ? &i->older->newer : &e->oldest) = i->newer;
    *(i->newer ? &i->newer->older : &e->newest) = i->older;
    e->count--;
    free(i);
}

/* The next with that hash, from `l` on; the newest comes first. */
static const struct link *with_hash(const struct link *l, uint64_t hash)
{
    while (l && l->hash != hash)
        l = l->next;
    return l;
}

static const struct link *first_with(const struct exchangers *e, uint64_t hash)
{
    return with_hash(e->bucket[hash % BUCKETS], hash);
}

static bool same(const struct domain *a, const struct domain *b)
{
    return span_eq(domain_span(a), domain_span(b));
}

/* --- learning --- */

/* Is all that DANE rests on validated? */
static bool is_under_dane(const struct lookup *l, const struct lookup_mx *m)
{
    return lookup_leads_to(l, m) && m->tlsa == LOOKUP_SECURE && m->has_tlsa;
}

static bool is_unsure(enum lookup_security s)
{
    return s == LOOKUP_BOGUS || s == LOOKUP_FAILED;
}

/* The exchanger of that name; NULL: there is none. */
static const struct lookup_mx *listed(const struct lookup *l, const struct domain *host)
{
    for (uint8_t i = 0; i < l->items; i++)
        if (same(&l->item[i].host, host))
            return &l->item[i];
    return NULL;
}

/* A sender may take it for one without DANE from now on. */
static bool is_denied(const struct lookup *l, const struct domain *host)
{
    const struct lookup_mx *m = listed(l, host);
    if (is_unsure(l->mx))
        return false;
    if (l->mx == LOOKUP_INSECURE)
        return true;
    if (!m)
        return l->items_left_out == 0;
    return !is_unsure(m->address) && !is_unsure(m->tlsa) && !is_under_dane(l, m);
}

/* What earlier look-ups found of the domain ends with this one, or goes on. */
static void revise(struct exchangers *e, const struct lookup *l)
{
    uint64_t hash = hash_name(e, KEY_DOMAIN, &l->domain);
    for (const struct link *k = first_with(e, hash); k; k = with_hash(k->next, hash)) {
        struct item *i = k->item;
        if (!same(&i->domain, &l->domain) || i->time > l->time || i->end <= l->time)
            continue;
        if (is_denied(l, &i->host))
            i->end = l->time;
        else
            i->end = clock_add(l->time, A_DAY);
    }
}

static void drop_superfluous(struct exchangers *e, const struct item *newest)
{
    uint64_t hash = newest->link[KEY_DOMAIN].hash;
    unsigned count = 0;
    for (const struct link *k = first_with(e, hash), *next; k; k = next) {
        struct item *i = k->item;
        next = with_hash(k->next, hash);
        if (same(&i->domain, &newest->domain) && same(&i->host, &newest->host) && ++count > KEPT)
            drop(e, i);
    }
    if (e->count > CAP_EXCHANGERS)
        drop(e, e->oldest);
}

static void add(struct exchangers *e, const struct lookup *l, const struct lookup_mx *m)
{
    struct item *i = malloc(sizeof(*i) + m->records * sizeof(i->record[0]));
    if (!i)
        return;
    *i = (struct item){.older = e->newest,
                       .domain = l->domain,
                       .host = m->host,
                       .base = m->base.n > 0 ? m->base : m->host,
                       .expansion = l->expansion,
                       .addresses = m->addresses,
                       .records = m->records,
                       .preference = m->preference,
                       .time = l->time,
                       .exact = clock_add(l->time, (nstime)m->ttl * NS_PER_S + SLACK),
                       .end = clock_add(l->time, A_DAY)};
    memcpy(i->at, m->at, sizeof(i->at));
    memcpy(i->record, m->record, m->records * sizeof(i->record[0]));
    if (i->end < i->exact)
        i->end = i->exact;
    *(e->newest ? &e->newest->newer : &e->oldest) = i;
    e->newest = i;
    e->count++;
    tie(e, i, &i->link[KEY_DOMAIN], hash_name(e, KEY_DOMAIN, &i->domain));
    tie(e, i, &i->link[KEY_HOST], hash_name(e, KEY_HOST, &i->host));
    tie(e, i, &i->link[KEY_BASE], hash_name(e, KEY_BASE, &i->base));
    for (uint8_t k = 0; k < i->addresses; k++)
        tie(e, i, &i->link[KEY_ADDRESS + k], hash_address(e, i->at[k].family, i->at[k].bytes));
    drop_superfluous(e, i);
}

void exchangers_learn(struct exchangers *e, const struct lookup *l)
{
    if (!l->asked_mx)
        return;
    revise(e, l);
    for (uint8_t i = 0; i < l->items; i++)
        if (is_under_dane(l, &l->item[i]))
            add(e, l, &l->item[i]);
}

/* --- asking --- */

static bool holds(const struct item *i, nstime t)
{
    return i->time <= clock_add(t, A_DAY) && t < i->end;
}

/* Which of two look-ups speaks of that time: the newest before it, else the first behind it. */
static bool speaks_better(const struct item *a, const struct item *b, nstime t)
{
    if (!b || (a->time <= t) != (b->time <= t))
        return !b || a->time <= t;
    return a->time <= t ? a->time > b->time : a->time < b->time;
}

static const struct item *of_domain(const struct exchangers *e, nstime t,
                                    const struct domain *domain, const struct domain *host)
{
    uint64_t hash = hash_name(e, KEY_DOMAIN, domain);
    const struct item *best = NULL;
    for (const struct link *k = first_with(e, hash); k; k = with_hash(k->next, hash))
        if (same(&k->item->domain, domain) && same(&k->item->host, host) && holds(k->item, t) &&
            speaks_better(k->item, best, t))
            best = k->item;
    return best;
}

static void mark(struct route *r, const struct item *i, nstime t)
{
    r->dane = r->looked_up = true;
    r->stale = t < i->time || t >= i->exact;
}

/* One route for each domain: the one that is sure of the server before one that goes by names. */
static size_t put(const struct item *i, nstime t, bool named, struct route *to, size_t n,
                  size_t most)
{
    for (size_t k = 0; k < n; k++) {
        if (!same(&to[k].domain, &i->domain))
            continue;
        if (same(&to[k].mx, &i->host) && !to[k].dane)
            mark(&to[k], i, t);
        return n;
    }
    if (n == most)
        return n;
    to[n] = (struct route){
        .domain = i->domain, .mx = i->host, .preference = i->preference, .named = named};
    mark(&to[n], i, t);
    return n + 1;
}

static bool has_address(const struct item *i, const struct exchangers_query *q)
{
    for (uint8_t k = 0; k < i->addresses; k++)
        if (i->at[k].family == q->family &&
            memcmp(i->at[k].bytes, q->address, q->family == 4 ? 4 : 16) == 0)
            return true;
    return false;
}

static bool has_name(const struct item *i, const struct exchangers_query *q)
{
    return q->name && (same(&i->host, q->name) || same(&i->base, q->name));
}

/* The exchangers of one domain that this server may be. */
static size_t of_recipient(const struct exchangers *e, const struct exchangers_query *q,
                           const struct domain *d, bool named, struct route *to, size_t n,
                           size_t most)
{
    uint64_t hash = hash_name(e, KEY_DOMAIN, d);
    for (const struct link *k = first_with(e, hash); k; k = with_hash(k->next, hash))
        if (same(&k->item->domain, d) && (named ? has_name(k->item, q) : has_address(k->item, q)) &&
            of_domain(e, q->time, d, &k->item->host) == k->item)
            n = put(k->item, q->time, named, to, n, most);
    return n;
}

/* The domains whose exchanger this server may be. Anybody can give a host of his any address: where
 * the server has a name that is another, its address says nothing. */
static size_t of_server(const struct exchangers *e, const struct exchangers_query *q, bool named,
                        struct route *to, size_t n, size_t most)
{
    uint64_t hash =
        named ? hash_name(e, KEY_HOST, q->name) : hash_address(e, q->family, q->address);
    unsigned left = LOOKED;
    for (const struct link *k = first_with(e, hash); k && left > 0; k = with_hash(k->next, hash)) {
        const struct item *i = k->item;
        left--;
        if ((named || has_address(i, q)) && (!q->name || has_name(i, q)) &&
            of_domain(e, q->time, &i->domain, &i->host) == i)
            n = put(i, q->time, named, to, n, most);
    }
    return n;
}

size_t exchangers_to(const struct exchangers *e, const struct exchangers_query *q, struct route *to,
                     size_t n, size_t most)
{
    if (e->count == 0)
        return n;
    for (size_t k = 0; k < n; k++) {
        const struct item *i = of_domain(e, q->time, &to[k].domain, &to[k].mx);
        if (i && !to[k].dane)
            mark(&to[k], i, q->time);
    }
    for (int named = 0; named <= (q->name != NULL); named++) {
        for (size_t k = 0; k < q->recipients; k++)
            n = of_recipient(e, q, &q->recipient[k], named, to, n, most);
        if (q->recipients == 0 && (n == 0 || !named))
            n = of_server(e, q, named, to, n, most);
    }
    return n;
}

bool exchangers_dane(const struct exchangers *e, nstime t, const struct domain *domain,
                     const struct domain *host, struct exchangers_dane *out)
{
    const struct item *i = of_domain(e, t, domain, host);
    if (i)
        *out = (struct exchangers_dane){i->record, i->records, &i->expansion, &i->base};
    return i != NULL;
}

bool exchangers_records(const struct exchangers *e, nstime t, const struct domain *base,
                        nstime *since)
{
    uint64_t hash = hash_name(e, KEY_BASE, base);
    unsigned left = LOOKED;
    *since = INT64_MIN;
    for (const struct link *k = first_with(e, hash); k && left > 0; k = with_hash(k->next, hash)) {
        const struct item *i = k->item;
        left--;
        if (same(&i->base, base) && i->records > 0 && i->time <= t && t < i->end &&
            i->time > *since)
            *since = i->time;
    }
    return *since != INT64_MIN;
}
