/* SPDX-License-Identifier: Apache-2.0 */
/* Received reports: files and directories of them, which may be compressed, bounded in size. */
#ifndef SENSOR_TLSRPT_FILES_H
#define SENSOR_TLSRPT_FILES_H

#include "report/tlsrpt_read.h"

struct tlsrpt_files {
    const struct tlsrpt_reader *to; /* but its `problem`, which is told here */
    uint64_t reports;               /* that were read */
    uint64_t problems;              /* in them */
    uint64_t unread;                /* files that are no report or could not be read: told */
};

/* `path`: a file, - for standard input, or a directory, of which the files are read in the order of
 * their names. */
void tlsrpt_files_read(struct tlsrpt_files *f, const char *path);

#endif
