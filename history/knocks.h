/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doors that stay shut: which servers a client tried to reach of late, and got no answer from or an
 * RST; and who else did, since the server last answered anybody. Who steers mail to another server
 * shuts the better one (XSN-7). The client that was not heard of for longest gives way; nothing of
 * it outlives the run.
 */
#ifndef HISTORY_KNOCKS_H
#define HISTORY_KNOCKS_H

#include "base/siphash.h"
#include "history/baseline.h"
#include "history/observation.h"

struct recent;
struct knocks;

struct knocks *knocks_new(const struct siphash_key *key); /* NULL: no memory */
/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **knocks_tables(struct knocks *k, struct recent **to);

void knocks_free(struct knocks *k);

/* Of the observation its time and its two ends. */
void knocks_note(struct knocks *k, const struct observation *o, bool refused);

/* The server has answered this client. */
void knocks_answered(struct knocks *k, const struct observation *o);

/* Fills b->knock with those of the ATTEMPT_KEPT before the session, the newest first; what is usual
 * of those servers the caller knows. */
void knocks_recall(struct knocks *k, const struct observation *o, struct baseline *b);

uint64_t knocks_evicted(const struct knocks *k);

#endif
