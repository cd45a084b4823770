/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a run (history/): makes observations of sessions, asks what is usual for them, and
 * tells what became of them.
 */
#ifndef SENSOR_PAST_H
#define SENSOR_PAST_H

#include <stdio.h>

#include "base/siphash.h"
#include "dissect/dissect.h"
#include "history/history.h"
#include "policy/lookup.h"
#include "rules/finding.h"

#define PAST_WHY 320

struct past;

/* A session that was handed out before was judged again: `s` is made up of what was kept of it, and
 * lasts for the call, as `j` does. `told`: it had findings above info before. */
typedef void (*past_again_fn)(void *user, struct session *s, struct judgement *j, bool told);

/* What others know of a session. */
struct past_aid {
    const struct certificate *certificate; /* the server's; NULL: not seen */
    const struct expectations *expected;   /* NULL: none */
    struct span tap;                       /* name of where it was seen; empty: it has none */
};

struct past *past_new(const struct siphash_key *key, past_again_fn again, void *user);
void past_free(struct past *p);

/* That two met is remembered for so many days (history_pairs()); behind past_keep(). */
void past_pairs(struct past *p, uint32_t days);

/* The memory outlives the run in the store that `where` names, under the name of this sensor (NULL:
 * none). 0; or -1, and `why` says it. `patient`: a store that does not answer yet is waited for,
 * and what it remembers is heard of later; `why` says that, else it is empty. Nor is it waited for
 * whenever it is away later on. */
int past_keep(struct past *p, const char *where, const char *sensor, const struct siphash_key *key,
              bool patient, char why[PAST_WHY]);

/* All of it goes to the file `to`, for the process that takes the place of this one; what is kept
 * in a store is written there first, and `why` says what of that is missing, if anything is. False:
 * it cannot be written. */
bool past_hand_over(struct past *p, FILE *to, char why[PAST_WHY]);

/* It comes from there; behind past_keep() and past_pairs(). False: there is nothing to take, and
 * what there was stays. */
bool past_take_over(struct past *p, FILE *from);

/* It does not answer now; what is judged with is what this run has seen. */
bool past_is_away(const struct past *p);

/* Time has passed by the packets. */
void past_pass(struct past *p, nstime now);

/* A connection to a mail server does not come about. */
void past_knock(struct past *p, const struct dissect_attempt *a);

/* What is usual for the session; valid until the next call. */
const struct baseline *past_recall(struct past *p, const struct session *s,
                                   const struct past_aid *aid);

/* It goes to its end without TLS: whoever comes back in clear is known then. Behind past_recall()
 * of the same session. */
void past_ending(struct past *p, const struct session *s);

/* It has come to TLS, likewise. */
void past_upgraded(struct past *p, struct session *s, const struct judgement *j);

/* The same where there is nothing to find (judge_calm()), and without past_recall(). */
void past_served(struct past *p, struct session *s, const struct past_aid *aid);

/* It has ended and was judged, likewise. */
void past_learn(struct past *p, const struct session *s, const struct judgement *j);

/* One that past_served() was told of has ended, and is in good order still. */
void past_over(struct past *p, const struct session *s);

/* What a look-up of our own found is kept beside, in the same store; without one nothing is. */
void past_lookup(struct past *p, const struct lookup *l);

/* Look-ups that could not be kept there. */
uint64_t past_unkept(const struct past *p);

/* For every turn of a loop: what waits to be written is so at the pace of packets otherwise, and
 * there may be none. */
void past_turn(struct past *p);

/* The input has ended. True: all is kept that was to be; else `why` says what is not. */
bool past_finish(struct past *p, char why[PAST_WHY]);

/* How much is remembered. */
struct history_counters past_counters(const struct past *p);

#endif
