/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On which side of the mail's way a tap stands, by the handshakes that it saw. Near the clients a
 * SYN waits long for its answer, and that one is acknowledged at once; near the servers it is the
 * other way round. One connection says little: the two may be neighbours, and a client may wait on
 * purpose. So each network has one vote, that of the end that is far away, and most of them decide.
 * Mail that comes in and mail that goes out by one interface contradict each other, and then
 * nothing is said.
 */
#ifndef SENSOR_TAP_SIDE_H
#define SENSOR_TAP_SIDE_H

#include "dissect/session.h"
#include "rules/finding.h"

#define TAP_SIDE_LEAST 16 /* networks that must have voted */
#define TAP_SIDE_AGREE 7  /* of eight of them */

/* All taps of a run, by session.source. */
struct tap_sides;

struct tap_side_counts {
    uint32_t client_side, server_side; /* networks that say so */
};

struct tap_sides *tap_sides_new(void); /* NULL: no memory */
void tap_sides_free(struct tap_sides *t);

/* A session has ended. */
void tap_sides_see(struct tap_sides *t, const struct session *s);

enum vantage tap_sides_of(const struct tap_sides *t, uint32_t source);
struct tap_side_counts tap_sides_counts(const struct tap_sides *t, uint32_t source);

#endif
