/* SPDX-License-Identifier: Apache-2.0 */
#include "report/prevalence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/prevalence_records.h"

static const char *const PLACE_TEXT[] = {
    [PREVALENCE_FAR] = "far",
    [PREVALENCE_NEAR_BY] = "near",
    [PREVALENCE_FEW] = "few",
};
static const char *const STATE_TEXT[] = {
    [PREVALENCE_OFFERED] = "offered", [PREVALENCE_ENCRYPTED] = "encrypted",
    [PREVALENCE_GARBLED] = "garbled", [PREVALENCE_REMOVED] = "removed",
    [PREVALENCE_REFUSED] = "refused", [PREVALENCE_AFFECTED] = "affected",
};
static const char *const BASE_TEXT[] = {
    [PREVALENCE_OF_ALL] = "all",
    [PREVALENCE_OF_TLS] = "tls",
};
static const char *const BY_TEXT[] = {
    [PREVALENCE_BY_NOTHING] = "", [PREVALENCE_BY_SERVER] = "server",   [PREVALENCE_BY_NET] = "net",
    [PREVALENCE_BY_AS] = "as",    [PREVALENCE_BY_COUNTRY] = "country", [PREVALENCE_BY_DAY] = "day",
};
static const char *const FATE_TEXT[] = {
    [PREVALENCE_COUNTED] = "counted",       [PREVALENCE_UNKNOWN] = "unknown",
    [PREVALENCE_OTHER_PORT] = "other-port", [PREVALENCE_HANDED_IN] = "handed-in",
    [PREVALENCE_LEFT_OUT] = "left-out",
};
static const char *const REPLY_TEXT[] = {
    [EVENT_REPLY_WHOLE] = "whole",
    [EVENT_REPLY_NONE] = "no-reply",
    [EVENT_REPLY_GAP] = "gap",
    [EVENT_REPLY_CUT] = "cut",
    [EVENT_REPLY_ONE_SIDED] = "one-sided",
    [EVENT_REPLY_UNDECIDED] = "undecided",
};
#define COMPLETE(table, count)                                                                     \
    _Static_assert(sizeof(table) / sizeof((table)[0]) == (count), "a text each")
COMPLETE(PLACE_TEXT, PREVALENCE_PLACE_COUNT);
COMPLETE(STATE_TEXT, PREVALENCE_STATE_COUNT);
COMPLETE(BASE_TEXT, PREVALENCE_BASE_COUNT);
COMPLETE(BY_TEXT, PREVALENCE_BY_COUNT);
COMPLETE(FATE_TEXT, PREVALENCE_FATE_COUNT);
COMPLETE(REPLY_TEXT, EVENT_REPLY_COUNT);

const char *prevalence_place_text(enum prevalence_place v)
{
    return PLACE_TEXT[v];
}

const char *prevalence_state_text(enum prevalence_state v)
{
    return STATE_TEXT[v];
}

const char *prevalence_base_text(enum prevalence_base v)
{
    return BASE_TEXT[v];
}

const char *prevalence_by_text(enum prevalence_by v)
{
    return BY_TEXT[v];
}

const char *prevalence_fate_text(enum prevalence_fate v)
{
    return FATE_TEXT[v];
}

const char *prevalence_reply_text(enum event_reply v)
{
    return REPLY_TEXT[v];
}

void prevalence_day_text(char dst[PREVALENCE_DAY], int32_t day)
{
    char seconds[TEXT_SECONDS] = "";
    (void)text_seconds(seconds, day * 86400LL);
    snprintf(dst, PREVALENCE_DAY, "%.10s", seconds);
}

/* --- the object --- */

