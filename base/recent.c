/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct place {
    uint64_t key;  /* hash */
    uint32_t next; /* in its bucket */
    uint32_t older, newer;
    int64_t value[2];
};

struct recent {
    struct siphash_key secret;
    uint32_t places, used; /* `places` is a power of two, and the number of buckets */
    uint32_t oldest, newest;
    uint32_t *bucket; /* behind the places */
    struct place place[];
};

struct recent *recent_new(const struct siphash_key *key, uint32_t places)
{
    struct recent *r =
        calloc(1, sizeof(*r) + places * (sizeof(r->place[0]) + sizeof(r->bucket[0])));

    if (!r)
        return NULL;
    r->secret = *key;
    r->places = places;
    r->oldest = r->newest = NONE;
    r->bucket = (uint32_t *)&r->place[places];
    return r;
}

void recent_free(struct recent *r)
{
    free(r);
}

/* Buckets have the place and one more, so that memory that nobody wrote is an empty bucket. */
static uint32_t *bucket_of(struct recent *r, uint64_t hash)
{
    return &r->bucket[hash & (r->places - 1)];
}

static struct place *find(struct recent *r, uint64_t hash)
{
    for (uint32_t i = *bucket_of(r, hash); i; i = r->place[i - 1].next)
        if (r->place[i - 1].key == hash)
            return &r->place[i - 1];
    return NULL;
}

int64_t *recent_find(struct recent *r, const void *key, size_t n)
{
    struct place *p = find(r, siphash(&r->secret, key, n));

    return p ? p->value : NULL;
}

static void take(struct recent *r, struct place *p)
{
    *(p->older != NONE ? &r->place[p->older].newer : &r->oldest) = p->newer;
    *(p->newer != NONE ? &r->place[p->newer].older : &r->newest) = p->older;
}

static void append(struct recent *r, struct place *p)
{
    uint32_t self = (uint32_t)(p - r->place);

    p->older = r->newest;
    p->newer = NONE;
    *(r->newest != NONE ? &r->place[r->newest].newer : &r->oldest) = self;
    r->newest = self;
}

/* A place that was never used, or that of the key that was not used for longest. */
static struct place *new_place(struct recent *r)
{
    struct place *p;
    uint32_t *link;

    if (r->used < r->places)
        return &r->place[r->used++];
    p = &r->place[r->oldest];
    take(r, p);
    link = bucket_of(r, p->key);
    while (*link != (uint32_t)(p - r->place) + 1)
        link = &r->place[*link - 1].next;
    *link = p->next;
    return p;
}

int64_t *recent_keep(struct recent *r, const void *key, size_t n)
{
    uint64_t hash = siphash(&r->secret, key, n);
    struct place *p = find(r, hash);

    if (p) {
        take(r, p);
    } else {
        p = new_place(r);
        *p = (struct place){.key = hash, .next = *bucket_of(r, hash)};
        *bucket_of(r, hash) = (uint32_t)(p - r->place) + 1;
    }
    append(r, p);
    return p->value;
}
