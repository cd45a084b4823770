/* SPDX-License-Identifier: Apache-2.0 */
/* How full the memory of the sensor is, and what had to give way: for whoever tells of it. */
#ifndef HISTORY_COUNTERS_H
#define HISTORY_COUNTERS_H

#include <stdint.h>

struct history_counters {
    uint64_t servers, senders, doubts, stops; /* remembered now */
    struct {
        uint64_t servers, senders, farms;
        uint64_t pairs;  /* with clients that came back in clear */
        uint64_t knocks; /* of clients, and of servers */
        uint64_t paths, doubts, stops;
    } evicted; /* by others, since the start; with a store they come back from there */
    uint64_t layouts_refused; /* replies that found no room */
};

#endif
