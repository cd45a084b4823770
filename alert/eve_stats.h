/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `stats` line: counters in EVE's own groups (decoder, tcp, flow), so that existing dashboards
 * show them, and all of ours under stats.stripwatch, every packet with the reason of its fate.
 */
#ifndef ALERT_EVE_STATS_H
#define ALERT_EVE_STATS_H

#include "alert/eve.h"
#include "dissect/dissect.h"

/* Fills `out` from json_begin() on. `now` is the time of the newest packet. */
void eve_stats(struct json *out, nstime now, const struct dissect_counters *d,
               const struct incident_counters *c, const struct eve_options *o);

#endif
