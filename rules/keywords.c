/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/keywords.h"

static const char *const known[] = {
#define ROW(keyword, length, registered, source, note) keyword,
#include "ehlo-keywords.inc"
#undef ROW
};

struct span keywords_word(struct span line)
{
    size_t n = 0;
    while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
        n++;
    return span_first(line, n);
}

bool keywords_known(struct span word)
{
    word = span_first(word, span_find(word, '='));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (span_eq_nocase(word, span_str(known[i])))
            return true;
    return false;
}
