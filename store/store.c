/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/caps.h"
#include "base/heap.h"
#include "store/backend.h"

static const char *const TEXT[] = {
    [STORE_OK] = "ok",           [STORE_MISSING] = "missing", [STORE_AWAY] = "away",
    [STORE_WRONG] = "wrong",     [STORE_FULL] = "full",       [STORE_REFUSED] = "refused",
    [STORE_DAMAGED] = "damaged",
};
_Static_assert(sizeof(TEXT) / sizeof(TEXT[0]) == STORE_STATUS_COUNT, "a text for each status");

const char *store_status_text(enum store_status status)
{
    return (unsigned)status < STORE_STATUS_COUNT ? TEXT[status] : "?";
}

nstime store_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nstime)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void store_warn(struct store *s, const char *format, ...)
{
    va_list args;

    if (s->warnings == STORE_WARNINGS)
        return;
    va_start(args, format);
    vsnprintf(s->warning[s->warnings++], STORE_WARNING, format, args);
    va_end(args);
}

enum store_status store_trouble(struct store *s, enum store_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(s->error, sizeof(s->error), format, args);
    va_end(args);
    s->stats.wrong += status == STORE_WRONG;
    return status;
}

/* --- what every backend may rely on --- */

static bool word_is_good(struct span word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] <= ' ' || word.p[i] > '~')
            return false;
    return word.n > 0 && word.n <= CAP_STORE_KEY;
}

static bool is_counter(struct span key)
{
    static const char COUNT[] = "count/";
    return key.n >= sizeof(COUNT) - 1 && memcmp(key.p, COUNT, sizeof(COUNT) - 1) == 0;
}

static enum store_status check_key(struct store *s, struct span key, bool counter)
{
    if (!word_is_good(key))
        return store_trouble(s, STORE_WRONG, "a key is not 1 to %d printable characters",
                             CAP_STORE_KEY);
    if (is_counter(key) != counter)
        return store_trouble(s, STORE_WRONG,
                             counter ? "a counter's key does not begin with count/"
                                     : "count/ is for counters");
    return STORE_OK;
}

static enum store_status check_put(struct store *s, struct span key, struct span value)
{
    enum store_status status = check_key(s, key, false);

    if (status == STORE_OK && value.n > CAP_STORE_VALUE)
        return store_trouble(s, STORE_FULL, "a value has more than %d bytes", CAP_STORE_VALUE);
    return status;
}

static enum store_status check_add(struct store *s, const struct store_flush *flush)
{
    enum store_status status = STORE_OK;

    if (flush->count > CAP_STORE_DELTAS)
        return store_trouble(s, STORE_FULL, "a flush has more than %d counters", CAP_STORE_DELTAS);
    if (!word_is_good(flush->id))
        return store_trouble(s, STORE_WRONG, "a flush id is not 1 to %d printable characters",
                             CAP_STORE_KEY);
    for (size_t i = 0; i < flush->count && status == STORE_OK; i++) {
        status = check_key(s, flush->deltas[i].key, true);
        if (status == STORE_OK && !word_is_good(flush->deltas[i].field))
            status = store_trouble(s, STORE_WRONG,
                                   "a counter's field is not 1 to %d printable "
                                   "characters",
                                   CAP_STORE_KEY);
    }
    return status;
}

/* --- opening --- */

static const char *through;

void store_through(const char *path)
{
    through = path;
}

static void lead(struct where *w)
{
    if (!through || (w->kind != WHERE_REDIS && w->kind != WHERE_REDIS_UNIX))
        return;
    w->kind = WHERE_REDIS_UNIX;
    snprintf(w->path, sizeof(w->path), "%s", through);
}

enum store_status store_open(struct store **store, const char *text, const struct store_options *o,
                             char why[STORE_WHY])
{
    static const struct store_options DEFAULTS;
    enum store_status status;
    struct where where;
    char name[STORE_NAME];

    *store = NULL;
    why[0] = '\0';
    o = o ? o : &DEFAULTS;
    if (where_parse(&where, text, why, STORE_WHY) != 0)
        return STORE_WRONG;
    where_name(&where, name);
    lead(&where);
    switch (where.kind) {
    case WHERE_SQLITE:
        status = store_sqlite_open(store, &where, o, why);
        break;
    case WHERE_REDIS:
    case WHERE_REDIS_UNIX:
        status = store_redis_open(store, &where, o, why);
        break;
    case WHERE_MEMORY:
    default:
        status = store_memory_open(store, o);
        break;
    }
    if (!*store && why[0] == '\0')
        snprintf(why, STORE_WHY, "no memory for the store");
    if (*store)
        snprintf((*store)->name, sizeof((*store)->name), "%s", name);
    explicit_bzero(&where, sizeof(where)); /* it may have the password */
    return status;
}

void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}

const char *store_name(const struct store *s)
{
    return s->name;
}

const char *store_warning(const struct store *s, size_t i)
{
    return i < s->warnings ? s->warning[i] : NULL;
}

struct store_stats store_stats(const struct store *s)
{
    struct store_stats stats = s->stats;

    stats.last_error = s->error;
    return stats;
}

/* --- reading --- */

