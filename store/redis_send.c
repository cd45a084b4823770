/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_pipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* --- words of commands --- */

static struct span word_span(const struct redis_word *w)
{
    return span_of(w->text, w->n);
}

struct span redis_send_prefix(const struct redis_pipe *r)
{
    return span_str(r->link.where.prefix);
}

/* prefix + kind + key; the sizes were checked, so it always fits. */
struct span redis_send_key(const struct redis_pipe *r, struct redis_word *w, const char *kind,
                           struct span key)
{
    int n = snprintf(w->text, sizeof(w->text), "%s%s%.*s", r->link.where.prefix, kind, (int)key.n,
                     (const char *)key.p);
    w->n = n > 0 && (size_t)n < sizeof(w->text) ? (size_t)n : 0;
    return word_span(w);
}

static struct span number(struct redis_word *w, int64_t value)
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

static int command(struct redis_pipe *r, struct redis_op *op, const struct span *args, size_t count)
{
    if (redis_link_command(&r->link, args, count) != 0)
        return -1;
    op->awaited++;
    return 0;
}

static int send_by_key(struct redis_pipe *r, struct redis_op *op, const char *word)
{
    struct redis_word key;
    const struct span args[] = {span_str(word), redis_send_key(r, &key, "", op->key)};

    return command(r, op, args, 2);
}

static int send_put(struct redis_pipe *r, struct redis_op *op)
{
    struct redis_word key, at;
    struct span args[] = {span_str("SET"), redis_send_key(r, &key, "", op->key), op->value,
                          span_str(r->is_old ? "PX" : "PXAT"), span_of(NULL, 0)};
    nstime now;

    if (op->expires == STORE_NEVER)
        return command(r, op, args, 3);
    now = wall_clock();
    if (op->expires <= now)
        return send_by_key(r, op, "DEL");
    args[4] = number(&at, to_ms(op->expires - (r->is_old ? now : 0)));
    return command(r, op, args, 5);
}

/* Is the flush known? WATCH comes first: what becomes known from here on stops the EXEC. */
static int send_look(struct redis_pipe *r, struct redis_op *op)
{
    struct redis_word key;
    struct span guard = redis_send_key(r, &key, "flush/", op->flush.id);
    const struct span watch[] = {span_str("WATCH"), guard};
    const struct span exists[] = {span_str("EXISTS"), guard};

    return command(r, op, watch, 2) | command(r, op, exists, 2);
}

static int send_delta(struct redis_pipe *r, struct redis_op *op, size_t i)
{
    const struct store_flush *f = &op->flush;
    struct redis_word key, by, at;
    struct span name = redis_send_key(r, &key, "", f->deltas[i].key);
    const struct span add[] = {span_str("HINCRBY"), name, f->deltas[i].field,
                               number(&by, f->deltas[i].by)};
    const struct span expire[] = {span_str("PEXPIREAT"), name, number(&at, to_ms(f->expires))};
    bool is_last = i + 1 == f->count || !span_eq(f->deltas[i].key, f->deltas[i + 1].key);

    if (command(r, op, add, 4) != 0)
        return -1;
    return is_last && f->expires != STORE_NEVER ? command(r, op, expire, 3) : 0;
}

static int send_execute(struct redis_pipe *r, struct redis_op *op)
{
    struct redis_word key, ms;
    const struct span multi[] = {span_str("MULTI")}, exec[] = {span_str("EXEC")};
    const struct span guard[] = {span_str("SET"), redis_send_key(r, &key, "flush/", op->flush.id),
                                 span_str("1"), span_str("PX"),
                                 number(&ms, CAP_STORE_FLUSH_S * 1000LL)};
    int rc = command(r, op, multi, 1) | command(r, op, guard, 5);

    for (size_t i = 0; i < op->flush.count && rc == 0; i++)
        rc = send_delta(r, op, i);
    return rc | command(r, op, exec, 1);
}

static int send_let_go(struct redis_pipe *r, struct redis_op *op)
{
    const struct span args[] = {span_str("UNWATCH")};

    return command(r, op, args, 1);
}

static int send_parts(struct redis_pipe *r, struct redis_op *op)
{
    switch (op->kind) {
    case OP_PUT:
        return send_put(r, op);
    case OP_REMOVE:
        return send_by_key(r, op, "DEL");
    case OP_GET:
        return send_by_key(r, op, "GET");
    case OP_ADD:
        return op->phase == OP_LOOK      ? send_look(r, op)
               : op->phase == OP_EXECUTE ? send_execute(r, op)
                                         : send_let_go(r, op);
    case OP_ASK:
    default:
        return command(r, op, op->args, op->arg_count);
    }
}

/* Without memory for a part, what was appended of it must not be sent alone. */
void redis_send_op(struct redis_pipe *r, struct redis_op *op, nstime now)
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
        redis_pipe_drop(r, now, STORE_AWAY, "no memory for a command to Redis");
}
