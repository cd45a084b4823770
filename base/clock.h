/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet time is the only time: dissect/, rules/ and alert/ take it from the capture and never ask
 * the system, so a capture of last year gives last year's verdict and the same output every time.
 *
 * A capture may claim any time. Those of packets are brought within CLOCK_PACKET_S when they are
 * read (sensor/capture.c), which is so far from the ends of nstime that neither the distance of
 * two packets nor a time some months from one overflows: dissect/ and what goes by packets alone
 * adds and subtracts as it likes. Times that came otherwise, with a policy or with a file, may be
 * anything; what deals with those takes the functions below.
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

/* Seconds from 1970 that a packet may be away, before or after: 1824 to 2115. All that pcap can
 * say, to 2106, is within. */
#define CLOCK_PACKET_S 4600000000LL

/* All of them stop at the ends of nstime. */

static inline nstime clock_add(nstime t, int64_t ns)
{
    nstime sum;

    if (__builtin_add_overflow(t, ns, &sum))
        return ns < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

/* Nanoseconds from `earlier` to `later`, negative if they are the other way round. */
static inline int64_t clock_since(nstime later, nstime earlier)
{
    int64_t ns;

    if (__builtin_sub_overflow(later, earlier, &ns))
        return later < earlier ? INT64_MIN : INT64_MAX;
    return ns;
}

/* Of seconds since 1970 and 0 to 999,999,999 nanoseconds more. */
static inline nstime clock_of(int64_t seconds, int64_t ns)
{
    nstime t;

    if (__builtin_mul_overflow(seconds, NS_PER_S, &t))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return clock_add(t, ns);
}

#endif
