/* SPDX-License-Identifier: Apache-2.0 */
/* What a sink has to know of a line of EVE: under which name, key and time it goes out. A line
 * that does not say so, or is none, has an id all the same. */
#ifndef DELIVER_LINE_H
#define DELIVER_LINE_H

#include "alert/sink.h"

struct line {
    char id[33];        /* alert_id; else the first half of the line's SHA-256 */
    char timestamp[33]; /* as EVE writes it; "": none */
    char host[97];      /* of the sensor; "": none */
    char type[33];      /* event_type */
    char community[65]; /* community_id; "": none */
    char incident[33];  /* of an alert; "": none */
    char rule[65];      /* name of the alert's rule; "": none */
    char level[17];     /* severity of an alert in words; "": none */
};

void line_read(struct span eve, struct line *l);

#endif
