/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/expect.h"

static const char *const SOURCE_TEXT[] = {
    [EXPECTATION_MTA_STS] = "mta-sts",
    [EXPECTATION_DANE] = "dane",
    [EXPECTATION_PRELOAD] = "preload",
    [EXPECTATION_PARTNER] = "partner",
};
_Static_assert(sizeof(SOURCE_TEXT) / sizeof(SOURCE_TEXT[0]) == EXPECTATION_SOURCE_COUNT, "each");

static const char *const BINDING_TEXT[] = {
    [BINDING_RECIPIENT] = "recipient",
    [BINDING_DNS] = "dns",
    [BINDING_SNI] = "sni",
    [BINDING_GREETING] = "greeting",
};
_Static_assert(sizeof(BINDING_TEXT) / sizeof(BINDING_TEXT[0]) == BINDING_COUNT, "each");

const char *expectation_source_text(enum expectation_source s)
{
    return SOURCE_TEXT[s];
}

const char *expectation_binding_text(enum expectation_binding b)
{
    return BINDING_TEXT[b];
}

/* How much an alert would rest on it, more for more. */
static int weight(const struct expectation *e)
{
    return (e->mode == STS_MODE_ENFORCE) * 32 + (e->binding != BINDING_GREETING) * 16 +
           (e->match == MX_MATCH_WHOLE) * 8 + (e->source != EXPECTATION_PRELOAD) * 4 +
           e->strict * 2 + !e->fetched_later;
}

/* Keeps the strictest, those of equal weight in the order in which they came. */
static void keep(struct expectations *out, const struct expectation *e)
{
    size_t at = out->count;
    while (at > 0 && weight(e) > weight(&out->item[at - 1]))
        at--;
    if (at == CAP_EXPECTATIONS)
        return;
    if (out->count < CAP_EXPECTATIONS)
        out->count++;
    for (size_t i = out->count - 1u; i > at; i--)
        out->item[i] = out->item[i - 1];
    out->item[at] = *e;
}

static bool kept(const struct expectations *out, const struct domain *d)
{
    for (size_t i = 0; i < out->count; i++)
        if (out->item[i].source != EXPECTATION_DANE &&
            span_eq(domain_span(&out->item[i].domain), domain_span(d)))
            return true;
    return false;
}

/* What binds the domain at hand. */
struct tie {
    const struct book *book;
    const struct expect_query *query;
    struct expectations *out;
    enum expectation_binding binding;
    const struct domain *mx; /* NULL: unknown */
};

static void add(const struct tie *t, const struct domain *d, const struct book_policy *p,
                bool later)
{
    struct expectation e = {
        .source = p->source,
        .binding = t->binding,
        .mode = p->mode,
        .strict = p->strict,
        .fetched_later = later,
        .domain = *d,
        .match = t->mx ? book_match(p, t->mx) : MX_MATCH_WHOLE,
        .from = p->from,
        .until = p->until,
    };
    if (t->binding >= BINDING_SNI && e.match != MX_MATCH_WHOLE)
        return;
    if (t->mx)
        e.mx = *t->mx;
    if (p->demand)
        e.demand = *p->demand;
    memcpy(e.id, p->id, sizeof(e.id));
    keep(t->out, &e);
}

static void add_domain(const struct tie *t, const struct domain *d)
{
    bool later, found = false;
    if (kept(t->out, d))
        return;
    for (int s = 0; s < EXPECTATION_SOURCE_COUNT; s++) {
        enum expectation_source source = (enum expectation_source)s;
        const struct book_policy *p = book_at(t->book, d, source, t->query->time, &later);
        bool given = source != EXPECTATION_MTA_STS && later; /* a list does not speak of before */
        if (!p || given || (source == EXPECTATION_PRELOAD && found))
            continue;
        found |= source == EXPECTATION_MTA_STS;
        if (p->mode != STS_MODE_NONE)
            add(t, d, p, later);
    }
}

/* book_fn: a domain that receives at the name */
static bool add_by_name(void *user, const struct domain *d, const struct book_policy *p)
{
    const struct tie *t = user;
    (void)p; /* one of its policies has the name; the one in force may not */
    add_domain(t, d);
    return t->out->count < CAP_EXPECTATIONS;
}

/* How DNS led from the domain to this server; NULL: it did not. */
static const struct route *led_by(const struct expect_query *q, const struct domain *d)
{
    for (size_t i = 0; i < q->route_count; i++)
        if (span_eq(domain_span(&q->route[i].domain), domain_span(d)))
            return &q->route[i];
    return NULL;
}

/* RFC 7672 section 2.2: usable records make TLS a must, and the route to them is part of it. */
static void add_dane(const struct tie *t, const struct route *route)
{
    struct expectation e = {
        .source = EXPECTATION_DANE,
        .binding = t->binding,
        .mode = STS_MODE_ENFORCE,
        .strict = true,
        .fetched_later = route->stale,
        .looked_up = route->looked_up,
        .domain = route->domain,
        .mx = route->mx,
        .match = MX_MATCH_WHOLE,
        .from = INT64_MIN,
        .until = INT64_MAX,
    };
    if (route->dane)
        keep(t->out, &e);
}

/* The domains that DNS led here. False: there is none. */
static bool add_led(struct tie *t)
{
    bool led = false;
    t->binding = BINDING_DNS;
    for (size_t i = 0; i < t->query->route_count; i++) {
        const struct route *route = &t->query->route[i];
        if (route->named)
            continue;
        led = true;
        t->mx = &route->mx;
        add_domain(t, &route->domain);
        add_dane(t, route);
    }
    return led;
}

void expect_session(const struct book *b, const struct expect_query *q, struct expectations *out)
{
    struct tie t = {.book = b, .query = q, .out = out, .binding = BINDING_RECIPIENT};
    out->count = 0;
    for (size_t i = 0; i < q->recipient_count; i++) {
        const struct route *route = led_by(q, &q->recipient[i]);
        t.mx = route && !route->named ? &route->mx : NULL;
        add_domain(&t, &q->recipient[i]);
        if (route)
            add_dane(&t, route);
    }
    if (q->recipient_count > 0) /* it is known for whom the mail is */
        return;
    if (add_led(&t) || (!q->sni && !q->greeting))
        return;
    t.binding = q->sni ? BINDING_SNI : BINDING_GREETING;
    t.mx = q->sni ? q->sni : q->greeting;
    book_by_mx(b, t.mx, add_by_name, &t);
    for (size_t i = 0; i < q->route_count; i++)
        add_dane(&t, &q->route[i]);
}
