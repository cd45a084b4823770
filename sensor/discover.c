/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/discover.h"

#include <stdlib.h>

#include "base/recent.h"
#include "policy/sts_txt.h"
#include "policy/tlsa.h"
#include "sensor/lookups.h"

#define DAY         (86400 * NS_PER_S)
#define HOUR        (3600 * NS_PER_S)
#define SILENCE     (10 * 60 * NS_PER_S) /* queries further apart than this are not in a row */
#define STS_LABEL   "_mta-sts."
#define TLSA_LABELS "_25._tcp."
#define FETCH_LABEL "mta-sts."

enum { /* places of each memory: 36 or 44 bytes each */
       PLACES_ASKERS = 16384,
       PLACES_RECORDS = 16384,
       PLACES_SILENT = 1024,
       PLACES_SERVERS = 1024,
       PLACES_NAMED = 8192,
       PLACES_FETCHES = 1024,
       PLACES_DENIED = 1024
};

/* What the memories keep; times are 0 for never. */
struct asker {
    nstime sts, tlsa; /* when it asked for those records */
};

struct seen {
    nstime time;
    bool usable; /* TLSA */
};

struct row {
    uint32_t count;
    nstime newest;
};

/* The record of a domain was denied on the tap. */
struct denial {
    nstime time, asked;
    struct flow_key key;
    uint64_t flow_id;
    uint32_t source;
    uint16_t id;
    bool tcp;
};

struct discover {
    struct discover_aid aid;
    struct recent *askers; /* by address: struct asker */
    struct recent
        *records; /* by question and who is asked: struct seen, when the record was there */
    struct recent *silent;  /* by question and who is asked: struct row, of queries */
    struct recent *named;   /* by domain: nstime, when anybody gave its MTA-STS record */
    struct recent *fetches; /* by domain: struct row, of fetches that were prevented */
    struct recent *servers; /* by who is asked: nstime, when it answered anything */
    struct recent *denied;  /* by domain: struct denial */
    struct sts_txt txt;     /* of reading */
    uint8_t text[CAP_DNS_TEXT];
};

struct discover *discover_new(const struct siphash_key *key, const struct discover_aid *aid)
{
    struct discover *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->aid = *aid;
    d->askers = recent_new(key, PLACES_ASKERS, sizeof(struct asker));
    d->records = recent_new(key, PLACES_RECORDS, sizeof(struct seen));
    d->silent = recent_new(key, PLACES_SILENT, sizeof(struct row));
    d->servers = recent_new(key, PLACES_SERVERS, sizeof(nstime));
    d->named = recent_new(key, PLACES_NAMED, sizeof(nstime));
    d->fetches = recent_new(key, PLACES_FETCHES, sizeof(struct row));
    d->denied = recent_new(key, PLACES_DENIED, sizeof(struct denial));
    if (d->askers && d->records && d->silent && d->servers && d->named && d->fetches && d->denied)
        return d;
    discover_free(d);
    return NULL;
}

void discover_free(struct discover *d)
{
    if (!d)
        return;
    recent_free(d->askers);
    recent_free(d->records);
    recent_free(d->silent);
    recent_free(d->denied);
    recent_free(d->servers);
    recent_free(d->named);
    recent_free(d->fetches);
    free(d);
}

/* --- the question --- */

struct question {
    enum discovery_kind kind;
    const char *type;
    struct domain name; /* whose: without the labels before it */
};

static bool behind(const char *name, const char *labels, struct domain *to)
{
    size_t n = strlen(labels);
    return span_starts_nocase(span_str(name), span_str(labels)) &&
           domain_read(span_str(name + n), to);
}

static bool question_of(const struct dns_message *m, struct question *q)
{
    const char *name = dns_text(m, m->question.name);
    if (!m->has_question || m->question.class != DNS_CLASS_IN)
        return false;
    switch (m->question.type) {
    case DNS_MX:
        *q = (struct question){.kind = DISCOVERY_MX, .type = "MX"};
        return domain_read(span_str(name), &q->name);
    case DNS_A:
        *q = (struct question){.kind = DISCOVERY_ADDRESS, .type = "A"};
        return domain_read(span_str(name), &q->name);
    case DNS_AAAA:
        *q = (struct question){.kind = DISCOVERY_ADDRESS, .type = "AAAA"};
        return domain_read(span_str(name), &q->name);
    case DNS_TXT:
        *q = (struct question){.kind = DISCOVERY_STS, .type = "TXT"};
        return behind(name, STS_LABEL, &q->name);
    case DNS_TLSA:
        *q = (struct question){.kind = DISCOVERY_TLSA, .type = "TLSA"};
        return behind(name, TLSA_LABELS, &q->name);
    default:
        return false;
    }
}

