/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/promises.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "policy/expect.h"
#include "policy/field.h"
#include "policy/lookup_json.h"
#include "sensor/discover.h"
#include "sensor/lookups.h"

#define PORT_SMTP 25
#define A_DAY     (86400 * NS_PER_S)
#define CODE      4 /* bytes of "220 " */

#define EARLY      16 /* answers without a query that are kept for a moment */
#define EARLY_MOST (100 * NS_PER_MS)

struct early {
    struct dns_sighting s;
    struct dns_message m;
};

/* What one of those has to tell when the packets come to its time. */
struct pending {
    struct discovery d;
    char id[CAP_STS_ID + 1];
    char text[CAP_LOOKUP_TEXT];
};

struct promises {
    struct lists lists; /* and its book, which also has what look-ups found */
    struct routes *routes;
    struct exchangers *exchangers;
    struct lookups *lookups;
    struct pending *pending;
    size_t pending_n, pending_room, pending_told;
    nstime first; /* packet; INT64_MIN: there was none */
    struct discover *discover;
    promises_problem_fn problem;
    void *user;
    bool preload_told;
    const struct role_nets *resolvers; /* whose AD bit counts; NULL: anybody's */
    struct dns_message doubted;        /* without it */
    struct early early[EARLY];         /* a ring */
    uint32_t early_next;
};

struct promises *promises_new(const struct siphash_key *key, promises_problem_fn problem,
                              void *user)
{
    struct promises *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    bool listed = lists_init(&p->lists, key, problem, user);
    p->routes = routes_new(key);
    p->exchangers = exchangers_new(key);
    p->lookups = lookups_new(key, p->lists.book, p->exchangers);
    p->discover = discover_new(
        key, &(struct discover_aid){p->lists.book, p->routes, p->exchangers, p->lookups});
    p->problem = problem;
    p->user = user;
    p->first = INT64_MIN;
    if (listed && p->routes && p->exchangers && p->lookups && p->discover)
        return p;
    promises_free(p);
    return NULL;
}

void promises_free(struct promises *p)
{
    if (!p)
        return;
    discover_free(p->discover);
    lookups_free(p->lookups);
    exchangers_free(p->exchangers);
    routes_free(p->routes);
    free(p->pending);
    lists_fini(&p->lists);
    free(p);
}

uint64_t promises_count(const struct promises *p)
{
    return book_count(p->lists.book);
}

/* --- loading --- */

static int complain(struct promises *p, const char *name, unsigned line, const char *what)
{
    p->problem(p->user, name, line, what);
    return -1;
}

/* Room for one more behind `n`; `list` as it is then, or NULL, and it is as it was. */
static void *with_room(void *list, size_t *room, size_t n, size_t size)
{
    size_t wanted = 2 * *room + 16;
    if (n < *room)
        return list;
    void *more = realloc(list, wanted * size);
    if (more)
        *room = wanted;
    return more;
}

/* promises_found_fn: told when the packets have come so far. What finds no memory is not told. */
static void keep_pending(void *user, const struct discovery *d)
{
    struct promises *p = user;
    struct pending *one = with_room(p->pending, &p->pending_room, p->pending_n, sizeof(*one));
    if (!one)
        return;
    p->pending = one;
    one = &p->pending[p->pending_n++];
    *one = (struct pending){.d = *d};
    snprintf(one->id, sizeof(one->id), "%s", d->sts_id ? d->sts_id : "");
    snprintf(one->text, sizeof(one->text), "%s",
             d->policy.why ? d->policy.why
             : d->invalid  ? d->invalid
                           : "");
}

static int pending_by_time(const void *a, const void *b)
{
    const struct pending *x = a, *y = b;
    return (x->d.time > y->d.time) - (x->d.time < y->d.time);
}

/* What was told of is let go of: what comes now stands among what is to be told. */
static void sort_pending(struct promises *p)
{
    size_t left = p->pending_n - p->pending_told;
    if (left > 0)
        memmove(p->pending, p->pending + p->pending_told, left * sizeof(p->pending[0]));
    if (left > 0)
        qsort(p->pending, left, sizeof(p->pending[0]), pending_by_time);
    p->pending_told = 0;
    p->pending_n = left;
}

