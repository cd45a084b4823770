/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a TCP stream, put in order. Segments that cannot be read yet are held (copied,
 * capped in number and bytes, all flows drawing on one pool); everything else is read in place by
 * the caller. What to do about a hole is the caller's decision (dissect/converse.c): this file only
 * knows where the holes are.
 *
 * Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4).
 */
#ifndef DISSECT_REASM_H
#define DISSECT_REASM_H

#include "base/clock.h"
#include "base/span.h"

struct reasm_pool { /* shared by all flows */
    size_t bytes, limit, peak;
    uint64_t refused; /* segments that found no room */
};

struct reasm_segment {
    uint32_t seq;      /* of the first byte */
    struct span bytes; /* captured */
    uint32_t wire_len; /* >= bytes.n; the rest was cut by the snap length */
    uint32_t ack;
    uint32_t urgent_seq; /* of the urgent byte, which may be yet to come */
    bool urgent;
    bool has_ack;
    bool suspect;  /* the receiver cannot have taken it: marks & COPY_DROPPED */
    uint8_t marks; /* enum copy_mark */
    uint8_t ttl;
    nstime time;
    uint64_t number; /* of the packet in the capture */
};

struct reasm_held; /* a held copy */

struct reasm {
    uint32_t base;    /* sequence number of stream offset 0 */
    uint32_t next;    /* expected next */
    uint32_t acked;   /* highest acknowledgement by the peer */
    uint32_t fin_seq; /* sequence number of the FIN */
    bool started;     /* base and next are known */
    bool acked_known;
    bool fin_seen; /* a FIN was captured; it counts when next reaches fin_seq */
    uint16_t held_count;
    uint32_t held_bytes;
    uint32_t point;          /* where it is seen (dissect/point.h): the caller's */
    struct reasm_held *held; /* ascending by seq */
};

static inline int32_t reasm_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

#define REASM_TAIL 65535 /* bytes before a FIN: one further ahead is not believed */

/* Bytes before the FIN that did not come yet. */
static inline uint32_t reasm_tail(const struct reasm *r)
{
    int32_t n = r->fin_seen && r->started ? reasm_diff(r->fin_seq, r->next) : 0;
    return n > 0 && n <= REASM_TAIL ? (uint32_t)n : 0;
}

void reasm_start(struct reasm *r, uint32_t seq);

enum reasm_hold { REASM_HELD, REASM_KNOWN, REASM_FULL };

/* Copies a segment into the held list. KNOWN: an equal or longer copy is there already, or all of
 * it was read; FULL: a cap was hit and nothing was stored. */
enum reasm_hold reasm_hold(struct reasm *r, struct reasm_pool *pool, const struct reasm_segment *s);

/*
 * The first held segment that still has unread bytes, cut to them; used-up ones are let go. Returns
 * false when nothing is held. The bytes are valid until the next call that takes r.
 * Suspect copies come only when no clean copy begins at or before the same place, or none at all
 * covers `next`.
 */
bool reasm_first(struct reasm *r, struct reasm_pool *pool, struct reasm_segment *out);

/* Lets go of the held segment of that packet. */
void reasm_drop(struct reasm *r, struct reasm_pool *pool, uint64_t number);

/* The first held segment behind `after` (NULL: of all) whose bytes differ from those of `s` at the
 * same place; NULL: none does. */
const struct reasm_held *reasm_next_differing(const struct reasm *r, const struct reasm_held *after,
                                              const struct reasm_segment *s);
const struct reasm_segment *reasm_segment_of(const struct reasm_held *h);

/* Marks everything before `seq` as read. */
void reasm_advance(struct reasm *r, uint32_t seq);

void reasm_release(struct reasm *r, struct reasm_pool *pool); /* lets all held segments go */

#endif
