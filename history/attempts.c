/* SPDX-License-Identifier: Apache-2.0 */
#include "history/attempts.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/recent.h"
#include "base/text.h"
#include "history/days.h"
#include "history/kept_attempt.h"

/* The newest first. */
struct attempted {
    struct attempt item[BASELINE_LINKS];
    uint8_t count;
    uint16_t fell_back; /* came back in clear after an alert */
    uint64_t alert;     /* of a client as such: the flow that ended first by an alert; 0: none */
    bool looks;         /* it has left although TLS was to be had: for another reason */
    nstime looked;
    bool loaded;  /* what a store had is in it */
    uint16_t day; /* when it was heard of last, short */
    struct kept_attempts kept;
};

/* Two of which nothing was tried that this run knows of. */
struct met {
    nstime asked;     /* the store, in vain; 0: never */
    nstime delivered; /* what another run tried before that is over */
};

static nstime last_of(const struct met *m)
{
    return m->asked > m->delivered ? m->asked : m->delivered;
}

/* A session in clear behind an offer. */
struct returned {
    nstime begin;
    struct doubt_case item;
};

struct attempts {
    struct recent *table;
    struct recent *returned;
    struct recent *met; /* with a store alone */
    struct keep *keep;  /* borrowed; NULL: nothing outlives the run */
    uint32_t pair_days;
};

#define SWEPT 16 /* pairs that one sweep looks at */

struct attempts *attempts_new(const struct siphash_key *key)
{
    struct attempts *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->pair_days = PAIR_DAYS;
    a->table = recent_new(key, CAP_HISTORY_PAIRS, sizeof(struct attempted));
    a->returned = recent_new(key, CAP_HISTORY_RETURNS, sizeof(struct returned));
    a->met = recent_new(key, CAP_HISTORY_PAIRS, sizeof(struct met));
    if (a->table && a->returned && a->met)
        return a;
    attempts_free(a);
    return NULL;
}

struct recent **attempts_tables(struct attempts *a, struct recent **to)
{
    *to++ = a->table;
    *to++ = a->returned;
    *to++ = a->met;
    return to;
}

void attempts_free(struct attempts *a)
{
    if (!a)
        return;
    recent_free(a->met);
    recent_free(a->returned);
    recent_free(a->table);
    free(a);
}

void attempts_pairs(struct attempts *a, uint32_t days)
{
    a->pair_days = days;
}

void attempts_sweep(struct attempts *a, int32_t day)
{
    for (int i = 0; i < SWEPT; i++) {
        struct attempted *r = recent_round(a->table);
        struct returned *back = recent_round(a->returned);
        struct met *met = recent_round(a->met);
        if (r && days_over(r->day, day, a->pair_days))
            recent_forget(a->table, r);
        if (back && days_over((uint16_t)days_of(back->begin), day, a->pair_days))
            recent_forget(a->returned, back);
        if (met && days_over((uint16_t)days_of(last_of(met)), day, a->pair_days))
            recent_forget(a->met, met);
    }
}

uint64_t attempts_evicted(const struct attempts *a)
{
    return recent_evicted(a->table) + recent_evicted(a->returned);
}

void attempts_keep(struct attempts *a, struct keep *keep)
{
    a->keep = keep;
}

#define OF_OWNER  0x80 /* beside the family, so that no name is taken for an address */
#define OF_ITSELF 0x40 /* the client with whomever */

#define EARLIER_RUN UINT64_MAX       /* a flow that nobody remembers */
#define ASK_AGAIN   (600 * NS_PER_S) /* another sensor may have seen something since */

struct attempt_key {
    uint8_t client[16];
    uint8_t family;
    char other[CAP_DOMAIN_TEXT + 1]; /* the server's address, or its owner */
};

/* Bytes of the key that are in use. */
static size_t server_key(struct attempt_key *k, const struct observation *o)
{
    memcpy(k->client, o->client, sizeof(k->client));
    k->family = o->family;
    memcpy(k->other, o->server, sizeof(o->server));
    return offsetof(struct attempt_key, other) + sizeof(o->server);
}

static size_t farm_key(struct attempt_key *k, const struct observation *o,
                       const struct psl_domain *farm)
{
    memcpy(k->client, o->client, sizeof(k->client));
    k->family = o->family | OF_OWNER;
    memcpy(k->other, farm->text, farm->n);
    return offsetof(struct attempt_key, other) + farm->n;
}