/* --- memories --- */

/* A question and who is asked, as a key: two resolvers may well say different things. */
struct topic {
    size_t n;
    uint8_t bytes[2 + 16 + CAP_DOMAIN_TEXT];
};

static struct topic topic_of(const struct question *q, const struct dns_sighting *s)
{
    struct topic t = {.n = 18u + q->name.n};
    t.bytes[0] = (uint8_t)q->kind;
    t.bytes[1] = s->family;
    memcpy(t.bytes + 2, s->server, 16);
    memcpy(t.bytes + 18, q->name.text, q->name.n);
    return t;
}

static struct topic peer(uint8_t family, const uint8_t address[16])
{
    struct topic t = {.n = 17, .bytes = {family}};
    memcpy(t.bytes + 1, address, 16);
    return t;
}

static bool within(nstime from, nstime t, nstime span)
{
    return from != 0 && t >= from && clock_since(t, from) <= span;
}

static void note_asker(struct discover *d, const struct question *q, const struct dns_sighting *s)
{
    struct topic who = peer(s->family, s->client);
    struct asker *a;
    if (q->kind != DISCOVERY_STS && q->kind != DISCOVERY_TLSA)
        return;
    a = recent_keep(d->askers, who.bytes, who.n);
    *(q->kind == DISCOVERY_STS ? &a->sts : &a->tlsa) = s->time;
}

unsigned discover_checks(struct discover *d, nstime t, uint8_t family, const uint8_t address[16])
{
    struct topic who = peer(family, address);
    const struct asker *a = recent_find(d->askers, who.bytes, who.n);
    if (!a)
        return 0;
    return (within(a->sts, t, DAY) ? SENDER_CHECKS_MTA_STS : 0u) |
           (within(a->tlsa, t, DAY) ? SENDER_CHECKS_DANE : 0u);
}

/* --- what was promised --- */

const struct book_policy *discover_promise(const struct book *book, struct discovery *to)
{
    bool later;
    const struct book_policy *p = book_at(book, &to->domain, EXPECTATION_MTA_STS, to->time, &later);
    if (!p || p->mode == STS_MODE_NONE)
        return NULL;
    to->promised = true;
    to->promise = (struct expectation){.source = EXPECTATION_MTA_STS,
                                       .binding = BINDING_DNS,
                                       .mode = p->mode,
                                       .strict = p->strict,
                                       .fetched_later = later,
                                       .domain = to->domain,
                                       .match = MX_MATCH_WHOLE,
                                       .from = p->from,
                                       .until = p->until};
    memcpy(to->promise.id, p->id, sizeof(p->id));
    return p;
}

/* --- MX and addresses --- */

static bool is_answer(const struct dns_record *rr, uint16_t type)
{
    return rr->section == DNS_ANSWER && rr->class == DNS_CLASS_IN && rr->type == type;
}

static uint16_t best_preference(const struct dns_message *m)
{
    uint16_t best = UINT16_MAX;
    for (uint16_t i = 0; i < m->record_count; i++)
        if (is_answer(&m->record[i], DNS_MX) && m->record[i].mx.preference < best)
            best = m->record[i].mx.preference;
    return best;
}

/* Of the best exchangers the one that the policy fits worst: a sender takes any of them (RFC 5321
 * section 5.1). */
static void compare_exchangers(const struct book_policy *p, const struct dns_message *m,
                               struct discovery *to)
{
    uint16_t best = best_preference(m);
    for (uint16_t i = 0; i < m->record_count; i++) {
        const struct dns_record *rr = &m->record[i];
        struct domain host;
        if (!is_answer(rr, DNS_MX) || rr->mx.preference != best ||
            !domain_read(span_str(dns_text(m, rr->mx.exchange)), &host))
            continue;
        enum mx_match match = p ? book_match(p, &host) : MX_MATCH_NONE;
        to->another_named |= match == MX_MATCH_WHOLE;
        if (to->host.n == 0 || match < to->promise.match) {
            to->host = host;
            to->promise.match = match;
        }
    }
}

