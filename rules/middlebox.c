/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/middlebox.h"

#include <stdlib.h>

static const struct middlebox boxes[] = {
#define ROW(device, place, fill, least, last, cause, source)                                       \
    {device, place, fill, least, last, cause},
#include "middleboxes.inc"
#undef ROW
};

static bool made_of(struct span text, struct span fill, bool blanks)
{
    for (size_t i = 0; i < text.n; i++)
        if (span_find(fill, text.p[i]) == fill.n && !(blanks && text.p[i] == ' '))
            return false;
    return true;
}

static size_t count_of(struct span text, uint8_t byte)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == byte;
    return n;
}

/* All that most texts need: the first byte of several is none that the box writes. */
static bool begins_otherwise(const struct middlebox *box, struct span text)
{
    const char *fill = box->fill;
    if (text.n <= 1 || text.p[0] == ' ')
        return false;
    while (*fill && (uint8_t)*fill != text.p[0])
        fill++;
    return *fill == '\0';
}

static bool matches(const struct middlebox *box, struct span text)
{
    struct span fill = span_str(box->fill);
    if (strcmp(box->last, "letter") == 0) {
        if (text.n == 0 || !span_is_alpha(text.p[text.n - 1]) ||
            span_find(fill, text.p[text.n - 1]) < fill.n)
            return false;
        text.n--;
    }
    return made_of(text, fill, strcmp(box->place, "banner") == 0) &&
           count_of(text, fill.p[0]) >= strtoul(box->least, NULL, 10);
}

const struct middlebox *middlebox_match(const char *place, struct span text)
{
    for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
        if (!begins_otherwise(&boxes[i], text) && strcmp(boxes[i].place, place) == 0 &&
            matches(&boxes[i], text))
            return &boxes[i];
    return NULL;
}

enum cause middlebox_cause(const struct middlebox *box)
{
    for (enum cause c = 0; c < CAUSE_COUNT; c++)
        if (strcmp(cause_text(c), box->cause) == 0)
            return c;
    return CAUSE_UNKNOWN;
}

enum middlebox_mask middlebox_mask(struct span line)
{
    if (line.n >= 4 && count_of(line, line.p[0]) == line.n)
        return MIDDLEBOX_MASK_RUN;
    if (line.n >= 2 && line.p[line.n - 1] >= 'A' && line.p[line.n - 1] <= 'Z' &&
        count_of(span_first(line, line.n - 1), 'X') == line.n - 1)
        return MIDDLEBOX_MASK_LETTERED;
    return MIDDLEBOX_MASK_NONE;
}
