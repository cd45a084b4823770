/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sts_txt.h"

#include <stdio.h>

#define VERSION "v=STSv1"

bool sts_txt_id_valid(struct span id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!span_is_alpha(id.p[i]) && !span_is_digit(id.p[i]))
            return false;
    return id.n > 0 && id.n <= CAP_STS_ID;
}

static void read_id(struct txt_reader *r, struct span value, struct sts_txt *out)
{
    if (out->id[0]) {
        r->lints |= lint_bit(LINT_DUPLICATE_ID);
        return;
    }
    if (!sts_txt_id_valid(value)) {
        txt_fault(r, "id is not 1 to 32 letters or digits", value);
        return;
    }
    memcpy(out->id, value.p, value.n);
    out->id[value.n] = '\0';
}

static void read_fields(struct txt_reader *r, struct sts_txt *out)
{
    struct span name, value;
    while (txt_next(r, &name, &value)) {
        if (span_eq(name, span_str("id")))
            read_id(r, value, out);
        else if (!txt_value_valid(value))
            txt_fault(r, "a field has no value, or bytes that no value has", name);
    }
    if (!out->id[0] && !r->fault)
        txt_fault(r, "no id", span_of(NULL, 0));
}

/* None of them counts: why the nearest does not. */
static const char *why_none(const struct txt_record *record, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_eq(span_first(record[i].text, strlen(VERSION)), span_str(VERSION)))
            return "no semicolon after " VERSION;
    return "no record begins with " VERSION ";";
}

void sts_txt_read(const struct txt_record *record, size_t count, struct sts_txt *out)
{
    struct txt_reader r = {0}, one;
    *out = (struct sts_txt){0};
    for (size_t i = 0; i < count; i++)
        if (txt_begins(&record[i], VERSION, &one)) {
            r = one;
            out->records++;
        }
    if (out->records != 1) {
        snprintf(out->reason, sizeof(out->reason), "%s",
                 out->records ? "more than one record begins with " VERSION ";"
                              : why_none(record, count));
        return;
    }
    read_fields(&r, out);
    if (count > 1)
        r.lints |= lint_bit(LINT_OTHER_RECORDS);
    if (r.fault)
        out->id[0] = '\0';
    out->usable = !r.fault;
    out->strict = !r.fault && !r.slipped;
    out->lints = r.lints;
    memcpy(out->reason, r.reason, sizeof(out->reason));
}
