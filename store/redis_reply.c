/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_pipe.h"

#include <stdio.h>

#include "base/text.h"

enum {
    SHOWN = 120,    /* of an error's text */
    ROUNDS = 8,     /* transactions of one flush that may collide */
    MOST_HOLDS = 8, /* the longest pause of a full Redis is 100 ms << 8, 26 s */
};

/* --- the end of a command --- */

static void count_out(struct redis_pipe *r, const struct redis_op *op)
{
    r->store.stats.queued--;
    r->store.stats.queued_bytes -= op->bytes;
}

/* Was a newer value for this key sent behind it? Then repeating it would undo that one. */
static bool is_superseded(const struct redis_pipe *r, const struct redis_op *op)
{
    if (op->kind == OP_ADD || op->kind == OP_GET)
        return false;
    for (const struct redis_op *o = r->flight.head; o; o = o->next)
        if (o != op && redis_op_writes_to(o, op->key))
            return true;
    return false;
}

void redis_reply_end_later(struct redis_pipe *r, struct redis_op *op, uint64_t *counter)
{
    ++*counter;
    count_out(r, op);
    redis_op_free(op);
}

/* A later write that Redis cannot take now is tried again, the pause twice as long each time. */
static void hold(struct redis_pipe *r, struct redis_op *op, nstime now)
{
    struct redis_ops again;

    if (is_superseded(r, op)) {
        redis_reply_end_later(r, op, &r->store.stats.acknowledged);
        return;
    }
    op->phase = OP_LOOK;
    redis_ops_init(&again);
    redis_ops_push(&again, op);
    redis_ops_prepend(&r->queue, &again);
    if (r->hold_until <= now) /* once for all of a window */
        r->hold_until = now + ((100 * NS_PER_MS) << r->holds);
    r->holds += r->holds < MOST_HOLDS;
}

/* What was read is no write, and counted as none. */
static void tell_got(struct redis_pipe *r, struct redis_op *op, enum store_status status)
{
    uint64_t told = 0;

    op->got(op->user, 0, status, op->found);
    redis_reply_end_later(r, op, &told);
}

static void finish_later(struct redis_pipe *r, struct redis_op *op, enum store_status status,
                         nstime now)
{
    bool is_done = status == STORE_OK || (op->kind == OP_ADD && status == STORE_WRONG);

    if (status == STORE_FULL || status == STORE_AWAY) {
        hold(r, op, now);
        return;
    }
    r->holds = 0;
    if (op->kind == OP_GET)
        tell_got(r, op, status);
    else
        redis_reply_end_later(r, op,
                              is_done ? &r->store.stats.acknowledged : &r->store.stats.dropped);
}

/* `op` is in no list any more. */
static void finish(struct redis_pipe *r, struct redis_op *op, enum store_status status, nstime now)
{
    if (r->adding == op)
        r->adding = NULL;
    if (status != STORE_AWAY)
        r->link.failures = 0;
    if (op->later) {
        finish_later(r, op, status, now);
        return;
    }
    op->status = status;
    op->done = true;
    r->store.stats.acknowledged += op->kind != OP_ASK && status == STORE_OK;
}

/* What was sent is not answered any more. */
void redis_reply_lose(struct redis_pipe *r)
{
    struct redis_ops again;
    struct redis_op *op;

    redis_ops_init(&again);
    r->adding = NULL;
    while ((op = redis_ops_pop(&r->flight)) != NULL) {
        op->phase = OP_LOOK;
        op->done = op->lost = !op->later;
        op->status = r->link.status == STORE_OK ? STORE_AWAY : r->link.status;
        if (op->later)
            redis_ops_push(&again, op);
    }
    redis_ops_prepend(&r->queue, &again);
}

/* --- replies --- */

static enum store_status note(struct redis_pipe *r, const struct resp *error)
{
    char text[SHOWN];

    text_escape(text, sizeof(text), error->text);
    return store_trouble(&r->store, redis_link_status(error), "Redis: %s", text);
}

/* After the transaction: every error in it is one counter that was left as it is. */
static enum store_status executed(struct redis_pipe *r, const struct resp *exec)
{
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < exec->count; i++)
        if (exec->child[i]->kind == RESP_ERROR) {
            note(r, exec->child[i]);
            status = STORE_WRONG;
        }
    return status;
}

static void go_on(struct redis_pipe *r, struct redis_op *op, enum redis_op_phase phase, nstime now)
{
    op->phase = phase;
    redis_send_op(r, op, now);
}

/* The caller drops the connection. */
static bool make_no_sense(struct redis_pipe *r, struct redis_op *op, nstime now)
{
    finish(r, op, STORE_AWAY, now);
    return false;
}

static bool end_look(struct redis_pipe *r, struct redis_op *op, const struct resp *reply,
                     nstime now)
{
    if (op->trouble != STORE_OK)
        finish(r, op, op->trouble, now);
    else if (reply->kind != RESP_INTEGER)
        return make_no_sense(r, op, now);
    else if (reply->integer != 0)
        go_on(r, op, OP_LET_GO, now);
    else if (op->rounds++ == ROUNDS)
        finish(r, op, STORE_AWAY, now);
    else
        go_on(r, op, OP_EXECUTE, now);
    return true;
}

