/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificates.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/digest.h"
#include "policy/certificate_x509.h"

#define BUCKETS 1024 /* a power of two */

_Static_assert(CAP_CERT_CACHED <= BUCKETS, "about one in each");

/* A value and what it hangs in. */
struct entry {
    struct certificate facts; /* first: holders have its address */
    uint8_t key[32];          /* SHA-256 of the chain */
    size_t bytes;
    uint32_t holders;   /* the cache is one */
    bool forgotten;     /* by the cache, and held elsewhere */
    struct entry *next; /* in its bucket */
    struct entry *older, *newer;
    uint8_t text[];
};

struct certificates {
    char *ca_path; /* NULL: the system's */
    struct x509_store_st *store;
    bool asked; /* for the store */
    uint64_t read;
    size_t cached, cached_bytes;
    uint32_t allowance; /* usual chains that may be read at once */
    nstime allowed_at;  /* when it last grew; INT64_MIN: never */
    struct entry *oldest, *newest;
    struct entry *bucket[BUCKETS];
    struct certificate_scratch scratch;
};

struct certificates *certificates_new(const char *ca_path)
{
    struct certificates *cs = calloc(1, sizeof(*cs));

    if (!cs)
        return NULL;
    cs->allowance = CAP_CERT_BURST;
    cs->allowed_at = INT64_MIN;
    if (!ca_path)
        return cs;
    cs->ca_path = strdup(ca_path);
    if (cs->ca_path)
        return cs;
    free(cs);
    return NULL;
}

bool certificates_load(struct certificates *cs)
{
    if (!cs->asked)
        cs->store = certificate_store(cs->ca_path);
    cs->asked = true;
    ERR_clear_error();
    return cs->store != NULL;
}

uint64_t certificates_read(const struct certificates *cs)
{
    return cs->read;
}

/* --- holders --- */

static size_t forgotten_bytes; /* of all that the cache has let go and others hold */

static struct entry *entry_of(const struct certificate *c)
{
    return (struct entry *)c;
}

const struct certificate *certificate_hold(const struct certificate *c)
{
    entry_of(c)->holders++;
    return c;
}

void certificate_release(const struct certificate *c)
{
    struct entry *e = entry_of(c);

    if (!e || --e->holders > 0)
        return;
    if (e->forgotten)
        forgotten_bytes -= e->bytes;
    free(e);
}

/* --- what is remembered, in the order of use --- */

static struct entry **bucket_of(struct certificates *cs, const uint8_t key[32])
{
    return &cs->bucket[((size_t)key[0] << 8 | key[1]) & (BUCKETS - 1)];
}

static void leave(struct certificates *cs, struct entry *e)
{
    *(e->older ? &e->older->newer : &cs->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &cs->newest) = e->older;
}

static void line_up(struct certificates *cs, struct entry *e)
{
    e->older = cs->newest;
    e->newer = NULL;
    *(e->older ? &e->older->newer : &cs->oldest) = e;
    cs->newest = e;
}

static void forget_oldest(struct certificates *cs)
{
    struct entry *e = cs->oldest, **link = bucket_of(cs, e->key);

    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    cs->oldest = e->newer;
    *(e->newer ? &e->newer->older : &cs->newest) = NULL;
    cs->cached--;
    cs->cached_bytes -= e->bytes;
    e->forgotten = true;
    forgotten_bytes += e->bytes;
    certificate_release(&e->facts);
}

static void remember(struct certificates *cs, struct entry *e)
{
    while (cs->oldest &&
           (cs->cached == CAP_CERT_CACHED || cs->cached_bytes + e->bytes > CAP_CERT_CACHED_BYTES))
        forget_oldest(cs);
    e->next = *bucket_of(cs, e->key);
    *bucket_of(cs, e->key) = e;
    line_up(cs, e);
    cs->cached++;
    cs->cached_bytes += e->bytes;
}

static struct entry *recall(struct certificates *cs, const uint8_t key[32])
{
    struct entry *e = *bucket_of(cs, key);

    while (e && memcmp(e->key, key, sizeof(e->key)) != 0)
        e = e->next;
    if (e) {
        leave(cs, e);
        line_up(cs, e);
    }
    return e;
}

void certificates_free(struct certificates *cs)
{
    if (!cs)
        return;
    while (cs->oldest)
        forget_oldest(cs);
    certificate_store_free(cs->store);
    free(cs->ca_path);
    free(cs);
}

/* --- a new one --- */

/* Of every certificate that was presented, each behind its length, as TLS 1.2 sends them. */
static int key_of(const struct span *chain, size_t count, uint8_t key[32])
{
    size_t n = 0, at = 0;
    uint8_t *all;
    int rc;

    for (size_t i = 0; i < count; i++)
        n += 3 + chain[i].n;
    all = malloc(n + 1);
    if (!all)
        return -1;
    for (size_t i = 0; i < count; i++) {
        all[at++] = (uint8_t)(chain[i].n >> 16);
        all[at++] = (uint8_t)(chain[i].n >> 8);
        all[at++] = (uint8_t)chain[i].n;
        if (chain[i].n > 0)
            memcpy(all + at, chain[i].p, chain[i].n);
        at += chain[i].n;
    }
    rc = digest_sha256(span_of(all, n), key);
    free(all);
    return rc;
}

