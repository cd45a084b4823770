/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store keeps of policies (docs/redis.md): policy/<domain>, history/<domain>/<seconds>,
 * negative/<domain>.
 */
#ifndef SENSOR_STORED_H
#define SENSOR_STORED_H

#include "policy/lookup.h"
#include "policy/policy_json.h"
#include "store/store.h"

#define STORED_GRACE   (7 * 86400 * NS_PER_S)  /* behind the end of a policy */
#define STORED_HISTORY (90 * 86400 * NS_PER_S) /* that a replaced policy is kept */
#define STORED_KEY     (CAP_DOMAIN_TEXT + 40)

/* `put` is store_put or store_put_later. What is there is read first, which may wait as store_get()
 * does. */
typedef enum store_status (*stored_put_fn)(struct store *s, struct span key, struct span value,
                                           nstime expires, nstime now);

/* A policy that was fetched at p->fetched and ends at `end`. The newest is the current one; what it
 * replaces goes into the history, unless it says the same. STORE_WRONG: its body is no UTF-8. */
enum store_status stored_policy(struct store *s, stored_put_fn put, const struct policy_json *p,
                                nstime end, nstime now);

/* What a look-up found: a policy as above, which ends what is said of there being none; or why
 * there is none, for minutes after a failure and hours where there is nothing to find. STORE_OK
 * also if there is nothing to keep. */
enum store_status stored_lookup(struct store *s, stored_put_fn put, const struct lookup *l,
                                nstime now);

/* --- the parts of it, for who reads without waiting (sensor/stored_later.h) --- */

/* What store_get() or its kind said of the key. */
struct stored_there {
    enum store_status status;
    struct span value;
};

struct span stored_key(char key[STORED_KEY], const struct domain *d); /* of its current policy */

/* The record of a look-up that found a policy, whose body it borrows, and when the policy ends. */
enum store_status stored_record(const struct lookup *l, struct policy_json *to, nstime *end);

/* As stored_policy(), of which this is the second half. */
enum store_status stored_beside(struct store *s, stored_put_fn put, const struct policy_json *p,
                                nstime end, nstime now, const struct stored_there *there);

/* Ends what is said of there being none. */
void stored_there_is_one(struct store *s, stored_put_fn put, const struct domain *d, nstime now);

#endif
