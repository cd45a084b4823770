/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form that the TXT records of RFC 8461 section 3.1 and RFC 8460 section 3 share: a version,
 * then fields `name=value` between semicolons, with blanks round the semicolons alone.
 */
#ifndef POLICY_TXT_RECORD_H
#define POLICY_TXT_RECORD_H

#include "base/caps.h"
#include "base/span.h"
#include "policy/lint.h"

/* One TXT resource record. */
struct txt_record {
    struct span text; /* its character-strings joined without a space */
    bool split;       /* it had several */
};

/* Reads the fields of one record. Zero-initialise but for `rest`. */
struct txt_reader {
    struct span rest;            /* what is not read yet */
    uint32_t lints;              /* lint_bit() */
    bool slipped;                /* something against the grammar that readers forgive */
    bool fault;                  /* and something that they do not */
    char reason[CAP_STS_REASON]; /* of the first of either, printable */
};

/* Does the record begin with the version and a semicolon, blanks between them allowed? Then `r`
 * stands behind it. */
bool txt_begins(const struct txt_record *record, const char *version, struct txt_reader *r);

/* The next field: false at the end, or when what is there is no field (r->fault). */
bool txt_next(struct txt_reader *r, struct span *name, struct span *value);

/* sts-ext-value: visible ASCII but `=` and `;`, not empty. */
bool txt_value_valid(struct span value);

/* Notes a fault that readers do not forgive. */
void txt_fault(struct txt_reader *r, const char *what, struct span bytes);

#endif
