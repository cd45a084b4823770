/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/sink.h"
#include "base/heap.h"

#define RETRY      NS_PER_S
#define SYNC_EVERY (NS_PER_S / 10) /* lines are written at once, and synced together */

enum {
    MODE = 0640,
    BUFFER = CAP_SPOOL_WINDOW + CAP_SINK_LINE, /* whatever a format makes of a batch's first */
};

struct file {
    struct sink base;
    char path[PATH_MAX]; /* "": standard output */
    int fd;              /* -1: to be opened */
    dev_t device;        /* of the open file */
    ino_t inode;         /* likewise */
    bool is_regular;     /* it can be synced, and never makes us wait */
    bool ends_in_line;   /* its last line has no end, and is not ours to go on with */
    nstime retry_at;     /* after trouble: not before */
    uint64_t records;    /* in the buffer */
    uint64_t first;      /* number of the first of them */
    uint64_t unsynced;   /* records that were written and not synced */
    nstime sync_at;      /* then they are */
    size_t n;            /* bytes in the buffer; 0: nothing to be written */
    size_t at;           /* of them written */
    char buffer[BUFFER]; /* whole lines */
};

static struct file *of(struct sink *s)
{
    return (struct file *)(void *)s;
}

static void trouble(struct file *f, nstime now, const char *what, int error)
{
    bool passes = error == ENOSPC || error == EDQUOT || error == EAGAIN || error == ENXIO;

    sink_note(&f->base, passes ? SINK_AWAY : SINK_BROKEN, "cannot %s %s: %s", what,
              f->path[0] ? f->path : "standard output", strerror(error));
    f->retry_at = now + RETRY;
}

/* --- opening --- */

static bool ends_in_line(const char *path, off_t size)
{
    int fd = size > 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    char last = '\n';

    if (fd < 0)
        return false;
    if (pread(fd, &last, 1, size - 1) != 1)
        last = '\n';
    close(fd);
    return last != '\n';
}

/* The name of a new file lies on the disk as well, before a line in it counts. */
static void sync_directory(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) + 1 : 0, fd;

    snprintf(directory, sizeof(directory), "%.*s", n, path);
    fd = open(n > 0 ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return; /* it may be written to and not be read */
    fsync(fd);
    close(fd);
}

/* The line that was begun is begun anew, but in the same file it is gone on with. */
static void take_file(struct file *f, int fd, const struct stat *st)
{
    bool is_same = f->n > 0 && st->st_dev == f->device && st->st_ino == f->inode && st->st_size > 0;

    while (!is_same && f->at > 0 && f->buffer[f->at - 1] != '\n')
        f->at--;
    f->fd = fd;
    f->device = st->st_dev;
    f->inode = st->st_ino;
    f->is_regular = S_ISREG(st->st_mode);
    f->ends_in_line = !is_same && f->is_regular && f->path[0] && ends_in_line(f->path, st->st_size);
}

static bool open_file(struct file *f, nstime now)
{
    struct stat st;
    int fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, MODE);

    if (fd < 0 || fstat(fd, &st) != 0) {
        trouble(f, now, "open", errno);
        if (fd >= 0)
            close(fd);
        return false;
    }
    take_file(f, fd, &st);
    if (f->is_regular)
        sync_directory(f->path);
    return true;
}

static void arrive(struct file *f, uint64_t records)
{
    f->base.stats.delivered += records;
    f->base.unarrived = f->n > 0 ? f->first : 0;
    sink_note(&f->base, SINK_OK, "%s", "");
}

/* 0, or -1 with errno: whether the file holds what was written, nobody knows. */
static int sync_file(struct file *f)
{
    uint64_t records = f->unsynced;

    f->unsynced = 0;
    if (records > 0 && fdatasync(f->fd) != 0) {
        f->n = f->at = 0;
        f->records = 0;
        f->base.is_lost = true;
        return -1;
    }
    if (records > 0)
        arrive(f, records);
    return 0;
}

static void close_file(struct file *f)
{
    if (f->path[0] && f->fd >= 0) {
        (void)sync_file(f);
        close(f->fd);
        f->fd = -1;
    }
}

/* Renamed, removed, replaced: by logrotate or by a person. */
static bool is_elsewhere(const struct file *f)
{
    struct stat st;

    return f->path[0] && f->fd >= 0 &&
           (stat(f->path, &st) != 0 || st.st_dev != f->device || st.st_ino != f->inode);
}

/* --- writing --- */

/* Standard output is shared with others, so it stays blocking; a pipe that is ready takes
 * PIPE_BUF bytes without waiting. */
