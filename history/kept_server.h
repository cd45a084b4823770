/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a server, as fields of its counters (docs/history.md has the table). A session is
 * counted by how far it came, so that most of them are one field a day and one for their client.
 *
 * What a server that was set up anew had offered before is not taken back, for another sensor may
 * do so as well: what comes after that day is counted under the day's name instead, and of several
 * such days the newest counts. Misses that are forgiven are marked likewise, by the last day.
 */
#ifndef HISTORY_KEPT_SERVER_H
#define HISTORY_KEPT_SERVER_H

#include "history/keep.h"
#include "history/servers.h"

/* All of them do nothing where `k` is NULL. */

/* The session was learnt from just now. */
void kept_server_learn(struct keep *k, const struct layouts *layouts, struct server *r,
                       const struct observation *o);

/* A client missed the offer; sessions that lacked it turned out to be its way. */
void kept_server_miss(struct keep *k, struct server *r, const struct observation *o);
void kept_server_misses(struct keep *k, struct server *r, nstime t, uint32_t n);

/* It was set up anew; its misses are forgiven. Before servers_reset(), servers_forgive(). */
void kept_server_reset(struct keep *k, struct server *r, nstime t);
void kept_server_forgive(struct keep *k, struct server *r, nstime t);

/* Makes the record what is kept, as of the day of `t`. False: it cannot be had now, and the record
 * is as it was. */
bool kept_server_load(struct keep *k, struct layouts *layouts, struct vantages *vantages,
                      struct server *r, nstime t);

/* Offers of this month and the last one that were seen from other taps than those of this run.
 * False: it cannot be had now, or there was none. */
bool kept_server_elsewhere(struct keep *k, const struct vantages *vantages, const struct server *r,
                           nstime t, uint64_t *offers);

#endif
