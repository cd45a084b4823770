/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/park.h"

#include <stdlib.h>

#include "base/heap.h"
#include "dissect/intern.h"
#include "dissect/pack.h"

#define BUCKETS  (1u << 18) /* at most: pointers that are touched when they are used */
#define REPLIES  (1u << 16) /* at most: no mail link has more different replies */
#define PREFIXES 4096       /* counters of client networks, shared by hash */
#define SHARE    32         /* a network with more than this part of a class goes first */
#define LOOK     8          /* flows looked at for one of such a network */

enum {
    KEPT_OTHER = 1,
    KEPT_MEMO = 2,
    KEPT_EVIDENCE = 4,
    KEPT_HELD = 8,
    KEPT_LINE = 32,
    KEPT_REPLY = 128,
    KEPT_HANDSHAKE = 256,
    KEPT_PEER = 512,
    KEPT_ALL = 1023
};

struct parked {
    struct parked *chain; /* same bucket */
    struct parked *older, *newer;
    uint64_t serial;
    nstime touched;
    uint32_t hash;
    uint16_t prefix;
    uint16_t class : 3, closing : 1, waiting : 1, twin : 1;
    uint16_t kept : 10; /* which pointers of struct pack_kept stand in front of the packed bytes */
    uint8_t body[];     /* not aligned */
};

struct list {
    struct parked *oldest, *newest;
    uint32_t count;
};

struct park {
    struct list list[PARK_CLASS_COUNT];
    struct parked **bucket;
    uint32_t (*prefix)[PREFIXES]; /* by class; this and the rest: NULL until a flow is parked */
    uint8_t *scratch;
    struct siphash_key key;
    struct intern *replies;
    size_t bytes;
    uint32_t count, buckets;
};

struct park *park_new(const struct siphash_key *key, uint32_t max_flows)
{
    struct park *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->key = *key;
    for (p->buckets = 1; p->buckets < max_flows && p->buckets < BUCKETS;)
        p->buckets *= 2;
    return p;
}

/* Most runs never need it. */
static bool furnish(struct park *p)
{
    if (!p->bucket)
        p->bucket = calloc(p->buckets, sizeof(struct parked *));
    if (!p->prefix)
        p->prefix = calloc(PARK_CLASS_COUNT, sizeof(*p->prefix));
    if (!p->scratch)
        p->scratch = malloc(PACK_MOST);
    if (!p->replies)
        p->replies = intern_new(&p->key, p->buckets < REPLIES ? p->buckets : REPLIES);
    return p->bucket && p->prefix && p->scratch && p->replies;
}

void park_free(struct park *p)
{
    if (!p)
        return;
    intern_free(p->replies);
    free(p->bucket);
    free(p->prefix);
    free(p->scratch);
    free(p);
}

/* --- which class --- */

/* A flow with a hole before its greeting counts as one without: it will not be judged for sure. */
static enum park_class class_of(const struct flow *f)
{
    const struct session *s = f->session;

    if (f->closing)
        return PARK_ENDED;
    if (s->memo || s->conflicts)
        return PARK_SUSPECT;
    if (s->tls_complete || s->mails > 0)
        return PARK_DECIDED;
    if (s->ehlo_count > 0)
        return PARK_ASKED;
    return s->banner_code && !s->gap_bytes[SESSION_TO_CLIENT] ? PARK_GREETED : PARK_NO_GREETING;
}

/* The client's network: /24, or /48. By a fixed key: what is evicted must not differ between runs,
 * and who shares another network's counter gains nothing but its company. */
static uint16_t prefix_of(const struct flow_key *k)
{
    static const struct siphash_key fixed = {0, 0};
    uint8_t prefix[7] = {k->family};

    memcpy(prefix + 1, k->client, k->family == 4 ? 3 : 6);
    return siphash(&fixed, prefix, sizeof(prefix)) % PREFIXES;
}

/* --- lists --- */

static struct parked **bucket_of(const struct park *p, uint32_t hash)
{
    return &p->bucket[hash & (p->buckets - 1)];
}

