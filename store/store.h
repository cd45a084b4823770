/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives a session: values under keys, each with an expiry, and counters that many sensors
 * add to. One interface, three places to keep it: memory (captures), an SQLite file (state that
 * outlives a run) and Redis (what sensors share; docs/redis.md).
 *
 * Keys are printable ASCII without blanks, CAP_STORE_KEY bytes at most: "policy/<domain>",
 * "history/<domain>/<unix seconds>", "negative/<domain>" have values, "count/<name>/<day>" has
 * counters and nothing else has. Values are any bytes.
 *
 * There are two ways to write. store_put() and its kind return when it is written for good:
 * STORE_OK is an acknowledgement. store_put_later() and its kind never wait, and store_tick() does
 * the work within a budget of time: this is the way of a packet loop. What is written later is
 * repeated until the backend acknowledges it, and need not be seen by store_get() before that.
 *
 * A caller keeps its own copy of what it judges with: STORE_AWAY means to go on with that. Time is
 * the caller's (base/clock.h); only the deadlines of the network are the system's. Not for threads.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/clock.h"
#include "base/span.h"

enum store_status {
    STORE_OK,
    STORE_MISSING, /* nothing at that key, or expired */
    STORE_AWAY,    /* the backend does not answer: not known whether it was written */
    STORE_WRONG,   /* another type at a key, a foreign file, a key that is none */
    STORE_FULL,    /* no room: memory, disk, queue, or beyond a cap */
    STORE_REFUSED, /* no permission: password, ACL, read-only file */
    STORE_DAMAGED, /* the file is corrupt */
    STORE_STATUS_COUNT
};

#define STORE_NEVER 0   /* as an expiry: stays */
#define STORE_WHY   256 /* room for the text of an error */

struct store; /* one open store of whatever kind */

struct store_options {
    size_t memory_bytes; /* that the memory store may take; 0: CAP_STORE_MEMORY */
    size_t queue_bytes;  /* that may wait for Redis; 0: CAP_STORE_QUEUE */
    nstime deadline;     /* of one command to Redis, and of connecting; 0: 2 s */
    uint32_t file_pages; /* of 4 KiB, that the SQLite file may grow to; 0: as the disk allows */
};

/* A value that is copied out; begin with {0}. The room is used again by the next store_get(). */
struct store_value {
    uint8_t *p;  /* NULL until the first value */
    size_t n;    /* bytes of the value */
    size_t room; /* bytes allocated */
};

/* One addition to one counter. */
struct store_delta {
    struct span key;   /* "count/..." */
    struct span field; /* of that key: as a key, and CAP_STORE_KEY bytes at most */
    int64_t by;        /* what is added */
};

/* What `stats` tells of a store. */
struct store_stats {
    bool away;             /* not connected now: what is judged with is the local copy */
    uint64_t queued;       /* writes that wait for their acknowledgement, and later reads */
    uint64_t queued_bytes; /* and their size */
    uint64_t acknowledged; /* writes done for good, those of store_put() included */
    uint64_t dropped;    /* later writes given up: queue full, refused, wrong, or cut by closing */
    uint64_t wrong;      /* keys where something else was found than we write */
    uint64_t reconnects; /* connections after the first */
    nstime longest_tick; /* the longest call of store_tick() so far */
    const char *last_error; /* the newest trouble, without secrets; "" for none */
};

/* Both return false to stop. They must not call the store. The spans are valid during the call. */
typedef bool store_each(void *user, struct span key, struct span value);
typedef bool store_total(void *user, struct span field, int64_t total);
/* For keys[index]; the value is empty unless the status is STORE_OK. */
typedef void store_got(void *user, size_t index, enum store_status status, struct span value);

/*
 * Opens what `where` names:
 *   "" or "memory:"                                   memory
 *   PATH or sqlite:PATH                               an SQLite file, made if it is not there
 *   redis://[user[:password]@]host[:port][/db]        Redis; [?prefix=...&password-file=...]
 *   redis+unix:///path/of/socket[?db=N&...]           Redis by its socket
 * STORE_OK: *store is open. STORE_AWAY: likewise, but Redis does not answer yet; it goes on trying.
 * All else: *store is NULL. `why` then says it in a sentence without a full stop, without secrets.
 * `o` may be NULL. May wait for as long as two deadlines.
 */
