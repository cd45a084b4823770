/* SPDX-License-Identifier: Apache-2.0 */
/* Masks, and the boxes that are known by theirs: rules/data/middleboxes.tsv. */
#ifndef RULES_MIDDLEBOX_H
#define RULES_MIDDLEBOX_H

#include "rules/finding.h"

/* A box's hand in a text. */
struct middlebox {
    const char *device; /* as a person would name it */
    const char *place;  /* banner | keyword | command */
    const char *fill;   /* the bytes the text is made of; blanks as well in a banner */
    const char *least;  /* so often at least the first of them: a number */
    const char *last;   /* same | letter: the last byte is fill, or a letter that is none */
    const char *cause;  /* as cause_text() spells it */
};

/* The box whose hand `text` shows at `place`, or NULL. The text of a banner begins after the code.
 */
const struct middlebox *middlebox_match(const char *place, struct span text);

enum cause middlebox_cause(const struct middlebox *box);

enum middlebox_mask {
    MIDDLEBOX_MASK_NONE,
    MIDDLEBOX_MASK_RUN,      /* four and more of one byte */
    MIDDLEBOX_MASK_LETTERED, /* n-1 letters X and one other letter, as Cisco writes */
};

/* Is the whole line overwritten? Parameters are masked with their keyword. */
enum middlebox_mask middlebox_mask(struct span line);

#endif
