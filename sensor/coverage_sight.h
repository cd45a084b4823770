/* SPDX-License-Identifier: Apache-2.0 */
/* What coverage.c makes of the counters, and coverage_words.c of that; for those files alone. */
#ifndef SENSOR_COVERAGE_SIGHT_H
#define SENSOR_COVERAGE_SIGHT_H

#include "sensor/coverage.h"

enum coverage_matter {
    COVERAGE_NO_MAIL,
    COVERAGE_ONE_DIRECTION,
    COVERAGE_DROPS,
    COVERAGE_OVERLOAD,
    COVERAGE_CLOCK_STEP,
    COVERAGE_PROCESS_DEAD,
    COVERAGE_INTERFACE_DOWN,
    COVERAGE_STORE_AWAY,
    COVERAGE_SPOOL,
    COVERAGE_MATTER_COUNT
};

/* How a matter stands. What follows `level` is kept from when it was bad last. */
struct coverage_sight {
    bool bad;
    unsigned level; /* how bad */
    enum severity severity;
    enum confidence confidence;
    const char *part; /* of struct eve_sensor_alert, as the next three */
    int64_t ms;
    uint64_t count, of;
    int64_t usual;       /* ns; of NO_MAIL, 0: not known */
    uint64_t others;     /* packets, of NO_MAIL that were no mail, of ONE_DIRECTION both */
    bool from_start;     /* of ONE_DIRECTION: the other was never seen; of NO_MAIL: mail was not */
    bool degraded;       /* of SPOOL: it cannot be written */
    char why[TOLD_TEXT]; /* of SPOOL, escaped */
};

/* What is the same for a matter at all times. */
struct coverage_kind {
    const char *what; /* of docs/eve.schema.json */
    enum rule_id rule;
    int64_t wait, calm;    /* of matter_turn() */
    const char *is_over;   /* a sentence */
    const char *next_step; /* for people */
};

const struct coverage_kind *coverage_kind(enum coverage_matter m);

/* A sentence or two with numbers. */
void coverage_reason(enum coverage_matter m, const struct coverage_sight *s,
                     char out[CAP_ALERT_TEXT]);

/* The same of one that is over; `lasted` 0: it was a moment. */
void coverage_over(enum coverage_matter m, int64_t lasted, char out[CAP_ALERT_TEXT]);

#endif
