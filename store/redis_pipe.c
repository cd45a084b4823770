/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_pipe.h"

#include "base/heap.h"

enum { OUT_MOST = 262144 }; /* bytes waiting for the socket before the queue waits */

void redis_pipe_drop(struct redis_pipe *r, nstime now, enum store_status status, const char *why)
{
    redis_link_drop(&r->link, now, status, why);
    store_trouble(&r->store, status, "%s", r->link.why);
    r->store.stats.away = true;
    redis_reply_lose(r);
}

/* --- a turn --- */

/* A flush that was counted a week ago is forgotten, and repeated now it would count twice. */
static bool is_too_late(const struct redis_op *op, nstime now)
{
    nstime most = CAP_STORE_FLUSH_S * NS_PER_S * 9 / 10;
    return op->kind == OP_ADD && op->first_sent != 0 && now - op->first_sent > most;
}

static bool may_send(const struct redis_pipe *r, const struct redis_op *op, nstime now)
{
    return op && r->link.state == LINK_READY && now >= r->hold_until &&
           r->flight.count < CAP_STORE_WINDOW && redis_link_unsent(&r->link) < OUT_MOST &&
           !(op->kind == OP_ADD && r->adding);
}

static bool send_queued(struct redis_pipe *r, nstime now)
{
    bool moved = false;

    while (may_send(r, r->queue.head, now)) {
        struct redis_op *op = redis_ops_pop(&r->queue);
        if (is_too_late(op, now))
            redis_reply_end_later(r, op, &r->store.stats.dropped);
        else
            redis_send_op(r, op, now);
        moved = true;
    }
    return moved;
}

static void note_loss(struct redis_pipe *r)
{
    store_trouble(&r->store, r->link.status, "%s", r->link.why);
    redis_reply_lose(r);
}

bool redis_pipe_pump(struct redis_pipe *r, nstime now)
{
    bool was_down = r->link.state == LINK_DOWN, moved = redis_link_step(&r->link, now);

    if (r->link.state == LINK_DOWN && (!was_down || moved))
        note_loss(r);
    moved |= redis_reply_take(r, now);
    if (!moved && r->flight.head && now - r->flight.head->sent >= r->deadline) {
        redis_pipe_drop(r, now, STORE_AWAY, "Redis does not answer in time");
        moved = true;
    }
    moved |= send_queued(r, now);
    r->store.stats.away = r->link.state != LINK_READY || r->link.failures > 0;
    r->store.stats.reconnects = r->link.connects > 1 ? r->link.connects - 1 : 0;
    return moved;
}

/* --- commands that are waited for --- */

static bool is_waiting(const struct redis_pipe *r, nstime now)
{
    return r->link.state == LINK_DOWN && (r->link.addresses == 0 || now < r->link.retry_at);
}

void redis_pipe_turn(struct redis_pipe *r, nstime now, nstime until)
{
    if (!redis_pipe_pump(r, now))
        redis_link_wait(&r->link, now, until);
}

enum store_status redis_pipe_wait_ready(struct redis_pipe *r, nstime until)
{
    nstime now = store_clock();
    bool is_new = r->link.state == LINK_DOWN && now >= r->link.retry_at;

    if (is_new && (r->link.addresses == 0 || r->link.failures > 0)) {
        redis_link_resolve(&r->link);
        now = store_clock();
    }
    while (r->link.state != LINK_READY && !is_waiting(r, now) && now < until) {
        redis_pipe_turn(r, now, until);
        now = store_clock();
    }
    if (r->link.state == LINK_READY)
        return STORE_OK;
    return store_trouble(&r->store, r->link.status == STORE_OK ? STORE_AWAY : r->link.status, "%s",
                         r->link.why[0] ? r->link.why : "Redis does not answer in time");
}

static void wait_done(struct redis_pipe *r, const struct redis_op *op, nstime until)
{
    nstime now = store_clock();

    while (!op->done) {
        if (now >= until)
            redis_pipe_drop(r, now, STORE_AWAY, "Redis does not answer in time");
        else
            redis_pipe_turn(r, now, until);
        now = store_clock();
    }
}

/* What is queued for a key would undo what is written to it now. */
static void supersede(struct redis_pipe *r, const struct redis_op *newer)
{
    struct redis_ops kept;
    struct redis_op *op;

    redis_ops_init(&kept);
    while (newer->kind != OP_ADD && (op = redis_ops_pop(&r->queue)) != NULL) {
        if (redis_op_writes_to(op, newer->key))
            redis_reply_end_later(r, op, &r->store.stats.acknowledged);
        else
            redis_ops_push(&kept, op);
    }
    redis_ops_prepend(&r->queue, &kept);
}

