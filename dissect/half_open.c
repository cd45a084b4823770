/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/half_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"

#define VIEWS_APART (500 * NS_PER_MS) /* a SYN is sent again after a second (RFC 6298) */

#define WAYS 4

struct place {
    uint16_t at;    /* in the ring */
    uint16_t check; /* more of its tag */
};

struct places { /* of what hashes here; the newest first */
    struct place way[WAYS];
};

/* The ring is written in order, and the index is small and seldom leads to it in vain: a SYN of a
 * flood costs no miss of the cache. */
struct half_open_table {
    struct places *index; /* behind the ring */
    uint16_t next, mask;
    uint16_t index_mask;
    struct half_open ring[];
};

_Static_assert(CAP_HALF_OPEN == UINT16_MAX + 1, "places are 16-bit numbers");

/*
 * By a fixed key: what a flood overwrites shows in the counters, and the same input must give the
 * same output. Who aims at an entry makes us forget that a SYN was seen, no more; the SYN/ACK tells
 * the same.
 */
static uint64_t tag_of(const struct flow_key *k)
{
    uint64_t w[4], h = (uint64_t)k->tunnel << 48 | (uint64_t)k->view << 40 |
                       (uint64_t)k->family << 32 | (uint64_t)k->client_port << 16 | k->server_port;

    memcpy(w, k->client, 16);
    memcpy(w + 2, k->server, 16);
    for (int i = 0; i < 4; i++) {
        h = (h ^ w[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return h * UINT64_C(0xff51afd7ed558ccd) | 1;
}

static uint16_t slot_of(const struct half_open_table *t, uint64_t tag)
{
    return (uint16_t)(tag >> 32) & t->index_mask;
}

static uint16_t check_of(uint64_t tag)
{
    return (uint16_t)(tag >> 48);
}

/* Its place in the ring may belong to another by now. */
static struct half_open *find(struct half_open_table *t, uint64_t tag)
{
    const struct places *p = &t->index[slot_of(t, tag)];

    for (int i = 0; i < WAYS; i++)
        if (p->way[i].check == check_of(tag) && t->ring[p->way[i].at].tag == tag)
            return &t->ring[p->way[i].at];
    return NULL;
}

static void put_place(struct places *p, struct place newest)
{
    memmove(p->way + 1, p->way, sizeof(p->way) - sizeof(p->way[0]));
    p->way[0] = newest;
}

/* A SYN that comes again at once, from another place: two places see the connection. */
static bool seen_elsewhere(const struct half_open *before, const struct half_open *syn)
{
    return before->point != syn->point && syn->time - before->time < VIEWS_APART;
}

bool half_open_note(struct half_open_table *t, const struct flow_key *key,
                    const struct half_open *syn)
{
    uint64_t tag = tag_of(key);
    struct half_open *same = find(t, tag);
    struct half_open *to = &t->ring[t->next];
    bool other;

    if (same && seen_elsewhere(same, syn)) {
        struct flow_key second = *key;
        second.view = 1;
        tag = tag_of(&second);
        same = find(t, tag);
    }
    if (same)
        same->tag = 0;
    other = to->tag && to->tag != tag;
    *to = *syn;
    to->tag = tag;
    put_place(&t->index[slot_of(t, tag)], (struct place){t->next, check_of(tag)});
    t->next = (t->next + 1) & t->mask;
    return other;
}

struct half_open *half_open_find(struct half_open_table *t, const struct flow_key *key)
{
    return find(t, tag_of(key));
}

struct half_open_table *half_open_new(uint32_t entries)
{
    uint32_t slots = entries < WAYS ? 1 : entries / WAYS;
    struct half_open_table *t =
        calloc(1, sizeof(*t) + entries * sizeof(t->ring[0]) + slots * sizeof(t->index[0]));

    if (!t)
        return NULL;
    t->mask = (uint16_t)(entries - 1);
    t->index_mask = (uint16_t)(slots - 1);
    t->index = (struct places *)&t->ring[entries];
    return t;
}

void half_open_free(struct half_open_table *t)
{
    free(t);
}
