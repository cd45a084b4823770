/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS-IDs: does a dNSName of a certificate name a host? RFC 6125 section 6.4 as RFC 8461 section
 * 4.1 and RFC 7672 section 3.2.3 narrow it: the asterisk is the whole left-most label and stands
 * for exactly one.
 */
#ifndef POLICY_DNS_ID_H
#define POLICY_DNS_ID_H

#include "base/span.h"

/* Case is ignored and one trailing dot on either. What is no name of letters, digits and hyphens
 * matches nothing, a byte 0 or an address among them; `*.test` does not match either, for it would
 * be everybody's (OpenSSL and GnuTLS refuse it as well). */
bool dns_id_match(struct span id, struct span host);

#endif
