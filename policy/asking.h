/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which domain is looked up next, and when: the manners of RFC 8461 section 5.1 and 10.2 and our
 * own towards the network. Pure arithmetic over a clock that the caller owns; no network, no clock.
 *
 *   asking_want()  for each domain that mail was seen for, with the host that caused it
 *   asking_next()  while there is something to ask now
 *   asking_done()  with what came of it
 *
 * Never more than CAP_ASKING_FLIGHT at a time, CAP_ASKING_MINUTE in a minute; the hosts that wait
 * are served in turn, so that one with a million domains does not keep another from its first. What
 * finds no place in the queue (CAP_ASKING_QUEUE) is dropped and counted; of a host that fills it,
 * its own newest. After an answer a domain is left alone: a policy for a day or until shortly
 * before it ends, nothing found for hours, a failure for five minutes and then longer each time. A
 * new id in a record on the tap ends that, but not within five minutes of an answer. Policies are
 * refreshed whether mail comes or not; what is not known any more (CAP_ASKING_KNOWN) is first what
 * there is no policy of.
 */
#ifndef POLICY_ASKING_H
#define POLICY_ASKING_H

#include "base/clock.h"
#include "base/siphash.h"
#include "policy/domain.h"

struct asking;

/* The network of a host that causes look-ups: address, /24 or /48. */
struct asking_host {
    uint8_t family; /* 4, 6; 0: the operator */
    uint8_t net[16];
};

struct asking_stats {
    uint64_t wanted, asked, answered, failed;
    uint64_t dropped; /* no place in the queue */
    uint64_t spared;  /* known, waiting or left alone for now */
    uint64_t waiting; /* now */
    uint64_t flying;  /* now */
    uint64_t known;   /* domains of which it is known when to ask again, those that wait included */
    uint64_t bytes;   /* of memory */
};

struct asking *asking_new(const struct siphash_key *key); /* NULL: no memory */
void asking_free(struct asking *a);

void asking_want(struct asking *a, nstime now, const struct domain *d,
                 const struct asking_host *host);

/* The record of the domain was seen to have this id: one that is not the known one is asked at
 * once. */
void asking_id(struct asking *a, nstime now, const struct domain *d, const char *id);

/* The next one; `id`: that of the policy which is known, where nothing has to be fetched if the
 * record still has it; "": fetch in any case. False: nothing now. */
bool asking_next(struct asking *a, nstime now, struct domain *d, char id[CAP_STS_ID + 1]);

enum asking_outcome {
    ASKING_POLICY,
    ASKING_SAME, /* the record has the id of asking_next() */
    ASKING_NOTHING,
    ASKING_FAILED
};

/* Of a POLICY `until` is when it ends, `id` its; "": none. */
void asking_done(struct asking *a, nstime now, const struct domain *d, enum asking_outcome outcome,
                 const char *id, nstime until);

/* Nobody is there any more who would answer: what flies waits again. */
void asking_restart(struct asking *a, nstime now);

/* When asking_next() may have something again without another call; INT64_MAX: never. */
nstime asking_due(const struct asking *a);

struct asking_stats asking_stats(const struct asking *a);

#endif
