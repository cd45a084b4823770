/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/attack.h"

#include <stdlib.h>

#include "base/recent.h"

#define MANY_SERVERS 10 /* a step up */
#define MANY_MAILS   100
#define NET_BYTES_4  3 /* /24 and /48: what one customer of a network has at the least */
#define NET_BYTES_6  6

_Static_assert(MANY_SERVERS <= CAP_INCIDENT_PEERS, "so many are told apart");

struct attacks {
    struct siphash_key key;
    struct recent *table; /* struct attack by struct attack_key */
    uint64_t newest;      /* serial */
    uint32_t open[FINDING_SUBJECT_COUNT][RULE_GROUP_COUNT];
    uint32_t open_all;
};

/* Hashed up to the end of the name. */
struct attack_key {
    uint8_t subject, group, family;
    uint8_t address[16];
    uint8_t net[16]; /* the path */
    char name[CAP_DOMAIN_TEXT + 1];
};

struct attacks *attacks_new(const struct siphash_key *key)
{
    struct attacks *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->key = *key;
    t->table = recent_new(key, CAP_INCIDENTS, sizeof(struct attack));
    if (t->table)
        return t;
    free(t);
    return NULL;
}

void attacks_free(struct attacks *t)
{
    if (t)
        recent_free(t->table);
    free(t);
}

static void put_net(uint8_t to[16], const struct flow_key *k)
{
    memcpy(to, k->client, k->family == 4 ? NET_BYTES_4 : NET_BYTES_6);
}

static size_t key_of(struct attack_key *key, const struct session *s, enum finding_subject subject,
                     enum rule_group group, const char *name)
{
    size_t n = subject == SUBJECT_FARM ? strnlen(name, CAP_DOMAIN_TEXT) : 0;
    memset(key, 0, sizeof *key);
    key->subject = (uint8_t)subject;
    key->group = (uint8_t)group;
    key->family = s->key.family;
    if (subject == SUBJECT_SERVER || subject == SUBJECT_SENDER)
        memcpy(key->address, subject == SUBJECT_SERVER ? s->key.server : s->key.client,
               sizeof key->address);
    put_net(key->net, &s->key);
    memcpy(key->name, name, n);
    return offsetof(struct attack_key, name) + n;
}

struct attack *attacks_find(struct attacks *t, const struct session *s,
                            enum finding_subject subject, enum rule_group group, const char *name)
{
    struct attack_key key;
    size_t n = key_of(&key, s, subject, group, name);
    return recent_find(t->table, &key, n);
}

static void open_more(struct attacks *t, const struct attack *a, int by)
{
    t->open[a->subject][a->group] += (uint32_t)by;
    t->open_all += (uint32_t)by;
}

static void place_set(struct incident_place *p, const struct session *s)
{
    *p = (struct incident_place){.key = s->key,
                                 .flow_id = s->flow_id,
                                 .vlan_count = s->vlan_count,
                                 .tunnel_count = s->tunnel_count,
                                 .source = s->source,
                                 .first = s->first};
    memcpy(p->vlan, s->vlan, sizeof p->vlan);
    memcpy(p->tunnel, s->tunnel, sizeof p->tunnel);
    memcpy(p->packets, s->packets, sizeof p->packets);
    memcpy(p->wire_bytes, s->wire_bytes, sizeof p->wire_bytes);
}

struct attack *attacks_begin(struct attacks *t, const struct session *s, const struct finding *f)
{
    struct attack_key key;
    enum rule_group group = rule_group(f->rule);
    size_t n = key_of(&key, s, f->subject, group, f->subject_name);
    struct attack *a = recent_keep(t->table, &key, n);
    *a = (struct attack){.serial = ++t->newest,
                         .subject = f->subject,
                         .group = group,
                         .first = INT64_MAX,
                         .last = INT64_MIN};
    ids_incident(s, f, a->incident);
    place_set(&a->place, s);
    open_more(t, a, 1);
    return a;
}

bool attacks_full(const struct attacks *t)
{
    return recent_is_full(t->table);
}

struct attack *attacks_oldest(struct attacks *t)
{
    return recent_oldest(t->table);
}

void attacks_forget(struct attacks *t, struct attack *a)
{
    if (a->state != ATTACK_ABSORBED)
        open_more(t, a, -1);
    a->serial = 0;
    recent_forget(t->table, a);
}

uint32_t attacks_open(const struct attacks *t, enum finding_subject subject, enum rule_group group)
{
    return t->open[subject][group];
}

uint32_t attacks_open_all(const struct attacks *t)
{
    return t->open_all;
}

/* --- one path for many --- */

static bool same_path(const struct attack *a, const struct attack *b)
{
    uint8_t x[16] = {0}, y[16] = {0};
    put_net(x, &a->place.key);
    put_net(y, &b->place.key);
    return a->place.key.family == b->place.key.family && memcmp(x, y, sizeof x) == 0;
}

