/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of each sender: the registrable domain of the name that it says in EHLO,
 * together with the network it comes from (/24, /48), so that nobody elsewhere can spoil its name.
 * How often did it take an offer?
 */
#ifndef HISTORY_SENDERS_H
#define HISTORY_SENDERS_H

#include "history/baseline.h"
#include "history/observation.h"

struct senders;

struct senders *senders_new(const struct siphash_key *key); /* NULL: no memory */
void senders_free(struct senders *s);

struct keep;

/* From now on what is learnt is kept there as well, and what is there is known. Borrowed. */
void senders_keep(struct senders *s, struct keep *keep);

/* `name` is the sender's registrable domain; it may be empty. */
void senders_recall(struct senders *s, const struct observation *o, const struct psl_domain *name,
                    struct baseline *b);
void senders_learn(struct senders *s, const struct observation *o, const struct psl_domain *name);

uint32_t senders_count(const struct senders *s);

#endif