static void take_lookup(struct promises *p, const struct lookup *l, nstime now,
                        enum book_origin origin, promises_found_fn fn, void *user)
{
    struct discovery denied;
    bool usable = false;
    if (l->sts == LOOKUP_STS_POLICY && l->body) {
        sts_policy_read(span_of(l->body, l->body_n), &p->lists.policy);
        usable = p->lists.policy.usable;
    }
    lookups_take(p->lookups, l, usable ? &p->lists.policy : NULL, now, fn, user);
    if (usable)
        lists_enter(&p->lists, origin, &l->domain, l->time, l->time, l->id);
    exchangers_learn(p->exchangers, l);
    if (!l->id[0] || !discover_denied(p->discover, &l->domain, l->time, &denied))
        return;
    denied.now = now;
    denied.elsewhere = l->time;
    fn(user, &denied);
}

/* All policies of the source are known: its look-ups one after the other. */
static void learn_lookups(struct promises *p)
{
    struct lookup *l = malloc(sizeof(*l));
    char why[LOOKUP_JSON_WHY];
    lists_sort_lookups(&p->lists);
    for (size_t i = 0; l && i < p->lists.lookups; i++) {
        const struct lists_lookup *one = &p->lists.lookup[i];
        if (lookup_json_read(span_of(one->line, one->n), l, why) == 0)
            take_lookup(p, l, l->time, BOOK_FROM_LIST, keep_pending, p);
        lookup_fini(l);
    }
    sort_pending(p);
    lists_drop_lookups(&p->lists);
    free(l);
}

int promises_add_policies(struct promises *p, const char *where)
{
    int rc = lists_add_policies(&p->lists, where);
    learn_lookups(p);
    return rc;
}

int promises_add_state(struct promises *p, const char *where)
{
    return lists_add_state(&p->lists, where);
}

int promises_add_preload(struct promises *p, const char *path)
{
    p->preload_told = false;
    return lists_add_preload(&p->lists, path);
}

int promises_add_partners(struct promises *p, const char *path)
{
    return lists_add_partners(&p->lists, path);
}

/* --- lists that were read anew --- */

struct carrying {
    struct book *to;
    bool state; /* what came of the state is carried as well */
};

/* book_fn */
static bool carry(void *user, const struct domain *d, const struct book_policy *b)
{
    const struct carrying *c = user;
    if (b->origin == BOOK_FROM_LOOKUP || (b->origin == BOOK_FROM_STATE && c->state))
        book_add(c->to, d, b);
    return true;
}

void promises_exchange(struct promises *p, struct lists *next, bool with_state)
{
    struct carrying c = {next->book, !with_state};
    book_each(p->lists.book, carry, &c);
    lists_exchange(&p->lists, next);
    p->preload_told = false;
    learn_lookups(p);
}

/* book_fn */
static bool add_one(void *user, const struct domain *d, const struct book_policy *b)
{
    struct promises *p = user;
    book_add(p->lists.book, d, b);
    return true;
}

void promises_add(struct promises *p, const struct lists *more)
{
    book_each(more->book, add_one, p);
}

/* --- look-ups of our own --- */

void promises_lookup(struct promises *p, const struct lookup *l, nstime now, promises_found_fn fn,
                     void *user)
{
    take_lookup(p, l, now, BOOK_FROM_LOOKUP, fn, user);
}

static void tell_pending(struct promises *p, nstime now, bool ended, promises_found_fn fn,
                         void *user)
{
    nstime until = ended ? clock_add(now, A_DAY) : now;
    if (p->first == INT64_MIN)
        p->first = now;
    while (p->pending_told < p->pending_n && p->pending[p->pending_told].d.time <= until) {
        struct pending *one = &p->pending[p->pending_told++];
        if (clock_since(p->first, one->d.time) > A_DAY)
            continue; /* of another time than these packets */
        one->d.now = now;
        one->d.sts_id = one->id;
        if (one->d.policy.why)
            one->d.policy.why = one->text;
        if (one->d.invalid)
            one->d.invalid = one->text;
        fn(user, &one->d);
    }
}

void promises_pass(struct promises *p, nstime now, bool ended, promises_found_fn fn, void *user)
{
    if (p->pending_told < p->pending_n) /* mostly nothing waits, and each packet asks */
        tell_pending(p, now, ended, fn, user);
}

/* --- DNS on the tap --- */

static bool name_in(const struct dns_message *m, uint16_t name, struct domain *to)
{
    return domain_read(span_str(dns_text(m, name)), to);
}

/* The addresses of an answer are those of the name that was asked for, whatever CNAMEs lie between;
 * those beside it are their owner's, and nobody says that they are authentic. */
