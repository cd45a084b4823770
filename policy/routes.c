/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/routes.h"

#include <stdlib.h>

#include "base/digest.h"

#define BUCKETS  8192 /* a power of two */
#define KEY_MOST (1 + CAP_DOMAIN_TEXT)
#define SLACK_S  300    /* a connection may begin a while after the answer that it goes by */
#define TTL_MOST 604800 /* a week: RFC 8767 section 4 */

/* From what is asked for (an address, an exchanger, a host) to a name (a host, a domain) or a TLSA
 * record. */
struct step {
    struct step *next; /* same bucket */
    struct step *older, *newer;
    uint32_t hash;
    uint8_t key_n, name_n;
    uint16_t preference; /* of an exchanger */
    nstime from, until;
    nstime secure_until; /* likewise, of secure answers; INT64_MIN: there was none */
    uint8_t bytes[];     /* the key, then the name */
};

struct routes {
    struct siphash_key key;
    struct step *bucket[BUCKETS];
    struct step *oldest, *newest; /* in the order in which they were first seen */
    uint32_t count;
};

/* What a step is looked up by: one byte for its kind, then an address or a name. */
struct route_key {
    uint8_t n;
    uint8_t bytes[KEY_MOST];
};

enum kind { KIND_EXCHANGE = 0, KIND_ALIAS = 1, KIND_TLSA = 2, KIND_IPV4 = 4, KIND_IPV6 = 6 };

static struct route_key key_of_name(enum kind kind, const struct domain *d)
{
    struct route_key k = {.n = (uint8_t)(1 + d->n), .bytes = {(uint8_t)kind}};
    memcpy(k.bytes + 1, d->text, d->n);
    return k;
}

static struct route_key key_of_address(uint8_t family, const uint8_t address[16])
{
    uint8_t n = family == KIND_IPV4 ? 4 : 16;
    struct route_key k = {.n = (uint8_t)(1 + n), .bytes = {family}};
    memcpy(k.bytes + 1, address, n);
    return k;
}

struct routes *routes_new(const struct siphash_key *key)
{
    struct routes *r = calloc(1, sizeof(*r));
    if (r)
        r->key = *key;
    return r;
}

void routes_free(struct routes *r)
{
    if (!r)
        return;
    for (struct step *s = r->oldest, *newer; s; s = newer) {
        newer = s->newer;
        free(s);
    }
    free(r);
}

uint32_t routes_count(const struct routes *r)
{
    return r->count;
}

static uint32_t hash_of(const struct routes *r, const struct route_key *k)
{
    return (uint32_t)siphash(&r->key, k->bytes, k->n);
}

static bool has_key(const struct step *s, uint32_t hash, const struct route_key *k)
{
    return s->hash == hash && s->key_n == k->n && memcmp(s->bytes, k->bytes, k->n) == 0;
}

static struct span name_of(const struct step *s)
{
    return span_of(s->bytes + s->key_n, s->name_n);
}

static void drop(struct routes *r, struct step *s)
{
    struct step **link = &r->bucket[s->hash % BUCKETS];
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    *(s->older ? &s->older->newer : &r->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &r->newest) = s->older;
    r->count--;
    free(s);
}

static struct step *add_new(struct routes *r, uint32_t hash, const struct route_key *k,
                            struct span name, nstime from, nstime until, bool secure)
{
    struct step *s = malloc(sizeof(*s) + k->n + name.n);
    if (!s)
        return NULL;
    *s = (struct step){.next = r->bucket[hash % BUCKETS],
                       .hash = hash,
                       .key_n = k->n,
                       .name_n = (uint8_t)name.n,
                       .from = from,
                       .until = until,
                       .secure_until = secure ? until : INT64_MIN};
    memcpy(s->bytes, k->bytes, k->n);
    memcpy(s->bytes + k->n, name.p, name.n);
    r->bucket[hash % BUCKETS] = s;
    s->older = r->newest;
    *(r->newest ? &r->newest->newer : &r->oldest) = s;
    r->newest = s;
    if (++r->count > CAP_ROUTES)
        drop(r, r->oldest);
    return s;
}

static nstime later(nstime a, nstime b)
{
    return a > b ? a : b;
}

