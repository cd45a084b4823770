/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the two directions of a flow to the reader in the order in which the endpoints lived them:
 * a segment is read only when everything its sender had acknowledged was read, so the order of
 * capture does not matter. What is not there yet is waited for (CAP_REORDER_PACKETS of the capture,
 * CAP_HOLE_SECONDS of packet time); then it is a gap, and the gap is a fact.
 */
#ifndef DISSECT_CONVERSE_H
#define DISSECT_CONVERSE_H

#include "dissect/evidence.h"
#include "dissect/flow.h"

struct converse_counters {
    uint64_t gaps, gap_bytes, cut_packets, retransmits, reordered;
};

struct converse {
    struct flow_table *table;
    struct reasm_pool pool;
    struct evidence_pool evidence;
    uint64_t number; /* packets of the capture so far */
    nstime now;      /* newest packet time, never backwards */
    struct converse_counters count;
    bool keep_addresses;
    uint16_t implicit_port;                        /* TLS from the first byte; 0: none */
    void (*milestone)(void *user, struct flow *f); /* called after bytes were read */
    void (*resolved)(void *user, struct flow *f); /* called after the tick looked at a flow; may end
                                                     its session */
    void *user;
};

/* A segment with payload, its direction's sequence space known or not. */
void converse_segment(struct converse *v, struct flow *f, enum session_dir d,
                      const struct reasm_segment *s);

/* Compares a segment with the copies of its bytes that came before; converse_segment() does so by
 * itself. */
void converse_compare(struct converse *v, struct flow *f, enum session_dir d,
                      const struct reasm_segment *s);

/* An urgent byte that a segment without bytes to read points at: it is yet to come. */
void converse_urgent(struct converse *v, struct flow *f, enum session_dir d,
                     const struct reasm_segment *s);

/* Brings session.other up to date, if there are two readings. */
void converse_reread(struct converse *v, struct flow *f);

/* Reads what became readable without new bytes: the stream's beginning or end was learned. */
void converse_resume(struct converse *v, struct flow *f);

/* Steps over what will not come any more; with `force`, everything that is held and the way to a
 * FIN, holes becoming gaps. */
void converse_resolve(struct converse *v, struct flow *f, bool force);

/* Tells the session and the reader what passed unseen (struct flow_pass). */
void converse_catch_up(struct flow *f);

/* Looks after a flow that has waited long enough, if it has. */
void converse_overdue(struct converse *v, struct flow *f);

/* The same for all that wait; called once a packet. */
void converse_tick(struct converse *v);

#endif
