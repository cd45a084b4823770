/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The promises that a run judges with: loaded once from what --policies, --preload and --partners
 * name, learnt from DNS on the tap, asked for each session at its own time.
 */
#ifndef SENSOR_PROMISES_H
#define SENSOR_PROMISES_H

#include "base/siphash.h"
#include "dissect/dns_tap.h"
#include "dissect/fetch_tap.h"
#include "policy/certificate.h"
#include "policy/lookup.h"
#include "policy/role.h"
#include "rules/discovery.h"
#include "rules/finding.h"
#include "sensor/lists.h"

struct promises;

/* Something about the source that its owner should know; `what` is printable. `fatal`: nothing can
 * be had from it. */
typedef void (*promises_problem_fn)(void *user, const char *name, unsigned line, const char *what);

struct promises *promises_new(const struct siphash_key *key, promises_problem_fn problem,
                              void *user); /* NULL: no memory */
void promises_free(struct promises *p);

/* Policies from wherever sensor/policy_source.h finds them. 0, or -1 when there is nothing that can
 * be used; the problem was told in both cases. */
int promises_add_policies(struct promises *p, const char *where);

/* The same from a store, which may be empty yet. */
int promises_add_state(struct promises *p, const char *where);

/* A preload list (policy/preload.h), a list of partners (policy/partner.h); likewise. */
int promises_add_preload(struct promises *p, const char *path);
int promises_add_partners(struct promises *p, const char *path);

/* Lists that were read anew take the place of those before, and what look-ups of our own found
 * stays. `with_state`: what the state says is among them; else what it said before stays as well.
 * `next` has the former ones then. */
void promises_exchange(struct promises *p, struct lists *next, bool with_state);

/* Adds what is in the book of `more` and not known yet. */
void promises_add(struct promises *p, const struct lists *more);

/* Believes the AD bit (RFC 4035 section 3.2.3) of these resolvers alone; an empty list: of any.
 * Borrowed. */
void promises_believe(struct promises *p, const struct role_nets *resolvers);

/* Learns from DNS on the tap. True: there is something in it to judge, and `out` is filled. */
bool promises_dns(struct promises *p, const struct dns_sighting *s, struct discovery *out);

/* The same for a fetch of a policy. */
bool promises_fetch(struct promises *p, const struct fetch_sighting *s, struct discovery *out);

/* There is something to judge, borrowed for the call. */
typedef void (*promises_found_fn)(void *user, const struct discovery *d);

/* Learns from a look-up of our own, which ended just now: a policy goes to what is known of its
 * domain, validated TLSA records and their hosts likewise, and what it says differently than
 * before, or than DNS on the tap, is told. `now`: the newest packet time. */
void promises_lookup(struct promises *p, const struct lookup *l, nstime now, promises_found_fn fn,
                     void *user);

/* The packets have come to that time: what the look-ups among --policies have to tell of a time
 * before it. `ended`: there are no more packets, and a day behind them counts as well. */
void promises_pass(struct promises *p, nstime now, bool ended, promises_found_fn fn, void *user);

/* What the client of the session was seen to ask DNS for: enum sender_checks. */
unsigned promises_checks(struct promises *p, const struct session *s);

uint64_t promises_count(const struct promises *p); /* kept */

/* What was promised for the session; NULL: nothing. Tells, once, of a preload list that does not
 * hold at the time of the packets. */
const struct expectations *promises_expect(struct promises *p, const struct session *s,
                                           enum role role, struct expectations *to);

/* Did the client try better mail exchangers of a recipient in vain before it came to this one?
 * `to` borrows of `usual`. */
bool promises_steered(const struct promises *p, const struct session *s,
                      const struct baseline *usual, struct steering *to);

/* Holds the certificate of the server, if one was seen, against the TLSA records among them. */
void promises_match(const struct promises *p, const struct session *s, const struct certificate *c,
                    struct expectations *to);

#endif
