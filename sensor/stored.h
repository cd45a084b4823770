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

#endif
