/* SPDX-License-Identifier: Apache-2.0 */
#include "history/farms.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/days.h"
#include "history/keep.h"
#include "history/servers.h"

#define CLIENTS 4 /* one more than make a memory good */

struct farm {
    struct days days;
    uint32_t client[CLIENTS];
    uint8_t client_count;
    bool loaded; /* what a store had is in it */
};

struct farms {
    struct recent *table;
    struct keep *keep; /* borrowed; NULL: nothing outlives the run */
};

struct farms *farms_new(const struct siphash_key *key)
{
    struct farms *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->table = recent_new(key, CAP_HISTORY_FARMS, sizeof(struct farm));
    if (f->table)
        return f;
    free(f);
    return NULL;
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

/* False: it is there, or there is no room. */
static bool add_client(struct farm *r, uint32_t who)
{
    for (uint8_t i = 0; i < r->client_count; i++)
        if (r->client[i] == who)
            return false;
    if (r->client_count == CLIENTS)
        return false;
    r->client[r->client_count++] = who;
    return true;
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
        if (good)
            add_client(r, (uint32_t)who);
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

/* The one of that name, as of that day; NULL: it is not known, and `make` is false. */
static struct farm *find(struct farms *f, const struct psl_domain *farm, int32_t day, bool make)
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
    if (!k)
        return;
    keep_text_init(&t);
    keep_put(&t, "C");
    keep_put_hex(&t, who, 8);
    keep_add(k, keep_text_span(&t), 1);
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
    if (add_client(r, who))
        keep_client(f->keep, who);
}
