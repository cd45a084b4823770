/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands to one Redis server, under way and waiting.
 *
 * Two lists: `queue` has what waits, `flight` what was sent, in the order in which Redis answers.
 * When the connection breaks, later writes go back from flight to the front of the queue; who waits
 * for an answer is told that it was lost.
 *
 *   redis_send.c   an operation becomes commands
 *   redis_reply.c  replies become the end of an operation
 *   redis_pipe.c   turns of all this, without waiting and with
 *   redis_scan.c   all keys of a prefix
 *   redis_foreign.c  sorted sets of another program
 */
#ifndef STORE_REDIS_PIPE_H
#define STORE_REDIS_PIPE_H

#include "base/caps.h"
#include "store/foreign.h"
#include "store/redis_link.h"
#include "store/redis_op.h"

enum { REDIS_PIPE_ASKED = 64 }; /* keys asked for at once */

struct redis_pipe {
    struct store store;      /* the common part */
    struct redis_link link;  /* the connection */
    struct redis_ops queue;  /* later writes that wait to be sent */
    struct redis_ops flight; /* sent, and not answered in full */
    struct redis_op *adding; /* the flush whose transaction is under way: there is one WATCH */
    nstime deadline;         /* of a command */
    nstime hold_until;       /* Redis is full or loading: the queue rests */
    unsigned holds;          /* in a row */
    size_t queue_most;       /* bytes of later writes */
    bool is_old;             /* before 6.2: SET knows no PXAT */
};

struct redis_word {
    char text[WHERE_TEXT + CAP_STORE_KEY + 16]; /* not terminated */
    size_t n;                                   /* bytes */
};

/* prefix + kind + key, in *w. */
struct span redis_send_key(const struct redis_pipe *r, struct redis_word *w, const char *kind,
                           struct span key);
struct span redis_send_prefix(const struct redis_pipe *r);

/* Appends the commands of `op` to what is sent, and `op` to `flight`. */
void redis_send_op(struct redis_pipe *r, struct redis_op *op, nstime now);

/* All replies that are there. Returns whether there were any. */
bool redis_reply_take(struct redis_pipe *r, nstime now);
/* What was sent is not answered any more. */
void redis_reply_lose(struct redis_pipe *r);
/* A later write, in no list any more, is over: counted in *counter, and freed. */
void redis_reply_end_later(struct redis_pipe *r, struct redis_op *op, uint64_t *counter);

/* Closes the connection; what is under way is lost. */
void redis_pipe_drop(struct redis_pipe *r, nstime now, enum store_status status, const char *why);
/* The same, because of a reply that no Redis gives. */
enum store_status redis_pipe_nonsense(struct redis_pipe *r);

/* A turn that does not wait. Returns whether something moved. */
bool redis_pipe_pump(struct redis_pipe *r, nstime now);
/* A turn that waits until `until` when nothing moves. */
void redis_pipe_turn(struct redis_pipe *r, nstime now, nstime until);
/* Waits for the connection; the back-off is not waited for. May ask the resolver. */
enum store_status redis_pipe_wait_ready(struct redis_pipe *r, nstime until);

/* Waits for all of it, a deadline at most. */
enum store_status redis_pipe_perform(struct redis_pipe *r, struct redis_op *op);
/* A single command. STORE_OK: op->reply is no error, and the caller's to free. */
enum store_status redis_pipe_ask(struct redis_pipe *r, struct redis_op *op, const struct span *args,
                                 size_t count);
/* REDIS_PIPE_ASKED values at most, in one round trip; told with their index plus `first`. */
enum store_status redis_pipe_get(struct redis_pipe *r, const struct span *keys, size_t count,
                                 size_t first, store_got *fn, void *user);
/* Queues a copy. */
enum store_status redis_pipe_later(struct redis_pipe *r, const struct redis_op *op);

/* All pages of SCAN, one after the other. */
struct redis_pages {
    struct redis_pipe *r; /* whose keys */
    struct span filter;   /* MATCH or TYPE */
    struct span match;    /* and what of it */
    bool stopped;         /* enough was seen */
    /* Gets the names of a page. */
    enum store_status (*fn)(struct redis_pages *p, const struct resp *page);
};
enum store_status redis_pages(struct redis_pages *p);

/* As store_scan(), or store_scan_counters(). */
enum store_status redis_scan(struct redis_pipe *r, struct span prefix, bool counters,
                             store_each *fn, void *user);

/* As foreign_scan(). */
enum store_status redis_foreign(struct redis_pipe *r, foreign_fn *fn, void *user);

#endif
