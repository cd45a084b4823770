/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "alert/spool_inside.h"
#include "base/heap.h"

enum { FIRST_PLACES = 16 };

static struct spool_segment *active(struct spool *s)
{
    return &s->segments[s->count - 1];
}

struct spool_segment *spool_place(struct spool *s)
{
    size_t places = s->places ? 2 * s->places : FIRST_PLACES;
    struct spool_segment *more;

    if (s->count < s->places)
        return &s->segments[s->count];
    more = heap_resize(s->segments, places * sizeof(*more));
    if (!more)
        return NULL;
    s->segments = more;
    s->places = places;
    return &s->segments[s->count];
}

void spool_remove_entry(struct spool *s, size_t i)
{
    s->bytes -= s->segments[i].bytes;
    memmove(&s->segments[i], &s->segments[i + 1], (s->count - i - 1) * sizeof(*s->segments));
    s->count--;
}

static void close_active(struct spool *s)
{
    close(s->fd);
    s->fd = -1;
}

/* What was packed is in the queue still. Of the file, only what was synced stays; where that
 * cannot be had, or a sync has failed (the kernel may have thrown the bytes away, and says so only
 * once), the records go to a new file. Both copies have their number, and one counts. */
static int give_up(struct spool *s, bool is_sync)
{
    int error = errno;
    char name[SPOOL_SEGMENT_NAME];

    s->buffered = 0;
    s->packed = 0;
    s->packed_to = s->durable;
    if (s->fd >= 0 && s->disk->truncate(s->fd, (off_t)active(s)->bytes) != 0)
        is_sync = true;
    if (s->fd >= 0 && active(s)->bytes == 0) {
        spool_segment_name(name, active(s)->name);
        close_active(s);
        s->disk->remove(s->dir, name);
        spool_remove_entry(s, s->count - 1);
    } else if (s->fd >= 0 && is_sync) {
        close_active(s);
    }
    errno = error;
    return -1;
}

/* The buffer into the file. */
static int put(struct spool *s)
{
    size_t at = 0;

    while (at < s->buffered) {
        ssize_t n = s->disk->write(s->fd, s->buffer + at, s->buffered - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return give_up(s, false);
        }
        at += (size_t)n;
    }
    s->buffered = 0;
    return 0;
}

static void count_written(void *user, const struct spool_waiting *w)
{
    struct spool *s = user;

    spool_segment_count(active(s), &w->record);
    active(s)->bytes += w->n;
    s->bytes += w->n;
    s->stats.written++;
}

/* drop_to() tells by rank, not by number. */
static void count_all_written(struct spool *s)
{
    uint64_t last = s->packed_to;

    spool_queue_drop_to(&s->queue, last, count_written, s);
    active(s)->last = last;
}

int spool_write_settle(struct spool *s)
{
    if (s->packed == 0)
        return 0;
    if (put(s) != 0)
        return -1;
    if (s->disk->sync(s->fd) != 0 || (s->is_dir_dirty && s->disk->sync_dir(s->dir) != 0))
        return give_up(s, true);
    s->is_dir_dirty = false;
    count_all_written(s);
    s->durable = s->packed_to;
    s->packed = 0;
    return 0;
}

int spool_write_finish(struct spool *s)
{
    if (spool_write_settle(s) != 0)
        return -1;
    if (s->fd >= 0)
        close_active(s);
    return 0;
}

static int begin_segment(struct spool *s, uint64_t seq)
{
    struct spool_segment *place = spool_place(s);
    char name[SPOOL_SEGMENT_NAME];

    spool_segment_name(name, seq);
    if (place)
        s->fd = s->disk->open(s->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
    if (s->fd < 0)
        return give_up(s, false);
    *place = (struct spool_segment){.name = seq};
    s->count++;
    s->is_dir_dirty = true;
    return 0;
}

/* A file with room for n bytes more; a record that is longer than a file has one to itself. */
static int have_file(struct spool *s, const struct spool_waiting *w)
{
    if (s->fd >= 0 && active(s)->bytes + s->packed > 0 &&
        active(s)->bytes + s->packed + w->n > s->config.segment_bytes && spool_write_finish(s) != 0)
        return -1;
    return s->fd >= 0 ? 0 : begin_segment(s, w->record.seq);
}

static int pack(struct spool *s, const struct spool_waiting *w)
{
    if (have_file(s, w) != 0 || (s->buffered + w->n > SPOOL_BUFFER && put(s) != 0))
        return -1;
    memcpy(s->buffer + s->buffered, w->bytes, w->n);
    s->buffered += w->n;
    s->packed += w->n;
    s->packed_to = w->record.seq;
    return 0;
}

int spool_write_out(struct spool *s)
{
    struct spool_walk walk = spool_walk_begin(&s->queue, 0);
    struct spool_waiting *w;

    while ((w = spool_walk_next(&walk)) != NULL) {
        enum spool_room room = spool_room(s, w->rank, w->n);
        if (room == ROOM_TROUBLE)
            return give_up(s, false);
        if (room == ROOM_NONE) {
            spool_lose(s, &w->record);
            spool_queue_drop(&s->queue, w);
        } else if (pack(s, w) != 0) {
            return -1;
        }
    }
    return spool_write_settle(s);
}
