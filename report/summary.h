/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person sees after `stripwatch read`: how many sessions were offered TLS, asked for it and
 * got it, what went in clear, what the tap did not show, then each finding above info with the
 * bytes that matter, the worst first, and the verdict in one sentence.
 *
 * Collects over a run in bounded memory: counters, and one record for each (rule, severity,
 * server or, of what DNS said, domain), of which it keeps SUMMARY_RECORDS; a stronger finding takes
 * the place of a weaker one.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <stdio.h>

#include "rules/discovery.h"

#define SUMMARY_RECORDS                                                                            \
    200                    /* ten times of what is printed: enough to sort fairly under a flood    \
                            */
#define SUMMARY_PRINTED 20 /* --json has them all */

struct summary;

/* What the caller knows and the sessions do not. */
struct summary_run {
    const char *input;       /* "mail.pcap", "12 files": printable */
    uint64_t packets;        /* read, mail or not */
    uint32_t inputs_cut;     /* ended inside a packet, or became unreadable */
    uint32_t inputs_skipped; /* in a directory: not a capture */
    bool colour;
};

struct summary *summary_new(void); /* NULL without memory */
void summary_free(struct summary *sum);

/* Once for every session, at SESSION_CLOSED. */
void summary_session(struct summary *sum, const struct session *s, const struct judgement *j);

/* One that was told of is seen in another light: its findings of then stand beside these. */
void summary_again(struct summary *sum, const struct session *s, const struct judgement *j);

/* A finding about what DNS said. */
void summary_discovery(struct summary *sum, const struct discovery *d, const struct finding *f);

/* Prints all of it. */
void summary_print(const struct summary *sum, const struct summary_run *run, FILE *out);

#endif
