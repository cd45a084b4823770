/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_pipe.h"

#include <stdio.h>

#define PATTERN (2 * sizeof(((struct redis_word *)0)->text))

enum { PAGES = 1000000 }; /* of a scan: a server that never ends it is none */

enum { CURSOR = 24 }; /* 64 bits in decimal, and more */

struct scan {
    struct redis_pages pages;           /* first: what redis_pages() knows of it */
    struct span keys[REDIS_PIPE_ASKED]; /* of it, without our prefix */
    size_t count;                       /* of keys */
    bool counters;                      /* names of counters are wanted, and not values */
    store_each *fn;                     /* who is told */
    void *user;                         /* and what he gets */
};

static void scan_tell(void *user, size_t index, enum store_status status, struct span value)
{
    struct scan *scan = user;

    if (status == STORE_OK && !scan->pages.stopped)
        scan->pages.stopped = !scan->fn(scan->user, scan->keys[index], value);
}

/* Values are under our prefix, and neither counters nor what is known of flushes. */
static bool is_wanted(const struct redis_pipe *r, struct span name, bool counters, struct span *key)
{
    struct span prefix = redis_send_prefix(r);
    bool counter;

    if (!span_eq(span_first(name, prefix.n), prefix))
        return false;
    *key = span_from(name, prefix.n);
    counter = span_starts_nocase(*key, span_str("count/"));
    return key->n > 0 && key->n <= CAP_STORE_KEY && counter == counters &&
           !span_starts_nocase(*key, span_str("flush/"));
}

static void tell_names(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        scan_tell(scan, i, STORE_OK, span_of(NULL, 0));
}

/* A page is told in portions; the next page comes when it was told. */
static enum store_status scan_page(struct redis_pages *p, const struct resp *page)
{
    struct scan *scan = (struct scan *)(void *)p;
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < page->count && status == STORE_OK && !p->stopped;) {
        scan->count = 0;
        for (; i < page->count && scan->count < REDIS_PIPE_ASKED; i++) {
            const struct resp *name = resp_child(page, i, RESP_STRING);
            if (!name)
                return redis_pipe_nonsense(p->r);
            scan->count += is_wanted(p->r, name->text, scan->counters, &scan->keys[scan->count]);
        }
        if (scan->counters)
            tell_names(scan);
        else if (scan->count > 0)
            status = redis_pipe_get(p->r, scan->keys, scan->count, 0, scan_tell, scan);
    }
    return status;
}

/* The pattern of all keys with that prefix: what means something in a pattern is escaped. */
static struct span pattern_of(const struct redis_pipe *r, struct span prefix, char to[PATTERN])
{
    struct redis_word word;
    struct span name = redis_send_key(r, &word, "", prefix);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        if (strchr("*?[]^-\\", name.p[i]))
            to[n++] = '\\';
        to[n++] = (char)name.p[i];
    }
    to[n++] = '*';
    return span_of(to, n);
}

/* One page of SCAN. `cursor` moves on; "0" was the last one. */
static enum store_status take_page(struct redis_pages *p, char cursor[CURSOR])
{
    const struct span args[] = {span_str("SCAN"), span_str(cursor),  p->filter,
                                p->match,         span_str("COUNT"), span_str("256")};
    const struct resp *next, *page;
    struct redis_op op;
    enum store_status status = redis_pipe_ask(p->r, &op, args, 6);

    if (status != STORE_OK)
        return status;
    next = resp_child(op.reply, 0, RESP_STRING);
    page = resp_child(op.reply, 1, RESP_ARRAY);
    if (next && page && next->text.n < CURSOR) {
        snprintf(cursor, CURSOR, "%.*s", (int)next->text.n, (const char *)next->text.p);
        status = p->fn(p, page);
    } else {
        status = redis_pipe_nonsense(p->r);
    }
    resp_free(op.reply);
    return status;
}

enum store_status redis_pages(struct redis_pages *p)
{
    char cursor[CURSOR] = "0";
    enum store_status status = STORE_OK;

    for (int pages = 0; pages < PAGES && status == STORE_OK && !p->stopped; pages++) {
        status = take_page(p, cursor);
        if (strcmp(cursor, "0") == 0)
            break;
    }
    return status;
}

enum store_status redis_scan(struct redis_pipe *r, struct span prefix, bool counters,
                             store_each *fn, void *user)
{
    char pattern[PATTERN];
    struct scan scan = {.pages = {.r = r, .filter = span_str("MATCH"), .fn = scan_page},
                        .counters = counters,
                        .fn = fn,
                        .user = user};

    scan.pages.match = pattern_of(r, prefix, pattern);
    return redis_pages(&scan.pages);
}
