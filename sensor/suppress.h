/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's list of what he does not want to hear of, for how long and why. One a line:
 *
 *   # what stands behind a hash is a comment
 *   starttls-garbled  198.51.100.0/24     2027-03-01  their firewall, ticket 17
 *   auth-in-clear     from:192.0.2.7      2027-01-31  our own probe
 *   mx-spoofed        alder.example       2027-02-28  they know of it
 *   *                 2001:db8::25        2027-02-28  a machine to practise on
 *
 * The rule, or an asterisk for all; what it is about; the last day (UTC) on which the entry counts;
 * and the reason, to the end of the line. About: an address or a network is that of the server,
 * `from:` that of the client, a name that of a farm, of the domain whose promise is broken or that
 * DNS was asked about; an asterisk is everything. Who could be silenced for ever, without a reason
 * or altogether would be a gift to an attacker: none of it can be said.
 *
 * A finding that is suppressed raises no alert and stays in the record of its session.
 */
#ifndef SENSOR_SUPPRESS_H
#define SENSOR_SUPPRESS_H

#include "base/span.h"
#include "rules/discovery.h"

struct suppress;

/* An entry that ended would have suppressed a finding: told once of each. */
typedef void (*suppress_ended_fn)(void *user, unsigned line, const char *what);

struct suppress *suppress_new(suppress_ended_fn ended, void *user); /* NULL: no memory */
void suppress_free(struct suppress *list);

/* A line of the file, `number` from 1 on, without its end. 1: added; 0: blank or a comment; -1:
 * `why` says what is wrong. */
int suppress_read(struct suppress *list, struct span line, unsigned number,
                  char why[CAP_STS_REASON]);

/* Something about the file that its owner should know; `line` 0: about all of it. */
typedef void (*suppress_problem_fn)(void *user, const char *path, unsigned line, const char *what);
typedef void (*suppress_line_fn)(void *user, struct span line, unsigned number);

/* Reads a file; `added` (NULL: nobody) is given the lines that say something. -1: what is wrong was
 * told, and the list is of no use: a line that is not understood may be one that somebody relies
 * on. */
int suppress_load(struct suppress *list, const char *path, suppress_problem_fn problem,
                  suppress_line_fn added, void *user);

size_t suppress_count(const struct suppress *list);

/* Marks the findings above info that nobody wants to hear of (finding.suppressed). */
void suppress_session(struct suppress *list, const struct session *s, struct judgement *j);
void suppress_discovery(struct suppress *list, const struct discovery *d, struct finding *f);

#endif
