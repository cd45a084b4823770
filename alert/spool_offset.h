/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far each sink is: NAME.offset in the directory of the spool, the number of the last record
 * that need not be told again. Two places of SLOT bytes are written in turn, each with its CRC, so
 * that a write that was torn leaves the other; and they are written over, so a full disk takes
 * them. A file that says nothing means 0: told twice rather than not at all.
 */
#ifndef ALERT_SPOOL_OFFSET_H
#define ALERT_SPOOL_OFFSET_H

#include "alert/spool_disk.h"
#include "base/span.h"

enum { SPOOL_OFFSET_SLOT = 512, SPOOL_OFFSET_FILE = 2 * SPOOL_OFFSET_SLOT };

struct spool_offset {
    uint64_t seq;    /* delivered, with all before it */
    uint64_t writes; /* how often it was written: the higher one holds */
};

/* 1 to CAP_SPOOL_NAME letters, digits, `-` and `_`. */
bool spool_offset_is_name(const char *name);

/* The bytes of a file, whatever they are. */
struct spool_offset spool_offset_parse(struct span file);

/* False: there is no such file. */
bool spool_offset_read(int dir, const char *name, struct spool_offset *o);

/* Writes o->seq for good; -1 with errno: it was not, and o->writes stays. */
int spool_offset_write(int dir, const char *name, struct spool_offset *o,
                       const struct spool_disk *disk);

/* Each file of the directory. -1: it cannot be read. */
typedef void spool_offset_fn(void *user, const char *name, const struct spool_offset *o);
int spool_offset_each(int dir, spool_offset_fn *fn, void *user);

/* The sink is no more: what it did not get is not kept for it. 0 or -1 with errno. */
int spool_offset_remove(int dir, const char *name, const struct spool_disk *disk);

#endif
