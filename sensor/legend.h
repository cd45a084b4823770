/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the signs of the catalogue mean, in one line each: families, techniques, needs, classes of
 * evidence, techniques of ATT&CK. `rules explain` and docs/rules.md print them.
 */
#ifndef SENSOR_LEGEND_H
#define SENSOR_LEGEND_H

#include <stdbool.h>

#include "rules/finding.h"

enum legend_kind {
    LEGEND_FAMILY,
    LEGEND_TECHNIQUE,
    LEGEND_NEED,
    LEGEND_EVIDENCE,
    LEGEND_ATTACK,
    LEGEND_KIND_COUNT
};

struct legend {
    const char *sign; /* as it stands in the catalogue: "strip", "CAP-1", "H", "E2", "T1557" */
    const char *text;
};

/* Rows in the order to print them; NULL behind the last. */
const struct legend *legend_row(enum legend_kind kind, size_t i);

/* The column of the catalogue that holds signs of this kind, separated by ", ". */
const char *legend_column(enum legend_kind kind, const struct rule *r);

/* Whether the rule has the sign in that column. */
bool legend_has(enum legend_kind kind, const struct rule *r, const char *sign);

#endif
