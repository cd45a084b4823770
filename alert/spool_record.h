/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of the spool as bytes: a header of SPOOL_HEADER bytes, then the body, one line of JSON
 * without its line feed (docs/spool.md has the table). Nothing here knows files.
 *
 * No body holds a byte FF, for JSON is UTF-8, and every header begins with one. So a header is
 * never found inside a body, whatever its author wrote: behind damage, the next intact record is
 * found and none is invented.
 */
#ifndef ALERT_SPOOL_RECORD_H
#define ALERT_SPOOL_RECORD_H

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"

enum { SPOOL_HEADER = 36, SPOOL_SEVERITIES = 5, SPOOL_LOW = 1, SPOOL_RANKS = 7 };

/* What a line tells of. The numbers are in the files. */
enum spool_kind {
    SPOOL_STATS,   /* counters */
    SPOOL_SESSION, /* a session or a handshake */
    SPOOL_ALERT,   /* an incident */
    SPOOL_GAP,     /* when nothing was watched */
    SPOOL_LOSS,    /* that records were lost: the last resort */
    SPOOL_DAILY,   /* alerts of severity low of one day, in numbers */
    SPOOL_KIND_COUNT
};

const char *spool_kind_text(enum spool_kind kind);

struct spool_record {
    uint64_t seq;         /* from 1 on, given by the spool */
    nstime time;          /* when it was appended, by the caller's clock: for its age */
    enum spool_kind kind; /* decides with severity what is lost first */
    uint8_t severity;     /* 0 (info) to 4 (critical) */
    uint32_t rule;        /* any number of the caller's, for filters; 0: none */
    struct span body;     /* 1 to CAP_SPOOL_BODY bytes, without LF and without FF */
};

/* 0 is lost first: stats, session lines, alerts of severity info, low and medium (gaps and
 * the numbers of a day with these), high, critical (and what was lost). */
unsigned spool_rank(enum spool_kind kind, uint8_t severity);

/* Can it be written? */
bool spool_record_is_sound(const struct spool_record *r);

size_t spool_record_size(const struct spool_record *r);                 /* bytes of all of it */
void spool_record_write(uint8_t *dst, const struct spool_record *r);    /* that many */
bool spool_record_read(struct span bytes, struct spool_record *record); /* at their beginning */

/* A walk through the bytes of a segment. */
struct spool_scan {
    struct span rest;  /* not walked yet */
    uint64_t last;     /* only records with a higher number count */
    size_t skipped;    /* bytes in front of the record just found that are no record */
    uint64_t repeated; /* intact records that did not count */
};

/* The next intact record; its body lies in the bytes. False: there is none, and `rest` is what
 * stands behind the last one: nothing, or a torn end. Linear in the bytes, whatever they are. */
bool spool_scan_next(struct spool_scan *s, struct spool_record *record);

#endif