static void roll_call(struct roll *r, uint32_t print)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->print[i] == print)
            return;
    if (r->count < CAP_INCIDENT_PEERS)
        r->print[r->count++] = print;
}

static void roll_join(struct roll *to, const struct roll *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        roll_call(to, from->print[i]);
}

static void strengthen(struct attack *a, enum severity severity, enum rule_id rule)
{
    if (severity > a->strongest ||
        (severity == a->strongest && rule_before(rule, a->strongest_by))) {
        a->strongest = severity;
        a->strongest_by = rule;
    }
}

static void take_in(struct attacks *t, struct attack *into, struct attack *a)
{
    for (size_t i = 0; i < sizeof a->rules.word / sizeof a->rules.word[0]; i++)
        into->rules.word[i] |= a->rules.word[i];
    roll_join(&into->servers, &a->servers);
    roll_join(&into->senders, &a->senders);
    strengthen(into, a->strongest, a->strongest_by);
    into->sessions += a->sessions;
    into->mails += a->mails;
    into->absorbed++;
    into->first = a->first < into->first ? a->first : into->first;
    into->last = a->last > into->last ? a->last : into->last;
    open_more(t, a, -1);
    a->state = ATTACK_ABSORBED;
    a->into = into;
    a->into_serial = into->serial;
}

struct attack *attacks_absorb(struct attacks *t, struct attack *into, struct attack *after)
{
    struct attack *a = after ? recent_newer(t->table, after) : recent_oldest(t->table);
    for (; a; a = recent_newer(t->table, a)) {
        if (a->state == ATTACK_ABSORBED || a->subject == SUBJECT_PATH || a->group != into->group ||
            !same_path(a, into))
            continue;
        take_in(t, into, a);
        return a;
    }
    return NULL;
}

/* --- counting --- */

static uint32_t print_of(const struct attacks *t, uint8_t family, const uint8_t address[16])
{
    uint8_t bytes[17] = {family};
    memcpy(bytes + 1, address, 16);
    return (uint32_t)siphash(&t->key, bytes, sizeof bytes);
}

void attacks_count(struct attacks *t, struct attack *a, const struct session *s)
{
    a->sessions++;
    roll_call(&a->servers, print_of(t, s->key.family, s->key.server));
    roll_call(&a->senders, print_of(t, s->key.family, s->key.client));
}

/* Of a path what goes through it takes no lead: it says less. */
static bool takes_the_lead(const struct attack *a, const struct finding *f)
{
    const struct attack_lead *lead = &a->lead;
    if (lead->id[0] == '\0')
        return true;
    if (a->subject == SUBJECT_PATH && f->subject != SUBJECT_PATH)
        return false;
    return f->severity > lead->severity ||
           (f->severity == lead->severity && rule_before(f->rule, lead->rule));
}

static void lead_set(struct attack *a, const struct session *s, const struct finding *f)
{
    struct attack_lead *lead = &a->lead;
    a->lead_is_new |= lead->rule != f->rule;
    *lead = (struct attack_lead){.rule = f->rule,
                                 .severity = f->severity,
                                 .confidence = f->confidence,
                                 .evidence = f->evidence,
                                 .effect = f->effect,
                                 .cause = f->cause,
                                 .alternative_count = f->alternative_count,
                                 .dir = f->dir,
                                 .tlsrpt = f->tlsrpt,
                                 .retrospective = f->retrospective};
    memcpy(lead->alternatives, f->alternatives, sizeof lead->alternatives);
    ids_finding(s, f, lead->id);
}

void attack_hear(struct attacks *t, struct attack *a, const struct session *s,
                 const struct finding *f)
{
    nstime time = f->time ? f->time : s->now;
    rule_set_add(&a->rules, f->rule);
    if (takes_the_lead(a, f))
        lead_set(a, s, f);
    strengthen(a, f->severity, f->rule);
    a->first = time < a->first ? time : a->first;
    a->last = time > a->last ? time : a->last;
    a->heard = s->now;
    a->clean = 0;
    place_set(&a->place, s);
    recent_use(t->table, a);
}

enum severity attack_severity(const struct attack *a)
{
    bool many = a->servers.count >= MANY_SERVERS || a->mails >= MANY_MAILS;
    return many && a->strongest < SEVERITY_CRITICAL ? a->strongest + 1 : a->strongest;
}

void attack_recall(const struct attack *a, struct finding *out)
{
    const struct attack_lead *lead = &a->lead;
    *out = (struct finding){.rule = lead->rule,
                            .severity = lead->severity,
                            .confidence = lead->confidence,
                            .evidence = lead->evidence,
                            .effect = lead->effect,
                            .cause = lead->cause,
                            .alternative_count = lead->alternative_count,
                            .dir = lead->dir,
                            .time = a->last,
                            .subject = a->subject,
                            .tlsrpt = lead->tlsrpt,
                            .retrospective = lead->retrospective};
    memcpy(out->alternatives, lead->alternatives, sizeof out->alternatives);
}
