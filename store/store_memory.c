/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyed hash table with a limit of bytes. Values, counters and flush ids stand in it alike; a
 * counter's key is "key field", which no other key is, having a blank. What has expired is passed
 * over when it is met and let go by a hand that goes round the table a little with each write.
 */
#include <stdio.h>
#include <sys/random.h>

#include "base/caps.h"
#include "base/heap.h"
#include "base/siphash.h"
#include "store/backend.h"

enum {
    FIRST_BUCKETS = 256,
    SWEEP = 2,       /* buckets looked at with each write */
    SWEEP_FULL = 64, /* and when there is no room */
    WORDS = 2 * CAP_STORE_KEY + 2
};

struct entry {
    struct entry *next; /* in its bucket */
    uint64_t hash;      /* of the key */
    nstime expires;     /* STORE_NEVER: not */
    int64_t total;      /* of a counter */
    uint32_t key_n;     /* bytes of the key */
    uint32_t value_n;   /* and of the value, which follows it */
    bool fresh;         /* made by the flush that is being added */
    uint8_t bytes[];    /* key, value */
};

struct memory {
    struct store store;     /* the common part */
    struct siphash_key key; /* random: nobody chooses domains that collide */
    struct entry **bucket;  /* heads */
    size_t buckets;         /* a power of two */
    size_t count;           /* entries */
    size_t bytes;           /* that they and the table take */
    size_t most;            /* bytes that may be taken */
    size_t hand;            /* bucket that is swept next */
};

static struct memory *memory_of(struct store *s)
{
    return (struct memory *)(void *)s;
}

static struct span entry_key(const struct entry *e)
{
    return span_of(e->bytes, e->key_n);
}

static struct span entry_value(const struct entry *e)
{
    return span_of(e->bytes + e->key_n, e->value_n);
}

static bool is_over(const struct entry *e, nstime now)
{
    return e->expires != STORE_NEVER && e->expires <= now;
}

static struct entry **find_link(struct memory *m, struct span key)
{
    uint64_t hash = siphash(&m->key, key.p, key.n);
    struct entry **link = &m->bucket[hash & (m->buckets - 1)];

    while (*link && ((*link)->hash != hash || !span_eq(entry_key(*link), key)))
        link = &(*link)->next;
    return link;
}

static void unlink_entry(struct memory *m, struct entry **link)
{
    struct entry *e = *link;

    *link = e->next;
    m->bytes -= heap_size(e);
    m->count--;
    heap_free(e);
}

static void remove_key(struct memory *m, struct span key)
{
    struct entry **link = find_link(m, key);

    if (*link)
        unlink_entry(m, link);
}

static struct entry *find(struct memory *m, struct span key, nstime now)
{
    struct entry **link = find_link(m, key);

    if (*link && is_over(*link, now)) {
        unlink_entry(m, link);
        return NULL;
    }
    return *link;
}

static void sweep(struct memory *m, size_t buckets, nstime now)
{
    for (size_t i = 0; i < buckets; i++) {
        struct entry **link = &m->bucket[m->hand++ & (m->buckets - 1)];
        while (*link) {
            if (is_over(*link, now))
                unlink_entry(m, link);
            else
                link = &(*link)->next;
        }
    }
}

/* Twice the buckets; without memory for them the chains grow longer instead. */
static void grow(struct memory *m)
{
    size_t more = m->buckets * 2;
    struct entry **bucket;

    if (m->bytes + m->buckets * sizeof(void *) > m->most)
        return;
    bucket = heap_zeroed(more * sizeof(void *));
    if (!bucket)
        return;
    for (size_t i = 0; i < m->buckets; i++) {
        for (struct entry *e = m->bucket[i], *next; e; e = next) {
            next = e->next;
            e->next = bucket[e->hash & (more - 1)];
            bucket[e->hash & (more - 1)] = e;
        }
    }
    m->bytes += heap_size(bucket) - heap_size(m->bucket);
    heap_free(m->bucket);
    m->bucket = bucket;
    m->buckets = more;
}

static struct entry *make(struct memory *m, struct span key, struct span value, nstime now)
{
    size_t n = sizeof(struct entry) + key.n + value.n;
    struct entry *e = NULL, **head;

    sweep(m, m->bytes + n > m->most ? SWEEP_FULL : SWEEP, now);
    if (m->bytes + n <= m->most)
        e = heap_alloc(n);
    if (!e)
        return NULL;
    if (m->count >= m->buckets)
        grow(m);
    *e = (struct entry){.hash = siphash(&m->key, key.p, key.n),
                        .key_n = (uint32_t)key.n,
                        .value_n = (uint32_t)value.n};
    memcpy(e->bytes, key.p, key.n);
    if (value.n > 0)
        memcpy(e->bytes + key.n, value.p, value.n);
    head = &m->bucket[e->hash & (m->buckets - 1)];
    e->next = *head;
    *head = e;
    m->bytes += heap_size(e);
    m->count++;
    return e;
}

