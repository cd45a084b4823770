/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that are no JSON: text in a buffer with an end. What does not fit whole is left out, and so
 * is all that would follow in the same part.
 */
#ifndef ALERT_FORMAT_FLAT_H
#define ALERT_FORMAT_FLAT_H

#include "alert/format_how.h"

struct format_flat {
    char *p;
    size_t n, cap;
    bool full;
};

/* Words of ours. */
void format_flat_word(struct format_flat *f, const char *word);
void format_flat_number(struct format_flat *f, int64_t number);

/* Text with a backslash before each character of `special`; what is not printable becomes \xHH
 * before that. */
void format_flat_text(struct format_flat *f, struct span text, const char *special);

/* A value likewise; a list has commas between its elements. */
void format_flat_value(struct format_flat *f, struct eve_value v, const char *special);

/* Back to a length of before: what was begun did not fit. The buffer is as full as it was. */
void format_flat_back(struct format_flat *f, size_t n);

#endif
