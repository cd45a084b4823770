/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One who reads a spool, by name: a sink. It goes on where it had committed, so what it was given
 * and did not commit it is given again: at least once. It may read while the writer writes, in the
 * same process or in another. A new name begins with the oldest record there is, and from then on
 * what it has not committed is not delivered.
 */
#ifndef ALERT_SPOOL_READER_H
#define ALERT_SPOOL_READER_H

#include "alert/spool.h"

struct spool_reader;

struct spool_reader_stats {
    uint64_t position;               /* the number of the last record given */
    uint64_t committed;              /* of the last one that is done with */
    uint64_t given;                  /* records, repetitions included */
    uint64_t damaged, damaged_bytes; /* places passed over */
    uint64_t troubles;               /* files that could not be read, offsets not written */
    nstime time;                     /* of the last record given; 0: none yet */
};

/* `spool`: the writer, when it is in this process, and outlives the reader: while the disk takes
 * nothing, what waits in memory is read as well. Else NULL. `disk`: NULL for the system's. 0, or -1
 * with the reason in `why`. */
int spool_reader_open(struct spool_reader **reader, const char *path, const char *name,
                      struct spool *spool, const struct spool_disk *disk, char why[SPOOL_WHY]);
void spool_reader_close(struct spool_reader *r); /* NULL is allowed */

/* The next records, `most` at most; 0: there are none now. Bodies are valid until the next call,
 * or the next one to the writer. */
size_t spool_reader_take(struct spool_reader *r, struct spool_record *records, size_t most);

/* Up to that number it is done. 0, or -1: it is, but the disk does not know, and after a restart
 * some would come again; each later call tries again, with the same number as well. */
int spool_reader_commit(struct spool_reader *r, uint64_t seq);

/* The next record is the first one behind that number again. */
void spool_reader_rewind(struct spool_reader *r, uint64_t seq);

uint64_t spool_reader_position(const struct spool_reader *r);
struct spool_reader_stats spool_reader_stats(const struct spool_reader *r);

/* Forgets all readers of a spool but these: what they have not read is kept for nobody. -1 with
 * errno. To be called before the spool is opened. */
int spool_reader_keep_only(const char *path, const char *const *names, size_t count);

#endif
