/* SPDX-License-Identifier: Apache-2.0 */
/* Domain names as text: A-labels, compared without case, a trailing dot ignored. */
#ifndef POLICY_DOMAIN_H
#define POLICY_DOMAIN_H

#include "base/caps.h"
#include "base/span.h"

/* A name in the form in which names are looked up: lower case, no trailing dot. */
struct domain {
    uint8_t n; /* bytes; 0: no name */
    char text[CAP_DOMAIN_TEXT + 1];
};

/* Is it a Domain of RFC 5321 section 4.1.2 within the lengths of RFC 1035: labels of letters,
 * digits and inner hyphens, 63 bytes each and 253 together? No trailing dot. */
bool domain_valid(struct span name);

/* Is the last label all digits, as in an IPv4 address (RFC 3696 section 2)? */
bool domain_numeric(struct span name);

/* Without one trailing dot. */
struct span domain_trim(struct span name);

/* False: it is no valid name, and `out` has none. One trailing dot is taken off first. */
bool domain_read(struct span name, struct domain *out);

static inline struct span domain_span(const struct domain *d)
{
    return span_of(d->text, d->n);
}

#endif
