/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen lately, in bounded memory: two numbers for each key. Keys are known by a keyed hash
 * of 64 bits alone, so nobody outside makes two of them meet. Where there is no place left the one
 * that was not used for longest goes, whatever the key of the hash: the same input forgets the
 * same.
 */
#ifndef BASE_RECENT_H
#define BASE_RECENT_H

#include "base/siphash.h"

struct recent;

/* `places`: a power of two. NULL: no memory. */
struct recent *recent_new(const struct siphash_key *key, uint32_t places);
void recent_free(struct recent *r);

/* The two numbers of a key, or NULL. Both calls: valid until the next recent_keep(). */
int64_t *recent_find(struct recent *r, const void *key, size_t n);

/* Those of a key that is known or, as zeros, of a new one; it is used now. */
int64_t *recent_keep(struct recent *r, const void *key, size_t n);

#endif
