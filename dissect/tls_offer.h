/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a ClientHello is told of, and enters its prints (dissect/tls_print.h): spans, and the
 * types of its extensions, which the caller has room for. And all of that in a row, as a key.
 */
#ifndef DISSECT_TLS_OFFER_H
#define DISSECT_TLS_OFFER_H

#include "base/caps.h"
#include "dissect/tls_hello.h"

struct tls_offer {
    uint16_t version;       /* legacy_version */
    uint16_t newest;        /* highest of supported_versions, else `version`; no GREASE */
    char alpn[2];           /* of the first value, as JA4 has it */
    struct span suites;     /* two bytes each, in the order of the message, GREASE with them */
    struct span types;      /* of all extensions, likewise */
    struct span groups;     /* likewise */
    struct span algorithms; /* for signatures, likewise */
    struct span formats;    /* of points, a byte each */
};

/* `types`: room for half as many bytes as the extensions have. */
void tls_offer_read(struct tls_offer *o, const struct tls_client_hello *h, uint8_t *types);

/* The types of a list of extensions, two bytes each; `to` has room as above. */
struct span tls_offer_types(struct span extensions, uint8_t *to);

/* Everything of an offer; two that differ in anything have other keys. Returns its length, or 0
 * when it is longer than the cap. */
size_t tls_offer_key(const struct tls_offer *o, uint8_t key[CAP_PRINT_CLIENT_KEY]);

#endif
