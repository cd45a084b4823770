/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis, shared by many sensors. docs/redis.md has the keys, the transaction that counts once, and
 * what happens while Redis is away. Here is what the store wants of it; store/redis_pipe.h has how.
 */
#include "store/store_redis.h"

#include <stdio.h>

#include "base/heap.h"
#include "base/text.h"
#include "store/redis_pipe.h"

enum { SHOWN = 120 }; /* of an error's text */

#define DEADLINE (2 * NS_PER_S)

static struct redis_pipe *redis_of(struct store *s)
{
    return (struct redis_pipe *)(void *)s;
}

/* --- values --- */

static enum store_status redis_get(struct store *s, const struct span *keys, size_t count,
                                   nstime now, store_got *fn, void *user)
{
    enum store_status status = STORE_OK;

    (void)now; /* Redis lets them expire */
    for (size_t i = 0; i < count && status == STORE_OK; i += REDIS_PIPE_ASKED)
        status = redis_pipe_get(redis_of(s), keys + i,
                                count - i < REDIS_PIPE_ASKED ? count - i : REDIS_PIPE_ASKED, i, fn,
                                user);
    return status;
}

static enum store_status redis_get_later(struct store *s, struct span key, store_got *fn,
                                         void *user)
{
    struct redis_op op = {.kind = OP_GET, .key = key, .got = fn, .user = user};

    return redis_pipe_later(redis_of(s), &op);
}

static enum store_status redis_put(struct store *s, struct span key, struct span value,
                                   nstime expires, nstime now, bool is_later)
{
    struct redis_op op = {.kind = OP_PUT, .key = key, .value = value, .expires = expires};

    (void)now;
    return is_later ? redis_pipe_later(redis_of(s), &op) : redis_pipe_perform(redis_of(s), &op);
}

static enum store_status redis_remove(struct store *s, struct span key)
{
    struct redis_op op = {.kind = OP_REMOVE, .key = key};

    return redis_pipe_perform(redis_of(s), &op);
}

/* --- counters --- */

static enum store_status redis_add(struct store *s, const struct store_flush *flush, bool is_later)
{
    struct redis_op op = {.kind = OP_ADD, .flush = *flush};

    return is_later ? redis_pipe_later(redis_of(s), &op) : redis_pipe_perform(redis_of(s), &op);
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
static enum store_status tell_totals(struct redis_pipe *r, const struct resp *reply,
                                     store_total *fn, void *user)
{
    if (reply->kind != RESP_ARRAY || reply->count % 2 != 0)
        return redis_pipe_nonsense(r);
    for (size_t i = 0; i < reply->count; i += 2) {
        const struct resp *field = resp_child(reply, i, RESP_STRING);
        const struct resp *total = resp_child(reply, i + 1, RESP_STRING);
        int64_t value;
        if (!field || !total)
            return redis_pipe_nonsense(r);
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
    struct redis_pipe *r = redis_of(s);
    struct redis_word word;
    const struct span args[] = {span_str("HGETALL"), redis_send_key(r, &word, "", key)};
    struct redis_op op;
    enum store_status status = redis_pipe_ask(r, &op, args, 2);

    (void)now;
    if (status != STORE_OK)
        return status;
    status = tell_totals(r, op.reply, fn, user);
    resp_free(op.reply);
    return status;
}

static enum store_status redis_scan_all(struct store *s, struct span prefix, nstime now,
                                        store_each *fn, void *user)
{
    (void)now;
    return redis_scan(redis_of(s), prefix, false, fn, user);
}

static enum store_status redis_scan_counters(struct store *s, struct span prefix, nstime now,
                                             store_each *fn, void *user)
{
    (void)now;
    return redis_scan(redis_of(s), prefix, true, fn, user);
}

static enum store_status redis_foreign_all(struct store *s, foreign_fn *fn, void *user)
{
    return redis_foreign(redis_of(s), fn, user);
}

/* --- the life of the store --- */

static enum store_status redis_tick(struct store *s, nstime now, nstime budget)
{
    struct redis_pipe *r = redis_of(s);
    nstime clock = store_clock(), until = clock + budget;

    (void)now;
    while (redis_pipe_pump(r, clock)) {
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
    struct redis_pipe *r = redis_of(s);
    nstime clock = store_clock(), until = clock + timeout;

    (void)now;
    while (s->stats.queued > 0 && clock < until) {
        if (r->link.addresses == 0 && r->link.state == LINK_DOWN)
            redis_link_resolve(&r->link);
        if (r->link.addresses == 0 && r->link.state == LINK_DOWN)
            break;
        redis_pipe_turn(r, clock,
                        r->hold_until > clock && r->hold_until < until ? r->hold_until : until);
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
    struct redis_pipe *r = redis_of(s);

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

static void warn_of(struct redis_pipe *r, const char *line, struct span value)
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

static enum store_status look_at(struct redis_pipe *r, const char *section, const char *line)
{
    const struct span args[] = {span_str("INFO"), span_str(section)};
    struct redis_op op;
    enum store_status status = redis_pipe_ask(r, &op, args, 2);
    struct span value = span_of(NULL, 0);

    if (status == STORE_OK && op.reply->kind == RESP_STRING)
        value = info_line(op.reply->text, line);
    if (value.n > 0)
        warn_of(r, line, value);
    else if (status != STORE_AWAY)
        store_warn(&r->store, "the %s of Redis could not be looked at (INFO %s)", line, section);
    if (status == STORE_OK)
        resp_free(op.reply);
    return status;
}

static void warn_of_network(struct redis_pipe *r)
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
static enum store_status look_around(struct redis_pipe *r)
{
    enum store_status status = redis_pipe_wait_ready(r, store_clock() + r->deadline);

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
    .get_later = redis_get_later,
    .put = redis_put,
    .remove = redis_remove,
    .add = redis_add,
    .totals = redis_totals,
    .scan = redis_scan_all,
    .scan_counters = redis_scan_counters,
    .clear = redis_remove,
    .foreign = redis_foreign_all,
    .tick = redis_tick,
    .drain = redis_drain,
    .close = redis_close,
};

static struct redis_pipe *make(const struct where *where, const struct store_options *o)
{
    struct redis_pipe *r = heap_zeroed(sizeof(*r));

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
    struct redis_pipe *r = make(where, o);
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
    struct redis_pipe *r = make(where, o);

    if (!r)
        return NULL;
    snprintf(r->store.name, sizeof(r->store.name), "an adopted socket");
    if (redis_link_adopt(&r->link, fd) == 0)
        return &r->store;
    redis_close(&r->store);
    return NULL;
}