enum store_status store_open(struct store **store, const char *where, const struct store_options *o,
                             char why[STORE_WHY]);

/* From now on every Redis is reached through the socket at that path, which leads to it: for a
 * process that may not speak with the network. It is borrowed; NULL takes it back. */
void store_through(const char *path);

/* Ends it; what is still queued is dropped: store_drain() first. NULL is allowed. */
void store_close(struct store *s);

const char *store_name(const struct store *s);              /* where it is, without secrets */
const char *store_warning(const struct store *s, size_t i); /* of opening; NULL after the last */
const char *store_status_text(enum store_status status);

/* The value at `key` at the time `now`, copied to *value, which the caller ends with
 * store_value_fini(). On anything but STORE_OK value->n is 0. */
enum store_status store_get(struct store *s, struct span key, nstime now,
                            struct store_value *value);
void store_value_fini(struct store_value *value);

/* Many at once, told in order: in Redis one round trip. A key that cannot be had is told with its
 * status; returns the first trouble that ended it, or STORE_OK. */
enum store_status store_get_many(struct store *s, const struct span *keys, size_t count, nstime now,
                                 store_got *fn, void *user);

/* Writes or replaces. `expires` is when it is gone (STORE_NEVER: not); a time past removes it. */
enum store_status store_put(struct store *s, struct span key, struct span value, nstime expires,
                            nstime now);
enum store_status store_remove(struct store *s, struct span key);

/*
 * Adds all of `deltas` or none, and that once for each flush id, however often it is called with
 * it: the caller, or the store itself, may repeat what it has no answer for. A flush id is chosen
 * as keys are, never used for anything else, and remembered for CAP_STORE_FLUSH_S. The counters
 * expire as told. A key or field where no counter stands is left as it is and makes STORE_WRONG;
 * the others are added.
 */
enum store_status store_add(struct store *s, const struct store_delta *deltas, size_t count,
                            struct span flush_id, nstime expires, nstime now);

/* Each field of a counter. STORE_MISSING: there are none. */
enum store_status store_totals(struct store *s, struct span key, nstime now, store_total *fn,
                               void *user);

/* All values whose keys begin with `prefix`, in any order; what is written meanwhile may be told or
 * not, and in Redis twice. Counters are not told, nor is what stands wrongly at a key. */
enum store_status store_scan(struct store *s, struct span prefix, nstime now, store_each *fn,
                             void *user);

/* The keys of counters that begin with `prefix`, likewise, with an empty value; any may be told
 * more than once. */
enum store_status store_scan_counters(struct store *s, struct span prefix, nstime now,
                                      store_each *fn, void *user);

/* All counters of that key are gone. What is queued for it comes later. */
enum store_status store_clear(struct store *s, struct span key);

/* As store_get(), but it never waits for the network: `fn` is told once, with index 0, by this call
 * or by a later one of the store's, and may itself write later. What is told is as of behind all
 * that was written later before. STORE_OK: it is or will be told, unless the store is closed before
 * that; else it never is. */
enum store_status store_get_later(struct store *s, struct span key, nstime now, store_got *fn,
                                  void *user);

/* As their namesakes, but they only queue: STORE_OK is no acknowledgement. STORE_FULL: the queue
 * is, and the write was dropped and counted. What is to be written is copied. */
enum store_status store_put_later(struct store *s, struct span key, struct span value,
                                  nstime expires, nstime now);
enum store_status store_add_later(struct store *s, const struct store_delta *deltas, size_t count,
                                  struct span flush_id, nstime expires, nstime now);

/* Works on what is queued for no longer than `budget`; never waits for the network. For every turn
 * of the caller's loop. STORE_AWAY: not connected. In an SQLite file it commits what was written
 * later, which takes as long as the disk does: a loop that must not wait for a disk leaves that
 * file to another process. */
enum store_status store_tick(struct store *s, nstime now, nstime budget);

/* Waits until nothing is queued, `timeout` at most. STORE_AWAY: something still is. */
enum store_status store_drain(struct store *s, nstime now, nstime timeout);

struct store_stats store_stats(const struct store *s);

nstime store_clock(void); /* the system's monotonic clock: for deadlines only */

#endif
