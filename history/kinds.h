/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few kinds of one thing that somebody shows (keys of a server, hellos of a sender), by digest,
 * with how often each was seen. A value; all zero is one that was shown nothing.
 */
#ifndef HISTORY_KINDS_H
#define HISTORY_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#define KINDS_MOST 4 /* remembered: versions, keys, issuers, prints */

struct kinds_item {
    uint64_t what; /* 0: free; they are taken in turn */
    uint32_t count;
    int32_t day; /* when last */
};

struct kinds {
    struct kinds_item one[KINDS_MOST];
};

/* Was the one of a session seen before? */
struct usual_kind {
    uint32_t seen; /* sessions that showed any */
    uint32_t same; /* and the one of this session */
    uint8_t kinds; /* distinct ones, at most KINDS_MOST */
};

/* Counts it; a new one takes the place of the one that was seen least, longest ago. 0 is nothing.
 * False: new. */
bool kinds_seen(struct kinds *k, uint64_t what, int32_t day);

/* So many of it were seen, the last on that day: of a full set the newer stays. */
void kinds_put(struct kinds *k, uint64_t what, uint32_t count, int32_t day);

/* How often it was seen. */
uint32_t kinds_count(const struct kinds *k, uint64_t what);

/* `itself`: the session was counted already, and is left out. */
struct usual_kind kinds_recall(const struct kinds *k, uint64_t what, bool itself);

#endif
