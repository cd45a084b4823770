/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/spool_offset.h"
#include "alert/spool_segment.h"
#include "base/heap.h"

enum { LONGEST = SPOOL_HEADER + CAP_SPOOL_BODY };

_Static_assert(CAP_SPOOL_WINDOW >= 2 * LONGEST, "a window holds a record, wherever it begins");

struct spool_reader {
    int dir;                       /* of the spool */
    char name[CAP_SPOOL_NAME + 1]; /* of the reader */
    struct spool *spool;           /* the writer, or NULL */
    const struct spool_disk *disk; /* for the offset */
    struct spool_offset offset;    /* as it is in the file */
    uint64_t committed;            /* as it should be there */
    uint64_t position;             /* given up to here */
    int fd;                        /* of the segment being read; -1: to be looked for */
    uint64_t segment;              /* its name */
    off_t at;                      /* bytes of it that are done with */
    bool is_closed;                /* a later segment was there before the last look into it */
    uint8_t *window;               /* CAP_SPOOL_WINDOW bytes of it, read anew each time */
    struct spool_reader_stats stats;
};

/* --- opening, closing --- */

static int begin(struct spool_reader *r, const char *path, char why[SPOOL_WHY])
{
    bool is_new;

    r->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->dir < 0) {
        snprintf(why, SPOOL_WHY, "cannot open the directory of the spool: %s", strerror(errno));
        return -1;
    }
    is_new = !spool_offset_read(r->dir, r->name, &r->offset);
    r->committed = r->position = r->offset.seq;
    if (r->spool && !spool_follow(r->spool, r->name, &r->committed)) {
        snprintf(why, SPOOL_WHY, "more than %d sinks read this spool", CAP_SPOOL_READERS);
        return -1;
    }
    if (is_new && spool_offset_write(r->dir, r->name, &r->offset, r->disk) != 0)
        r->stats.troubles++; /* the next commit tries again */
    return 0;
}

int spool_reader_open(struct spool_reader **reader, const char *path, const char *name,
                      struct spool *spool, const struct spool_disk *disk, char why[SPOOL_WHY])
{
    struct spool_reader *r = NULL;

    *reader = NULL;
    if (!spool_offset_is_name(name)) {
        snprintf(why, SPOOL_WHY, "a sink's name has 1 to %d letters, digits, - and _",
                 CAP_SPOOL_NAME);
        return -1;
    }
    r = heap_zeroed(sizeof(*r));
    if (r)
        r->window = heap_alloc(CAP_SPOOL_WINDOW);
    if (!r || !r->window) {
        snprintf(why, SPOOL_WHY, "no memory for a sink");
        heap_free(r);
        return -1;
    }
    r->dir = r->fd = -1;
    r->spool = spool;
    r->disk = disk ? disk : &spool_disk_system;
    snprintf(r->name, sizeof(r->name), "%s", name);
    if (begin(r, path, why) == 0)
        *reader = r;
    else
        spool_reader_close(r);
    return *reader ? 0 : -1;
}

