/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy bodies and TXT records of RFC 8461 and RFC 8460 have in common: blanks, the names
 * of fields, and how a fault in them is put. */
#ifndef POLICY_FIELD_H
#define POLICY_FIELD_H

#include "base/caps.h"
#include "base/span.h"

/* WSP of RFC 5234 taken off one end, or both. */
struct span field_trim_front(struct span s);
struct span field_trim_back(struct span s);
struct span field_trim(struct span s);

/* ext-name: 1 to 32 letters, digits, `_`, `-` and `.`, the first a letter or digit. */
bool field_name_valid(struct span name);

/* "line 3: mx is no host name: 'x y'", in printable characters; `line` 0 and empty `bytes` are left
 * out. A reason that is there already stays: the first fault counts. */
void field_reason(char reason[CAP_STS_REASON], unsigned line, const char *what, struct span bytes);

#endif
