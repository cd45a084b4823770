/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's counters in Prometheus's text format 0.0.4: one prefix, base units, `_total` of what
 * only grows, and labels that come out of our own tables alone, so that nobody on the wire decides
 * how many series there are. docs/metrics.md lists them.
 */
#ifndef SENSOR_GAUGES_H
#define SENSOR_GAUGES_H

#include "alert/eve_stats.h"
#include "sensor/told.h"

/* `now`: of the wall. The text is valid until the next call, and fits a message (CAP_MESSAGE_STATE)
 * whatever the values. */
struct span gauges_write(nstime now, const struct told_watch *sum, const struct eve_live *live,
                         const struct incident_counters *inc, const struct history_counters *past,
                         const struct told_feed *kept);

#endif
