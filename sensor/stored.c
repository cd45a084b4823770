/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stored.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/lookup_json.h"
#include "policy/sts_policy.h"

#define MINUTE  (60 * NS_PER_S)
#define FAILURE (5 * MINUTE)      /* RFC 8461 section 3.3 */
#define NOTHING (4 * 60 * MINUTE) /* as policy/asking.c has it */

/* Where it is written. */
struct target {
    struct store *store;
    stored_put_fn put;
    nstime now;
};

static enum store_status put(const struct target *t, const char *key, const struct policy_json *p,
                             nstime expires)
{
    char *line = policy_json_text(p);
    enum store_status status = STORE_WRONG;
    if (line)
        status = t->put(t->store, span_str(key), span_str(line), expires, t->now);
    free(line);
    return status;
}

static enum store_status put_history(const struct target *t, const struct policy_json *p)
{
    char key[STORED_KEY];
    snprintf(key, sizeof(key), "history/%s/%lld", p->domain.text,
             (long long)clock_second(p->fetched));
    return put(t, key, p, clock_add(t->now, STORED_HISTORY));
}

static bool says_the_same(const struct policy_json *a, const struct policy_json *b)
{
    return strcmp(a->id, b->id) == 0 && a->body_n == b->body_n &&
           memcmp(a->body, b->body, a->body_n) == 0;
}

/* A policy that was fetched anew before it ended, and is the same, holds from the first fetch on:
 * one record says it, where ninety would stand in the history. */
static enum store_status replace(const struct target *t, const char *key,
                                 const struct policy_json *old, const struct policy_json *p,
                                 nstime expires)
{
    struct policy_json next = *p;                                   /* borrows the body */
    nstime lasts = clock_since(expires, p->fetched) - STORED_GRACE; /* max_age: of both */
    enum store_status status = STORE_OK;
    if (says_the_same(old, p) && p->fetched <= clock_add(old->fetched, lasts))
        next.since = old->since ? old->since : old->fetched;
    else
        status = put_history(t, old);
    return status == STORE_OK ? put(t, key, &next, expires) : status;
}

static enum store_status put_in_order(const struct target *t, const char *key,
                                      const struct policy_json *p, nstime expires,
                                      struct span there)
{
    struct policy_json old;
    char why[POLICY_JSON_WHY];
    enum store_status status = STORE_OK;
    if (policy_json_read(there, &old, why)) {
        status = put(t, key, p, expires); /* nobody can use what is there */
    } else if (old.fetched > p->fetched) {
        status = put_history(t, p);
    } else if (old.fetched < p->fetched) {
        status = replace(t, key, &old, p, expires);
    }
    policy_json_fini(&old);
    return status;
}

struct span stored_key(char key[STORED_KEY], const struct domain *d)
{
    snprintf(key, STORED_KEY, "policy/%s", d->text);
    return span_str(key);
}

enum store_status stored_beside(struct store *s, stored_put_fn fn, const struct policy_json *p,
                                nstime end, nstime now, const struct stored_there *there)
{
    const struct target t = {s, fn, now};
    char key[STORED_KEY];
    nstime expires = clock_add(end, STORED_GRACE);
    stored_key(key, &p->domain);
    return there->status == STORE_OK ? put_in_order(&t, key, p, expires, there->value)
                                     : put(&t, key, p, expires);
}

enum store_status stored_policy(struct store *s, stored_put_fn fn, const struct policy_json *p,
                                nstime end, nstime now)
{
    struct store_value value = {0};
    char key[STORED_KEY];
    enum store_status status = store_get(s, stored_key(key, &p->domain), now, &value);
    const struct stored_there there = {status, span_of(value.p, value.n)};
    status = stored_beside(s, fn, p, end, now, &there);
    store_value_fini(&value);
    return status;
}

/* One that says why, in the words of the look-up and without what else it found. */
static enum store_status put_negative(const struct target *t, const struct lookup *l, nstime lasts)
{
    struct lookup *copy = malloc(sizeof(*copy));
    char key[STORED_KEY], *line;
    enum store_status status = STORE_FULL;
    if (!copy)
        return status;
    *copy = *l;
    copy->body = NULL;
    copy->asked_mx = false;
    line = lookup_json_text(copy);
    snprintf(key, sizeof(key), "negative/%s", l->domain.text);
    if (line)
        status = t->put(t->store, span_str(key), span_str(line), clock_add(l->time, lasts), t->now);
    free(line);
    free(copy);
    return status;
}

enum store_status stored_record(const struct lookup *l, struct policy_json *to, nstime *end)
{
    struct sts_policy *policy = malloc(sizeof(*policy));
    if (!policy)
        return STORE_FULL;
    *to = (struct policy_json){
        .domain = l->domain, .fetched = l->time, .body = l->body, .body_n = l->body_n};
    memcpy(to->id, l->id, sizeof(to->id));
    sts_policy_read(span_of(l->body, l->body_n), policy);
    *end = clock_add(l->time, policy->max_age * NS_PER_S);
    bool usable = policy->usable;
    free(policy);
    return usable ? STORE_OK : STORE_WRONG;
}

void stored_there_is_one(struct store *s, stored_put_fn fn, const struct domain *d, nstime now)
{
    char key[STORED_KEY];
    snprintf(key, sizeof(key), "negative/%s", d->text);
    fn(s, span_str(key), span_str("{}"), now - 1, now); /* a time past takes it away */
}

static enum store_status put_policy(const struct target *t, const struct lookup *l)
{
    struct policy_json j;
    nstime end;
    enum store_status status = l->body ? stored_record(l, &j, &end) : STORE_WRONG;
    if (status == STORE_OK)
        status = stored_policy(t->store, t->put, &j, end, t->now);
    if (status == STORE_OK)
        stored_there_is_one(t->store, t->put, &l->domain, t->now);
    return status;
}

enum store_status stored_lookup(struct store *s, stored_put_fn fn, const struct lookup *l,
                                nstime now)
{
    const struct target t = {s, fn, now};
    switch (l->sts) {
    case LOOKUP_STS_POLICY:
        return put_policy(&t, l);
    case LOOKUP_STS_NONE:
        return put_negative(&t, l, NOTHING);
    case LOOKUP_STS_UNASKED:
    case LOOKUP_STS_SAME:
        return STORE_OK;
    default:
        return put_negative(&t, l, FAILURE);
    }
}