static void close_segment(struct spool_reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void spool_reader_close(struct spool_reader *r)
{
    if (!r)
        return;
    if (r->spool)
        spool_follow(r->spool, r->name, NULL);
    close_segment(r);
    if (r->dir >= 0)
        close(r->dir);
    heap_free(r->window);
    heap_free(r);
}

/* --- from file to file --- */

static bool open_segment(struct spool_reader *r, uint64_t name)
{
    char text[SPOOL_SEGMENT_NAME];

    spool_segment_name(text, name);
    r->fd = openat(r->dir, text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    r->segment = name;
    r->at = 0;
    r->is_closed = false;
    return r->fd >= 0;
}

/* A file may be removed, or written anew, between the look at the directory and the opening: the
 * next turn looks again. */
static bool find_segment(struct spool_reader *r)
{
    uint64_t name;

    return spool_segment_find(r->dir, r->position + 1, &name) == 1 && open_segment(r, name);
}

static void pass_over(struct spool_reader *r, size_t bytes)
{
    r->at += (off_t)bytes;
    r->stats.damaged += bytes > 0;
    r->stats.damaged_bytes += bytes;
}

/* The writer puts a file that it wrote anew, joined with what was left of the next one, in the
 * place of the old one. */
static bool is_replaced(const struct spool_reader *r)
{
    char text[SPOOL_SEGMENT_NAME];
    struct stat open, named;

    spool_segment_name(text, r->segment);
    return fstat(r->fd, &open) != 0 || fstatat(r->dir, text, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
           open.st_ino != named.st_ino || open.st_dev != named.st_dev;
}

/* At the end of the bytes that are there, `left` of them no record. When a later file was there
 * before we last looked, nothing comes any more, and we go on to that one. Whether ours was
 * replaced is asked after the names were read: one that was joined to it is missing there. False:
 * wait. */
static bool go_on(struct spool_reader *r, size_t left)
{
    uint64_t next;
    int has_next = spool_segment_next(r->dir, r->segment, &next);

    if (is_replaced(r)) {
        close_segment(r);
        return find_segment(r);
    }
    if (has_next != 1)
        return false;
    if (!r->is_closed) {
        r->is_closed = true; /* what was written meanwhile is read first */
        return true;
    }
    pass_over(r, left);
    close_segment(r);
    return open_segment(r, next);
}

/* --- taking --- */

/* Records of the window. Moves on behind them, and behind what is repeated. */
static size_t scan_window(struct spool_reader *r, size_t n, struct spool_record *records,
                          size_t most, size_t *left)
{
    struct spool_scan scan = {.rest = span_of(r->window, n), .last = r->position};
    size_t taken = 0;

    while (taken < most && spool_scan_next(&scan, &records[taken])) {
        r->stats.damaged += scan.skipped > 0;
        r->stats.damaged_bytes += scan.skipped;
        taken++;
    }
    r->at += (off_t)(n - scan.rest.n);
    *left = scan.rest.n;
    return taken;
}

static size_t take_from_disk(struct spool_reader *r, struct spool_record *records, size_t most)
{
    size_t taken = 0, left;
    ssize_t n;

    while (taken == 0 && (r->fd >= 0 || find_segment(r))) {
        n = pread(r->fd, r->window, CAP_SPOOL_WINDOW, r->at);
        if (n < 0)
            r->stats.troubles++;
        taken = scan_window(r, n > 0 ? (size_t)n : 0, records, most, &left);
        if (taken > 0 || n == CAP_SPOOL_WINDOW) {
            if (left == CAP_SPOOL_WINDOW) /* not a record in all of it */
                pass_over(r, CAP_SPOOL_WINDOW - LONGEST);
        } else if (!go_on(r, left)) {
            break;
        }
    }
    return taken;
}

size_t spool_reader_take(struct spool_reader *r, struct spool_record *records, size_t most)
{
    size_t n = most > 0 ? take_from_disk(r, records, most) : 0;

    if (n == 0 && r->spool)
        n = spool_waiting(r->spool, r->position, records, most);
    if (n > 0) {
        r->position = records[n - 1].seq;
        r->stats.time = records[n - 1].time;
    }
    r->stats.given += n;
    return n;
}

int spool_reader_commit(struct spool_reader *r, uint64_t seq)
{
    if (seq > r->committed)
        r->committed = seq;
    if (r->committed == r->offset.seq && r->offset.writes > 0)
        return 0;
    struct spool_offset o = {r->committed, r->offset.writes};
    if (spool_offset_write(r->dir, r->name, &o, r->disk) != 0) {
        r->stats.troubles++;
        return -1;
    }
    r->offset = o;
    return 0;
}

void spool_reader_rewind(struct spool_reader *r, uint64_t seq)
{
    if (seq == r->position)
        return;
    close_segment(r);
    r->position = seq;
}

uint64_t spool_reader_position(const struct spool_reader *r)
{
    return r->position;
}

struct spool_reader_stats spool_reader_stats(const struct spool_reader *r)
{
    struct spool_reader_stats t = r->stats;

    t.position = r->position;
    t.committed = r->committed;
    return t;
}

/* --- readers that are no more --- */

struct keep {
    int dir;                  /* of the spool */
    const char *const *names; /* that stay */
    size_t count;             /* of them */
    int rc;                   /* of the removals */
};

static void remove_others(void *user, const char *name, const struct spool_offset *o)
{
    struct keep *k = user;

    (void)o;
    for (size_t i = 0; i < k->count; i++)
        if (strcmp(k->names[i], name) == 0)
            return;
    k->rc |= spool_offset_remove(k->dir, name, &spool_disk_system);
}

int spool_reader_keep_only(const char *path, const char *const *names, size_t count)
{
    struct keep k = {open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), names, count, 0};

    if (k.dir < 0)
        return errno == ENOENT ? 0 : -1;
    if (spool_offset_each(k.dir, remove_others, &k) != 0)
        k.rc = -1;
    close(k.dir);
    return k.rc;
}
