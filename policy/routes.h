/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where DNS sends mail, as answers on the tap had it: domain to mail exchanger (MX, RFC 5321
 * section 5.1), mail exchanger to address. Asked the other way round: for which domains is this
 * address? An answer holds for its TTL and some slack, and what is old gives way.
 */
#ifndef POLICY_ROUTES_H
#define POLICY_ROUTES_H

#include "base/clock.h"
#include "base/siphash.h"
#include "policy/domain.h"

struct routes;

struct routes *routes_new(const struct siphash_key *key); /* NULL: no memory */
void routes_free(struct routes *r);

/* An answer of time t. What finds no memory is not kept. */
void routes_add_mx(struct routes *r, nstime t, const struct domain *domain,
                   const struct domain *exchange, uint32_t ttl);
void routes_add_address(struct routes *r, nstime t, const struct domain *host, uint8_t family,
                        const uint8_t address[16], uint32_t ttl);

/* A domain that led to the address, and the exchanger on its way. */
struct route {
    struct domain domain;
    struct domain mx;
};

/* At most `most` of those that held at time t; each domain once. Returns their number. */
size_t routes_to(const struct routes *r, nstime t, uint8_t family, const uint8_t address[16],
                 struct route *to, size_t most);

#endif
