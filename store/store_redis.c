/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis, shared by many sensors. docs/redis.md has the keys, the transaction that counts once, and
 * what happens while Redis is away.
 *
 * Two lists: `queue` has what waits, `flight` what was sent, in the order in which Redis answers.
 * When the connection breaks, later writes go back from flight to the front of the queue; who waits
 * for an answer is told that it was lost.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/caps.h"
#include "base/heap.h"
#include "base/text.h"
#include "store/redis_link.h"
#include "store/redis_op.h"
#include "store/store_redis.h"

enum {
    KEY = WHERE_TEXT + CAP_STORE_KEY + 16, /* prefix and key */
    SHOWN = 120,                           /* of an error's text */
    OUT_MOST = 262144,                     /* bytes waiting for the socket before the queue waits */
    ROUNDS = 8,                            /* transactions of one flush that may collide */
    PAGES = 1000000,                       /* of a scan: a server that never ends it is none */
    ASKED = 64,                            /* keys at once */
    MOST_HOLDS = 8, /* the longest pause of a full Redis is 100 ms << 8, 26 s */
};

#define DEADLINE (2 * NS_PER_S)

struct redis {
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

static struct redis *redis_of(struct store *s)
{
    return (struct redis *)(void *)s;
}

/* --- words of commands --- */

struct word {
    char text[KEY]; /* not terminated */
    size_t n;       /* bytes */
};

static struct span word_span(const struct word *w)
{
    return span_of(w->text, w->n);
}

static struct span prefix_of(const struct redis *r)
{
    return span_str(r->link.where.prefix);
}

/* prefix + kind + key; the sizes were checked, so it always fits. */
static struct span full_key(const struct redis *r, struct word *w, const char *kind,
                            struct span key)
{
    int n = snprintf(w->text, sizeof(w->text), "%s%s%.*s", r->link.where.prefix, kind, (int)key.n,
                     (const char *)key.p);
    w->n = n > 0 && (size_t)n < sizeof(w->text) ? (size_t)n : 0;
    return word_span(w);
}

static struct span number(struct word *w, int64_t value)
{
    w->n = (size_t)snprintf(w->text, sizeof(w->text), "%" PRId64, value);
    return word_span(w);
}

static nstime wall_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t); /* as Redis does */
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t to_ms(nstime t)
{
    return t / NS_PER_MS + (t % NS_PER_MS > 0); /* rounded up: not gone too early */
}

/* --- sending --- */

static int command(struct redis *r, struct redis_op *op, const struct span *args, size_t count)
{
    if (redis_link_command(&r->link, args, count) != 0)
        return -1;
    op->awaited++;
    return 0;
}

static int send_remove(struct redis *r, struct redis_op *op)
{
    struct word key;
    const struct span args[] = {span_str("DEL"), full_key(r, &key, "", op->key)};

    return command(r, op, args, 2);
}

static int send_put(struct redis *r, struct redis_op *op)
{
    struct word key, at;
    struct span args[] = {span_str("SET"), full_key(r, &key, "", op->key), op->value,
                          span_str(r->is_old ? "PX" : "PXAT"), span_of(NULL, 0)};
    nstime now;

    if (op->expires == STORE_NEVER)
        return command(r, op, args, 3);
    now = wall_clock();
    if (op->expires <= now)
        return send_remove(r, op);
    args[4] = number(&at, to_ms(op->expires - (r->is_old ? now : 0)));
    return command(r, op, args, 5);
}

/* Is the flush known? WATCH comes first: what becomes known from here on stops the EXEC. */
static int send_look(struct redis *r, struct redis_op *op)
{
    struct word key;
    struct span guard = full_key(r, &key, "flush/", op->flush.id);
    const struct span watch[] = {span_str("WATCH"), guard};
    const struct span exists[] = {span_str("EXISTS"), guard};

    return command(r, op, watch, 2) | command(r, op, exists, 2);
}

