/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client tried in vain, as fields of its pair's counters (docs/history.md has the table). A
 * field for each attempt, which names its flow: so two sensors that saw the same one tell of one.
 * Of a kind that is tried again and again one in half an hour is kept. When something was
 * delivered, all up to the newest are over: that is a field as well, for it may be told twice.
 */
#ifndef HISTORY_KEPT_ATTEMPT_H
#define HISTORY_KEPT_ATTEMPT_H

#include "history/keep.h"

struct attempt {
    uint64_t flow_id;
    nstime time;
    uint8_t server[16];
    uint32_t lasted; /* microseconds, at most as many; 0: not known */
    uint8_t fate;
    bool held; /* else it failed */
    bool kept; /* by this run */
};

#define KEPT_ATTEMPT_KINDS (OBSERVED_FATE_ALERT + 2)

/* What this run knows to be there of one pair. */
struct kept_attempts {
    nstime newest[KEPT_ATTEMPT_KINDS]; /* of each kind, that is not over; 0: none */
    nstime looked;                     /* likewise, that it left though TLS was to be had */
    int32_t day;                       /* of the period that is counted (keep.h) */
    uint16_t fields;
};

/* One of a pair. `address_n`: bytes of the server's address that the name does not tell. */
struct kept_pair {
    struct keep *keep;
    struct kept_attempts *known;
    struct span name;
    uint8_t address_n;
};

/* It was tried; what came of it is known better now; it only looked; something was delivered. */
void kept_attempt_add(const struct kept_pair *p, struct attempt *t);
void kept_attempt_change(const struct kept_pair *p, const struct attempt *from,
                         const struct attempt *to);
void kept_attempt_looked(const struct kept_pair *p, nstime time);
void kept_attempt_over(const struct kept_pair *p);

/* What a field says. */
struct kept_attempt {
    enum { KEPT_ATTEMPT, KEPT_LOOK, KEPT_OVER } what;
    struct attempt attempt; /* of a look and an end the time alone */
};

/* False: it makes no sense. */
bool kept_attempt_read(const struct kept_pair *p, const struct kept_field *f,
                       struct kept_attempt *out);

/* It was read, and is not over. */
void kept_attempt_known(const struct kept_pair *p, const struct attempt *t);

#endif
