/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate by hand, without fault: trusted, for mx1.alder.example, of 2023-11-14T22:13:20 and
 * a hundred days from then on. */
#ifndef UNIT_RULES_CERTIFICATE_H
#define UNIT_RULES_CERTIFICATE_H

#include "policy/certificate.h"

#define CERTIFICATE_FROM  1700000000
#define CERTIFICATE_UNTIL (CERTIFICATE_FROM + 100 * 86400)

static inline struct certificate certificate_good(void)
{
    struct certificate c = {.trust = CERT_TRUST_OK,
                            .chain_count = 1,
                            .valid_from = CERTIFICATE_FROM,
                            .valid_until = CERTIFICATE_UNTIL,
                            .subject = span_str("CN=mx1.alder.example"),
                            .issuer = span_str("O=Good Authority, CN=G1"),
                            .serial = "14:6A:BD",
                            .name_count = 1,
                            .has_names = true,
                            .key = CERT_KEY_RSA,
                            .key_bits = 2048,
                            .signature = "RSA-SHA256",
                            .days = 100};
    c.name[0] = span_str("mx1.alder.example");
    c.chain[0].readable = true;
    c.chain[0].not_before = CERTIFICATE_FROM;
    c.chain[0].not_after = CERTIFICATE_UNTIL;
    return c;
}

/* What is no certificate has no dates. */
static inline struct certificate certificate_unreadable(void)
{
    return (struct certificate){.trust = CERT_TRUST_UNREADABLE,
                                .chain_count = 1,
                                .valid_from = INT64_MAX,
                                .valid_until = INT64_MIN};
}

#endif
