/* SPDX-License-Identifier: Apache-2.0 */
#include "history/stops.h"

#include <stdlib.h>

#include "base/recent.h"
#include "history/senders.h"

#define HOUR (3600 * NS_PER_S)
#define DAY  (24 * HOUR)
#define WEEK (7 * DAY)

struct stops {
    struct recent *table;
    stop_turn_fn turn;
    void *user;
    nstime ticked;
};

struct stops *stops_new(const struct siphash_key *key, stop_turn_fn turn, void *user)
{
    struct stops *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->turn = turn;
    s->user = user;
    s->ticked = INT64_MIN;
    s->table = recent_new(key, CAP_HISTORY_STOPS, sizeof(struct stop));
    if (s->table)
        return s;
    free(s);
    return NULL;
}

struct recent **stops_tables(struct stops *s, struct recent **to)
{
    *to++ = s->table;
    return to;
}

void stops_free(struct stops *s)
{
    if (!s)
        return;
    recent_free(s->table);
    free(s);
}

uint32_t stops_count(const struct stops *s)
{
    return recent_count(s->table);
}

uint64_t stops_evicted(const struct stops *s)
{
    return recent_evicted(s->table);
}

static void turn(struct stops *s, struct stop *of, enum stop_state to)
{
    of->state = to;
    s->turn(s->user, of);
}

static void decide(struct stops *s, struct stop *of, nstime now, bool end)
{
    int64_t age = clock_since(now, of->first);
    if (of->state == STOP_STOPPED)
        return;
    if (of->sessions >= BASELINE_STOPPED)
        turn(s, of, STOP_STOPPED);
    else if (of->state == STOP_OPEN && (end || age >= WEEK || (age >= DAY && of->sessions > 1)))
        turn(s, of, STOP_UNDECIDED);
}

static void keep_case(struct stop *of, const struct observation *o, const void *note, size_t n)
{
    if (of->item_count == CAP_HISTORY_CASES || n > CAP_HISTORY_NOTE)
        return;
    struct doubt_case *c = &of->item[of->item_count++];
    *c = (struct doubt_case){.time = o->time, .flow_id = o->flow_id, .note_n = (uint16_t)n};
    memcpy(c->note, note, n);
}

void stops_lapse(struct stops *s, const struct observation *o, const struct psl_domain *name,
                 const struct baseline *b, const void *note, size_t n)
{
    struct sender_key k;
    size_t size = senders_key(&k, o, name);
    struct stop *of = recent_find(s->table, &k, size);
    if (!of) {
        of = recent_keep(s->table, &k, size);
        *of = (struct stop){.family = o->family, .name = *name, .first = o->time};
        memcpy(of->client, o->client, sizeof(of->client));
    }
    recent_use(s->table, of);
    of->sessions = b->sender_lapses + 1;
    if (of->pair < b->pair_upgrade.did)
        of->pair = b->pair_upgrade.did;
    keep_case(of, o, note, n);
    decide(s, of, o->time, false);
}

void stops_end(struct stops *s, const struct observation *o, const struct psl_domain *name)
{
    struct sender_key k;
    if (recent_count(s->table) == 0) /* mostly there is none */
        return;
    struct stop *of = recent_find(s->table, &k, senders_key(&k, o, name));
    if (of)
        recent_forget(s->table, of);
}

static void decide_all(struct stops *s, nstime now, bool end)
{
    for (struct stop *of = recent_oldest(s->table); of; of = recent_newer(s->table, of))
        decide(s, of, now, end);
}

void stops_tick(struct stops *s, nstime now)
{
    int64_t since = clock_since(now, s->ticked);
    if (since >= 0 && since < HOUR / 6)
        return;
    s->ticked = now;
    decide_all(s, now, false);
}

void stops_finish(struct stops *s)
{
    decide_all(s, s->ticked, true);
}
