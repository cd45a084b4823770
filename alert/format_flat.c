/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/format_flat.h"

#include <stdio.h>

#include "base/text.h"

static void put(struct format_flat *f, const void *p, size_t n)
{
    if (f->full || n > f->cap - f->n) {
        f->full = true;
        return;
    }
    memcpy(f->p + f->n, p, n);
    f->n += n;
}

void format_flat_word(struct format_flat *f, const char *word)
{
    put(f, word, strlen(word));
}

void format_flat_number(struct format_flat *f, int64_t number)
{
    char text[24];
    put(f, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)number));
}

static void put_tenths(struct format_flat *f, int64_t tenths)
{
    int64_t whole = tenths < 0 ? -tenths : tenths;
    if (tenths < 0)
        format_flat_word(f, "-");
    format_flat_number(f, whole / 10);
    format_flat_word(f, ".");
    format_flat_number(f, whole % 10);
}

/* One character of `special`, or one that is plain. */
static void put_char(struct format_flat *f, struct span c, const char *special)
{
    if (c.n == 1 && strchr(special, c.p[0]))
        put(f, "\\", 1);
    put(f, c.p, c.n);
}

static void put_hex(struct format_flat *f, uint8_t byte, const char *special)
{
    char text[5];
    snprintf(text, sizeof(text), "\\x%02X", byte);
    for (int i = 0; i < 4; i++)
        put_char(f, span_of(text + i, 1), special);
}

void format_flat_text(struct format_flat *f, struct span text, const char *special)
{
    for (size_t n; text.n > 0; text = span_from(text, n)) {
        n = text_printable(text);
        if (n > 0)
            put_char(f, span_first(text, n), special);
        else
            put_hex(f, text.p[0], special);
        n = n > 0 ? n : 1;
    }
}

static void put_list(struct format_flat *f, struct eve_value list, const char *special)
{
    for (size_t i = 0; i < eve_view_count(list); i++) {
        struct eve_value item = eve_view_item(list, i);
        if (i > 0)
            format_flat_word(f, ",");
        if (item.kind != EVE_VALUE_LIST)
            format_flat_value(f, item, special);
    }
}

void format_flat_value(struct format_flat *f, struct eve_value v, const char *special)
{
    switch (v.kind) {
    case EVE_VALUE_TEXT:
    case EVE_VALUE_ONE:
    case EVE_VALUE_WORDS:
        format_flat_text(f, v.text, special);
        return;
    case EVE_VALUE_INTEGER:
        format_flat_number(f, v.number);
        return;
    case EVE_VALUE_TENTHS:
        put_tenths(f, v.number);
        return;
    case EVE_VALUE_TRUTH:
        format_flat_word(f, v.truth ? "true" : "false");
        return;
    case EVE_VALUE_LIST:
        put_list(f, v, special);
        return;
    case EVE_VALUE_NONE:
    case EVE_VALUE_OBJECT: /* has no form here */
        return;
    }
}

void format_flat_back(struct format_flat *f, size_t n)
{
    f->n = n;
}