/* Without MX records the domain is its own exchanger (RFC 5321 section 5.1). */
static bool see_mx(const struct discover *d, const struct dns_message *m, struct discovery *to)
{
    const struct book_policy *p = discover_promise(d->aid.book, to);
    if (to->answer == DISCOVERY_RECORDS) {
        compare_exchangers(p, m, to);
    } else if (to->answer == DISCOVERY_NONE && p && m->rcode == DNS_NOERROR) {
        to->host = to->domain;
        to->promise.match = book_match(p, &to->domain);
    }
    return to->host.n > 0 &&
           (to->contradicted || (to->promised && to->promise.match != MX_MATCH_WHOLE));
}

/* book_fn: the first domain with a policy that names the host */
static bool first_domain(void *user, const struct domain *d, const struct book_policy *p)
{
    (void)p;
    *(struct domain *)user = *d;
    return false;
}

/* Only of a host that is known to receive mail, by a policy or by the answers before. */
static bool see_address(const struct discover *d, struct discovery *to)
{
    if (to->answer != DISCOVERY_RECORDS || !to->contradicted)
        return false;
    book_by_mx(d->aid.book, &to->host, first_domain, &to->domain);
    if (to->domain.n > 0)
        discover_promise(d->aid.book, to);
    else if (!routes_exchanger(d->aid.routes, to->time, &to->host, &to->domain))
        return false;
    return true;
}

/* --- the MTA-STS record --- */

/* Reads the TXT records of the answer: how many begin with v=STSv1, and what is wrong with them. */
static void read_records(struct discover *d, const struct dns_message *m)
{
    struct txt_record record[CAP_DNS_RECORDS];
    size_t count = 0, used = 0;
    for (uint16_t i = 0; i < m->record_count; i++) {
        const struct dns_record *rr = &m->record[i];
        size_t n, at = 0;
        struct span string;
        if (!is_answer(rr, DNS_TXT))
            continue;
        n = dns_txt_join(m, rr, d->text + used, sizeof(d->text) - used);
        if (n == SIZE_MAX)
            break;
        record[count++] = (struct txt_record){.text = span_of(d->text + used, n),
                                              .split = dns_txt_next(m, rr, &at, &string) &&
                                                       dns_txt_next(m, rr, &at, &string)};
        used += n;
    }
    sts_txt_read(record, count, &d->txt);
}

/* Our own resolver may have had the record within a day; whether it will is not known yet. */
static void consult(struct discover *d, struct discovery *to)
{
    struct denial *denial;
    nstime since, last = lookups_record(d->aid.lookups, &to->domain, &since);
    if (within(last, to->time, DAY)) {
        to->elsewhere = last;
        to->elsewhere_long = clock_since(last, since) >= DAY;
    } else if (to->answer == DISCOVERY_NONE && !to->promised && !to->before) {
        denial = recent_keep(d->denied, to->domain.text, to->domain.n);
        *denial =
            (struct denial){to->time, to->asked, to->key, to->flow_id, to->source, to->id, to->tcp};
    }
}

bool discover_denied(struct discover *d, const struct domain *domain, nstime t,
                     struct discovery *out)
{
    struct denial *denial = recent_find(d->denied, domain->text, domain->n);
    if (!denial || !within(denial->time, t, HOUR))
        return false;
    *out = (struct discovery){.kind = DISCOVERY_STS,
                              .answer = DISCOVERY_NONE,
                              .key = denial->key,
                              .tcp = denial->tcp,
                              .flow_id = denial->flow_id,
                              .source = denial->source,
                              .id = denial->id,
                              .time = denial->time,
                              .asked = denial->asked,
                              .type = "TXT",
                              .domain = *domain};
    recent_forget(d->denied, denial);
    return true;
}

