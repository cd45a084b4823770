/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail exchangers and their TLSA records, as RFC 7672 section 2.2 has a sender find them. Of a host
 * whose addresses are secure, CNAMEs included, the records stand at what the CNAMEs lead to, or
 * else at its own name. Where the addresses are insecure, there can be records only at a name that
 * is a secure CNAME itself; for all others the question is not asked (section 2.2.2). An error at
 * any step means that mail waits (section 2.1.2), so it is kept and nothing else tried.
 */
#include <stdio.h>

#include "online/lookup_job.h"
#include "online/rdata.h"

#define TLSA_NAME (CAP_DOMAIN_TEXT + 16)
#define NAME_MOST 253

static bool erred(enum lookup_security s)
{
    return s == LOOKUP_BOGUS || s == LOOKUP_FAILED;
}

static enum lookup_security worse(enum lookup_security a, enum lookup_security b)
{
    static const int RANK[LOOKUP_SECURITY_COUNT] = {
        [LOOKUP_SECURE] = 0, [LOOKUP_INSECURE] = 1, [LOOKUP_FAILED] = 2, [LOOKUP_BOGUS] = 3};
    return RANK[a] >= RANK[b] ? a : b;
}

static struct lookup_mx *item_of(struct lookup_exchange *x)
{
    return &x->job->l.item[x - x->job->exchange];
}

static void count_up(uint16_t *n)
{
    if (*n < UINT16_MAX)
        ++*n;
}

/* --- TLSA --- */

static void on_tlsa(void *user, const struct answer *a);

static void tlsa_next(struct lookup_exchange *x)
{
    struct lookup_mx *m = item_of(x);
    char name[TLSA_NAME];

    while (x->tried < x->bases) {
        m->base = x->base[x->tried++];
        snprintf(name, sizeof(name), "_25._tcp.%s", m->base.text);
        if (strlen(name) > NAME_MOST) { /* there can be no such name */
            m->tlsa = x->address;
            continue;
        }
        lookup_job_ask(x->job, name, RESOLVE_TLSA, on_tlsa, x);
        return;
    }
}

static void tlsa_keep(struct lookup_mx *m, const struct answer *a)
{
    m->has_tlsa = a->n > 0;
    for (size_t i = 0; i < a->n; i++) {
        struct route_tlsa one;
        struct tlsa t;
        if (!tlsa_read(a->rdata[i], &t) || !route_tlsa_of(&t, &one))
            continue;
        if (m->records < CAP_ROUTES_TLSA)
            m->record[m->records++] = one;
        else
            count_up(&m->records_left_out);
    }
}

static void on_tlsa(void *user, const struct answer *a)
{
    struct lookup_exchange *x = user;
    struct lookup_mx *m = item_of(x);

    if (!lookup_job_came(x->job))
        return;
    m->tlsa = a->security;
    m->ttl = a->ttl;
    if (erred(a->security)) {
        lookup_job_why(x->job, m->base.text, a->why);
        return;
    }
    if (a->security == LOOKUP_SECURE)
        tlsa_keep(m, a);
    if (!m->has_tlsa)
        tlsa_next(x);
}

/* --- addresses --- */

static void on_alias(void *user, const struct answer *a)
{
    struct lookup_exchange *x = user;
    struct lookup_mx *m = item_of(x);

    if (!lookup_job_came(x->job))
        return;
    m->tlsa = erred(a->security) ? a->security : LOOKUP_INSECURE;
    if (erred(a->security))
        lookup_job_why(x->job, m->host.text, a->why);
    if (a->security != LOOKUP_SECURE || a->n == 0)
        return;
    m->alias = true;
    x->base[x->bases++] = m->host;
    tlsa_next(x);
}

static void addresses_good(struct lookup_exchange *x, struct lookup_mx *m)
{
    m->tlsa = LOOKUP_INSECURE;
    if (x->job->l.mx != LOOKUP_SECURE)
        return;
    if (x->address == LOOKUP_SECURE) {
        if (x->aliased && x->canonical.n > 0)
            x->base[x->bases++] = x->canonical;
        x->base[x->bases++] = m->host;
        tlsa_next(x);
    } else if (x->aliased) {
        lookup_job_ask(x->job, m->host.text, RESOLVE_CNAME, on_alias, x);
    }
}

static void addresses_done(struct lookup_exchange *x)
{
    struct lookup_mx *m = item_of(x);

    m->address = m->tlsa = x->address;
    if (erred(x->address))
        return;
    if (x->has_address)
        addresses_good(x, m);
    else if (x->implicit)
        x->job->l.items = 0; /* neither MX nor address: nobody receives */
}

