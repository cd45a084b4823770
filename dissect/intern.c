/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/intern.h"

#include <stdlib.h>

#include "base/heap.h"

struct interned {
    struct interned *next; /* same bucket */
    uint32_t hash, uses;
    uint16_t n;
    uint8_t bytes[];
};

struct intern {
    struct siphash_key key;
    uint32_t mask;
    struct interned *bucket[];
};

struct intern *intern_new(const struct siphash_key *key, uint32_t buckets)
{
    struct intern *t = calloc(1, sizeof(*t) + buckets * sizeof(t->bucket[0]));

    if (!t)
        return NULL;
    t->key = *key;
    t->mask = buckets - 1;
    return t;
}

void intern_free(struct intern *t)
{
    free(t);
}

static struct interned **bucket_of(struct intern *t, uint32_t hash)
{
    return &t->bucket[hash & t->mask];
}

struct interned *intern_keep(struct intern *t, struct span bytes)
{
    uint32_t hash = (uint32_t)siphash(&t->key, bytes.p, bytes.n);
    struct interned **bucket = bucket_of(t, hash);
    struct interned *i = *bucket;

    while (i && (i->hash != hash || !span_eq(span_of(i->bytes, i->n), bytes)))
        i = i->next;
    if (i) {
        i->uses++;
        return i;
    }
    i = heap_alloc(offsetof(struct interned, bytes) + bytes.n);
    if (!i)
        return NULL;
    *i = (struct interned){.next = *bucket, .hash = hash, .uses = 1, .n = (uint16_t)bytes.n};
    memcpy(i->bytes, bytes.p, bytes.n);
    *bucket = i;
    return i;
}

struct span intern_bytes(const struct interned *i)
{
    return span_of(i->bytes, i->n);
}

void intern_let_go(struct intern *t, struct interned *i)
{
    struct interned **link = bucket_of(t, i->hash);

    if (--i->uses)
        return;
    while (*link != i)
        link = &(*link)->next;
    *link = i->next;
    heap_free(i);
}