static enum store_status full(struct memory *m)
{
    return store_trouble(&m->store, STORE_FULL, "the store in memory has no room in its %zu bytes",
                         m->most);
}

/* --- values --- */

static enum store_status memory_get(struct store *s, const struct span *keys, size_t count,
                                    nstime now, store_got *fn, void *user)
{
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = find(memory_of(s), keys[i], now);
        if (e)
            fn(user, i, STORE_OK, entry_value(e));
        else
            fn(user, i, STORE_MISSING, span_of(NULL, 0));
    }
    return STORE_OK;
}

static enum store_status memory_remove(struct store *s, struct span key)
{
    remove_key(memory_of(s), key);
    return STORE_OK;
}

/* A value of about the same size takes the place of the old one. */
static bool replace(struct entry *old, struct span value)
{
    if (value.n > old->value_n || value.n < old->value_n / 2)
        return false;
    if (value.n > 0)
        memcpy(old->bytes + old->key_n, value.p, value.n);
    old->value_n = (uint32_t)value.n;
    return true;
}

/* The old value goes only when there is room for the new one. */
static struct entry *make_anew(struct memory *m, struct entry *old, struct span key,
                               struct span value, nstime now)
{
    struct entry *e, **link;

    m->bytes -= heap_size(old); /* its room counts as free */
    e = make(m, key, value, now);
    m->bytes += heap_size(old);
    for (link = e ? &e->next : NULL; link && *link && *link != old;)
        link = &(*link)->next;
    if (link && *link)
        unlink_entry(m, link);
    return e;
}

static enum store_status memory_put(struct store *s, struct span key, struct span value,
                                    nstime expires, nstime now, bool later)
{
    struct memory *m = memory_of(s);
    struct entry *e = find(m, key, now);

    if (!e || !replace(e, value))
        e = make_anew(m, e, key, value, now);
    if (!e) {
        s->stats.dropped += later;
        return full(m);
    }
    e->expires = expires;
    s->stats.acknowledged++;
    return STORE_OK;
}

static enum store_status memory_scan(struct store *s, struct span prefix, nstime now,
                                     store_each *fn, void *user)
{
    struct memory *m = memory_of(s);

    for (size_t i = 0; i < m->buckets; i++) {
        for (const struct entry *e = m->bucket[i]; e; e = e->next) {
            struct span key = entry_key(e);
            bool is_value = span_find(key, ' ') == key.n;
            if (is_value && !is_over(e, now) && span_eq(span_first(key, prefix.n), prefix) &&
                !fn(user, key, entry_value(e)))
                return STORE_OK;
        }
    }
    return STORE_OK;
}

/* --- counters --- */

static struct span two_words(uint8_t to[WORDS], struct span a, struct span b)
{
    memcpy(to, a.p, a.n);
    to[a.n] = ' ';
    memcpy(to + a.n + 1, b.p, b.n);
    return span_of(to, a.n + 1 + b.n);
}

static void remove_fresh(struct memory *m, const struct store_flush *f)
{
    uint8_t words[WORDS];

    for (size_t i = 0; i < f->count; i++) {
        struct entry **link = find_link(m, two_words(words, f->deltas[i].key, f->deltas[i].field));
        if (*link && (*link)->fresh)
            unlink_entry(m, link);
    }
}

/* An entry for each counter of the flush, so that adding cannot fail half-way. */
static bool make_counters(struct memory *m, const struct store_flush *f)
{
    uint8_t words[WORDS];

    for (size_t i = 0; i < f->count; i++) {
        struct span key = two_words(words, f->deltas[i].key, f->deltas[i].field);
        struct entry *e = find(m, key, f->now);
        if (e)
            continue;
        e = make(m, key, span_of(NULL, 0), f->now);
        if (!e) {
            remove_fresh(m, f);
            return false;
        }
        e->fresh = true;
    }
    return true;
}

static enum store_status add_all(struct memory *m, const struct store_flush *f)
{
    enum store_status status = STORE_OK;
    uint8_t words[WORDS];

