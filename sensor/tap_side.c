/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tap_side.h"

#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

#define TIMES      4     /* that one wait is of the other */
#define APART      1000  /* microseconds, at least: hosts of one network answer faster */
#define SLOTS      64    /* networks that are remembered of a tap */
#define MOST       65536 /* taps: files of one run */
#define NET_OF_IP4 3     /* bytes that make a network: /24, /48 */
#define NET_OF_IP6 6

struct tap {
    uint8_t vote[SLOTS]; /* enum vantage, of the newest connection with a network there */
    struct tap_side_counts counts;
};

struct tap_sides {
    struct tap **tap;
    uint32_t count;
};

/* The same input gives the same lines. Who wants two networks to have one place may have that: it
 * costs a vote of his own. */
static const struct siphash_key KEY = {0x7461707369646573, 0x6f6e652061206e65};

struct tap_sides *tap_sides_new(void)
{
    return calloc(1, sizeof(struct tap_sides));
}

void tap_sides_free(struct tap_sides *t)
{
    for (uint32_t i = 0; t && i < t->count; i++)
        free(t->tap[i]);
    if (t)
        free(t->tap);
    free(t);
}

static bool make_room(struct tap_sides *t, uint32_t source)
{
    uint32_t wanted = 2 * source + 8;
    if (source < t->count)
        return true;
    struct tap **more = source < MOST ? realloc(t->tap, wanted * sizeof(struct tap *)) : NULL;
    if (!more)
        return false;
    memset(more + t->count, 0, (wanted - t->count) * sizeof(struct tap *));
    t->tap = more;
    t->count = wanted;
    return true;
}

/* NULL: no memory. */
static struct tap *tap_of(struct tap_sides *t, uint32_t source)
{
    if (!make_room(t, source))
        return NULL;
    if (!t->tap[source])
        t->tap[source] = calloc(1, sizeof(struct tap));
    return t->tap[source];
}

static enum vantage vote_of(const struct session *s)
{
    uint64_t syn = s->syn_wait, synack = s->synack_wait;
    if (syn == 0 || synack == 0)
        return VANTAGE_UNKNOWN;
    if (syn >= TIMES * synack && syn - synack >= APART)
        return VANTAGE_CLIENT_SIDE;
    if (synack >= TIMES * syn && synack - syn >= APART)
        return VANTAGE_SERVER_SIDE;
    return VANTAGE_UNKNOWN;
}

static void count(struct tap_side_counts *c, enum vantage vote, uint32_t by)
{
    c->client_side += vote == VANTAGE_CLIENT_SIDE ? by : 0;
    c->server_side += vote == VANTAGE_SERVER_SIDE ? by : 0;
}

void tap_sides_see(struct tap_sides *t, const struct session *s)
{
    enum vantage vote = vote_of(s);
    struct tap *tap = vote == VANTAGE_UNKNOWN ? NULL : tap_of(t, s->source);
    const uint8_t *far = vote == VANTAGE_CLIENT_SIDE ? s->key.server : s->key.client;
    if (!tap)
        return;
    size_t slot = siphash(&KEY, far, s->key.family == 4 ? NET_OF_IP4 : NET_OF_IP6) % SLOTS;
    count(&tap->counts, (enum vantage)tap->vote[slot], UINT32_MAX); /* one less */
    tap->vote[slot] = (uint8_t)vote;
    count(&tap->counts, vote, 1);
}

struct tap_side_counts tap_sides_counts(const struct tap_sides *t, uint32_t source)
{
    if (source >= t->count || !t->tap[source])
        return (struct tap_side_counts){0, 0};
    return t->tap[source]->counts;
}

enum vantage tap_sides_of(const struct tap_sides *t, uint32_t source)
{
    const struct tap_side_counts c = tap_sides_counts(t, source);
    uint32_t all = c.client_side + c.server_side;
    if (all < TAP_SIDE_LEAST)
        return VANTAGE_UNKNOWN;
    if (8 * c.client_side >= TAP_SIDE_AGREE * all)
        return VANTAGE_CLIENT_SIDE;
    return 8 * c.server_side >= TAP_SIDE_AGREE * all ? VANTAGE_SERVER_SIDE : VANTAGE_UNKNOWN;
}
