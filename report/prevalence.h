/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the stripping of STARTTLS is spread, by what was seen at the vantages of many sensors.
 * docs/prevalence.md has the definitions and the reasons.
 *
 * The unit is the server-day: an address that mail was handed to on port 25, on one UTC day, with
 * at least one whole reply to EHLO. Sessions are not weighed: a busy server counts as a quiet one.
 * prevalence_add() takes sessions in any order, prevalence_close() works out what they mean, and
 * the rest reads it. Memory is bounded by the caps of base/caps.h.
 */
#ifndef REPORT_PREVALENCE_H
#define REPORT_PREVALENCE_H

#include "base/siphash.h"
#include "base/text.h"
#include "report/event.h"
#include "report/interval.h"
#include "report/mmdb.h"

#define PREVALENCE_PORT 25
#define PREVALENCE_ENOUGH                                                                          \
    5 /* servers of a vantage in a day: with less one cannot tell near from far                    \
       */
#define PREVALENCE_NEAR 80 /* per cent of them: something stands near the vantage */

enum prevalence_place {
    PREVALENCE_FAR,
    PREVALENCE_NEAR_BY, /* most servers of the vantage were affected that day */
    PREVALENCE_FEW,     /* the vantage met too few servers that day to tell */
    PREVALENCE_PLACE_COUNT
};

/* The first five are enum event_state in its order. */
enum prevalence_state {
    PREVALENCE_OFFERED,
    PREVALENCE_ENCRYPTED,
    PREVALENCE_GARBLED,
    PREVALENCE_REMOVED,
    PREVALENCE_REFUSED,
    PREVALENCE_AFFECTED, /* any of the last three */
    PREVALENCE_STATE_COUNT
};
_Static_assert((int)PREVALENCE_STATE_COUNT == INTERVAL_COUNTS, "all are drawn together");

/* Of which server-days it is the share. */
enum prevalence_base {
    PREVALENCE_OF_ALL,
    PREVALENCE_OF_TLS, /* those with a sign that the server has TLS: in any of the states */
    PREVALENCE_BASE_COUNT
};

enum prevalence_by {
    PREVALENCE_BY_NOTHING,
    PREVALENCE_BY_SERVER,
    PREVALENCE_BY_NET, /* /24, /48 */
    PREVALENCE_BY_AS,
    PREVALENCE_BY_COUNTRY,
    PREVALENCE_BY_DAY,
    PREVALENCE_BY_COUNT
};

/* Sessions, each in one of these. */
enum prevalence_fate {
    PREVALENCE_COUNTED,    /* with a whole reply */
    PREVALENCE_UNKNOWN,    /* without */
    PREVALENCE_OTHER_PORT, /* not on port 25, or TLS from the first byte */
    PREVALENCE_HANDED_IN,  /* submission, or inside one's own network */
    PREVALENCE_LEFT_OUT,   /* a cap was hit, or memory is short */
    PREVALENCE_FATE_COUNT
};

struct prevalence_counts {
    uint64_t fate[PREVALENCE_FATE_COUNT];
    uint64_t unknown[EVENT_REPLY_COUNT]; /* of PREVALENCE_UNKNOWN, why; [EVENT_REPLY_WHOLE] is 0 */
    uint64_t texts_left_out; /* sessions whose garble string is not in the histogram: a cap */
    uint32_t unknown_days;   /* server-days with sessions, none of them with a whole reply */
    uint32_t vantages;
};

struct prevalence_sum {
    uint32_t days; /* server-days */
    uint32_t servers;
    struct interval share[PREVALENCE_STATE_COUNT];
};

/* The server-days of one place, or a part of them. */
struct prevalence_group {
    char label[TEXT_IP + 4]; /* "192.0.2.0/24", "AS64500", "2026-11-21"; printable */
    char name[MMDB_NAME];    /* who the AS is; else empty */
    uint64_t sessions;       /* with a whole reply */
    struct prevalence_sum sum[PREVALENCE_BASE_COUNT];
};

/* A vantage on a day on which it was near. */
struct prevalence_box {
    const struct event_vantage *vantage;
    int32_t day;
    uint32_t servers, affected;
};

/* How often a text stood where STARTTLS stood. */
struct prevalence_garble {
    const char *text;
    enum cause cause;
    enum prevalence_place place;
    uint32_t days, servers;
};

struct prevalence;

struct prevalence *prevalence_new(const struct siphash_key *key); /* NULL: no memory */
void prevalence_free(struct prevalence *p);

void prevalence_add(struct prevalence *p, const struct event *e);

/* No session comes any more. `m` is for AS and country, and borrowed until prevalence_free(). 0, or
 * -1 without memory. */
int prevalence_close(struct prevalence *p, enum prevalence_by by, struct mmdb *m);

const struct prevalence_counts *prevalence_counts(const struct prevalence *p);

/* All of a place; it has no label. */
const struct prevalence_group *prevalence_total(const struct prevalence *p,
                                                enum prevalence_place place);

/* The parts of a place, the most affected first. */
uint32_t prevalence_groups(const struct prevalence *p, enum prevalence_place place);
/* 0, or -1 without memory. */
int prevalence_group(struct prevalence *p, enum prevalence_place place, uint32_t i,
                     struct prevalence_group *out);

/* By name and day. */
uint32_t prevalence_boxes(const struct prevalence *p);
struct prevalence_box prevalence_box(const struct prevalence *p, uint32_t i);

/* By place, the most frequent first. */
uint32_t prevalence_garbles(const struct prevalence *p);
struct prevalence_garble prevalence_garble(const struct prevalence *p, uint32_t i);

/* As the output spells them. */
const char *prevalence_place_text(enum prevalence_place v);
const char *prevalence_state_text(enum prevalence_state v);
const char *prevalence_base_text(enum prevalence_base v);
const char *prevalence_by_text(enum prevalence_by v);
const char *prevalence_fate_text(enum prevalence_fate v);
const char *prevalence_reply_text(enum event_reply v);

/* YYYY-MM-DD and its NUL. */
#define PREVALENCE_DAY 11
void prevalence_day_text(char dst[PREVALENCE_DAY], int32_t day);

#endif