static int send_delta(struct redis *r, struct redis_op *op, size_t i)
{
    const struct store_flush *f = &op->flush;
    struct word key, by, at;
    struct span name = full_key(r, &key, "", f->deltas[i].key);
    const struct span add[] = {span_str("HINCRBY"), name, f->deltas[i].field,
                               number(&by, f->deltas[i].by)};
    const struct span expire[] = {span_str("PEXPIREAT"), name, number(&at, to_ms(f->expires))};
    bool is_last = i + 1 == f->count || !span_eq(f->deltas[i].key, f->deltas[i + 1].key);

    if (command(r, op, add, 4) != 0)
        return -1;
    return is_last && f->expires != STORE_NEVER ? command(r, op, expire, 3) : 0;
}

static int send_execute(struct redis *r, struct redis_op *op)
{
    struct word key, ms;
    const struct span multi[] = {span_str("MULTI")}, exec[] = {span_str("EXEC")};
    const struct span guard[] = {span_str("SET"), full_key(r, &key, "flush/", op->flush.id),
                                 span_str("1"), span_str("PX"),
                                 number(&ms, CAP_STORE_FLUSH_S * 1000LL)};
    int rc = command(r, op, multi, 1) | command(r, op, guard, 5);

    for (size_t i = 0; i < op->flush.count && rc == 0; i++)
        rc = send_delta(r, op, i);
    return rc | command(r, op, exec, 1);
}

static int send_let_go(struct redis *r, struct redis_op *op)
{
    const struct span args[] = {span_str("UNWATCH")};

    return command(r, op, args, 1);
}

static int send_parts(struct redis *r, struct redis_op *op)
{
    switch (op->kind) {
    case OP_PUT:
        return send_put(r, op);
    case OP_REMOVE:
        return send_remove(r, op);
    case OP_ADD:
        return op->phase == OP_LOOK      ? send_look(r, op)
               : op->phase == OP_EXECUTE ? send_execute(r, op)
                                         : send_let_go(r, op);
    case OP_ASK:
    default:
        return command(r, op, op->args, op->arg_count);
    }
}

static void drop(struct redis *r, nstime now, enum store_status status, const char *why);

/* Without memory for a part, what was appended of it must not be sent alone. */
static void send_op(struct redis *r, struct redis_op *op, nstime now)
{
    op->awaited = 0;
    op->sent = now;
    op->first_sent = op->first_sent ? op->first_sent : now;
    op->in_old_form = r->is_old;
    op->trouble = STORE_OK;
    redis_ops_push(&r->flight, op);
    if (op->kind == OP_ADD)
        r->adding = op;
    if (send_parts(r, op) != 0)
        drop(r, now, STORE_AWAY, "no memory for a command to Redis");
}

/* --- the end of a command --- */

static void count_out(struct redis *r, const struct redis_op *op)
{
    r->store.stats.queued--;
    r->store.stats.queued_bytes -= op->bytes;
}

static bool writes_to(const struct redis_op *op, struct span key)
{
    return (op->kind == OP_PUT || op->kind == OP_REMOVE) && span_eq(op->key, key);
}

/* Was a newer value for this key sent behind it? Then repeating it would undo that one. */
static bool is_superseded(const struct redis *r, const struct redis_op *op)
{
    if (op->kind == OP_ADD)
        return false;
    for (const struct redis_op *o = r->flight.head; o; o = o->next)
        if (o != op && writes_to(o, op->key))
            return true;
    return false;
}

static void end_later(struct redis *r, struct redis_op *op, uint64_t *counter)
{
    ++*counter;
    count_out(r, op);
    redis_op_free(op);
}

