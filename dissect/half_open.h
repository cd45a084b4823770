/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bare SYNs leave behind: the newest CAP_HALF_OPEN of them, in the order they came. A flood
 * can only overwrite, the oldest first.
 */
#ifndef DISSECT_HALF_OPEN_H
#define DISSECT_HALF_OPEN_H

#include "base/clock.h"
#include "dissect/session.h"

struct half_open {
    uint64_t tag; /* hash of its key; 0: empty */
    nstime time;
    uint32_t isn;
    uint32_t point; /* dissect/point.h */
    bool fast_open;
};

struct half_open_table;

/* For `entries` SYNs, a power of two up to CAP_HALF_OPEN. NULL: no memory. */
struct half_open_table *half_open_new(uint32_t entries);
void half_open_free(struct half_open_table *t);

/* Keeps one SYN; an earlier one of the same key gives way, unless it came at once before, from
 * another place: then this one is kept under `view` 1. True: one of another key was overwritten.
 * `tag` is set here. */
bool half_open_note(struct half_open_table *t, const struct flow_key *key,
                    const struct half_open *syn);

/* NULL: none. Valid until the next half_open_note(); the caller takes it by setting tag to 0. */
struct half_open *half_open_find(struct half_open_table *t, const struct flow_key *key);

#endif
