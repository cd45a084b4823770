/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the judge thinks of sessions that are still open, where the facts come from another process
 * anew at each milestone: the verdict about the certificates, the incidents that it is part of, and
 * that history has learnt of it.
 */
#ifndef SENSOR_HELD_H
#define SENSOR_HELD_H

#include "base/siphash.h"
#include "dissect/session.h"

struct held;

/* One open session: whose, and which. */
struct held_id {
    uint64_t generation; /* of the process that looks at it */
    uint64_t serial;     /* session.serial */
    uint16_t index;      /* which of those processes */
};

struct held *held_new(const struct siphash_key *key); /* NULL: no memory */
void held_free(struct held *h);

/* Puts into the session what is known of it. */
void held_give(struct held *h, const struct held_id *id, struct session *s);

/* Takes it back; of a session that has closed there is nothing left. */
void held_take(struct held *h, const struct held_id *id, struct session *s, bool closed);

/* A process was started anew: the sessions of the one before it will not be heard of again. */
void held_forget(struct held *h, uint16_t index, uint64_t generation);

uint32_t held_count(const struct held *h);

#endif