struct copying {
    struct store_value *to;   /* where the value goes */
    enum store_status status; /* of the one key */
};

static bool value_room(struct store_value *v, size_t n)
{
    size_t room = n < 256 ? 256 : n;
    uint8_t *p;

    if (n <= v->room)
        return true;
    p = heap_resize(v->p, room);
    if (!p)
        return false;
    v->p = p;
    v->room = room;
    return true;
}

static void copy_value(void *user, size_t index, enum store_status status, struct span value)
{
    struct copying *c = user;

    (void)index;
    c->status = status;
    if (status != STORE_OK)
        return;
    if (!value_room(c->to, value.n)) {
        c->status = STORE_FULL;
        return;
    }
    if (value.n > 0)
        memcpy(c->to->p, value.p, value.n);
    c->to->n = value.n;
}

enum store_status store_get(struct store *s, struct span key, nstime now, struct store_value *value)
{
    struct copying c = {value, STORE_MISSING};
    enum store_status status = check_key(s, key, false);

    value->n = 0;
    if (status != STORE_OK)
        return status;
    status = s->ops->get(s, &key, 1, now, copy_value, &c);
    return status == STORE_OK ? c.status : status;
}

void store_value_fini(struct store_value *value)
{
    heap_free(value->p);
    *value = (struct store_value){0};
}

enum store_status store_get_many(struct store *s, const struct span *keys, size_t count, nstime now,
                                 store_got *fn, void *user)
{
    for (size_t i = 0; i < count; i++) {
        enum store_status status = check_key(s, keys[i], false);
        if (status != STORE_OK)
            return status;
    }
    return count > 0 ? s->ops->get(s, keys, count, now, fn, user) : STORE_OK;
}

enum store_status store_get_later(struct store *s, struct span key, nstime now, store_got *fn,
                                  void *user)
{
    struct store_value value = {0};
    enum store_status status = check_key(s, key, false);

    if (status != STORE_OK)
        return status;
    if (s->ops->get_later)
        return s->ops->get_later(s, key, fn, user);
    status = store_get(s, key, now, &value); /* a copy: `fn` may write */
    fn(user, 0, status, span_of(value.p, value.n));
    store_value_fini(&value);
    return STORE_OK;
}

enum store_status store_totals(struct store *s, struct span key, nstime now, store_total *fn,
                               void *user)
{
    enum store_status status = check_key(s, key, true);
    return status == STORE_OK ? s->ops->totals(s, key, now, fn, user) : status;
}

enum store_status store_scan(struct store *s, struct span prefix, nstime now, store_each *fn,
                             void *user)
{
    if (prefix.n > 0 && !word_is_good(prefix))
        return store_trouble(s, STORE_WRONG, "a prefix is not printable");
    return s->ops->scan(s, prefix, now, fn, user);
}

enum store_status store_scan_counters(struct store *s, struct span prefix, nstime now,
                                      store_each *fn, void *user)
{
    enum store_status status = check_key(s, prefix, true);
    return status == STORE_OK ? s->ops->scan_counters(s, prefix, now, fn, user) : status;
}

/* --- writing --- */

enum store_status store_clear(struct store *s, struct span key)
{
    enum store_status status = check_key(s, key, true);
    return status == STORE_OK ? s->ops->clear(s, key) : status;
}

static enum store_status put(struct store *s, struct span key, struct span value, nstime expires,
                             nstime now, bool later)
{
    enum store_status status = check_put(s, key, value);
    return status == STORE_OK ? s->ops->put(s, key, value, expires, now, later) : status;
}

enum store_status store_put(struct store *s, struct span key, struct span value, nstime expires,
                            nstime now)
{
    return put(s, key, value, expires, now, false);
}

enum store_status store_put_later(struct store *s, struct span key, struct span value,
                                  nstime expires, nstime now)
{
    return put(s, key, value, expires, now, true);
}

enum store_status store_remove(struct store *s, struct span key)
{
    enum store_status status = check_key(s, key, false);
    return status == STORE_OK ? s->ops->remove(s, key) : status;
}

static enum store_status add(struct store *s, const struct store_flush *flush, bool later)
{
    enum store_status status = check_add(s, flush);
    return status == STORE_OK && flush->count > 0 ? s->ops->add(s, flush, later) : status;
}

enum store_status store_add(struct store *s, const struct store_delta *deltas, size_t count,
                            struct span flush_id, nstime expires, nstime now)
{
    return add(s, &(struct store_flush){deltas, count, flush_id, expires, now}, false);
}

enum store_status store_add_later(struct store *s, const struct store_delta *deltas, size_t count,
                                  struct span flush_id, nstime expires, nstime now)
{
    return add(s, &(struct store_flush){deltas, count, flush_id, expires, now}, true);
}

enum store_status store_tick(struct store *s, nstime now, nstime budget)
{
    nstime begun = store_clock(), took;
    enum store_status status = s->ops->tick(s, now, budget);

    took = store_clock() - begun;
    if (took > s->stats.longest_tick)
        s->stats.longest_tick = took;
    return status;
}

enum store_status store_drain(struct store *s, nstime now, nstime timeout)
{
    return s->ops->drain(s, now, timeout);
}
