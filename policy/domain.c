/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/domain.h"

#define LABEL_MOST 63  /* RFC 1035 section 2.3.4 */
#define NAME_MOST  253 /* 255 on the wire, with the first length and the root */

static bool label_valid(struct span label)
{
    if (label.n == 0 || label.n > LABEL_MOST || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++)
        if (!span_is_alpha(label.p[i]) && !span_is_digit(label.p[i]) && label.p[i] != '-')
            return false;
    return true;
}

bool domain_valid(struct span name)
{
    if (name.n > NAME_MOST)
        return false;
    for (;;) {
        size_t dot = span_find(name, '.');
        if (!label_valid(span_first(name, dot)))
            return false;
        if (dot == name.n)
            return true;
        name = span_of(name.p + dot + 1, name.n - dot - 1);
    }
}

bool domain_numeric(struct span name)
{
    size_t i = name.n;
    while (i > 0 && span_is_digit(name.p[i - 1]))
        i--;
    return i < name.n && (i == 0 || name.p[i - 1] == '.');
}

struct span domain_trim(struct span name)
{
    return name.n > 0 && name.p[name.n - 1] == '.' ? span_first(name, name.n - 1) : name;
}

bool domain_read(struct span name, struct domain *out)
{
    name = domain_trim(name);
    out->n = 0;
    out->text[0] = '\0';
    if (!domain_valid(name))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        out->text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out->text[name.n] = '\0';
    out->n = (uint8_t)name.n;
    return true;
}
