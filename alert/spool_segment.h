/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a spool: records and nothing else, named by a number that none of them is below, in
 * 20 digits, so that their names sort as their records do.
 */
#ifndef ALERT_SPOOL_SEGMENT_H
#define ALERT_SPOOL_SEGMENT_H

#include "alert/spool_record.h"

enum { SPOOL_SEGMENT_NAME = 32 }; /* 20 digits, ".spool", NUL */

/* One file, as the writer knows it. */
struct spool_segment {
    uint64_t name;               /* no record of it has a lower number */
    uint64_t last;               /* its highest number; 0: it has no record */
    uint64_t bytes;              /* of the file */
    uint64_t ranks[SPOOL_RANKS]; /* bytes of its records, by what is lost first */
};

void spool_segment_name(char text[SPOOL_SEGMENT_NAME], uint64_t name);

/* All names, ascending, in *names, to be freed by heap_free(). -1 with errno; EFBIG: more than
 * CAP_SPOOL_SEGMENTS. */
int spool_segment_list(int dir, uint64_t **names, size_t *count);

/* The file that holds `seq` if one does, else the first behind it. 1, 0: there is none, or -1. */
int spool_segment_find(int dir, uint64_t seq, uint64_t *name);
/* The first behind that file, likewise. */
int spool_segment_next(int dir, uint64_t after, uint64_t *name);

/* All bytes in *bytes, to be freed by heap_free(). -1 with errno; EFBIG: more than CAP_SPOOL_FILE.
 */
int spool_segment_load(int dir, uint64_t name, uint8_t **bytes, size_t *n);

/* It has this record, behind all others; its bytes are counted by the caller. */
void spool_segment_count(struct spool_segment *segment, const struct spool_record *r);

#endif
