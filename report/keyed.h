/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of records of one size that are found by their first bytes. It grows to a cap and loses
 * nothing; the order of the records is that in which they came. The hash is keyed, so nobody can
 * choose keys that collide.
 */
#ifndef REPORT_KEYED_H
#define REPORT_KEYED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"

struct keyed;

/* Records of `size` bytes, of which the first `key` are the key: no padding among them. At most
 * `cap`, which is below 2^31. NULL: no memory. */
struct keyed *keyed_new(const struct siphash_key *secret, size_t size, size_t key, uint32_t cap);
void keyed_free(struct keyed *k);

/* The number of the record with that key; one that is new is all zero behind the key. -1: there is
 * no room, or no memory. */
int64_t keyed_add(struct keyed *k, const void *key);

/* The same without adding it; -1: there is none. */
int64_t keyed_find(const struct keyed *k, const void *key);

/* Valid until the next keyed_add(). */
void *keyed_at(const struct keyed *k, uint32_t number);
uint32_t keyed_count(const struct keyed *k);

#endif
