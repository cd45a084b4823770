/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up one domain: its _mta-sts record, the policy if its id is not the known one, its mail
 * exchangers, their addresses and TLSA records, and all of it as one struct lookup. Several at a
 * time; nothing waits.
 *
 *   lookup_run.c      all of them, and what time is left
 *   lookup_sts.c      record and policy (RFC 8461)
 *   lookup_mx.c       mail exchangers and their TLSA records (RFC 7672)
 *   lookup_reports.c  where reports go (RFC 8460)
 */
#ifndef ONLINE_LOOKUP_RUN_H
#define ONLINE_LOOKUP_RUN_H

#include <poll.h>

#include "online/https.h"
#include "online/resolve.h"
#include "policy/role.h"

#define LOOKUP_RUN_FDS 64

struct lookup_run;

struct lookup_run_config {
    struct resolve_config resolve;
    struct https_config https;
    const struct role_nets *allowed; /* private nets that may be connected to; NULL: none. Borrowed.
                                        In the place of https.allowed */
    size_t most;                     /* at a time; 0: CAP_ASKING_FLIGHT */
};

/* Borrowed for the call; `user` of lookup_run_ask(). */
typedef void (*lookup_fn)(void *user, const struct lookup *l);

/* NULL: `why` says what is wrong with the configuration. */
struct lookup_run *lookup_run_new(const struct lookup_run_config *c, char why[RESOLVE_WHY]);
void lookup_run_free(struct lookup_run *r);

/* `fn` is called exactly once, from lookup_run_turn(), whatever happens, within two minutes.
 * `known_id`: "" to fetch in any case. `mx`: exchangers and reports as well. False: too many at a
 * time, or no memory. */
bool lookup_run_ask(struct lookup_run *r, const struct domain *d, const char *known_id, bool mx,
                    lookup_fn fn, void *user);

size_t lookup_run_fds(struct lookup_run *r, struct pollfd *to, int *wait_ms);
/* `now` is monotonic, `wall` the time of day. */
void lookup_run_turn(struct lookup_run *r, const struct pollfd *p, size_t n, nstime now,
                     nstime wall);

#endif
