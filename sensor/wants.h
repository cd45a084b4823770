/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this sensor wants to know of domains over the network, and what comes back: whose names may
 * be looked up, the order and the pace of it (policy/asking.h), and that no answer counts which was
 * not asked for. Who asks and who answers is not known here: messages go to fetch and come from it.
 */
#ifndef SENSOR_WANTS_H
#define SENSOR_WANTS_H

#include "alert/eve_stats.h"
#include "base/siphash.h"
#include "dissect/dns_tap.h"
#include "dissect/session.h"
#include "policy/lookup.h"
#include "policy/role.h"
#include "sensor/config.h"
#include "sensor/told.h"

struct wants;

/* All of it is borrowed and outlives the object. */
struct wants_config {
    enum config_lookups mode;         /* not OFF */
    const struct config_words *own;   /* always; NULL: none, as below */
    const struct config_words *allow; /* when mail for them is seen */
    const struct role_config *roles;  /* never NULL */
};

struct wants *wants_new(const struct wants_config *c, const struct siphash_key *key);
void wants_free(struct wants *l); /* NULL: nothing happens, likewise below */

/* A session was seen: of one between servers, the domains that its server took mail for. Times are
 * of a clock that never steps. */
void wants_session(struct wants *l, nstime now, const struct session *s);

/* The operator wants to know of it. */
void wants_add(struct wants *l, nstime now, const struct domain *d);

/* DNS on the tap: an _mta-sts record may have a new id. */
void wants_dns(struct wants *l, nstime now, const struct dns_sighting *s);

/* What to ask now; false: nothing. Until wants_take() has the answer, it is under way. */
bool wants_next(struct wants *l, nstime now, struct told_ask *to);

/* The body of MESSAGE_TOLD. True: it was asked for, and lookup_fini() follows. */
bool wants_take(struct wants *l, nstime now, struct span body, struct lookup *to);

/* Who was to answer is another one now: what is under way is asked again. */
void wants_again(struct wants *l, nstime now);

struct eve_lookups wants_stats(const struct wants *l);

#endif
