/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting text for a terminal of TYPESET_WIDTH columns. What comes in has been escaped already
 * (base/text.h); a control character that is in it all the same is shown as `?`.
 */
#ifndef REPORT_TYPESET_H
#define REPORT_TYPESET_H

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"

#define TYPESET_WIDTH 80
#define TYPESET_COUNT 27 /* 2^64 - 1 with its commas and NUL */

/* Columns that UTF-8 text takes: one for each code point. */
size_t typeset_columns(const char *text);

/*
 * Prints `text` broken at blanks, the first line after `lead` and the others under it, each ending
 * in LF. At most `lines` lines; the last one then ends in "...". A word longer than a line is cut.
 * A command between backticks is kept on one line if it fits.
 */
void typeset_wrap(FILE *out, const char *lead, const char *text, int lines);

/* The same, behind what has been printed already: `column` columns of it. No LF at the end. */
void typeset_hang(FILE *out, size_t column, const char *text, int lines);

/* One line of at most `columns` columns, no LF; what is longer ends in "...". */
void typeset_cut(FILE *out, const char *text, size_t columns);

/* 1234567 -> 1,234,567 */
const char *typeset_count(char dst[TYPESET_COUNT], uint64_t n);

/* A sentence in the making; what is more than its room is left out. Begins as {"", 0}. */
struct typeset_words {
    char text[400];
    size_t n;
};

__attribute__((format(printf, 2, 3))) void typeset_say(struct typeset_words *w, const char *format,
                                                       ...);

/* "1 mail", "1,234 mails" */
void typeset_say_number(struct typeset_words *w, uint64_t n, const char *one, const char *many);

#endif
