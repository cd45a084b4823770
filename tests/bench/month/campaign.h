/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is attacked when: single sessions; those of one client net for three days; or all that leaves
 * one net within an hour, for many servers. Where the tap stands behind the attacker, it is those
 * of one foreign sender for three days, or all that comes to one of our servers within an hour; or
 * all that one foreign sender has for our servers, in runs of five to twelve sessions.
 */
#ifndef TESTS_BENCH_MONTH_CAMPAIGN_H
#define TESTS_BENCH_MONTH_CAMPAIGN_H

#include "mail.h"

enum campaign_shape { ISOLATED, SELECTIVE, BURST, RUN, SHAPE_COUNT };

struct campaign {
    enum family family;
    enum campaign_shape shape;
    uint64_t at, until;
    uint32_t left; /* sessions still to be attacked */
    uint16_t net;  /* where the shape is of one net */
    bool from_behind;
    struct client *sender; /* from behind, where the shape is of one; null until it has begun */
    struct server *server; /* likewise */
    bool ipv6;             /* of a run */
};

/* Spreads so many attacks over families and shapes; owned by the caller, `count` of them. */
struct campaign *campaign_plan(struct world *w, uint32_t attacks, size_t *count);

/* Makes the next attacked connection, or false when nobody suits now. */
bool campaign_next(struct world *w, struct campaign *c, uint64_t now, struct plan *p);

#endif
