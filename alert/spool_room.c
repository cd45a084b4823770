/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quota. First go files that all sinks have read; then the lowest rank that is there, the
 * oldest file first: it is written anew without the records of that rank. What is left of two
 * neighbours and fits one file becomes one, so there are never many small files.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "alert/spool_inside.h"
#include "alert/spool_offset.h"
#include "base/heap.h"

/* --- what is delivered --- */

struct least {
    const struct spool *spool; /* whose followers */
    uint64_t seq;              /* that all have */
    bool any;                  /* there is a sink at all */
};

static void take_least(struct least *l, uint64_t seq)
{
    if (!l->any || seq < l->seq)
        l->seq = seq;
    l->any = true;
}

static void look_at(void *user, const char *name, const struct spool_offset *o)
{
    struct least *l = user;

    for (size_t i = 0; i < CAP_SPOOL_READERS; i++)
        if (l->spool->followers[i].committed && strcmp(l->spool->followers[i].name, name) == 0)
            return; /* it knows better than its file */
    take_least(l, o->seq);
}

void spool_room_look_up_delivered(struct spool *s)
{
    struct least l = {.spool = s};

    if (s->is_delivered_known)
        return;
    for (size_t i = 0; i < CAP_SPOOL_READERS; i++)
        if (s->followers[i].committed)
            take_least(&l, *s->followers[i].committed);
    if (spool_offset_each(s->dir, look_at, &l) == 0)
        s->stats.delivered = l.any ? l.seq : 0;
    s->is_delivered_known = true;
}

static int remove_segment(struct spool *s, size_t i)
{
    char name[SPOOL_SEGMENT_NAME];

    spool_segment_name(name, s->segments[i].name);
    if (s->disk->remove(s->dir, name) != 0 && errno != ENOENT)
        return -1;
    spool_remove_entry(s, i);
    s->stats.shrunk++;
    return 0;
}

static bool is_open(const struct spool *s, size_t i)
{
    return s->fd >= 0 && i + 1 == s->count;
}

bool spool_room_drop_delivered(struct spool *s)
{
    spool_room_look_up_delivered(s);
    return s->count > 0 && !is_open(s, 0) && s->segments[0].last <= s->stats.delivered &&
           remove_segment(s, 0) == 0;
}

/* --- writing anew --- */

/* Moves what stays to the front of the bytes, and counts what goes. Returns how many stay. */
static size_t sift(const struct spool *s, uint8_t *bytes, size_t size, unsigned rank,
                   struct spool_segment *into, struct spool_losses *gone)
{
    struct spool_scan scan = {.rest = span_of(bytes, size), .last = into->last};
    struct spool_record r;
    size_t n = 0;

    while (spool_scan_next(&scan, &r)) {
        if (r.seq <= s->stats.delivered)
            continue;
        if (spool_rank(r.kind, r.severity) <= rank) {
            gone->lost[r.kind][r.severity]++;
            continue;
        }
        memmove(bytes + n, r.body.p - SPOOL_HEADER, spool_record_size(&r));
        n += spool_record_size(&r);
        spool_segment_count(into, &r);
    }
    return n;
}

static int write_whole(struct spool *s, int fd, const uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = s->disk->write(fd, bytes + at, n - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got == 0 ? EIO : errno;
            return -1;
        }
        at += (size_t)got;
    }
    return s->disk->sync(fd);
}

/* The bytes become the file of that name, at one go. */
static int replace(struct spool *s, uint64_t name, const uint8_t *bytes, size_t n)
{
    char text[SPOOL_SEGMENT_NAME];
    int fd = s->disk->open(s->dir, SPOOL_NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC), rc, error;

    if (fd < 0)
        return -1;
    spool_segment_name(text, name);
    rc = write_whole(s, fd, bytes, n);
    error = errno;
    close(fd);
    errno = error;
    if (rc == 0 && s->disk->rename(s->dir, SPOOL_NEW_FILE, text) == 0)
        return s->disk->sync_dir(s->dir);
    error = errno;
    s->disk->remove(s->dir, SPOOL_NEW_FILE);
    errno = error;
    return -1;
}

static void count_gone(struct spool *s, const struct spool_losses *gone)
{
    for (size_t kind = 0; kind < SPOOL_KIND_COUNT; kind++)
        for (size_t severity = 0; severity < SPOOL_SEVERITIES; severity++) {
            s->fresh.lost[kind][severity] += gone->lost[kind][severity];
            s->stats.losses.lost[kind][severity] += gone->lost[kind][severity];
            s->stats.is_over_quota |= gone->lost[kind][severity] > 0;
        }
}

