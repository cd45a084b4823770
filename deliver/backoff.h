/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to stay away from a receiver: 100 ms after the first failure, doubled up to
 * CAP_DELIVER_BACKOFF_S, each time between half and all of it by chance, so that a hundred sensors
 * do not return in the same moment.
 */
#ifndef DELIVER_BACKOFF_H
#define DELIVER_BACKOFF_H

#include <stdbool.h>

#include "base/clock.h"

struct backoff {
    unsigned failures; /* since the last success */
    nstime until;      /* not before */
    uint64_t luck;     /* state of the dice */
};

void backoff_init(struct backoff *b);
void backoff_fail(struct backoff *b, nstime now);
void backoff_hold(struct backoff *b, nstime until); /* the receiver asked for at least that */
void backoff_good(struct backoff *b);

static inline bool backoff_is_over(const struct backoff *b, nstime now)
{
    return now >= b->until;
}

#endif
