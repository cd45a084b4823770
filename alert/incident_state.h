/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the incidents, shared by those of sessions and those of DNS; for
 * alert/incident*.c alone. */
#ifndef ALERT_INCIDENT_STATE_H
#define ALERT_INCIDENT_STATE_H

#include "alert/attack.h"

#define HOUR (3600 * NS_PER_S)
#define DAY  (24 * HOUR)

/* What has been said about one domain. */
struct told {
    enum rule_id rule;
    struct domain domain; /* n 0: a place that is free */
    char incident[IDS_TEXT];
    uint32_t update;
    enum severity severity;
    nstime first, newest;
    bool held;
};

struct incidents {
    const char *sensor;
    incident_fn write;
    void *user;
    struct incident_counters counters;
    struct attacks *attacks;
    struct finding recalled; /* primary of a line whose session does not have it */
    uint64_t hourly;         /* that may open in an hour */
    bool hour_running;
    nstime hour_start; /* of the first incident that opened in it */
    uint64_t hour_opened;
    uint64_t hour_held;
    struct told told[INCIDENT_DOMAINS]; /* a ring */
    uint32_t told_next;
};

/* May one more incident open? An hour begins with the first after the last hour ended. */
bool incident_hour_has_room(struct incidents *in, nstime now);

/* One opens, `*held` or not until now. */
void incident_hour_open(struct incidents *in, bool *held);

/* One is held back, for the first time or again: a storm line is due, or nothing. */
enum incident_outcome incident_hour_hold(struct incidents *in, bool *held);

#endif
