/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a spool, for its own files alone:
 *
 *   spool.c          taking records, and what can be asked
 *   spool_recover.c  opening: what is there
 *   spool_write.c    from the queue to the disk
 *   spool_room.c     the quota
 */
#ifndef ALERT_SPOOL_INSIDE_H
#define ALERT_SPOOL_INSIDE_H

#include "alert/spool.h"
#include "alert/spool_queue.h"
#include "alert/spool_segment.h"

#define SPOOL_NEW_FILE "new.tmp" /* becomes a segment by its renaming */

enum { SPOOL_BUFFER = 1 << 18 };
_Static_assert((int)SPOOL_BUFFER >= SPOOL_HEADER + CAP_SPOOL_BODY, "it holds the longest record");

struct spool_follower {
    char name[CAP_SPOOL_NAME + 1]; /* of the reader */
    const uint64_t *committed;     /* the reader's; NULL: this place is free */
};

struct spool {
    int dir;                        /* locked by us */
    const struct spool_disk *disk;  /* how it is written to */
    struct spool_config config;     /* without zeros */
    struct spool_queue queue;       /* not on the disk for good */
    uint64_t next;                  /* number of the next record */
    uint64_t durable;               /* on the disk up to here, or lost */
    struct spool_segment *segments; /* ascending */
    size_t count;                   /* of them */
    size_t places;                  /* for them: CAP_SPOOL_SEGMENTS at most */
    uint64_t bytes;                 /* of all of them */
    int fd;                         /* of the last segment; -1: the next write begins a new one */
    uint8_t *buffer;                /* SPOOL_BUFFER bytes to be written at one go */
    size_t buffered;                /* in it */
    uint64_t packed;                /* bytes in the buffer, or written and not synced */
    uint64_t packed_to;             /* the last number among them */
    bool is_dir_dirty;              /* a file was made, and its name may not be on the disk yet */
    enum spool_state state;         /* of the last attempt */
    char why[SPOOL_WHY];            /* in words */
    unsigned failures;              /* in a row */
    nstime retry_at;                /* after one: not before */
    bool is_delivered_known;        /* looked up in this commit */
    struct spool_losses fresh;      /* not asked for yet */
    struct spool_stats stats;       /* what counts up */
    struct spool_follower followers[CAP_SPOOL_READERS];
};

/* What is there: fills the table, cuts the torn end, finds the numbers to go on with. */
int spool_recover(struct spool *s, char why[SPOOL_WHY]);

/* The last segment is written to no more. -1 with errno. */
int spool_write_settle(struct spool *s); /* what is packed lies on the disk for good */
int spool_write_finish(struct spool *s); /* the same, and a new segment comes next */
/* Writes the queue. -1 with errno: what is not on the disk is still in the queue. */
int spool_write_out(struct spool *s);

enum spool_room { ROOM_MADE, ROOM_NONE, ROOM_TROUBLE };
/* Makes room for `bytes` of a record of `rank`: by what is delivered, else by what ranks lower or,
 * being older, the same. ROOM_TROUBLE: with errno. */
enum spool_room spool_room(struct spool *s, unsigned rank, uint64_t bytes);
bool spool_room_drop_delivered(struct spool *s); /* one file; false: there is none, or trouble */
void spool_room_look_up_delivered(struct spool *s);
/* One file gives up what ranks below `rank`; false: none has that, or trouble. */
bool spool_room_yield(struct spool *s, unsigned rank);

void spool_lose(struct spool *s, const struct spool_record *r); /* counts it */
void spool_remove_entry(struct spool *s, size_t i);             /* of the table */
/* At the end of the table; NULL: no memory. It counts when s->count does. */
struct spool_segment *spool_place(struct spool *s);

#endif
