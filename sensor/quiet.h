/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it is usually silent between two packets of mail: the longest gap of each of the last
 * fifteen days, and of those the second longest, so that one outage is not learned and two quiet
 * weekends are. Until three days have passed it is the longest. All times are the caller's, who
 * begins at 0 and never goes back.
 */
#ifndef SENSOR_QUIET_H
#define SENSOR_QUIET_H

#include <stdbool.h>

#include "base/clock.h"

#define QUIET_DAYS 15 /* two Mondays are always among them */

struct quiet {
    int64_t newest;          /* when mail was heard last, or since when it is listened for */
    bool heard;              /* ever */
    bool broken;             /* the gap that is going on is not the site's own doing */
    int64_t gap[QUIET_DAYS]; /* the longest that ended on that day, ns */
    unsigned today;          /* index in gap */
    unsigned days;           /* whole ones that have passed */
    int64_t day_began;
};

void quiet_init(struct quiet *q, int64_t now);
void quiet_pass(struct quiet *q, int64_t now); /* time goes by */
void quiet_hear(struct quiet *q, int64_t now); /* mail */

/* Nothing could be heard just now, for a reason that is known: nothing is learned of it. */
void quiet_break(struct quiet *q);

int64_t quiet_length(const struct quiet *q, int64_t now); /* of the silence that is going on */
int64_t quiet_usual(const struct quiet *q);               /* 0: nothing is known */
bool quiet_is_learned(const struct quiet *q);             /* for a day, and mail was heard */

#endif
