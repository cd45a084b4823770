/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was sent within the last minute to somebody who never says that it arrived. A record leaves
 * the trail, and only then counts as arrived, when the connection has lived for TRAIL_KEPT more.
 * The trail holds numbers, not lines: what is to be repeated lies in the spool. So it takes the
 * same memory whatever is sent, and a restart of ours repeats the minute as well.
 */
#ifndef DELIVER_TRAIL_H
#define DELIVER_TRAIL_H

#include <stddef.h>

#include "base/clock.h"

#define TRAIL_KEPT (60 * NS_PER_S)

enum { TRAIL_SLOTS = 64 };

struct trail {
    struct trail_slot {
        uint64_t first;   /* number of its first record */
        uint64_t records; /* in it */
        nstime begun;     /* when the first was sent */
        nstime last;      /* and the last */
    } slot[TRAIL_SLOTS];  /* a second each, a ring */
    size_t at, count;     /* of the ring */
};

/* Numbers ascend, and so does time. */
void trail_add(struct trail *t, uint64_t seq, nstime now);

/* Lets go of what is old; how many records that are. */
uint64_t trail_settle(struct trail *t, nstime now);

uint64_t trail_oldest(const struct trail *t); /* its first record; 0: none */
void trail_clear(struct trail *t);

#endif
