/* SPDX-License-Identifier: Apache-2.0 */
/* From units to proportions: of a place, and of its servers, networks, systems, countries, days. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/prevalence_records.h"

enum part_kind { PART_KNOWN = 1, PART_UNKNOWN = 255 }; /* the first byte: the unknown come last */

/* --- sums --- */

static bool same_server(const struct unit *a, const struct unit *b)
{
    return a->family == b->family && memcmp(a->server, b->server, sizeof(a->server)) == 0;
}

static void count_day(struct interval_server *s, uint8_t states)
{
    s->days++;
    for (int i = 0; i < PREVALENCE_AFFECTED; i++)
        s->with[i] += states >> i & 1;
    s->with[PREVALENCE_AFFECTED] += states_affected(states);
}

/* Units that are sorted by their servers. */
static int sum_of(const struct unit *u, uint32_t n, enum prevalence_base base,
                  struct interval_server *room, struct prevalence_sum *out)
{
    const struct unit *last = NULL;
    *out = (struct prevalence_sum){0};
    for (uint32_t i = 0; i < n; i++) {
        if (base == PREVALENCE_OF_TLS && u[i].states == 0)
            continue;
        if (!last || !same_server(last, &u[i]))
            room[out->servers++] = (struct interval_server){0};
        last = &u[i];
        count_day(&room[out->servers - 1], u[i].states);
        out->days++;
    }
    return interval_of(room, out->servers, out->share);
}

static int sum_up(const struct unit *u, uint32_t n, struct prevalence_group *out)
{
    struct interval_server *room = calloc(n ? n : 1, sizeof(*room));
    int rc = room ? 0 : -1;
    out->sessions = 0;
    for (uint32_t i = 0; i < n; i++)
        out->sessions += u[i].sessions;
    for (int base = 0; rc == 0 && base < PREVALENCE_BASE_COUNT; base++)
        rc = sum_of(u, n, (enum prevalence_base)base, room, &out->sum[base]);
    free(room);
    return rc;
}

/* --- parts --- */

static void put_number(uint8_t part[17], uint32_t n)
{
    part[0] = PART_KNOWN;
    for (int i = 0; i < 4; i++)
        part[1 + i] = (uint8_t)(n >> (24 - 8 * i));
}

static uint32_t number_of(const uint8_t part[17])
{
    return (uint32_t)part[1] << 24 | (uint32_t)part[2] << 16 | (uint32_t)part[3] << 8 | part[4];
}

static void put_address(const struct unit *u, uint8_t part[17], size_t bytes)
{
    part[0] = u->family; /* 4, 6: known */
    memcpy(part + 1, u->server, bytes);
}

static void put_as(const struct prevalence *p, const struct unit *u, uint8_t part[17])
{
    char name[MMDB_NAME];
    uint32_t number;
    if (mmdb_as(p->mmdb, u->family, u->server, &number, name))
        put_number(part, number);
    else
        part[0] = PART_UNKNOWN;
}

static void put_country(const struct prevalence *p, const struct unit *u, uint8_t part[17])
{
    char code[3] = "";
    part[0] = mmdb_country(p->mmdb, u->family, u->server, code) ? PART_KNOWN : PART_UNKNOWN;
    memcpy(part + 1, code, sizeof(code));
}

static void put_part(const struct prevalence *p, const struct unit *u, uint8_t part[17])
{
    memset(part, 0, 17);
    switch (p->by) {
    case PREVALENCE_BY_SERVER:
        put_address(u, part, u->family == 4 ? 4 : 16);
        break;
    case PREVALENCE_BY_NET:
        put_address(u, part, u->family == 4 ? 3 : 6);
        break;
    case PREVALENCE_BY_AS:
        put_as(p, u, part);
        break;
    case PREVALENCE_BY_COUNTRY:
        put_country(p, u, part);
        break;
    case PREVALENCE_BY_DAY:
        put_number(part, (uint32_t)u->day ^ 0x80000000); /* days before 1970 come first */
        break;
    default:
        break;
    }
}

static int by_part(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;
    int order = x->place - y->place;
    if (order == 0)
        order = memcmp(x->part, y->part, sizeof(x->part));
    if (order == 0)
        order = x->family - y->family;
    if (order == 0)
        order = memcmp(x->server, y->server, sizeof(x->server));
    return order ? order : (x->day > y->day) - (x->day < y->day);
}