static void append(struct park *p, struct parked *q)
{
    struct list *l = &p->list[q->class];
    struct parked **bucket = bucket_of(p, q->hash);

    q->older = l->newest;
    q->newer = NULL;
    *(l->newest ? &l->newest->newer : &l->oldest) = q;
    l->newest = q;
    l->count++;
    q->chain = *bucket;
    *bucket = q;
    p->prefix[q->class][q->prefix]++;
    p->count++;
}

static void take(struct park *p, struct parked *q)
{
    struct list *l = &p->list[q->class];
    struct parked **link = bucket_of(p, q->hash);

    *(q->older ? &q->older->newer : &l->oldest) = q->newer;
    *(q->newer ? &q->newer->older : &l->newest) = q->older;
    l->count--;
    while (*link != q)
        link = &(*link)->chain;
    *link = q->chain;
    p->prefix[q->class][q->prefix]--;
    p->count--;
}

/* --- in --- */

static unsigned put_kept(uint8_t *to, size_t *n, const void *pointer, unsigned bit)
{
    if (!pointer)
        return 0;
    memcpy(to + *n, &pointer, sizeof(pointer));
    *n += sizeof(pointer);
    return bit;
}

static unsigned put_all_kept(uint8_t *to, size_t *n, const struct pack_kept *k,
                             const struct interned *reply)
{
    unsigned kept = put_kept(to, n, k->other, KEPT_OTHER);

    kept |= put_kept(to, n, reply, KEPT_REPLY);
    kept |= put_kept(to, n, k->memo, KEPT_MEMO);
    kept |= put_kept(to, n, k->evidence, KEPT_EVIDENCE);
    kept |= put_kept(to, n, k->handshake, KEPT_HANDSHAKE);
    kept |= put_kept(to, n, k->peer, KEPT_PEER);
    for (unsigned d = 0; d < SESSION_DIR_COUNT; d++) {
        kept |= put_kept(to, n, k->held[d], (unsigned)KEPT_HELD << d);
        kept |= put_kept(to, n, k->line[d], (unsigned)KEPT_LINE << d);
    }
    return kept;
}

bool park_flow(struct park *p, struct flow *f, uint32_t hash, bool silent)
{
    uint8_t pointers[sizeof(struct pack_kept)];
    struct pack_kept kept;
    struct interned *reply;
    size_t front = 0, n, before;
    struct parked *q;

    if (!furnish(p))
        return false;
    n = pack_flow(f, silent, p->scratch, &kept);
    before = heap_bytes();
    reply = kept.reply.n ? intern_keep(p->replies, kept.reply) : NULL;
    if (kept.reply.n && !reply)
        return false;
    unsigned bits = put_all_kept(pointers, &front, &kept, reply);
    q = heap_alloc(offsetof(struct parked, body) + front + n + SPARSE_BEHIND);
    if (!q) {
        if (reply)
            intern_let_go(p->replies, reply);
        return false;
    }
    *q = (struct parked){.serial = f->session->serial,
                         .touched = f->touched,
                         .hash = hash,
                         .prefix = prefix_of(&f->key),
                         .class = class_of(f) & 7,
                         .closing = f->closing,
                         .waiting = f->waiting,
                         .twin = f->key.view != 0,
                         .kept = bits & KEPT_ALL};
    memcpy(q->body, pointers, front);
    memcpy(q->body + front, p->scratch, n);
    p->bytes += heap_bytes() - before;
    pack_release(f);
    append(p, q);
    return true;
}

/* --- out --- */

static void *get_kept(const struct parked *q, size_t *n, unsigned bit)
{
    void *pointer;

    if (!(q->kept & bit))
        return NULL;
    memcpy(&pointer, q->body + *n, sizeof(pointer));
    *n += sizeof(pointer);
    return pointer;
}

/* The packed bytes behind what is kept. */
static const uint8_t *body_of(const struct parked *q, struct pack_kept *kept,
                              struct interned **reply)
{
    size_t n = 0;

