/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/half_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/siphash.h"

#define VIEWS_APART (500 * NS_PER_MS) /* a SYN is sent again after a second (RFC 6298) */

/* The ring is written in order and the index is small: a SYN costs no miss of the cache. */
struct half_open_table {
    uint16_t *index; /* place in the ring of what hashes here last; behind the ring */
    uint16_t next, mask;
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
    static const struct siphash_key fixed = {0, 0};
    uint64_t w[5] = {0};

    memcpy(w, k->client, 16);
    memcpy(w + 2, k->server, 16);
    w[4] = (uint64_t)k->view << 40 | (uint64_t)k->family << 32 | (uint64_t)k->client_port << 16 |
           k->server_port;
    return siphash(&fixed, w, sizeof(w)) | 1;
}

static uint16_t slot_of(const struct half_open_table *t, uint64_t tag)
{
    return (uint16_t)(tag >> 32) & t->mask;
}

/* What an index entry leads to; its place may belong to another slot's SYN by now. */
static struct half_open *at_slot(struct half_open_table *t, uint16_t slot)
{
    struct half_open *h = &t->ring[t->index[slot]];

    return h->tag && slot_of(t, h->tag) == slot ? h : NULL;
}

static bool forget(struct half_open *h, uint64_t tag)
{
    bool other = h->tag && h->tag != tag;

    h->tag = 0;
    return other;
}

/* A SYN that comes again at once, from another place: two places see the connection. */
static bool seen_elsewhere(const struct half_open *before, const struct half_open *syn)
{
    return before->point != syn->point && syn->time - before->time < VIEWS_APART;
}

unsigned half_open_note(struct half_open_table *t, const struct flow_key *key,
                        const struct half_open *syn)
{
    uint64_t tag = tag_of(key);
    struct half_open *same = at_slot(t, slot_of(t, tag));
    struct half_open *to = &t->ring[t->next];
    unsigned forgotten;

    if (same && same->tag == tag && seen_elsewhere(same, syn)) {
        struct flow_key second = *key;
        second.view = 1;
        tag = tag_of(&second);
        same = at_slot(t, slot_of(t, tag));
    }
    forgotten = same && forget(same, tag);
    forgotten += forget(to, tag);
    *to = *syn;
    to->tag = tag;
    t->index[slot_of(t, tag)] = t->next;
    t->next = (t->next + 1) & t->mask;
    return forgotten;
}

struct half_open *half_open_find(struct half_open_table *t, const struct flow_key *key)
{
    uint64_t tag = tag_of(key);
    struct half_open *h = at_slot(t, slot_of(t, tag));

    return h && h->tag == tag ? h : NULL;
}

struct half_open_table *half_open_new(uint32_t entries)
{
    struct half_open_table *t =
        calloc(1, sizeof(*t) + entries * (sizeof(t->ring[0]) + sizeof(t->index[0])));

    if (!t)
        return NULL;
    t->mask = (uint16_t)(entries - 1);
    t->index = (uint16_t *)&t->ring[entries];
    return t;
}

void half_open_free(struct half_open_table *t)
{
    free(t);
}
