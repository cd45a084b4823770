/* SPDX-License-Identifier: Apache-2.0 */
/* The records of tlsrpt_made.c, which tlsrpt_json.c writes. */
#ifndef REPORT_TLSRPT_RECORDS_H
#define REPORT_TLSRPT_RECORDS_H

#include "report/keyed.h"
#include "report/tlsrpt_made.h"

struct made_day {
    uint32_t own; /* the key begins here */
    int32_t day;  /* and ends here */
    uint64_t successes[TLSRPT_TYPE_COUNT], failures[TLSRPT_TYPE_COUNT];
    uint64_t beside[SIGHTING_OUTCOME_COUNT], shared;
};
#define MADE_DAY_KEY offsetof(struct made_day, successes)
_Static_assert(MADE_DAY_KEY == 8, "no padding in the key");

struct made_row {
    uint32_t own; /* the key begins here */
    int32_t day;
    uint32_t mx, helo, why; /* 1 + the number of a name; 0: none */
    uint8_t type, result;   /* enum tlsrpt_type, enum tlsrpt_result */
    struct tlsrpt_host client, server;
    uint64_t sessions; /* behind the key */
};
#define MADE_ROW_KEY offsetof(struct made_row, sessions)
_Static_assert(MADE_ROW_KEY == 5 * 4 + 2 + 2 * 17, "no padding in the key");

struct made_name {
    char text[CAP_DOMAIN_TEXT + 1]; /* zero behind the text: all of it is the key */
};

struct tlsrpt_made {
    const struct sighting_own *own;
    struct keyed *days, *rows, *names;
    uint32_t *order, *row_order; /* NULL until it is closed */
    struct tlsrpt_made_beside beside;
};

static inline const char *made_name(const struct tlsrpt_made *m, uint32_t number)
{
    return number ? ((const struct made_name *)keyed_at(m->names, number - 1))->text : "";
}

#endif
