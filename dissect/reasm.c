/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/reasm.h"

#include "base/caps.h"
#include "base/heap.h"

struct reasm_held {
    struct reasm_held *next;
    struct reasm_segment seg; /* seg.bytes points at data */
    uint8_t data[];
};

static size_t held_size(const struct reasm_held *h)
{
    return sizeof(*h) + h->seg.bytes.n;
}

static uint32_t end_of(const struct reasm_segment *s)
{
    return s->seq + s->wire_len;
}

void reasm_start(struct reasm *r, uint32_t seq)
{
    r->base = seq;
    r->next = seq;
    r->started = true;
}

static void let_go(struct reasm *r, struct reasm_pool *pool, struct reasm_held **link)
{
    struct reasm_held *h = *link;

    *link = h->next;
    r->held_count--;
    r->held_bytes -= (uint32_t)h->seg.bytes.n;
    pool->bytes -= held_size(h);
    heap_free(h);
}

static struct reasm_held *copy_of(struct reasm_pool *pool, const struct reasm_segment *s)
{
    size_t size = sizeof(struct reasm_held) + s->bytes.n;
    struct reasm_held *h;

    if (size > pool->limit - pool->bytes)
        return NULL;
    h = heap_alloc(size);
    if (!h)
        return NULL;
    h->seg = *s;
    if (s->bytes.n)
        memcpy(h->data, s->bytes.p, s->bytes.n);
    h->seg.bytes.p = h->data;
    pool->bytes += size;
    if (pool->bytes > pool->peak)
        pool->peak = pool->bytes;
    return h;
}

/* A copy is worth keeping over another of the same place when it is cleaner or shows more. */
static bool better(const struct reasm_segment *a, const struct reasm_segment *b)
{
    if (a->suspect != b->suspect)
        return !a->suspect;
    return a->bytes.n > b->bytes.n;
}

/* What lies furthest ahead gives way to what is nearer: nobody fills the list with the future. */
static void make_room(struct reasm *r, struct reasm_pool *pool, const struct reasm_segment *s)
{
    struct reasm_held **link = &r->held;

    if (!r->held ||
        (r->held_count < CAP_HELD_SEGMENTS && r->held_bytes + s->bytes.n <= CAP_HELD_BYTES))
        return;
    while ((*link)->next)
        link = &(*link)->next;
    if (reasm_diff((*link)->seg.seq, s->seq) > 0) {
        pool->refused++;
        let_go(r, pool, link);
    }
}

enum reasm_hold reasm_hold(struct reasm *r, struct reasm_pool *pool, const struct reasm_segment *s)
{
    struct reasm_held **link = &r->held;
    struct reasm_held *h;

    if (r->started && reasm_diff(end_of(s), r->next) <= 0)
        return REASM_KNOWN;
    while (*link && reasm_diff((*link)->seg.seq, s->seq) < 0)
        link = &(*link)->next;
    if (*link && (*link)->seg.seq == s->seq) {
        if (!better(s, &(*link)->seg)) {
            if (reasm_diff(s->ack, (*link)->seg.ack) < 0) /* the original, behind its repetition */
                (*link)->seg.ack = s->ack;
            return REASM_KNOWN;
        }
        let_go(r, pool, link);
    }
    make_room(r, pool, s);
    if (r->held_count >= CAP_HELD_SEGMENTS || r->held_bytes + s->bytes.n > CAP_HELD_BYTES ||
        !(h = copy_of(pool, s))) {
        pool->refused++;
        return REASM_FULL;
    }
    for (link = &r->held; *link && reasm_diff((*link)->seg.seq, s->seq) < 0;)
        link = &(*link)->next;
    h->next = *link;
    *link = h;
    r->held_count++;
    r->held_bytes += (uint32_t)s->bytes.n;
    return REASM_HELD;
}

/* The clean copy that covers `next`, else the suspect one, else the first beyond the hole. */
static struct reasm_held *choose(struct reasm *r)
{
    struct reasm_held *fallback = r->held;

    for (struct reasm_held *h = r->held; h && r->started; h = h->next) {
        if (reasm_diff(h->seg.seq, r->next) > 0)
            break;
        if (!h->seg.suspect)
            return h;
    }
    return fallback;
}

bool reasm_first(struct reasm *r, struct reasm_pool *pool, struct reasm_segment *out)
{
    struct reasm_held **link = &r->held;
    struct reasm_held *h;

    while (r->started && *link) {
        if (reasm_diff(end_of(&(*link)->seg), r->next) <= 0)
            let_go(r, pool, link);
        else if (reasm_diff((*link)->seg.seq, r->next) > 0)
            break;
        else
            link = &(*link)->next;
    }
    h = choose(r);
    if (!h)
        return false;
    *out = h->seg;
    if (r->started && reasm_diff(out->seq, r->next) < 0) {
        uint32_t skip = r->next - out->seq;
        out->bytes = span_from(out->bytes, skip);
        out->wire_len -= skip;
        out->seq = r->next;
    }
    return true;
}

void reasm_drop(struct reasm *r, struct reasm_pool *pool, uint64_t number)
{
    struct reasm_held **link = &r->held;

    while (*link && (*link)->seg.number != number)
        link = &(*link)->next;
    if (*link)
        let_go(r, pool, link);
}

const struct reasm_held *reasm_next_differing(const struct reasm *r, const struct reasm_held *after,
                                              const struct reasm_segment *s)
{
    for (const struct reasm_held *h = after ? after->next : r->held; h; h = h->next) {
        int32_t lead = reasm_diff(s->seq, h->seg.seq); /* how far s begins behind h */
        struct span a = span_from(h->seg.bytes, lead > 0 ? (size_t)lead : 0);
        struct span b = span_from(s->bytes, lead < 0 ? (size_t) - (int64_t)lead : 0);
        size_t n = a.n < b.n ? a.n : b.n;
        if (n && memcmp(a.p, b.p, n) != 0)
            return h;
    }
    return NULL;
}

const struct reasm_segment *reasm_segment_of(const struct reasm_held *h)
{
    return &h->seg;
}

void reasm_advance(struct reasm *r, uint32_t seq)
{
    if (reasm_diff(seq, r->next) > 0)
        r->next = seq;
}

void reasm_release(struct reasm *r, struct reasm_pool *pool)
{
    while (r->held)
        let_go(r, pool, &r->held);
}
