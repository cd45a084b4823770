/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts IP fragments together: bounded trackers, bounded pieces, expiry by packet time. Pieces may
 * come in any order and more than once; where pieces overlap with different bytes the datagram is
 * dropped and counted, with those of its pieces that are still to come (RFC 5722 demands it for
 * IPv6; for IPv4 no choice would be right for every receiver). The record lives as long as the
 * dissector; a datagram it gives out is valid until the next call.
 */
#ifndef DISSECT_DEFRAG_H
#define DISSECT_DEFRAG_H

#include "base/clock.h"
#include "dissect/ip.h"

struct defrag;

/*
 * All but `completed` count pieces, and every piece is in exactly one of them, at any time:
 * fragments = completed_pieces + duplicates + conflicts + timeouts + evicted + malformed + pending
 */
struct defrag_counters {
    uint64_t fragments;        /* pieces taken */
    uint64_t completed;        /* datagrams put together */
    uint64_t completed_pieces; /* pieces that went into those */
    uint64_t duplicates;       /* brought nothing new, or are in the datagram given out last */
    uint64_t conflicts;        /* of datagrams with differing overlaps or lengths */
    uint64_t timeouts;         /* of datagrams given up by packet time */
    uint64_t evicted;          /* of datagrams given up: too many pieces, no tracker, no memory */
    uint64_t malformed;        /* cannot be a piece of any datagram, or their whole was none */
    uint64_t pending;          /* waiting now */
};

struct defrag *defrag_new(void); /* NULL: no memory */
void defrag_free(struct defrag *d);

/*
 * Takes one fragment (in->fragment is set). Returns true when it completed a datagram: *out is then
 * the whole packet (fragment = false, payload whole, other fields those of the first piece). Where
 * the snap length cut the last piece, and nothing else is missing, payload.n < payload_len.
 */
bool defrag_push(struct defrag *d, const struct ip_packet *in, nstime now, struct ip_packet *out);

/* The same where packets of several networks meet, whose addresses and numbers mean something only
 * in their own: pieces of different zones never belong together. `in` may be what the last call
 * gave out, or point into it: its bytes are taken over before they go. */
bool defrag_push_of(struct defrag *d, uint32_t zone, const struct ip_packet *in, nstime now,
                    struct ip_packet *out);

const struct defrag_counters *defrag_counters(const struct defrag *d);

#endif