/* A later write that Redis cannot take now is tried again, the pause twice as long each time. */
static void hold(struct redis *r, struct redis_op *op, nstime now)
{
    struct redis_ops again;

    if (is_superseded(r, op)) {
        end_later(r, op, &r->store.stats.acknowledged);
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

static void finish_later(struct redis *r, struct redis_op *op, enum store_status status, nstime now)
{
    bool is_done = status == STORE_OK || (op->kind == OP_ADD && status == STORE_WRONG);

    if (status == STORE_FULL || status == STORE_AWAY) {
        hold(r, op, now);
        return;
    }
    r->holds = 0;
    end_later(r, op, is_done ? &r->store.stats.acknowledged : &r->store.stats.dropped);
}

/* `op` is in no list any more. */
static void finish(struct redis *r, struct redis_op *op, enum store_status status, nstime now)
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
static void lose_flight(struct redis *r)
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

static void drop(struct redis *r, nstime now, enum store_status status, const char *why)
{
    redis_link_drop(&r->link, now, status, why);
    store_trouble(&r->store, status, "%s", r->link.why);
    r->store.stats.away = true;
    lose_flight(r);
}

/* --- replies --- */

static enum store_status note(struct redis *r, const struct resp *error)
{
    char text[SHOWN];

    text_escape(text, sizeof(text), error->text);
    return store_trouble(&r->store, redis_link_status(error), "Redis: %s", text);
}

/* After the transaction: every error in it is one counter that was left as it is. */
static enum store_status executed(struct redis *r, const struct resp *exec)
{
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < exec->count; i++)
        if (exec->child[i]->kind == RESP_ERROR) {
            note(r, exec->child[i]);
            status = STORE_WRONG;
        }
    return status;
}

static void go_on(struct redis *r, struct redis_op *op, enum redis_op_phase phase, nstime now)
{
    op->phase = phase;
    send_op(r, op, now);
}

/* The caller drops the connection. */
static bool make_no_sense(struct redis *r, struct redis_op *op, nstime now)
{
    finish(r, op, STORE_AWAY, now);
    return false;
}

static bool end_look(struct redis *r, struct redis_op *op, const struct resp *reply, nstime now)
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
static bool end_execute(struct redis *r, struct redis_op *op, const struct resp *reply, nstime now)
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

static bool end_add(struct redis *r, struct redis_op *op, const struct resp *reply, nstime now)
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

static bool end_write(struct redis *r, struct redis_op *op, const struct resp *reply, nstime now)
{
    if (is_too_new(op, reply)) {
        r->is_old = true;
        if (op->later && is_superseded(r, op))
            end_later(r, op, &r->store.stats.acknowledged);
        else
            send_op(r, op, now);
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

/* The last reply of `op`, which is in no list. False: it is none that Redis gives. */
static bool end_op(struct redis *r, struct redis_op *op, struct resp **reply, nstime now)
{
    switch (op->kind) {
    case OP_PUT:
    case OP_REMOVE:
        return end_write(r, op, *reply, now);
    case OP_ADD:
        return end_add(r, op, *reply, now);
    case OP_ASK:
    default:
        op->reply = *reply;
        *reply = NULL;
        finish(r, op, op->trouble, now);
        return true;
    }
}

/* False: the stream makes no sense, or the password is not accepted any more. */
static bool take_reply(struct redis *r, struct resp **reply, nstime now)
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

static void drop_for(struct redis *r, const struct resp *reply, nstime now)
{
    char text[SHOWN], why[STORE_WHY];

    if (reply->kind != RESP_ERROR) {
        drop(r, now, STORE_AWAY, "the server does not answer as Redis does");
        return;
    }
    text_escape(text, sizeof(text), reply->text);
    snprintf(why, sizeof(why), "Redis: %s", text);
    drop(r, now, redis_link_status(reply), why);
}

/* All replies that are there. */
static bool take_replies(struct redis *r, nstime now)
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
        drop(r, now, STORE_AWAY, resp_reader_why(r->link.reader));
    return moved || rc < 0;
}

/* --- a turn --- */

/* A flush may have been counted a week ago and forgotten since: repeating it now may count twice.
 */
static bool is_too_late(const struct redis_op *op, nstime now)
{
    nstime most = CAP_STORE_FLUSH_S * NS_PER_S * 9 / 10;
    return op->kind == OP_ADD && op->first_sent != 0 && now - op->first_sent > most;
}

static bool may_send(const struct redis *r, const struct redis_op *op, nstime now)
{
    return op && r->link.state == LINK_READY && now >= r->hold_until &&
           r->flight.count < CAP_STORE_WINDOW && redis_link_unsent(&r->link) < OUT_MOST &&
           !(op->kind == OP_ADD && r->adding);
}

static bool send_queued(struct redis *r, nstime now)
{
    bool moved = false;

    while (may_send(r, r->queue.head, now)) {
        struct redis_op *op = redis_ops_pop(&r->queue);
        if (is_too_late(op, now))
            end_later(r, op, &r->store.stats.dropped);
        else
            send_op(r, op, now);
        moved = true;
    }
    return moved;
}

static void note_loss(struct redis *r)
{
    store_trouble(&r->store, r->link.status, "%s", r->link.why);
    lose_flight(r);
}

static bool pump(struct redis *r, nstime now)
{
    bool was_down = r->link.state == LINK_DOWN, moved = redis_link_step(&r->link, now);

    if (r->link.state == LINK_DOWN && (!was_down || moved))
        note_loss(r);
    moved |= take_replies(r, now);
    if (!moved && r->flight.head && now - r->flight.head->sent >= r->deadline) {
        drop(r, now, STORE_AWAY, "Redis does not answer in time");
        moved = true;
    }
    moved |= send_queued(r, now);
    r->store.stats.away = r->link.state != LINK_READY || r->link.failures > 0;
    r->store.stats.reconnects = r->link.connects > 1 ? r->link.connects - 1 : 0;
    return moved;
}

/* --- commands that are waited for --- */

static bool is_waiting(const struct redis *r, nstime now)
{
    return r->link.state == LINK_DOWN && (r->link.addresses == 0 || now < r->link.retry_at);
}

static void turn(struct redis *r, nstime now, nstime until)
{
    if (!pump(r, now))
        redis_link_wait(&r->link, now, until);
}

static enum store_status wait_ready(struct redis *r, nstime until)
{
    nstime now = store_clock();
    bool is_new = r->link.state == LINK_DOWN && now >= r->link.retry_at;

    if (is_new && (r->link.addresses == 0 || r->link.failures > 0)) {
        redis_link_resolve(&r->link);
        now = store_clock();
    }
    while (r->link.state != LINK_READY && !is_waiting(r, now) && now < until) {
        turn(r, now, until);
        now = store_clock();
    }
    if (r->link.state == LINK_READY)
        return STORE_OK;
    return store_trouble(&r->store, r->link.status == STORE_OK ? STORE_AWAY : r->link.status, "%s",
                         r->link.why[0] ? r->link.why : "Redis does not answer in time");
}

static void wait_done(struct redis *r, const struct redis_op *op, nstime until)
{
    nstime now = store_clock();

    while (!op->done) {
        if (now >= until)
            drop(r, now, STORE_AWAY, "Redis does not answer in time");
        else
            turn(r, now, until);
        now = store_clock();
    }
}

/* What is queued for a key would undo what is written to it now. */
static void supersede(struct redis *r, const struct redis_op *newer)
{
    struct redis_ops kept;
    struct redis_op *op;

    redis_ops_init(&kept);
    while (newer->kind != OP_ADD && (op = redis_ops_pop(&r->queue)) != NULL) {
        if (writes_to(op, newer->key))
            end_later(r, op, &r->store.stats.acknowledged);
        else
            redis_ops_push(&kept, op);
    }
    redis_ops_prepend(&r->queue, &kept);
}

static enum store_status submit(struct redis *r, struct redis_op *op, nstime until)
{
    enum store_status status = wait_ready(r, until);

    while (status == STORE_OK && op->kind == OP_ADD && r->adding) {
        turn(r, store_clock(), until);
        status = store_clock() < until ? wait_ready(r, until) : STORE_AWAY;
    }
    if (status != STORE_OK)
        return status;
    if (op->kind != OP_ASK)
        supersede(r, op);
    op->done = op->lost = false;
    op->phase = OP_LOOK;
    send_op(r, op, store_clock());
    return STORE_OK;
}

/* A connection that broke while it was idle is found out by using it, so a lost command is tried
 * once more. All of them may be repeated. */
static enum store_status perform(struct redis *r, struct redis_op *op)
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
static enum store_status ask(struct redis *r, struct redis_op *op, const struct span *args,
                             size_t count)
{
    enum store_status status;

    ask_init(op, args, count);
    status = perform(r, op);
    if (status == STORE_OK)
        return status;
    resp_free(op->reply);
    op->reply = NULL;
    return status;
}

static enum store_status make_nonsense(struct redis *r)
{
    drop(r, store_clock(), STORE_AWAY, "the server does not answer as Redis does");
    return STORE_AWAY;
}

/* --- values --- */

static enum store_status tell_value(struct redis *r, struct redis_op *op, size_t index,
                                    store_got *fn, void *user)
{
    enum store_status status = op->status;

    if (status == STORE_OK && op->reply->kind == RESP_NIL)
        status = STORE_MISSING;
    else if (status == STORE_OK && op->reply->kind != RESP_STRING)
        status = make_nonsense(r);
    fn(user, index, status, status == STORE_OK ? op->reply->text : span_of(NULL, 0));
    resp_free(op->reply);
    op->reply = NULL;
    return status == STORE_AWAY ? status : STORE_OK;
}

/* At most ASKED keys: all are sent, then all are waited for. */
static enum store_status get_some(struct redis *r, const struct span *keys, size_t count,
                                  size_t first, store_got *fn, void *user)
{
    nstime until = store_clock() + r->deadline;
    enum store_status status = STORE_OK;
    struct redis_op op[ASKED];
    struct word word[ASKED];
    size_t sent = 0;

    for (; sent < count && status == STORE_OK; sent++) {
        const struct span args[] = {span_str("GET"), full_key(r, &word[sent], "", keys[sent])};
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
            op[i].status = perform(r, &op[i]);
        one = tell_value(r, &op[i], first + i, fn, user);
        status = status == STORE_OK ? one : status;
    }
    return status;
}

static enum store_status redis_get(struct store *s, const struct span *keys, size_t count,
                                   nstime now, store_got *fn, void *user)
{
    enum store_status status = STORE_OK;

    (void)now; /* Redis lets them expire */
    for (size_t i = 0; i < count && status == STORE_OK; i += ASKED)
        status =
            get_some(redis_of(s), keys + i, count - i < ASKED ? count - i : ASKED, i, fn, user);
    return status;
}

static enum store_status later(struct redis *r, const struct redis_op *op)
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

static enum store_status redis_put(struct store *s, struct span key, struct span value,
                                   nstime expires, nstime now, bool is_later)
{
    struct redis_op op = {.kind = OP_PUT, .key = key, .value = value, .expires = expires};

    (void)now;
    return is_later ? later(redis_of(s), &op) : perform(redis_of(s), &op);
}

static enum store_status redis_remove(struct store *s, struct span key)
{
    struct redis_op op = {.kind = OP_REMOVE, .key = key};

    return perform(redis_of(s), &op);
}

/* --- counters --- */

static enum store_status redis_add(struct store *s, const struct store_flush *flush, bool is_later)
{
    struct redis_op op = {.kind = OP_ADD, .flush = *flush};

    return is_later ? later(redis_of(s), &op) : perform(redis_of(s), &op);
}

/* Decimal, as HINCRBY leaves it. */
static bool to_number(struct span text, int64_t *value)
{
    bool negative = text.n > 0 && text.p[0] == '-';

    *value = 0;
    for (size_t i = negative; i < text.n; i++) {
        int digit = text.p[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(*value, 10, value) ||
            __builtin_sub_overflow(*value, digit, value))
            return false;
    }
    if (text.n == (size_t)negative || (!negative && *value == INT64_MIN))
        return false;
    *value = negative ? *value : -*value;
    return true;
}

/* Field, total, field, total. */
static enum store_status tell_totals(struct redis *r, const struct resp *reply, store_total *fn,
                                     void *user)
{
    if (reply->kind != RESP_ARRAY || reply->count % 2 != 0)
        return make_nonsense(r);
    for (size_t i = 0; i < reply->count; i += 2) {
        const struct resp *field = resp_child(reply, i, RESP_STRING);
        const struct resp *total = resp_child(reply, i + 1, RESP_STRING);
        int64_t value;
        if (!field || !total)
            return make_nonsense(r);
        if (!to_number(total->text, &value))
            store_trouble(&r->store, STORE_WRONG, "a field of a counter is no number");
        else if (!fn(user, field->text, value))
            return STORE_OK;
    }
    return reply->count > 0 ? STORE_OK : STORE_MISSING;
}

static enum store_status redis_totals(struct store *s, struct span key, nstime now, store_total *fn,
                                      void *user)
{
    struct redis *r = redis_of(s);
    struct word word;
    const struct span args[] = {span_str("HGETALL"), full_key(r, &word, "", key)};
    struct redis_op op;
    enum store_status status = ask(r, &op, args, 2);

    (void)now;
    if (status != STORE_OK)
        return status;
    status = tell_totals(r, op.reply, fn, user);
    resp_free(op.reply);
    return status;
}

/* --- scanning --- */

struct scan {
    struct redis *r;         /* whose keys */
    const struct resp *page; /* of names, as SCAN gave it */
    struct span keys[ASKED]; /* of it, without our prefix */
    size_t count;            /* of keys */
    store_each *fn;          /* who is told */
    void *user;              /* and what he gets */
    bool stopped;            /* he has had enough */
};

static void scan_tell(void *user, size_t index, enum store_status status, struct span value)
{
    struct scan *scan = user;

    if (status == STORE_OK && !scan->stopped)
        scan->stopped = !scan->fn(scan->user, scan->keys[index], value);
}

/* Values are under our prefix, and neither counters nor what is known of flushes. */
static bool is_value_key(const struct redis *r, struct span name, struct span *key)
{
    struct span prefix = prefix_of(r);

    if (!span_eq(span_first(name, prefix.n), prefix))
        return false;
    *key = span_from(name, prefix.n);
    return key->n > 0 && key->n <= CAP_STORE_KEY && !span_starts_nocase(*key, span_str("count/")) &&
           !span_starts_nocase(*key, span_str("flush/"));
}

/* A page is told in portions; the next page comes when it was told. */
static enum store_status scan_page(struct scan *scan)
{
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < scan->page->count && status == STORE_OK && !scan->stopped;) {
        scan->count = 0;
        for (; i < scan->page->count && scan->count < ASKED; i++) {
            const struct resp *name = resp_child(scan->page, i, RESP_STRING);
            if (!name)
                return make_nonsense(scan->r);
            scan->count += is_value_key(scan->r, name->text, &scan->keys[scan->count]);
        }
        if (scan->count > 0)
            status = get_some(scan->r, scan->keys, scan->count, 0, scan_tell, scan);
    }
    return status;
}

/* The pattern of all keys with that prefix: what means something in a pattern is escaped. */
static struct span pattern_of(const struct redis *r, struct span prefix, char to[2 * KEY])
{
    struct word word;
    struct span name = full_key(r, &word, "", prefix);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        if (strchr("*?[]^-\\", name.p[i]))
            to[n++] = '\\';
        to[n++] = (char)name.p[i];
    }
    to[n++] = '*';
    return span_of(to, n);
}