/* NULL: no memory. */
static struct step *add(struct routes *r, nstime t, const struct route_key *k, struct span name,
                        uint32_t ttl, bool secure)
{
    uint32_t hash = hash_of(r, k);
    nstime lasts = ((ttl < TTL_MOST ? ttl : TTL_MOST) + SLACK_S) * NS_PER_S;
    nstime until = clock_add(t, lasts);
    struct step *last = NULL; /* of the key: the one that was seen first */
    unsigned count = 0;
    for (struct step *s = r->bucket[hash % BUCKETS]; s; s = s->next) {
        if (!has_key(s, hash, k))
            continue;
        if (span_eq(name_of(s), name)) {
            s->until = later(s->until, until);
            if (secure)
                s->secure_until = later(s->secure_until, until);
            return s;
        }
        last = s;
        count++;
    }
    if (count >= CAP_ROUTES_KEY)
        drop(r, last);
    return add_new(r, hash, k, name, t, until, secure);
}

void routes_add_mx(struct routes *r, nstime t, const struct domain *domain,
                   const struct domain *exchange, uint16_t preference, uint32_t ttl, bool secure)
{
    struct route_key k = key_of_name(KIND_EXCHANGE, exchange);
    struct step *s = add(r, t, &k, domain_span(domain), ttl, secure);
    if (s)
        s->preference = preference;
}

void routes_add_address(struct routes *r, nstime t, const struct domain *host, uint8_t family,
                        const uint8_t address[16], uint32_t ttl, bool secure)
{
    struct route_key k = key_of_address(family, address);
    add(r, t, &k, domain_span(host), ttl, secure);
}

void routes_add_alias(struct routes *r, nstime t, const struct domain *host,
                      const struct domain *target, uint32_t ttl, bool secure)
{
    struct route_key k = key_of_name(KIND_ALIAS, host);
    add(r, t, &k, domain_span(target), ttl, secure);
}

struct span_of_time {
    nstime first, last;
};

/* The next step with that key that held at any time of those, from `s` on. */
static const struct step *holding(const struct step *s, uint32_t hash, const struct route_key *k,
                                  struct span_of_time t)
{
    while (s && !(has_key(s, hash, k) && s->from <= t.last && t.first < s->until))
        s = s->next;
    return s;
}

/* --- TLSA records --- */

#define TLSA_HEAD 3 /* usage, selector, matching type (RFC 6698 section 2.1) */

bool route_tlsa_of(const struct tlsa *t, struct route_tlsa *out)
{
    *out = (struct route_tlsa){.usage = t->usage, .selector = t->selector, .matching = t->matching};
    if (!t->usable)
        return false;
    if (t->matching == TLSA_FULL) {
        out->n = 32;
        return digest_sha256(t->data, out->data) == 0;
    }
    if (t->data.n > sizeof(out->data))
        return false;
    out->n = (uint8_t)t->data.n;
    memcpy(out->data, t->data.p, t->data.n);
    return true;
}

struct tlsa route_tlsa_read(const struct route_tlsa *t)
{
    return (struct tlsa){.usage = t->usage,
                         .selector = t->selector,
                         .matching = t->matching == TLSA_FULL ? TLSA_SHA256 : t->matching,
                         .data = span_of(t->data, t->n),
                         .usable = true};
}

static void drop_all(struct routes *r, uint32_t hash, const struct route_key *k)
{
    for (struct step *s = r->bucket[hash % BUCKETS], *next; s; s = next) {
        next = s->next;
        if (has_key(s, hash, k))
            drop(r, s);
    }
}

void routes_set_tlsa(struct routes *r, nstime t, const struct domain *host,
                     const struct route_tlsa *list, size_t n, uint32_t ttl)
{
    struct route_key k = key_of_name(KIND_TLSA, host);
    uint8_t bytes[TLSA_HEAD + sizeof(list->data)];
    if (n == 0)
        drop_all(r, hash_of(r, &k), &k);
    for (size_t i = 0; i < n; i++) {
        bytes[0] = list[i].usage;
        bytes[1] = list[i].selector;
        bytes[2] = list[i].matching;
        memcpy(bytes + TLSA_HEAD, list[i].data, list[i].n);
        add(r, t, &k, span_of(bytes, TLSA_HEAD + (size_t)list[i].n), ttl, true);
    }
}