static enum store_status submit(struct redis_pipe *r, struct redis_op *op, nstime until)
{
    enum store_status status = redis_pipe_wait_ready(r, until);

    while (status == STORE_OK && op->kind == OP_ADD && r->adding) {
        redis_pipe_turn(r, store_clock(), until);
        status = store_clock() < until ? redis_pipe_wait_ready(r, until) : STORE_AWAY;
    }
    if (status != STORE_OK)
        return status;
    if (op->kind != OP_ASK)
        supersede(r, op);
    op->done = op->lost = false;
    op->phase = OP_LOOK;
    redis_send_op(r, op, store_clock());
    return STORE_OK;
}

/* A connection that broke while it was idle is found out by using it, so a lost command is tried
 * once more. All of them may be repeated. */
enum store_status redis_pipe_perform(struct redis_pipe *r, struct redis_op *op)
{
    nstime until = store_clock() + r->deadline;
    enum store_status status = STORE_AWAY;

    for (int tries = 0; tries < 2 && store_clock() < until; tries++) {
        status = submit(r, op, until);
        if (status != STORE_OK)
            return status;
        wait_done(r, op, until);
        status = op->status;
        if (!op->lost)
            break;
    }
    return status;
}

static void ask_init(struct redis_op *op, const struct span *args, size_t count)
{
    *op = (struct redis_op){.kind = OP_ASK, .arg_count = count};
    memcpy(op->args, args, count * sizeof(*args));
}

/* STORE_OK: the reply, which is no error, of which the caller frees op->reply. */
enum store_status redis_pipe_ask(struct redis_pipe *r, struct redis_op *op, const struct span *args,
                                 size_t count)
{
    enum store_status status;

    ask_init(op, args, count);
    status = redis_pipe_perform(r, op);
    if (status == STORE_OK)
        return status;
    resp_free(op->reply);
    op->reply = NULL;
    return status;
}

enum store_status redis_pipe_nonsense(struct redis_pipe *r)
{
    redis_pipe_drop(r, store_clock(), STORE_AWAY, "the server does not answer as Redis does");
    return STORE_AWAY;
}

/* --- values, many at once --- */

static enum store_status tell_value(struct redis_pipe *r, struct redis_op *op, size_t index,
                                    store_got *fn, void *user)
{
    enum store_status status = op->status;

    if (status == STORE_OK && op->reply->kind == RESP_NIL)
        status = STORE_MISSING;
    else if (status == STORE_OK && op->reply->kind != RESP_STRING)
        status = redis_pipe_nonsense(r);
    fn(user, index, status, status == STORE_OK ? op->reply->text : span_of(NULL, 0));
    resp_free(op->reply);
    op->reply = NULL;
    return status == STORE_AWAY ? status : STORE_OK;
}

/* At most REDIS_PIPE_ASKED keys: all are sent, then all are waited for. */
enum store_status redis_pipe_get(struct redis_pipe *r, const struct span *keys, size_t count,
                                 size_t first, store_got *fn, void *user)
{
    nstime until = store_clock() + r->deadline;
    enum store_status status = STORE_OK;
    struct redis_op op[REDIS_PIPE_ASKED];
    struct redis_word word[REDIS_PIPE_ASKED];
    size_t sent = 0;

    for (; sent < count && status == STORE_OK; sent++) {
        const struct span args[] = {span_str("GET"),
                                    redis_send_key(r, &word[sent], "", keys[sent])};
        ask_init(&op[sent], args, 2);
        status = submit(r, &op[sent], until);
        if (status != STORE_OK)
            break;
    }
    for (size_t i = 0; i < sent; i++)
        wait_done(r, &op[i], until); /* those that were sent are on this stack until then */
    for (size_t i = 0; i < sent; i++) {
        enum store_status one;
        if (op[i].lost && status == STORE_OK)
            op[i].status = redis_pipe_perform(r, &op[i]);
        one = tell_value(r, &op[i], first + i, fn, user);
        status = status == STORE_OK ? one : status;
    }
    return status;
}

/* --- later --- */

enum store_status redis_pipe_later(struct redis_pipe *r, const struct redis_op *op)
{
    struct redis_op *copy = redis_op_copy(op);

    if (copy && r->store.stats.queued_bytes + copy->bytes <= r->queue_most) {
        copy->later = true;
        r->store.stats.queued++;
        r->store.stats.queued_bytes += copy->bytes;
        redis_ops_push(&r->queue, copy);
        return STORE_OK;
    }
    heap_free(copy);
    r->store.stats.dropped++;
    return store_trouble(&r->store, STORE_FULL, "what waits for Redis has no room in its %zu bytes",
                         r->queue_most);
}