static size_t own_key(struct attempt_key *k, const struct observation *o)
{
    memcpy(k->client, o->client, sizeof(k->client));
    k->family = o->family | OF_ITSELF;
    return offsetof(struct attempt_key, other);
}

/* --- what outlives the run: docs/history.md has the field --- */

/* "192.0.2.7-198.51.100.25", "192.0.2.7@alder.example", "192.0.2.7" */
static void kept_name(struct keep_text *t, const struct attempt_key *k, size_t n)
{
    char ip[TEXT_IP];
    size_t other = n - offsetof(struct attempt_key, other);
    uint8_t family = (uint8_t)(k->family & ~(OF_OWNER | OF_ITSELF));
    text_ip(ip, family, k->client);
    keep_text_init(t);
    keep_put(t, ip);
    if (k->family & OF_ITSELF)
        return;
    if (k->family & OF_OWNER) {
        keep_put_bytes(t, span_of(k->other, other));
        return;
    }
    text_ip(ip, family, (const uint8_t *)k->other);
    keep_put(t, "-");
    keep_put(t, ip);
}

/* NULL: it is not known. */
static struct attempted *find(struct attempts *a, const struct attempt_key *k, size_t n,
                              int32_t day)
{
    struct attempted *r = recent_count(a->table) > 0 ? recent_find(a->table, k, n) : NULL;
    if (!r || !days_over(r->day, day, a->pair_days))
        return r;
    recent_forget(a->table, r);
    return NULL;
}

/* Likewise, new if need be, and heard of now. */
static struct attempted *hear(struct attempts *a, const struct attempt_key *k, size_t n,
                              int32_t day)
{
    find(a, k, n, day);
    struct attempted *r = recent_keep(a->table, k, n);
    r->day = (uint16_t)day;
    return r;
}

static struct kept_pair pair_of(const struct attempts *a, struct attempted *r,
                                const struct attempt_key *k, size_t n, struct keep_text *name)
{
    bool owner = k->family & OF_OWNER;
    if (a->keep)
        kept_name(name, k, n);
    else
        keep_text_init(name);
    return (struct kept_pair){.keep = a->keep,
                              .known = &r->kept,
                              .name = keep_text_span(name),
                              .address_n = owner ? (k->family & ~OF_OWNER) == 6 ? 16 : 4 : 0};
}

static bool within(nstime now, nstime then)
{
    int64_t ago = clock_since(now, then);
    return ago >= 0 && ago < ATTEMPT_KEPT;
}

/* In its place; one flow is one attempt. */
static void insert(struct attempted *r, const struct attempt *t)
{
    uint8_t at = 0;
    for (uint8_t i = 0; i < r->count; i++)
        if (r->item[i].flow_id == t->flow_id)
            return;
    while (at < r->count && r->item[at].time >= t->time)
        at++;
    if (at == BASELINE_LINKS)
        return;
    r->count = (uint8_t)(r->count + (r->count < BASELINE_LINKS));
    memmove(r->item + at + 1, r->item + at, (r->count - 1u - at) * sizeof(r->item[0]));
    r->item[at] = *t;
}

/* What was tried in the hours before `now`. */
static void load_attempt(struct attempted *r, const struct attempt_key *k,
                         const struct kept_pair *p, const struct kept_field *f, nstime now,
                         nstime *over)
{
    struct kept_attempt t;
    if (!kept_attempt_read(p, f, &t)) {
        keep_pass_over(p->keep);
        return;
    }
    p->known->fields = (uint16_t)(p->known->fields + f->newer);
    if (f->total <= 0 || !within(now, t.attempt.time))
        return;
    if (t.what == KEPT_OVER) {
        *over = t.attempt.time > *over ? t.attempt.time : *over;
    } else if (t.what == KEPT_LOOK) {
        r->looks = true;
        r->looked = t.attempt.time > r->looked ? t.attempt.time : r->looked;
        p->known->looked = r->looked;
    } else {
        if (p->address_n == 0)
            memcpy(t.attempt.server, k->other, sizeof(t.attempt.server));
        insert(r, &t.attempt);
    }
}

