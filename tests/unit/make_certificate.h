/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates made while a test runs: a recipe with what differs from an ordinary one, and the
 * DER, its key and the file of a trust store that come of it.
 */
#ifndef TESTS_UNIT_MAKE_CERTIFICATE_H
#define TESTS_UNIT_MAKE_CERTIFICATE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/caps.h"
#include "base/span.h"

#define MAKE_FROM  1700000000 /* 2023-11-14T22:13:20Z */
#define MAKE_UNTIL 1731536000 /* 365 days later */

enum make_key {
    MAKE_P256,
    MAKE_RSA2048,
    MAKE_RSA1024,
    MAKE_ED25519,
    MAKE_ED448,
    MAKE_P192,
    MAKE_BINARY,
    MAKE_DSA,
    MAKE_KEYS
};

struct made {
    X509 *x;
    EVP_PKEY *key;
    unsigned char *der;
    size_t n;
};

/* All of it may be left 0. */
struct recipe {
    const char *name;          /* CN; NULL: none */
    const char *second;        /* and another behind it */
    const struct made *issuer; /* NULL: itself */
    const struct made *as;     /* has this one's name and key */
    enum make_key key;
    int64_t from, until;     /* 0: MAKE_FROM, MAKE_UNTIL */
    bool authority;          /* basicConstraints CA */
    const char *constraints; /* basicConstraints, as openssl.cnf has them */
    const char *names;       /* subjectAltName likewise */
    struct span name_bytes;  /* one dNSName of any bytes */
    uint32_t name_times;     /* mx0.many.test and so on */
    bool wide;               /* and those as long as any that is kept */
    const char *date;        /* notAfter of any bytes */
    const char *purpose;     /* extendedKeyUsage likewise */
    const char *limits;      /* nameConstraints likewise */
    const EVP_MD *hash;      /* NULL: SHA-256, or none where the key needs none */
    const EVP_PKEY *sign;    /* by a key that is not the issuer's */
    const char *serial;      /* hex; NULL: 146ABD */
};

static inline void make_must(bool ok)
{
    if (!ok)
        abort();
}

static inline EVP_PKEY *make_dsa(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, NULL);
    EVP_PKEY *p = NULL, *key = NULL;

    make_must(EVP_PKEY_paramgen_init(ctx) == 1);
    make_must(EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, 1024) == 1);
    make_must(EVP_PKEY_paramgen(ctx, &p) == 1);
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new(p, NULL);
    make_must(EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_keygen(ctx, &key) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(p);
    return key;
}

static inline EVP_PKEY *make_key(enum make_key kind)
{
    switch (kind) {
    case MAKE_P256:
        return EVP_EC_gen("P-256");
    case MAKE_P192:
        return EVP_EC_gen("P-192");
    case MAKE_BINARY:
        return EVP_EC_gen("B-283");
    case MAKE_RSA2048:
        return EVP_RSA_gen(2048);
    case MAKE_RSA1024:
        return EVP_RSA_gen(1024);
    case MAKE_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case MAKE_ED448:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    default:
        return make_dsa();
    }
}

static inline void make_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e;

    if (!value)
        return;
    e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    make_must(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static inline void make_dns(GENERAL_NAMES *all, struct span bytes)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();

    make_must(ASN1_STRING_set(s, bytes.p, (int)bytes.n) == 1);
    GENERAL_NAME_set0_value(g, GEN_DNS, s);
    make_must(sk_GENERAL_NAME_push(all, g) > 0);
}

static inline void make_names(X509 *x, const struct recipe *r)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    char text[CAP_CERT_NAME + 1];

    if (r->name_bytes.n > 0)
        make_dns(all, r->name_bytes);
    for (uint32_t i = 0; i < r->name_times; i++) {
        (void)snprintf(text, sizeof(text), "mx%0*u.many.test", r->wide ? CAP_CERT_NAME - 12 : 1, i);
        make_dns(all, span_str(text));
    }
    if (sk_GENERAL_NAME_num(all) > 0)
        make_must(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1);
    GENERAL_NAMES_free(all);
    make_extension(x, NID_subject_alt_name, r->names);
}

static inline void make_subject(X509 *x, const struct recipe *r)
{
    X509_NAME *name = X509_NAME_new();

    if (r->authority)
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Test, Inc", -1,
                                   -1, 0);
    if (r->name)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)r->name, -1,
                                   -1, 0);
    if (r->second)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)r->second, -1,
                                   -1, 0);
    make_must(X509_set_subject_name(x, r->as ? X509_get_subject_name(r->as->x) : name) == 1);
    X509_NAME_free(name);
}

static inline struct made make(struct recipe r)
{
    struct made m = {.x = X509_new()};
    const struct made *by = r.issuer ? r.issuer : &m;
    BIGNUM *serial = NULL;
    bool own_hash = false;
    EVP_PKEY *sign;

    m.key = r.as ? r.as->key : make_key(r.key);
    make_must(m.x && m.key);
    EVP_PKEY_up_ref(m.key);
    X509_set_version(m.x, 2);
    make_must(BN_hex2bn(&serial, r.serial ? r.serial : "146ABD") > 0);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(m.x));
    BN_free(serial);
    ASN1_TIME_set(X509_getm_notBefore(m.x), r.from ? r.from : MAKE_FROM);
    ASN1_TIME_set(X509_getm_notAfter(m.x), r.until ? r.until : MAKE_UNTIL);
    if (r.date)
        ASN1_STRING_set(X509_getm_notAfter(m.x), r.date, -1);
    make_subject(m.x, &r);
    X509_set_issuer_name(m.x, X509_get_subject_name(by->x));
    make_must(X509_set_pubkey(m.x, m.key) == 1);
    make_extension(m.x, NID_basic_constraints,
                   r.constraints ? r.constraints
                   : r.authority ? "critical,CA:TRUE"
                                 : NULL);
    make_extension(m.x, NID_ext_key_usage, r.purpose);
    make_extension(m.x, NID_name_constraints, r.limits);
    make_names(m.x, &r);
    sign = r.sign ? (EVP_PKEY *)(uintptr_t)r.sign : by->key;
    own_hash = EVP_PKEY_is_a(sign, "ED25519") || EVP_PKEY_is_a(sign, "ED448");
    make_must(X509_sign(m.x, sign, own_hash ? NULL : r.hash ? r.hash : EVP_sha256()) > 0);
    if (!r.as)
        EVP_PKEY_free(m.key);
    m.n = (size_t)i2d_X509(m.x, &m.der);
    return m;
}

static inline void unmake(struct made *m)
{
    X509_free(m->x);
    EVP_PKEY_free(m->key);
    OPENSSL_free(m->der);
}

static inline struct span made_der(const struct made *m)
{
    return span_of(m->der, m->n);
}

/* A file with these certificates; unlink it. */
static inline void make_store(char path[32], const struct made *const *ca, size_t n)
{
    FILE *f;
    int fd;

    (void)snprintf(path, 32, "/tmp/stripwatch-ca-XXXXXX");
    fd = mkstemp(path);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    make_must(f != NULL);
    for (size_t i = 0; i < n; i++)
        make_must(PEM_write_X509(f, ca[i]->x) == 1);
    make_must(fclose(f) == 0);
}

#endif