/* What is left of segment i is `left`: it takes its place. */
static int put_back(struct spool *s, size_t i, const uint8_t *bytes, struct spool_segment left)
{
    if (left.bytes == 0)
        return remove_segment(s, i);
    if (replace(s, left.name, bytes, left.bytes) != 0)
        return -1;
    s->bytes -= s->segments[i].bytes - left.bytes;
    s->segments[i] = left;
    s->stats.shrunk++;
    return 0;
}

/* The neighbour in front has room for what is left of segment i: both are one from now on. Should
 * it end between the two steps, the second file has nothing but repetitions. */
static int join(struct spool *s, size_t i, const uint8_t *bytes, struct spool_segment left)
{
    struct spool_segment both = s->segments[i - 1];
    uint8_t *front, *all;
    size_t n;
    int rc = -1;

    if (spool_segment_load(s->dir, both.name, &front, &n) != 0)
        return -1;
    all = heap_resize(front, n + left.bytes);
    if (all) {
        memcpy(all + n, bytes, left.bytes);
        rc = replace(s, both.name, all, n + left.bytes);
    }
    heap_free(all ? all : front);
    if (rc != 0)
        return -1;
    s->bytes += n + left.bytes - both.bytes;
    both.bytes = n + left.bytes;
    both.last = left.last;
    for (size_t rank = 0; rank < SPOOL_RANKS; rank++)
        both.ranks[rank] += left.ranks[rank];
    s->segments[i - 1] = both;
    return remove_segment(s, i);
}

/* Removed by a stranger, or the disk cannot read it: nobody will have it any more. */
static int drop_unreadable(struct spool *s, size_t i)
{
    if (errno == ENOMEM)
        return -1;
    s->stats.damaged++;
    s->stats.damaged_bytes += s->segments[i].bytes;
    return remove_segment(s, i);
}

/* Segment i without its records of `rank`, or below. */
static int shrink(struct spool *s, size_t i, unsigned rank)
{
    struct spool_segment left = {.name = s->segments[i].name};
    struct spool_losses gone = {0};
    uint8_t *bytes;
    size_t n;
    bool joins;
    int rc;

    if (spool_segment_load(s->dir, left.name, &bytes, &n) != 0)
        return drop_unreadable(s, i);
    left.bytes = sift(s, bytes, n, rank, &left, &gone);
    joins =
        i > 0 && left.bytes > 0 && s->segments[i - 1].bytes + left.bytes <= s->config.segment_bytes;
    rc = joins ? join(s, i, bytes, left) : put_back(s, i, bytes, left);
    heap_free(bytes);
    if (rc == 0)
        count_gone(s, &gone);
    return rc;
}

/* --- room --- */

/* The oldest file with records of the lowest rank there is; s->count: no file has records. */
static size_t victim(const struct spool *s, unsigned *rank)
{
    for (*rank = 0; *rank < SPOOL_RANKS; ++*rank)
        for (size_t i = 0; i < s->count; i++)
            if (s->segments[i].ranks[*rank] > 0)
                return i;
    return s->count;
}

static bool is_over(const struct spool *s, uint64_t bytes)
{
    return s->bytes + s->packed + bytes > s->config.quota_bytes ||
           s->count + 1 >= CAP_SPOOL_SEGMENTS;
}

enum spool_room spool_room(struct spool *s, unsigned rank, uint64_t bytes)
{
    while (is_over(s, bytes)) {
        unsigned lowest;
        size_t i;
        if (spool_room_drop_delivered(s))
            continue;
        if (spool_write_settle(s) != 0) /* what is packed counts as well */
            return ROOM_TROUBLE;
        i = victim(s, &lowest);
        if (i == s->count || lowest > rank || bytes > s->config.quota_bytes) {
            s->stats.is_over_quota = true;
            return ROOM_NONE;
        }
        if ((is_open(s, i) && spool_write_finish(s) != 0) || shrink(s, i, lowest) != 0)
            return ROOM_TROUBLE;
    }
    return ROOM_MADE;
}

bool spool_room_yield(struct spool *s, unsigned rank)
{
    unsigned lowest;
    size_t i = victim(s, &lowest);

    return i < s->count && lowest < rank && (!is_open(s, i) || spool_write_finish(s) == 0) &&
           shrink(s, i, lowest) == 0;
}
