/* SPDX-License-Identifier: Apache-2.0 */
#include "history/days.h"

#include <string.h>

#define SECONDS 86400

_Static_assert(DAYS_KEPT < 32, "one bit a day");

int32_t days_of(nstime t)
{
    int64_t second = clock_second(t);
    return (int32_t)(second / SECONDS - (second % SECONDS < 0));
}

nstime days_begin(int32_t day)
{
    return clock_of((int64_t)day * SECONDS, 0);
}

static uint32_t place_of(int32_t day)
{
    return (uint32_t)(((day % DAYS_KEPT) + DAYS_KEPT) % DAYS_KEPT);
}

/* Makes `day` the newest: what falls out of the window is forgotten. */
static void turn_to(struct days *d, int32_t day)
{
    int64_t ahead = (int64_t)day - d->newest;
    if (d->used && ahead < DAYS_KEPT)
        d->used = (uint32_t)((uint64_t)d->used << ahead) & ((UINT32_C(1) << DAYS_KEPT) - 1);
    else
        d->used = 0;
    d->newest = day;
}

void days_add(struct days *d, int32_t day, enum day_count what, uint32_t by)
{
    if (!d->used || day > d->newest)
        turn_to(d, day);
    int64_t back = (int64_t)d->newest - day;
    if (back >= DAYS_KEPT)
        return;
    uint16_t *count = d->count[place_of(day)];
    if (!(d->used & UINT32_C(1) << back)) {
        memset(count, 0, sizeof(d->count[0]));
        d->used |= UINT32_C(1) << back;
    }
    uint32_t sum = count[what] + by;
    count[what] = sum < count[what] || sum > UINT16_MAX ? UINT16_MAX : (uint16_t)sum;
}

bool days_full(const struct days *d, int32_t day)
{
    int64_t back = (int64_t)d->newest - day;
    if (back < 0 || back >= DAYS_KEPT || !(d->used & UINT32_C(1) << back))
        return false;
    for (unsigned i = 0; i < DAY_COUNT; i++)
        if (d->count[place_of(day)][i] == UINT16_MAX)
            return true;
    return false;
}

void days_forgive(struct days *d)
{
    for (unsigned i = 0; i < DAYS_KEPT; i++)
        d->count[i][DAY_COMPLETE] = d->count[i][DAY_OFFERED];
}

/* Of the days that have counts those that are kept, seen from `now`, as in `used`. A capture may go
 * back in time: then all are. */
static uint32_t kept_at(const struct days *d, int32_t now)
{
    int64_t ahead = (int64_t)now - d->newest;
    if (ahead <= 0)
        return d->used;
    return ahead < DAYS_KEPT ? d->used & ((UINT32_C(1) << (DAYS_KEPT - ahead)) - 1) : 0;
}

uint32_t days_sum(const struct days *d, int32_t now, enum day_count what)
{
    uint32_t sum = 0;
    for (uint32_t left = kept_at(d, now); left; left &= left - 1)
        sum += d->count[place_of(d->newest - __builtin_ctz(left))][what];
    return sum;
}

uint32_t days_on(const struct days *d, int32_t day, enum day_count what)
{
    int64_t back = (int64_t)d->newest - day;
    bool kept = back >= 0 && back < DAYS_KEPT && d->used & UINT32_C(1) << back;
    return kept ? d->count[place_of(day)][what] : 0;
}

uint32_t days_span(const struct days *d, int32_t now)
{
    uint32_t kept = kept_at(d, now);
    return kept ? 32 - (uint32_t)(__builtin_clz(kept) + __builtin_ctz(kept)) : 0;
}