    for (size_t i = 0; i < f->count; i++) {
        struct entry *e = *find_link(m, two_words(words, f->deltas[i].key, f->deltas[i].field));
        int64_t sum;
        if (!e)
            continue; /* make_counters() made it */
        e->fresh = false;
        e->expires = f->expires;
        if (__builtin_add_overflow(e->total, f->deltas[i].by, &sum))
            status = store_trouble(&m->store, STORE_WRONG, "a counter would overflow");
        else
            e->total = sum;
    }
    return status;
}

static enum store_status memory_add(struct store *s, const struct store_flush *f, bool later)
{
    struct memory *m = memory_of(s);
    uint8_t words[WORDS];
    struct span id = two_words(words, span_str("flush"), f->id);
    struct entry *guard;

    if (find(m, id, f->now))
        return STORE_OK;
    guard = make(m, id, span_of(NULL, 0), f->now);
    if (!guard || !make_counters(m, f)) {
        remove_key(m, id);
        s->stats.dropped += later;
        return full(m);
    }
    guard->expires = f->now + CAP_STORE_FLUSH_S * NS_PER_S;
    s->stats.acknowledged++;
    return add_all(m, f);
}

static enum store_status memory_totals(struct store *s, struct span key, nstime now,
                                       store_total *fn, void *user)
{
    struct memory *m = memory_of(s);
    enum store_status status = STORE_MISSING;

    for (size_t i = 0; i < m->buckets; i++) {
        for (const struct entry *e = m->bucket[i]; e; e = e->next) {
            struct span both = entry_key(e), first = span_first(both, span_find(both, ' '));
            if (is_over(e, now) || first.n == both.n || !span_eq(first, key))
                continue;
            status = STORE_OK;
            if (!fn(user, span_from(both, first.n + 1), e->total))
                return status;
        }
    }
    return status;
}

static enum store_status memory_scan_counters(struct store *s, struct span prefix, nstime now,
                                              store_each *fn, void *user)
{
    struct memory *m = memory_of(s);

    for (size_t i = 0; i < m->buckets; i++) {
        for (const struct entry *e = m->bucket[i]; e; e = e->next) {
            struct span both = entry_key(e), key = span_first(both, span_find(both, ' '));
            if (!is_over(e, now) && key.n < both.n && span_eq(span_first(key, prefix.n), prefix) &&
                !fn(user, key, span_of(NULL, 0)))
                return STORE_OK;
        }
    }
    return STORE_OK;
}

static enum store_status memory_clear(struct store *s, struct span key)
{
    struct memory *m = memory_of(s);

    for (size_t i = 0; i < m->buckets; i++) {
        for (struct entry **link = &m->bucket[i]; *link;) {
            struct span both = entry_key(*link), first = span_first(both, span_find(both, ' '));
            if (first.n < both.n && span_eq(first, key))
                unlink_entry(m, link);
            else
                link = &(*link)->next;
        }
    }
    return STORE_OK;
}

/* --- the life of the store --- */

static enum store_status memory_tick(struct store *s, nstime now, nstime budget)
{
    (void)budget; /* two buckets take less than any */
    sweep(memory_of(s), SWEEP, now);
    return STORE_OK;
}

static enum store_status memory_drain(struct store *s, nstime now, nstime timeout)
{
    (void)s, (void)now, (void)timeout; /* nothing is ever queued */
    return STORE_OK;
}

static void memory_close(struct store *s)
{
    struct memory *m = memory_of(s);

    for (size_t i = 0; i < m->buckets; i++)
        while (m->bucket[i])
            unlink_entry(m, &m->bucket[i]);
    heap_free(m->bucket);
    heap_free(m);
}

enum store_status store_memory_open(struct store **s, const struct store_options *o)
{
    static const struct store_ops OPS = {
        .get = memory_get,
        .put = memory_put,
        .remove = memory_remove,
        .add = memory_add,
        .totals = memory_totals,
        .scan = memory_scan,
        .scan_counters = memory_scan_counters,
        .clear = memory_clear,
        .tick = memory_tick,
        .drain = memory_drain,
        .close = memory_close,
    };
    struct memory *m = heap_zeroed(sizeof(*m));

    if (!m)
        return STORE_FULL;
    m->store.ops = &OPS;
    m->buckets = FIRST_BUCKETS;
    m->bucket = heap_zeroed(m->buckets * sizeof(void *));
    m->most = o->memory_bytes ? o->memory_bytes : CAP_STORE_MEMORY;
    if (!m->bucket || getrandom(&m->key, sizeof(m->key), 0) != (ssize_t)sizeof(m->key)) {
        heap_free(m->bucket);
        heap_free(m);
        return STORE_FULL;
    }
    m->bytes = heap_size(m->bucket);
    *s = &m->store;
    return STORE_OK;
}
