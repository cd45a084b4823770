/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/quiet.h"

#define DAY          (86400 * NS_PER_S)
#define DAYS_TO_RANK 3 /* before that a day that has just begun would pass for a busy one */

void quiet_init(struct quiet *q, int64_t now)
{
    *q = (struct quiet){.newest = now, .day_began = now};
}

void quiet_pass(struct quiet *q, int64_t now)
{
    while (now - q->day_began >= DAY) {
        q->day_began += DAY;
        q->days += q->days < DAYS_TO_RANK;
        q->today = (q->today + 1) % QUIET_DAYS;
        q->gap[q->today] = 0;
    }
}

void quiet_hear(struct quiet *q, int64_t now)
{
    int64_t gap = now - q->newest;
    if (q->heard && !q->broken && gap > q->gap[q->today])
        q->gap[q->today] = gap;
    q->newest = now;
    q->heard = true;
    q->broken = false;
}

void quiet_break(struct quiet *q)
{
    q->broken = true;
}

int64_t quiet_length(const struct quiet *q, int64_t now)
{
    return now - q->newest;
}

int64_t quiet_usual(const struct quiet *q)
{
    int64_t longest = 0, second = 0;
    for (unsigned i = 0; i < QUIET_DAYS; i++) {
        int64_t gap = q->gap[i];
        if (gap > longest) {
            second = longest;
            longest = gap;
        } else if (gap > second) {
            second = gap;
        }
    }
    return q->days < DAYS_TO_RANK ? longest : second;
}

bool quiet_is_learned(const struct quiet *q)
{
    return q->heard && q->days > 0;
}
