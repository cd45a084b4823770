/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts by UTC day, of the last DAYS_KEPT days: a ring whose place is the day's number. What is
 * older is forgotten when its place is taken, or passed over. A count stays at its largest value.
 */
#ifndef HISTORY_DAYS_H
#define HISTORY_DAYS_H

#include <stdbool.h>

#include "base/clock.h"

#define DAYS_KEPT 30 /* two renewals of a week's rhythm more than a server needs to be known */

enum day_count {
    DAY_COMPLETE, /* sessions whose EHLO reply was seen whole */
    DAY_OFFERED,  /* of those: STARTTLS was offered */
    DAY_ASKED,    /* and asked for; of a sender: times that it came back to TLS */
    DAY_UPGRADED, /* and TLS came about */
    DAY_COUNT
};

#define PAIR_DAYS 30 /* for so long two are known to have met, if nobody says otherwise */

/* Of what is kept of two that met: the day when last, short, and is that over by `now`? */
static inline bool days_over(uint16_t day, int32_t now, uint32_t most)
{
    return (int16_t)(uint16_t)((uint32_t)now - day) >= (int32_t)most;
}

/* A short day is of those near to another. */
static inline int32_t days_near(uint16_t day, int32_t other)
{
    return other - (int16_t)(uint16_t)((uint32_t)other - day);
}

struct days {
    int32_t newest; /* number of the day since 1970; it means nothing while `used` is 0 */
    uint32_t used;  /* bit i: day newest - i has counts */
    uint16_t count[DAYS_KEPT][DAY_COUNT];
};

int32_t days_of(nstime t); /* the number of its day */
nstime days_begin(int32_t day);

/* Adds to a day. One that is too old to be kept is left out. */
void days_add(struct days *d, int32_t day, enum day_count what, uint32_t by);

/* A count of this day is at its largest: who counts several things of one session leaves it out, so
 * that their shares stay true. */
bool days_full(const struct days *d, int32_t day);

/* Only the sessions count in which the offer was made. */
void days_forgive(struct days *d);

/* The sum over the days that are kept at `now`. */
uint32_t days_sum(const struct days *d, int32_t now, enum day_count what);

/* Of one day. */
uint32_t days_on(const struct days *d, int32_t day, enum day_count what);

/* Days from the oldest that counts at `now` to the newest, both counted; 0: none. */
uint32_t days_span(const struct days *d, int32_t now);

#endif
