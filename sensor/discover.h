/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what DNS on the tap says to what the rules can judge: each answer beside the policy that was
 * in force, beside what the same resolver said before, and silence beside the answers to others.
 * And who asks for what: a sender that looks for policies and TLSA records will hold to them.
 */
#ifndef SENSOR_DISCOVER_H
#define SENSOR_DISCOVER_H

#include "dissect/dns_tap.h"
#include "dissect/fetch_tap.h"
#include "policy/book.h"
#include "policy/exchangers.h"
#include "policy/routes.h"
#include "rules/discovery.h"

struct discover;

struct lookups;

/* What answers are put beside; borrowed. */
struct discover_aid {
    const struct book *book;
    const struct routes *routes;
    const struct exchangers *exchangers;
    struct lookups *lookups;
};

struct discover *discover_new(const struct siphash_key *key,
                              const struct discover_aid *aid); /* NULL: no memory */
void discover_free(struct discover *d);

/* Fills `out` when there is something to judge. */
bool discover_sighting(struct discover *d, const struct dns_sighting *s, struct discovery *out);

/* The same for a fetch of a policy. */
bool discover_fetch(struct discover *d, const struct fetch_sighting *s, struct discovery *out);

/* Did a resolver on the tap deny the MTA-STS record of the domain within an hour before t, where no
 * policy was known? Then `out` is what it said, and it is asked for once. */
bool discover_denied(struct discover *d, const struct domain *domain, nstime t,
                     struct discovery *out);

/* Fills what was promised at out->time: by the policy of out->domain that was in force, or was
 * fetched within a day after. NULL: there is none. */
const struct book_policy *discover_promise(const struct book *book, struct discovery *out);

/* What this address asked for within a day before t: enum sender_checks. */
unsigned discover_checks(struct discover *d, nstime t, uint8_t family, const uint8_t address[16]);

/* The TLSA records of the answer that SMTP clients can use (RFC 7672 section 3.1), at most `most`.
 * Returns their number. */
size_t discover_tlsa(const struct dns_message *m, struct route_tlsa *to, size_t most);

#endif
