/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ArcSight's Common Event Format, "Implementing ArcSight CEF", version 0:
 *
 *   CEF:0|vendor|product|version|event class|name|severity|key=value key=value ...
 *
 * In the header | and \ have a backslash before them, in a value = and \. A value may hold blanks;
 * it ends where the next key begins.
 */
#include "alert/format_flat.h"
#include "alert/format_inside.h"

#define HEADER_SPECIAL "|\\"
#define VALUE_SPECIAL  "=\\"

#define CEF        FORMAT_ROW
#define CEF_CUSTOM FORMAT_ROW_WITH
static const struct format_row ROW[] = {
#include "alert/format_map.def"
};

static void put_header(struct format_flat *f, const struct eve_view *v)
{
    format_flat_word(f, "CEF:0|stripwatch|stripwatch|" STRIPWATCH_VERSION "|");
    format_flat_number(f, eve_view_get(v, "alert.signature_id").number);
    format_flat_word(f, "|");
    format_flat_text(f, eve_view_get(v, "alert.signature").text, HEADER_SPECIAL);
    format_flat_word(f, "|");
    format_flat_number(f, format_severity(FORMAT_CEF, v->severity));
    format_flat_word(f, "|");
}

/* An empty value would take the next key for its own. */
static bool is_shown(struct eve_value v)
{
    return v.kind != EVE_VALUE_NONE && v.kind != EVE_VALUE_OBJECT;
}

static void put_pair(struct format_flat *f, const char *key, struct eve_value v)
{
    format_flat_word(f, key);
    format_flat_word(f, "=");
    format_flat_value(f, v, VALUE_SPECIAL);
}

/* " csNLabel=label csN=value", or " key=value" */
static void put_row(struct format_flat *f, const struct format_row *row, struct eve_value v,
                    bool first)
{
    if (!first)
        format_flat_word(f, " ");
    if (row->constant) {
        format_flat_word(f, row->to);
        format_flat_word(f, "Label=");
        format_flat_text(f, span_str(row->constant), VALUE_SPECIAL);
        format_flat_word(f, " ");
    }
    put_pair(f, row->to, v);
}

struct span format_cef(const struct eve_view *v, const struct format_options *o,
                       struct format_out *out)
{
    struct format_flat f = {.p = out->text, .cap = sizeof(out->text) - 1};
    struct format_how h = {.view = v, .format = FORMAT_CEF};
    (void)o;
    put_header(&f, v);
    if (f.full)
        return span_of(NULL, 0);
    size_t start = f.n;
    for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]) && !f.full; i++) {
        struct eve_value value;
        size_t before = f.n;
        h.constant = ROW[i].constant;
        if (!ROW[i].how(&h, ROW[i].from, &value) || !is_shown(value))
            continue;
        put_row(&f, &ROW[i], value, f.n == start);
        if (f.full)
            format_flat_back(&f, before);
    }
    out->text[f.n] = '\n';
    return span_of(out->text, f.n + 1);
}
