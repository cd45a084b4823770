/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/field.h"

#include <stdio.h>

#include "base/text.h"

#define NAME_MOST 32
#define SHOWN     64 /* of the bytes at fault */

static bool is_wsp(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct span field_trim_front(struct span s)
{
    size_t i = 0;
    while (i < s.n && is_wsp(s.p[i]))
        i++;
    return span_from(s, i);
}

struct span field_trim_back(struct span s)
{
    while (s.n > 0 && is_wsp(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct span field_trim(struct span s)
{
    return field_trim_back(field_trim_front(s));
}

bool field_name_valid(struct span name)
{
    if (name.n == 0 || name.n > NAME_MOST)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        bool inner = i > 0 && (c == '_' || c == '-' || c == '.');
        if (!span_is_alpha(c) && !span_is_digit(c) && !inner)
            return false;
    }
    return true;
}

void field_reason(char reason[CAP_STS_REASON], unsigned line, const char *what, struct span bytes)
{
    char where[24] = "", shown[SHOWN];
    if (reason[0])
        return;
    if (line > 0)
        snprintf(where, sizeof(where), "line %u: ", line);
    text_escape(shown, sizeof(shown), bytes);
    snprintf(reason, CAP_STS_REASON, bytes.n ? "%s%s: '%s'" : "%s%s%s", where, what, shown);
}
