/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/wants.h"

#include <stdlib.h>
#include <strings.h>

#include "history/net.h"
#include "policy/asking.h"
#include "policy/lookup_json.h"
#include "policy/sts_policy.h"
#include "policy/sts_txt.h"

#define PORT_SMTP 25
#define PATIENCE  (180 * NS_PER_S) /* who answers does so within two minutes */
#define OWN_EVERY (60 * NS_PER_S)  /* our own domains are wanted: policy/asking.h knows when */

struct wants {
    struct wants_config config;
    struct asking *asking;
    struct flight {
        struct domain domain;
        nstime since;
    } flying[CAP_ASKING_FLIGHT];
    size_t flights;
    struct eve_lookups stats; /* of it what is not counted by `asking` */
    nstime own;               /* when our own were wanted last; 0: never */
    struct sts_policy policy;
};

struct wants *wants_new(const struct wants_config *c, const struct siphash_key *key)
{
    struct wants *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->config = *c;
    l->asking = asking_new(key);
    if (l->asking)
        return l;
    free(l);
    return NULL;
}

void wants_free(struct wants *l)
{
    if (!l)
        return;
    asking_free(l->asking);
    free(l);
}

/* --- what is wanted --- */

static bool is_among(const struct config_words *list, const struct domain *d)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (strcmp(list->word[i], d->text) == 0)
            return true;
    return false;
}

/* Whoever sees our look-ups learns which domains we have to do with. */
static bool may_ask(const struct wants *l, const struct domain *d)
{
    if (domain_numeric(domain_span(d)) || !strchr(d->text, '.'))
        return false;
    return l->config.mode == CONFIG_LOOKUPS_SEEN || is_among(l->config.own, d) ||
           is_among(l->config.allow, d);
}

static struct asking_host host_of(const struct session *s)
{
    struct asking_host host = {.family = s->key.family};
    uint8_t net[NET_BYTES];
    net_of(s->key.family, s->key.client, net);
    memcpy(host.net, net + 1, NET_BYTES - 1);
    return host;
}

/* A server that takes no recipient may have been asked to relay, by somebody who wants us to look
 * names up. Users hand in mail for the whole world, and policies are not about that. */
static bool concerns(const struct wants *l, const struct session *s)
{
    enum role role =
        role_of(l->config.roles, s->key.family, s->key.client, s->key.server, s->key.server_port);
    return s->rcpt_accepted > 0 && s->key.server_port == PORT_SMTP && role != ROLE_SUBMISSION &&
           role != ROLE_INTERNAL;
}

void wants_session(struct wants *l, nstime now, const struct session *s)
{
    struct domain d;
    if (!l || !concerns(l, s))
        return;
    const struct asking_host host = host_of(s);
    for (uint8_t i = 0; i < s->rcpt_domain_count; i++)
        if (domain_read(session_text(s, s->rcpt_domain[i]), &d) && may_ask(l, &d))
            asking_want(l->asking, now, &d, &host);
}

void wants_add(struct wants *l, nstime now, const struct domain *d)
{
    static const struct asking_host operator;
    if (l)
        asking_want(l->asking, now, d, &operator);
}

static void want_own(struct wants *l, nstime now)
{
    struct domain d;
    if (!l->config.own)
        return;
    if (l->own != 0 && now - l->own < OWN_EVERY)
        return;
    l->own = now;
    for (size_t i = 0; i < l->config.own->count; i++)
        if (domain_read(span_str(l->config.own->word[i]), &d))
            wants_add(l, now, &d);
}

/* --- ids --- */

static size_t records_of(const struct dns_message *m, uint8_t text[CAP_DNS_TEXT],
                         struct txt_record to[CAP_DNS_RECORDS])
{
    size_t count = 0, used = 0;
    for (uint16_t i = 0; i < m->record_count; i++) {
        const struct dns_record *r = &m->record[i];
        if (r->section != DNS_ANSWER || r->type != DNS_TXT || r->class != DNS_CLASS_IN)
            continue;
        size_t n = dns_txt_join(m, r, text + used, CAP_DNS_TEXT - used);
        if (n == SIZE_MAX)
            break;
        to[count++] = (struct txt_record){.text = span_of(text + used, n)};
        used += n;
    }
    return count;
}

void wants_dns(struct wants *l, nstime now, const struct dns_sighting *s)
{
    static const char label[] = "_mta-sts.";
    const struct dns_message *m = s->message;
    struct txt_record record[CAP_DNS_RECORDS];
    uint8_t text[CAP_DNS_TEXT];
    struct sts_txt txt;
    struct domain d;
    if (!l || s->kind != DNS_SIGHTING_ANSWER || s->bad_checksum || !s->query_seen ||
        !m->has_question || m->question.type != DNS_TXT)
        return;
    const char *name = dns_text(m, m->question.name);
    if (strncasecmp(name, label, sizeof(label) - 1) != 0 ||
        !domain_read(span_str(name + sizeof(label) - 1), &d) || !may_ask(l, &d))
        return;
    sts_txt_read(record, records_of(m, text, record), &txt);
    if (txt.usable && txt.id[0])
        asking_id(l->asking, now, &d, txt.id);
}

