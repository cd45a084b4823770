/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/dns_query.h"

#include <stdlib.h>

#define NONE UINT16_MAX /* no place */

_Static_assert(CAP_DNS_QUERIES < NONE, "places are 16-bit numbers");

/* What an answer repeats of its query (RFC 5452 section 9.1); padded by hand, since it is hashed
 * and compared as bytes. */
struct key {
    uint64_t name; /* hash */
    uint8_t client[16], server[16];
    uint16_t client_port, server_port;
    uint16_t id, type, class;
    uint8_t family, tcp;
    uint8_t zero[4];
};

_Static_assert(sizeof(struct key) == 56, "no holes");

struct query {
    struct key key;
    nstime since;    /* `now` when it came first: never less than that of an older one */
    nstime time;     /* of its packet */
    uint32_t source; /* and what else is told of it should nobody answer */
    uint32_t point;
    uint16_t bucket;
    uint16_t next_in_bucket;
    bool hangs; /* in its bucket; else a newer one of the same key does */
    bool answered;
    uint8_t queries;
    uint8_t answers; /* that differ */
    bool rd, ad, cd, has_edns, dnssec_ok;
    uint64_t answer[CAP_DNS_ANSWERS]; /* what they said, as digests */
    char name[CAP_DOMAIN_TEXT + 1];   /* "" when it is longer */
};

struct dns_query_table {
    struct siphash_key secret;
    uint64_t made, looked; /* queries so far; those that wait no longer */
    uint64_t forgotten;
    uint32_t places;  /* of the ring, and buckets: a hash is cut to one by its low bits */
    uint16_t *bucket; /* behind the ring */
    struct query ring[];
};

struct dns_query_table *dns_query_new(const struct siphash_key *key, uint32_t places)
{
    struct dns_query_table *t =
        calloc(1, sizeof(*t) + places * (sizeof(t->ring[0]) + sizeof(t->bucket[0])));

    if (!t)
        return NULL;
    t->secret = *key;
    t->places = places;
    t->bucket = (uint16_t *)&t->ring[places];
    for (uint32_t i = 0; i < places; i++)
        t->bucket[i] = NONE;
    return t;
}

void dns_query_free(struct dns_query_table *t)
{
    free(t);
}

uint64_t dns_query_forgotten(const struct dns_query_table *t)
{
    return t->forgotten;
}

/* --- the ring --- */

static uint64_t hash_text(const struct dns_query_table *t, const char *text)
{
    return siphash(&t->secret, text, strlen(text));
}

static void key_of(const struct dns_query_table *t, const struct dns_sighting *s, struct key *k)
{
    const struct dns_message *m = s->message;

    memset(k, 0, sizeof(*k));
    k->name = hash_text(t, dns_text(m, m->question.name));
    memcpy(k->client, s->client, sizeof(k->client));
    memcpy(k->server, s->server, sizeof(k->server));
    k->client_port = s->client_port;
    k->server_port = s->server_port;
    k->id = m->id;
    k->type = m->question.type;
    k->class = m->question.class;
    k->family = s->family;
    k->tcp = s->tcp;
}

static uint16_t bucket_of(const struct dns_query_table *t, const struct key *k)
{
    return (uint16_t)(siphash(&t->secret, k, sizeof(*k)) & (t->places - 1));
}

static struct query *find(struct dns_query_table *t, const struct key *k)
{
    for (uint16_t i = t->bucket[bucket_of(t, k)]; i != NONE; i = t->ring[i].next_in_bucket)
        if (memcmp(&t->ring[i].key, k, sizeof(*k)) == 0)
            return &t->ring[i];
    return NULL;
}

static void unhang(struct dns_query_table *t, struct query *q)
{
    uint16_t self = (uint16_t)(q - t->ring);
    uint16_t *link = &t->bucket[q->bucket];

    if (!q->hangs)
        return;
    while (*link != self)
        link = &t->ring[*link].next_in_bucket;
    *link = q->next_in_bucket;
    q->hangs = false;
}

static void hang(struct dns_query_table *t, struct query *q)
{
    q->bucket = bucket_of(t, &q->key);
    q->next_in_bucket = t->bucket[q->bucket];
    t->bucket[q->bucket] = (uint16_t)(q - t->ring);
    q->hangs = true;
}

/* `since` is never of the future, but packet time may be anything, and so may the distance. */
static bool is_over(const struct query *q, nstime now, int seconds)
{
    return (uint64_t)now - (uint64_t)q->since > (uint64_t)(seconds * NS_PER_S);
}

/* The oldest place, free of the query that was in it. */
static struct query *take_place(struct dns_query_table *t)
{
    struct query *q = &t->ring[t->made & (t->places - 1)];

    if (t->made - t->looked == t->places) {
        t->forgotten += !q->answered;
        t->looked++;
    }
    unhang(t, q);
    t->made++;
    return q;
}

/* --- queries --- */

static struct query *put_query(struct dns_query_table *t, const struct key *k,
                               const struct dns_sighting *s, nstime now)
{
    const struct dns_message *m = s->message;
    const char *name = dns_text(m, m->question.name);
    struct query *q = take_place(t);

    *q = (struct query){.key = *k,
                        .since = now,
                        .time = s->time,
                        .source = s->source,
                        .point = s->point,
                        .rd = m->rd,
                        .ad = m->ad,
                        .cd = m->cd,
                        .has_edns = m->has_edns,
                        .dnssec_ok = m->dnssec_ok};
    if (strlen(name) < sizeof(q->name))
        memcpy(q->name, name, strlen(name) + 1);
    hang(t, q);
    return q;
}

