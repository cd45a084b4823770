/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What passed on each path (next hop beyond the sensor, network of the client): of the servers that
 * should offer STARTTLS, how many did, as of their newest session of the last day. A server should
 * if it is remembered to, or its name is one of the known ones, or a policy says so. Servers of one
 * owner count once.
 */
#ifndef HISTORY_PATHS_H
#define HISTORY_PATHS_H

#include "history/baseline.h"
#include "history/observation.h"

struct recent;
struct paths;

struct paths *paths_new(const struct siphash_key *key); /* NULL: no memory */
/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **paths_tables(struct paths *p, struct recent **to);

void paths_free(struct paths *p);

/* Digest of the path that a session took; the same in every run. */
uint64_t paths_digest(const struct observation *o);

/* As its path stands with this session: with a server of this owner (digest), that should offer; 0:
 * it need not. */
void paths_recall(struct paths *p, const struct observation *o, uint64_t owner, struct baseline *b);

/* A session with a server of this owner (digest), that should offer. */
void paths_learn(struct paths *p, const struct observation *o, uint64_t owner);

uint64_t paths_evicted(const struct paths *p);

#endif