static enum store_status redis_scan(struct store *s, struct span prefix, nstime now, store_each *fn,
                                    void *user)
{
    struct scan scan = {.r = redis_of(s), .fn = fn, .user = user};
    char pattern[2 * KEY], cursor[24] = "0";
    struct span match = pattern_of(scan.r, prefix, pattern);
    enum store_status status = STORE_OK;

    (void)now;
    for (int pages = 0; pages < PAGES && status == STORE_OK; pages++) {
        const struct span args[] = {span_str("SCAN"),  span_str(cursor), span_str("MATCH"), match,
                                    span_str("COUNT"), span_str("256")};
        const struct resp *next;
        struct redis_op op;
        status = ask(scan.r, &op, args, 6);
        if (status != STORE_OK)
            return status;
        next = resp_child(op.reply, 0, RESP_STRING);
        scan.page = resp_child(op.reply, 1, RESP_ARRAY);
        if (next && scan.page && next->text.n < sizeof(cursor)) {
            snprintf(cursor, sizeof(cursor), "%.*s", (int)next->text.n, (const char *)next->text.p);
            status = scan_page(&scan);
        } else {
            status = make_nonsense(scan.r);
        }
        resp_free(op.reply);
        if (scan.stopped || strcmp(cursor, "0") == 0)
            return status;
    }
    return status;
}

