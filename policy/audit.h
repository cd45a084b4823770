/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a domain set up right? The checklist that validators of MTA-STS, DANE and TLSRPT go through,
 * made of what a look-up found (policy/lookup.h) and of nothing else: who asks again asks the
 * network again. What could not be found out is unknown, and never right.
 */
#ifndef POLICY_AUDIT_H
#define POLICY_AUDIT_H

#include "policy/lookup.h"

#define AUDIT_TEXT  512
#define AUDIT_ITEMS (16 + 2 * CAP_LOOKUP_MX)

enum audit_grade {
    AUDIT_OK,
    AUDIT_UNKNOWN, /* what it takes to say so was not asked, or did not come */
    AUDIT_WARN,    /* it works, and not with every sender, or protects less than it could */
    AUDIT_BAD,     /* it does not work, or holds mail back */
    AUDIT_GRADE_COUNT
};

struct audit_item {
    const char *name;   /* "record", "id", "connection", "certificate", "status", "content-type",
                           "size", "grammar", "mode", "max-age", "dnssec", "mx", "pattern", "dane",
                           "tlsrpt" */
    struct domain host; /* of "mx" and "dane": the mail exchanger; n 0: of the domain */
    enum audit_grade grade;
    char text[AUDIT_TEXT]; /* printable, a sentence */
};

struct audit {
    struct audit_item item[AUDIT_ITEMS];
    size_t count;
    enum audit_grade worst;
};

void audit(const struct lookup *l, struct audit *out);

/* "ok", "unknown", "warn", "bad". */
const char *audit_grade_text(enum audit_grade g);

#endif
