/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/spool_inside.h"
#include "base/heap.h"

#define FIRST_BACKOFF (100 * NS_PER_MS)

enum { DIR_MODE = 0750, QUOTA_PARTS = 4 };

const char *spool_state_text(enum spool_state state)
{
    static const char *const TEXT[] = {"ok", "disk full", "read-only", "broken"};
    _Static_assert(sizeof(TEXT) / sizeof(TEXT[0]) == SPOOL_STATE_COUNT, "a text for each state");

    return (unsigned)state < SPOOL_STATE_COUNT ? TEXT[state] : "?";
}

/* --- opening, closing --- */

static void configure(struct spool *s, const struct spool_config *c)
{
    s->config = c ? *c : (struct spool_config){0};
    if (s->config.quota_bytes == 0)
        s->config.quota_bytes = CAP_SPOOL_QUOTA;
    if (s->config.segment_bytes == 0 || s->config.segment_bytes > CAP_SPOOL_FILE / 2)
        s->config.segment_bytes = CAP_SPOOL_SEGMENT;
    if (s->config.segment_bytes > s->config.quota_bytes / QUOTA_PARTS)
        s->config.segment_bytes = s->config.quota_bytes / QUOTA_PARTS;
    if (s->config.queue_bytes == 0)
        s->config.queue_bytes = CAP_SPOOL_QUEUE;
    s->disk = s->config.disk ? s->config.disk : &spool_disk_system;
}

static int open_directory(struct spool *s, const char *path, char why[SPOOL_WHY])
{
    if (mkdir(path, DIR_MODE) != 0 && errno != EEXIST && errno != EROFS) {
        snprintf(why, SPOOL_WHY, "cannot make the directory of the spool: %s", strerror(errno));
        return -1;
    }
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0) {
        snprintf(why, SPOOL_WHY, "cannot open the directory of the spool: %s", strerror(errno));
        return -1;
    }
    if (flock(s->dir, LOCK_EX | LOCK_NB) != 0) {
        snprintf(why, SPOOL_WHY, "%s",
                 errno == EWOULDBLOCK ? "another process writes to this spool" : strerror(errno));
        return -1;
    }
    return 0;
}

int spool_open(struct spool **spool, const char *path, const struct spool_config *config,
               char why[SPOOL_WHY])
{
    struct spool *s = heap_zeroed(sizeof(*s));

    *spool = NULL;
    if (!s) {
        snprintf(why, SPOOL_WHY, "no memory for the spool");
        return -1;
    }
    s->dir = s->fd = -1;
    configure(s, config);
    s->buffer = heap_alloc(SPOOL_BUFFER);
    if (!s->buffer)
        snprintf(why, SPOOL_WHY, "no memory for the spool");
    else if (open_directory(s, path, why) == 0 && spool_recover(s, why) == 0)
        *spool = s;
    if (!*spool)
        spool_close(s);
    return *spool ? 0 : -1;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->dir >= 0)
        close(s->dir); /* and the lock with it */
    spool_queue_clear(&s->queue);
    heap_free(s->buffer);
    heap_free(s->segments);
    heap_free(s);
}

/* --- taking --- */

void spool_lose(struct spool *s, const struct spool_record *r)
{
    s->fresh.lost[r->kind][r->severity]++;
    s->stats.losses.lost[r->kind][r->severity]++;
}

/* What all sinks had already, from memory, goes first: that is no loss. */
static bool make_queue_room(struct spool *s, const struct spool_record *r)
{
    size_t cost = spool_queue_cost(r);
    unsigned rank = spool_rank(r->kind, r->severity);

    if (s->queue.bytes + cost > s->config.queue_bytes)
        spool_queue_drop_to(&s->queue, s->stats.delivered, NULL, NULL);
    while (s->queue.bytes + cost > s->config.queue_bytes) {
        unsigned lowest = spool_queue_lowest(&s->queue);
        if (lowest > rank || cost > s->config.queue_bytes)
            return false;
        spool_lose(s, &s->queue.head[lowest]->record);
        spool_queue_drop(&s->queue, s->queue.head[lowest]);
    }
    return true;
}

