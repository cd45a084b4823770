/* SPDX-License-Identifier: Apache-2.0 */
#include "history/kinds.h"

#include <stddef.h>

/* A count stays at its largest value. */
static uint32_t add(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Longer ago, or more seldom seen. */
static bool worth_less(const struct kinds_item *a, const struct kinds_item *b)
{
    return a->day < b->day || (a->day == b->day && a->count < b->count);
}

/* The one of `what`; else a free one; else the least. */
static struct kinds_item *place_of(struct kinds *k, uint64_t what)
{
    struct kinds_item *place = NULL;
    for (size_t i = 0; i < KINDS_MOST; i++) {
        struct kinds_item *at = &k->one[i];
        if (at->what == what)
            return at;
        if (!place || (place->what && (!at->what || worth_less(at, place))))
            place = at;
    }
    return place;
}

bool kinds_seen(struct kinds *k, uint64_t what, int32_t day)
{
    if (what == 0)
        return true;
    struct kinds_item *place = place_of(k, what);
    bool known = place->what == what;
    if (!known)
        *place = (struct kinds_item){.what = what};
    place->count = add(place->count, 1);
    place->day = day;
    return known;
}

void kinds_put(struct kinds *k, uint64_t what, uint32_t count, int32_t day)
{
    const struct kinds_item more = {.what = what, .count = count, .day = day};
    struct kinds_item *place = place_of(k, what);
    if (place->what == what) {
        place->count = add(place->count, count);
        place->day = day > place->day ? day : place->day;
    } else if (!place->what || worth_less(place, &more)) {
        *place = more;
    }
}

uint32_t kinds_count(const struct kinds *k, uint64_t what)
{
    for (size_t i = 0; i < KINDS_MOST; i++)
        if (k->one[i].what == what)
            return k->one[i].count;
    return 0;
}

struct usual_kind kinds_recall(const struct kinds *k, uint64_t what, bool itself)
{
    struct usual_kind u = {0};
    for (size_t i = 0; i < KINDS_MOST && k->one[i].what; i++) {
        u.seen = add(u.seen, k->one[i].count);
        u.kinds++;
        if (what && k->one[i].what == what)
            u.same = k->one[i].count;
    }
    u.seen -= itself && u.same > 0;
    u.same -= itself && u.same > 0;
    return u;
}
