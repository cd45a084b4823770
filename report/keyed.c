/* SPDX-License-Identifier: Apache-2.0 */
#include "report/keyed.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

struct keyed {
    struct siphash_key secret;
    size_t size, key;
    uint32_t cap, count, room;
    uint8_t *record;
    uint32_t *slot; /* 2 * room of them, a power of two: 1 + the number of a record, or 0 */
};

struct keyed *keyed_new(const struct siphash_key *secret, size_t size, size_t key, uint32_t cap)
{
    struct keyed *k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    *k = (struct keyed){.secret = *secret, .size = size, .key = key, .cap = cap};
    return k;
}

void keyed_free(struct keyed *k)
{
    if (!k)
        return;
    free(k->record);
    free(k->slot);
    free(k);
}

/* Where the key is, or where it would be. There is always an empty slot. */
static uint32_t *find(const struct keyed *k, const void *key)
{
    uint32_t mask = 2 * k->room - 1;
    uint32_t at = (uint32_t)siphash(&k->secret, key, k->key) & mask;
    while (k->slot[at] && memcmp(keyed_at(k, k->slot[at] - 1), key, k->key) != 0)
        at = (at + 1) & mask;
    return &k->slot[at];
}

static bool grow(struct keyed *k)
{
    uint32_t room = k->room ? 2 * k->room : FIRST_ROOM;
    uint8_t *record = realloc(k->record, (size_t)room * k->size);
    if (!record)
        return false;
    k->record = record;
    uint32_t *slot = calloc((size_t)room * 2, sizeof(*slot));
    if (!slot)
        return false;
    free(k->slot);
    k->slot = slot;
    k->room = room;
    for (uint32_t i = 0; i < k->count; i++)
        *find(k, keyed_at(k, i)) = i + 1;
    return true;
}

int64_t keyed_add(struct keyed *k, const void *key)
{
    uint32_t *slot = k->room ? find(k, key) : NULL;
    if (slot && *slot)
        return *slot - 1;
    if (k->count == k->cap)
        return -1;
    if (!slot || k->count == k->room) {
        if (!grow(k))
            return -1;
        slot = find(k, key);
    }
    uint8_t *record = keyed_at(k, k->count);
    memcpy(record, key, k->key);
    memset(record + k->key, 0, k->size - k->key);
    *slot = ++k->count;
    return k->count - 1;
}

int64_t keyed_find(const struct keyed *k, const void *key)
{
    const uint32_t *slot = k->room ? find(k, key) : NULL;
    return slot ? (int64_t)*slot - 1 : -1;
}

void *keyed_at(const struct keyed *k, uint32_t number)
{
    return k->record + (size_t)number * k->size;
}

uint32_t keyed_count(const struct keyed *k)
{
    return k->count;
}
