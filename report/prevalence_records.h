/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of prevalence.h share: the records as sessions come in, and what is made of them
 * at the end. */
#ifndef REPORT_PREVALENCE_RECORDS_H
#define REPORT_PREVALENCE_RECORDS_H

#include "report/keyed.h"
#include "report/prevalence.h"

/* A server on a day, as one vantage saw it. */
struct server_day {
    struct server_day_key {
        uint8_t server[16];
        int32_t day;
        uint32_t vantage; /* number in `vantages` */
        uint32_t family;
    } key;
    uint32_t sessions; /* with a whole reply */
    uint8_t states;    /* enum event_state, of all of them */
    uint8_t place;     /* enum prevalence_place, at the end */
};

/* A garble string and whose hand it looks like. */
struct garble_text {
    char text[CAP_GARBLE_TEXT];
    uint32_t cause;
};

/* Where it was seen. */
struct garble_sight {
    uint32_t text;       /* number in `texts` */
    uint32_t server_day; /* number in `days` */
};

/* A server on a day, at all vantages of one place together. */
struct unit {
    uint8_t server[16];
    uint8_t family;
    uint8_t place;
    uint8_t states;
    uint8_t part[17]; /* what it is grouped by, in the order of groups */
    int32_t day;
    uint32_t sessions;
};

/* Units one behind the other that are a group. */
struct part {
    uint32_t first, count, affected;
};

struct near_day {
    uint32_t vantage;
    int32_t day;
    uint32_t servers, affected;
};

struct garble_row {
    uint32_t text;
    uint8_t place;
    uint32_t days, servers;
};

struct prevalence {
    struct keyed *vantages; /* struct event_vantage */
    struct keyed *days;     /* struct server_day */
    struct keyed *texts;    /* struct garble_text */
    struct keyed *sights;   /* struct garble_sight */
    struct prevalence_counts counts;

    /* from prevalence_close() on */
    struct unit *unit;
    uint32_t unit_count;
    struct near_day *near;
    uint32_t near_count;
    struct garble_row *row;
    uint32_t row_count;
    struct part *part[PREVALENCE_PLACE_COUNT];
    uint32_t part_count[PREVALENCE_PLACE_COUNT];
    struct prevalence_group total[PREVALENCE_PLACE_COUNT];
    enum prevalence_by by;
    struct mmdb *mmdb;
};

static inline bool states_affected(uint8_t states)
{
    return states & (EVENT_GARBLED | EVENT_REMOVED | EVENT_REFUSED);
}

/* Steps of prevalence_close(), each 0 or -1 without memory: near, far or few; units from the days;
 * the histogram; the parts. */
int prevalence_place_days(struct prevalence *p);
int prevalence_make_units(struct prevalence *p);
int prevalence_make_rows(struct prevalence *p);
int prevalence_make_parts(struct prevalence *p);

#endif
