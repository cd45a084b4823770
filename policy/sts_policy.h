/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of an MTA-STS policy, as it is served at https://mta-sts.DOMAIN/.well-known/mta-sts.txt
 * (RFC 8461 section 3.2, with errata 6253 and 7282). Two verdicts, of which neither contains the
 * other: `strict` is the RFC to the letter; `usable` is what a sensor may hold a server to, which
 * forgives what most senders forgive and refuses what no sender could use.
 */
#ifndef POLICY_STS_POLICY_H
#define POLICY_STS_POLICY_H

#include "base/caps.h"
#include "base/span.h"
#include "policy/lint.h"

#define STS_MAX_AGE_MOST 31557600u /* RFC 8461 section 3.2: a year */

enum sts_mode {
    STS_MODE_UNKNOWN, /* missing, or none of the three words */
    STS_MODE_NONE,
    STS_MODE_TESTING,
    STS_MODE_ENFORCE,
    STS_MODE_COUNT
};

struct sts_policy {
    bool strict;
    bool usable;
    enum sts_mode mode;
    bool has_max_age;
    uint32_t max_age;           /* seconds, at most STS_MAX_AGE_MOST */
    struct span mx[CAP_STS_MX]; /* patterns that name hosts, as written, without a trailing dot */
    uint32_t mx_count;
    uint32_t lints;              /* lint_bit() */
    char reason[CAP_STS_REASON]; /* the first fault against the letter, printable; "": none */
};

/* `body` is borrowed: `mx` points into it. */
void sts_policy_read(struct span body, struct sts_policy *out);

/* "enforce", "testing", "none"; NULL for unknown. */
const char *sts_mode_text(enum sts_mode m);

/* STS_MODE_UNKNOWN: none of the three words. Case counts. */
enum sts_mode sts_mode_read(struct span word);

#endif
