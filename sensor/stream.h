/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor as a stdio stream that decompresses what it reads, recognised by its first bytes
 * and never by its name. It only reads forward, so files, pipes and FIFOs are alike. What can be
 * read before damage is read; the damage then has a text.
 */
#ifndef SENSOR_STREAM_H
#define SENSOR_STREAM_H

#include <stdio.h>

#include "base/span.h"

struct stream;

/*
 * Takes the descriptor over (it is closed at once when opening fails) and gives it a buffer of
 * `buffer` bytes. Blocks until four bytes are there or the input ends. NULL with errno set when
 * memory is short or the descriptor cannot be read.
 */
struct stream *stream_open(int fd, size_t buffer);

/* For reading. Whoever closes it (as libpcap does) must say so by stream_file_closed() before
 * stream_close(), which closes it otherwise. */
FILE *stream_file(struct stream *s);
void stream_file_closed(struct stream *s);

/*
 * The next bytes of the text in place: at least `want` of them (at most the size of the buffer)
 * unless the text ends before. Valid until the next call. Bytes are taken by cutting them off the
 * front of *stream_ready(), which is the window as it stands. What is left is what stream_file()
 * reads next, if the file keeps no bytes of its own: stream_share() sees to that and comes before
 * the first read.
 */
struct span stream_window(struct stream *s, size_t want);
struct span *stream_ready(struct stream *s); /* valid as long as the stream */
void stream_share(struct stream *s);

/* The first four bytes of the decompressed text, fewer when it is shorter or damaged before. Only
 * before the first read of stream_file(). */
struct span stream_peek(struct stream *s);

/* Why reading stopped before the end; NULL when it did not, or not yet. */
const char *stream_error(const struct stream *s);

/* Bytes taken from the descriptor so far. */
uint64_t stream_position(const struct stream *s);

void stream_close(struct stream *s);

#endif
