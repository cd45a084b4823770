/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of the owners of servers: how often all their servers together offered
 * STARTTLS. Only names count that the server did not say of itself. What a farm does says little of
 * a member that was never met: it is thin support, and none where members differ.
 */
#ifndef HISTORY_FARMS_H
#define HISTORY_FARMS_H

#include "history/baseline.h"
#include "history/observation.h"

struct recent;
struct farms;

struct farms *farms_new(const struct siphash_key *key); /* NULL: no memory */
/* Clients are remembered for so many days; at first PAIR_DAYS. */
void farms_pairs(struct farms *f, uint32_t days);

/* Looks at some of the farms, and forgets clients that were not met for so long. */
void farms_sweep(struct farms *f, int32_t day);

/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **farms_tables(struct farms *f, struct recent **to);

void farms_free(struct farms *f);

struct keep;

/* From now on what is learnt is kept there as well, and what is there is known. Borrowed. */
void farms_keep(struct farms *f, struct keep *keep);

void farms_recall(struct farms *f, const struct observation *o, const struct psl_domain *farm,
                  struct baseline *b);
void farms_learn(struct farms *f, const struct observation *o, const struct psl_domain *farm);

uint64_t farms_evicted(const struct farms *f);

#endif
