/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/tlsa.h"

#include <stdio.h>

#define HEADER        3
#define SHA256_BYTES  32
#define SHA512_BYTES  64
#define ASN1_SEQUENCE 0x30 /* a certificate and a SubjectPublicKeyInfo both begin with it */
#define DER_LEAST     2

/* RFC 7672 section 3.1.3: usages 0 and 1 are not for SMTP; section 2.2: what cannot be used is as
 * if it were not there. */
bool tlsa_usable(const struct tlsa *t)
{
    if (t->usage != TLSA_DANE_TA && t->usage != TLSA_DANE_EE)
        return false;
    if (t->selector != TLSA_CERT && t->selector != TLSA_SPKI)
        return false;
    switch (t->matching) {
    case TLSA_FULL:
        return t->data.n > DER_LEAST && t->data.p[0] == ASN1_SEQUENCE;
    case TLSA_SHA256:
        return t->data.n == SHA256_BYTES;
    case TLSA_SHA512:
        return t->data.n == SHA512_BYTES;
    default:
        return false;
    }
}

bool tlsa_read(struct span rdata, struct tlsa *out)
{
    *out = (struct tlsa){0};
    if (rdata.n < HEADER)
        return false;
    *out = (struct tlsa){.usage = rdata.p[0],
                         .selector = rdata.p[1],
                         .matching = rdata.p[2],
                         .data = span_from(rdata, HEADER)};
    out->usable = tlsa_usable(out);
    return true;
}

size_t tlsa_text(char *dst, size_t cap, const struct tlsa *t)
{
    int n = snprintf(dst, cap, "%u %u %u ", t->usage, t->selector, t->matching);
    size_t at = (size_t)n < cap ? (size_t)n : cap - 1;
    for (size_t i = 0; i < t->data.n && at + 2 < cap; i++)
        at += (size_t)snprintf(dst + at, cap - at, "%02x", t->data.p[i]);
    return at;
}
