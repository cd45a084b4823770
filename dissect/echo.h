/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection seen outside of a tunnel and inside, as by a mirror port before and behind its
 * entry. Both are read by themselves, for what is inside can be sent by anybody; the one inside is
 * told of only where it says another thing. An echo can neither change nor silence the connection
 * outside, and is silent itself only while that one says the same.
 */
#ifndef DISSECT_ECHO_H
#define DISSECT_ECHO_H

#include "dissect/flow.h"

/* Both stand at the same place of the same sequence numbers, or nearly so: who makes one up without
 * having seen the other knows neither side's. */
bool echo_near(const struct flow *a, const struct flow *b);

/* Digest of all that is judged of a session's dialogue; never 0. `key`: nobody makes two dialogues
 * that have the same. */
uint64_t echo_digest(const struct siphash_key *key, const struct session *s);

#endif
