/* SPDX-License-Identifier: Apache-2.0 */
#include "history/farms.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/days.h"
#include "history/keep.h"
#include "history/servers.h"

#define CLIENTS 4  /* one more than make a memory good */
#define SWEPT   16 /* farms that one sweep looks at */

struct farm {
    struct days days;
    uint32_t client[CLIENTS];
    uint16_t met[CLIENTS]; /* the day when last, short */
    uint8_t client_count;
    bool loaded; /* what a store had is in it */
};

struct farms {
    struct recent *table;
    struct keep *keep; /* borrowed; NULL: nothing outlives the run */
    uint32_t pair_days;
};

struct farms *farms_new(const struct siphash_key *key)
{
    struct farms *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->pair_days = PAIR_DAYS;
    f->table = recent_new(key, CAP_HISTORY_FARMS, sizeof(struct farm));
    if (f->table)
        return f;
    free(f);
    return NULL;
}

struct recent **farms_tables(struct farms *f, struct recent **to)
{
    *to++ = f->table;
    return to;
}

void farms_free(struct farms *f)
{
    if (!f)
        return;
    recent_free(f->table);
    free(f);
}

uint64_t farms_evicted(const struct farms *f)
{
    return recent_evicted(f->table);
}

void farms_keep(struct farms *f, struct keep *keep)
{
    f->keep = keep;
}

/* --- clients that it met --- */

void farms_pairs(struct farms *f, uint32_t days)
{
    f->pair_days = days;
}

static void forget_clients(const struct farms *f, struct farm *r, int32_t day)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < r->client_count; i++) {
        if (days_over(r->met[i], day, f->pair_days))
            continue;
        r->client[kept] = r->client[i];
        r->met[kept++] = r->met[i];
    }
    memset(r->client + kept, 0, (size_t)(r->client_count - kept) * sizeof(r->client[0]));
    r->client_count = kept;
}

void farms_sweep(struct farms *f, int32_t day)
{
    for (int i = 0; i < SWEPT; i++) {
        struct farm *r = recent_round(f->table);
        if (r)
            forget_clients(f, r, day);
    }
}

/* When it was met so last, or NULL: there is no room for it. A new one was met at `otherwise`. */
static uint16_t *met(struct farm *r, uint32_t who, int32_t otherwise)
{
    for (uint8_t i = 0; i < r->client_count; i++)
        if (r->client[i] == who)
            return &r->met[i];
    if (r->client_count == CLIENTS)
        return NULL;
    r->client[r->client_count] = who;
    r->met[r->client_count] = (uint16_t)otherwise;
    return &r->met[r->client_count++];
}

/* --- what outlives the run: docs/history.md has the fields --- */

static bool load_field(struct farm *r, const struct kept_field *f)
{
    uint32_t n = keep_count(f->total, UINT16_MAX);
    struct span rest = span_from(f->text, 1);
    uint8_t letter = f->text.p[0];
    uint64_t who;
    int32_t day;
    if (letter == 'C') {
        bool good = keep_read_hex(rest, 8, &who) && who != 0;
        uint16_t *last = good ? met(r, (uint32_t)who, f->first) : NULL;
        if (last && days_over(*last, f->first, 1))
            *last = (uint16_t)f->first;
        return good;
    }
    if ((letter != 'c' && letter != 'o') || !keep_read_day(f, rest, &day))
        return false;
    if (n > 0)
        days_add(&r->days, day, DAY_COMPLETE, n);
    if (n > 0 && letter == 'o')
        days_add(&r->days, day, DAY_OFFERED, n);
    return true;
}

static struct farm *look(struct farms *f, const struct psl_domain *farm, int32_t day, bool make)
{
    struct span name = span_of(farm->text, farm->n);
    struct kept kept;
    if (!f->keep)
        return make ? recent_keep(f->table, name.p, name.n) : recent_find(f->table, name.p, name.n);
    struct farm *r = recent_keep(f->table, name.p, name.n);
    if (make)
        keep_of(f->keep, KEEP_FARM, name, day);
    if (r->loaded || !keep_load(f->keep, KEEP_FARM, name, day, &kept))
        return r;
    *r = (struct farm){.loaded = true};
    for (size_t i = 0; i < kept.count; i++)
        if (!load_field(r, &kept.field[i]))
            keep_pass_over(f->keep);
    return r;
}

/* The one of that name, as of that day; NULL: it is not known, and `make` is false. */
static struct farm *find(struct farms *f, const struct psl_domain *farm, int32_t day, bool make)
{
    struct farm *r = look(f, farm, day, make);
    if (r)
        forget_clients(f, r, day);
    return r;
}

static void keep_session(struct keep *k, char letter, int32_t day)
{
    struct keep_text t;
    if (!k)
        return;
    keep_text_init(&t);
    keep_put_bytes(&t, span_of(&letter, 1));
    keep_put_number(&t, keep_day_of_month(day), 2);
    keep_add(k, keep_text_span(&t), 1);
}

static void keep_client(struct keep *k, uint32_t who)
{
    struct keep_text t;
    keep_text_init(&t);
    keep_put(&t, "C");
    keep_put_hex(&t, who, 8);
    keep_add_pair(k, keep_text_span(&t), 1);
}

/* --- recalling and learning --- */

void farms_recall(struct farms *f, const struct observation *o, const struct psl_domain *farm,
                  struct baseline *b)
{
    int32_t day = days_of(o->time);
    const struct farm *r = farm->n > 0 ? find(f, farm, day, false) : NULL;
    if (!r)
        return;
    struct usual *u = &b->farm_offer;
    u->of = days_sum(&r->days, day, DAY_COMPLETE);
    u->did = days_sum(&r->days, day, DAY_OFFERED);
    u->days = days_span(&r->days, day);
    u->clients = r->client_count;
    u->more_clients = r->client_count == CLIENTS;
    u->support =
        u->did == u->of && servers_support(u) != SUPPORT_NONE ? SUPPORT_THIN : SUPPORT_NONE;
}

/* It is kept as long as the period lasts that it was met in. */
static void learn_client(struct keep *k, struct farm *r, uint32_t who, int32_t day)
{
    uint8_t before = r->client_count;
    uint16_t *last = met(r, who, day);
    if (last && k && (r->client_count > before || !keep_same_period(k, day, days_near(*last, day))))
        keep_client(k, who);
    if (last)
        *last = (uint16_t)day;
}

void farms_learn(struct farms *f, const struct observation *o, const struct psl_domain *farm)
{
    if (farm->n == 0 || !o->host_sure ||
        (o->offer != OBSERVED_OFFER_MADE && o->offer != OBSERVED_OFFER_MISSING))
        return;
    int32_t day = days_of(o->time);
    struct farm *r = find(f, farm, day, true);
    bool made = o->offer == OBSERVED_OFFER_MADE, full = days_full(&r->days, day);
    uint32_t who = servers_client_digest(o);
    days_add(&r->days, day, DAY_COMPLETE, !full);
    if (!full)
        keep_session(f->keep, made ? 'o' : 'c', day);
    if (!made)
        return;
    days_add(&r->days, day, DAY_OFFERED, !full);
    learn_client(f->keep, r, who, day);
}
