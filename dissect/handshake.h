/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections begin: bare SYNs and what recalls them, SYN/ACKs of which there may be two, and
 * the next connection of a 4-tuple that is in use. Of an attacker's SYN and SYN/ACK neither side
 * knows, so what both go on from decides (RFC 9293 section 3.5).
 */
#ifndef DISSECT_HANDSHAKE_H
#define DISSECT_HANDSHAKE_H

#include "dissect/dissect_state.h"

/* Keeps a bare SYN for the flow that its answer, or data, will begin. */
void handshake_half_open(struct dissect *d, const struct arrival *a);

/* A SYN that this may answer or go on from: at most `most` bytes before `client_next`, seen at the
 * first place (view 0) or at the second. NULL: none. */
struct half_open *handshake_syn_of(struct dissect *d, struct flow_key k, uint8_t view,
                                   uint32_t client_next, uint32_t most);

/* Only a SYN/ACK or data make a flow; recalls the SYN that came before. NULL: none was made, and
 * the packet was counted. */
struct flow *handshake_begin(struct dissect *d, const struct arrival *a);

void handshake_syn(struct flow *f, uint32_t isn, nstime time, bool fast_open);
void handshake_synack(struct dissect *d, struct flow *f, const struct arrival *a);

/* The client has acknowledged something of the server for the first time. */
void handshake_acknowledged(struct session *s, nstime time);

/* The client acknowledges another SYN/ACK than the first, and nothing was read after that. */
void handshake_choose(struct dissect *d, struct flow *f, const struct arrival *a);

/* Of a SYN for a 4-tuple that is in use: is it this connection's (a repeat, or out of order)? Is it
 * in the window of a live client's stream, where nobody begins anew? */
bool handshake_is_same(const struct flow *f, uint32_t isn);
bool handshake_in_window(const struct flow *f, const struct arrival *a);

/* Of a SYN/ACK: does it answer the SYN that waits? Is it another connection's than the one that
 * ended, whose SYN was not captured? */
bool handshake_is_answer(const struct flow *f, const struct arrival *a);
bool handshake_is_of_next(const struct flow *f, const struct arrival *a);

/* Does the client go on from the SYN that waits? Then the old connection is closed, and the one
 * whose handshake was kept begins; NULL: no room. */
bool handshake_begins_next(const struct flow *f, const struct arrival *a);
struct flow *handshake_next(struct dissect *d, struct flow *f, const struct arrival *a);

/* `took` from a client's byte to its answer; of the STARTTLS command or of any other. */
void handshake_round_trip(struct session *s, nstime took, bool of_upgrade);

#endif
