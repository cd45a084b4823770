/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensor/inflate.h"

#define HEAD_BYTES 4
#define IN_BYTES   16384

struct stream {
    int fd;
    FILE *file;              /* reads through cookie_read() */
    struct inflate *inflate; /* NULL: not compressed */
    bool end;                /* the descriptor gave its last byte */
    uint64_t position;       /* bytes taken from it */
    const char *error;       /* why nothing more can be read; NULL: it can */
    bool told;               /* the reader came to that point */
    struct span in;          /* not yet decoded, inside in_buf */
    uint8_t in_buf[IN_BYTES];
    struct span ready; /* text that nobody took yet, inside window */
    size_t size;
    uint8_t window[];
};

/* read(2) once; 0 at the end. Damage of the descriptor itself is told like any other. */
static ssize_t take(struct stream *s, void *to, size_t room)
{
    ssize_t n;
    do
        n = read(s->fd, to, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        s->error = strerror(errno);
    else if (n == 0)
        s->end = true;
    else
        s->position += (uint64_t)n;
    return n;
}

/* Fills in_buf from its beginning until it holds `want` bytes. False on a read error. */
static bool fill(struct stream *s, size_t want)
{
    size_t have = 0;
    while (have < want && !s->end) {
        ssize_t n = take(s, s->in_buf + have, sizeof(s->in_buf) - have);
        if (n < 0)
            return false;
        have += (size_t)n;
    }
    s->in = span_of(s->in_buf, have);
    return true;
}

static ssize_t read_plain(struct stream *s, uint8_t *to, size_t room)
{
    if (s->in.n == 0)
        return s->end ? 0 : take(s, to, room);
    struct span part = span_first(s->in, room);
    memcpy(to, part.p, part.n);
    s->in = span_from(s->in, part.n);
    return (ssize_t)part.n;
}

/* The decoder may hold text back, so it is asked before the descriptor is. */
static ssize_t read_inflated(struct stream *s, uint8_t *to, size_t room)
{
    for (;;) {
        size_t made, before = s->in.n;
        if (inflate_feed(s->inflate, &s->in, to, room, &made))
            s->error = inflate_error(s->inflate);
        if (made > 0)
            return (ssize_t)made;
        if (s->error)
            return -1;
        if (s->in.n < before)
            continue;
        if (s->in.n == 0 && !s->end) {
            if (!fill(s, 1))
                return -1;
            continue;
        }
        if (s->in.n == 0 && inflate_complete(s->inflate))
            return 0;
        s->error = "compressed data ends in the middle";
        return -1;
    }
}

static ssize_t read_text(struct stream *s, uint8_t *to, size_t room)
{
    ssize_t n = -1;
    if (!s->error)
        n = s->inflate ? read_inflated(s, to, room) : read_plain(s, to, room);
    if (n < 0) {
        s->told = true;
        errno = EIO;
    }
    return n;
}

struct span stream_window(struct stream *s, size_t want)
{
    if (s->ready.n >= want || want > s->size)
        return s->ready;
    memmove(s->window, s->ready.p, s->ready.n);
    s->ready.p = s->window;
    while (s->ready.n < want) {
        ssize_t n = read_text(s, s->window + s->ready.n, s->size - s->ready.n);
        if (n <= 0)
            break;
        s->ready.n += (size_t)n;
    }
    return s->ready;
}

struct span *stream_ready(struct stream *s)
{
    return &s->ready;
}

/* cookie_read_function_t */
static ssize_t cookie_read(void *cookie, char *to, size_t room)
{
    struct stream *s = cookie;
    struct span part = span_first(stream_window(s, 1), room);
    if (part.n == 0)
        return s->error ? -1 : 0;
    memcpy(to, part.p, part.n);
    s->ready = span_from(s->ready, part.n);
    return (ssize_t)part.n;
}

/* cookie_close_function_t */
static int cookie_close(void *cookie)
{
    (void)cookie; /* the descriptor is closed with the stream */
    return 0;
}

static bool open_file(struct stream *s)
{
    s->file =
        fopencookie(s, "r", (cookie_io_functions_t){.read = cookie_read, .close = cookie_close});
    if (!s->file)
        return false;
    __fsetlocking(s->file, FSETLOCKING_BYCALLER); /* one thread; locks cost as much as reading */
    return true;
}

struct stream *stream_open(int fd, size_t buffer)
{
    size_t size = buffer < HEAD_BYTES ? HEAD_BYTES : buffer;
    struct stream *s = malloc(sizeof(*s) + size);
    if (!s) {
        close(fd);
        return NULL;
    }
    memset(s, 0, sizeof(*s));
    s->fd = fd;
    s->size = size;
    s->ready.p = s->window;
    if (!fill(s, HEAD_BYTES))
        goto fail;
    enum inflate_kind kind = inflate_recognise(s->in);
    if (kind != INFLATE_NONE && !(s->inflate = inflate_new(kind))) {
        errno = ENOMEM;
        goto fail;
    }
    if (!open_file(s))
        goto fail;
    return s;
fail:;
    int why = errno;
    stream_close(s);
    errno = why;
    return NULL;
}

FILE *stream_file(struct stream *s)
{
    return s->file;
}

void stream_share(struct stream *s)
{
    setvbuf(s->file, NULL, _IONBF, 0);
}

void stream_file_closed(struct stream *s)
{
    s->file = NULL;
}

struct span stream_peek(struct stream *s)
{
    return span_first(stream_window(s, HEAD_BYTES), HEAD_BYTES);
}

const char *stream_error(const struct stream *s)
{
    return s->told ? s->error : NULL;
}

uint64_t stream_position(const struct stream *s)
{
    return s->position;
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    if (s->file)
        fclose(s->file);
    inflate_free(s->inflate);
    close(s->fd);
    free(s);
}
