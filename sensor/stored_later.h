/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What look-ups found is kept as sensor/stored.h does, by somebody who must not wait for a network:
 * what stands at the key now is asked for, and the policy is put when the store has told. Until
 * then it is here, in bounded memory; what has no room is not kept, and counted.
 */
#ifndef SENSOR_STORED_LATER_H
#define SENSOR_STORED_LATER_H

#include "sensor/stored.h"

struct stored_later;

/* Borrows the store. NULL: no memory. */
struct stored_later *stored_later_new(struct store *s);

/* Behind store_close(): nobody is told any more. NULL: nothing happens. */
void stored_later_free(struct stored_later *k);

/* Does not borrow the look-up. The store works in store_tick(). */
void stored_later_put(struct stored_later *k, const struct lookup *l, nstime now);

uint64_t stored_later_lost(const struct stored_later *k); /* that were not kept */

#endif
