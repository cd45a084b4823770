/* SPDX-License-Identifier: Apache-2.0 */
#include "report/border.h"

#include <stdlib.h>

#include "report/event_field.h"
#include "report/keyed.h"

#define DAY 86400LL

/* A sender at one exchanger, and once more at any (of family 0). */
struct pair {
    int32_t day; /* the key begins here */
    struct tlsrpt_host client, server;
    uint8_t pad[2]; /* zero; and ends here */
    uint32_t sessions, offered, withheld, unknown, unasked, clear;
    int64_t first, last;
};
#define PAIR_KEY offsetof(struct pair, sessions)
_Static_assert(PAIR_KEY == 4 + 2 * 17 + 2, "no padding in the key");

struct day {
    int32_t day; /* the key */
    uint32_t sessions;
    bool blind, left_out;
};

struct border {
    struct keyed *pairs, *days;
    bool full; /* a day had no room */
};

struct border *border_new(const struct siphash_key *key)
{
    struct border *b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    b->pairs = keyed_new(key, sizeof(struct pair), PAIR_KEY, CAP_BORDER_PAIRS);
    b->days = keyed_new(key, sizeof(struct day), sizeof(int32_t), CAP_BORDER_DAYS);
    if (b->pairs && b->days)
        return b;
    border_free(b);
    return NULL;
}

void border_free(struct border *b)
{
    if (!b)
        return;
    keyed_free(b->pairs);
    keyed_free(b->days);
    free(b);
}

static struct day *day_at(struct border *b, int32_t day)
{
    int64_t at = keyed_add(b->days, &day);
    b->full |= at < 0;
    return at < 0 ? NULL : keyed_at(b->days, (uint32_t)at);
}

static void count(struct pair *p, const struct sighting *s)
{
    bool refused = s->outcome == SIGHTING_FAILURE && s->result == TLSRPT_STARTTLS_NOT_SUPPORTED;
    p->first = p->sessions == 0 || s->second < p->first ? s->second : p->first;
    p->last = p->sessions == 0 || s->second > p->last ? s->second : p->last;
    p->sessions++;
    p->offered += s->offered;
    p->withheld += refused;
    p->unknown += !s->offered && !refused;
    p->unasked += s->outcome == SIGHTING_UNASKED;
    p->clear += s->clear && s->outcome == SIGHTING_UNASKED;
}

static bool add_pair(struct border *b, const struct sighting *s, const struct tlsrpt_host *server)
{
    const struct pair key = {.day = event_day(s->second), .client = s->client, .server = *server};
    int64_t at = keyed_add(b->pairs, &key);
    if (at >= 0)
        count(keyed_at(b->pairs, (uint32_t)at), s);
    return at >= 0;
}

void border_add(struct border *b, const struct sighting *s)
{
    static const struct tlsrpt_host any;
    struct day *d = day_at(b, event_day(s->second));
    if (!d)
        return;
    d->sessions++;
    bool both = add_pair(b, s, &s->server);
    both &= add_pair(b, s, &any);
    d->left_out |= !both;
}

void border_blind(struct border *b, int64_t begin, int64_t end)
{
    for (int32_t day = event_day(begin); day <= event_day(end); day++) {
        struct day *d = day_at(b, day);
        if (!d)
            return;
        d->blind = true;
    }
}

enum border_sight border_sight(const struct border *b, int64_t begin, int64_t end)
{
    enum border_sight sight = BORDER_SAW;
    for (int32_t day = event_day(begin); day <= event_day(end); day++) {
        int64_t at = keyed_find(b->days, &day);
        const struct day *d = at < 0 ? NULL : keyed_at(b->days, (uint32_t)at);
        if (!d || d->sessions == 0)
            return BORDER_NOTHING;
        if (d->left_out || b->full)
            sight = BORDER_SHORT;
        else if (d->blind)
            sight = BORDER_BLIND;
    }
    return sight;
}

static const struct pair *pair_of(const struct border *b, const struct pair *key)
{
    int64_t at = keyed_find(b->pairs, key);
    return at < 0 ? NULL : keyed_at(b->pairs, (uint32_t)at);
}

struct border_came border_came(const struct border *b, const struct tlsrpt_host *client,
                               const struct tlsrpt_host *server, int64_t begin, int64_t end)
{
    struct border_came came = {.at_all = false};
    struct pair key = {.client = *client, .server = *server};
    int64_t from = begin - BORDER_SLACK_S, to = end + BORDER_SLACK_S;
    for (key.day = event_day(from); key.day <= event_day(to); key.day++) {
        const struct pair *p = pair_of(b, &key);
        if (!p)
            continue;
        came.at_all |= p->last >= from && p->first <= to;
        if (key.day < event_day(begin) || key.day > event_day(end))
            continue;
        came.sessions += p->sessions;
        came.offered += p->offered;
        came.withheld += p->withheld;
        came.unknown += p->unknown;
        came.unasked += p->unasked;
        came.clear += p->clear;
    }
    return came;
}
