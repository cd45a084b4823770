/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/raise.h"

#include "rules/wording.h"

_Static_assert(RULE_COUNT <= CAP_FINDINGS, "each rule fires at most once in a session");

struct finding *raise_finding(struct judgement *out, const struct view *v, enum rule_id id,
                              enum session_dir dir, uint32_t offset)
{
    struct finding *f = &out->finding[out->finding_count++];
    *f = (struct finding){.rule = id,
                          .confidence = CONFIDENCE_MEDIUM,
                          .evidence = EVIDENCE_E1,
                          .cause = CAUSE_UNKNOWN,
                          .dir = dir,
                          .offset = offset};
    wording_next_step(f, v->s);
    return f;
}

void raise_rate(struct finding *f, enum severity_row row, enum effect effect)
{
    const struct rule *rule = rule_row(f->rule);
    static const uint8_t evidence[SEVERITY_ROW_COUNT] = {
        EVIDENCE_E1, EVIDENCE_E1, EVIDENCE_E2, EVIDENCE_E3, EVIDENCE_E4,
    };
    f->effect = effect;
    f->evidence = evidence[row];
    f->severity = severity_bound(severity_of(row, effect), rule->floor, rule->ceiling);
}

void raise_cause(struct finding *f, enum cause cause)
{
    f->cause = cause;
}

void raise_alternative(struct finding *f, enum cause cause)
{
    const size_t most = sizeof(f->alternatives) / sizeof(f->alternatives[0]);
    if (cause == f->cause || f->alternative_count >= most)
        return;
    for (size_t i = 0; i < f->alternative_count; i++)
        if (f->alternatives[i] == cause)
            return;
    f->alternatives[f->alternative_count++] = cause;
}

void raise_cap(struct finding *f, enum severity ceiling)
{
    if (f->severity > ceiling)
        f->severity = ceiling;
}

void raise_unless_probe(struct finding *f, const struct view *v)
{
    if (v->delivered)
        return;
    f->severity = SEVERITY_INFO;
    raise_cause(f, CAUSE_SCANNER_OR_PROBE);
    f->alternative_count = 0;
    wording_say(f, "The client has delivered nothing, so it may be a scanner.");
}
