/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender asks its resolver before it connects: MX of the domain, then A of the exchanger. */
#ifndef TESTS_BENCH_MONTH_LOOKUP_H
#define TESTS_BENCH_MONTH_LOOKUP_H

#include "world.h"

enum {
    LOOKUP_STEPS = 4,
    LOOKUP_STEP = 9000
}; /* two questions, two answers; microseconds between */

struct lookup {
    const struct client *client;
    const struct server *server; /* not one of IPv6 */
    uint16_t id;
    int step;
};

/* Writes the next message at `at`. */
void lookup_next(struct lookup *l, uint64_t at);

#endif
