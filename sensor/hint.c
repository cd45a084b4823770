/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hint.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 40 /* longer than any word we know; anything beyond is nothing like one */

void hint_init(struct hint *h, const char *word)
{
    *h = (struct hint){.word = word, .distance = strlen(word) / 3 + 1};
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein's distance with one row of the matrix; more than `most`: any number beyond it. */
static size_t edits(const char *a, size_t an, const char *b, size_t bn, size_t most)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= bn; j++)
        row[j] = j;
    for (size_t i = 1; i <= an; i++) {
        size_t diagonal = row[0], nearest = i;
        row[0] = i;
        for (size_t j = 1; j <= bn; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
            nearest = row[j] < nearest ? row[j] : nearest;
        }
        if (nearest > most)
            return nearest; /* no later row has less */
    }
    return row[bn];
}

void hint_offer(struct hint *h, const char *candidate)
{
    size_t n = strlen(h->word), m = strlen(candidate);
    if (n > WORD_MAX || m > WORD_MAX || (n > m ? n - m : m - n) > h->distance)
        return; /* each character that one has more is an edit */
    size_t distance = edits(h->word, n, candidate, m, h->distance);
    if (distance < h->distance || (distance == h->distance && !h->best)) {
        h->best = candidate;
        h->distance = distance;
    }
}

void hint_text(const struct hint *h, const char *prefix, char *dst, size_t cap)
{
    dst[0] = '\0';
    if (h->best)
        snprintf(dst, cap, " (did you mean %s%s?)", prefix, h->best);
}