    kept->other = get_kept(q, &n, KEPT_OTHER);
    *reply = get_kept(q, &n, KEPT_REPLY);
    kept->reply = *reply ? intern_bytes(*reply) : span_of(NULL, 0);
    kept->memo = get_kept(q, &n, KEPT_MEMO);
    kept->evidence = get_kept(q, &n, KEPT_EVIDENCE);
    kept->handshake = get_kept(q, &n, KEPT_HANDSHAKE);
    kept->peer = get_kept(q, &n, KEPT_PEER);
    for (unsigned d = 0; d < SESSION_DIR_COUNT; d++) {
        kept->held[d] = get_kept(q, &n, (unsigned)KEPT_HELD << d);
        kept->line[d] = get_kept(q, &n, (unsigned)KEPT_LINE << d);
    }
    return q->body + n;
}

struct flow_key park_key(const struct parked *q)
{
    struct pack_kept kept;
    struct interned *reply;

    return pack_key(body_of(q, &kept, &reply));
}

uint64_t park_serial(const struct parked *q)
{
    return q->serial;
}

enum park_class park_class(const struct parked *q)
{
    return q->class;
}

struct parked *park_find(const struct park *p, uint32_t hash, const struct flow_key *key)
{
    for (struct parked *q = p->count ? *bucket_of(p, hash) : NULL; q; q = q->chain) {
        if (q->hash != hash)
            continue;
        struct flow_key k = park_key(q);
        if (flow_key_eq(&k, key))
            return q;
    }
    return NULL;
}

bool park_restore(struct park *p, struct parked *q, struct flow_table *t, struct flow *f)
{
    struct pack_kept kept;
    struct interned *reply;
    const uint8_t *body = body_of(q, &kept, &reply);
    size_t before;

    if (!pack_restore(body, &kept, q->touched, q->serial, f))
        return false;
    if (q->closing)
        flow_closing(t, f);
    if (q->waiting)
        flow_wait(t, f);
    take(p, q);
    before = heap_bytes();
    if (reply)
        intern_let_go(p->replies, reply);
    heap_free(q);
    p->bytes -= before - heap_bytes();
    return true;
}

/* --- who goes --- */

struct parked *park_least(const struct park *p)
{
    unsigned c = 0;

    while (c < PARK_CLASS_COUNT && p->list[c].count == 0)
        c++;
    if (c == PARK_CLASS_COUNT)
        return NULL;
    const struct list *l = &p->list[c];
    struct parked *q = l->oldest;
    for (int i = 0; i < LOOK && q; i++, q = q->newer)
        if (p->prefix[c][q->prefix] > l->count / SHARE)
            return q;
    return l->oldest;
}

struct parked *park_expired(const struct park *p, nstime now, nstime idle, nstime linger)
{
    for (unsigned c = 0; c < PARK_CLASS_COUNT; c++) {
        struct parked *q = p->list[c].oldest;
        if (q && now - q->touched >= (c == PARK_ENDED ? linger : idle))
            return q;
    }
    return NULL;
}

size_t park_bytes(const struct park *p)
{
    return p->bytes;
}

uint32_t park_count(const struct park *p)
{
    return p->count;
}

static int by_serial(const void *a, const void *b)
{
    const struct parked *const *x = a;
    const struct parked *const *y = b;

    return ((*x)->serial > (*y)->serial) - ((*x)->serial < (*y)->serial);
}

struct parked **park_all(const struct park *p, uint32_t *count)
{
    struct parked **all = malloc((p->count + 1) * sizeof(struct parked *));
    uint32_t n = 0;

    if (!all)
        return NULL;
    for (unsigned c = 0; c < PARK_CLASS_COUNT; c++)
        for (struct parked *q = p->list[c].oldest; q; q = q->newer)
            if (!q->twin)
                all[n++] = q;
    *count = n;
    qsort(all, n, sizeof(struct parked *), by_serial);
    return all;
}
