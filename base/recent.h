/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen lately, in bounded memory: a value for each key. Keys are known by a keyed hash of
 * 64 bits alone, so nobody outside makes two of them meet. Where there is no place left the one
 * that was not used for longest goes, whatever the key of the hash: the same input forgets the
 * same. A table whose values own something makes room itself, from the oldest on.
 */
#ifndef BASE_RECENT_H
#define BASE_RECENT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/siphash.h"

struct recent;

/* `places`: a power of two; `size`: bytes of a value. NULL: no memory. */
struct recent *recent_new(const struct siphash_key *key, uint32_t places, size_t size);
void recent_free(struct recent *r);

/* The value of a key, or NULL; aligned for anything of eight bytes. This one and those below are
 * valid until they are forgotten, or recent_keep() of a new key takes the place. */
void *recent_find(struct recent *r, const void *key, size_t n);

/* The same in two steps, for who looks in several tables that were made with one secret. */
uint64_t recent_digest(const struct recent *r, const void *key, size_t n);
void *recent_find_digest(struct recent *r, uint64_t digest);

/* That of a key that is known or, as zeros, of a new one; it is used now. */
void *recent_keep(struct recent *r, const void *key, size_t n);

/* It is used now. */
void recent_use(struct recent *r, void *value);

void recent_forget(struct recent *r, void *value);

/* In the order of use; NULL: no more. */
void *recent_oldest(struct recent *r);
void *recent_newer(struct recent *r, const void *value);

/* Goes round all of them, whatever is used meanwhile, one place at each call; NULL: nothing is
 * there. */
void *recent_round(struct recent *r);

/* All of it as bytes, for another process of this very program; false: it cannot be written. The
 * values are written as they are: they must not point anywhere. */
bool recent_save(const struct recent *r, FILE *to);

/* What was saved takes the place of what there is, in a table that was made alike; the secret of
 * the keys with it. False: it is none; then the table is to be freed. */
bool recent_restore(struct recent *r, FILE *from);

uint32_t recent_count(const struct recent *r);
bool recent_is_full(const struct recent *r);     /* a new key takes the place of the oldest */
uint64_t recent_evicted(const struct recent *r); /* keys whose place was taken so */

#endif
