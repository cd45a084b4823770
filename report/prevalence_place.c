/* SPDX-License-Identifier: Apache-2.0 */
/* From what each vantage saw to units: which days of a vantage are near, and what all vantages of a
 * place saw of one server on one day; and the histogram of what stood in the place of STARTTLS. */
#include <stdlib.h>
#include <string.h>

#include "report/prevalence_records.h"

/* calloc() that gives something for nothing. */
static void *room_for(size_t n, size_t size)
{
    return calloc(n ? n : 1, size);
}

static const struct server_day *day_at(const struct prevalence *p, uint32_t i)
{
    return keyed_at(p->days, i);
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* --- near and far --- */

static int by_vantage_day(const void *a, const void *b, void *user)
{
    const struct server_day *x = day_at(user, *(const uint32_t *)a);
    const struct server_day *y = day_at(user, *(const uint32_t *)b);
    int order = compare(x->key.vantage, y->key.vantage);
    return order ? order : compare(x->key.day, y->key.day);
}

static bool same_vantage_day(const struct server_day *a, const struct server_day *b)
{
    return a->key.vantage == b->key.vantage && a->key.day == b->key.day;
}

static enum prevalence_place place_of(const struct near_day *n)
{
    if (n->servers < PREVALENCE_ENOUGH)
        return PREVALENCE_FEW;
    bool near = (uint64_t)n->affected * 100 >= (uint64_t)n->servers * PREVALENCE_NEAR;
    return near ? PREVALENCE_NEAR_BY : PREVALENCE_FAR;
}

/* The servers of one vantage and day, the first `n` of `order`. */
static void place_run(struct prevalence *p, const uint32_t *order, uint32_t n)
{
    const struct server_day *first = day_at(p, order[0]);
    struct near_day sum = {.vantage = first->key.vantage, .day = first->key.day};
    for (uint32_t i = 0; i < n; i++) {
        const struct server_day *d = day_at(p, order[i]);
        sum.servers += d->sessions > 0;
        sum.affected += states_affected(d->states);
    }
    enum prevalence_place place = place_of(&sum);
    for (uint32_t i = 0; i < n; i++)
        ((struct server_day *)keyed_at(p->days, order[i]))->place = (uint8_t)place;
    if (place == PREVALENCE_NEAR_BY)
        p->near[p->near_count++] = sum;
}

static int by_name(const void *a, const void *b, void *user)
{
    const struct prevalence *p = user;
    const struct near_day *x = a, *y = b;
    const struct event_vantage *v = keyed_at(p->vantages, x->vantage);
    const struct event_vantage *w = keyed_at(p->vantages, y->vantage);
    int order = memcmp(v, w, sizeof(*v));
    return order ? order : compare(x->day, y->day);
}

int prevalence_place_days(struct prevalence *p)
{
    uint32_t n = keyed_count(p->days);
    uint32_t *order = room_for(n, sizeof(*order));
    p->near = room_for(n / PREVALENCE_ENOUGH, sizeof(*p->near));
    if (!order || !p->near) {
        free(order);
        return -1;
    }
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof(*order), by_vantage_day, p);
    for (uint32_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n; run++)
            if (!same_vantage_day(day_at(p, order[i]), day_at(p, order[i + run])))
                break;
        place_run(p, order + i, run);
    }
    qsort_r(p->near, p->near_count, sizeof(*p->near), by_name, p);
    free(order);
    return 0;
}

/* --- units --- */

static int by_server_day(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;
    int order = compare(x->family, y->family);
    if (order == 0)
        order = memcmp(x->server, y->server, sizeof(x->server));
    if (order == 0)
        order = compare(x->day, y->day);
    return order ? order : compare(x->place, y->place);
}

static bool same_server_day(const struct unit *a, const struct unit *b)
{
    return a->family == b->family && a->day == b->day &&
           memcmp(a->server, b->server, sizeof(a->server)) == 0;
}

/* One server on one day, at each vantage that saw it: one unit for each place that knows something
 * comes behind the last. */
