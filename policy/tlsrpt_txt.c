/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/tlsrpt_txt.h"

#include <stdio.h>

#include "policy/field.h"

#define VERSION "v=TLSRPTv1"

/* RFC 3986 without `,`, `!` and `;`, which RFC 8460 wants encoded. */
static bool uri_byte(uint8_t c)
{
    return c > 0x20 && c < 0x7F && !strchr("\"<>\\^`{|},!;", c);
}

static bool uri_valid(struct span uri)
{
    size_t colon = span_find(uri, ':');
    if (colon == 0 || colon + 1 >= uri.n || !span_is_alpha(uri.p[0]))
        return false;
    for (size_t i = 0; i < colon; i++)
        if (!span_is_alpha(uri.p[i]) && !span_is_digit(uri.p[i]) && !strchr("+-.", uri.p[i]))
            return false;
    for (size_t i = colon; i < uri.n; i++)
        if (!uri_byte(uri.p[i]))
            return false;
    return true;
}

static bool scheme_known(struct span uri)
{
    return span_starts_nocase(uri, span_str("mailto:")) ||
           span_starts_nocase(uri, span_str("https:"));
}

static void read_rua(struct txt_reader *r, struct span list, struct tlsrpt_txt *out)
{
    for (;;) {
        size_t comma = span_find(list, ',');
        struct span uri = field_trim(span_first(list, comma));
        if (!uri_valid(uri))
            txt_fault(r, "rua is no URI", uri);
        else if (scheme_known(uri))
            out->usable = true;
        if (out->rua_count < CAP_TXT_RUA)
            out->rua[out->rua_count++] = uri;
        if (comma == list.n)
            return;
        list = span_of(list.p + comma + 1, list.n - comma - 1);
    }
}

static void read_fields(struct txt_reader *r, struct tlsrpt_txt *out)
{
    struct span name, value;
    while (txt_next(r, &name, &value)) {
        if (span_eq(name, span_str("rua")))
            read_rua(r, value, out);
        else if (!txt_value_valid(value))
            txt_fault(r, "a field has no value, or bytes that no value has", name);
    }
    if (out->rua_count == 0 && !r->fault)
        txt_fault(r, "no rua", span_of(NULL, 0));
}

void tlsrpt_txt_read(const struct txt_record *record, size_t count, struct tlsrpt_txt *out)
{
    struct txt_reader r = {0}, one;
    size_t found = 0;
    *out = (struct tlsrpt_txt){0};
    for (size_t i = 0; i < count; i++)
        if (txt_begins(&record[i], VERSION, &one)) {
            r = one;
            found++;
        }
    if (found != 1) {
        snprintf(out->reason, sizeof(out->reason), "%s",
                 found ? "more than one record begins with " VERSION ";"
                       : "no record begins with " VERSION ";");
        return;
    }
    read_fields(&r, out);
    if (count > 1)
        r.lints |= lint_bit(LINT_OTHER_RECORDS);
    if (r.fault)
        out->rua_count = 0;
    out->usable = out->usable && !r.fault;
    out->strict = !r.fault && !r.slipped;
    out->lints = r.lints;
    memcpy(out->reason, r.reason, sizeof(out->reason));
}
