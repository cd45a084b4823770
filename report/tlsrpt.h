/* SPDX-License-Identifier: Apache-2.0 */
/* The words of RFC 8460: what a sender tells the owner of a domain about TLS with his exchangers.
 */
#ifndef REPORT_TLSRPT_H
#define REPORT_TLSRPT_H

#include "base/caps.h"
#include "base/span.h"

/* Section 4.3. */
enum tlsrpt_result {
    TLSRPT_STARTTLS_NOT_SUPPORTED, /* 4.3.1: of these five somebody was connected to */
    TLSRPT_CERTIFICATE_HOST_MISMATCH,
    TLSRPT_CERTIFICATE_EXPIRED,
    TLSRPT_CERTIFICATE_NOT_TRUSTED,
    TLSRPT_VALIDATION_FAILURE,
    TLSRPT_TLSA_INVALID, /* 4.3.2: of these the policy may be wrong before anybody is */
    TLSRPT_DNSSEC_INVALID,
    TLSRPT_DANE_REQUIRED,
    TLSRPT_STS_POLICY_FETCH_ERROR,
    TLSRPT_STS_POLICY_INVALID,
    TLSRPT_STS_WEBPKI_INVALID,
    TLSRPT_RESULT_COUNT /* another word */
};

/* Section 4.2. */
enum tlsrpt_type {
    TLSRPT_TYPE_STS,
    TLSRPT_TYPE_TLSA,
    TLSRPT_TYPE_NONE, /* no-policy-found */
    TLSRPT_TYPE_COUNT /* another word */
};

const char *tlsrpt_result_text(enum tlsrpt_result r);
enum tlsrpt_result tlsrpt_result_of(struct span word); /* TLSRPT_RESULT_COUNT: unknown */
const char *tlsrpt_type_text(enum tlsrpt_type t);
enum tlsrpt_type tlsrpt_type_of(struct span word); /* TLSRPT_TYPE_COUNT: unknown */

/* Does it tell of a connection to a mail exchanger (section 4.3.1)? */
static inline bool tlsrpt_is_connected(enum tlsrpt_result r)
{
    return r <= TLSRPT_VALIDATION_FAILURE;
}

/* An address; IPv4 in the first four bytes and zeros behind, never one that IPv6 maps. No padding:
 * it is part of keys. */
struct tlsrpt_host {
    uint8_t family; /* 4, 6; 0: not told */
    uint8_t address[16];
};

/* False: it is no address, and the family is 0. */
bool tlsrpt_host_read(struct span text, struct tlsrpt_host *out);

/* An address that means something at its own place alone: RFC 1918, RFC 6598, loopback, link-local,
 * RFC 4193, unspecified. What a sender behind NAT says of itself is one. */
bool tlsrpt_host_is_inner(const struct tlsrpt_host *h);

/* Order by family, then bytes. */
int tlsrpt_host_cmp(const struct tlsrpt_host *a, const struct tlsrpt_host *b);

#endif
