/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* A fuzzer makes its tables anew for each input: full ones would be all that it does. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { PLACES_MOST = 64 };
#else
enum { PLACES_MOST = 1 << 30 };
#endif

/* Apart from the values, so that to look for a key and to keep the order touches little memory. */
struct place {
    uint64_t key;  /* hash */
    uint32_t next; /* in its bucket, and one more; of the places that were left: among those */
    uint32_t older, newer; /* of one that was left: itself */
    uint32_t self;
};

struct recent {
    struct siphash_key secret;
    uint32_t places; /* a power of two, and the number of buckets */
    uint32_t used;   /* places that ever were */
    uint32_t left;   /* the newest of those that were left, and one more; 0: none */
    uint32_t count;
    uint64_t evicted;
    uint32_t oldest, newest;
    uint32_t round;      /* the place that recent_round() looks at next */
    size_t size, stride; /* bytes of a value, and of its room */
    struct place *place; /* behind the values */
    uint32_t *bucket;    /* behind the places */
    uint64_t value[];    /* `stride` bytes a place */
};

struct recent *recent_new(const struct siphash_key *key, uint32_t places, size_t size)
{
    size_t stride = (size + 7) / 8 * 8;
    places = places < PLACES_MOST ? places : PLACES_MOST;
    struct recent *r =
        calloc(1, sizeof(*r) + places * (stride + sizeof(r->place[0]) + sizeof(r->bucket[0])));

    if (!r)
        return NULL;
    r->secret = *key;
    r->places = places;
    r->size = size;
    r->stride = stride;
    r->oldest = r->newest = NONE;
    r->place = (struct place *)(void *)((uint8_t *)r->value + places * stride);
    r->bucket = (uint32_t *)(void *)(r->place + places);
    return r;
}

void recent_free(struct recent *r)
{
    free(r);
}

uint32_t recent_count(const struct recent *r)
{
    return r->count;
}

bool recent_is_full(const struct recent *r)
{
    return r->count == r->places;
}

uint64_t recent_evicted(const struct recent *r)
{
    return r->evicted;
}

/* --- places --- */

static struct place *at(struct recent *r, uint32_t i)
{
    return &r->place[i];
}

static struct place *place_of(struct recent *r, const void *value)
{
    size_t off = (size_t)((const uint8_t *)value - (const uint8_t *)r->value);

    return at(r, (uint32_t)(off / r->stride));
}

static void *value_at(struct recent *r, uint32_t i)
{
    return i == NONE ? NULL : (uint8_t *)r->value + i * r->stride;
}

static void *value_of(struct recent *r, const struct place *p)
{
    return p ? value_at(r, p->self) : NULL;
}

void *recent_oldest(struct recent *r)
{
    return value_at(r, r->oldest);
}

void *recent_newer(struct recent *r, const void *value)
{
    return value_at(r, place_of(r, value)->newer);
}

void *recent_round(struct recent *r)
{
    const struct place *p;

    if (r->round >= r->used)
        r->round = 0;
    if (r->used == 0)
        return NULL;
    p = at(r, r->round++);
    return p->newer == p->self ? NULL : value_of(r, p);
}

static void take(struct recent *r, struct place *p)
{
    *(p->older != NONE ? &at(r, p->older)->newer : &r->oldest) = p->newer;
    *(p->newer != NONE ? &at(r, p->newer)->older : &r->newest) = p->older;
}

static void append(struct recent *r, struct place *p)
{
    p->older = r->newest;
    p->newer = NONE;
    *(r->newest != NONE ? &at(r, r->newest)->newer : &r->oldest) = p->self;
    r->newest = p->self;
}

void recent_use(struct recent *r, void *value)
{
    struct place *p = place_of(r, value);

    if (r->newest == p->self)
        return;
    take(r, p);
    append(r, p);
}

/* --- keys --- */

/* Buckets have the place and one more, so that memory that nobody wrote is an empty bucket. */
static uint32_t *bucket_of(struct recent *r, uint64_t hash)
{
    return &r->bucket[hash & (r->places - 1)];
}

static struct place *find(struct recent *r, uint64_t hash)
{
    for (uint32_t i = *bucket_of(r, hash); i; i = at(r, i - 1)->next)
        if (at(r, i - 1)->key == hash)
            return at(r, i - 1);
    return NULL;
}

