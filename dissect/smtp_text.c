/* SPDX-License-Identifier: Apache-2.0 */
/* Texts kept with the session: one pool, capped; local parts leave before anything is stored. */

#include "base/heap.h"
#include "dissect/smtp_state.h"

#define FIRST_SIZE 512

static uint8_t *room_for(struct session *s, size_t n)
{
    if (s->pool_used + n > s->pool_size) {
        size_t size = s->pool_size ? s->pool_size : FIRST_SIZE;
        uint8_t *p;

        while (size < s->pool_used + n)
            size *= 2;
        if (size > CAP_TEXT_POOL)
            return NULL;
        p = heap_resize(s->pool, size);
        if (!p)
            return NULL;
        s->pool = p;
        s->pool_size = (uint16_t)size;
    }
    return s->pool + s->pool_used;
}

struct text smtp_text_keep(struct session *s, struct span bytes, size_t cap)
{
    struct text t = {s->pool_used, 0};
    size_t n = bytes.n < cap ? bytes.n : cap;
    uint8_t *at;

    if (n == 0)
        return t;
    at = room_for(s, n);
    if (!at) {
        s->caps_hit++;
        return t;
    }
    memcpy(at, bytes.p, n);
    t.len = (uint16_t)n;
    s->pool_used = (uint16_t)(s->pool_used + n);
    return t;
}

/* The domain of an address, its `@` included; empty when there is none. */
static struct span at_domain(struct span path)
{
    for (size_t i = path.n; i > 0; i--)
        if (path.p[i - 1] == '@')
            return span_from(path, i - 1);
    return span_of(path.p, 0);
}

struct text smtp_text_address(struct smtp *m, struct span path)
{
    uint8_t masked[1 + 1 + CAP_DOMAIN_TEXT];
    struct span domain = span_first(at_domain(path), 1 + CAP_DOMAIN_TEXT);

    if (path.n == 0)
        return smtp_text_keep(m->s, span_str("<>"), 2);
    if (m->keep_addresses)
        return smtp_text_keep(m->s, path, CAP_ADDRESS_TEXT);
    masked[0] = '*';
    if (domain.n)
        memcpy(masked + 1, domain.p, domain.n);
    return smtp_text_keep(m->s, span_of(masked, 1 + domain.n), sizeof(masked));
}

static bool domain_known(const struct session *s, struct span domain)
{
    for (uint8_t i = 0; i < s->rcpt_domain_count; i++)
        if (span_eq(session_text(s, s->rcpt_domain[i]), domain))
            return true;
    return false;
}

static void keep_domain(struct session *s, struct span domain)
{
    uint8_t lower[CAP_DOMAIN_TEXT];
    struct text *list;

    domain = span_first(domain, sizeof(lower));
    for (size_t i = 0; i < domain.n; i++)
        lower[i] =
            (domain.p[i] >= 'A' && domain.p[i] <= 'Z') ? (uint8_t)(domain.p[i] + 32) : domain.p[i];
    domain = span_of(lower, domain.n);
    if (domain.n == 0 || s->rcpt_domain_count >= CAP_RECIPIENTS || domain_known(s, domain))
        return;
    list = session_list_room(s->rcpt_domain, s->rcpt_domain_count, sizeof(*list));
    if (!list)
        return;
    s->rcpt_domain = list;
    s->rcpt_domain[s->rcpt_domain_count++] = smtp_text_keep(s, domain, CAP_DOMAIN_TEXT);
}

void smtp_text_recipient(struct smtp *m, struct span path)
{
    struct session *s = m->s;
    struct text *list;

    keep_domain(s, span_from(at_domain(path), 1));
    list = s->rcpt_count < CAP_RECIPIENTS ? session_list_room(s->rcpt, s->rcpt_count, sizeof(*list))
                                          : NULL;
    if (!list) {
        s->caps_hit++;
        return;
    }
    s->rcpt = list;
    s->rcpt[s->rcpt_count++] = smtp_text_address(m, path);
}
