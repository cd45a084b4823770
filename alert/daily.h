/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts of severity low of one day (UTC), told as one line of counts. A value: what it has counted
 * goes into a text and comes back from one, so a restart in the middle of a day loses nothing, and
 * a record that the spool gives again is counted once.
 */
#ifndef ALERT_DAILY_H
#define ALERT_DAILY_H

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"

enum { DAILY_TEXT = (CAP_DAILY_RULES + 1) * 96 }; /* of daily_save() and of the line */

struct daily {
    int64_t from, to;  /* days since 1970: of the first and of the last alert */
    uint64_t upto;     /* number of the last record counted */
    uint64_t alerts;   /* all */
    uint64_t unlisted; /* of rules that had no room in the table */
    size_t rules;      /* in the table */
    struct daily_rule {
        char name[65];
        uint64_t alerts;
    } rule[CAP_DAILY_RULES];
};

int64_t daily_day(nstime time);

/* An alert. False: it was counted already. A clock that steps back stays within the day that has
 * begun. */
bool daily_add(struct daily *d, uint64_t seq, nstime time, const char *rule);

/* Is it over, at that time? */
bool daily_is_due(const struct daily *d, nstime now);

/* The line, without LF: an event of type stats (docs/feed.md). 0: no room; DAILY_TEXT is enough. */
size_t daily_line(const struct daily *d, nstime now, const char *sensor, char *to, size_t room);

/* Begins anew; `upto` stays. */
void daily_next(struct daily *d);

size_t daily_save(const struct daily *d, char to[DAILY_TEXT]);
bool daily_load(struct daily *d, struct span text); /* false, and empty: it is none */

#endif
