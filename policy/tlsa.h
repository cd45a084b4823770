/* SPDX-License-Identifier: Apache-2.0 */
/* One TLSA record (RFC 6698 section 2), as SMTP clients use it (RFC 7672 section 3.1). */
#ifndef POLICY_TLSA_H
#define POLICY_TLSA_H

#include "base/span.h"

enum { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };
enum { TLSA_CERT, TLSA_SPKI };
enum { TLSA_FULL, TLSA_SHA256, TLSA_SHA512 };

struct tlsa {
    uint8_t usage;
    uint8_t selector;
    uint8_t matching;
    struct span data; /* into the RDATA */
    bool usable; /* usage 2 or 3, a selector and matching type that are known, data that fit them */
};

/* `rdata` as on the wire. False: too short to be one. */
bool tlsa_read(struct span rdata, struct tlsa *out);

/* By its first four members alone. */
bool tlsa_usable(const struct tlsa *t);

/* "3 1 1 2fa4…", the presentation form; at most cap - 1 bytes. Returns the length. */
size_t tlsa_text(char *dst, size_t cap, const struct tlsa *t);

#endif