/* nil: the flush became known while we looked, through a transaction that we had given up. */
static bool end_execute(struct redis_pipe *r, struct redis_op *op, const struct resp *reply,
                        nstime now)
{
    if (op->trouble != STORE_OK)
        finish(r, op, op->trouble, now);
    else if (reply->kind == RESP_NIL)
        go_on(r, op, OP_LOOK, now);
    else if (reply->kind == RESP_ARRAY)
        finish(r, op, executed(r, reply), now);
    else
        return make_no_sense(r, op, now);
    return true;
}

static bool end_add(struct redis_pipe *r, struct redis_op *op, const struct resp *reply, nstime now)
{
    switch (op->phase) {
    case OP_LOOK:
        return end_look(r, op, reply, now);
    case OP_EXECUTE:
        return end_execute(r, op, reply, now);
    case OP_LET_GO:
    default:
        finish(r, op, op->trouble, now);
        return true;
    }
}

/* SET with PXAT is of Redis 6.2. */
static bool is_too_new(const struct redis_op *op, const struct resp *reply)
{
    return op->kind == OP_PUT && !op->in_old_form && resp_is_error(reply, "ERR syntax");
}

static bool end_write(struct redis_pipe *r, struct redis_op *op, const struct resp *reply,
                      nstime now)
{
    if (is_too_new(op, reply)) {
        r->is_old = true;
        if (op->later && is_superseded(r, op))
            redis_reply_end_later(r, op, &r->store.stats.acknowledged);
        else
            redis_send_op(r, op, now);
    } else if (reply->kind == RESP_ERROR) {
        finish(r, op, op->trouble, now);
    } else if (reply->kind == (op->kind == OP_PUT ? RESP_STATUS : RESP_INTEGER) ||
               (op->kind == OP_PUT && op->expires != STORE_NEVER && reply->kind == RESP_INTEGER)) {
        finish(r, op, STORE_OK, now); /* a put that had expired was sent as DEL */
    } else {
        return make_no_sense(r, op, now);
    }
    return true;
}

static bool end_get(struct redis_pipe *r, struct redis_op *op, const struct resp *reply, nstime now)
{
    bool found = reply->kind == RESP_STRING;

    if (op->trouble == STORE_OK && !found && reply->kind != RESP_NIL)
        return make_no_sense(r, op, now);
    op->found = found ? reply->text : span_of(NULL, 0);
    finish(r, op, op->trouble != STORE_OK ? op->trouble : found ? STORE_OK : STORE_MISSING, now);
    return true;
}

/* The last reply of `op`, which is in no list. False: it is none that Redis gives. */
static bool end_op(struct redis_pipe *r, struct redis_op *op, struct resp **reply, nstime now)
{
    switch (op->kind) {
    case OP_PUT:
    case OP_REMOVE:
        return end_write(r, op, *reply, now);
    case OP_ADD:
        return end_add(r, op, *reply, now);
    case OP_GET:
        return end_get(r, op, *reply, now);
    case OP_ASK:
    default:
        op->reply = *reply;
        *reply = NULL;
        finish(r, op, op->trouble, now);
        return true;
    }
}

/* False: the stream makes no sense, or the password is not accepted any more. */
static bool take_reply(struct redis_pipe *r, struct resp **reply, nstime now)
{
    struct redis_op *op = r->flight.head;

    if (!op || resp_is_error(*reply, "NOAUTH"))
        return false;
    if ((*reply)->kind == RESP_ERROR && op->trouble == STORE_OK && !is_too_new(op, *reply))
        op->trouble = note(r, *reply);
    if (--op->awaited > 0)
        return true;
    redis_ops_pop(&r->flight);
    return end_op(r, op, reply, now);
}

static void drop_for(struct redis_pipe *r, const struct resp *reply, nstime now)
{
    char text[SHOWN], why[STORE_WHY];

    if (reply->kind != RESP_ERROR) {
        redis_pipe_drop(r, now, STORE_AWAY, "the server does not answer as Redis does");
        return;
    }
    text_escape(text, sizeof(text), reply->text);
    snprintf(why, sizeof(why), "Redis: %s", text);
    redis_pipe_drop(r, now, redis_link_status(reply), why);
}

/* All replies that are there. */
bool redis_reply_take(struct redis_pipe *r, nstime now)
{
    struct resp *reply;
    bool moved = false;
    int rc = 0;

    while (r->link.state == LINK_READY && (rc = redis_link_reply(&r->link, &reply)) > 0) {
        moved = true;
        if (!take_reply(r, &reply, now) && r->link.state == LINK_READY)
            drop_for(r, reply, now);
        resp_free(reply);
    }
    if (rc < 0)
        redis_pipe_drop(r, now, STORE_AWAY, resp_reader_why(r->link.reader));
    return moved || rc < 0;
}
