/* SPDX-License-Identifier: Apache-2.0 */
/* How a rule raises a finding: begun with its evidence, rated by the matrix, explained. */
#ifndef RULES_RAISE_H
#define RULES_RAISE_H

#include "rules/severity.h"
#include "rules/view.h"

/* A new finding of the judgement, its evidence at `offset` of `dir`. There is room for one of each
 * rule. Severity info, confidence medium, cause unknown until told otherwise. */
struct finding *raise_finding(struct judgement *out, const struct view *v, enum rule_id id,
                              enum session_dir dir, uint32_t offset);

/* Evidence, effect and with them the severity, within the rule's floor and ceiling. */
void raise_rate(struct finding *f, enum severity_row row, enum effect effect);

/* The likeliest cause; then others that compete with it, at most four. */
void raise_cause(struct finding *f, enum cause cause);
void raise_alternative(struct finding *f, enum cause cause);

/* A ceiling of this case alone. */
void raise_cap(struct finding *f, enum severity ceiling);

/* A rule that accuses because of what the client did stays info as long as the client has not shown
 * that it carries mail: a public port sees probes all day. */
void raise_unless_probe(struct finding *f, const struct view *v);

#endif
