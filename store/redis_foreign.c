/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_pipe.h"

#include <math.h>
#include <stdlib.h>

enum { SCORE = 64 }; /* a double in decimal has less */

struct foreign {
    struct redis_pages pages; /* first: what redis_pages() knows of it */
    foreign_fn *fn;           /* who is told */
    void *user;               /* and what he gets */
};

/* A domain, and none of our own keys: letters, digits, hyphens and dots. */
static bool is_domain(struct span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!span_is_alpha(name.p[i]) && !span_is_digit(name.p[i]) && name.p[i] != '-' &&
            name.p[i] != '.')
            return false;
    return name.n > 0 && name.n <= CAP_DOMAIN_TEXT;
}

static double score_of(struct span text)
{
    char copy[SCORE], *end;

    if (text.n == 0 || text.n >= sizeof(copy))
        return NAN;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    double score = strtod(copy, &end);
    return *end == '\0' ? score : NAN;
}

/* A set that is gone, or something else by now, is passed over. */
static enum store_status tell_set(struct foreign *f, struct span name)
{
    const struct span args[] = {span_str("ZREVRANGE"), name, span_str("0"), span_str("0"),
                                span_str("WITHSCORES")};
    struct redis_op op;
    enum store_status status = redis_pipe_ask(f->pages.r, &op, args, 5);

    if (status == STORE_WRONG)
        return STORE_OK;
    if (status != STORE_OK)
        return status;
    const struct resp *member = resp_child(op.reply, 0, RESP_STRING);
    const struct resp *score = resp_child(op.reply, 1, RESP_STRING);
    if (member && score)
        f->pages.stopped = !f->fn(f->user, name, member->text, score_of(score->text));
    resp_free(op.reply);
    return STORE_OK;
}

static enum store_status foreign_page(struct redis_pages *p, const struct resp *page)
{
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < page->count && status == STORE_OK && !p->stopped; i++) {
        const struct resp *name = resp_child(page, i, RESP_STRING);
        if (!name)
            return redis_pipe_nonsense(p->r);
        if (is_domain(name->text))
            status = tell_set((struct foreign *)(void *)p, name->text);
    }
    return status;
}

enum store_status redis_foreign(struct redis_pipe *r, foreign_fn *fn, void *user)
{
    struct foreign f = {.pages = {.r = r,
                                  .filter = span_str("TYPE"), /* Redis 6 */
                                  .match = span_str("zset"),
                                  .fn = foreign_page},
                        .fn = fn,
                        .user = user};

    return redis_pages(&f.pages);
}