static bool see_record(struct discover *d, const struct question *q, const struct dns_sighting *s,
                       struct discovery *to)
{
    struct topic topic = topic_of(q, s);
    struct seen *seen = recent_find(d->records, topic.bytes, topic.n);
    bool usable = false;
    if (to->answer == DISCOVERY_RECORDS) {
        read_records(d, s->message);
        usable = d->txt.usable;
        if (d->txt.records == 0) /* other TXT records, as a wildcard gives them */
            to->answer = DISCOVERY_NONE;
        else if (!usable)
            to->invalid = d->txt.reason;
    }
    discover_promise(d->aid.book, to);
    to->before = seen && !usable ? seen->time : 0;
    if (!usable)
        consult(d, to);
    /* with the record once, and once without */
    to->contradicted &= usable != (seen && seen->time >= s->query_time);
    if (usable) {
        seen = recent_keep(d->records, topic.bytes, topic.n);
        seen->time = s->time;
        *(nstime *)recent_keep(d->named, q->name.text, q->name.n) = s->time;
    }
    return true;
}

/* --- TLSA records --- */

static struct tlsa tlsa_of(const struct dns_message *m, const struct dns_record *rr)
{
    struct tlsa t = {.usage = rr->tlsa.usage,
                     .selector = rr->tlsa.selector,
                     .matching = rr->tlsa.matching,
                     .data = dns_data(m, rr->tlsa.association)};
    t.usable = tlsa_usable(&t);
    return t;
}

size_t discover_tlsa(const struct dns_message *m, struct route_tlsa *to, size_t most)
{
    size_t n = 0;
    for (uint16_t i = 0; i < m->record_count && n < most; i++) {
        const struct dns_record *rr = &m->record[i];
        struct tlsa t;
        if (!is_answer(rr, DNS_TLSA))
            continue;
        t = tlsa_of(m, rr);
        n += route_tlsa_of(&t, &to[n]);
    }
    return n;
}

/* Authentic: the mark counts only where the question asked for it, which the answer repeats as DO.
 * An authentic answer is no finding whatever it says, and the last word until another. */
static bool see_tlsa(struct discover *d, const struct question *q, const struct dns_sighting *s,
                     struct discovery *to)
{
    const struct dns_message *m = s->message;
    struct topic topic = topic_of(q, s);
    struct seen *seen;
    struct route_tlsa any;
    if (m->ad && to->answer != DISCOVERY_FAILED && !to->contradicted) {
        seen = recent_keep(d->records, topic.bytes, topic.n);
        *seen = (struct seen){s->time, discover_tlsa(m, &any, 1) > 0};
        return false;
    }
    seen = recent_find(d->records, topic.bytes, topic.n);
    if (seen && seen->usable && within(seen->time, s->time, DAY) && !m->ad && m->dnssec_ok &&
        !m->cd)
        to->before = seen->time;
    if (!m->ad && to->answer != DISCOVERY_RECORDS &&
        !exchangers_records(d->aid.exchangers, s->time, &to->host, &to->elsewhere))
        to->elsewhere = 0;
    return to->before || to->elsewhere || to->contradicted;
}

/* --- silence --- */

/* One more in a row, or the first of the next. */
static void lengthen(struct row *row, nstime t, nstime most)
{
    row->count = within(row->newest, t, most) ? row->count + 1 : 1;
    row->newest = t;
}

/* Nobody answers while the same server answers others: the more of them in a row, the odder. */
static bool see_silence(struct discover *d, const struct question *q, const struct dns_sighting *s,
                        struct discovery *to)
{
    struct topic topic = topic_of(q, s), server = peer(s->family, s->server);
    const nstime *answered = recent_find(d->servers, server.bytes, server.n);
    struct row *row;
    if (q->kind != DISCOVERY_STS)
        return false;
    row = recent_keep(d->silent, topic.bytes, topic.n);
    lengthen(row, s->time, SILENCE);
    if (!answered || *answered < s->query_time)
        return false;
    to->unanswered = row->count;
    return see_record(d, q, s, to);
}

static void end_silence(struct discover *d, const struct question *q, const struct dns_sighting *s)
{
    struct topic topic = topic_of(q, s);
    struct row *row = recent_find(d->silent, topic.bytes, topic.n);
    if (row)
        *row = (struct row){0};
}

/* --- fetches --- */

/* When a resolver on the tap last gave the domain's record; 0: none did. */
static nstime record_seen(struct discover *d, const struct domain *domain)
{
    const nstime *seen = recent_find(d->named, domain->text, domain->n);
    return seen ? *seen : 0;
}

