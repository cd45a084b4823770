/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A matter that a sensor tells of itself, as an incident: it opens when it has been bad for a
 * while, is told again when it gets worse, and closes when it has been well for a while. A matter
 * that comes and goes is told MATTER_BURST times and then once an hour: an opening pays for its
 * closing, and what is not told is counted. Times are the caller's, who begins at 0 and never goes
 * back.
 */
#ifndef SENSOR_MATTER_H
#define SENSOR_MATTER_H

#include <stdbool.h>

#include "base/clock.h"

#define MATTER_BURST 6 /* lines of one matter at once: three that open and close */

enum matter_step { MATTER_NOTHING, MATTER_OPENS, MATTER_WORSENS, MATTER_CLOSES };

struct matter {
    bool bad;      /* when it was looked at last */
    int64_t since; /* it is as it is: bad, or well */
    bool open;
    bool told;                  /* that it is open */
    unsigned level;             /* how bad, as it was told */
    uint32_t held;              /* openings that were not told, since the newest that was */
    int64_t paid[MATTER_BURST]; /* when each line that may be told is to be had again */
};

/* How bad it is now; `wait` and `calm`: so long it is bad before it opens, well before it closes.
 * What is to be told; the caller does. */
enum matter_step matter_turn(struct matter *m, int64_t now, bool bad, unsigned level, int64_t wait,
                             int64_t calm);

#endif
