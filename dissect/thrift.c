/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed, and what goes, when memory or places are short. */
#include "base/heap.h"
#include "dissect/dissect_state.h"

#define SILENT (100 * NS_PER_MS) /* no copy of a mirror port comes that late */
/* These bound the cost of one packet. */
#define SILENT_TRIES  8     /* flows looked at for one that is silent */
#define RECALLED_STAY 64    /* flows that were packed may stay for so many others */
#define RECALLED_KEEP 8     /* and one in so many stays until it is silent for longest */
#define MEASURE_EVERY 16384 /* packets at least between two looks at what the allocator wastes */
#define TRIM_TRIES    8     /* flows packed, and flows evicted; a packet brings one at most */

/* The active flow that was silent longest, or nearly so; NULL: there is none. */
static struct flow *most_silent(struct flow_table *t)
{
    struct flow *f = flow_oldest(t);

    for (int i = 0; i < SILENT_TRIES && f && f->touched != f->queued; i++) {
        flow_requeue(t, f);
        f = flow_oldest(t);
    }
    return f;
}

/*
 * Where more flows speak in turn than there is room for, the one that was silent longest is the
 * next to speak, and all would be unpacked for a packet each. So one that came back for a single
 * packet is packed before those that did not have to be.
 */
static struct flow *passing(struct dissect *d)
{
    while (d->recalled_count > RECALLED_STAY) {
        const struct recalled *r = &d->recalled[d->recalled_at % RECALLED];
        struct flow *f = flow_at(d->converse.table, r->index);
        d->recalled_count--;
        if (d->recalled_at++ % RECALLED_KEEP > 0 && f->session && f->session->serial == r->serial &&
            f->touched == r->time)
            return f;
    }
    return NULL;
}

static void note_recalled(struct dissect *d, const struct flow *f)
{
    if (d->recalled_count == RECALLED) {
        d->recalled_count--;
        d->recalled_at++;
    }
    d->recalled[(d->recalled_at + d->recalled_count++) % RECALLED] =
        (struct recalled){.index = f->index, .serial = f->session->serial, .time = d->converse.now};
}

/* What waits for missing bytes is read without them when others may need its room. */
static void pack_held(struct dissect *d, struct flow *f)
{
    const struct reasm_pool *pool = &d->converse.pool;

    if (f->waiting && pool->bytes > pool->limit / 2)
        converse_resolve(&d->converse, f, true);
}

/* The kept dialogue goes as well when others may need its room. */
static void pack_evidence(struct dissect *d, struct flow *f)
{
    struct evidence_pool *pool = &d->converse.evidence;

    if (!f->evidence || pool->bytes <= pool->limit / 2 || evidence_in_conflict(f->evidence))
        return;
    evidence_free(f->evidence, pool);
    f->evidence = NULL;
    f->session->evidence_evicted = true;
}

/* Packs the flow that was silent longest, mostly; one that was closed in good order is let go. */
static bool park_one(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    struct flow *f = flow_oldest_closing(t);

    if (!f && !(f = passing(d)))
        f = most_silent(t);
    if (!f)
        return false;
    if (!f->session) {
        lifetime_close(d, f, SESSION_FIN);
        return true;
    }
    pack_held(d, f);
    pack_evidence(d, f);
    converse_catch_up(f);
    if (f->session->handshake && f->session->tls_complete) /* it may stand among the later ones */
        (void)dissect_hand_out(d);
    if (!park_flow(d->park, f, flow_hash(t, &f->key), d->converse.now - f->touched > SILENT))
        return false;
    flow_remove(t, f);
    d->count.flows_packed++;
    return true;
}

struct flow *thrift_unpack(struct dissect *d, struct parked *q)
{
    struct flow_key key = park_key(q);
    struct flow *f = flow_add(d->converse.table, &key);

    if (!f)
        return NULL;
    f->queued = f->touched = d->converse.now;
    if (park_restore(d->park, q, d->converse.table, f))
        return f;
    flow_remove(d->converse.table, f);
    return NULL;
}

struct flow *thrift_recall(struct dissect *d, const struct flow_key *k)
{
    struct parked *q = park_find(d->park, flow_hash(d->converse.table, k), k);
    struct flow *f = q ? thrift_unpack(d, q) : NULL;

    if (!f)
        return NULL;
    d->count.flows_unpacked++;
    note_recalled(d, f);
    if (f->waiting) /* nobody looked after it while it was packed */
        converse_overdue(&d->converse, f);
    return f;
}

static void count_evicted(struct dissect_counters *c, enum park_class class)
{
    c->evicted_ended += class == PARK_ENDED;
    c->evicted_decided += class == PARK_DECIDED;
    c->evicted_no_greeting += class == PARK_NO_GREETING;
    c->evicted_greeted += class == PARK_GREETED;
    c->evicted_asked += class == PARK_ASKED;
    c->evicted_suspect += class == PARK_SUSPECT;
}

/* Hands the least promising of the packed sessions out and lets it go. */
static bool evict_one(struct dissect *d)
{
    struct parked *q = park_least(d->park);
    enum park_class class = q ? park_class(q) : PARK_CLASS_COUNT;
    struct flow *f = q ? thrift_unpack(d, q) : NULL;

    if (!f)
        return false;
    count_evicted(&d->count, class);
    lifetime_close(d, f, class == PARK_ENDED ? lifetime_how(f) : SESSION_EVICTED);
    (void)dissect_hand_out(d);
    return true;
}

/* The slab has a limit of its own: places of sessions that ended need nothing else. */
static bool crowded(const struct dissect *d, size_t slab)
{
    size_t used = heap_bytes() + slab;

    return slab > d->pack_from / 4 ||
           (used > d->pack_from && used - park_bytes(d->park) > d->config.unpacked);
}

void thrift_trim(struct dissect *d)
{
    size_t slab = flow_count(d->converse.table) * sizeof(struct flow);

    for (int i = 0; i < TRIM_TRIES && crowded(d, slab) && park_one(d); i++)
        slab = flow_count(d->converse.table) * sizeof(struct flow);
    for (int i = 0; i < TRIM_TRIES && heap_bytes() + slab > d->memory; i++)
        if (!evict_one(d))
            break;
}

/*
 * What the allocator cannot use between its pieces counts as well: flows of all sizes come and go.
 * The more it wastes, the less there is for flows.
 */
void thrift_measure(struct dissect *d)
{
    uint32_t flows = flow_count(d->converse.table) + park_count(d->park);

    if (d->converse.number < d->measure_at) /* it costs as much as a thousand packets, and more */
        return;                             /* with many flows, all of which change no sooner */
    d->measure_at = d->converse.number + (flows > MEASURE_EVERY ? flows : MEASURE_EVERY);
    size_t whole = heap_whole() + flow_slab_bytes(d->converse.table), most = d->config.memory;

    d->memory = whole > most ? (size_t)((double)most * (double)most / (double)whole) : most;
    d->pack_from = d->config.unpacked ? d->memory / 2 : 0;
}

/* There are as many flows as there may be. */
void thrift_make_room(struct dissect *d)
{
    struct flow *f = flow_oldest_closing(d->converse.table);

    if (f)
        lifetime_close(d, f, lifetime_how(f));
    else if (park_count(d->park) || park_one(d))
        (void)evict_one(d);
}
