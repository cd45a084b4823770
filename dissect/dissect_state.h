/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the dissector, shared by the files that take a packet to its flow and a flow
 * through its life, and by no one else. */
#ifndef DISSECT_DISSECT_STATE_H
#define DISSECT_DISSECT_STATE_H

#include "dissect/arrival.h"
#include "dissect/converse.h"
#include "dissect/defrag.h"
#include "dissect/dissect.h"
#include "dissect/dns_tap.h"
#include "dissect/fetch_tap.h"
#include "dissect/frame.h"
#include "dissect/half_open.h"
#include "dissect/park.h"
#include "dissect/point.h"
#include "dissect/tcp.h"
#include "dissect/tls.h"

#define TOGETHER 32

/* A session that has ended, or one whose handshake is decided and that goes on. */
struct hand_out {
    struct session *session;
    bool ended;
    nstime time;     /* of the packet that decided the handshake */
    uint32_t source; /* of that */
};

#define RECALLED 128 /* a power of two */

/* A flow that was unpacked for a packet. */
struct recalled {
    uint32_t index; /* in the slab */
    uint64_t serial;
    nstime time;
};

struct dissect {
    struct dissect_config config;
    dissect_fn fn;
    void *user;
    struct converse converse;
    struct defrag *defrag;
    struct half_open_table *half_open;
    struct park *park;
    struct dns_tap *dns;     /* NULL: not wanted */
    struct fetch_tap *fetch; /* likewise */
    struct dissect_counters count;
    size_t memory;       /* config.memory, less what the allocator wastes */
    uint64_t measure_at; /* packet count when that is measured next */
    size_t pack_from;    /* from so much of it on flows are packed */
    nstime expire_at;    /* when to look for what timed out */
    /* Handed out some at a time: what is done with a session fills the caches of code, and so it
     * fills them once for many. */
    struct hand_out later[TOGETHER];
    unsigned later_count;
    struct recalled recalled[RECALLED]; /* the newest, in a ring */
    uint32_t recalled_at, recalled_count;
    struct tls_sight_room sight;
    uint64_t serial;
    struct defrag *side_defrag; /* of DNS, of what carries tunnels, and inside of those: what fills
                                   it takes no place from pieces of mail; NULL: none is wanted */
    uint8_t port_map[65536 / 8];
};

/* connection.c: a segment on a mail port, its key and direction known. */
void connection_packet(struct dissect *d, const struct arrival *a);
/* The same for one of which only plain_glance() was had; looks for its flow. True: it was the next
 * bytes of TLS records or of a message, or an acknowledgement, and is done with. */
bool connection_glance(struct dissect *d, struct arrival *a);
/* converse's callback: a hole was stepped over, so a FIN behind it may count now. */
void connection_resolved(void *user, struct flow *f);

/* lifetime.c: how flows and their sessions begin and end. */
struct flow *lifetime_begin(struct dissect *d, const struct arrival *a); /* NULL: no room */
bool lifetime_is_full(const struct dissect *d);
struct flow *lifetime_twin(struct dissect *d, const struct flow *f); /* NULL: none */
void lifetime_milestone(void *user, struct flow *f);                 /* converse's callback */
void lifetime_ending(struct dissect *d, struct flow *f); /* one side says that it is over */
enum session_close lifetime_how(const struct flow *f);
/* The session will be handed out for the last time; the flow keeps its place for stragglers. */
void lifetime_close_session(struct dissect *d, struct flow *f, enum session_close why);
void lifetime_close(struct dissect *d, struct flow *f, enum session_close why);
void lifetime_expire(struct dissect *d);
void lifetime_close_all(struct dissect *d);
void lifetime_drop_all(struct dissect *d); /* frees without handing out */

/* thrift.c: what is packed, and what goes, when memory or places are short. */
struct flow *thrift_recall(struct dissect *d, const struct flow_key *k); /* a packed one; or NULL */
/* Back into the table. NULL: no memory. */
struct flow *thrift_unpack(struct dissect *d, struct parked *q);
void thrift_trim(struct dissect *d);      /* keeps memory within its limits; called once a packet */
void thrift_measure(struct dissect *d);   /* what the allocator wastes; now and then */
void thrift_make_room(struct dissect *d); /* there are as many flows as there may be */

#endif
