/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorted sets that another program keeps in the database of a Redis store, as
 * postfix-mta-sts-resolver does with its policies. Read, and never written. A store of another kind
 * has none.
 */
#ifndef STORE_FOREIGN_H
#define STORE_FOREIGN_H

#include "store/store.h"

/* The member with the highest score of one sorted set. Return false to stop. The spans are valid
 * during the call. */
typedef bool foreign_fn(void *user, struct span key, struct span member, double score);

/* Every sorted set whose key is a name of the DNS; what is deleted meanwhile is passed over. */
enum store_status foreign_scan(struct store *s, foreign_fn *fn, void *user);

#endif
