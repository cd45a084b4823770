/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our own look-ups (policy/lookup.h) said of each domain before, so that the next can be held
 * against it: ids that come back, policies that become weaker, records and policies that cannot be
 * had any more. The last 8,192 domains are remembered.
 */
#ifndef SENSOR_LOOKUPS_H
#define SENSOR_LOOKUPS_H

#include "policy/book.h"
#include "policy/exchangers.h"
#include "policy/lookup.h"
#include "rules/discovery.h"

struct lookups;

/* Borrows the book and the exchangers. NULL: no memory. */
struct lookups *lookups_new(const struct siphash_key *key, const struct book *book,
                            const struct exchangers *exchangers);
void lookups_free(struct lookups *l);

/* Borrowed for the call. */
typedef void (*lookups_fn)(void *user, const struct discovery *d);

/* Tells in what a look-up differs from what was before, and remembers it; before the book and the
 * exchangers have learnt of it. `policy` is that of its body, NULL where there is none. One that is
 * older than another of its domain is passed over. */
void lookups_take(struct lookups *l, const struct lookup *found, const struct sts_policy *policy,
                  nstime now, lookups_fn fn, void *user);

/* When a look-up last had the MTA-STS record of the domain, and since when; 0: none did. */
nstime lookups_record(struct lookups *l, const struct domain *d, nstime *since);

#endif
