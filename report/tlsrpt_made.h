/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports in the form of RFC 8460, made of what the border saw: one for each domain of ours and
 * day. They say of themselves that they are passive observation: what a sender made of a session,
 * which policy he held, and what was lost on the way to us is in none of them.
 *
 * Under TLS nobody sees for whom mail is. So a session counts for the one domain that our
 * exchangers serve; where they serve several, for those whose recipients crossed in clear. A day on
 * which a session may be of any of several domains has no report: its counts would be false.
 */
#ifndef REPORT_TLSRPT_MADE_H
#define REPORT_TLSRPT_MADE_H

#include "base/siphash.h"
#include "report/sighting.h"

struct tlsrpt_made;

/* `own` is borrowed and outlives it. NULL: no memory. */
struct tlsrpt_made *tlsrpt_made_new(const struct siphash_key *key, const struct sighting_own *own);
void tlsrpt_made_free(struct tlsrpt_made *m);

/* A session at one of our exchangers, joined with its handshake. */
void tlsrpt_made_add(struct tlsrpt_made *m, const struct sighting *s);

/* Sessions that are in no report, each once. */
struct tlsrpt_made_beside {
    uint64_t outcome[SIGHTING_OUTCOME_COUNT]; /* but SUCCESS and FAILURE */
    uint64_t foreign;                         /* all its recipients are of other domains */
    uint64_t shared;                          /* TLS hid for which of our domains it was */
    uint64_t left_out;                        /* there was no room */
};
const struct tlsrpt_made_beside *tlsrpt_made_beside(const struct tlsrpt_made *m);

/* Once, when all was added: brings the reports into the order of domains and days. How many there
 * are, days without one included; -1: no memory. */
int64_t tlsrpt_made_close(struct tlsrpt_made *m);

struct tlsrpt_made_day {
    size_t own; /* index of the domain */
    int32_t day;
    bool shared; /* it has no report, for TLS hid whose some sessions are */
    bool empty;  /* nor has it, for nothing is known of any session */
};
struct tlsrpt_made_day tlsrpt_made_day(const struct tlsrpt_made *m, size_t number);

/* The report as one line of JSON without its end; to be freed. NULL: no memory. */
char *tlsrpt_made_json(const struct tlsrpt_made *m, size_t number);

#endif