/* --- the life of the store --- */

static enum store_status redis_tick(struct store *s, nstime now, nstime budget)
{
    struct redis *r = redis_of(s);
    nstime clock = store_clock(), until = clock + budget;

    (void)now;
    while (pump(r, clock)) {
        clock = store_clock();
        if (clock >= until)
            break;
    }
    if (r->link.state == LINK_READY)
        return STORE_OK;
    return r->link.status == STORE_OK ? STORE_AWAY : r->link.status;
}

static enum store_status redis_drain(struct store *s, nstime now, nstime timeout)
{
    struct redis *r = redis_of(s);
    nstime clock = store_clock(), until = clock + timeout;

    (void)now;
    while (s->stats.queued > 0 && clock < until) {
        if (r->link.addresses == 0 && r->link.state == LINK_DOWN)
            redis_link_resolve(&r->link);
        if (r->link.addresses == 0 && r->link.state == LINK_DOWN)
            break;
        turn(r, clock, r->hold_until > clock && r->hold_until < until ? r->hold_until : until);
        clock = store_clock();
    }
    return s->stats.queued == 0 ? STORE_OK : STORE_AWAY;
}

static void free_ops(struct redis_ops *list)
{
    struct redis_op *op;

    while ((op = redis_ops_pop(list)) != NULL)
        redis_op_free(op);
}