/* The first unit of a place. */
static uint32_t place_start(const struct prevalence *p, int place)
{
    uint32_t i = 0;
    while (i < p->unit_count && p->unit[i].place < place)
        i++;
    return i;
}

static int most_affected(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->affected != y->affected)
        return x->affected < y->affected ? 1 : -1;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

/* The parts of a place, whose units are those from `start` to `end`. */
static int find_parts(struct prevalence *p, int place, uint32_t start, uint32_t end)
{
    struct part *part = calloc(end > start ? end - start : 1, sizeof(*part)), *last = NULL;
    p->part[place] = part;
    if (!part)
        return -1;
    for (uint32_t i = start; i < end; i++) {
        const struct unit *u = &p->unit[i];
        if (!last || memcmp(u->part, u[-1].part, sizeof(u->part)) != 0) {
            last = &part[p->part_count[place]++];
            last->first = i;
        }
        last->count++;
        last->affected += states_affected(u->states);
    }
    if (p->by != PREVALENCE_BY_DAY)
        qsort(part, p->part_count[place], sizeof(*part), most_affected);
    return 0;
}

static int sum_places(struct prevalence *p)
{
    qsort(p->unit, p->unit_count, sizeof(*p->unit), by_part);
    for (int place = 0; place < PREVALENCE_PLACE_COUNT; place++) {
        uint32_t start = place_start(p, place), end = place_start(p, place + 1);
        if (sum_up(p->unit + start, end - start, &p->total[place]))
            return -1;
    }
    return 0;
}

int prevalence_make_parts(struct prevalence *p)
{
    if (sum_places(p))
        return -1;
    if (p->by == PREVALENCE_BY_NOTHING)
        return 0;
    for (uint32_t i = 0; i < p->unit_count; i++) {
        struct unit *u = &p->unit[i];
        bool known = i > 0 && p->by != PREVALENCE_BY_DAY && same_server(u, u - 1);
        if (known) /* asking the files again would give the same */
            memcpy(u->part, u[-1].part, sizeof(u->part));
        else
            put_part(p, u, u->part);
    }
    qsort(p->unit, p->unit_count, sizeof(*p->unit), by_part);
    for (int place = 0; place < PREVALENCE_PLACE_COUNT; place++)
        if (find_parts(p, place, place_start(p, place), place_start(p, place + 1)))
            return -1;
    return 0;
}

/* --- asking --- */

static void net_label(char *dst, size_t cap, const struct unit *u)
{
    char address[TEXT_IP];
    uint8_t net[16] = {0};
    memcpy(net, u->server, u->family == 4 ? 3 : 6);
    text_ip(address, u->family, net);
    snprintf(dst, cap, "%s/%d", address, u->family == 4 ? 24 : 48);
}

static void set_label(const struct prevalence *p, const struct unit *u,
                      struct prevalence_group *out)
{
    char address[TEXT_IP];
    uint32_t number;
    switch (u->part[0] == PART_UNKNOWN ? PREVALENCE_BY_NOTHING : p->by) {
    case PREVALENCE_BY_SERVER:
        text_ip(address, u->family, u->server);
        snprintf(out->label, sizeof(out->label), "%s", address);
        break;
    case PREVALENCE_BY_NET:
        net_label(out->label, sizeof(out->label), u);
        break;
    case PREVALENCE_BY_AS:
        snprintf(out->label, sizeof(out->label), "AS%u", number_of(u->part));
        (void)mmdb_as(p->mmdb, u->family, u->server, &number, out->name);
        break;
    case PREVALENCE_BY_COUNTRY:
        snprintf(out->label, sizeof(out->label), "%.2s", (const char *)u->part + 1);
        break;
    case PREVALENCE_BY_DAY:
        prevalence_day_text(out->label, u->day);
        break;
    default:
        snprintf(out->label, sizeof(out->label), "unknown");
    }
}

const struct prevalence_group *prevalence_total(const struct prevalence *p,
                                                enum prevalence_place place)
{
    return &p->total[place];
}

uint32_t prevalence_groups(const struct prevalence *p, enum prevalence_place place)
{
    return p->part_count[place];
}

int prevalence_group(struct prevalence *p, enum prevalence_place place, uint32_t i,
                     struct prevalence_group *out)
{
    const struct part *part = &p->part[place][i];
    *out = (struct prevalence_group){0};
    set_label(p, &p->unit[part->first], out);
    return sum_up(p->unit + part->first, part->count, out);
}
