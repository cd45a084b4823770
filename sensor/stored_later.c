/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stored_later.h"

#include <stdlib.h>

/* A policy that waits for an answer. */
struct waiting {
    struct stored_later *of;
    struct waiting *next, **at;
    struct policy_json record; /* with a body of its own */
    nstime end, now;
    size_t bytes;
};

struct stored_later {
    struct store *store;
    struct waiting *first;
    size_t bytes;
    uint64_t lost;
};

struct stored_later *stored_later_new(struct store *s)
{
    struct stored_later *k = calloc(1, sizeof(*k));
    if (k)
        k->store = s;
    return k;
}

static void drop(struct waiting *w)
{
    *w->at = w->next;
    if (w->next)
        w->next->at = w->at;
    w->of->bytes -= w->bytes;
    policy_json_fini(&w->record);
    free(w);
}

void stored_later_free(struct stored_later *k)
{
    if (!k)
        return;
    while (k->first)
        drop(k->first);
    free(k);
}

uint64_t stored_later_lost(const struct stored_later *k)
{
    return k->lost;
}

/* store_got */
static void on_there(void *user, size_t index, enum store_status status, struct span value)
{
    struct waiting *w = user;
    struct stored_later *k = w->of;
    const struct stored_there there = {status, value};
    (void)index;
    if (stored_beside(k->store, store_put_later, &w->record, w->end, w->now, &there) == STORE_OK)
        stored_there_is_one(k->store, store_put_later, &w->record.domain, w->now);
    else
        k->lost++;
    drop(w);
}

static struct waiting *keep(struct stored_later *k, const struct policy_json *record)
{
    size_t bytes = sizeof(struct waiting) + record->body_n;
    struct waiting *w = k->bytes + bytes <= CAP_STORED_LATER ? calloc(1, sizeof(*w)) : NULL;
    char *body = w ? malloc(record->body_n + 1) : NULL;
    if (!body) {
        free(w);
        return NULL;
    }
    memcpy(body, record->body, record->body_n);
    body[record->body_n] = '\0';
    *w = (struct waiting){
        .of = k, .next = k->first, .at = &k->first, .record = *record, .bytes = bytes};
    w->record.body = body;
    if (w->next)
        w->next->at = &w->next;
    k->first = w;
    k->bytes += bytes;
    return w;
}

/* False: it is not kept. */
static bool put_policy(struct stored_later *k, const struct lookup *l, nstime now)
{
    struct policy_json record;
    struct waiting *w;
    char key[STORED_KEY];
    nstime end;
    if (!l->body || stored_record(l, &record, &end) != STORE_OK || !(w = keep(k, &record)))
        return false;
    w->end = end;
    w->now = now;
    if (store_get_later(k->store, stored_key(key, &l->domain), now, on_there, w) == STORE_OK)
        return true;
    drop(w);
    return false;
}

void stored_later_put(struct stored_later *k, const struct lookup *l, nstime now)
{
    bool kept = l->sts == LOOKUP_STS_POLICY
                    ? put_policy(k, l, now)
                    : stored_lookup(k->store, store_put_later, l, now) == STORE_OK;
    k->lost += !kept;
}
