/* SPDX-License-Identifier: Apache-2.0 */
/* What is ours, as the command line and its configuration say: domains and mail exchangers. */
#ifndef SENSOR_TLSRPT_OWN_H
#define SENSOR_TLSRPT_OWN_H

#include "policy/domain.h"
#include "report/sighting.h"
#include "sensor/cli.h"

struct tlsrpt_own {
    struct domain domain[CAP_OWN_DOMAINS]; /* in their order, each once */
    struct span name[CAP_OWN_DOMAINS];     /* of them */
    struct sighting_own names;             /* all of them */
    struct role_config roles;
    char sensor[CAP_DOMAIN_TEXT + 1]; /* its name; empty: none */
};

/* `own` stays where it is from then on. 0, or -1: told on standard error. */
int tlsrpt_own_read(struct tlsrpt_own *own, const struct cli *cli);

/* A session of mail between exchangers: from elsewhere to one of ours. */
bool tlsrpt_own_is_in(const struct tlsrpt_own *own, const struct sighting *s);

/* Is it one of our exchangers, or in our networks? */
bool tlsrpt_own_has(const struct tlsrpt_own *own, const struct tlsrpt_host *h);

/* NULL: it is none of ours. */
const struct domain *tlsrpt_own_domain(const struct tlsrpt_own *own, struct span name);

#endif
