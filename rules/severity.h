/* SPDX-License-Identifier: Apache-2.0 */
/* Severity is computed from evidence and effect, never written by a rule. */
#ifndef RULES_SEVERITY_H
#define RULES_SEVERITY_H

#include "rules/finding.h"

/* The rows of the matrix: the strongest evidence of a finding. */
enum severity_row {
    SEVERITY_ROW_E1_INNOCENT, /* lexical, with an innocent cause that has a name */
    SEVERITY_ROW_E1,          /* lexical */
    SEVERITY_ROW_E2,          /* against what is usual, well supported */
    SEVERITY_ROW_E3,          /* against a promise */
    SEVERITY_ROW_E4_E5,       /* two versions of the bytes that decide about TLS */
    SEVERITY_ROW_COUNT
};

enum severity severity_of(enum severity_row row, enum effect effect);

/* `v` raised to the floor, then lowered to the ceiling: a ceiling binds a rule that stands alone.
 */
enum severity severity_bound(enum severity v, enum severity floor, enum severity ceiling);

#endif
