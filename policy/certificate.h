/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the chain of certificates says that a TLS server presented: facts, of the leaf above all. A
 * value that knows no time, made once by policy/certificates.h, so that the verdict at the time of
 * any packet is arithmetic. Texts are bytes of the wire: only base/text.h makes them fit to be
 * seen. TLS 1.3 and resumption show no certificate: then there is no such value, and nothing is
 * said.
 */
#ifndef POLICY_CERTIFICATE_H
#define POLICY_CERTIFICATE_H

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"
#include "policy/tlsa.h"

/* Is there a path from the leaf to the trust store (RFC 5280 section 6), whatever the time? */
enum certificate_trust {
    CERT_TRUST_OK,
    CERT_TRUST_UNTRUSTED,   /* an unknown authority, or a certificate of the path is missing */
    CERT_TRUST_SELF_SIGNED, /* the leaf signs itself, and the trust store has not got it */
    CERT_TRUST_INVALID,     /* a wrong signature, no authority, too long, not for servers ... */
    CERT_TRUST_UNREADABLE,  /* the leaf is no certificate; its digests are all that is known */
    CERT_TRUST_UNKNOWN,     /* there is no trust store to ask */
    CERT_TRUST_COUNT
};

enum certificate_key {
    CERT_KEY_OTHER,
    CERT_KEY_RSA,
    CERT_KEY_ECDSA,
    CERT_KEY_ED25519,
    CERT_KEY_ED448,
    CERT_KEY_DSA,
    CERT_KEY_COUNT
};

enum certificate_dates { CERT_DATES_OK, CERT_DATES_EARLY, CERT_DATES_EXPIRED, CERT_DATES_COUNT };

/* Of the leaf, but for CERT_WEAK_SIGNATURE (RFC 9325 section 4). */
enum certificate_weakness {
    CERT_WEAK_RSA,       /* fewer than 2,048 bits */
    CERT_WEAK_EC,        /* fewer than 224 bits */
    CERT_WEAK_DSA,       /* no TLS 1.3 client takes it, nor do most of TLS 1.2 */
    CERT_WEAK_SIGNATURE, /* by MD5 or SHA-1, on the leaf or on its path; not on what signs itself */
    CERT_WEAK_AUTHORITY, /* the leaf may sign others (basicConstraints: CA) */
    CERT_WEAK_LONG,      /* valid for more than ten years */
    CERT_WEAK_COUNT
};

/* One certificate as it was presented. */
struct certificate_link {
    uint8_t der_sha256[32], der_sha512[64];   /* of the bytes as they came */
    uint8_t spki_sha256[32], spki_sha512[64]; /* of the SubjectPublicKeyInfo; 0: unreadable */
    bool readable;    /* a certificate with nothing behind it; if not, nothing follows */
    bool authority;   /* may sign others: X.509 version 3 says so, or an older one cannot */
    bool self_issued; /* issuer and subject are the same name */
    int8_t depth;     /* steps from the leaf, each certificate signed with the key of the next, the
                         order presented aside; -1: not on this way, or too far, or verifying a key
                         on it takes too long (CAP_CERT_STEPS, CAP_CERT_RSA_BITS and so on) */
    int64_t not_before, not_after; /* Unix seconds; INT64_MAX and INT64_MIN if they are no times */
};

