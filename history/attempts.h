/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client tried in vain: handshakes that failed, and sessions that it left without handing in
 * its mail. Remembered for ATTEMPT_KEPT for the pair of client and server, and for the client and
 * the owner of the server, whose other hosts the same mail may go to next. A client that leaves
 * although it was offered TLS, and without asking for it, is no sender in need: a monitor, a probe.
 */
#ifndef HISTORY_ATTEMPTS_H
#define HISTORY_ATTEMPTS_H

#include "history/baseline.h"
#include "history/doubts.h"
#include "history/observation.h"

#define ATTEMPT_KEPT (6LL * 3600 * NS_PER_S) /* Postfix waits 4,000 s, others for hours */

struct recent;
struct attempts;

struct attempts *attempts_new(const struct siphash_key *key); /* NULL: no memory */
/* Pairs, and clients as such, are remembered for so many days; at first PAIR_DAYS. */
void attempts_pairs(struct attempts *a, uint32_t days);

/* Forgets some of those that nothing was heard of for so long. */
void attempts_sweep(struct attempts *a, int32_t day);

/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **attempts_tables(struct attempts *a, struct recent **to);

void attempts_free(struct attempts *a);

struct keep;

/* From now on it is kept there as well what was tried, which clients are incompatible, and which
 * come back in clear after an alert. Borrowed. */
void attempts_keep(struct attempts *a, struct keep *keep);

/* `farm`: owner of the server; it may be empty. */
void attempts_recall(struct attempts *a, const struct observation *o, const struct psl_domain *farm,
                     struct baseline *b);
void attempts_learn(struct attempts *a, const struct observation *o, const struct psl_domain *farm);

/* A handshake ended by an alert, between two that never had TLS. The first one of each client is
 * remembered: what its ClientHello lacks it lacks for other servers as well. */
void attempts_incompatible(struct attempts *a, const struct observation *o);

/*
 * A client that gave a handshake up may be back before the connection is at its end. So a session
 * in clear that had an offer and did not take it is kept, one of each pair, and handed out once,
 * when an attempt fails that began before it.
 */
void attempts_returned(struct attempts *a, const struct observation *o, const void *note,
                       size_t size);

/* Or the attempt has failed since, and the session in clear is only now looked back at. False:
 * none that began before it did. */
bool attempts_meanwhile(struct attempts *a, const struct observation *returned,
                        struct usual_attempt *failed);

/* False: the attempt explains nothing. */
bool attempts_explain(struct attempts *a, const struct observation *failed,
                      struct doubt_case *returned);

uint64_t attempts_evicted(const struct attempts *a);

#endif
