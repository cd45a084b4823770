/* SPDX-License-Identifier: Apache-2.0 */
/* What came of received reports: findings in the order of their days, and how often each word was
 * said. Begins as zeros. */
#ifndef SENSOR_TLSRPT_FOUND_H
#define SENSOR_TLSRPT_FOUND_H

#include <stdio.h>

#include "policy/domain.h"
#include "report/tlsrpt_match.h"

#define TLSRPT_FOUND_WHYS 16 /* reasons why something cannot be told: there are less */

struct tlsrpt_finding;

struct tlsrpt_found {
    struct tlsrpt_finding *finding; /* `count` of them; heap */
    size_t count, room;
    uint64_t left_out;                /* findings that there was no room for */
    uint64_t word[TLSRPT_WORD_COUNT]; /* failures, by what is to be said of them */
    const char *why[TLSRPT_FOUND_WHYS];
    uint64_t untold[TLSRPT_FOUND_WHYS]; /* of UNTOLD, by reason */
    uint64_t successes;                 /* sessions that went well, as senders report */
    uint64_t foreign;                   /* policies of other domains than ours */
};

/* What else there is to say of the input. */
struct tlsrpt_found_input {
    uint64_t reports;
    uint64_t sessions;  /* at our exchangers */
    uint64_t elsewhere; /* other lines of sessions */
};

void tlsrpt_found_fini(struct tlsrpt_found *f);

void tlsrpt_found_add(struct tlsrpt_found *f, const struct domain *domain,
                      const struct tlsrpt_report *r, const struct tlsrpt_failure *failure,
                      const struct tlsrpt_match *m);

/* For people, and as alert lines of EVE (`sensor` NULL: no name). Both bring the findings into
 * order. 0, or -1 without memory. */
void tlsrpt_found_print(struct tlsrpt_found *f, const struct tlsrpt_found_input *in, FILE *to);
int tlsrpt_found_json(struct tlsrpt_found *f, const char *sensor, FILE *to);

#endif