static void learn_address(struct promises *p, const struct dns_sighting *s,
                          const struct dns_record *rr)
{
    const struct dns_message *m = s->message;
    bool answer = rr->section == DNS_ANSWER;
    uint8_t family = rr->type == DNS_A ? 4 : 6;
    struct domain host, owner;
    if (!name_in(m, answer ? m->question.name : rr->owner, &host))
        return;
    routes_add_address(p->routes, s->time, &host, family, rr->address, rr->ttl, answer && m->ad);
    if (answer && name_in(m, rr->owner, &owner) &&
        !span_eq(domain_span(&owner), domain_span(&host)))
        routes_add_alias(p->routes, s->time, &host, &owner, rr->ttl, m->ad);
}

static void learn_mx(struct promises *p, const struct dns_sighting *s, const struct dns_record *rr)
{
    struct domain domain, exchange;
    if (s->message->question.type == DNS_MX &&
        name_in(s->message, s->message->question.name, &domain) &&
        name_in(s->message, rr->mx.exchange, &exchange)) /* a null MX names none (RFC 7505) */
        routes_add_mx(p->routes, s->time, &domain, &exchange, rr->mx.preference, rr->ttl,
                      s->message->ad);
}

/* Without MX the domain is its own exchanger (RFC 5321 section 5.1). */
static void learn_no_mx(struct promises *p, const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;
    struct domain domain;
    if (m->question.type == DNS_MX && m->has_soa && name_in(m, m->question.name, &domain))
        routes_add_mx(p->routes, s->time, &domain, &domain, 0, m->negative_ttl, m->ad);
}

/* What is not marked as authentic says nothing, neither that there are records nor that there are
 * none. */
static void learn_tlsa(struct promises *p, const struct dns_sighting *s)
{
    static const char labels[] = "_25._tcp.";
    const struct dns_message *m = s->message;
    const char *name = dns_text(m, m->question.name);
    struct route_tlsa list[CAP_ROUTES_TLSA];
    uint32_t ttl = UINT32_MAX;
    struct domain host;
    if (!m->ad || strncasecmp(name, labels, sizeof(labels) - 1) != 0 ||
        !domain_read(span_str(name + sizeof(labels) - 1), &host))
        return;
    for (uint16_t i = 0; i < m->record_count; i++)
        if (m->record[i].section == DNS_ANSWER && m->record[i].ttl < ttl)
            ttl = m->record[i].ttl;
    routes_set_tlsa(p->routes, s->time, &host, list, discover_tlsa(m, list, CAP_ROUTES_TLSA), ttl);
}

static void learn(struct promises *p, const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;
    bool mx = false;
    for (uint16_t i = 0; i < m->record_count; i++) {
        const struct dns_record *rr = &m->record[i];
        if (rr->class != DNS_CLASS_IN)
            continue;
        if (rr->type == DNS_A || rr->type == DNS_AAAA)
            learn_address(p, s, rr);
        if (rr->type == DNS_MX && rr->section == DNS_ANSWER)
            learn_mx(p, s, rr);
        mx |= rr->type == DNS_MX;
    }
    if (!mx)
        learn_no_mx(p, s);
}

/* --- answers that were captured before their queries --- */

/* Taps turn packets round that follow each other closely. */
static void keep_early(struct promises *p, const struct dns_sighting *s)
{
    struct early *e = &p->early[p->early_next++ % EARLY];
    e->s = *s;
    e->m = *s->message;
}

static bool fits(const struct dns_sighting *a, const struct dns_sighting *q)
{
    const struct dns_message *x = a->message, *y = q->message;
    int64_t apart = clock_since(q->time, a->time);
    return apart >= -EARLY_MOST && apart <= EARLY_MOST && a->family == q->family &&
           a->client_port == q->client_port && a->tcp == q->tcp && x->id == y->id &&
           x->question.type == y->question.type && memcmp(a->client, q->client, 16) == 0 &&
           memcmp(a->server, q->server, 16) == 0 &&
           strcmp(dns_text(x, x->question.name), dns_text(y, y->question.name)) == 0;
}

/* The answer to the query, if it is here already: from now on it was asked for. NULL: none. */
static const struct dns_sighting *take_early(struct promises *p, const struct dns_sighting *query)
{
    for (uint32_t i = 0; i < EARLY && i < p->early_next; i++) {
        struct early *e = &p->early[i];
        e->s.message = &e->m;
        if (e->s.query_seen || !query->message->has_question || !fits(&e->s, query))
            continue;
        e->s.query_seen = true;
        e->s.time = query->time > e->s.time ? query->time : e->s.time;
        e->s.now = query->now; /* lines are in order */
        e->s.query_time = query->time;
        e->s.queries = 1;
        return &e->s;
    }
    return NULL;
}

