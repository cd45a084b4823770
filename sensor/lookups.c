/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lookups.h"

#include <stdlib.h>

#include "base/recent.h"
#include "sensor/discover.h"

#define PLACES    8192 /* 300 bytes each */
#define IDS       8    /* of a domain, that were replaced */
#define HOSTS     16   /* of its mail exchangers, the best */
#define A_DAY     86400
#define LEAST_AGE A_DAY             /* RFC 8461 section 3.2 speaks of weeks */
#define LAGGING   (3600 * NS_PER_S) /* a name server may be behind the others for so long */

/* Texts and names are known by their hashes; 0: none. */
struct former_id {
    uint64_t id;
    nstime replaced;
};

struct said {
    nstime time;
    nstime record, record_since; /* when there was one; 0: there was none the last time */
    uint64_t id;
    uint64_t issuer; /* of the policy before, as the hosts below */
    uint64_t host[HOSTS];
    struct former_id former[IDS]; /* a ring */
    uint32_t formers;
    uint32_t failures; /* to have the policy, in a row */
    uint8_t hosts;
};

struct lookups {
    struct siphash_key key;
    struct recent *domains; /* struct said */
    const struct book *book;
    const struct exchangers *exchangers;
};

/* One look-up at hand. */
struct taking {
    struct lookups *l;
    const struct lookup *found;
    const struct sts_policy *policy;
    struct said *said;
    nstime now;
    lookups_fn fn;
    void *user;
};

struct lookups *lookups_new(const struct siphash_key *key, const struct book *book,
                            const struct exchangers *exchangers)
{
    struct lookups *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    *l = (struct lookups){.key = *key,
                          .domains = recent_new(key, PLACES, sizeof(struct said)),
                          .book = book,
                          .exchangers = exchangers};
    if (l->domains)
        return l;
    lookups_free(l);
    return NULL;
}

void lookups_free(struct lookups *l)
{
    if (!l)
        return;
    recent_free(l->domains);
    free(l);
}

static uint64_t hash_of(const struct lookups *l, const char *text)
{
    return text[0] ? siphash(&l->key, text, strlen(text)) | 1 : 0;
}

nstime lookups_record(struct lookups *l, const struct domain *d, nstime *since)
{
    const struct said *said = recent_find(l->domains, d->text, d->n);
    *since = said ? said->record_since : 0;
    return said ? said->record : 0;
}

/* --- what is told --- */

static struct discovery begin(const struct taking *t, enum discovery_kind kind,
                              enum discovery_answer answer)
{
    const struct lookup *f = t->found;
    struct discovery d = {.kind = kind,
                          .answer = answer,
                          .own = true,
                          .time = f->time,
                          .now = t->now,
                          .asked = f->time,
                          .type = kind == DISCOVERY_TLSA ? "TLSA" : "TXT",
                          .domain = f->domain,
                          .authentic = f->record == LOOKUP_SECURE,
                          .sts_id = f->id};
    return d;
}

/* What was promised before this look-up. */
static const struct book_policy *promise_before(const struct taking *t, struct discovery *d)
{
    d->time = t->found->time - 1;
    const struct book_policy *p = discover_promise(t->l->book, d);
    d->time = t->found->time;
    if (p && !d->promise.fetched_later)
        return p;
    d->promised = false;
    return NULL;
}

static void tell_record(const struct taking *t)
{
    enum lookup_sts sts = t->found->sts;
    struct discovery d = begin(t, DISCOVERY_STS,
                               sts == LOOKUP_STS_NONE  ? DISCOVERY_NONE
                               : sts == LOOKUP_STS_DNS ? DISCOVERY_FAILED
                                                       : DISCOVERY_RECORDS);
    if (sts == LOOKUP_STS_RECORD)
        d.invalid = t->found->why[0] ? t->found->why : "it cannot be used";
    else
        d.before = t->said->record;
    promise_before(t, &d);
    t->fn(t->user, &d);
}

static void tell_unreachable(const struct taking *t)
{
    struct discovery d = begin(t, DISCOVERY_FETCH, DISCOVERY_FAILED);
    d.unanswered = t->said->failures;
    d.policy = (struct discovery_policy){
        .status = t->found->status, .tlsrpt = lookup_tlsrpt(t->found), .why = t->found->why};
    promise_before(t, &d);
    t->fn(t->user, &d);
}

