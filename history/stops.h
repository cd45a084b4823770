/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Senders that always upgraded and have sent in clear, until it is known what that was. One session
 * cannot tell a sender that was cut off from TLS on its way here from one that goes without it now
 * and then; the next ones can: did it upgrade again? A stop begins with the first such session,
 * ends when the sender upgrades, and turns once or twice; at each turn whoever asked is told, with
 * the sessions that began it (CAP_HISTORY_CASES of them), so that they can be judged again.
 *
 *   stopped    BASELINE_STOPPED sessions in a row, and no upgrade behind the first
 *   undecided  too few came by: two within a day, one within a week, or the input ended
 */
#ifndef HISTORY_STOPS_H
#define HISTORY_STOPS_H

#include "base/siphash.h"
#include "history/doubts.h"

enum stop_state { STOP_OPEN, STOP_UNDECIDED, STOP_STOPPED };

struct stop {
    enum stop_state state;
    uint8_t family;
    uint8_t client[16];
    struct psl_domain name; /* the sender's registrable domain */
    nstime first;
    uint32_t sessions; /* in clear, those of earlier runs of the program counted as well */
    uint32_t pair;     /* that it had upgraded with the server of one of them, at most */
    struct doubt_case item[CAP_HISTORY_CASES];
    uint8_t item_count;
};

struct recent;
struct stops;

/* One has turned to `s->state`. */
typedef void (*stop_turn_fn)(void *user, struct stop *s);

struct stops *stops_new(const struct siphash_key *key, stop_turn_fn turn, void *user);
/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **stops_tables(struct stops *s, struct recent **to);

void stops_free(struct stops *s);

/* A session that senders_lapsed(). `note` of `n` bytes is kept, if there is room. */
void stops_lapse(struct stops *s, const struct observation *o, const struct psl_domain *name,
                 const struct baseline *b, const void *note, size_t n);

/* The sender has upgraded. */
void stops_end(struct stops *s, const struct observation *o, const struct psl_domain *name);

/* Time has passed: for now and then. The input ended: all are decided as far as they can be. */
void stops_tick(struct stops *s, nstime now);
void stops_finish(struct stops *s);

uint32_t stops_count(const struct stops *s);
uint64_t stops_evicted(const struct stops *s);

#endif
