/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `alert` line of what a sensor says of itself (rules of the family sensor): there is no flow,
 * no address and no verdict, but an object `sensor` with what it is about and how much of it.
 */
#ifndef ALERT_EVE_SENSOR_H
#define ALERT_EVE_SENSOR_H

#include "alert/eve.h"

struct eve_sensor_alert {
    enum rule_id rule; /* of the family sensor */
    const char *what;  /* docs/eve.schema.json has the list */
    const char *part;  /* of the sensor: a process, a direction; NULL: absent */
    int64_t ms;        /* how long, or how far; 0: absent */
    uint64_t count;    /* how many, */
    uint64_t of;       /* of so many; 0: both absent */
    enum severity severity;
    enum confidence confidence;
    enum incident_state state;
    uint32_t update; /* 1: the incident opens */
    char incident[IDS_TEXT], id[IDS_TEXT], finding_id[IDS_TEXT];
    nstime time, first, last;       /* of the line; oldest and newest evidence */
    const char *reason, *next_step; /* UTF-8, escaped */
};

/* Fills `out` from json_begin() on. */
void eve_sensor(struct json *out, const struct eve_sensor_alert *a, const struct eve_options *o);

#endif