/* --- ids --- */

static void give_up_id(struct said *s, uint64_t id, nstime t)
{
    s->former[s->formers++ % IDS] = (struct former_id){id, t};
}

static nstime former_id(const struct said *s, uint64_t id)
{
    nstime last = 0;
    for (uint32_t i = 0; i < IDS && i < s->formers; i++)
        if (s->former[i].id == id && s->former[i].replaced > last)
            last = s->former[i].replaced;
    return last;
}

struct seeding {
    const struct taking *t;
    nstime newer; /* when the one before it in the book was fetched */
};

/* book_fn: the policies of the domain, the newest first */
static bool seed(void *user, const struct domain *d, const struct book_policy *p)
{
    struct seeding *s = user;
    struct said *said = s->t->said;
    uint64_t id = hash_of(s->t->l, p->id);
    (void)d;
    if (p->source != EXPECTATION_MTA_STS || id == 0 || p->from >= s->t->found->time)
        return true;
    if (said->id == 0)
        said->id = id;
    else if (id != said->id && said->formers < IDS && former_id(said, id) == 0)
        give_up_id(said, id, s->newer);
    s->newer = p->from;
    return true;
}

static void compare_id(const struct taking *t)
{
    struct said *s = t->said;
    uint64_t id = hash_of(t->l, t->found->id);
    nstime replaced = former_id(s, id);
    if (id == 0 || id == s->id)
        return;
    if (s->id)
        give_up_id(s, s->id, t->found->time);
    s->id = id;
    if (replaced == 0 || clock_since(t->found->time, replaced) < LAGGING)
        return;
    struct discovery d = begin(t, DISCOVERY_ID, DISCOVERY_RECORDS);
    d.before = replaced;
    promise_before(t, &d);
    t->fn(t->user, &d);
}

/* --- policies --- */

static bool has_pattern(const struct span *list, uint32_t n, struct span pattern)
{
    for (uint32_t i = 0; i < n; i++)
        if (span_eq_nocase(list[i], pattern))
            return true;
    return false;
}

/* Is it the domain or below it? */
static bool is_own(const struct domain *d, struct span name)
{
    return name.n >= d->n && span_eq_nocase(span_from(name, name.n - d->n), domain_span(d)) &&
           (name.n == d->n || name.p[name.n - d->n - 1] == '.');
}

/* A wildcard over hosts of somebody else takes in all of his customers. */
static bool is_wider(const struct domain *d, const struct book_policy *old,
                     const struct sts_policy *new)
{
    for (uint32_t i = 0; i < new->mx_count; i++) {
        bool wildcard;
        struct span base = mx_pattern_base(new->mx[i], &wildcard);
        if (wildcard && !is_own(d, base) && !has_pattern(old->mx, old->mx_count, new->mx[i]))
            return true;
    }
    return false;
}

static bool is_other(const struct book_policy *old, const struct sts_policy *new)
{
    for (uint32_t i = 0; i < new->mx_count; i++)
        if (has_pattern(old->mx, old->mx_count, new->mx[i]))
            return false;
    return old->mx_count > 0 && new->mx_count > 0;
}

static unsigned weaker(const struct domain *d, const struct book_policy *old,
                       const struct sts_policy *new)
{
    bool age =
        (new->max_age < LEAST_AGE && old->max_age >= LEAST_AGE) || new->max_age < old->max_age / 10;
    return (new->mode < old->mode ? DISCOVERY_WEAKER_MODE : 0u) |
           (age ? DISCOVERY_WEAKER_AGE : 0u) | (is_wider(d, old, new) ? DISCOVERY_WEAKER_MX : 0u) |
           (is_other(old, new) ? DISCOVERY_OTHER_MX : 0u);
}
_Static_assert(STS_MODE_NONE < STS_MODE_TESTING && STS_MODE_TESTING < STS_MODE_ENFORCE, "ordered");