static bool take_answer(struct promises *p, const struct dns_sighting *s, struct discovery *out)
{
    const struct dns_message *m = s->message;
    bool found = discover_sighting(p->discover, s, out);
    if (s->kind != DNS_SIGHTING_ANSWER || s->bad_checksum || !m->has_question ||
        !s->query_seen) /* anybody can answer what nobody asked */
        return found;
    if (m->question.type == DNS_TLSA && (m->rcode == DNS_NOERROR || m->rcode == DNS_NXDOMAIN))
        learn_tlsa(p, s);
    else if (m->rcode == DNS_NOERROR)
        learn(p, s);
    return found;
}

void promises_believe(struct promises *p, const struct role_nets *resolvers)
{
    p->resolvers = resolvers->count > 0 ? resolvers : NULL;
}

/* Anybody can set the bit. */
static bool is_doubted(const struct promises *p, const struct dns_sighting *s)
{
    return p->resolvers && s->message->ad && !role_nets_have(p->resolvers, s->family, s->server);
}

bool promises_dns(struct promises *p, const struct dns_sighting *s, struct discovery *out)
{
    const struct dns_sighting *early = NULL;
    struct dns_sighting copy;
    if (is_doubted(p, s)) {
        p->doubted = *s->message;
        p->doubted.ad = false;
        copy = *s;
        copy.message = &p->doubted;
        s = &copy;
    }
    bool found = take_answer(p, s, out);
    if (s->kind == DNS_SIGHTING_QUERY)
        early = take_early(p, s);
    else if (s->kind == DNS_SIGHTING_ANSWER && !s->query_seen && !s->bad_checksum &&
             s->message->has_question)
        keep_early(p, s);
    return early ? take_answer(p, early, out) : found;
}

bool promises_fetch(struct promises *p, const struct fetch_sighting *s, struct discovery *out)
{
    return discover_fetch(p->discover, s, out);
}

unsigned promises_checks(struct promises *p, const struct session *s)
{
    return discover_checks(p->discover, s->now, s->key.family, s->key.client);
}

/* --- asking --- */

/* Of a server that took none of them nothing was promised: it may have been asked to relay. */
static size_t recipients(const struct session *s, struct domain *to)
{
    size_t n = 0;
    if (s->rcpt_accepted == 0)
        return 0;
    for (uint8_t i = 0; i < s->rcpt_domain_count; i++)
        n += domain_read(session_text(s, s->rcpt_domain[i]), &to[n]);
    return n;
}

/* The first word behind the code of the greeting (RFC 5321 section 4.2). */
static bool greeting(const struct session *s, struct domain *to)
{
    struct span text = field_trim_front(span_from(session_text(s, s->banner), CODE));
    size_t end = 0;
    while (end < text.n && text.p[end] > ' ')
        end++;
    return domain_read(span_first(text, end), to) && strchr(to->text, '.');
}

/* Policies speak of mail between servers, and not of the operator's own hops. */
static bool concerns(const struct session *s, enum role role)
{
    return s->key.server_port == PORT_SMTP && role != ROLE_SUBMISSION && role != ROLE_INTERNAL;
}

/* A list past its date, or not yet in force, accuses nobody, and its owner should know. */
static void check_preload(struct promises *p, nstime t)
{
    char from[TEXT_TIME], until[TEXT_TIME], text[128];
    const struct preload *l = &p->lists.preload;
    if (!p->lists.preload_path || p->preload_told || (t >= l->from && t < l->until))
        return;
    p->preload_told = true;
    text_time(from, l->from);
    text_time(until, l->until);
    snprintf(text, sizeof(text), "holds from %.10s to %.10s, and not for these packets", from,
             until);
    complain(p, p->lists.preload_path, 0, text);
}

const struct expectations *promises_expect(struct promises *p, const struct session *s,
                                           enum role role, struct expectations *to)
{
    struct domain recipient[CAP_RECIPIENTS], name, sni;
    struct route route[CAP_ROUTES_TO];
    if ((book_count(p->lists.book) == 0 && routes_count(p->routes) == 0 &&
         exchangers_count(p->exchangers) == 0) ||
        !concerns(s, role))
        return NULL;
    check_preload(p, s->first);
    struct expect_query q = {
        .time = s->first,
        .recipient = recipient,
        .recipient_count = recipients(s, recipient),
        .route = route,
        .route_count = routes_to(p->routes, s->first, s->now, s->key.family, s->key.server, route,
                                 CAP_ROUTES_TO),
        .sni = domain_read(session_text(s, s->sni), &sni) ? &sni : NULL,
        .greeting = greeting(s, &name) ? &name : NULL,
    };
    const struct exchangers_query x = {.time = s->first,
                                       .family = s->key.family,
                                       .address = s->key.server,
                                       .name = q.sni ? q.sni : q.greeting,
                                       .recipient = recipient,
                                       .recipients = q.recipient_count};
    q.route_count = exchangers_to(p->exchangers, &x, route, q.route_count, CAP_ROUTES_TO);
    expect_session(p->lists.book, &q, to);
    return to->count > 0 ? to : NULL;
}