static ssize_t write_some(const struct file *f, const char *bytes, size_t n)
{
    struct pollfd p = {.fd = f->fd, .events = POLLOUT};

    if (!f->is_regular) {
        if (poll(&p, 1, 0) <= 0) {
            errno = EAGAIN;
            return -1;
        }
        n = n < PIPE_BUF ? n : PIPE_BUF;
    }
    return write(f->fd, bytes, n);
}

static bool is_open_for(struct file *f, nstime now)
{
    if (is_elsewhere(f))
        close_file(f);
    return f->fd >= 0 || open_file(f, now);
}

/* 0: all; -1 with errno. */
static int write_lines(struct file *f)
{
    ssize_t n;

    while (f->ends_in_line) {
        n = write_some(f, "\n", 1);
        if (n < 0 && errno != EINTR)
            return -1;
        f->ends_in_line = n != 1;
    }
    while (f->at < f->n) {
        n = write_some(f, f->buffer + f->at, f->n - f->at);
        if (n < 0 && errno != EINTR)
            return -1;
        f->at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static void write_buffer(struct file *f, nstime now)
{
    uint64_t records;

    if (f->n == 0 || now < f->retry_at || !is_open_for(f, now))
        return;
    records = f->records;
    if (f->n ==
        0) /* what was in the file it had to leave is lost, and this comes again behind it */
        return;
    if (write_lines(f) != 0) {
        bool is_later = errno == EAGAIN;
        trouble(f, now, "write to", errno);
        if (is_later)
            f->retry_at = now;
        return;
    }
    f->n = f->at = 0;
    f->records = 0;
    if (!f->is_regular) {
        arrive(f, records);
        return;
    }
    if (f->unsynced == 0)
        f->sync_at = now + SYNC_EVERY;
    f->unsynced += records;
    sink_note(&f->base, SINK_OK, "%s", "");
}

static void flush(struct file *f, nstime now)
{
    write_buffer(f, now);
    if (f->unsynced > 0 && now >= f->sync_at && sync_file(f) != 0) {
        trouble(f, now, "sync", errno);
        close_file(f);
    }
}

/* --- as a sink --- */

static size_t room(const struct sink *s)
{
    const struct file *f = (const struct file *)(const void *)s;

    return f->n == 0 ? CAP_SPOOL_BATCH : 0;
}

static size_t offer(struct sink *s, const struct spool_record *records, size_t n, nstime now)
{
    struct file *f = of(s);
    size_t i = 0;

    for (; i < n && f->n + CAP_SINK_LINE + 1 <= BUFFER; i++) {
        f->n += sink_render(&s->filter.format, records[i].body, f->buffer + f->n, CAP_SINK_LINE);
        f->buffer[f->n++] = '\n';
    }
    f->records = i;
    f->first = records[0].seq;
    if (f->unsynced == 0)
        s->unarrived = f->first;
    flush(f, now);
    return i;
}

static void tick(struct sink *s, nstime now)
{
    flush(of(s), now);
}

static void reopen(struct sink *s)
{
    close_file(of(s));
    of(s)->retry_at = 0;
}

static bool poll_file(const struct sink *s, struct pollfd *p)
{
    const struct file *f = (const struct file *)(const void *)s;

    *p = (struct pollfd){.fd = f->fd, .events = POLLOUT};
    return f->n > 0 && f->fd >= 0 && !f->is_regular;
}

static void close_sink(struct sink *s)
{
    close_file(of(s));
    heap_free(s);
}

static const struct sink_ops OPS = {room, offer, tick, reopen, poll_file, close_sink};

static struct file *make(const struct sink_filter *filter, char why[SINK_WHY])
{
    struct file *f = heap_zeroed(sizeof(*f));

    if (!f) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        return NULL;
    }
    f->base.ops = &OPS;
    f->base.filter = filter ? *filter : (struct sink_filter){0};
    f->fd = -1;
    return f;
}

struct sink *sink_file_new(const char *path, const struct sink_filter *filter, char why[SINK_WHY])
{
    struct file *f;

    if (!path[0] || strlen(path) >= PATH_MAX) {
        snprintf(why, SINK_WHY, "the name of a file has 1 to %d bytes", PATH_MAX - 1);
        return NULL;
    }
    f = make(filter, why);
    if (!f)
        return NULL;
    memcpy(f->path, path, strlen(path));
    return &f->base;
}

struct sink *sink_stdout_new(const struct sink_filter *filter, char why[SINK_WHY])
{
    struct file *f = make(filter, why);
    struct stat st = {0};

    if (!f)
        return NULL;
    if (fstat(STDOUT_FILENO, &st) != 0) {
        snprintf(why, SINK_WHY, "standard output: %s", strerror(errno));
        heap_free(f);
        return NULL;
    }
    take_file(f, STDOUT_FILENO, &st);
    return &f->base;
}
