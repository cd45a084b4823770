/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stale.h"

#include <stdlib.h>

#include "base/caps.h"

struct line {
    struct line *next;
    size_t n;
    uint8_t bytes[];
};

struct stale {
    struct line *first, **end;
    size_t bytes;
    nstime since;
};

struct stale *stale_new(void)
{
    struct stale *s = calloc(1, sizeof(*s));
    if (s)
        s->end = &s->first;
    return s;
}

void stale_free(struct stale *s)
{
    if (s)
        stale_forget(s);
    free(s);
}

bool stale_keep(struct stale *s, struct span line, nstime now)
{
    struct line *l = s->bytes + line.n <= CAP_MESSAGE_SOCKET ? malloc(sizeof(*l) + line.n) : NULL;
    if (!l)
        return false;
    l->next = NULL;
    l->n = line.n;
    memcpy(l->bytes, line.p, line.n);
    s->since = s->first ? s->since : now;
    *s->end = l;
    s->end = &l->next;
    s->bytes += line.n;
    return true;
}

static void nothing(void *user, struct span line)
{
    (void)user;
    (void)line;
}

void stale_forget(struct stale *s)
{
    stale_take(s, nothing, NULL);
}

void stale_take(struct stale *s, void (*give)(void *user, struct span line), void *user)
{
    struct line *l = s->first;
    s->first = NULL;
    s->end = &s->first;
    s->bytes = 0;
    while (l) {
        struct line *next = l->next;
        give(user, span_of(l->bytes, l->n));
        free(l);
        l = next;
    }
}

nstime stale_since(const struct stale *s)
{
    return s->first ? s->since : 0;
}