/* What the store knew to be over at `over`, and this run at `delivered`. */
static void drop_over(struct attempted *r, const struct kept_pair *p, nstime over, nstime delivered)
{
    nstime last = delivered > over ? delivered : over;
    uint8_t count = r->count;
    while (r->count > 0 && r->item[r->count - 1].time <= last)
        r->count--;
    for (uint8_t i = r->count; i < count; i++)
        if (r->item[i].time > over)
            kept_attempt_known(p, &r->item[i]);
    kept_attempt_over(p);
    for (uint8_t i = 0; i < r->count; i++)
        kept_attempt_known(p, &r->item[i]);
}

static void load(struct attempts *a, struct attempted *r, const struct attempt_key *k, size_t n,
                 nstime now)
{
    struct keep_text name;
    struct kept kept;
    struct kept_pair p = pair_of(a, r, k, n, &name);
    int32_t day = days_of(now);
    if (!keep_load(a->keep, KEEP_PAIR, p.name, day, &kept))
        return;
    int64_t fell_back = 0;
    const struct met *met = recent_find(a->met, k, n);
    nstime over = 0, delivered = met && within(now, met->delivered) ? met->delivered : 0;
    r->kept = (struct kept_attempts){.day = day};
    for (size_t i = 0; i < kept.count; i++)
        if (span_eq(kept.field[i].text, span_str("b")))
            fell_back += keep_balance(kept.field[i].total);
        else if (span_eq(kept.field[i].text, span_str("a")))
            r->alert = kept.field[i].total > 0 ? EARLIER_RUN : 0;
        else
            load_attempt(r, k, &p, &kept.field[i], now, &over);
    drop_over(r, &p, over, delivered);
    r->fell_back = (uint16_t)keep_count(fell_back, UINT16_MAX);
    r->loaded = true;
}

/* What is known of a client as such. Whether it is incompatible is asked when an alert says so. */
static struct attempted *of_client(struct attempts *a, const struct observation *o)
{
    struct attempt_key k;
    size_t n = own_key(&k, o);
    int32_t day = days_of(o->time);
    if (o->fate != OBSERVED_FATE_ALERT)
        return find(a, &k, n, day);
    struct attempted *r = hear(a, &k, n, day);
    if (a->keep && !r->loaded)
        load(a, r, &k, n, o->time);
    return r;
}

static void keep_fall(struct attempts *a, const struct attempt_key *k, size_t n, int32_t day,
                      int64_t by)
{
    struct keep_text name;
    if (!a->keep || by == 0)
        return;
    kept_name(&name, k, n);
    keep_of(a->keep, KEEP_PAIR, keep_text_span(&name), day);
    keep_add(a->keep, span_str("b"), by);
}

/* --- recalling --- */

static bool counts(const struct attempt *t, const struct observation *o)
{
    return t->flow_id != o->flow_id && within(o->time, t->time);
}

static bool any_counts(const struct attempted *r, const struct observation *o)
{
    for (uint8_t i = 0; r && i < r->count; i++)
        if (counts(&r->item[i], o))
            return true;
    return false;
}

static struct usual_attempt usual_of(const struct attempt *t, const struct observation *o)
{
    return (struct usual_attempt){
        .flow_id = t->flow_id,
        .time = t->time,
        .fate = t->fate,
        .same_server = memcmp(t->server, o->server, sizeof(t->server)) == 0,
    };
}

static void recall(const struct attempt *t, const struct observation *o, struct baseline *b)
{
    const struct usual_attempt u = usual_of(t, o);
    if (t->held)
        b->held[b->held_count++] = u;
    else
        b->failed[b->failed_count++] = u;
}

/* Other sensors, and earlier runs: of a mail in clear, and one that was not handed in, but not of
 * who only looks. */
static bool asks_others(const struct attempts *a, const struct observation *o)
{
    bool looks = o->offer == OBSERVED_OFFER_MADE && !o->asked;
    return a->keep && (o->mail || (o->left && !looks));
}

