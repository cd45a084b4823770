/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flows of mail: a capped slab, a keyed hash over it, and lists in packet time. A bare SYN
 * makes no flow (dissect/half_open.h): a flow begins with a SYN/ACK or with data.
 */
#ifndef DISSECT_FLOW_H
#define DISSECT_FLOW_H

#include "base/siphash.h"
#include "dissect/reasm.h"
#include "dissect/session.h"

#define FLOW_NONE UINT32_MAX

struct smtp;
struct evidence;

/* Links of one list; a flow stands in two: the list of its age and the list of those that wait. */
struct flow_link {
    uint32_t prev, next;
};

struct flow_list {
    uint32_t head, tail; /* head is the oldest */
};

/* What changes with every packet; brought to the session when anybody looks at it. */
struct flow_pass {
    uint32_t packets[SESSION_DIR_COUNT];
    uint64_t wire_bytes[SESSION_DIR_COUNT];
    nstime last;
    uint32_t source;
    uint8_t tcp_flags[SESSION_DIR_COUNT];
    bool seen[SESSION_DIR_COUNT];
    /* while TLS carries data, which most packets of a mail link do */
    uint32_t inside[SESSION_DIR_COUNT];  /* bytes left of the current record (smtp_inside()) */
    uint32_t skipped[SESSION_DIR_COUNT]; /* bytes that went by and the reader does not know of */
};

struct flow_recent {
    uint32_t print; /* of a packet */
    uint32_t time;  /* microseconds, modulo 2^32 */
};

/* What the packets of a direction have in common during the dialogue. */
struct flow_usual {
    uint32_t point;
    uint32_t odd_ack;     /* acknowledged by the newest unusual one */
    uint8_t packets, odd; /* usual ones; unusual ones, those of one answer counted once */
    bool timestamps;
};

/* In the order of their use, by lines of cache: a bulk packet touches three, any other two more. */
struct flow {
    _Alignas(64) struct flow_key key;
    uint32_t index; /* in the slab */
    bool closing;   /* FIN both ways or RST: only stragglers are awaited */
    bool waiting;   /* something is held */
    bool bulk;      /* TLS carries data */
    bool has_twin;  /* there is a flow of the same key with `view` 1 */
    nstime touched; /* of the newest packet, on the clock that never runs backwards */
    struct flow_pass pass;
    struct reasm dir[SESSION_DIR_COUNT];

    _Alignas(64) struct session *session; /* NULL: closed in good order, the place is kept for
                                             stragglers */
    struct smtp *smtp;                    /* NULL until the first bytes */
    struct evidence *evidence; /* the dialogue as it was read; NULL after it, or without room */
    nstime rtt_from;           /* when the client's byte went whose answer is timed; 0: none */
    uint32_t rtt_end;          /* that byte */
    uint32_t timestamp[SESSION_DIR_COUNT]; /* TCP timestamp of the newest bytes in order */
    uint8_t ttl[SESSION_DIR_COUNT];        /* usual one; 0: unknown */
    uint8_t recent_at[SESSION_DIR_COUNT];
    bool unseen[SESSION_DIR_COUNT];  /* waited for once in vain: this direction is not on the tap */
    bool blocked[SESSION_DIR_COUNT]; /* the reader waits for the other side */
    bool has_timestamp[SESSION_DIR_COUNT];
    bool is_signed[SESSION_DIR_COUNT]; /* by TCP-MD5 from its beginning */
    bool ip_sums[SESSION_DIR_COUNT];   /* IPv4 header checksums are right here */
    bool syn_fast_open;
    bool syn_pending;    /* a SYN with another number came: pending_isn */
    bool synack_pending; /* and its answer: pending_synack */
    bool other_synack;   /* this connection's SYN was answered twice */
    bool told;           /* its session was handed out at a milestone */

    _Alignas(64) struct flow_recent recent[SESSION_DIR_COUNT][4]; /* the newest packets */

    nstime queued;        /* when it was put at the end of the list of its age */
    struct flow_link age; /* in active (by last packet, lazily) or closing (by its end) */
    struct flow_link wait;
    uint64_t wait_number; /* packet count at the last progress, while waiting */
    uint64_t wait_queued; /* packet count when it was put at the end of the waiting ones */
    nstime wait_since;    /* of the last progress, while waiting */
    nstime close_at;
    struct flow_usual usual[SESSION_DIR_COUNT];
    uint64_t echo; /* in a tunnel: what the same connection outside of it had said when it ended
                      (echo_digest()); 0: nothing */
    uint32_t pending_isn, pending_synack;
    uint32_t reset_seq[SESSION_DIR_COUNT];  /* where an RST stood, how it looked */
    uint32_t reset_peer[SESSION_DIR_COUNT]; /* what the peer had said by then */
    uint8_t reset_turns[SESSION_DIR_COUNT]; /* round trips since */
    bool reset_outrun[SESSION_DIR_COUNT];   /* its sender said something new after it */
    uint8_t reset_marks[SESSION_DIR_COUNT], reset_ttl[SESSION_DIR_COUNT];
    uint8_t other_ttl[SESSION_DIR_COUNT], other_ttl_run[SESSION_DIR_COUNT]; /* another, in a row */
};

struct flow_table;

/* NULL: no memory. max_flows >= 1. */
struct flow_table *flow_table_new(uint32_t max_flows, const struct siphash_key *key);
void flow_table_free(struct flow_table *t); /* the flows' contents are the caller's to release */

bool flow_key_eq(const struct flow_key *a, const struct flow_key *b);
uint32_t flow_hash(const struct flow_table *t, const struct flow_key *key); /* keyed */
struct flow *flow_find(struct flow_table *t, const struct flow_key *key);
bool flow_known(struct flow_table *t, const struct flow_key *key);
/* A zeroed flow in the active list; NULL when the slab is full or memory is short. */
struct flow *flow_add(struct flow_table *t, const struct flow_key *key);
void flow_remove(struct flow_table *t, struct flow *f);
struct flow *flow_at(struct flow_table *t, uint32_t index);
uint32_t flow_count(const struct flow_table *t);
size_t flow_slab_bytes(const struct flow_table *t); /* of the slab as far as it was ever used */

/* Puts an active flow at the end of its list; `queued` becomes `touched`. */
void flow_requeue(struct flow_table *t, struct flow *f);
void flow_closing(struct flow_table *t, struct flow *f); /* moves it to the closing list */
void flow_reopen(struct flow_table *t, struct flow *f);  /* and back: it goes on after all */
struct flow *flow_oldest(struct flow_table *t);          /* active, or NULL */
struct flow *flow_oldest_closing(struct flow_table *t);
void flow_wait(struct flow_table *t, struct flow *f); /* newest of the waiting ones */
void flow_unwait(struct flow_table *t, struct flow *f);
struct flow *flow_first_waiting(struct flow_table *t);

#endif