/* None of the exchangers is one of those before. */
static bool has_other_hosts(const struct taking *t)
{
    const struct said *s = t->said;
    for (uint8_t i = 0; i < t->found->items; i++)
        for (uint8_t k = 0; k < s->hosts; k++)
            if (hash_of(t->l, t->found->item[i].host.text) == s->host[k])
                return false;
    return t->found->items > 0 && s->hosts > 0;
}

static void compare_policy(const struct taking *t)
{
    struct discovery d = begin(t, DISCOVERY_POLICY, DISCOVERY_RECORDS);
    const struct book_policy *old = promise_before(t, &d);
    uint64_t issuer = hash_of(t->l, t->found->issuer);
    if (!old || !(d.policy.weaker = weaker(&d.domain, old, t->policy)))
        return;
    d.policy.mode = t->policy->mode;
    d.policy.max_age = t->policy->max_age;
    d.policy.max_age_before = old->max_age;
    d.policy.issuer_changed = issuer && t->said->issuer && issuer != t->said->issuer;
    d.policy.mx_changed = has_other_hosts(t);
    t->fn(t->user, &d);
}

static void remember_policy(const struct taking *t)
{
    struct said *s = t->said;
    uint64_t issuer = hash_of(t->l, t->found->issuer);
    s->issuer = issuer ? issuer : s->issuer;
    if (t->found->items == 0)
        return;
    s->hosts = t->found->items < HOSTS ? t->found->items : HOSTS;
    for (uint8_t i = 0; i < s->hosts; i++)
        s->host[i] = hash_of(t->l, t->found->item[i].host.text);
}

/* --- TLSA records --- */

/* A sender must wait where they cannot be had (RFC 7672 section 2.1.2), and may be made to. */
static void compare_tlsa(const struct taking *t, const struct lookup_mx *m)
{
    struct discovery d = begin(t, DISCOVERY_TLSA, DISCOVERY_FAILED);
    if ((m->tlsa != LOOKUP_BOGUS && m->tlsa != LOOKUP_FAILED) || !lookup_leads_to(t->found, m))
        return;
    d.host = m->base.n > 0 ? m->base : m->host;
    if (exchangers_records(t->l->exchangers, d.time, &d.host, &d.elsewhere))
        t->fn(t->user, &d);
}

/* --- all of it --- */

static void note_record(const struct taking *t)
{
    struct said *s = t->said;
    if (t->found->sts == LOOKUP_STS_NONE || t->found->sts == LOOKUP_STS_RECORD) {
        s->record = 0;
    } else if (t->found->id[0]) {
        s->record_since = s->record ? s->record_since : t->found->time;
        s->record = t->found->time;
    }
}

static void compare(const struct taking *t)
{
    struct said *s = t->said;
    switch (t->found->sts) {
    case LOOKUP_STS_NONE:
    case LOOKUP_STS_DNS:
    case LOOKUP_STS_RECORD:
        tell_record(t);
        break;
    case LOOKUP_STS_FETCH:
    case LOOKUP_STS_WEBPKI:
    case LOOKUP_STS_INVALID:
    case LOOKUP_STS_REFUSED:
        s->failures++;
        tell_unreachable(t);
        break;
    case LOOKUP_STS_POLICY:
        s->failures = 0;
        if (t->policy)
            compare_policy(t);
        break;
    default:
        break;
    }
}

void lookups_take(struct lookups *l, const struct lookup *found, const struct sts_policy *policy,
                  nstime now, lookups_fn fn, void *user)
{
    struct taking t = {l, found, policy, NULL, now, fn, user};
    struct seeding seeding = {&t, found->time};
    bool known = recent_find(l->domains, found->domain.text, found->domain.n) != NULL;
    t.said = recent_keep(l->domains, found->domain.text, found->domain.n);
    if (known && found->time < t.said->time)
        return;
    if (!known)
        book_of(l->book, &found->domain, seed, &seeding);
    compare(&t);
    compare_id(&t);
    for (uint8_t i = 0; i < found->items; i++)
        compare_tlsa(&t, &found->item[i]);
    note_record(&t);
    if (found->sts == LOOKUP_STS_POLICY)
        remember_policy(&t);
    t.said->time = found->time;
}
