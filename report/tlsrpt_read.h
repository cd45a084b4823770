/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report that somebody sent, read (RFC 8460 section 4). A stranger may have written it, and
 * honest ones differ from the RFC: `mx-host` is a string or a list, counts and texts miss, times
 * have no zone. So each failure is handed on with what is known of it; what is wrong is told with
 * its place in the document and spoils nothing beside it.
 */
#ifndef REPORT_TLSRPT_READ_H
#define REPORT_TLSRPT_READ_H

#include "report/tlsrpt.h"

/* Texts are printable, and no local part of a mail address is in them but in `id`, which often
 * looks like one and is none. */
struct tlsrpt_report {
    char organization[CAP_TLSRPT_TEXT]; /* empty: not told; likewise below */
    char id[CAP_TLSRPT_TEXT];
    bool dated;         /* it has a range of at most CAP_TLSRPT_DAYS: */
    int64_t begin, end; /* Unix seconds, both included */
};

struct tlsrpt_policy {
    enum tlsrpt_type type;
    char domain[CAP_DOMAIN_TEXT + 1]; /* as it stands there */
    uint64_t successes, failures;     /* of the summary; 0 where it has none */
};

struct tlsrpt_failure {
    enum tlsrpt_result result;
    char word[CAP_TLSRPT_TEXT]; /* the result as it stands there */
    struct tlsrpt_host sender, receiver;
    char mx[CAP_DOMAIN_TEXT + 1]; /* receiving-mx-hostname */
    bool counted;
    uint64_t sessions; /* if `counted` */
};

/* All valid during the call. */
struct tlsrpt_reader {
    void *user;
    void (*report)(void *user, const struct tlsrpt_report *r); /* first, and once */
    void (*policy)(void *user, const struct tlsrpt_policy *p); /* before its failures */
    void (*failure)(void *user, const struct tlsrpt_failure *f);
    /* `where`: `line:column`, or a path such as policies[0].summary; both texts are printable. */
    void (*problem)(void *user, const char *where, const char *why);
};

/* 0, or -1 when it is no report at all: that was told as a problem. */
int tlsrpt_read(struct span text, const struct tlsrpt_reader *to);

#endif