struct prevalence *prevalence_new(const struct siphash_key *key)
{
    struct prevalence *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->vantages =
        keyed_new(key, sizeof(struct event_vantage), sizeof(struct event_vantage), CAP_VANTAGES);
    p->days =
        keyed_new(key, sizeof(struct server_day), sizeof(struct server_day_key), CAP_SERVER_DAYS);
    p->texts =
        keyed_new(key, sizeof(struct garble_text), sizeof(struct garble_text), CAP_GARBLE_TEXTS);
    p->sights =
        keyed_new(key, sizeof(struct garble_sight), sizeof(struct garble_sight), CAP_SERVER_DAYS);
    if (p->vantages && p->days && p->texts && p->sights)
        return p;
    prevalence_free(p);
    return NULL;
}

void prevalence_free(struct prevalence *p)
{
    if (!p)
        return;
    keyed_free(p->vantages);
    keyed_free(p->days);
    keyed_free(p->texts);
    keyed_free(p->sights);
    for (int i = 0; i < PREVALENCE_PLACE_COUNT; i++)
        free(p->part[i]);
    free(p->unit);
    free(p->near);
    free(p->row);
    free(p);
}

/* --- sessions come in --- */

/* The number of its server-day, or -1. */
static int64_t day_of(struct prevalence *p, const struct event *e)
{
    int64_t vantage = keyed_add(p->vantages, &e->vantage);
    if (vantage < 0)
        return -1;
    struct server_day_key key = {.day = e->day, .vantage = (uint32_t)vantage, .family = e->family};
    memcpy(key.server, e->server, sizeof(key.server));
    return keyed_add(p->days, &key);
}

static void add_garble(struct prevalence *p, const struct event *e, uint32_t server_day)
{
    struct garble_text text = {.cause = e->cause};
    memcpy(text.text, e->token, sizeof(text.text));
    int64_t number = keyed_add(p->texts, &text);
    struct garble_sight sight = {(uint32_t)number, server_day};
    if (number < 0 || keyed_add(p->sights, &sight) < 0)
        p->counts.texts_left_out++;
}

static enum prevalence_fate fate_of(struct prevalence *p, const struct event *e)
{
    if (e->port != PREVALENCE_PORT || e->implicit)
        return PREVALENCE_OTHER_PORT;
    if (e->handed_in)
        return PREVALENCE_HANDED_IN;
    int64_t number = day_of(p, e);
    if (number < 0)
        return PREVALENCE_LEFT_OUT;
    if (e->reply != EVENT_REPLY_WHOLE) {
        p->counts.unknown[e->reply]++;
        return PREVALENCE_UNKNOWN;
    }
    struct server_day *day = keyed_at(p->days, (uint32_t)number);
    day->sessions += day->sessions < UINT32_MAX;
    day->states |= e->states;
    if (e->states & EVENT_GARBLED)
        add_garble(p, e, (uint32_t)number);
    return PREVALENCE_COUNTED;
}

void prevalence_add(struct prevalence *p, const struct event *e)
{
    p->counts.fate[fate_of(p, e)]++;
}

/* --- what it means --- */

int prevalence_close(struct prevalence *p, enum prevalence_by by, struct mmdb *m)
{
    p->by = by;
    p->mmdb = m;
    p->counts.vantages = keyed_count(p->vantages);
    if (prevalence_place_days(p) || prevalence_make_units(p) || prevalence_make_rows(p))
        return -1;
    return prevalence_make_parts(p);
}

const struct prevalence_counts *prevalence_counts(const struct prevalence *p)
{
    return &p->counts;
}

uint32_t prevalence_boxes(const struct prevalence *p)
{
    return p->near_count;
}

struct prevalence_box prevalence_box(const struct prevalence *p, uint32_t i)
{
    const struct near_day *n = &p->near[i];
    return (struct prevalence_box){keyed_at(p->vantages, n->vantage), n->day, n->servers,
                                   n->affected};
}

uint32_t prevalence_garbles(const struct prevalence *p)
{
    return p->row_count;
}

struct prevalence_garble prevalence_garble(const struct prevalence *p, uint32_t i)
{
    const struct garble_row *r = &p->row[i];
    const struct garble_text *t = keyed_at(p->texts, r->text);
    return (struct prevalence_garble){t->text, (enum cause)t->cause,
                                      (enum prevalence_place)r->place, r->days, r->servers};
}
