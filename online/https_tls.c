/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "online/https_get.h"

/* --- who issued it --- */

/* False: there is none, or it is empty. */
static bool read_entry(const X509_NAME *name, int nid, char to[CAP_LOOKUP_TEXT])
{
    unsigned char *utf8 = NULL;
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    int n = at < 0 ? 0
                   : ASN1_STRING_to_UTF8(&utf8,
                                         X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

    if (n > 0)
        text_escape(to, CAP_LOOKUP_TEXT, span_of(utf8, (size_t)n));
    OPENSSL_free(utf8);
    return n > 0;
}

static void read_issuer(const X509 *leaf, char to[CAP_LOOKUP_TEXT])
{
    const X509_NAME *name = leaf ? X509_get_issuer_name(leaf) : NULL;

    if (name && !read_entry(name, NID_organizationName, to))
        (void)read_entry(name, NID_commonName, to);
}

/* --- whether it holds --- */

static int verify(X509_STORE_CTX *chain, void *user)
{
    struct https_get *g = user;
    int ok = X509_verify_cert(chain);

    g->verified = X509_STORE_CTX_get_error(chain);
    if (ok <= 0 && g->verified == X509_V_OK) /* no memory, say: it is not good all the same */
        g->verified = X509_V_ERR_UNSPECIFIED;
    read_issuer(X509_STORE_CTX_get0_cert(chain), g->issuer);
    return ok > 0;
}

/* Each TLS message; an alert has a level and what it says. */
static void overhear(int is_ours, int version, int kind, const void *p, size_t n, SSL *ssl,
                     void *user)
{
    struct https_get *g = user;
    const uint8_t *alert = p;

    (void)version, (void)ssl;
    if (!is_ours && kind == SSL3_RT_ALERT && n == 2 && alert[1] == SSL_AD_CLOSE_NOTIFY)
        g->closed = true;
}

/* libcurl compares the name after the handshake, and takes a common name where there is no dNSName
 * (RFC 8461 section 3.3 wants a DNS-ID). So the name is compared in the handshake already, as a
 * part of what the library verifies, and libcurl's own comparison has nothing left to forgive. */
bool https_tls(struct https_get *g, void *ssl_ctx)
{
    SSL_CTX *ctx = ssl_ctx;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(param, g->host.text, g->host.n) != 1)
        return false;
    SSL_CTX_set1_cert_store(ctx, g->trust);
    SSL_CTX_set_cert_verify_callback(ctx, verify, g);
    SSL_CTX_set_msg_callback(ctx, overhear);
    SSL_CTX_set_msg_callback_arg(ctx, g);
    return true;
}

const char *https_tls_text(int verified)
{
    return X509_verify_cert_error_string(verified);
}
