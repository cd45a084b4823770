/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "policy/certificate_x509.h"

/* --- the trust store --- */

static bool store_has_some(X509_STORE *store)
{
    return sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) > 0;
}

/* All of it at once: the library would read the directory anew for each chain. */
static bool load_directory(X509_STORE *store, const char *path)
{
    char name[PATH_MAX];
    DIR *d = opendir(path);

    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        int n = snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && n > 0 && (size_t)n < sizeof(name))
            (void)X509_STORE_load_file(store, name);
    }
    if (d)
        closedir(d);
    return store_has_some(store);
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

/* The file of the system has what its directory has. */
static bool load_system(X509_STORE *store)
{
    const char *file = setting(X509_get_default_cert_file_env(), X509_get_default_cert_file());
    const char *folder = setting(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());

    if (X509_STORE_load_file(store, file) !=
        1) /* Debian has a link there if openssl(1) is installed */
        (void)X509_STORE_load_file(store, "/etc/ssl/certs/ca-certificates.crt");
    return store_has_some(store) || load_directory(store, folder);
}

static bool load(X509_STORE *store, const char *path)
{
    struct stat st;

    if (!path)
        return load_system(store);
    if (stat(path, &st) != 0)
        return false;
    if (S_ISDIR(st.st_mode))
        return load_directory(store, path);
    return X509_STORE_load_file(store, path) == 1 && store_has_some(store);
}

struct x509_store_st *certificate_store(const char *ca_path)
{
    X509_STORE *store;

    /* The verdict is the same whatever the system's configuration of OpenSSL says. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    store = X509_STORE_new();
    if (store && load(store, ca_path))
        return store;
    X509_STORE_free(store);
    return NULL;
}

void certificate_store_free(struct x509_store_st *store)
{
    X509_STORE_free(store);
}

/* --- trust --- */

/* Dates are judged later, at the time of a packet. They are looked at all the same, at the end of
 * the leaf's time, so that of two certificates of one authority the one is taken that lasts. */
static int overlook_dates(int ok, X509_STORE_CTX *ctx)
{
    int error = X509_STORE_CTX_get_error(ctx);

    if (ok || (error != X509_V_ERR_CERT_NOT_YET_VALID && error != X509_V_ERR_CERT_HAS_EXPIRED))
        return ok;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

/* The library takes a certificate for expired in its last second. */
static time_t just_before(int64_t end)
{
    return (time_t)(end > INT64_MIN ? end - 1 : end);
}

/* `forged`: the leaf says that it signs itself and does not. */
static enum certificate_trust trust_of(int error, bool forged)
{
    switch (error) {
    case X509_V_OK:
        return CERT_TRUST_OK;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return forged ? CERT_TRUST_INVALID : CERT_TRUST_SELF_SIGNED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return CERT_TRUST_UNTRUSTED;
    default:
        return CERT_TRUST_INVALID;
    }
}

/* A path that holds: from when to when, and whether a weak hash signed any of it. What signs the
 * anchor is nobody's business. */
static void walk_path(X509_STORE_CTX *ctx, struct certificate *out)
{
    const STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);
    int n = sk_X509_num(path);

    for (int i = 0; i < n; i++) {
        X509 *x = sk_X509_value(path, i);
        int64_t from, until;
        certificate_read_dates(x, &from, &until);
        out->valid_from = from > out->valid_from ? from : out->valid_from;
        out->valid_until = until < out->valid_until ? until : out->valid_until;
        if (i + 1 < n && certificate_signature_weak(x))
            out->weakness |= certificate_weakness_bit(CERT_WEAK_SIGNATURE);
    }
}

/* No revocation and no network: OpenSSL has neither unless it is asked. What is in the store is
 * trusted, be it a root or not. */
static int ask_store(X509_STORE *store, X509_STORE_CTX *ctx, X509 *leaf, STACK_OF(X509) * presented,
                     struct certificate *out, int *error)
{
    X509_VERIFY_PARAM *param;

