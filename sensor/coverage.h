/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the sensor sees what it should, and can keep it: the rules coverage-lost and
 * memory-stale. A guard that is blind looks like a quiet night, so what it says of itself once a
 * second is held against what is usual: mail after the usual silence, both directions, few drops,
 * interfaces that are up, a clock that goes evenly, a store and a spool that are there.
 *
 * Each matter is an incident of its own (sensor/matter.h). What was open when the process ended is
 * never closed; if it goes on, it opens anew. The clock of the wall is used for what is told alone;
 * what is measured is the time between two calls, and a leap of that clock is none.
 */
#ifndef SENSOR_COVERAGE_H
#define SENSOR_COVERAGE_H

#include "alert/eve.h"
#include "sensor/desk.h"
#include "sensor/message.h"
#include "sensor/told.h"

struct coverage;

struct coverage_config {
    int64_t gap;                   /* ns: without mail for so long, and five times the usual gap */
    unsigned drops;                /* per cent of the packets: more than that */
    enum severity min_severity;    /* lines of less are not told */
    const struct eve_options *eve; /* borrowed, outlives it */
};

/* `line` gets an alert with its end, valid during the call. NULL: no memory. */
struct coverage *coverage_new(const struct coverage_config *c,
                              void (*line)(void *user, struct desk_mark mark, struct span line),
                              void *user);
void coverage_free(struct coverage *c);

/* Each second. `sum` is over all that look at packets; what they had counted before they were
 * replaced is in it. */
void coverage_second(struct coverage *c, nstime wall_now, const struct told_watch *sum);

/* What is open, and since when of the wall's clock. */
#define COVERAGE_MATTERS 9
struct coverage_gap {
    uint32_t what; /* of coverage_text() */
    nstime since;
};
size_t coverage_open(const struct coverage *c, struct coverage_gap to[COVERAGE_MATTERS]);
const char *coverage_text(uint32_t what); /* "no-mail", ...; NULL: no such */

/* Nobody did the work of `p` from `from` to `to`, of the wall's clock. Of those whose work waits
 * for them nothing is lost, and nothing is said. */
void coverage_gap(struct coverage *c, enum process p, nstime from, nstime to);

/* When it is known, and as often as is convenient; what is not told stays as it was. */
void coverage_spool(struct coverage *c, nstime wall_now, const struct told_feed *f);
void coverage_store(struct coverage *c, nstime wall_now, bool away);

#endif