static void redis_close(struct store *s)
{
    struct redis *r = redis_of(s);

    free_ops(&r->queue);
    free_ops(&r->flight); /* later ones alone: nobody waits while we close */
    redis_link_fini(&r->link);
    heap_free(r);
}

/* --- opening --- */

/* The rest of the line of INFO that begins with `name` and a colon; empty when there is none. */
static struct span info_line(struct span text, const char *name)
{
    size_t n = strlen(name);

    while (text.n > 0) {
        struct span line = span_first(text, span_find(text, '\n'));
        if (line.n > n && line.p[n] == ':' && span_eq(span_first(line, n), span_str(name)))
            return span_first(span_from(line, n + 1), span_find(span_from(line, n + 1), '\r'));
        text = span_from(text, line.n + 1);
    }
    return span_of(NULL, 0);
}

static void warn_of(struct redis *r, const char *line, struct span value)
{
    char shown[SHOWN];

    text_escape(shown, sizeof(shown), value);
    if (strcmp(line, "aof_enabled") == 0 && span_eq(value, span_str("0")))
        store_warn(&r->store, "Redis keeps no append-only file (appendonly no): what was "
                              "acknowledged may be lost when it ends");
    if (strcmp(line, "maxmemory_policy") == 0 && !span_eq(value, span_str("noeviction")))
        store_warn(&r->store,
                   "Redis may evict policies (maxmemory-policy %s): set it to noeviction", shown);
}

