/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of an open doubt, as fields of its server's counters (docs/history.md has them):
 * when it began, what was usual then, and additions of who missed and who was served since. The
 * sessions that began it are not: they are told in the run that saw them. What several sensors
 * doubt of one server at a time is one doubt to the next run.
 */
#ifndef HISTORY_KEPT_DOUBT_H
#define HISTORY_KEPT_DOUBT_H

#include "history/doubts.h"
#include "history/keep.h"

#define KEPT_DOUBT 'D' /* its fields begin so */

/* All of them do nothing where `k` is NULL, or the doubt is none that is kept. */

/* It began just now, and is kept from here on if it can be; it went on at `now`; it turns; it is
 * over. */
void kept_doubt_begin(struct keep *k, struct doubt *of);
void kept_doubt_change(struct keep *k, const struct doubt *before, const struct doubt *after,
                       nstime now);
void kept_doubt_turn(struct keep *k, const struct doubt *of, enum doubt_state to, nstime now);
void kept_doubt_end(struct keep *k, const struct doubt *of, nstime now);

/* Is this a field of one, and does it say that one began? */
bool kept_doubt_check(const struct kept_field *f, bool *begins);

/* The open one of the kind and server that `of` names; it gets the rest. False: there is none. */
bool kept_doubt_load(struct keep *k, struct doubt *of, nstime now);

#endif
