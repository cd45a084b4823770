/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompression as a push decoder: bytes of a gzip, Zstandard or LZ4 stream go in, its text comes
 * out, in any portions. Memory is bounded whatever the stream says of itself. Streams may consist
 * of several members or frames, one after the other, as `cat a.gz b.gz` and parallel compressors
 * write them.
 */
#ifndef SENSOR_INFLATE_H
#define SENSOR_INFLATE_H

#include "base/span.h"

#define INFLATE_WINDOW_LOG 27 /* 128 MiB: what `zstd --long` needs, and no more */

enum inflate_kind { INFLATE_NONE, INFLATE_GZIP, INFLATE_ZSTD, INFLATE_LZ4, INFLATE_KIND_COUNT };

/* By the first four bytes of a file; INFLATE_NONE for anything else (RFC 1952 section 2.3.1, RFC
 * 8878 section 3.1.1, LZ4 frame format 1.6.1). */
enum inflate_kind inflate_recognise(struct span head);

struct inflate;

/* For every kind but INFLATE_NONE; NULL when memory is short. */
struct inflate *inflate_new(enum inflate_kind kind);

/*
 * Takes what it can from the front of *in, writes at most `room` bytes to out and their number to
 * *made. Returns 0, or -1 when the stream is corrupt: what was made before still counts. With an
 * empty *in it gives what it still holds back.
 */
int inflate_feed(struct inflate *d, struct span *in, uint8_t *out, size_t room, size_t *made);

/* Whether the input may end here: no member or frame is half read. */
bool inflate_complete(const struct inflate *d);

/* Why inflate_feed() returned -1; valid as long as d. */
const char *inflate_error(const struct inflate *d);

void inflate_free(struct inflate *d);

/* Version of the library underneath; not for INFLATE_NONE. */
const char *inflate_library(enum inflate_kind kind);

#endif