static enum store_status look_at(struct redis *r, const char *section, const char *line)
{
    const struct span args[] = {span_str("INFO"), span_str(section)};
    struct redis_op op;
    enum store_status status = ask(r, &op, args, 2);
    struct span value = span_of(NULL, 0);

    if (status == STORE_OK && op.reply->kind == RESP_STRING)
        value = info_line(op.reply->text, line);
    if (value.n > 0)
        warn_of(r, line, value);
    else
        store_warn(&r->store, "the %s of Redis could not be looked at (INFO %s)", line, section);
    if (status == STORE_OK)
        resp_free(op.reply);
    return status;
}

static void warn_of_network(struct redis *r)
{
    if (!redis_link_is_remote(&r->link))
        return;
    if (r->link.where.password[0] == '\0')
        store_warn(&r->store, "Redis is on the network and takes us without a password");
    else
        store_warn(&r->store, "the password and all values cross the network in clear: use "
                              "stunnel or a unix socket (docs/redis.md)");
}

/* The first connection, while there is time to wait for it. */
static enum store_status look_around(struct redis *r)
{
    enum store_status status = wait_ready(r, store_clock() + r->deadline);

    if (status == STORE_OK)
        status = look_at(r, "persistence", "aof_enabled");
    if (r->link.state == LINK_READY)
        look_at(r, "memory", "maxmemory_policy");
    if (r->link.state == LINK_READY)
        warn_of_network(r);
    if (r->link.state == LINK_READY)
        return STORE_OK;
    return status == STORE_OK ? STORE_AWAY : status;
}

