/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that are not on the disk yet, ready to be written: one list for each rank, so that what
 * has to be lost first is at hand. In the order of their numbers they are had by a walk, which
 * takes the least of the heads.
 */
#ifndef ALERT_SPOOL_QUEUE_H
#define ALERT_SPOOL_QUEUE_H

#include "alert/spool_record.h"

struct spool_waiting {
    struct spool_waiting *next, *prev; /* of the same rank; the numbers ascend */
    struct spool_record record;        /* its body lies in `bytes` */
    unsigned rank;                     /* of it */
    size_t n;                          /* bytes of it as it is written */
    uint8_t bytes[];                   /* those */
};

struct spool_queue {
    struct spool_waiting *head[SPOOL_RANKS], *tail[SPOOL_RANKS];
    size_t count; /* records */
    size_t bytes; /* and what they take, bookkeeping included */
};

void spool_queue_clear(struct spool_queue *q);

size_t spool_queue_cost(const struct spool_record *r); /* bytes that it would take */

/* Appends a copy; its number is higher than any before. NULL: no memory. */
struct spool_waiting *spool_queue_push(struct spool_queue *q, const struct spool_record *r);
void spool_queue_drop(struct spool_queue *q, struct spool_waiting *w); /* and frees it */

/* The lowest rank that is there; SPOOL_RANKS: it is empty. */
unsigned spool_queue_lowest(const struct spool_queue *q);
/* The highest; 0 as well when it is empty. */
unsigned spool_queue_highest(const struct spool_queue *q);

/* All up to that number; each is told to `fn` first. */
typedef void spool_queue_fn(void *user, const struct spool_waiting *w);
void spool_queue_drop_to(struct spool_queue *q, uint64_t seq, spool_queue_fn *fn, void *user);

struct spool_walk {
    struct spool_waiting *at[SPOOL_RANKS]; /* the next of each rank */
};

/* Those with higher numbers than `after`. What the walk has passed may be dropped. */
struct spool_walk spool_walk_begin(const struct spool_queue *q, uint64_t after);
struct spool_waiting *spool_walk_next(struct spool_walk *walk); /* NULL: that was the last */

#endif
