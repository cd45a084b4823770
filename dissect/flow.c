/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/flow.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/caps.h"

#define FIRST_BUCKETS 1024
#define CHUNK_BITS    12
#define CHUNK         (1u << CHUNK_BITS)
#define CHUNK_BYTES   (2u << 20) /* of memory for a chunk: a huge page where there are any */
#define SECRET_WORDS  11         /* one, and one for each word of the longest key */

enum list { LIST_ACTIVE, LIST_CLOSING, LIST_WAITING, LIST_COUNT };

/*
 * Linear hashing (Litwin, 1980): buckets are split one at a time, in order, as flows are added. The
 * table is as small as the traffic allows, and no packet ever pays for rehashing all of it.
 */
struct link { /* leads to a flow; has its hash, so that a search touches no flow but the one sought
               */
    uint32_t hash;
    uint32_t to; /* slab index + 1; 0: the end */
};

struct flow_table {
    uint64_t secret[SECRET_WORDS]; /* of the hash */
    uint32_t max, used, fresh;     /* fresh: slots never used yet */
    uint32_t mask;                 /* of the buckets before the running doubling */
    uint32_t split;                /* buckets below were split already */
    struct link *bucket;
    struct link *next; /* of the same bucket, or of the free places; by slab index */
    struct link free;
    struct flow **chunk;
    struct flow_list list[LIST_COUNT];
};

struct flow_table *flow_table_new(uint32_t max_flows, const struct siphash_key *key)
{
    struct flow_table *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    for (uint64_t i = 0; i < SECRET_WORDS; i++)
        t->secret[i] = siphash(key, &i, sizeof(i));
    t->max = max_flows;
    t->mask = FIRST_BUCKETS - 1;
    for (int i = 0; i < LIST_COUNT; i++)
        t->list[i] = (struct flow_list){FLOW_NONE, FLOW_NONE};
    t->bucket = calloc((size_t)max_flows + FIRST_BUCKETS, sizeof(*t->bucket));
    t->next = calloc(max_flows, sizeof(*t->next));
    t->chunk = calloc(max_flows / CHUNK + 1, sizeof(*t->chunk));
    if (!t->bucket || !t->next || !t->chunk) {
        flow_table_free(t);
        return NULL;
    }
    return t;
}

void flow_table_free(struct flow_table *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->chunk && i <= t->max / CHUNK; i++)
        free(t->chunk[i]);
    free(t->chunk);
    free(t->bucket);
    free(t->next);
    free(t);
}

struct flow *flow_at(struct flow_table *t, uint32_t index)
{
    return &t->chunk[index >> CHUNK_BITS][index & (CHUNK - 1)];
}

size_t flow_slab_bytes(const struct flow_table *t)
{
    return t->fresh * sizeof(struct flow);
}

uint32_t flow_count(const struct flow_table *t)
{
    return t->used;
}

