/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "policy/certificate_x509.h"

#define DAY        86400
#define TEN_YEARS  3653 /* days, with three leap years */
#define RSA_LEAST  2048 /* RFC 9325 section 4.5 */
#define EC_LEAST   224
#define NAME_FLAGS (ASN1_STRFLGS_RFC2253 & ~(unsigned)ASN1_STRFLGS_ESC_MSB)
#define NAME_FORM  (NAME_FLAGS | ASN1_STRFLGS_ESC_QUOTE | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN)

struct x509_st *certificate_x509(struct span der)
{
    const unsigned char *p = der.p;
    X509 *x;

    if (der.n == 0 || der.n > CAP_CERT_BYTES)
        return NULL;
    x = d2i_X509(NULL, &p, (long)der.n);
    if (x && p == der.p + der.n)
        return x;
    X509_free(x);
    return NULL;
}

void certificate_x509_free(struct x509_st *x)
{
    X509_free(x);
}

static int sha512(struct span in, uint8_t out[64])
{
    return EVP_Digest(in.p, in.n, out, NULL, EVP_sha512(), NULL) == 1 ? 0 : -1;
}

static int read_spki(const X509 *x, struct certificate_link *out)
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der), rc = -1;

    if (n > 0) {
        rc = digest_sha256(span_of(der, (size_t)n), out->spki_sha256);
        if (rc == 0)
            rc = sha512(span_of(der, (size_t)n), out->spki_sha512);
    }
    OPENSSL_free(der);
    return rc;
}

/* X509_cmp_time() is stricter about the form than what reads the time is: RFC 5280 section
 * 4.1.2.5. Any time will do to have it look. */
static bool unix_second(const ASN1_TIME *t, int64_t *out)
{
    time_t any = 0;
    struct tm tm;

    if (!t || X509_cmp_time(t, &any) == 0 || ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = timegm(&tm);
    return true;
}

void certificate_read_dates(const struct x509_st *x, int64_t *not_before, int64_t *not_after)
{
    if (!unix_second(X509_get0_notBefore(x), not_before))
        *not_before = INT64_MAX;
    if (!unix_second(X509_get0_notAfter(x), not_after))
        *not_after = INT64_MIN;
}

int certificate_read_link(struct x509_st *x, struct span der, struct certificate_link *out)
{
    *out = (struct certificate_link){
        .readable = x != NULL, .depth = -1, .not_before = INT64_MAX, .not_after = INT64_MIN};
    if (digest_sha256(der, out->der_sha256) != 0 || sha512(der, out->der_sha512) != 0)
        return -1;
    if (!x)
        return 0;
    out->authority = X509_check_ca(x) > 0;
    out->self_issued = X509_name_cmp(X509_get_issuer_name(x), X509_get_subject_name(x)) == 0;
    certificate_read_dates(x, &out->not_before, &out->not_after);
    return read_spki(x, out);
}

bool certificate_signature_weak(struct x509_st *x)
{
    int hash;

    if (X509_get_signature_info(x, &hash, NULL, NULL, NULL) != 1)
        return false;
    return hash == NID_md2 || hash == NID_md4 || hash == NID_md5 || hash == NID_sha1;
}

/* What does not fit is cut. */
static struct span keep(struct certificate_scratch *s, const void *p, size_t n, size_t most)
{
    struct span kept;

    n = n < most ? n : most;
    n = n < sizeof(s->text) - s->n ? n : sizeof(s->text) - s->n;
    kept = span_of(s->text + s->n, n);
    if (n > 0)
        memcpy(s->text + s->n, p, n);
    s->n += n;
    return kept;
}

static struct span read_name(const X509_NAME *name, struct certificate_scratch *s)
{
    struct span text = {NULL, 0};
    BIO *out = BIO_new(BIO_s_mem());
    char *p = NULL;
    long n;

    if (out && X509_NAME_print_ex(out, name, 0, NAME_FORM) >= 0) {
        n = BIO_get_mem_data(out, &p);
        text = keep(s, p, n > 0 ? (size_t)n : 0, CAP_CERT_TEXT);
    }
    BIO_free(out);
    return text;
}

/* RFC 6125 section 2.3.1: where there are several, the last is the most specific. */
static struct span read_entry(const X509_NAME *name, int nid, struct certificate_scratch *s)
{
    struct span text = {NULL, 0};
    unsigned char *utf8 = NULL;
    int at = -1, last = -1, n;

    while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0)
        last = at;
    if (last < 0)
        return text;
    n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    if (n > 0)
        text = keep(s, utf8, (size_t)n, CAP_CERT_TEXT);
    OPENSSL_free(utf8);
    return text;
}

