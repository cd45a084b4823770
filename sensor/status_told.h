/* SPDX-License-Identifier: Apache-2.0 */
/* What the judge tells the feed each second for `stripwatch status`: MESSAGE_STATE of that size,
 * and with a zero for its first byte, which the text of the metrics has not. */
#ifndef SENSOR_STATUS_TOLD_H
#define SENSOR_STATUS_TOLD_H

#include "alert/eve_stats.h"
#include "sensor/coverage.h"
#include "sensor/told.h"

/* Where the tap of an interface stands. */
struct told_side {
    uint32_t vantage; /* enum vantage */
    uint32_t configured;
    uint32_t client_side, server_side; /* networks that say so */
};

struct told_judge {
    uint64_t zero;
    struct told_watch sum;
    struct eve_live live;
    struct told_side side[CAP_INTERFACES];
    struct coverage_gap gap[COVERAGE_MATTERS];
    uint64_t policies, suppressions;
    uint32_t open; /* of `gap` */
    uint32_t store_away;
};
_Static_assert(sizeof(struct told_judge) <= CAP_MESSAGE_STATE, "a message");

#endif
