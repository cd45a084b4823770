/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a place to keep things has to offer store/store.c, and nobody else's business. Keys, fields,
 * flush ids and sizes were checked before a backend sees them.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/foreign.h"
#include "store/store.h"
#include "store/where.h"

enum { STORE_WARNINGS = 8, STORE_WARNING = 200 };

struct store_flush {
    const struct store_delta *deltas; /* what is added */
    size_t count;                     /* of deltas; not 0 */
    struct span id;                   /* for which this happens once */
    nstime expires;                   /* of the counters */
    nstime now;                       /* the caller's time */
};

struct store_ops {
    enum store_status (*get)(struct store *s, const struct span *keys, size_t count, nstime now,
                             store_got *fn, void *user);
    /* NULL: `get` never waits for a network. */
    enum store_status (*get_later)(struct store *s, struct span key, store_got *fn, void *user);
    /* `later`: may be queued; otherwise it returns when it is written for good. */
    enum store_status (*put)(struct store *s, struct span key, struct span value, nstime expires,
                             nstime now, bool later);
    enum store_status (*remove)(struct store *s, struct span key);
    enum store_status (*add)(struct store *s, const struct store_flush *flush, bool later);
    enum store_status (*totals)(struct store *s, struct span key, nstime now, store_total *fn,
                                void *user);
    enum store_status (*scan)(struct store *s, struct span prefix, nstime now, store_each *fn,
                              void *user);
    enum store_status (*scan_counters)(struct store *s, struct span prefix, nstime now,
                                       store_each *fn, void *user);
    enum store_status (*clear)(struct store *s, struct span key);
    enum store_status (*tick)(struct store *s, nstime now, nstime budget);
    enum store_status (*drain)(struct store *s, nstime now, nstime timeout);
    /* NULL: nobody else keeps anything there. */
    enum store_status (*foreign)(struct store *s, foreign_fn *fn, void *user);
    void (*close)(struct store *s);
};

/* The beginning of every backend's own struct. */
struct store {
    const struct store_ops *ops;
    struct store_stats stats; /* kept by the backend, but longest_tick */
    size_t warnings;          /* in `warning` */
    char warning[STORE_WARNINGS][STORE_WARNING];
    char name[STORE_NAME]; /* where it is, without secrets */
    char error[STORE_WHY]; /* the newest trouble */
};

/* Each makes a store of its kind; *s is NULL but for STORE_OK and STORE_AWAY. */
enum store_status store_memory_open(struct store **s, const struct store_options *o);
enum store_status store_sqlite_open(struct store **s, const struct where *where,
                                    const struct store_options *o, char why[STORE_WHY]);
enum store_status store_redis_open(struct store **s, const struct where *where,
                                   const struct store_options *o, char why[STORE_WHY]);

/* A warning of opening; what is too much is left out. */
void store_warn(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Keeps the text as the newest trouble, counts what is wrong, and returns `status`. */
enum store_status store_trouble(struct store *s, enum store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