static void read_names(const X509 *x, struct certificate *out, struct certificate_scratch *s)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    out->has_names = X509_get_ext_by_NID(x, NID_subject_alt_name, -1) >= 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type != GEN_DNS)
            continue;
        if (out->name_count == CAP_CERT_NAMES) {
            out->names_left++;
            continue;
        }
        out->name[out->name_count++] =
            keep(s, ASN1_STRING_get0_data(g->d.dNSName), (size_t)ASN1_STRING_length(g->d.dNSName),
                 CAP_CERT_NAME);
    }
    GENERAL_NAMES_free(names);
}

/* The bytes of the INTEGER as they came, a leading 0 among them, as Suricata prints them. */
static void read_serial(const X509 *x, struct certificate *out)
{
    unsigned char *der = NULL;
    const unsigned char *p;
    int n = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der), tag, class;
    size_t at = 0;
    long length = 0;

    p = der;
    if (n > 0 && !(ASN1_get_object(&p, &length, &tag, &class, n) & 0x80))
        for (long i = 0; i < length && at + 4 <= sizeof(out->serial); i++)
            at += (size_t)snprintf(out->serial + at, sizeof(out->serial) - at, "%s%02X",
                                   i > 0 ? ":" : "", p[i]);
    OPENSSL_free(der);
}

static enum certificate_key key_of(const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return CERT_KEY_RSA;
    case EVP_PKEY_EC:
        return CERT_KEY_ECDSA;
    case EVP_PKEY_ED25519:
        return CERT_KEY_ED25519;
    case EVP_PKEY_ED448:
        return CERT_KEY_ED448;
    case EVP_PKEY_DSA:
        return CERT_KEY_DSA;
    default:
        return CERT_KEY_OTHER;
    }
}

static void read_key(const X509 *x, struct certificate *out)
{
    const EVP_PKEY *key = X509_get0_pubkey(x);
    int bits = key ? EVP_PKEY_get_bits(key) : 0;

    out->key = key ? key_of(key) : CERT_KEY_OTHER;
    out->key_bits = bits > 0 ? (uint32_t)bits : 0;
}

static void read_signature(X509 *x, struct certificate *out)
{
    int nid = X509_get_signature_nid(x);
    const char *name = nid == NID_undef ? NULL : OBJ_nid2sn(nid);

    (void)snprintf(out->signature, sizeof(out->signature), "%s", name ? name : "");
    out->signature_weak = certificate_signature_weak(x);
}

static void weigh(struct certificate *out)
{
    const struct {
        bool is;
        enum certificate_weakness w;
    } weak[] = {
        {out->key == CERT_KEY_RSA && out->key_bits < RSA_LEAST, CERT_WEAK_RSA},
        {out->key == CERT_KEY_ECDSA && out->key_bits < EC_LEAST, CERT_WEAK_EC},
        {out->key == CERT_KEY_DSA, CERT_WEAK_DSA},
        {out->days > TEN_YEARS, CERT_WEAK_LONG},
    };

    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
        if (weak[i].is)
            out->weakness |= certificate_weakness_bit(weak[i].w);
}

void certificate_read_leaf(struct x509_st *x, struct certificate *out,
                           struct certificate_scratch *scratch)
{
    const X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);

    out->subject = read_name(subject, scratch);
    out->issuer = read_name(issuer, scratch);
    out->issuer_org = read_entry(issuer, NID_organizationName, scratch);
    out->issuer_name =
        out->issuer_org.n > 0 ? out->issuer_org : read_entry(issuer, NID_commonName, scratch);
    out->common_name = read_entry(subject, NID_commonName, scratch);
    read_serial(x, out);
    read_names(x, out, scratch);
    read_key(x, out);
    read_signature(x, out);
    certificate_read_dates(x, &out->valid_from, &out->valid_until);
    if (out->valid_until > out->valid_from)
        out->days = (uint32_t)((out->valid_until - out->valid_from) / DAY);
    weigh(out);
    if ((X509_get_extension_flags(x) & EXFLAG_CA) != 0)
        out->weakness |= certificate_weakness_bit(CERT_WEAK_AUTHORITY);
}
