/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of each sender: the registrable domain of the name that it says in EHLO,
 * together with the network it comes from (/24, /48), so that nobody elsewhere can spoil its name.
 * How often did it take an offer, and with which hellos (JA4)?
 *
 * Sessions in clear of a name that upgraded before, with a server that it upgraded with, are
 * remembered apart (lapses) until it is known what they are: a session that upgrades and began
 * later says that the sender came back, and they count as one that did not take the offer. A sender
 * that came back SENDERS_MIXED times takes the offer now and then, by its way.
 */
#ifndef HISTORY_SENDERS_H
#define HISTORY_SENDERS_H

#include "history/baseline.h"
#include "history/net.h"
#include "history/observation.h"

#define SENDERS_MIXED 2 /* once may have been an attack that ended */

struct recent;
struct senders;

struct senders *senders_new(const struct siphash_key *key); /* NULL: no memory */
/* Its servers are remembered for so many days; at first PAIR_DAYS. */
void senders_pairs(struct senders *s, uint32_t days);

/* Looks at some of the senders, and forgets servers that were not met for so long. */
void senders_sweep(struct senders *s, int32_t day);

/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **senders_tables(struct senders *s, struct recent **to);

void senders_free(struct senders *s);

struct keep;

/* From now on what is learnt is kept there as well, and what is there is known. Borrowed. */
void senders_keep(struct senders *s, struct keep *keep);

/* `name` is the sender's registrable domain; it may be empty. */
void senders_recall(struct senders *s, const struct observation *o, const struct psl_domain *name,
                    struct baseline *b);

/* Of that only its hellos. */
void senders_recall_hello(struct senders *s, const struct observation *o,
                          const struct psl_domain *name, struct baseline *b);

/* `b` is what it was judged by. */
void senders_learn(struct senders *s, const struct observation *o, const struct psl_domain *name,
                   const struct baseline *b);

/* What a sender is known by; returns the bytes of it that are in use. */
struct sender_key {
    uint8_t net[NET_BYTES];
    char name[CAP_DOMAIN_TEXT + 1];
};
size_t senders_key(struct sender_key *k, const struct observation *o,
                   const struct psl_domain *name);

/* In clear, by a name that upgraded before, with a server that it upgraded with, and not for want
 * of a handshake that came about. */
bool senders_lapsed(const struct observation *o, const struct baseline *b);

uint32_t senders_count(const struct senders *s);
uint64_t senders_evicted(const struct senders *s);

#endif
