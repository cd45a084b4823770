/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which queries are under way, so that an answer finds its own: a ring of the newest ones, in the
 * order they came. One that has waited for CAP_DNS_WAIT_S is given out as unanswered and stays
 * where it is, for an answer that is late, until a newer one needs its place.
 */
#ifndef DISSECT_DNS_QUERY_H
#define DISSECT_DNS_QUERY_H

#include "dissect/dns_tap.h"

struct dns_query_table;

/* For `places` queries, a power of two up to CAP_DNS_QUERIES. NULL: no memory. */
struct dns_query_table *dns_query_new(const struct siphash_key *key, uint32_t places);
void dns_query_free(struct dns_query_table *t);

/* `now` never runs backwards. Fills `queries` and `query_time`. */
void dns_query_ask(struct dns_query_table *t, struct dns_sighting *s, nstime now);

/* Fills what a sighting says of the query of an answer. */
void dns_query_answer(struct dns_query_table *t, struct dns_sighting *s, nstime now);

/* The next one that nobody has answered, with `m` for its message. False: no more. */
bool dns_query_unanswered(struct dns_query_table *t, nstime now, struct dns_sighting *s,
                          struct dns_message *m);

uint64_t dns_query_forgotten(const struct dns_query_table *t);

#endif