static const struct attempted *look_up(struct attempts *a, const struct attempt_key *k, size_t n,
                                       const struct observation *o)
{
    int32_t day = days_of(o->time);
    struct attempted *r = find(a, k, n, day);
    if (!asks_others(a, o))
        return r;
    if (r)
        recent_use(a->table, r); /* it stays while the next one is looked up */
    if (r && r->loaded)
        return r;
    struct met *met = recent_keep(a->met, k, n);
    int64_t since = clock_since(o->time, met->asked);
    if (met->asked != 0 && since >= 0 && since < ASK_AGAIN)
        return r;
    struct attempted there = {0};
    load(a, r ? r : &there, k, n, o->time);
    if (r || !there.loaded)
        return r;
    met->asked = o->time;
    if (there.count == 0 && there.fell_back == 0 && !there.looks)
        return NULL;
    r = hear(a, k, n, day);
    there.day = r->day;
    *r = there;
    return r;
}

void attempts_recall(struct attempts *a, const struct observation *o, const struct psl_domain *farm,
                     struct baseline *b)
{
    struct attempt_key k;
    const struct attempted *client = of_client(a, o);
    b->client_alert = client ? client->alert : 0;
    if (recent_count(a->table) == 0 && !asks_others(a, o)) /* mostly there is none */
        return;
    const struct attempted *pair = look_up(a, &k, server_key(&k, o), o);
    const struct attempted *owner = farm->n > 0 ? look_up(a, &k, farm_key(&k, o, farm), o) : NULL;
    const struct attempted *known = pair ? pair : owner;
    const struct attempted *r = any_counts(pair, o) || !owner ? pair : owner;
    b->fell_back = known ? known->fell_back : 0;
    b->only_looks = known && known->looks && within(o->time, known->looked);
    for (uint8_t i = 0; r && i < r->count; i++)
        if (counts(&r->item[i], o))
            recall(&r->item[i], o, b);
}

/* --- learning --- */

static void note(struct attempts *a, const struct attempt_key *k, size_t n, const struct attempt *t,
                 bool again)
{
    int32_t day = days_of(t->time);
    struct attempted *r = again ? find(a, k, n, day) : hear(a, k, n, day);
    if (!r)
        return;
    if (a->keep && !r->loaded)
        load(a, r, k, n, t->time);
    struct keep_text name;
    const struct kept_pair p = pair_of(a, r, k, n, &name);
    for (uint8_t i = 0; i < r->count; i++)
        if (r->item[i].flow_id == t->flow_id) { /* told of when it went to its end */
            struct attempt before = r->item[i];
            r->item[i].fate = t->fate;
            r->item[i].held = t->held;
            kept_attempt_change(&p, &before, &r->item[i]);
            return;
        }
    if (again)
        return;
    if (r->count < BASELINE_LINKS)
        r->count++;
    memmove(r->item + 1, r->item, (r->count - 1u) * sizeof(r->item[0]));
    r->item[0] = *t;
    kept_attempt_add(&p, &r->item[0]);
}

/* What is over need not be asked for. */
static void part(struct met *met, const struct attempted *r, nstime now)
{
    met->delivered = now;
    if (r && r->loaded)
        met->asked = now;
}

/* Something was delivered, or may have been: what was tried before is over. */
static void forget(struct attempts *a, const struct attempt_key *k, size_t n,
                   const struct observation *o)
{
    int32_t day = days_of(o->time);
    struct attempted *r = find(a, k, n, day);
    bool in_clear = o->delivered && o->fate != OBSERVED_FATE_TLS;
    if (a->keep)
        part(recent_keep(a->met, k, n), r, o->time);
    if (!r)
        return;
    r->day = (uint16_t)day;
    if (in_clear && r->count == 0)
        return; /* how often it fell back stays known */
    struct keep_text name;
    const struct kept_pair p = pair_of(a, r, k, n, &name);
    kept_attempt_over(&p);
    if (in_clear && r->item[0].fate == OBSERVED_FATE_ALERT) {
        r->count = 0;
        r->fell_back = (uint16_t)(r->fell_back + (r->fell_back < UINT16_MAX));
        keep_fall(a, k, n, day, 1);
        return;
    }
    keep_fall(a, k, n, day, -(int64_t)r->fell_back);
    r->fell_back = 0;
    r->count = 0;
    if (!r->looks)
        recent_forget(a->table, r);
}

static void look(struct attempts *a, const struct attempt_key *k, size_t n, nstime time)
{
    struct attempted *r = hear(a, k, n, days_of(time));
    struct keep_text name;
    const struct kept_pair p = pair_of(a, r, k, n, &name);
    r->looks = true;
    r->looked = time;
    kept_attempt_looked(&p, time);
}