struct certificate {
    enum certificate_trust trust;
    struct certificate_link chain[CAP_CERT_CHAIN]; /* [0] is the leaf */
    uint32_t chain_count;
    uint32_t chain_left;     /* certificates that were presented but not looked at */
    uint8_t leaf_sha1[20];   /* of the bytes as they came: the fingerprint that Suricata prints */
    int64_t valid_from;      /* Unix seconds: latest notBefore and earliest notAfter of the path */
    int64_t valid_until;     /* if trust is OK, else of the leaf alone; both included */
    struct span subject;     /* "C=US, O=Let's Encrypt, CN=R3", cut at CAP_CERT_TEXT */
    struct span issuer;      /* likewise */
    struct span issuer_org;  /* its organisation; n 0: none */
    struct span issuer_name; /* who that is in short: its organisation, or else its common name */
    struct span common_name; /* the last of the subject; n 0: none. Never a name under MTA-STS */
    char serial[3 * (CAP_CERT_SERIAL + 1)]; /* "14:6A:BD", the bytes of the wire; cut */
    struct span name[CAP_CERT_NAMES];       /* dNSNames; a longer one is cut to CAP_CERT_NAME */
    uint32_t name_count;
    uint32_t names_left;      /* dNSNames that were not kept */
    bool has_names;           /* there is a subjectAltName, of whatever kind */
    enum certificate_key key; /* of the leaf */
    uint32_t key_bits;        /* 0: the key cannot be read */
    char signature[32];       /* OpenSSL's short name, "RSA-SHA256"; "": unknown */
    bool signature_weak;      /* MD2, MD4, MD5 or SHA-1 */
    bool self_signed;         /* issuer is subject, and its own key has signed it; false where that
                                             takes too long to say */
    uint32_t days;            /* notAfter - notBefore, rounded down; 0: none */
    uint32_t weakness;        /* certificate_weakness_bit() */
};

static inline uint32_t certificate_weakness_bit(enum certificate_weakness w)
{
    return 1u << w;
}

/* "ok", "untrusted", "self-signed", "invalid", "unreadable", "unknown". */
const char *certificate_trust_text(enum certificate_trust t);

/* "other", "rsa", "ecdsa", "ed25519", "ed448", "dsa". */
const char *certificate_key_text(enum certificate_key k);

/* "ok", "not-yet-valid", "expired". */
const char *certificate_dates_text(enum certificate_dates d);

/* "rsa-short", "ec-short", "dsa", "signature-sha1-md5", "authority", "long-lived". */
const char *certificate_weakness_text(enum certificate_weakness w);

#define CERTIFICATE_FINGERPRINT 60 /* twenty bytes as "14:6a:bd" and a NUL */

void certificate_fingerprint(const struct certificate *c, char dst[CERTIFICATE_FINGERPRINT]);

/* Of the path or, where none is trusted, of the leaf. EXPIRED also where both are wrong. */
enum certificate_dates certificate_dates(const struct certificate *c, nstime at);

/* Does a dNSName name the host (dns_id_match())? The common name never does. A false says nothing
 * where names were left. */
bool certificate_names(const struct certificate *c, struct span host);

/* Does the leaf name one of several hosts, as DANE-TA asks (RFC 7672 section 3.2.2)? The common
 * name counts where there is no dNSName at all. Names that were left get the benefit of doubt. */
bool certificate_names_any(const struct certificate *c, const struct span *host, size_t hosts);

enum dane_result {
    DANE_UNKNOWN, /* there was nothing to compare */
    DANE_MATCH,
    DANE_MISMATCH,
    DANE_UNUSABLE, /* no record that SMTP clients use; or one that might match, for an anchor that
                      is whole in the record and was not sent, or among what was not looked at */
    DANE_COUNT
};

/* Does the chain satisfy the records at this time (RFC 7672 section 3, RFC 7671 section 5)?
 * `reference`: names of which the leaf must have one under DANE-TA(2), i.e. next-hop domain and MX
 * host; DANE-EE(3) asks for neither names nor dates. Path length and purpose are not looked at. */
enum dane_result certificate_dane(const struct certificate *c, const struct tlsa *record, size_t n,
                                  const struct span *reference, size_t references, nstime at);

/* "match", "mismatch", "unusable". */
const char *dane_result_text(enum dane_result r);

/* What a sender that holds the server to RFC 8461 would report (RFC 8460 section 4.3), the gravest
 * if several; NULL: nothing. Trust that is unknown and names that were left are no fault; `host` is
 * empty where names are not to be judged. */
const char *certificate_tlsrpt(const struct certificate *c, struct span host, nstime at);

/* And one that holds it to DANE: "tlsa-invalid", or NULL. */
const char *dane_tlsrpt(enum dane_result r);

#endif
