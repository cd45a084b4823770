/* SPDX-License-Identifier: Apache-2.0 */
/* The TXT records at _smtp._tls.DOMAIN, which say where reports go (RFC 8460 section 3). */
#ifndef POLICY_TLSRPT_TXT_H
#define POLICY_TLSRPT_TXT_H

#include "policy/txt_record.h"

struct tlsrpt_txt {
    bool strict;
    bool usable;                  /* and one address at least has a scheme that senders know */
    struct span rua[CAP_TXT_RUA]; /* into the record */
    uint32_t rua_count;           /* kept */
    uint32_t lints;               /* lint_bit() */
    char reason[CAP_STS_REASON];  /* the first fault against the letter, printable; "": none */
};

/* The texts of the records are borrowed. */
void tlsrpt_txt_read(const struct txt_record *record, size_t count, struct tlsrpt_txt *out);

#endif