uint64_t spool_append(struct spool *s, const struct spool_record *given)
{
    struct spool_record r = *given;

    if (r.body.n > 0 && r.body.p[r.body.n - 1] == '\n')
        r.body.n--;
    r.seq = s->next;
    if (!spool_record_is_sound(&r)) {
        s->stats.refused++;
        return 0;
    }
    s->stats.appended++;
    s->next++;
    if (make_queue_room(s, &r) && spool_queue_push(&s->queue, &r))
        return r.seq;
    spool_lose(s, &r);
    return 0;
}

/* --- committing --- */

static enum spool_state state_of(int error)
{
    if (error == ENOSPC || error == EDQUOT)
        return SPOOL_FULL;
    return error == EROFS || error == EACCES || error == EPERM ? SPOOL_READ_ONLY : SPOOL_BROKEN;
}

static void note_trouble(struct spool *s, nstime now, int error)
{
    nstime wait = FIRST_BACKOFF, most = CAP_SPOOL_BACKOFF_S * NS_PER_S;

    s->state = state_of(error);
    snprintf(s->why, sizeof(s->why), "the spool cannot be written: %s", strerror(error));
    for (unsigned i = 0; i < s->failures && wait < most; i++)
        wait *= 2;
    s->failures++;
    s->retry_at = now + (wait < most ? wait : most);
    s->stats.troubles++;
}

static void note_success(struct spool *s)
{
    s->state = SPOOL_OK;
    s->why[0] = '\0';
    s->failures = 0;
    s->stats.commits++;
}

/* Without room on the disk: what is delivered makes some; when half the queue is full, so does what
 * ranks lower than something in it. The rest stays for those who wait for it. */
static bool free_some(struct spool *s)
{
    bool freed = false;

    while (spool_room_drop_delivered(s))
        freed = true;
    if (!freed && s->queue.bytes > s->config.queue_bytes / 2)
        freed = spool_room_yield(s, spool_queue_highest(&s->queue));
    return freed;
}

/* Each file that gave way is used before the next one has to. */
static int write_or_free(struct spool *s)
{
    int rc = spool_write_out(s), error = errno;

    while (rc != 0 && state_of(error) == SPOOL_FULL && free_some(s)) {
        rc = spool_write_out(s);
        error = errno;
    }
    errno = error;
    return rc;
}

uint64_t spool_commit(struct spool *s, nstime now)
{
    s->is_delivered_known = false;
    if (s->queue.count > 0 && (s->failures == 0 || now >= s->retry_at)) {
        s->stats.is_over_quota = false;
        if (write_or_free(s) == 0)
            note_success(s);
        else
            note_trouble(s, now, errno);
    }
    if (s->state != SPOOL_OK)
        spool_room_look_up_delivered(s);
    if (s->queue.count == 0)
        s->durable = s->next - 1;
    return s->durable;
}

/* --- asking --- */

enum spool_state spool_state(const struct spool *s)
{
    return s->state;
}

const char *spool_why(const struct spool *s)
{
    return s->why;
}

struct spool_stats spool_stats(const struct spool *s)
{
    struct spool_stats t = s->stats;

    t.durable = s->durable;
    t.queued = s->queue.count;
    t.queued_bytes = s->queue.bytes;
    t.segments = s->count;
    t.bytes = s->bytes;
    return t;
}

bool spool_losses(struct spool *s, struct spool_losses *losses)
{
    static const struct spool_losses NONE;

    *losses = s->fresh;
    s->fresh = NONE;
    return memcmp(losses, &NONE, sizeof(NONE)) != 0;
}

/* --- readers in the same process --- */

bool spool_follow(struct spool *s, const char *name, const uint64_t *committed)
{
    struct spool_follower *place = NULL;

    for (size_t i = 0; i < CAP_SPOOL_READERS; i++) {
        struct spool_follower *f = &s->followers[i];
        if (f->committed && strcmp(f->name, name) == 0) {
            place = f;
            break;
        }
        if (!f->committed && !place)
            place = f;
    }
    if (!place)
        return false;
    snprintf(place->name, sizeof(place->name), "%s", name);
    place->committed = committed;
    return true;
}

size_t spool_waiting(const struct spool *s, uint64_t after, struct spool_record *records,
                     size_t most)
{
    struct spool_walk walk;
    const struct spool_waiting *w;
    size_t n = 0;

    if (s->state == SPOOL_OK)
        return 0;
    walk = spool_walk_begin(&s->queue, after);
    while (n < most && (w = spool_walk_next(&walk)) != NULL)
        records[n++] = w->record;
    return n;
}
