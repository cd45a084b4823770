/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tlsrpt_made.h"

#include <stdlib.h>

#include "report/event_field.h"
#include "report/keyed.h"
#include "report/tlsrpt_records.h"

#define NAMES (2 * CAP_TLSRPT_ROWS) /* that are told apart: of exchangers, and words */

struct tlsrpt_made *tlsrpt_made_new(const struct siphash_key *key, const struct sighting_own *own)
{
    struct tlsrpt_made *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->own = own;
    m->days = keyed_new(key, sizeof(struct made_day), MADE_DAY_KEY, CAP_OWN_DAYS);
    m->rows = keyed_new(key, sizeof(struct made_row), MADE_ROW_KEY, CAP_TLSRPT_ROWS);
    m->names = keyed_new(key, sizeof(struct made_name), sizeof(struct made_name), NAMES);
    if (m->days && m->rows && m->names)
        return m;
    tlsrpt_made_free(m);
    return NULL;
}

void tlsrpt_made_free(struct tlsrpt_made *m)
{
    if (!m)
        return;
    keyed_free(m->days);
    keyed_free(m->rows);
    keyed_free(m->names);
    free(m->order);
    free(m->row_order);
    free(m);
}

const struct tlsrpt_made_beside *tlsrpt_made_beside(const struct tlsrpt_made *m)
{
    return &m->beside;
}

/* --- adding --- */

static struct made_day *day_at(struct tlsrpt_made *m, size_t own, int32_t day)
{
    const struct made_day key = {.own = (uint32_t)own, .day = day};
    int64_t at = keyed_add(m->days, &key);
    return at < 0 ? NULL : keyed_at(m->days, (uint32_t)at);
}

/* 1 + the number of the text; 0: it is empty, or there is no room. */
static uint32_t name_of(struct tlsrpt_made *m, const char *text)
{
    struct made_name name = {{0}};
    size_t n = strlen(text);
    if (n == 0 || n >= sizeof(name.text))
        return 0;
    memcpy(name.text, text, n);
    return (uint32_t)(keyed_add(m->names, &name) + 1);
}

/* The last eighth of the room is for rows that strangers cannot make many of. */
static bool add_row(struct tlsrpt_made *m, size_t own, const struct sighting *s,
                    enum tlsrpt_type type)
{
    struct made_row key = {.own = (uint32_t)own,
                           .day = event_day(s->second),
                           .why = name_of(m, s->why),
                           .type = (uint8_t)type,
                           .result = (uint8_t)s->result};
    if (keyed_count(m->rows) < CAP_TLSRPT_ROWS / 8 * 7) {
        key.mx = name_of(m, s->peer.sni);
        key.helo = name_of(m, s->helo);
        key.client = s->client;
        key.server = s->server;
    }
    int64_t at = keyed_add(m->rows, &key);
    if (at >= 0)
        ((struct made_row *)keyed_at(m->rows, (uint32_t)at))->sessions++;
    return at >= 0;
}

/* False: there is no room. */
static bool add_to(struct tlsrpt_made *m, size_t own, const struct sighting *s)
{
    enum tlsrpt_type type = s->policy_of == own ? s->policy : TLSRPT_TYPE_NONE;
    struct made_day *d = day_at(m, own, event_day(s->second));
    if (!d)
        return false;
    if (s->outcome == SIGHTING_SUCCESS)
        d->successes[type]++;
    else if (s->outcome == SIGHTING_FAILURE && add_row(m, own, s, type))
        d->failures[type]++;
    else if (s->outcome == SIGHTING_FAILURE)
        return false;
    else
        d->beside[s->outcome]++;
    return true;
}

static void add_shared(struct tlsrpt_made *m, const struct sighting *s)
{
    for (size_t i = 0; i < m->own->count; i++) {
        struct made_day *d = day_at(m, i, event_day(s->second));
        if (d)
            d->shared++;
    }
    m->beside.shared++;
}

void tlsrpt_made_add(struct tlsrpt_made *m, const struct sighting *s)
{
    bool counts = s->outcome == SIGHTING_SUCCESS || s->outcome == SIGHTING_FAILURE;
    bool any = !s->named, room = true;
    m->beside.outcome[s->outcome] += !counts;
    for (size_t i = 0; s->named && i < m->own->count; i++) {
        if (sighting_is_to(s, i)) {
            any = true;
            room &= add_to(m, i, s);
        }
    }
    if (!s->named && m->own->count == 1)
        room = add_to(m, 0, s);
    else if (!s->named && counts)
        add_shared(m, s);
    m->beside.foreign += counts && !any;
    m->beside.left_out += !room;
}

/* --- order --- */

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int cmp_day(const void *left, const void *right, void *user)
{
    const struct tlsrpt_made *m = user;
    const struct made_day *a = keyed_at(m->days, *(const uint32_t *)left);
    const struct made_day *b = keyed_at(m->days, *(const uint32_t *)right);
    if (a->own != b->own)
        return by_number(a->own, b->own); /* domains are in order already */
    return (a->day > b->day) - (a->day < b->day);
}

static int cmp_row(const void *left, const void *right, void *user)
{
    const struct tlsrpt_made *m = user;
    const struct made_row *a = keyed_at(m->rows, *(const uint32_t *)left);
    const struct made_row *b = keyed_at(m->rows, *(const uint32_t *)right);
    const int step[] = {
        by_number(a->own, b->own),
        (a->day > b->day) - (a->day < b->day),
        by_number(a->type, b->type),
        by_number(a->result, b->result),
        tlsrpt_host_cmp(&a->client, &b->client),
        tlsrpt_host_cmp(&a->server, &b->server),
        strcmp(made_name(m, a->mx), made_name(m, b->mx)),
        strcmp(made_name(m, a->helo), made_name(m, b->helo)),
        strcmp(made_name(m, a->why), made_name(m, b->why)),
    };
    for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++)
        if (step[i] != 0)
            return step[i];
    return 0;
}

/* The numbers of all records of a table, in order; NULL: no memory. */
static uint32_t *sorted(struct tlsrpt_made *m, const struct keyed *table,
                        int (*cmp)(const void *, const void *, void *))
{
    uint32_t n = keyed_count(table);
    uint32_t *order = calloc((size_t)n + 1, sizeof(*order));
    for (uint32_t i = 0; order && i < n; i++)
        order[i] = i;
    if (order)
        qsort_r(order, n, sizeof(*order), cmp, m);
    return order;
}

int64_t tlsrpt_made_close(struct tlsrpt_made *m)
{
    m->order = sorted(m, m->days, cmp_day);
    m->row_order = sorted(m, m->rows, cmp_row);
    return m->order && m->row_order ? (int64_t)keyed_count(m->days) : -1;
}

struct tlsrpt_made_day tlsrpt_made_day(const struct tlsrpt_made *m, size_t number)
{
    const struct made_day *d = keyed_at(m->days, m->order[number]);
    bool empty = true;
    for (int t = 0; t < TLSRPT_TYPE_COUNT; t++)
        empty &= d->successes[t] == 0 && d->failures[t] == 0;
    return (struct tlsrpt_made_day){
        .own = d->own, .day = d->day, .shared = d->shared > 0, .empty = empty};
}
