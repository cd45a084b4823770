/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"

#include "../packets.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { MODULUS = 256, DAY = 86400 };

struct authority {
    X509 *root, *certificate; /* the second is sent, and signs leaves */
    EVP_PKEY *key;
};

static void *must(void *p)
{
    if (!p) {
        fputs("monthgen: libcrypto refused to make a certificate\n", stderr);
        exit(1);
    }
    return p;
}

static EVP_PKEY *signing_key(uint32_t number)
{
    struct rng rng = {number};
    uint8_t seed[32];

    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)rng_next(&rng);
    return must(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed));
}

static EVP_PKEY *leaf_key(uint32_t number)
{
    struct rng rng = {UINT64_C(0xC0FFEE) << 32 | number};
    uint8_t modulus[MODULUS];
    EVP_PKEY *key = NULL;

    for (size_t i = 0; i < MODULUS; i++)
        modulus[i] = (uint8_t)rng_next(&rng);
    modulus[0] |= 0x80;
    modulus[MODULUS - 1] |= 1;

    OSSL_PARAM_BLD *build = must(OSSL_PARAM_BLD_new());
    BIGNUM *n = must(BN_bin2bn(modulus, MODULUS, NULL)), *e = must(BN_new());
    EVP_PKEY_CTX *context = must(EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL));
    BN_set_word(e, 65537);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = must(OSSL_PARAM_BLD_to_param(build));
    EVP_PKEY_fromdata_init(context);
    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return must(key);
}

static X509_NAME *name_of(const char *organisation, const char *common)
{
    X509_NAME *name = must(X509_NAME_new());

    if (organisation)
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)organisation, -1, -1,
                                   0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common, -1, -1, 0);
    return name;
}

static void extend(X509 *x, int kind, const char *value)
{
    X509_EXTENSION *extension = must(X509V3_EXT_conf_nid(NULL, NULL, kind, value));

    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *certificate(EVP_PKEY *key, uint32_t serial, int64_t from, int64_t to)
{
    X509 *x = must(X509_new());

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), UINT64_C(0x51C0FFEE00000000) | serial);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from);
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to);
    X509_set_pubkey(x, key);
    return x;
}

/* A certificate of an authority, with the key of that number. */
static X509 *authority_certificate(const char *organisation, const char *common, EVP_PKEY *key,
                                   uint32_t serial, int64_t now)
{
    X509 *x = certificate(key, serial, now - 900 * DAY, now + 900 * DAY);
    X509_NAME *name = name_of(organisation, common);

    X509_set_subject_name(x, name);
    X509_set_issuer_name(x, name);
    extend(x, NID_basic_constraints, "critical,CA:TRUE");
    extend(x, NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_NAME_free(name);
    return x;
}

static const struct authority *authority(int number, int64_t now)
{
    static const char *const organisation[CHAIN_ISSUERS] = {
        "Grove Trust Services", "Harbour Certification", "Let us Sign", "Meridian CA Limited",
        "Northern Mail Authority"};
    static struct authority made[CHAIN_ISSUERS];
    struct authority *a = &made[number];
    uint32_t serial = (uint32_t)number;

    if (a->root)
        return a;
    EVP_PKEY *root_key = signing_key(1000 + serial);
    a->key = signing_key(serial);
    a->root = authority_certificate(organisation[number], "Root 1", root_key, 1000 + serial, now);
    a->certificate =
        authority_certificate(organisation[number], "Issuing CA 3", a->key, serial, now);
    X509_set_issuer_name(a->certificate, X509_get_subject_name(a->root));
    X509_sign(a->root, root_key, NULL);
    X509_sign(a->certificate, root_key, NULL);
    EVP_PKEY_free(root_key);
    return a;
}

void chain_roots(FILE *out, int64_t now)
{
    for (int i = 0; i < CHAIN_ISSUERS; i++)
        PEM_write_X509(out, authority(i, now)->root);
}

static void append(struct chain *c, X509 *x)
{
    uint8_t *at = c->message + c->size + 3;
    int size = i2d_X509(x, NULL);

    if (size <= 0 || c->size + 3 + (size_t)size > sizeof c->message)
        must(NULL);
    i2d_X509(x, &at);
    c->message[c->size] = 0;
    put16(c->message + c->size + 1, (uint32_t)size);
    c->size += 3 + (size_t)size;
}

const struct chain *chain_make(const char *name, uint32_t key, int issuer, int64_t now)
{
    struct chain *c = must(calloc(1, sizeof *c));
    EVP_PKEY *own = leaf_key(key), *signer = NULL;
    X509 *x = certificate(own, key, now - (20 + key % 50) * DAY, now + 300 * DAY);
    X509_NAME *subject = name_of(NULL, name);
    const struct authority *above = issuer < CHAIN_ISSUERS ? authority(issuer, now) : NULL;
    char names[80];

    snprintf(names, sizeof names, "DNS:%s", name);
    X509_set_subject_name(x, subject);
    X509_set_issuer_name(x, above ? X509_get_subject_name(above->certificate) : subject);
    extend(x, NID_subject_alt_name, names);
    extend(x, NID_ext_key_usage, "serverAuth");
    signer = above ? above->key : signing_key(key);
    X509_sign(x, signer, NULL);
    c->size = 7;
    append(c, x);
    if (above)
        append(c, above->certificate);
    put32(c->message, UINT32_C(11) << 24 | (uint32_t)(c->size - 4));
    c->message[4] = 0;
    put16(c->message + 5, (uint32_t)(c->size - 7));
    if (!above)
        EVP_PKEY_free(signer);
    X509_NAME_free(subject);
    EVP_PKEY_free(own);
    X509_free(x);
    return c;
}
