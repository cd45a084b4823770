/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_pipe.h"

#include <stdio.h>

#define PATTERN (2 * sizeof(((struct redis_word *)0)->text))

enum { PAGES = 1000000 }; /* of a scan: a server that never ends it is none */

struct scan {
    struct redis_pipe *r;               /* whose keys */
    const struct resp *page;            /* of names, as SCAN gave it */
    struct span keys[REDIS_PIPE_ASKED]; /* of it, without our prefix */
    size_t count;                       /* of keys */
    store_each *fn;                     /* who is told */
    void *user;                         /* and what he gets */
    bool stopped;                       /* he has had enough */
};

static void scan_tell(void *user, size_t index, enum store_status status, struct span value)
{
    struct scan *scan = user;

    if (status == STORE_OK && !scan->stopped)
        scan->stopped = !scan->fn(scan->user, scan->keys[index], value);
}

/* Values are under our prefix, and neither counters nor what is known of flushes. */
static bool is_value_key(const struct redis_pipe *r, struct span name, struct span *key)
{
    struct span prefix = redis_send_prefix(r);

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
        for (; i < scan->page->count && scan->count < REDIS_PIPE_ASKED; i++) {
            const struct resp *name = resp_child(scan->page, i, RESP_STRING);
            if (!name)
                return redis_pipe_nonsense(scan->r);
            scan->count += is_value_key(scan->r, name->text, &scan->keys[scan->count]);
        }
        if (scan->count > 0)
            status = redis_pipe_get(scan->r, scan->keys, scan->count, 0, scan_tell, scan);
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

enum store_status redis_scan(struct redis_pipe *r, struct span prefix, store_each *fn, void *user)
{
    struct scan scan = {.r = r, .fn = fn, .user = user};
    char pattern[PATTERN], cursor[24] = "0";
    struct span match = pattern_of(scan.r, prefix, pattern);
    enum store_status status = STORE_OK;

    for (int pages = 0; pages < PAGES && status == STORE_OK; pages++) {
        const struct span args[] = {span_str("SCAN"),  span_str(cursor), span_str("MATCH"), match,
                                    span_str("COUNT"), span_str("256")};
        const struct resp *next;
        struct redis_op op;
        status = redis_pipe_ask(r, &op, args, 6);
        if (status != STORE_OK)
            return status;
        next = resp_child(op.reply, 0, RESP_STRING);
        scan.page = resp_child(op.reply, 1, RESP_ARRAY);
        if (next && scan.page && next->text.n < sizeof(cursor)) {
            snprintf(cursor, sizeof(cursor), "%.*s", (int)next->text.n, (const char *)next->text.p);
            status = scan_page(&scan);
        } else {
            status = redis_pipe_nonsense(r);
        }
        resp_free(op.reply);
        if (scan.stopped || strcmp(cursor, "0") == 0)
            return status;
    }
    return status;
}
