/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line on standard error, at most once a second, that says how far reading has come. Off unless
 * a person looks at it; everything else on standard error goes through progress_clear() first.
 */
#ifndef SENSOR_PROGRESS_H
#define SENSOR_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct progress {
    bool on;
    bool shown; /* the line stands there now */
    struct timespec start, last;
};

void progress_init(struct progress *p, bool on);

/* `total` 0: not known. Looks at the clock; shows nothing in the first second. */
void progress_update(struct progress *p, uint64_t done, uint64_t total);

void progress_clear(struct progress *p);

/* The line itself, without control characters: "1.2 GB of 3.4 GB, 310 MB/s, 0:07 left". */
void progress_text(char *dst, size_t cap, uint64_t done, uint64_t total, double seconds);

#endif
