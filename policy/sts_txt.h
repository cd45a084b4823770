/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TXT records at _mta-sts.DOMAIN (RFC 8461 section 3.1 with erratum 6285). Where its words and
 * its grammar differ, the words count, but for a blank before the first semicolon.
 */
#ifndef POLICY_STS_TXT_H
#define POLICY_STS_TXT_H

#include "policy/txt_record.h"

struct sts_txt {
    bool strict;
    bool usable;                 /* strict, or blanks at the end or an empty field */
    uint32_t records;            /* of those that begin with v=STSv1; exactly one makes a policy */
    char id[CAP_STS_ID + 1];     /* "": none */
    uint32_t lints;              /* lint_bit() */
    char reason[CAP_STS_REASON]; /* the first fault against the letter, printable; "": none */
};

/* 1*32(ALPHA / DIGIT). */
bool sts_txt_id_valid(struct span id);

void sts_txt_read(const struct txt_record *record, size_t count, struct sts_txt *out);

#endif