/* Did the library want for memory? Then what it says of a certificate is not to be believed. */
static bool starved(void)
{
    bool hungry = false;

    for (unsigned long e = ERR_get_error(); e != 0; e = ERR_get_error())
        hungry = hungry || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
    return hungry;
}

static int read_chain(struct certificates *cs, const struct span *der, size_t count,
                      struct certificate *out)
{
    struct certificate_chain chain = {.count = out->chain_count};
    int rc = 0;

    (void)certificates_load(cs);
    for (uint32_t i = 0; i < chain.count && rc == 0; i++) {
        chain.x509[i] = certificate_x509(der[i]);
        rc = certificate_read_link(chain.x509[i], der[i], &out->chain[i]);
    }
    if (rc == 0 && count > 0)
        rc = digest_sha1(der[0], out->leaf_sha1);
    out->trust = CERT_TRUST_UNREADABLE;
    if (rc == 0 && chain.x509[0]) {
        out->trust = CERT_TRUST_UNKNOWN;
        certificate_read_leaf(chain.x509[0], out, &cs->scratch);
        rc = certificate_verify(cs->store, &chain, out);
    }
    for (uint32_t i = 0; i < chain.count; i++)
        certificate_x509_free(chain.x509[i]);
    return starved() ? -1 : rc;
}

static void move(struct span *s, const uint8_t *from, uint8_t *to)
{
    s->p = s->n > 0 ? to + (s->p - from) : NULL;
}

/* The value with its texts behind it. */
static struct entry *entry_new(const struct certificate *facts, const uint8_t key[32],
                               const struct certificate_scratch *scratch)
{
    size_t bytes = sizeof(struct entry) + scratch->n;
    struct entry *e = malloc(bytes);

    if (!e)
        return NULL;
    *e = (struct entry){.facts = *facts, .bytes = bytes, .holders = 1};
    memcpy(e->key, key, sizeof(e->key));
    memcpy(e->text, scratch->text, scratch->n);
    move(&e->facts.subject, scratch->text, e->text);
    move(&e->facts.issuer, scratch->text, e->text);
    move(&e->facts.issuer_org, scratch->text, e->text);
    move(&e->facts.issuer_name, scratch->text, e->text);
    move(&e->facts.common_name, scratch->text, e->text);
    for (uint32_t i = 0; i < facts->name_count; i++)
        move(&e->facts.name[i], scratch->text, e->text);
    return e;
}

/* How many usual chains this one takes as long as: strangers choose its size as well. */
static uint32_t price_of(const struct span *chain, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += chain[i].n;
    n /= CAP_CERT_USUAL;
    return n < CAP_CERT_BURST ? (uint32_t)n + 1 : CAP_CERT_BURST;
}

/* Strangers choose how many chains there are, and reading one takes as long as a thousand packets.
 * Time that runs back allows nothing. */
static bool may_read(struct certificates *cs, uint32_t price, nstime at)
{
    const nstime each = NS_PER_S / CAP_CERT_RATE;
    int64_t more;

    if (cs->allowed_at == INT64_MIN)
        cs->allowed_at = at;
    more = clock_since(at, cs->allowed_at) / each;
    if (more > 0) {
        cs->allowed_at = at;
        cs->allowance =
            more < CAP_CERT_BURST - cs->allowance ? cs->allowance + (uint32_t)more : CAP_CERT_BURST;
    }
    if (cs->allowance < price || forgotten_bytes > CAP_CERT_CACHED_BYTES)
        return false;
    cs->allowance -= price;
    return true;
}

/* How many of them: the library takes long over long ones. */
static uint32_t looked_at(const struct span *chain, size_t count)
{
    size_t bytes = 0;
    uint32_t n = 0;

    while (n < count && n < CAP_CERT_CHAIN && (bytes += chain[n].n) <= CAP_CERT_BYTES)
        n++;
    return n;
}

const struct certificate *certificates_look(struct certificates *cs, const struct span *chain,
                                            size_t count, nstime at)
{
    struct certificate facts = {0};
    uint8_t key[32];
    struct entry *e;

    if ((count > 0 && chain[0].n > CAP_CERT_BYTES) || key_of(chain, count, key) != 0)
        return NULL;
    e = recall(cs, key);
    if (e)
        return certificate_hold(&e->facts);
    if (!may_read(cs, price_of(chain, count), at))
        return NULL;
    facts.chain_count = looked_at(chain, count);
    facts.chain_left = (uint32_t)(count - facts.chain_count);
    facts.valid_from = INT64_MAX;
    facts.valid_until = INT64_MIN;
    cs->scratch.n = 0;
    cs->read++;
    if (read_chain(cs, chain, count, &facts) != 0)
        return NULL;
    e = entry_new(&facts, key, &cs->scratch);
    if (!e)
        return NULL;
    remember(cs, e);
    return certificate_hold(&e->facts);
}
