/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look-up under way: what online/lookup_run.c, lookup_sts.c, lookup_mx.c and lookup_reports.c
 * share and nobody else sees. Its answer is gloomy from the start and gets better as answers come,
 * so that it may be told at any time. Once it is told, it only waits for what is still in the air.
 */
#ifndef ONLINE_LOOKUP_JOB_H
#define ONLINE_LOOKUP_JOB_H

#include "online/lookup_run.h"

struct lookup_job;

/* What is known of one mail exchanger meanwhile. */
struct lookup_exchange {
    struct lookup_job *job;
    uint8_t waiting;              /* of A and AAAA */
    enum lookup_security address; /* the worse of what came */
    bool has_address;
    bool implicit; /* the domain itself, for want of MX records */
    bool aliased;
    struct domain canonical;
    struct domain base[2]; /* where TLSA records are looked for, in this order */
    uint8_t bases, tried;
};

struct lookup_job {
    struct lookup_run *run;
    struct lookup_job *next;
    struct lookup l;
    lookup_fn fn;
    void *user;
    char known[CAP_STS_ID + 1];
    nstime deadline;
    bool asked, told;
    unsigned pending;                                 /* callbacks that are to come */
    struct https_address policy[CAP_HTTPS_ADDRESSES]; /* of the policy host, those not refused */
    size_t policies;
    uint8_t policy_waiting; /* of A and AAAA */
    bool policy_refused, policy_failed;
    struct lookup_exchange exchange[CAP_LOOKUP_MX]; /* as l.item */
};

/* `fn` is called in any case, at once if it cannot be asked; it calls lookup_job_came() first. */
void lookup_job_ask(struct lookup_job *j, const char *name, unsigned type, answer_fn fn,
                    void *user);
bool lookup_job_came(struct lookup_job *j); /* false: too late, it is told */

void lookup_job_fetch(struct lookup_job *j, https_fn fn);
const struct role_nets *lookup_job_allowed(const struct lookup_job *j);

/* What is wrong, "about: what"; the first counts. */
void lookup_job_why(struct lookup_job *j, const char *about, const char *what);

void lookup_sts_ask(struct lookup_job *j);
void lookup_mx_ask(struct lookup_job *j);
void lookup_reports_ask(struct lookup_job *j);

#endif
