/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of the sensor: what is usual for servers, their owners, senders, pairs and paths, and
 * which servers and senders deviate from it just now. Asked before a session is judged, told of it
 * when it has ended; all by packet time, so the same packets give the same memory. docs/history.md
 * says what is kept, for how long, and what a patient attacker can make of it.
 *
 * Sessions that were judged suspicious teach nothing. One that deviates from what is usual teaches
 * nothing either until it is known why (history/doubts.h, history/stops.h).
 */
#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include <stdio.h>

#include "history/baseline.h"
#include "history/counters.h"
#include "history/doubts.h"
#include "history/observation.h"
#include "history/stops.h"

struct history;

/* A session that was told of is seen in another light now. */
struct history_turn {
    const struct doubt *doubt;   /* of its server, or NULL */
    const struct stop *stop;     /* of its sender, or NULL; neither: a handshake of the same two,
                                    begun before, has failed */
    struct usual_attempt failed; /* that one */
    const struct doubt_case *item;
    const struct baseline *baseline; /* of its server, or of its sender alone, as of now */
    nstime now;
};
typedef void (*history_turn_fn)(void *user, const struct history_turn *t);

struct history *history_new(const struct siphash_key *key, history_turn_fn turn, void *user);
void history_free(struct history *h);

struct keep;

/* From now on what is learnt of servers, senders and farms is kept there as well, and what is there
 * of those that are met is known (history/keep.h). Borrowed. */
void history_keep(struct history *h, struct keep *keep);

/* That two met is remembered for so many days of packet time, from 2 to KEEP_PAIR_MOST, in memory
 * and, for half of it at least, in what is kept. Before anything is learnt; PAIR_DAYS otherwise. */
void history_pairs(struct history *h, uint32_t days);

/* All that is remembered, for another process of this very program that goes on with it: doubts
 * stay open. False: it cannot be written. */
bool history_save(struct history *h, FILE *to);

/* What was saved, into one that has learnt nothing. False: it is none; then this one is to be
 * freed. */
bool history_restore(struct history *h, FILE *from);

/* Time has passed by the packets: what was learnt is written now and then, and pairs forgotten. */
void history_pass(struct history *h, nstime now);

/* Who the two sides of a session belong to. Worked out once for it. */
struct history_names {
    struct psl_domain farm;
    struct psl_domain sender;
};
static inline void history_nobody(struct history_names *out)
{
    out->farm.n = out->sender.n = 0;
    out->farm.text[0] = out->sender.text[0] = '\0';
}
void history_names(struct history *h, const struct observation *o, struct history_names *out);

/* Fills `b` with what is usual at the time of the observation. */
void history_recall(struct history *h, const struct observation *o, const struct history_names *n,
                    struct baseline *b);

/* As far as it takes to learn from a session that asked for TLS and got it; the rest is empty. */
void history_recall_offer(struct history *h, const struct observation *o,
                          const struct history_names *n, struct baseline *b);

/* TLS has come about. It may go on for hours: what it says of the server counts from now on. True:
 * the server has shown all that it shows here before, so that nothing in it is unusual. */
bool history_upgraded(struct history *h, const struct observation *o, const struct history_names *n,
                      const struct baseline *b);

/* A handshake is at its end, though its session is not yet. */
void history_attempt(struct history *h, const struct observation *o, const struct history_names *n,
                     const struct baseline *b);

/* The client, at that time, tried to reach the server in vain: all that the observation says. */
void history_knock(struct history *h, const struct observation *o, bool refused);

/* The session has ended, and this was the baseline it was judged by. `note` is kept, and handed
 * back if the session is seen in another light later; `size` up to CAP_HISTORY_NOTE. */
void history_learn(struct history *h, const struct observation *o, const struct history_names *n,
                   const struct baseline *b, const void *note, size_t size);

/* The same of one that had STARTTLS offered and took it, if history_upgraded() was told of it: only
 * time has passed. */
void history_over(struct history *h, nstime now);

/* The input has ended. */
void history_finish(struct history *h);

/* The newest day on which a server was met, by what is remembered at `now`; that, if it was not. */
nstime history_newest(struct history *h, uint8_t family, const uint8_t address[16], uint16_t port,
                      nstime now);

/* What is remembered of one server, for people. False: nothing. */
bool history_server(struct history *h, uint8_t family, const uint8_t address[16], uint16_t port,
                    nstime now, struct baseline *b);

struct history_counters history_counters(const struct history *h);

#endif