static void addresses_keep(struct lookup_mx *m, const struct answer *a)
{
    for (size_t i = 0; i < a->n; i++) {
        struct span bytes = a->rdata[i];
        if (bytes.n != 4 && bytes.n != 16)
            continue;
        if (m->addresses == CAP_LOOKUP_ADDRESSES) {
            count_up(&m->addresses_left_out);
            continue;
        }
        struct lookup_address *to = &m->at[m->addresses++];
        to->family = bytes.n == 4 ? 4 : 6;
        memcpy(to->bytes, bytes.p, bytes.n);
    }
}

static void on_address(void *user, const struct answer *a)
{
    struct lookup_exchange *x = user;

    if (!lookup_job_came(x->job))
        return;
    x->address = worse(x->address, a->security);
    if (erred(a->security))
        lookup_job_why(x->job, item_of(x)->host.text, a->why);
    x->has_address = x->has_address || a->n > 0;
    addresses_keep(item_of(x), a);
    if (a->aliased && !x->aliased) {
        x->aliased = true;
        x->canonical = a->canonical;
    }
    if (--x->waiting == 0)
        addresses_done(x);
}

static void addresses_ask(struct lookup_job *j, bool implicit)
{
    for (uint8_t i = 0; i < j->l.items; i++) {
        struct lookup_mx *m = &j->l.item[i];
        j->exchange[i] = (struct lookup_exchange){
            .job = j, .waiting = 2, .address = LOOKUP_SECURE, .implicit = implicit};
        m->base = m->host;
        m->address = m->tlsa = LOOKUP_FAILED;
    }
    uint8_t items = j->l.items; /* an answer may come at once, and change it */
    for (uint8_t i = 0; i < items; i++) {
        lookup_job_ask(j, j->l.item[i].host.text, RESOLVE_A, on_address, &j->exchange[i]);
        lookup_job_ask(j, j->l.item[i].host.text, RESOLVE_AAAA, on_address, &j->exchange[i]);
    }
}

/* --- MX --- */

static bool before(const struct lookup_mx *m, uint16_t preference, const struct domain *host)
{
    if (m->preference != preference)
        return m->preference < preference;
    return strcmp(m->host.text, host->text) < 0;
}

static void item_remove(struct lookup *l, uint8_t at)
{
    for (l->items--; at < l->items; at++)
        l->item[at] = l->item[at + 1];
}

/* The best stay, each host once. A host that was left out and is there twice counts twice. */
static void item_add(struct lookup *l, uint16_t preference, const struct domain *host)
{
    uint8_t at = 0;

    for (uint8_t i = 0; i < l->items; i++) {
        if (!span_eq(domain_span(&l->item[i].host), domain_span(host)))
            continue;
        if (l->item[i].preference <= preference)
            return;
        item_remove(l, i);
    }
    while (at < l->items && before(&l->item[at], preference, host))
        at++;
    if (l->items == CAP_LOOKUP_MX)
        count_up(&l->items_left_out); /* this one, or the last */
    if (at == CAP_LOOKUP_MX)
        return;
    if (l->items < CAP_LOOKUP_MX)
        l->items++;
    for (uint8_t i = (uint8_t)(l->items - 1); i > at; i--)
        l->item[i] = l->item[i - 1];
    l->item[at] = (struct lookup_mx){.host = *host, .preference = preference};
}

static void on_mx(void *user, const struct answer *a)
{
    struct lookup_job *j = user;

    if (!lookup_job_came(j))
        return;
    j->l.mx = a->security;
    if (erred(a->security)) {
        lookup_job_why(j, j->l.domain.text, a->why);
        return;
    }
    if (a->aliased && domain_valid(domain_span(&a->canonical)))
        j->l.expansion = a->canonical;
    for (size_t i = 0; i < a->n; i++) {
        uint16_t preference;
        struct domain host;
        if (rdata_mx(a->rdata[i], &preference, &host) && host.n > 0)
            item_add(&j->l, preference, &host);
    }
    bool implicit = a->n == 0 && !a->no_name; /* RFC 5321 section 5.1 */
    if (implicit)
        item_add(&j->l, 0, &j->l.domain);
    addresses_ask(j, implicit);
}

void lookup_mx_ask(struct lookup_job *j)
{
    lookup_job_ask(j, j->l.domain.text, RESOLVE_MX, on_mx, j);
}
