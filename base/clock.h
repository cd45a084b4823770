/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet time is the only time: dissect/, rules/ and alert/ take it from the capture and never ask
 * the system, so a capture of last year gives last year's verdict and the same output every time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since 1970-01-01 UTC. Signed: a capture may claim any time. */
typedef int64_t nstime;

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

/* The Unix second that a time is in, before 1970 as well. */
static inline int64_t clock_second(nstime t)
{
    return t / NS_PER_S - (t % NS_PER_S < 0);
}

#endif