static uint32_t lasted(const struct observation *o)
{
    int64_t us = clock_since(o->time, o->begin) / NS_PER_US;
    return us < 0 ? 0 : us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void attempts_learn(struct attempts *a, const struct observation *o, const struct psl_domain *farm)
{
    struct attempt_key k;
    bool failed = o->fate == OBSERVED_FATE_KILLED || o->fate == OBSERVED_FATE_ALERT ||
                  (o->fate == OBSERVED_FATE_REFUSED && o->left);
    struct attempt t = {
        .flow_id = o->flow_id, .time = o->time, .lasted = lasted(o), .fate = (uint8_t)o->fate};
    memcpy(t.server, o->server, sizeof(t.server));
    t.held = !failed;
    bool unseen = o->asked && o->fate == OBSERVED_FATE_NONE; /* lost packets hide what came of it */
    if (o->delivered || unseen) {
        forget(a, &k, server_key(&k, o), o);
        if (farm->n > 0)
            forget(a, &k, farm_key(&k, o, farm), o);
    } else if (!failed && o->left && !o->asked && o->offer == OBSERVED_OFFER_MADE) {
        look(a, &k, server_key(&k, o), o->time);
        if (farm->n > 0)
            look(a, &k, farm_key(&k, o, farm), o->time);
    } else if (failed || o->left) {
        note(a, &k, server_key(&k, o), &t, o->tried_before);
        if (farm->n > 0)
            note(a, &k, farm_key(&k, o, farm), &t, o->tried_before);
    }
}

void attempts_incompatible(struct attempts *a, const struct observation *o)
{
    struct attempted *r = of_client(a, o);
    struct attempt_key k;
    struct keep_text name;
    if (!r || r->alert != 0 || o->fate != OBSERVED_FATE_ALERT)
        return;
    r->alert = o->flow_id;
    if (!a->keep)
        return;
    kept_name(&name, &k, own_key(&k, o));
    keep_of(a->keep, KEEP_PAIR, keep_text_span(&name), days_of(o->time));
    keep_add(a->keep, span_str("a"), 1);
}

/* --- back before the end --- */

static bool has_failed(const struct observation *o)
{
    return o->fate == OBSERVED_FATE_KILLED || o->fate == OBSERVED_FATE_ALERT;
}

static bool has_returned(const struct observation *o)
{
    return o->offer == OBSERVED_OFFER_MADE && !o->asked && o->mail;
}

bool attempts_meanwhile(struct attempts *a, const struct observation *returned,
                        struct usual_attempt *failed)
{
    struct attempt_key k;
    if (!has_returned(returned))
        return false;
    const struct attempted *r = find(a, &k, server_key(&k, returned), days_of(returned->time));
    for (uint8_t i = 0; r && i < r->count; i++) {
        const struct attempt *t = &r->item[i];
        int64_t before = clock_since(returned->begin, t->time) + t->lasted * NS_PER_US;
        if (t->held || t->fate == OBSERVED_FATE_REFUSED || t->lasted == 0 || before <= 0 ||
            clock_since(t->time, returned->time) < 0)
            continue;
        *failed = usual_of(t, returned);
        return true;
    }
    return false;
}

void attempts_returned(struct attempts *a, const struct observation *o, const void *note,
                       size_t size)
{
    struct attempt_key k;
    if (!has_returned(o) || size > CAP_HISTORY_NOTE)
        return;
    struct returned *r = recent_keep(a->returned, &k, server_key(&k, o));
    r->begin = o->begin;
    r->item = (struct doubt_case){.time = o->time, .flow_id = o->flow_id, .note_n = (uint16_t)size};
    memcpy(r->item.note, note, size);
}

bool attempts_explain(struct attempts *a, const struct observation *failed,
                      struct doubt_case *returned)
{
    struct attempt_key k;
    if (!has_failed(failed) || failed->tried_before || recent_count(a->returned) == 0)
        return false; /* told of when it went to its end, before whatever came since */
    struct returned *r = recent_find(a->returned, &k, server_key(&k, failed));
    int64_t behind = r ? clock_since(r->begin, failed->begin) : 0;
    if (!r || behind <= 0 || behind >= ATTEMPT_KEPT)
        return false;
    *returned = r->item;
    recent_forget(a->returned, r);
    return true;
}
