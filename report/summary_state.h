/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the summary, shared by summary.c, which collects, and summary_print.c. */
#ifndef REPORT_SUMMARY_STATE_H
#define REPORT_SUMMARY_STATE_H

#include "report/summary.h"

/* All sessions in which one rule fired with one severity against one server; or all that DNS said
 * so about one domain. */
struct record {
    struct finding finding; /* of the first of them */
    struct flow_key flow;   /* likewise */
    nstime first;
    uint64_t sessions;
    uint64_t newest; /* serial of the newest: two findings of one session are one session */
    bool other_clients;
    struct domain domain; /* n 0: it is about sessions */
};

/* So many of those where it is known. */
struct share {
    uint64_t part, whole;
};

struct summary {
    uint64_t sessions;
    nstime first, last;
    struct share offered, asked;
    uint64_t garbled;  /* of those whose offer is known: overwritten */
    uint64_t implicit; /* TLS from the first byte: nothing to offer */
    uint64_t verdicts[VERDICT_COUNT];
    uint64_t mails, mail_sessions, logins;
    uint64_t certificates[TLS_CERTIFICATES_COUNT]; /* of handshakes that came to a ServerHello */
    uint64_t verified;                             /* of those that were seen */
    uint64_t seen_whole, seen_partly, seen_one_sided;
    uint64_t gaps, missing_bytes;
    uint64_t suppressed; /* findings that the operator does not want to hear of */
    uint64_t left_out;   /* findings above info that no record stands for */
    size_t record_count;
    struct record record[SUMMARY_RECORDS];
};

#endif
