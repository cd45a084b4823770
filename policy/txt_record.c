/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/txt_record.h"

#include "policy/field.h"

void txt_fault(struct txt_reader *r, const char *what, struct span bytes)
{
    field_reason(r->reason, 0, what, bytes);
    r->fault = true;
}

static void slip(struct txt_reader *r, enum lint lint, const char *what)
{
    field_reason(r->reason, 0, what, span_of(NULL, 0));
    r->slipped = true;
    r->lints |= lint_bit(lint);
}

bool txt_begins(const struct txt_record *record, const char *version, struct txt_reader *r)
{
    struct span v = span_str(version), text = record->text;
    struct span rest = field_trim_front(span_from(text, v.n));
    if (!span_eq(span_first(text, v.n), v) || rest.n == 0 || rest.p[0] != ';')
        return false;
    *r = (struct txt_reader){.rest = span_from(rest, 1)};
    if (v.n + rest.n < text.n) /* erratum 6285 */
        r->lints |= lint_bit(LINT_SPACE_BEFORE_DELIMITER);
    if (record->split)
        r->lints |= lint_bit(LINT_SPLIT_STRINGS);
    return true;
}

bool txt_value_valid(struct span value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < 0x21 || value.p[i] > 0x7E || value.p[i] == '=' || value.p[i] == ';')
            return false;
    return value.n > 0;
}

/* What stands up to the next semicolon, without the blanks that belong to the delimiters. */
static struct span next_part(struct txt_reader *r, bool *last)
{
    size_t end = span_find(r->rest, ';');
    struct span part = span_first(r->rest, end);
    *last = end == r->rest.n;
    r->rest = span_from(r->rest, end + 1);
    part = field_trim_front(part);
    struct span field = field_trim_back(part);
    if (*last && field.n > 0 && field.n < part.n)
        slip(r, LINT_TRAILING_SPACE, "blanks at the end without a semicolon");
    return field;
}

bool txt_next(struct txt_reader *r, struct span *name, struct span *value)
{
    struct span part;
    bool last;
    for (;;) {
        if (r->rest.n == 0)
            return false;
        part = next_part(r, &last);
        if (part.n > 0)
            break;
        if (last)
            return false;
        slip(r, LINT_EMPTY_FIELD, "an empty field");
    }
    size_t equals = span_find(part, '=');
    *name = span_first(part, equals);
    *value = span_of(part.p + equals, 0);
    if (equals < part.n)
        *value = span_of(part.p + equals + 1, part.n - equals - 1);
    if (equals < part.n && field_name_valid(*name))
        return true;
    txt_fault(r, equals == part.n ? "no = in a field" : "no name of a field", part);
    return false;
}
