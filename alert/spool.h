/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool: what is to be told lies on the disk before it counts as raised, and whoever tells it
 * (alert/sink.h) reads it from there (alert/spool_reader.h).
 *
 *   spool_open()     one writer a directory; torn ends are cut, damage is passed over and counted
 *   spool_append()   a number for each record; nothing is on the disk yet
 *   spool_commit()   writes all that was appended, one fdatasync for it, and says up to which
 *                    number everything lies there for good
 *
 * When the disk takes nothing (full, read-only, broken) records wait in memory, and each commit
 * whose time has come tries again; nothing has to be restarted. What has no room any more, on the
 * disk or in memory, is lost in a stated order (spool_rank(); the oldest of a rank first) and
 * counted: spool_losses() gives the numbers for the line of last resort.
 *
 * Time given to spool_commit() is monotonic. No other clock is asked, so a step of the day does
 * nothing. docs/spool.md has the format and the promise. Not for threads.
 */
#ifndef ALERT_SPOOL_H
#define ALERT_SPOOL_H

#include "alert/spool_disk.h"
#include "alert/spool_record.h"

enum { SPOOL_WHY = 256 };

struct spool;

/* 0 stands for the default of base/caps.h. */
struct spool_config {
    uint64_t segment_bytes;        /* a file; at most a quarter of the quota */
    uint64_t quota_bytes;          /* all files */
    size_t queue_bytes;            /* what waits in memory */
    const struct spool_disk *disk; /* NULL: the system's */
};

enum spool_state {
    SPOOL_OK,
    SPOOL_FULL,      /* the disk has no room (or no more for this user) */
    SPOOL_READ_ONLY, /* it may not be written to */
    SPOOL_BROKEN,    /* anything else: see spool_why() */
    SPOOL_STATE_COUNT
};

const char *spool_state_text(enum spool_state state);

/* Records, by kind and severity. */
struct spool_losses {
    uint64_t lost[SPOOL_KIND_COUNT][SPOOL_SEVERITIES];
};

struct spool_stats {
    uint64_t appended;               /* records taken */
    uint64_t refused;                /* that were no records: empty, too long, LF or FF inside */
    uint64_t written;                /* on the disk for good */
    uint64_t durable;                /* up to this number nothing waits */
    uint64_t delivered;              /* up to this number all sinks have it, when last looked up */
    uint64_t queued, queued_bytes;   /* waiting now, in memory */
    uint64_t segments, bytes;        /* on the disk now */
    uint64_t commits;                /* that wrote something */
    uint64_t troubles;               /* attempts that failed */
    uint64_t shrunk;                 /* files rewritten or removed to keep the quota */
    uint64_t damaged, damaged_bytes; /* places found damaged when it was opened */
    uint64_t torn_bytes;             /* cut off the end when it was opened */
    bool is_over_quota;              /* the last commit had to lose something */
    struct spool_losses losses;      /* since it was opened */
};

/* Opens the directory, or makes it. 0, or -1 with the reason in `why`: it is no directory, another
 * process writes to it, no memory. A disk that can be read and not written to is no reason. */
int spool_open(struct spool **spool, const char *path, const struct spool_config *config,
               char why[SPOOL_WHY]);

/* What was not committed is gone. NULL is allowed. */
void spool_close(struct spool *s);

/* Takes a copy of a line; an LF at its end is not kept. `seq` of `r` is not looked at. The number
 * that it got, or 0: it is no record, or was lost at once (both are counted). */
uint64_t spool_append(struct spool *s, const struct spool_record *r);

/* Writes what was appended. Returns the number up to which every record lies on the disk, or has
 * been counted as lost. */
uint64_t spool_commit(struct spool *s, nstime now);

enum spool_state spool_state(const struct spool *s);
const char *spool_why(const struct spool *s); /* the same in words; "" */
struct spool_stats spool_stats(const struct spool *s);

/* What was lost since the last call; false: nothing. Whoever asks appends a SPOOL_LOSS. */
bool spool_losses(struct spool *s, struct spool_losses *losses);

/* --- for readers in the same process --- */

/* From now on `committed` says how far the reader of that name is, whatever its file says: when
 * the disk is gone, that cannot be written either. NULL takes it back. False: too many. */
bool spool_follow(struct spool *s, const char *name, const uint64_t *committed);

/* What waits in memory because the disk takes nothing, from number `after` + 1 on: so it is told
 * all the same. None while all is well. Bodies are valid until the next append or commit. */
size_t spool_waiting(const struct spool *s, uint64_t after, struct spool_record *records,
                     size_t most);

#endif
