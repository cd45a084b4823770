/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where flows wait when memory is short: packed (dissect/pack.h), some hundred bytes each, until
 * their next packet. Room is made by classes, the least promising first and in each class the one
 * that was parked first, so that a flood of connections that come to nothing evicts itself and no
 * session whose verdict is open.
 */
#ifndef DISSECT_PARK_H
#define DISSECT_PARK_H

#include "dissect/flow.h"

enum park_class {                   /* in the order in which they give way */
                  PARK_ENDED,       /* FIN or RST was seen */
                  PARK_DECIDED,     /* TLS carries data, or mail crossed in clear */
                  PARK_NO_GREETING, /* no banner was read, or not from the beginning */
                  PARK_GREETED,     /* a banner, and no EHLO yet */
                  PARK_ASKED,       /* EHLO was said, what becomes of it is open */
                  PARK_SUSPECT,     /* something was found */
                  PARK_CLASS_COUNT
};

struct park;
struct parked;

struct park *park_new(const struct siphash_key *key, uint32_t max_flows); /* NULL: no memory */
/* The flows that are parked are the caller's to restore first. */
void park_free(struct park *p);

/* Packs a flow that has a session; the place in the flow table is the caller's to free. `hash` is
 * flow_hash(); `silent` as in pack_flow(). False: no memory, and nothing changed. */
bool park_flow(struct park *p, struct flow *f, uint32_t hash, bool silent);

struct parked *park_find(const struct park *p, uint32_t hash, const struct flow_key *key);
struct flow_key park_key(const struct parked *q);
uint64_t park_serial(const struct parked *q);
enum park_class park_class(const struct parked *q);

/* Fills a flow that is new in table `t`, puts it on the lists it stood on, and forgets `q`. False:
 * no memory, and nothing changed. */
bool park_restore(struct park *p, struct parked *q, struct flow_table *t, struct flow *f);

/* Which flow gives way to others; NULL: none is parked. */
struct parked *park_least(const struct park *p);

/* What was touched by no packet for `idle`, or for `linger` if it had ended; NULL: none. */
struct parked *park_expired(const struct park *p, nstime now, nstime idle, nstime linger);

size_t park_bytes(const struct park *p);
uint32_t park_count(const struct park *p);
/* All that is parked but second views, in the order of serial; the array is the caller's to free.
 * NULL: no memory. */
struct parked **park_all(const struct park *p, uint32_t *count);

#endif