bool discover_fetch(struct discover *d, const struct fetch_sighting *s, struct discovery *out)
{
    struct domain domain;
    struct row *row;
    if (!domain_read(span_from(span_str(s->host), sizeof(FETCH_LABEL) - 1), &domain))
        return false;
    row = recent_keep(d->fetches, domain.text, domain.n);
    if (s->outcome == FETCH_ANSWERED) {
        *row = (struct row){.newest = s->time};
        return false;
    }
    lengthen(row, s->time, DAY);
    *out = (struct discovery){
        .kind = DISCOVERY_FETCH,
        .answer = s->outcome == FETCH_RESET ? DISCOVERY_FAILED : DISCOVERY_UNANSWERED,
        .key = s->key,
        .tcp = true,
        .flow_id = session_flow_id(&s->key, s->asked),
        .source = s->source,
        .time = s->time,
        .now = s->now,
        .asked = s->asked,
        .type = "",
        .domain = domain,
        .unanswered = row->count,
    };
    out->before = record_seen(d, &domain);
    if (!within(out->before, s->time, DAY))
        out->before = 0;
    discover_promise(d->aid.book, out);
    return true;
}

/* --- one sighting --- */

static enum discovery_answer answer_of(const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;
    if (s->kind == DNS_SIGHTING_UNANSWERED)
        return DISCOVERY_UNANSWERED;
    if (m->rcode == DNS_NXDOMAIN)
        return DISCOVERY_NONE;
    if (m->rcode != DNS_NOERROR)
        return DISCOVERY_FAILED;
    for (uint16_t i = 0; i < m->record_count; i++)
        if (is_answer(&m->record[i], m->question.type))
            return DISCOVERY_RECORDS;
    return DISCOVERY_NONE;
}

static void describe(const struct question *q, const struct dns_sighting *s, struct discovery *to)
{
    bool of_host = q->kind == DISCOVERY_ADDRESS || q->kind == DISCOVERY_TLSA;
    *to = (struct discovery){
        .kind = q->kind,
        .answer = answer_of(s),
        .key = {.family = s->family, .client_port = s->client_port, .server_port = s->server_port},
        .tcp = s->tcp,
        .source = s->source,
        .id = s->message->id,
        .time = s->time,
        .now = s->now,
        .asked = s->query_time,
        .type = q->type,
        .contradicted = s->answer_number > 1 && !s->again && s->queries == 1};
    memcpy(to->key.client, s->client, 16);
    memcpy(to->key.server, s->server, 16);
    to->flow_id = session_flow_id(&to->key, s->query_time ? s->query_time : s->time);
    *(of_host ? &to->host : &to->domain) = q->name;
}

/* An answer that is cut by its sender is asked for again, over TCP. */
static bool counts(const struct dns_sighting *s)
{
    const struct dns_message *m = s->message;
    bool asked = s->kind != DNS_SIGHTING_ANSWER || s->query_seen; /* anybody can answer unasked */
    return asked && !s->bad_checksum &&
           (s->kind == DNS_SIGHTING_UNANSWERED || m->result == DNS_OK) && m->opcode == 0 && !m->tc;
}

bool discover_sighting(struct discover *d, const struct dns_sighting *s, struct discovery *out)
{
    struct question q;
    struct topic server;
    if (s->kind == DNS_SIGHTING_ANSWER && !s->bad_checksum && s->query_seen) {
        server = peer(s->family, s->server);
        *(nstime *)recent_keep(d->servers, server.bytes, server.n) = s->time;
    }
    if (!counts(s) || !question_of(s->message, &q))
        return false;
    if (s->kind == DNS_SIGHTING_QUERY) {
        note_asker(d, &q, s);
        return false;
    }
    describe(&q, s, out);
    if (s->kind == DNS_SIGHTING_UNANSWERED)
        return see_silence(d, &q, s, out);
    end_silence(d, &q, s);
    switch (q.kind) {
    case DISCOVERY_MX:
        return see_mx(d, s->message, out);
    case DISCOVERY_ADDRESS:
        return see_address(d, out);
    case DISCOVERY_STS:
        return see_record(d, &q, s, out);
    default:
        return see_tlsa(d, &q, s, out);
    }
}
