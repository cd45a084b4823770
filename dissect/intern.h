/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of bytes of which many are the same, each kept once: a server says the same EHLO reply to
 * all. */
#ifndef DISSECT_INTERN_H
#define DISSECT_INTERN_H

#include "base/siphash.h"
#include "base/span.h"

struct intern;
struct interned;

/* `buckets` is a power of two: more strings than that make the search longer. NULL: no memory. */
struct intern *intern_new(const struct siphash_key *key, uint32_t buckets);
void intern_free(struct intern *t); /* what is kept must have been let go */

/* The one that is equal, or a new one. NULL: no memory. */
struct interned *intern_keep(struct intern *t, struct span bytes);
struct span intern_bytes(const struct interned *i);
void intern_let_go(struct intern *t, struct interned *i); /* once for each intern_keep() */

#endif
