/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One policy of one domain as a JSON object on a line: what `policy export` writes, `policy import`
 * and --policies read, and what a store keeps.
 *
 *   {"domain":"alder.example","fetched":"2026-11-21T00:00:00Z","id":"20261121T000000",
 *    "body":"version: STSv1\nmode: enforce\n..."}
 *
 * The body is kept as it was served, for the audit. Without `fetched` it holds for every packet;
 * with `since` beside it, from that time on.
 */
#ifndef POLICY_POLICY_JSON_H
#define POLICY_POLICY_JSON_H

#include "base/clock.h"
#include "policy/domain.h"

#define POLICY_JSON_WHY 160

struct policy_json {
    struct domain domain;
    nstime fetched; /* INT64_MIN: not said */
    nstime since;   /* fetched again and again from then on, the same without a gap; 0: not said */
    char id[CAP_STS_ID + 1];
    char *body; /* heap, by policy_json_fini(); `body_n` bytes and a NUL */
    size_t body_n;
};

/* 0, or -1 with a reason (printable, one line). policy_json_fini() follows in both cases. */
int policy_json_read(struct span line, struct policy_json *out, char why[POLICY_JSON_WHY]);
void policy_json_fini(struct policy_json *p);

/* The line without its LF, on the heap; NULL: no memory, or the body is no UTF-8. */
char *policy_json_text(const struct policy_json *p);

/* Seconds since 1970 or an RFC 3339 time in UTC or with an offset. False: neither. */
bool policy_json_time(struct span text, nstime *out);

#endif
