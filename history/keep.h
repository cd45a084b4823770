/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the memory outlives a run: counters in a store (store/store.h), a hash for each server,
 * sender and farm and each month of packet time, "count/server/192.0.2.1:25/2026-03-01". All there
 * is are additions, so many sensors write to one store and what they saw adds up (docs/redis.md).
 *
 * Additions are gathered here and flushed together, under an id that counts once: every KEEP_EVERY
 * of packet time, but not more often than KEEP_PAUSE by the system's clock unless they fill a
 * flush. Whoever is killed loses what was not flushed, and nothing is counted twice.
 *
 * What says that two met (a client of a server, a server of a sender) stands apart, in hashes of
 * half as many days as pairs are remembered: "count/server-pairs/192.0.2.1:25/2026-02-21". Two of
 * them are read, and each is gone so many days behind the first day that it is of.
 *
 * Packet time says in which month and day something is counted. When it expires goes by the clock
 * of the store, which is the caller's `wall`: a capture of long ago is kept for as long as one of
 * today. What is read is nobody's word: bounds are checked, and what makes no sense is passed over.
 */
#ifndef HISTORY_KEEP_H
#define HISTORY_KEEP_H

#include "base/caps.h"
#include "base/siphash.h"
#include "history/days.h"
#include "history/observation.h"
#include "store/store.h"

#define KEEP_EVERY (60 * NS_PER_S)
#define KEEP_PAUSE (100 * NS_PER_MS)
#define KEEP_EXPIRY                                                                                \
    (93 * 86400 * NS_PER_S) /* the rest of a month, 30 days, and a month to spare                  \
                             */

#define KEEP_PAIR_MOST 366 /* days that pairs may be remembered */

struct keep;

enum keep_kind { KEEP_SERVER, KEEP_SENDER, KEEP_FARM, KEEP_PAIR, KEEP_KIND_COUNT };

typedef nstime keep_wall_fn(void); /* the time that expiries go by */

/* `store` is borrowed. `sensor` begins the ids of flushes; it may be any text, or NULL. NULL: no
 * memory. */
struct keep *keep_new(struct store *store, const char *sensor, const struct siphash_key *key,
                      keep_wall_fn *wall);
void keep_free(struct keep *k); /* keep_finish() first */

/* From here on a store that is known to be away is not waited for: who judges live would raise
 * alerts too late. */
void keep_hurry(struct keep *k);

/* Pairs are remembered for so many days, from 2 to KEEP_PAIR_MOST; at first PAIR_DAYS. */
void keep_pairs(struct keep *k, uint32_t days);

/* --- writing; where `k` is NULL nothing happens --- */

/* From here on keep_add() is of this one. */
void keep_of(struct keep *k, enum keep_kind kind, struct span name, int32_t day);

/* Adds to a field; `field` is printable and has no blank. */
void keep_add(struct keep *k, struct span field, int64_t by);

/* Likewise what says that it met another; all that is kept of a KEEP_PAIR does. */
void keep_add_pair(struct keep *k, struct span field, int64_t by);

/* What was kept of a pair on one of these days is kept as long as that of the other. */
bool keep_same_period(const struct keep *k, int32_t a, int32_t b);

/* Time has passed by the packets: flushes if it is due. */
void keep_turn(struct keep *k, nstime now);

/* Flushes what is left, and waits until all is written, `most` at most. */
struct keep_loss {
    uint64_t portions; /* flushes that were not written, or not known to be */
    uint64_t of;
    const char *why; /* without secrets; valid as long as the store */
};
struct keep_loss keep_finish(struct keep *k, nstime most);

/* --- reading --- */

struct kept_field {
    struct span text;
    int64_t total;
    int32_t first; /* day that its month, or its period, begins with */
    bool newer;    /* of the newer month */
};

struct kept {
    const struct kept_field *field; /* valid until the next keep_load() */
    size_t count;
};

/* What is kept of one: of the month of `day` and of the one before, and of pairs likewise. False:
 * it cannot be had now, and may be asked for again. */
bool keep_load(struct keep *k, enum keep_kind kind, struct span name, int32_t day,
               struct kept *out);

/* Something was read that makes no sense. */
void keep_pass_over(struct keep *k);
uint64_t keep_passed_over(const struct keep *k);

/* Decimal digits, `most` at most; so many hexadecimal ones. */
bool keep_read_number(struct span text, uint32_t most, uint32_t *out);
bool keep_read_hex(struct span text, size_t digits, uint64_t *out);

/* Day of the month, of two digits, as a day since 1970. */
bool keep_read_day(const struct kept_field *f, struct span text, int32_t *out);

/* A total as a count: those below 0 come of sensors that took back the same. */
uint32_t keep_count(int64_t total, uint32_t most);

/* One that goes up and down, and may do so in different months: for a sum. */
int64_t keep_balance(int64_t total);

/* --- names and fields --- */

#define KEEP_FIELD (CAP_STORE_KEY + 1)

/* A field that is written bit by bit; what does not fit in makes it empty for good. */
struct keep_text {
    char text[KEEP_FIELD];
    size_t n;
    bool whole;
};
void keep_text_init(struct keep_text *t);
void keep_put(struct keep_text *t, const char *text);
void keep_put_bytes(struct keep_text *t, struct span bytes);
void keep_put_number(struct keep_text *t, uint64_t value, unsigned least_digits);
void keep_put_hex(struct keep_text *t, uint64_t value, unsigned digits);
struct span keep_text_span(const struct keep_text *t); /* empty: it was too long */

/* "192.0.2.1:25", "[2001:db8::1]:25" */
void keep_server_name(struct keep_text *t, uint8_t family, const uint8_t address[16],
                      uint16_t port);

/* "count/server/"; and with the name and a slash: the keys of all its months begin so. Likewise
 * "count/server-pairs/". */
void keep_prefix(struct keep_text *t, enum keep_kind kind, struct span name);
void keep_pairs_prefix(struct keep_text *t, enum keep_kind kind, struct span name);

/* Day of the month of a day since 1970. */
unsigned keep_day_of_month(int32_t day);

#endif
