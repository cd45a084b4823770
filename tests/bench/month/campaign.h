/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is attacked when: single sessions; those of one client net for three days; or all that leaves
 * one net within an hour, for many servers.
 */
#ifndef TESTS_BENCH_MONTH_CAMPAIGN_H
#define TESTS_BENCH_MONTH_CAMPAIGN_H

#include "mail.h"

enum campaign_shape { ISOLATED, SELECTIVE, BURST, SHAPE_COUNT };

struct campaign {
    enum family family;
    enum campaign_shape shape;
    uint64_t at, until;
    uint32_t left; /* sessions still to be attacked */
    uint16_t net;  /* where the shape is of one net */
};

/* Spreads so many attacks over families and shapes; owned by the caller, `count` of them. */
struct campaign *campaign_plan(struct world *w, uint32_t attacks, size_t *count);

/* Makes the next attacked connection, or false when nobody suits now. */
bool campaign_next(struct world *w, const struct campaign *c, uint64_t now, struct plan *p);

#endif