/* Is there a better one among them for a recipient of the session? */
static bool better_route(const struct route *here, const struct route *there, size_t n,
                         const struct domain *recipient, size_t recipients, struct steering *to)
{
    bool meant = false;
    for (size_t i = 0; i < recipients; i++)
        meant |= span_eq(domain_span(&recipient[i]), domain_span(&here->domain));
    for (size_t i = 0; meant && i < n; i++) {
        if (!span_eq(domain_span(&there[i].domain), domain_span(&here->domain)) ||
            there[i].preference >= here->preference)
            continue;
        to->domain = here->domain;
        to->better = there[i].mx;
        to->better_preference = there[i].preference;
        to->preference = here->preference;
        return true;
    }
    return false;
}

bool promises_steered(const struct promises *p, const struct session *s,
                      const struct baseline *usual, struct steering *to)
{
    struct domain recipient[CAP_RECIPIENTS];
    struct route here[CAP_ROUTES_TO], there[CAP_ROUTES_TO];
    if (usual->knock_count == 0) /* mostly there is none */
        return false;
    size_t recipient_count = recipients(s, recipient);
    size_t n =
        routes_to(p->routes, s->first, s->now, s->key.family, s->key.server, here, CAP_ROUTES_TO);
    for (uint8_t k = 0; k < usual->knock_count; k++) {
        to->knock = &usual->knock[k];
        size_t m = routes_to(p->routes, s->first, s->now, s->key.family, to->knock->server, there,
                             CAP_ROUTES_TO);
        for (size_t i = 0; i < n; i++)
            if (better_route(&here[i], there, m, recipient, recipient_count, to))
                return true;
    }
    return false;
}

/* The records of our own look-up, or those of DNS on the tap; and the names that a host under
 * DANE-TA may have: the domain's, its own and what these lead to (RFC 7672 section 3.2.2). */
static size_t records_of(const struct promises *p, const struct session *s,
                         const struct expectation *e, struct route_tlsa *list, struct span names[4])
{
    struct exchangers_dane found;
    names[0] = domain_span(&e->domain);
    names[1] = names[2] = names[3] = domain_span(&e->mx);
    if (!e->looked_up)
        return routes_tlsa(p->routes, s->first, s->now, &e->mx, list, CAP_ROUTES_TLSA);
    if (!exchangers_dane(p->exchangers, s->first, &e->domain, &e->mx, &found))
        return 0;
    names[2] = domain_span(found.base);
    if (found.expansion->n > 0)
        names[3] = domain_span(found.expansion);
    memcpy(list, found.record, found.n * sizeof(list[0]));
    return found.n;
}

static void match_tlsa(const struct promises *p, const struct session *s,
                       const struct certificate *c, struct expectation *e)
{
    struct span names[4];
    struct route_tlsa list[CAP_ROUTES_TLSA];
    struct tlsa record[CAP_ROUTES_TLSA];
    size_t n = records_of(p, s, e, list, names);
    bool anchor = false; /* that the server need not send, and then nothing can be said here */
    for (size_t i = 0; i < n; i++) {
        record[i] = route_tlsa_read(&list[i]);
        anchor |= list[i].usage == TLSA_DANE_TA && list[i].matching == TLSA_FULL;
    }
    if (n > 0)
        e->dane = certificate_dane(c, record, n, names, 4, session_handshake_time(s));
    if (e->dane == DANE_MISMATCH &&
        (anchor || n == CAP_ROUTES_TLSA || (e->looked_up && e->fetched_later)))
        e->dane = DANE_UNUSABLE; /* there may have been others */
}

void promises_match(const struct promises *p, const struct session *s, const struct certificate *c,
                    struct expectations *to)
{
    for (uint8_t i = 0; c && i < to->count; i++)
        if (to->item[i].source == EXPECTATION_DANE)
            match_tlsa(p, s, c, &to->item[i]);
}
