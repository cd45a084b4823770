/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of the store to Redis, or a few that belong together, from its making to its last
 * reply. Later ones own a copy of what they write and live until they are acknowledged or dropped;
 * the others borrow it from the caller who waits for them.
 */
#ifndef STORE_REDIS_OP_H
#define STORE_REDIS_OP_H

#include "store/backend.h"
#include "store/resp.h"

enum redis_op_kind { OP_ASK, OP_GET, OP_PUT, OP_REMOVE, OP_ADD }; /* OP_GET: later alone */

/* OP_ADD is a transaction that Redis does once (docs/redis.md): is the flush id known? If not, add
 * and remember it, unless it became known meanwhile. */
enum redis_op_phase { OP_LOOK, OP_EXECUTE, OP_LET_GO };

struct redis_op {
    struct redis_op *next;     /* in its list */
    enum redis_op_kind kind;   /* what it is */
    enum redis_op_phase phase; /* OP_ADD */
    bool later;                /* nobody waits; repeated until it is acknowledged */
    bool done;                 /* status and reply are there */
    bool in_old_form;          /* OP_PUT: sent as Redis before 6.2 takes it */
    bool lost;                 /* the connection broke before the answer came */
    unsigned awaited;          /* replies still to come */
    unsigned rounds;           /* OP_ADD: transactions begun */
    nstime sent;               /* the newest part went out */
    nstime first_sent;         /* 0: never */
    enum store_status status;  /* when done */
    enum store_status trouble; /* the first error among its replies */
    struct resp *reply;        /* OP_ASK: the answer, to be freed by who asked */
    struct span args[8];       /* OP_ASK: the command */
    size_t arg_count;          /* of args */
    struct span key;           /* OP_GET, OP_PUT, OP_REMOVE */
    store_got *got;            /* OP_GET: who is told, once */
    void *user;                /* likewise */
    struct span found;         /* likewise, while he is told */
    struct span value;         /* OP_PUT */
    struct store_flush flush;  /* OP_ADD */
    nstime expires;            /* OP_PUT */
    size_t bytes;              /* that a later one takes */
};

struct redis_ops {
    struct redis_op *head;  /* the oldest */
    struct redis_op **tail; /* where the next one goes */
    size_t count;           /* in the list */
};

void redis_ops_init(struct redis_ops *list);
void redis_ops_push(struct redis_ops *list, struct redis_op *op);
struct redis_op *redis_ops_pop(struct redis_ops *list);
/* All of `front`, in its order, before what is in `list`; `front` is empty then. */
void redis_ops_prepend(struct redis_ops *list, struct redis_ops *front);

/* A copy on the heap that owns what it writes; NULL: no memory. */
struct redis_op *redis_op_copy(const struct redis_op *op);
void redis_op_free(struct redis_op *op);

bool redis_op_writes_to(const struct redis_op *op, struct span key); /* a value, or none */

#endif