static const struct store_ops OPS = {
    .get = redis_get,
    .put = redis_put,
    .remove = redis_remove,
    .add = redis_add,
    .totals = redis_totals,
    .scan = redis_scan,
    .tick = redis_tick,
    .drain = redis_drain,
    .close = redis_close,
};

static struct redis *make(const struct where *where, const struct store_options *o)
{
    struct redis *r = heap_zeroed(sizeof(*r));

    if (!r)
        return NULL;
    r->store.ops = &OPS;
    r->deadline = o->deadline > 0 ? o->deadline : DEADLINE;
    r->queue_most = o->queue_bytes ? o->queue_bytes : CAP_STORE_QUEUE;
    redis_ops_init(&r->queue);
    redis_ops_init(&r->flight);
    redis_link_init(&r->link, where, r->deadline);
    return r;
}

enum store_status store_redis_open(struct store **s, const struct where *where,
                                   const struct store_options *o, char why[STORE_WHY])
{
    struct redis *r = make(where, o);
    enum store_status status;

    if (!r)
        return STORE_FULL;
    status = look_around(r);
    if (status == STORE_OK || status == STORE_AWAY) {
        *s = &r->store;
        if (status == STORE_AWAY) {
            store_warn(&r->store, "%.*s; what is known without it is used meanwhile",
                       STORE_WARNING - 60, r->link.why);
            r->store.stats.away = true;
        }
        return status;
    }
    snprintf(why, STORE_WHY, "%s", r->link.why[0] ? r->link.why : r->store.error);
    redis_close(&r->store);
    return status;
}

struct store *store_redis_adopt(int fd, const struct where *where, const struct store_options *o)
{
    struct redis *r = make(where, o);

    if (!r)
        return NULL;
    snprintf(r->store.name, sizeof(r->store.name), "an adopted socket");
    if (redis_link_adopt(&r->link, fd) == 0)
        return &r->store;
    redis_close(&r->store);
    return NULL;
}
