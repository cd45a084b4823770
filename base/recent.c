/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent.h"

#include <stdlib.h>

#define WAYS 4 /* places that a key may be in */

struct place {
    uint64_t key; /* 0: free */
    nstime used;
    int64_t value[2];
};

struct recent {
    struct siphash_key secret;
    uint32_t sets; /* a power of two */
    struct place place[];
};

struct recent *recent_new(const struct siphash_key *key, uint32_t places)
{
    struct recent *r = calloc(1, sizeof(*r) + places * sizeof(r->place[0]));

    if (!r)
        return NULL;
    r->secret = *key;
    r->sets = places / WAYS;
    return r;
}

void recent_free(struct recent *r)
{
    free(r);
}

static uint64_t hash_of(const struct recent *r, const void *key, size_t n)
{
    return siphash(&r->secret, key, n) | 1;
}

/* The upper bits: the lowest is always set. */
static struct place *set_of(struct recent *r, uint64_t hash)
{
    return &r->place[(hash >> 32 & (r->sets - 1)) * WAYS];
}

static struct place *find(struct recent *r, uint64_t hash)
{
    struct place *set = set_of(r, hash);

    for (int i = 0; i < WAYS; i++)
        if (set[i].key == hash)
            return &set[i];
    return NULL;
}

int64_t *recent_find(struct recent *r, const void *key, size_t n)
{
    struct place *p = find(r, hash_of(r, key, n));

    return p ? p->value : NULL;
}

/* One that is free, or else the one that was not used for longest. */
static struct place *take(struct place *set)
{
    struct place *least = &set[0];

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == 0)
            return &set[i];
        if (set[i].used < least->used)
            least = &set[i];
    }
    return least;
}

int64_t *recent_keep(struct recent *r, const void *key, size_t n, nstime now)
{
    uint64_t hash = hash_of(r, key, n);
    struct place *p = find(r, hash);

    if (!p) {
        p = take(set_of(r, hash));
        *p = (struct place){.key = hash};
    }
    p->used = now;
    return p->value;
}
