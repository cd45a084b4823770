/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists on their way to the judge, who reads no files while it runs: what was read is said in
 * records of MESSAGE_TOLD, the first a beginning and the last an end, and counts when that has
 * come. What is read here was written by a process that reads what others wrote, so nothing of it
 * is believed.
 */
#ifndef SENSOR_LISTS_WIRE_H
#define SENSOR_LISTS_WIRE_H

#include "sensor/lists.h"
#include "sensor/suppress.h"

/* The first byte of each. */
enum lists_record {
    LISTS_BEGIN,    /* struct lists_begin */
    LISTS_POLICY,   /* a domain and what it promises */
    LISTS_LOOKUP,   /* a line of policy/lookup_json.h */
    LISTS_SUPPRESS, /* four bytes, the number of the line; the line (sensor/suppress.h) */
    LISTS_END,
    LISTS_RECORD_COUNT
};

struct lists_begin {
    nstime preload_from, preload_until;
    uint8_t whole;   /* all lists: they take the place of those before; else what is new is added */
    uint8_t state;   /* what the state says is among them */
    uint8_t preload; /* a preload list is */
};

#define LISTS_POLICY_MOST                                                                          \
    (1024 + CAP_DOMAIN_TEXT + sizeof(struct partner_demand) + CAP_STS_MX * (CAP_DOMAIN_TEXT + 4))

/* Gives the bytes that were written; 0: there is no room for it. */
size_t lists_put_policy(uint8_t *to, size_t room, const struct domain *d,
                        const struct book_policy *p);

/* --- at the other end --- */

struct lists_taken {
    struct lists lists;
    struct suppress *suppress;
    struct lists_begin begin;
    bool open; /* it has begun, and not ended */
};

/* False: no memory; lists_taken_fini() follows in both cases. `lists.problem` is never called. */
bool lists_taken_init(struct lists_taken *t, const struct siphash_key *key, suppress_ended_fn ended,
                      void *user);
void lists_taken_fini(struct lists_taken *t);

enum lists_step {
    LISTS_MORE,
    LISTS_WHOLE, /* all of it is there */
    LISTS_WRONG  /* nobody of ours would write that, or there is no memory: all of it is void */
};

/* Takes one record, behind its first byte. What comes without a beginning is passed over: it was
 * for the one before us. */
enum lists_step lists_take(struct lists_taken *t, enum lists_record record, struct span body);

#endif