uint64_t recent_digest(const struct recent *r, const void *key, size_t n)
{
    return siphash(&r->secret, key, n);
}

void *recent_find_digest(struct recent *r, uint64_t digest)
{
    return value_of(r, find(r, digest));
}

void *recent_find(struct recent *r, const void *key, size_t n)
{
    return r->count ? recent_find_digest(r, recent_digest(r, key, n)) : NULL;
}

void recent_forget(struct recent *r, void *value)
{
    struct place *p = place_of(r, value);
    uint32_t *link = bucket_of(r, p->key);

    while (*link != p->self + 1)
        link = &at(r, *link - 1)->next;
    *link = p->next;
    take(r, p);
    p->older = p->newer = p->self;
    p->next = r->left;
    r->left = p->self + 1;
    r->count--;
}

/* One that was left, one that never was used, or that of the oldest key. */
static struct place *new_place(struct recent *r)
{
    struct place *p;

    if (!r->left && r->used < r->places) {
        p = at(r, r->used);
        p->self = r->used++;
        return p;
    }
    if (!r->left) {
        recent_forget(r, recent_oldest(r));
        r->evicted++;
    }
    p = at(r, r->left - 1);
    r->left = p->next;
    return p;
}

void *recent_keep(struct recent *r, const void *key, size_t n)
{
    uint64_t hash = siphash(&r->secret, key, n);
    struct place *p = find(r, hash);
    uint32_t *bucket = bucket_of(r, hash);

    if (p) {
        take(r, p);
    } else {
        p = new_place(r);
        p->key = hash;
        p->next = *bucket;
        memset(value_of(r, p), 0, r->size);
        *bucket = p->self + 1;
        r->count++;
    }
    append(r, p);
    return value_of(r, p);
}

/* --- for another process --- */

struct saved {
    struct siphash_key secret;
    uint64_t evicted, size;
    uint32_t places, used, left, count, oldest, newest;
};

static bool put(FILE *to, const void *p, size_t size, size_t n)
{
    return fwrite(p, size, n, to) == n;
}

bool recent_save(const struct recent *r, FILE *to)
{
    struct saved s;

    memset(&s, 0, sizeof(s));
    s.secret = r->secret;
    s.evicted = r->evicted;
    s.size = r->size;
    s.places = r->places;
    s.used = r->used;
    s.left = r->left;
    s.count = r->count;
    s.oldest = r->oldest;
    s.newest = r->newest;
    return put(to, &s, sizeof(s), 1) && put(to, r->value, r->stride, r->used) &&
           put(to, r->place, sizeof(r->place[0]), r->used) &&
           put(to, r->bucket, sizeof(r->bucket[0]), r->places);
}

static bool is_index(uint32_t i, uint32_t used)
{
    return i == NONE || i < used;
}

/* Nothing points out of the table. */
static bool is_whole(const struct recent *r)
{
    for (uint32_t i = 0; i < r->used; i++) {
        const struct place *p = &r->place[i];
        if (p->self != i || p->next > r->used || !is_index(p->older, r->used) ||
            !is_index(p->newer, r->used))
            return false;
    }
    for (uint32_t i = 0; i < r->places; i++)
        if (r->bucket[i] > r->used)
            return false;
    return true;
}

bool recent_restore(struct recent *r, FILE *from)
{
    struct saved s;

    if (fread(&s, sizeof(s), 1, from) != 1 || s.size != r->size || s.places != r->places ||
        s.used > s.places || s.left > s.used || s.count > s.used || !is_index(s.oldest, s.used) ||
        !is_index(s.newest, s.used))
        return false;
    r->secret = s.secret;
    r->evicted = s.evicted;
    r->used = s.used;
    r->left = s.left;
    r->count = s.count;
    r->oldest = s.oldest;
    r->newest = s.newest;
    r->round = 0;
    return fread(r->value, r->stride, r->used, from) == r->used &&
           fread(r->place, sizeof(r->place[0]), r->used, from) == r->used &&
           fread(r->bucket, sizeof(r->bucket[0]), r->places, from) == r->places && is_whole(r);
}
