/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MX patterns of RFC 8461 section 4.1: a name, or `*.` and a name, where the asterisk stands for
 * exactly one left-most label. STARTTLS Everywhere writes `.example.com` for the same thing.
 */
#ifndef POLICY_MX_PATTERN_H
#define POLICY_MX_PATTERN_H

#include "base/span.h"

enum mx_match {
    MX_MATCH_NONE,
    MX_MATCH_DEPTH, /* only if the asterisk could stand for more than one label: its owner's error
                     */
    MX_MATCH_WHOLE,
    MX_MATCH_COUNT
};

/* Case is ignored and one trailing dot on either. */
enum mx_match mx_match(struct span pattern, struct span host);

/* The pattern without its `*.` or leading dot; `wildcard` says whether it had one. */
struct span mx_pattern_base(struct span pattern, bool *wildcard);

#endif
