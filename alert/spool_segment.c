/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool_segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/heap.h"

#define SUFFIX ".spool"

enum { DIGITS = 20 };

void spool_segment_name(char text[SPOOL_SEGMENT_NAME], uint64_t name)
{
    snprintf(text, SPOOL_SEGMENT_NAME, "%0*" PRIu64 SUFFIX, DIGITS, name);
}

static bool parse_name(const char *text, uint64_t *name)
{
    uint64_t value = 0;

    if (strlen(text) != DIGITS + sizeof(SUFFIX) - 1 || strcmp(text + DIGITS, SUFFIX) != 0)
        return false;
    for (size_t i = 0; i < DIGITS; i++)
        if (!span_is_digit((uint8_t)text[i]) ||
            __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    *name = value;
    return true;
}

/* --- names --- */

/* Told of each; false ends it with errno. */
typedef bool name_fn(void *user, uint64_t name);

static int each_name(int dir, name_fn *fn, void *user)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    bool good = true;
    uint64_t name;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while (good && (e = readdir(d)) != NULL)
        if (parse_name(e->d_name, &name))
            good = fn(user, name);
    closedir(d);
    return good ? 0 : -1;
}

struct names {
    uint64_t *name; /* CAP_SPOOL_SEGMENTS of them */
    size_t n;       /* there */
};

static bool add_name(void *user, uint64_t name)
{
    struct names *l = user;

    if (l->n == CAP_SPOOL_SEGMENTS) {
        errno = EFBIG;
        return false;
    }
    l->name[l->n++] = name;
    return true;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int spool_segment_list(int dir, uint64_t **names, size_t *count)
{
    struct names l = {heap_alloc(CAP_SPOOL_SEGMENTS * sizeof(uint64_t)), 0};

    if (!l.name || each_name(dir, add_name, &l) != 0) {
        heap_free(l.name);
        return -1;
    }
    qsort(l.name, l.n, sizeof(*l.name), compare);
    *names = l.name;
    *count = l.n;
    return 0;
}

struct around {
    uint64_t seq;          /* looked for */
    uint64_t below, above; /* the nearest names: not above it, and above it */
    bool has_below, has_above;
};

static bool look_around(void *user, uint64_t name)
{
    struct around *a = user;

    if (name <= a->seq && (!a->has_below || name > a->below)) {
        a->below = name;
        a->has_below = true;
    } else if (name > a->seq && (!a->has_above || name < a->above)) {
        a->above = name;
        a->has_above = true;
    }
    return true;
}

int spool_segment_find(int dir, uint64_t seq, uint64_t *name)
{
    struct around a = {.seq = seq};

    if (each_name(dir, look_around, &a) != 0)
        return -1;
    *name = a.has_below ? a.below : a.above;
    return a.has_below || a.has_above;
}

int spool_segment_next(int dir, uint64_t after, uint64_t *name)
{
    struct around a = {.seq = after};

    if (each_name(dir, look_around, &a) != 0)
        return -1;
    *name = a.above;
    return a.has_above;
}

/* --- bytes --- */

static int read_all(int fd, uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = pread(fd, bytes + at, n - at, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got == 0 ? EIO : errno; /* it was cut meanwhile, by a stranger */
            return -1;
        }
        at += (size_t)got;
    }
    return 0;
}

static int load(int fd, uint8_t **bytes, size_t *n)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return -1;
    if (!S_ISREG(st.st_mode) || st.st_size > CAP_SPOOL_FILE) {
        errno = EFBIG;
        return -1;
    }
    *n = (size_t)st.st_size;
    *bytes = heap_alloc(*n + 1);
    if (*bytes && read_all(fd, *bytes, *n) == 0)
        return 0;
    heap_free(*bytes);
    *bytes = NULL;
    return -1;
}

int spool_segment_load(int dir, uint64_t name, uint8_t **bytes, size_t *n)
{
    char text[SPOOL_SEGMENT_NAME];
    int fd, rc;

    spool_segment_name(text, name);
    fd = openat(dir, text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    rc = load(fd, bytes, n);
    close(fd);
    return rc;
}

void spool_segment_count(struct spool_segment *segment, const struct spool_record *r)
{
    segment->last = r->seq;
    segment->ranks[spool_rank(r->kind, r->severity)] += spool_record_size(r);
}
