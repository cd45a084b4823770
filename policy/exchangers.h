/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mail exchangers that our own look-ups found to be under DANE (RFC 7672): a domain's MX
 * records, a host's addresses and its TLSA records, all of them validated. What is found holds from
 * a day before it was looked up, where nothing was known then, to a day after it, until a later
 * look-up denies it with proof. What fails or is bogus denies nothing: a sender must wait then
 * (section 2.1.2). Asked by whom a session is with, as policy/routes.h is.
 */
#ifndef POLICY_EXCHANGERS_H
#define POLICY_EXCHANGERS_H

#include "policy/lookup.h"

struct exchangers;

struct exchangers *exchangers_new(const struct siphash_key *key); /* NULL: no memory */
void exchangers_free(struct exchangers *e);

uint32_t exchangers_count(const struct exchangers *e);

/* In the order of their times. Beyond CAP_EXCHANGERS the oldest go. */
void exchangers_learn(struct exchangers *e, const struct lookup *l);

/* Who a session is with. */
struct exchangers_query {
    nstime time;
    uint8_t family;
    const uint8_t *address;
    const struct domain *name; /* that the client or else the server said; NULL: none */
    const struct domain *recipient;
    size_t recipients; /* 0: unknown */
};

/* Adds the routes to that server to the `n` that DNS on the tap gave, or marks those; at most
 * `most` in all. Returns their number. */
size_t exchangers_to(const struct exchangers *e, const struct exchangers_query *q, struct route *to,
                     size_t n, size_t most);

/* What the certificate of a host may be held to. Borrowed until the next exchangers_learn(). */
struct exchangers_dane {
    const struct route_tlsa *record;
    size_t n; /* 0: TLSA records that nobody can use; TLS is a must all the same (section 2.2) */
    const struct domain *expansion, *base;
};

/* Of this host for the domain, at that time; false: not under DANE. */
bool exchangers_dane(const struct exchangers *e, nstime t, const struct domain *domain,
                     const struct domain *host, struct exchangers_dane *out);

/* Were there usable TLSA records at that name within a day before t? Then `since` is when. */
bool exchangers_records(const struct exchangers *e, nstime t, const struct domain *base,
                        nstime *since);

#endif
