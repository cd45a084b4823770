/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/keywords.h"

/* With their lengths: most words are told apart by length and first letter. */
static const struct {
    const char *word;
    size_t n;
} known[] = {
#define ROW(keyword, length, registered, source, note) {keyword, sizeof(keyword) - 1},
#include "ehlo-keywords.inc"
#undef ROW
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct span keywords_word(struct span line)
{
    size_t n = 0;
    while (n < line.n && !is_blank(line.p[n]))
        n++;
    return span_first(line, n);
}

bool keywords_first(struct span line, struct span word)
{
    return span_starts_nocase(line, word) && (line.n == word.n || is_blank(line.p[word.n]));
}

bool keywords_known(struct span word)
{
    word = span_first(word, span_find(word, '='));
    for (size_t i = 0; word.n && i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].n == word.n &&
            span_upper((uint8_t)known[i].word[0]) == span_upper(word.p[0]) &&
            span_eq_nocase(word, span_of(known[i].word, known[i].n)))
            return true;
    return false;
}
