/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of cipher suites (IANA, TLS Cipher Suites), and what RFC 9325 section 4.1 thinks of
 * them. */
#ifndef BASE_TLS_SUITE_H
#define BASE_TLS_SUITE_H

#include <stddef.h>
#include <stdint.h>

enum { TLS_SUITE_FALLBACK_SCSV = 0x5600, TLS_SUITE_RENEGOTIATION_SCSV = 0x00ff };

/* How the keys come about: whether there is a ServerKeyExchange, and what stands in it. */
enum tls_keys {
    TLS_KEYS_OTHER, /* nothing that is read here: Kerberos, SRP, GOST ... */
    TLS_KEYS_RSA,   /* encrypted to the certificate's key; no ServerKeyExchange but for export */
    TLS_KEYS_DH,    /* parameters in the certificate */
    TLS_KEYS_DHE,
    TLS_KEYS_ECDH, /* likewise */
    TLS_KEYS_ECDHE,
    TLS_KEYS_DH_ANON,
    TLS_KEYS_ECDH_ANON,
    TLS_KEYS_PSK,
    TLS_KEYS_TLS13, /* the suite does not say */
    TLS_KEYS_COUNT
};

/* Bits. */
enum tls_weak {
    TLS_WEAK_NULL = 1, /* no encryption */
    TLS_WEAK_ANON = 2, /* no certificate: usual between opportunistic Postfixes */
    TLS_WEAK_EXPORT = 4,
    TLS_WEAK_RC2 = 8,
    TLS_WEAK_RC4 = 16,
    TLS_WEAK_DES = 32,
    TLS_WEAK_3DES = 64,
    TLS_WEAK_MD5 = 128,
    TLS_WEAK_STATIC = 256 /* no forward secrecy */
};

struct tls_suite {
    uint16_t number;
    uint16_t weak; /* enum tls_weak */
    enum tls_keys keys;
    const char *name;
};

/* "TLS 1.2"; NULL: no version of TLS. */
const char *tls_version_text(uint16_t version);

/* NULL: not in the registry. */
const struct tls_suite *tls_suite_find(uint16_t number);

#endif
