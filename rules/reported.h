/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender reports of our exchangers, against what our border saw: two points of observation,
 * E5 of docs/rules.md. */
#ifndef RULES_REPORTED_H
#define RULES_REPORTED_H

#include "rules/discovery.h"

/* `d` is of kind DISCOVERY_REPORT. */
void reported_judge(const struct discovery *d, struct finding *out);

#endif