/* --- asking and hearing --- */

/* Whoever has taken the process over that answers could leave all of it unanswered. */
static void give_up(struct wants *l, nstime now)
{
    for (size_t i = 0; i < l->flights;) {
        if (now - l->flying[i].since < PATIENCE) {
            i++;
            continue;
        }
        l->stats.failures.unanswered++;
        asking_done(l->asking, now, &l->flying[i].domain, ASKING_FAILED, "", now);
        l->flying[i] = l->flying[--l->flights];
    }
}

bool wants_next(struct wants *l, nstime now, struct told_ask *to)
{
    struct domain d;
    if (!l)
        return false;
    give_up(l, now);
    if (l->flights == CAP_ASKING_FLIGHT)
        return false;
    want_own(l, now);
    memset(to, 0, sizeof(*to));
    if (!asking_next(l->asking, now, &d, to->id))
        return false;
    memcpy(to->domain, d.text, d.n);
    to->mx = true;
    l->flying[l->flights++] = (struct flight){d, now};
    return true;
}

static bool land(struct wants *l, const struct domain *d)
{
    for (size_t i = 0; i < l->flights; i++) {
        if (!span_eq(domain_span(&l->flying[i].domain), domain_span(d)))
            continue;
        l->flying[i] = l->flying[--l->flights];
        return true;
    }
    return false;
}

static enum asking_outcome outcome_of(const struct lookup *k)
{
    switch (k->sts) {
    case LOOKUP_STS_POLICY:
        return ASKING_POLICY;
    case LOOKUP_STS_SAME:
        return ASKING_SAME;
    case LOOKUP_STS_NONE:
        return ASKING_NOTHING;
    default:
        return ASKING_FAILED;
    }
}

static void count_failure(struct eve_lookups *s, enum lookup_sts sts)
{
    uint64_t *const of[LOOKUP_STS_COUNT] = {
        [LOOKUP_STS_UNASKED] = &s->failures.busy,    [LOOKUP_STS_DNS] = &s->failures.dns,
        [LOOKUP_STS_RECORD] = &s->failures.record,   [LOOKUP_STS_FETCH] = &s->failures.fetch,
        [LOOKUP_STS_WEBPKI] = &s->failures.webpki,   [LOOKUP_STS_INVALID] = &s->failures.invalid,
        [LOOKUP_STS_REFUSED] = &s->failures.refused,
    };
    if (of[sts])
        ++*of[sts];
}

static void count_left_out(struct eve_lookups *s, const struct lookup *k)
{
    s->left_out.exchangers += k->items_left_out;
    for (uint8_t i = 0; i < k->items; i++) {
        s->left_out.records += k->item[i].records_left_out;
        s->left_out.addresses += k->item[i].addresses_left_out;
    }
}

/* When the policy ends, by our clock. */
static nstime end_of(struct wants *l, nstime now, const struct lookup *k)
{
    if (k->sts != LOOKUP_STS_POLICY)
        return now;
    sts_policy_read(span_of(k->body, k->body_n), &l->policy);
    return clock_add(now, l->policy.max_age * NS_PER_S);
}

bool wants_take(struct wants *l, nstime now, struct span body, struct lookup *to)
{
    char why[LOOKUP_JSON_WHY];
    if (!l)
        return false;
    if (lookup_json_read(body, to, why) || !land(l, &to->domain)) {
        l->stats.unasked++;
        lookup_fini(to);
        return false;
    }
    count_failure(&l->stats, to->sts);
    count_left_out(&l->stats, to);
    asking_done(l->asking, now, &to->domain, outcome_of(to), to->id, end_of(l, now, to));
    return true;
}

void wants_again(struct wants *l, nstime now)
{
    if (!l)
        return;
    l->flights = 0;
    asking_restart(l->asking, now);
}

struct eve_lookups wants_stats(const struct wants *l)
{
    if (!l)
        return (struct eve_lookups){0};
    const struct asking_stats a = asking_stats(l->asking);
    struct eve_lookups stats = l->stats;
    stats.wanted = a.wanted;
    stats.spared = a.spared;
    stats.dropped = a.dropped;
    stats.asked = a.asked;
    stats.answered = a.answered;
    stats.failed = a.failed;
    stats.waiting = a.waiting;
    stats.flying = a.flying;
    stats.known = a.known;
    return stats;
}