    if (X509_STORE_CTX_init(ctx, store, leaf, presented) != 1)
        return -1;
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_depth(param, CAP_CERT_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(param, 0); /* a short key is a fact, not an error */
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(param, just_before(out->chain[0].not_after));
    X509_STORE_CTX_set_verify_cb(ctx, overlook_dates);
    if (X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) != 1)
        return -1;
    *error = X509_V_OK;
    if (X509_verify_cert(ctx) == 1) {
        walk_path(ctx, out);
        return 0;
    }
    *error = X509_STORE_CTX_get_error(ctx);
    if (*error == X509_V_OK) /* it failed before it began */
        *error = X509_V_ERR_UNSPECIFIED;
    return *error == X509_V_ERR_OUT_OF_MEM ? -1 : 0;
}

/* --- the way through what was presented --- */

static bool field_is_prime(const EVP_PKEY *key)
{
    char field[32];

    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_FIELD_TYPE, field, sizeof(field),
                                          NULL) == 1 &&
           strcmp(field, SN_X9_62_prime_field) == 0;
}

/* Strangers choose the keys: a modulus and an exponent of 16,384 bits would take seconds, a binary
 * curve four times what a prime one takes. */
static bool key_is_quick(const EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    int bits = key ? EVP_PKEY_get_bits(key) : 0;
    bool quick;

    switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        quick = bits <= CAP_CERT_RSA_BITS &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                BN_num_bits(e) <= CAP_CERT_EXPONENT;
        BN_free(e);
        return quick;
    case EVP_PKEY_DSA:
        return bits <= CAP_CERT_DSA_BITS;
    case EVP_PKEY_EC:
        return bits <= CAP_CERT_EC_BITS && field_is_prime(key);
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return true;
    default:
        return false;
    }
}

static bool signed_by(X509 *x, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);

    return key_is_quick(key) && X509_verify(x, key) == 1;
}

static struct certificate_link *link_of(X509 *x, const struct certificate_chain *chain,
                                        struct certificate *out)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->x509[i] == x)
            return &out->chain[i];
    return NULL;
}

/* Without any anchor the library finds no path, but it says how far it came, in whatever order the
 * certificates were sent. Their signatures it has not looked at then. */
static int follow(X509_STORE_CTX *ctx, X509 *leaf, STACK_OF(X509) * presented,
                  const struct certificate_chain *chain, struct certificate *out)
{
    STACK_OF(X509) *anchors = sk_X509_new_null();
    const STACK_OF(X509) * way;
    int rc = -1;

    if (!anchors || X509_STORE_CTX_init(ctx, NULL, leaf, presented) != 1)
        goto out;
    X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
    X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(ctx), CAP_CERT_CHAIN);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx),
                               just_before(out->chain[0].not_after));
    (void)X509_verify_cert(ctx);
    way = X509_STORE_CTX_get0_chain(ctx);
    for (int i = 1; i < sk_X509_num(way) && i <= CAP_CERT_STEPS; i++) {
        struct certificate_link *l = link_of(sk_X509_value(way, i), chain, out);
        if (!l || !l->authority || !signed_by(sk_X509_value(way, i - 1), sk_X509_value(way, i)))
            break;
        l->depth = (int8_t)i;
    }
    rc = 0;
out:
    X509_STORE_CTX_cleanup(ctx);
    sk_X509_free(anchors);
    return rc;
}

int certificate_verify(struct x509_store_st *store, const struct certificate_chain *chain,
                       struct certificate *out)
{
    X509 *leaf = chain->x509[0];
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *presented = sk_X509_new_null();
    bool forged;
    int rc = -1, error;

    for (uint32_t i = 1; presented && i < chain->count; i++)
        if (chain->x509[i] && sk_X509_push(presented, chain->x509[i]) == 0)
            goto out;
    if (!ctx || !presented)
        goto out;
    out->chain[0].depth = 0;
    out->self_signed = out->chain[0].self_issued && signed_by(leaf, leaf);
    forged = out->chain[0].self_issued && !out->self_signed && key_is_quick(X509_get0_pubkey(leaf));
    if (out->signature_weak && !out->self_signed)
        out->weakness |= certificate_weakness_bit(CERT_WEAK_SIGNATURE);
    rc = follow(ctx, leaf, presented, chain, out);
    if (!store || rc != 0)
        goto out;
    rc = ask_store(store, ctx, leaf, presented, out, &error);
    if (rc == 0)
        out->trust = trust_of(error, forged);
out:
    X509_STORE_CTX_free(ctx);
    sk_X509_free(presented);
    return rc;
}
