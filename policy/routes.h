/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where DNS sends mail, as answers on the tap had it: domain to mail exchanger (MX, RFC 5321
 * section 5.1), mail exchanger to address, and whether the exchanger has TLSA records. Asked the
 * other way round: for which domains is this address? An answer holds for its TTL and some slack,
 * and what is old gives way. `secure`: a resolver said that it had found the answer authentic (the
 * AD bit, RFC 4035 section 3.2.3); the tap believes it as the client behind it does.
 */
#ifndef POLICY_ROUTES_H
#define POLICY_ROUTES_H

#include "base/clock.h"
#include "base/siphash.h"
#include "policy/domain.h"
#include "policy/tlsa.h"

struct routes;

struct routes *routes_new(const struct siphash_key *key); /* NULL: no memory */
void routes_free(struct routes *r);

uint32_t routes_count(const struct routes *r); /* answers that are remembered */

/* An answer of time t. What finds no memory is not kept. */
void routes_add_mx(struct routes *r, nstime t, const struct domain *domain,
                   const struct domain *exchange, uint16_t preference, uint32_t ttl, bool secure);
void routes_add_address(struct routes *r, nstime t, const struct domain *host, uint8_t family,
                        const uint8_t address[16], uint32_t ttl, bool secure);

/* The host is an alias (CNAME) that leads to `target` in the end. */
void routes_add_alias(struct routes *r, nstime t, const struct domain *host,
                      const struct domain *target, uint32_t ttl, bool secure);

/* A usable TLSA record. Of matching type 0 the SHA-256 of its data is kept, which matches the same.
 */
struct route_tlsa {
    uint8_t usage, selector, matching; /* policy/tlsa.h */
    uint8_t n;
    uint8_t data[64];
};

/* False: it is not usable (RFC 7672 section 3.1). */
bool route_tlsa_of(const struct tlsa *t, struct route_tlsa *out);
struct tlsa route_tlsa_read(const struct route_tlsa *t); /* borrows its data */

/* A secure answer for the TLSA records of port 25 of a host: the usable ones. Earlier ones hold on
 * until their time is over; none at all ends them. */
void routes_set_tlsa(struct routes *r, nstime t, const struct domain *host,
                     const struct route_tlsa *list, size_t n, uint32_t ttl);

/* Those of a host, or of what a secure alias leads to (RFC 7672 section 2.2.2), that held at any
 * time from `first` to `last`; at most `most`. Returns their number. */
size_t routes_tlsa(const struct routes *r, nstime first, nstime last, const struct domain *host,
                   struct route_tlsa *to, size_t most);

/* A domain that led to the address, and the exchanger on its way. */
struct route {
    struct domain domain;
    struct domain mx;
    uint16_t preference; /* of the address for the domain: its best, and the lower the better */
    bool dane; /* MX, address and a usable TLSA record, all of them secure (RFC 7672 section 2.2) */
    bool looked_up; /* `dane`: by a look-up of ours (policy/exchangers.h) */
    bool stale;     /* likewise, and not within its TTL */
    bool named;     /* the server's name alone says that this is the exchanger */
};

/* Is the host one that a domain's mail goes to, at time t? Then `domain` is one of those. */
bool routes_exchanger(const struct routes *r, nstime t, const struct domain *host,
                      struct domain *domain);

/* At most `most` of those that held at any time from `first` to `last`, of a connection, say: what
 * an answer says during it is as good. Each domain once. Returns their number. */
size_t routes_to(const struct routes *r, nstime first, nstime last, uint8_t family,
                 const uint8_t address[16], struct route *to, size_t most);

#endif
