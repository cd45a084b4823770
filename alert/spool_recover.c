/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "alert/spool_inside.h"
#include "alert/spool_offset.h"
#include "base/heap.h"

static void damaged(struct spool *s, size_t bytes)
{
    s->stats.damaged += bytes > 0;
    s->stats.damaged_bytes += bytes;
}

/* Returns what stands behind the last intact record. */
static size_t survey(struct spool *s, struct spool_segment *segment, struct span bytes)
{
    struct spool_scan scan = {.rest = bytes, .last = s->durable};
    struct spool_record r;

    while (spool_scan_next(&scan, &r)) {
        damaged(s, scan.skipped);
        spool_segment_count(segment, &r);
    }
    s->durable = scan.last;
    segment->bytes = bytes.n;
    return scan.rest.n;
}

static void note(struct spool *s, int error)
{
    s->state = error == EROFS || error == EACCES || error == EPERM ? SPOOL_READ_ONLY : SPOOL_BROKEN;
    snprintf(s->why, sizeof(s->why), "the spool cannot be written: %s", strerror(error));
}

/* Goes on with the last segment behind its last record. What cannot be cut stays, and is passed
 * over as damage: a new segment comes behind it. */
static void go_on(struct spool *s, struct spool_segment *segment, size_t torn)
{
    char name[SPOOL_SEGMENT_NAME];
    off_t end = (off_t)(segment->bytes - torn);

    spool_segment_name(name, segment->name);
    s->stats.torn_bytes += torn;
    s->fd = s->disk->open(s->dir, name, O_WRONLY | O_APPEND);
    if (s->fd >= 0 &&
        (torn == 0 || (s->disk->truncate(s->fd, end) == 0 && s->disk->sync(s->fd) == 0))) {
        segment->bytes -= torn;
        return;
    }
    note(s, errno);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* A file without records is what an interrupted rewriting left, or damaged through and through:
 * neither is of use. */
static bool remove_empty(struct spool *s, const struct spool_segment *segment)
{
    char name[SPOOL_SEGMENT_NAME];

    spool_segment_name(name, segment->name);
    return segment->last == 0 && s->disk->remove(s->dir, name) == 0;
}

/* -1: no memory. */
static int take(struct spool *s, uint64_t name, bool is_last)
{
    struct spool_segment *segment = spool_place(s);
    uint8_t *bytes = NULL;
    size_t n = 0, behind;

    if (!segment)
        return -1;
    *segment = (struct spool_segment){.name = name};
    if (spool_segment_load(s->dir, name, &bytes, &n) != 0) {
        int error = errno;
        s->stats.damaged++; /* left alone: a stranger's file, or a disk that cannot read it now */
        note(s, error);
        return error == ENOMEM ? -1 : 0;
    }
    behind = survey(s, segment, span_of(bytes, n));
    heap_free(bytes);
    if (remove_empty(s, segment)) {
        *(is_last ? &s->stats.torn_bytes : &s->stats.damaged_bytes) += behind;
        return 0;
    }
    if (is_last)
        go_on(s, segment, behind);
    else
        damaged(s, behind);
    s->bytes += segment->bytes;
    s->count++;
    return 0;
}

/* A sink may have told a record that was not on the disk for good when the power went: its number
 * is not used again, for the sink would not look at it. */
static void raise_to(void *user, const char *name, const struct spool_offset *o)
{
    struct spool *s = user;

    (void)name;
    if (o->seq > s->durable)
        s->durable = o->seq;
}

int spool_recover(struct spool *s, char why[SPOOL_WHY])
{
    uint64_t *names;
    size_t count;
    int rc = 0;

    if (spool_segment_list(s->dir, &names, &count) != 0) {
        snprintf(why, SPOOL_WHY, "cannot read the directory of the spool: %s", strerror(errno));
        return -1;
    }
    s->disk->remove(s->dir, SPOOL_NEW_FILE); /* of a rewriting that was interrupted; seldom there */
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = take(s, names[i], i + 1 == count);
    heap_free(names);
    if (rc != 0) {
        snprintf(why, SPOOL_WHY, "no memory for the spool");
        return -1;
    }
    spool_offset_each(s->dir, raise_to, s);
    s->packed_to = s->durable;
    s->next = s->durable + 1;
    return 0;
}
