/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure that somebody reports, held against what our border saw: two independent observers.
 * What either of them missed is no finding, so everything that may explain a difference comes
 * first.
 */
#ifndef REPORT_TLSRPT_MATCH_H
#define REPORT_TLSRPT_MATCH_H

#include "report/border.h"
#include "report/tlsrpt_read.h"

enum tlsrpt_word {
    TLSRPT_ELSEWHERE,  /* they were led to an address that is not ours */
    TLSRPT_NEVER_HERE, /* they spoke with somebody, and did not reach us */
    TLSRPT_OFFERED,    /* no STARTTLS came to them, and we had offered it */
    TLSRPT_AGREES,     /* no STARTTLS came to them, and we had offered none, or refused it */
    TLSRPT_CAME,       /* they came; of the failure the border cannot tell */
    TLSRPT_BEFORE,     /* it failed before anybody was connected to */
    TLSRPT_NOTHING,    /* they report no session */
    TLSRPT_UNTOLD,     /* it cannot be told: `why` */
    TLSRPT_WORD_COUNT
};

struct tlsrpt_match {
    enum tlsrpt_word word;
    const char *why;         /* of UNTOLD; "" else */
    struct border_came came; /* zeros where it was not looked at */
};

/* `ours`: the receiver is an exchanger of ours. `whole`: nothing of what the border saw got lost on
 * the way here. */
struct tlsrpt_match tlsrpt_match(const struct border *b, const struct tlsrpt_report *r,
                                 const struct tlsrpt_failure *f, bool ours, bool whole);

/* Is it a finding? */
static inline bool tlsrpt_word_is_finding(enum tlsrpt_word w)
{
    return w <= TLSRPT_OFFERED;
}

#endif