static uint32_t word(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/*
 * Multilinear hashing (Lemire and Kaser, Strongly universal string hashing is fast, 2014): each
 * word of the key times a random word, added up, the upper half kept. Two keys collide with a
 * probability of 2^-32 whoever chose them, as long as the random words are secret; and it is done
 * for each packet.
 */
static inline uint32_t hash(const uint64_t *secret, const struct flow_key *k)
{
    uint64_t sum = secret[0] +
                   (uint64_t)((uint32_t)k->tunnel << 8 | k->view) * secret[SECRET_WORDS - 1] +
                   secret[1] * ((uint32_t)k->client_port << 16 | k->server_port) +
                   secret[2] * word(k->client) + secret[3] * word(k->server);

    if (k->family == 4)
        return (uint32_t)(sum >> 32);
    for (int i = 1; i < 4; i++)
        sum += secret[2 + 2 * i] * word(k->client + 4 * i) +
               secret[3 + 2 * i] * word(k->server + 4 * i);
    return (uint32_t)(sum >> 32);
}

uint32_t flow_hash(const struct flow_table *t, const struct flow_key *key)
{
    return hash(t->secret, key);
}

_Static_assert(sizeof(struct flow_key) == 40, "a hole in a key is compared");

static inline bool same(const struct flow_key *a, const struct flow_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool flow_key_eq(const struct flow_key *a, const struct flow_key *b)
{
    return same(a, b);
}

static struct link *bucket_of(struct flow_table *t, uint32_t h)
{
    uint32_t i = h & t->mask;

    return &t->bucket[i < t->split ? (h & (2 * t->mask + 1)) : i];
}

/* Inline in each of its two callers: it is done for each packet. */
static inline struct flow *find(struct flow_table *t, const struct flow_key *key)
{
    uint32_t h = hash(t->secret, key);

    for (const struct link *l = bucket_of(t, h); l->to; l = &t->next[l->to - 1]) {
        if (l->hash != h)
            continue;
        struct flow *f = flow_at(t, l->to - 1);
        __builtin_prefetch(&f->pass); /* the lines that are wanted next, all at once */
        __builtin_prefetch(&f->dir[1]);
        __builtin_prefetch(&f->session);
        __builtin_prefetch(&f->recent);
        if (same(&f->key, key))
            return f;
    }
    return NULL;
}

struct flow *flow_find(struct flow_table *t, const struct flow_key *key)
{
    return find(t, key);
}

bool flow_known(struct flow_table *t, const struct flow_key *key)
{
    return find(t, key) != NULL;
}

/* Moves what belongs there from the next bucket in turn to its new twin. */
static void split_bucket(struct flow_table *t)
{
    struct link *from = &t->bucket[t->split];
    struct link *twin = &t->bucket[t->split + t->mask + 1];

    while (from->to) {
        struct link moved = *from;
        struct link *next = &t->next[moved.to - 1];
        if (moved.hash & (t->mask + 1)) {
            *from = *next;
            *next = *twin;
            *twin = moved;
        } else {
            from = next;
        }
    }
    if (++t->split > t->mask) {
        t->mask = 2 * t->mask + 1;
        t->split = 0;
    }
}

/* --- lists --- */

static struct flow_link *link_of(struct flow_table *t, enum list l, uint32_t index)
{
    struct flow *f = flow_at(t, index);

    return l == LIST_WAITING ? &f->wait : &f->age;
}

static void append(struct flow_table *t, enum list l, uint32_t index)
{
    struct flow_list *list = &t->list[l];
    struct flow_link *link = link_of(t, l, index);

    link->prev = list->tail;
    link->next = FLOW_NONE;
    if (list->tail == FLOW_NONE)
        list->head = index;
    else
        link_of(t, l, list->tail)->next = index;
    list->tail = index;
}

static void take(struct flow_table *t, enum list l, uint32_t index)
{
    struct flow_list *list = &t->list[l];
    struct flow_link *link = link_of(t, l, index);

    if (link->prev == FLOW_NONE)
        list->head = link->next;
    else
        link_of(t, l, link->prev)->next = link->next;
    if (link->next == FLOW_NONE)
        list->tail = link->prev;
    else
        link_of(t, l, link->next)->prev = link->prev;
}

static struct flow *first(struct flow_table *t, enum list l)
{
    return t->list[l].head == FLOW_NONE ? NULL : flow_at(t, t->list[l].head);
}

void flow_requeue(struct flow_table *t, struct flow *f)
{
    take(t, LIST_ACTIVE, f->index);
    append(t, LIST_ACTIVE, f->index);
    f->queued = f->touched;
}

void flow_closing(struct flow_table *t, struct flow *f)
{
    if (f->closing)
        return;
    take(t, LIST_ACTIVE, f->index);
    f->closing = true;
    append(t, LIST_CLOSING, f->index);
}

void flow_reopen(struct flow_table *t, struct flow *f)
{
    if (!f->closing)
        return;
    take(t, LIST_CLOSING, f->index);
    f->closing = false;
    append(t, LIST_ACTIVE, f->index);
    f->queued = f->touched;
}

struct flow *flow_oldest(struct flow_table *t)
{
    return first(t, LIST_ACTIVE);
}

struct flow *flow_oldest_closing(struct flow_table *t)
{
    return first(t, LIST_CLOSING);
}

void flow_wait(struct flow_table *t, struct flow *f)
{
    if (f->waiting)
        take(t, LIST_WAITING, f->index);
    f->waiting = true;
    append(t, LIST_WAITING, f->index);
}

void flow_unwait(struct flow_table *t, struct flow *f)
{
    if (!f->waiting)
        return;
    take(t, LIST_WAITING, f->index);
    f->waiting = false;
}

struct flow *flow_first_waiting(struct flow_table *t)
{
    return first(t, LIST_WAITING);
}

/* --- slab --- */

_Static_assert(CHUNK * sizeof(struct flow) <= CHUNK_BYTES, "a chunk is larger than its memory");

static struct flow *new_chunk(const struct flow_table *t)
{
    struct flow *chunk;

    if (t->max < CHUNK) /* a table so small has no more than this one */
        return aligned_alloc(_Alignof(struct flow), t->max * sizeof(struct flow));
    chunk = aligned_alloc(CHUNK_BYTES, CHUNK_BYTES);
    if (chunk)
        madvise(chunk, CHUNK_BYTES, MADV_HUGEPAGE);
    return chunk;
}

static uint32_t slot(struct flow_table *t)
{
    uint32_t index;

    if (t->free.to) {
        index = t->free.to - 1;
        t->free = t->next[index];
        return index;
    }
    if (t->fresh >= t->max)
        return FLOW_NONE;
    index = t->fresh;
    if (!t->chunk[index >> CHUNK_BITS]) {
        struct flow *chunk = new_chunk(t);
        if (!chunk)
            return FLOW_NONE;
        t->chunk[index >> CHUNK_BITS] = chunk;
    }
    t->fresh++;
    return index;
}

struct flow *flow_add(struct flow_table *t, const struct flow_key *key)
{
    uint32_t index = slot(t);
    uint32_t h = hash(t->secret, key);
    struct link *bucket = bucket_of(t, h);
    struct flow *f;

    if (index == FLOW_NONE)
        return NULL;
    f = flow_at(t, index);
    *f = (struct flow){.key = *key, .index = index};
    t->next[index] = *bucket;
    *bucket = (struct link){h, index + 1};
    append(t, LIST_ACTIVE, index);
    if (++t->used > t->mask + t->split)
        split_bucket(t);
    return f;
}

void flow_remove(struct flow_table *t, struct flow *f)
{
    struct link *at = bucket_of(t, hash(t->secret, &f->key));
    struct link *next = &t->next[f->index];

    while (at->to != f->index + 1)
        at = &t->next[at->to - 1];
    *at = *next;
    flow_unwait(t, f);
    take(t, f->closing ? LIST_CLOSING : LIST_ACTIVE, f->index);
    *next = t->free;
    t->free.to = f->index + 1;
    t->used--;
}
