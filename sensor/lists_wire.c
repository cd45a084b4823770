/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lists_wire.h"

#include <stdlib.h>
#include <string.h>

#include "policy/lookup_json.h"

#define PATTERN_MOST (CAP_DOMAIN_TEXT + 2) /* "*." and a name */

/* Before the demand and the patterns, each of which stands behind its length. */
struct head {
    nstime from, until;
    uint32_t max_age, mx_count;
    uint8_t source, origin, mode, strict, demand, domain_n, id_n;
    char domain[CAP_DOMAIN_TEXT + 1];
    char id[CAP_STS_ID + 1];
};

/* --- writing --- */

struct writing {
    uint8_t *p;
    size_t n, room;
    bool full;
};

static void put(struct writing *w, const void *from, size_t n)
{
    w->full = w->full || n > w->room - w->n;
    if (w->full)
        return;
    memcpy(w->p + w->n, from, n);
    w->n += n;
}

static struct head head_of(const struct domain *d, const struct book_policy *p)
{
    struct head h;
    memset(&h, 0, sizeof(h)); /* the gaps between members as well */
    h.from = p->from;
    h.until = p->until;
    h.max_age = p->max_age;
    h.mx_count = p->mx_count;
    h.source = (uint8_t)p->source;
    h.origin = (uint8_t)p->origin;
    h.mode = (uint8_t)p->mode;
    h.strict = p->strict;
    h.demand = p->demand != NULL;
    h.domain_n = d->n;
    h.id_n = (uint8_t)strnlen(p->id, CAP_STS_ID);
    memcpy(h.domain, d->text, d->n);
    memcpy(h.id, p->id, h.id_n);
    return h;
}

size_t lists_put_policy(uint8_t *to, size_t room, const struct domain *d,
                        const struct book_policy *p)
{
    struct writing w = {.p = to, .room = room};
    const struct head h = head_of(d, p);
    put(&w, &h, sizeof(h));
    if (p->demand)
        put(&w, p->demand, sizeof(*p->demand));
    for (uint32_t i = 0; i < p->mx_count; i++) {
        uint16_t n = (uint16_t)p->mx[i].n;
        put(&w, &n, sizeof(n));
        put(&w, p->mx[i].p, p->mx[i].n);
    }
    return w.full ? 0 : w.n;
}

/* --- reading --- */

static bool take(struct span *from, void *to, size_t n)
{
    if (n > from->n)
        return false;
    memcpy(to, from->p, n);
    *from = span_from(*from, n);
    return true;
}

static bool head_good(const struct head *h, struct domain *d)
{
    return h->source < EXPECTATION_SOURCE_COUNT && h->origin < BOOK_ORIGIN_COUNT &&
           h->mode <= STS_MODE_ENFORCE && h->strict <= 1 && h->demand <= 1 &&
           h->mx_count <= CAP_STS_MX && h->id_n <= CAP_STS_ID && h->id[h->id_n] == '\0' &&
           strlen(h->id) == h->id_n && h->from <= h->until &&
           domain_read(span_of(h->domain, h->domain_n), d);
}

static bool take_demand(struct span *from, const struct head *h, struct partner_demand *to)
{
    uint8_t pinned;
    if (!h->demand)
        return true;
    if (from->n < sizeof(*to))
        return false;
    memcpy(&pinned, from->p + offsetof(struct partner_demand, pinned), sizeof(pinned));
    return pinned <= 1 && take(from, to, sizeof(*to)) && memchr(to->issuer, 0, sizeof(to->issuer));
}

static bool take_pattern(struct span *from, struct span *to)
{
    struct domain base;
    bool wildcard;
    uint16_t n;
    if (!take(from, &n, sizeof(n)) || n > PATTERN_MOST || n > from->n)
        return false;
    *to = span_first(*from, n);
    *from = span_from(*from, n);
    return domain_read(mx_pattern_base(*to, &wildcard), &base);
}

static bool take_policy(struct lists *l, struct span body)
{
    struct span mx[CAP_STS_MX];
    struct partner_demand demand;
    struct domain d;
    struct head h;
    if (!take(&body, &h, sizeof(h)) || !head_good(&h, &d) || !take_demand(&body, &h, &demand))
        return false;
    for (uint32_t i = 0; i < h.mx_count; i++)
        if (!take_pattern(&body, &mx[i]))
            return false;
    struct book_policy p = {.origin = (enum book_origin)h.origin,
                            .source = (enum expectation_source)h.source,
                            .mode = (enum sts_mode)h.mode,
                            .strict = h.strict,
                            .max_age = h.max_age,
                            .from = h.from,
                            .until = h.until,
                            .mx = mx,
                            .mx_count = h.mx_count,
                            .demand = h.demand ? &demand : NULL};
    memcpy(p.id, h.id, sizeof(p.id));
    return body.n == 0 && book_add(l->book, &d, &p) != BOOK_NO_MEMORY;
}

static bool take_lookup(struct lists *l, struct span line)
{
    char why[LOOKUP_JSON_WHY];
    struct lookup *found = malloc(sizeof(*found));
    if (!found)
        return false;
    bool good = lookup_json_read(line, found, why) == 0 && lists_note_lookup(l, found->time, line);
    lookup_fini(found);
    free(found);
    return good;
}

static bool take_suppress(struct suppress *list, struct span body)
{
    char why[CAP_STS_REASON];
    uint32_t number;
    return take(&body, &number, sizeof(number)) && suppress_read(list, body, number, why) == 1;
}

static bool take_begin(struct lists_begin *b, struct span body)
{
    return body.n == sizeof(*b) && take(&body, b, sizeof(*b)) && b->whole <= 1 && b->state <= 1 &&
           b->preload <= 1;
}

/* lists_problem_fn: no source is read here. */
static void no_problem(void *user, const char *name, unsigned line, const char *what)
{
    (void)user;
    (void)name;
    (void)line;
    (void)what;
}

bool lists_taken_init(struct lists_taken *t, const struct siphash_key *key, suppress_ended_fn ended,
                      void *user)
{
    *t = (struct lists_taken){.suppress = suppress_new(ended, user)};
    bool listed = lists_init(&t->lists, key, no_problem, NULL);
    return listed && t->suppress;
}

void lists_taken_fini(struct lists_taken *t)
{
    lists_fini(&t->lists);
    suppress_free(t->suppress);
}

enum lists_step lists_take(struct lists_taken *t, enum lists_record record, struct span body)
{
    bool good = false;
    if (record == LISTS_BEGIN)
        good = t->open = !t->open && take_begin(&t->begin, body);
    else if (!t->open)
        return LISTS_MORE;
    else if (record == LISTS_POLICY)
        good = take_policy(&t->lists, body);
    else if (record == LISTS_LOOKUP)
        good = take_lookup(&t->lists, body);
    else if (record == LISTS_SUPPRESS)
        good = take_suppress(t->suppress, body);
    else if (record == LISTS_END && body.n == 0)
        return LISTS_WHOLE;
    return good ? LISTS_MORE : LISTS_WRONG;
}
