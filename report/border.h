/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who came to our mail exchangers on which day, and how it fared, as the border saw it: what a
 * report of another is held against. Days are UTC; a session is of the day on which it ended.
 */
#ifndef REPORT_BORDER_H
#define REPORT_BORDER_H

#include "base/siphash.h"
#include "report/sighting.h"

/* Clocks differ, and a session may end on the next day: who came so much earlier or later than a
 * report says has come. */
#define BORDER_SLACK_S 3600

struct border;

/* NULL: no memory. */
struct border *border_new(const struct siphash_key *key);
void border_free(struct border *b);

/* A session at an exchanger of ours. */
void border_add(struct border *b, const struct sighting *s);

/* The sensor was blind for some of the time from `begin` to `end`, in Unix seconds. */
void border_blind(struct border *b, int64_t begin, int64_t end);

enum border_sight {
    BORDER_SAW,     /* sessions on each day, and none was left out */
    BORDER_NOTHING, /* no session on one of the days: the sensor may not have looked */
    BORDER_BLIND,   /* or said so itself */
    BORDER_SHORT    /* there was no room to keep all who came */
};

/* Of the days from `begin` to `end`, Unix seconds that are not years apart. */
enum border_sight border_sight(const struct border *b, int64_t begin, int64_t end);

struct border_came {
    bool at_all; /* give or take BORDER_SLACK_S; what follows is of the days themselves: */
    uint64_t sessions;
    uint64_t offered;  /* of those: STARTTLS was, and not refused then */
    uint64_t withheld; /* it was not, or refused */
    uint64_t unknown;  /* neither is known */
    uint64_t unasked;  /* it was offered, and not asked for */
    uint64_t clear;    /* and mail went in clear */
};

/* `server` of family 0: to any. */
struct border_came border_came(const struct border *b, const struct tlsrpt_host *client,
                               const struct tlsrpt_host *server, int64_t begin, int64_t end);

#endif