static void merge_run(struct prevalence *p, const struct unit *u, uint32_t n)
{
    uint32_t before = p->unit_count;
    for (uint32_t i = 0; i < n; i++) {
        struct unit *last = &p->unit[p->unit_count - 1];
        if (u[i].sessions == 0)
            continue;
        if (p->unit_count == before || last->place != u[i].place) {
            p->unit[p->unit_count++] = u[i];
            continue;
        }
        last->states |= u[i].states;
        last->sessions = last->sessions > UINT32_MAX - u[i].sessions
                             ? UINT32_MAX
                             : last->sessions + u[i].sessions;
    }
    p->counts.unknown_days += p->unit_count == before;
}

int prevalence_make_units(struct prevalence *p)
{
    uint32_t n = keyed_count(p->days);
    p->unit = room_for(n, sizeof(*p->unit));
    if (!p->unit)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        const struct server_day *d = day_at(p, i);
        struct unit *u = &p->unit[i];
        memcpy(u->server, d->key.server, sizeof(u->server));
        u->family = (uint8_t)d->key.family;
        u->place = d->place;
        u->states = d->states;
        u->day = d->key.day;
        u->sessions = d->sessions;
    }
    qsort(p->unit, n, sizeof(*p->unit), by_server_day);
    for (uint32_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && same_server_day(&p->unit[i], &p->unit[i + run]);)
            run++;
        merge_run(p, p->unit + i, run);
    }
    return 0;
}

/* --- the histogram --- */

static int by_text_place(const struct prevalence *p, const struct garble_sight *x,
                         const struct garble_sight *y)
{
    int order = compare(x->text, y->text);
    return order ? order
                 : compare(day_at(p, x->server_day)->place, day_at(p, y->server_day)->place);
}

static int by_server(const struct prevalence *p, const struct garble_sight *x,
                     const struct garble_sight *y)
{
    const struct server_day_key *a = &day_at(p, x->server_day)->key;
    const struct server_day_key *b = &day_at(p, y->server_day)->key;
    int order = compare(a->family, b->family);
    return order ? order : memcmp(a->server, b->server, sizeof(a->server));
}

static int by_sight(const void *a, const void *b, void *user)
{
    const struct garble_sight *x = a, *y = b;
    int order = by_text_place(user, x, y);
    if (order == 0)
        order = by_server(user, x, y);
    return order ? order
                 : compare(day_at(user, x->server_day)->key.day,
                           day_at(user, y->server_day)->key.day);
}

static int by_frequency(const void *a, const void *b, void *user)
{
    const struct prevalence *p = user;
    const struct garble_row *x = a, *y = b;
    const struct garble_text *t = keyed_at(p->texts, x->text), *u = keyed_at(p->texts, y->text);
    int order = compare(x->place, y->place);
    if (order == 0)
        order = compare(y->days, x->days);
    if (order == 0)
        order = strcmp(t->text, u->text);
    return order ? order : compare(t->cause, u->cause);
}

/* One sight after the other: `last` is NULL at first. */
static void count_sight(struct prevalence *p, struct garble_sight *last, struct garble_sight *sight)
{
    bool row = last && by_text_place(p, last, sight) == 0;
    bool server = row && by_server(p, last, sight) == 0;
    bool day = server && by_sight(last, sight, p) == 0;
    if (!row)
        p->row[p->row_count++] =
            (struct garble_row){.text = sight->text, .place = day_at(p, sight->server_day)->place};
    p->row[p->row_count - 1].servers += !server;
    p->row[p->row_count - 1].days += !day;
}

int prevalence_make_rows(struct prevalence *p)
{
    uint32_t n = keyed_count(p->sights);
    struct garble_sight *sight = room_for(n, sizeof(*sight));
    p->row = room_for((size_t)keyed_count(p->texts) * PREVALENCE_PLACE_COUNT, sizeof(*p->row));
    if (!sight || !p->row) {
        free(sight);
        return -1;
    }
    for (uint32_t i = 0; i < n; i++)
        sight[i] = *(struct garble_sight *)keyed_at(p->sights, i);
    qsort_r(sight, n, sizeof(*sight), by_sight, p);
    for (uint32_t i = 0; i < n; i++)
        count_sight(p, i > 0 ? &sight[i - 1] : NULL, &sight[i]);
    qsort_r(p->row, p->row_count, sizeof(*p->row), by_frequency, p);
    free(sight);
    return 0;
}