void dns_query_ask(struct dns_query_table *t, struct dns_sighting *s, nstime now)
{
    struct query *q;
    struct key k;

    key_of(t, s, &k);
    q = find(t, &k);
    if (q && is_over(q, now, CAP_DNS_WAIT_S)) { /* the next one of a client that counts on */
        unhang(t, q);
        q = NULL;
    }
    if (!q)
        q = put_query(t, &k, s, now);
    q->queries = (uint8_t)(q->queries + (q->queries < UINT8_MAX));
    s->queries = q->queries;
    s->query_time = q->time;
}

/* --- answers --- */

static uint64_t digest_data(const struct dns_query_table *t, const struct dns_message *m,
                            const struct dns_record *r)
{
    struct span data = span_of(NULL, 0);

    switch (r->class == DNS_CLASS_IN ? r->type : 0) {
    case DNS_A:
    case DNS_AAAA:
        data = span_of(r->address, sizeof(r->address));
        break;
    case DNS_CNAME:
        return hash_text(t, dns_text(m, r->target));
    case DNS_MX:
        return hash_text(t, dns_text(m, r->mx.exchange)) + r->mx.preference;
    case DNS_TXT:
        data = dns_data(m, r->text);
        break;
    case DNS_TLSA:
        data = dns_data(m, r->tlsa.association);
        return siphash(&t->secret, data.p, data.n) +
               (uint64_t)(r->tlsa.usage << 16 | r->tlsa.selector << 8 | r->tlsa.matching);
    default: /* signatures are made anew and say the same */
        return 0;
    }
    return siphash(&t->secret, data.p, data.n);
}

/* What an answer says, whatever the order of its records (servers turn them) and their TTLs. */
static uint64_t digest(const struct dns_query_table *t, const struct dns_message *m)
{
    uint64_t sum = (uint64_t)m->rcode + 1;

    for (uint16_t i = 0; i < m->record_count; i++) {
        const struct dns_record *r = &m->record[i];
        uint64_t word[3] = {hash_text(t, dns_text(m, r->owner)), digest_data(t, m, r),
                            (uint64_t)r->type << 16 | r->class};

        if (r->section == DNS_ANSWER)
            sum += siphash(&t->secret, word, sizeof(word));
    }
    return sum;
}

/* More answers than there are digests: each of them is another. */
static void number_answer(struct query *q, struct dns_sighting *s, uint64_t said)
{
    for (uint8_t i = 0; i < q->answers && i < CAP_DNS_ANSWERS; i++) {
        if (q->answer[i] == said) {
            s->answer_number = (uint8_t)(i + 1);
            s->again = true;
            return;
        }
    }
    if (q->answers < CAP_DNS_ANSWERS)
        q->answer[q->answers] = said;
    q->answers = (uint8_t)(q->answers + (q->answers < UINT8_MAX));
    s->answer_number = q->answers;
}

void dns_query_answer(struct dns_query_table *t, struct dns_sighting *s, nstime now)
{
    struct query *q;
    struct key k;

    key_of(t, s, &k);
    q = find(t, &k);
    if (!q || is_over(q, now, CAP_DNS_LATE_S))
        return;
    q->answered = true;
    s->query_seen = true;
    s->query_time = q->time;
    s->queries = q->queries;
    if (s->message->result == DNS_OK)
        number_answer(q, s, digest(t, s->message));
}

/* --- those without --- */

static void describe(const struct query *q, struct dns_sighting *s, struct dns_message *m)
{
    dns_clear(m);
    m->id = q->key.id;
    m->rd = q->rd;
    m->ad = q->ad;
    m->cd = q->cd;
    m->has_edns = q->has_edns;
    m->dnssec_ok = q->dnssec_ok;
    m->count[DNS_QUESTION] = 1;
    m->has_question = true;
    m->question.name = q->name[0] ? dns_put_name(m, q->name) : 0;
    m->question.type = q->key.type;
    m->question.class = q->key.class;
    *s = (struct dns_sighting){.kind = DNS_SIGHTING_UNANSWERED,
                               .source = q->source,
                               .point = q->point,
                               .family = q->key.family,
                               .client_port = q->key.client_port,
                               .server_port = q->key.server_port,
                               .tcp = q->key.tcp,
                               .query_seen = true,
                               .query_time = q->time,
                               .queries = q->queries,
                               .message = m};
    memcpy(s->client, q->key.client, sizeof(s->client));
    memcpy(s->server, q->key.server, sizeof(s->server));
}

bool dns_query_unanswered(struct dns_query_table *t, nstime now, struct dns_sighting *s,
                          struct dns_message *m)
{
    while (t->looked < t->made) {
        const struct query *q = &t->ring[t->looked & (t->places - 1)];

        if (!is_over(q, now, CAP_DNS_WAIT_S))
            return false;
        t->looked++;
        if (!q->answered) {
            describe(q, s, m);
            s->time = s->now = now;
            return true;
        }
    }
    return false;
}
