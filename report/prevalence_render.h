/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurement as a table for a person, as one JSON document, as CSV (RFC 4180). All three come
 * from the same numbers, and the same numbers give the same bytes. Texts that came from the wire
 * are printable already (struct event); a cell of CSV that a spreadsheet would take for a formula
 * gets an apostrophe in front.
 */
#ifndef REPORT_PREVALENCE_RENDER_H
#define REPORT_PREVALENCE_RENDER_H

#include <stdio.h>

#include "report/prevalence.h"

/* What the caller knows and the sessions do not. */
struct prevalence_run {
    uint64_t files;  /* that could be opened */
    uint64_t lines;  /* all but empty ones: the sum of the sessions and of the next two */
    uint64_t other;  /* of another event type */
    uint64_t broken; /* could not be read */
    enum prevalence_by by;
};

/* All return 0, or -1 without memory; what was written is then unfinished. */
int prevalence_print(struct prevalence *p, const struct prevalence_run *run, FILE *out);
int prevalence_json(struct prevalence *p, const struct prevalence_run *run, FILE *out);
int prevalence_csv(struct prevalence *p, const struct prevalence_run *run, FILE *out);

#endif
