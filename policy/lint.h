/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is odd about a published policy or record without making it useless. A lint is a fact about
 * the text, never an alert.
 */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include <stdint.h>

enum lint {
    /* policy bodies (RFC 8461 section 3.2) */
    LINT_BLANK_LINE,
    LINT_LEADING_SPACE,      /* before a field's name */
    LINT_SPACE_BEFORE_COLON, /* between name and colon */
    LINT_BYTE_ORDER_MARK,
    LINT_TRAILING_DOT,    /* at the end of an mx */
    LINT_MAX_AGE_CLAMPED, /* above 31,557,600 s (erratum 7282) */
    LINT_MAX_AGE_SHORT,   /* below a day: gone before most senders come back */
    LINT_MIXED_LINE_ENDS, /* LF and CRLF; legal (erratum 6253) */
    LINT_DUPLICATE_FIELD, /* the first one counts */
    LINT_DUPLICATE_MX,    /* harmless */
    LINT_NUMERIC_MX,      /* fits the grammar and names an address */
    LINT_MX_WITH_NONE,    /* mode none needs no mx; legal */
    LINT_PLACEHOLDER_MX,  /* a template that nobody filled in */
    LINT_TOO_MANY_MX,     /* more than are kept */
    LINT_TRAILING_SPACE,  /* after a value; legal in a policy, not in a TXT record */
    /* TXT records (RFC 8461 section 3.1, RFC 8460 section 3) */
    LINT_SPACE_BEFORE_DELIMITER, /* `v=STSv1 ;`: the grammar allows it, the words do not (6285) */
    LINT_EMPTY_FIELD,            /* `;;` */
    LINT_DUPLICATE_ID,           /* the first one counts */
    LINT_OTHER_RECORDS,          /* strangers beside it; ignored */
    LINT_SPLIT_STRINGS,          /* several character-strings; joined without a space */
    LINT_COUNT
};

/* As the output spells it: "blank-line". */
const char *lint_text(enum lint l);

/* Lints are kept as bits. */
static inline uint32_t lint_bit(enum lint l)
{
    return (uint32_t)1 << l;
}

#endif