static size_t records_of(const struct routes *r, struct span_of_time t, const struct domain *host,
                         struct route_tlsa *to, size_t n, size_t most)
{
    struct route_key k = key_of_name(KIND_TLSA, host);
    uint32_t hash = hash_of(r, &k);
    const struct step *s = holding(r->bucket[hash % BUCKETS], hash, &k, t);
    for (; s && n < most; s = holding(s->next, hash, &k, t)) {
        struct span bytes = name_of(s);
        struct route_tlsa *one = &to[n++];
        *one = (struct route_tlsa){
            bytes.p[0], bytes.p[1], bytes.p[2], (uint8_t)(bytes.n - TLSA_HEAD), {0}};
        memcpy(one->data, bytes.p + TLSA_HEAD, one->n);
    }
    return n;
}

static struct domain domain_of(const struct step *s)
{
    struct domain d = {.n = s->name_n};
    memcpy(d.text, name_of(s).p, s->name_n);
    return d;
}

/* The one of that domain; NULL: none is there. */
static struct route *listed(struct route *list, size_t n, const struct step *s)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(domain_span(&list[i].domain), name_of(s)))
            return &list[i];
    return NULL;
}

static bool has_tlsa(const struct routes *r, struct span_of_time t, const struct domain *host)
{
    struct route_key k = key_of_name(KIND_TLSA, host);
    uint32_t hash = hash_of(r, &k);
    return holding(r->bucket[hash % BUCKETS], hash, &k, t) != NULL;
}

/* RFC 7672 section 2.2.2: the records of what a secure alias leads to, or those of the alias. */
static bool has_dane(const struct routes *r, struct span_of_time t, const struct domain *host)
{
    struct route_key k = key_of_name(KIND_ALIAS, host);
    uint32_t hash = hash_of(r, &k);
    const struct step *s = holding(r->bucket[hash % BUCKETS], hash, &k, t);
    if (has_tlsa(r, t, host))
        return true;
    for (; s; s = holding(s->next, hash, &k, t)) {
        struct domain target = domain_of(s);
        if (t.first < s->secure_until && has_tlsa(r, t, &target))
            return true;
    }
    return false;
}

size_t routes_tlsa(const struct routes *r, nstime first, nstime last, const struct domain *host,
                   struct route_tlsa *to, size_t most)
{
    const struct span_of_time t = {first, last};
    struct route_key k = key_of_name(KIND_ALIAS, host);
    uint32_t hash = hash_of(r, &k);
    const struct step *s = holding(r->bucket[hash % BUCKETS], hash, &k, t);
    size_t n = records_of(r, t, host, to, 0, most);
    for (; s; s = holding(s->next, hash, &k, t)) {
        struct domain target = domain_of(s);
        if (t.first < s->secure_until)
            n = records_of(r, t, &target, to, n, most);
    }
    return n;
}

/* The domains of one exchanger, behind the `n` that are there. */
static size_t domains_of(const struct routes *r, struct span_of_time t, const struct domain *mx,
                         bool dane, struct route *to, size_t n, size_t most)
{
    struct route_key k = key_of_name(KIND_EXCHANGE, mx);
    uint32_t hash = hash_of(r, &k);
    const struct step *s = holding(r->bucket[hash % BUCKETS], hash, &k, t);
    for (; s && n < most; s = holding(s->next, hash, &k, t)) {
        struct route *same = listed(to, n, s);
        if (!same)
            to[n++] = (struct route){.domain = domain_of(s),
                                     .mx = *mx,
                                     .preference = s->preference,
                                     .dane = dane && t.first < s->secure_until};
        else if (s->preference < same->preference)
            same->preference = s->preference;
    }
    return n;
}

bool routes_exchanger(const struct routes *r, nstime t, const struct domain *host,
                      struct domain *domain)
{
    struct route_key k = key_of_name(KIND_EXCHANGE, host);
    uint32_t hash = hash_of(r, &k);
    const struct step *s =
        holding(r->bucket[hash % BUCKETS], hash, &k, (struct span_of_time){t, t});
    if (s)
        *domain = domain_of(s);
    return s != NULL;
}

size_t routes_to(const struct routes *r, nstime first, nstime last, uint8_t family,
                 const uint8_t address[16], struct route *to, size_t most)
{
    const struct span_of_time t = {first, last};
    struct route_key k = key_of_address(family, address);
    uint32_t hash = hash_of(r, &k);
    size_t n = 0;
    const struct step *s = holding(r->bucket[hash % BUCKETS], hash, &k, t);
    for (; s && n < most; s = holding(s->next, hash, &k, t)) {
        struct domain mx = domain_of(s);
        bool dane = t.first < s->secure_until && has_dane(r, t, &mx);
        n = domains_of(r, t, &mx, dane, to, n, most);
    }
    return n;
}
