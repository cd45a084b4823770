/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate_list of a TLS 1.2 Certificate message: each certificate behind three bytes of
 * length. Whatever it holds there is a value, the same one when it comes again, its texts within
 * their caps, the way through it without a gap; and DANE-EE knows the leaf by its bytes alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/digest.h"
#include "policy/certificates.h"

/* Nothing comes too fast. */
static nstime later(void)
{
    static nstime now;
    return now += NS_PER_S;
}

#define CHAIN_MOST 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The root of the corpus, whose key nobody has any more. */
static const char ROOT[] = "-----BEGIN CERTIFICATE-----\n"
                           "MIIBCTCBvKADAgECAgMUar0wBQYDK2VwMCMxEjAQBgNVBAoMCVRlc3QsIEluYzEN\n"
                           "MAsGA1UEAwwEUm9vdDAeFw0yMzExMTQyMjEzMjBaFw0yNDExMTMyMjEzMjBaMCMx\n"
                           "EjAQBgNVBAoMCVRlc3QsIEluYzENMAsGA1UEAwwEUm9vdDAqMAUGAytlcAMhANcg\n"
                           "l/2E48LXHK+OK3UJaZUlKm552OxxgwzrI4nENLPUoxMwETAPBgNVHRMBAf8EBTAD\n"
                           "AQH/MAUGAytlcANBAECkyu7/nxlvdYXSmpRFLxxrd7G+nGRX5sBV+gbnDf6OMll0\n"
                           "09+EGaygeaiQplNCfyBk60Gz1stuZkJwNuit7gM=\n"
                           "-----END CERTIFICATE-----\n";

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct certificates *wake(void)
{
    char path[] = "/tmp/stripwatch-ca-XXXXXX";
    int fd = mkstemp(path);
    struct certificates *cs = certificates_new(path);

    must(fd >= 0 && write(fd, ROOT, sizeof(ROOT) - 1) == (ssize_t)sizeof(ROOT) - 1);
    must(close(fd) == 0 && cs && certificates_load(cs) && unlink(path) == 0);
    return cs;
}

static size_t split(struct span in, struct span *chain)
{
    struct cursor c = cursor_of(in);
    size_t count = 0;

    while (c.left > 0 && count < CHAIN_MOST) {
        size_t n = (size_t)cursor_u8(&c) << 16;
        n |= cursor_u16(&c);
        chain[count] = cursor_span(&c, n < c.left ? n : c.left); /* a length may be too long */
        count += c.bad ? 0 : 1;
    }
    return count;
}

static void check_texts(const struct certificate *c)
{
    must(c->subject.n <= CAP_CERT_TEXT && c->issuer.n <= CAP_CERT_TEXT);
    must(c->issuer_org.n <= CAP_CERT_TEXT && c->common_name.n <= CAP_CERT_TEXT);
    must(c->issuer_name.n <= CAP_CERT_TEXT && c->issuer_name.n >= c->issuer_org.n);
    must(c->name_count <= CAP_CERT_NAMES && (c->names_left == 0 || c->name_count > 0));
    for (uint32_t i = 0; i < c->name_count; i++) {
        must(c->name[i].n <= CAP_CERT_NAME);
        if (certificate_names(c, c->name[i]))
            must(memchr(c->name[i].p, 0, c->name[i].n) == NULL);
    }
    must(memchr(c->serial, 0, sizeof(c->serial)) && strlen(c->serial) % 3 != 1);
    must(c->weakness < certificate_weakness_bit(CERT_WEAK_COUNT) && c->trust < CERT_TRUST_COUNT);
    must(c->trust != CERT_TRUST_UNKNOWN);
}

static void check_way(const struct certificate *c)
{
    int at[CAP_CERT_CHAIN] = {0}, deepest = -1;

    for (uint32_t i = 0; i < c->chain_count; i++) {
        const struct certificate_link *l = &c->chain[i];
        must(l->depth < (int)c->chain_count && (l->depth != 0 || i == 0));
        if (l->depth < 0)
            continue;
        must(l->readable && at[l->depth]++ == 0 && (l->depth == 0 || l->authority));
        deepest = l->depth > deepest ? l->depth : deepest;
    }
    for (int d = 0; d <= deepest; d++)
        must(at[d] == 1);
    must((deepest < 0) == (c->trust == CERT_TRUST_UNREADABLE));
}

static void check_dane(const struct certificate *c, struct span leaf)
{
    const struct span host = span_str("mx.a.test");
    uint8_t digest[32];
    struct tlsa t = {
        .usage = TLSA_DANE_EE, .matching = TLSA_SHA256, .data = {digest, sizeof(digest)}};

    must(digest_sha256(leaf, digest) == 0);
    must(certificate_dane(c, &t, 1, NULL, 0, INT64_MAX) == DANE_MATCH);
    t.usage = TLSA_DANE_TA;
    (void)certificate_dane(c, &t, 1, &host, 1, 1700000000 * NS_PER_S);
    digest[31] ^= 1;
    must(certificate_dane(c, &t, 1, &host, 1, 0) ==
         (c->chain_left ? DANE_UNUSABLE : DANE_MISMATCH));
    t.usage = TLSA_DANE_EE;
    must(certificate_dane(c, &t, 1, NULL, 0, 0) == DANE_MISMATCH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct certificates *cs;
    struct span chain[CHAIN_MOST];
    size_t count = split(span_of(data, size), chain);
    const struct certificate *c, *again;

    if (!cs)
        cs = wake();
    c = certificates_look(cs, chain, count, later());
    again = certificates_look(cs, chain, count, later());
    if (count > 0 && chain[0].n > CAP_CERT_BYTES) {
        must(!c && !again);
        return 0;
    }
    must(c && c == again && c->chain_count + c->chain_left == count);
    check_texts(c);
    check_way(c);
    if (count > 0)
        check_dane(c, chain[0]);
    (void)certificate_tlsrpt(c, span_str("mx.a.test"), 1700000000 * NS_PER_S);
    certificate_release(c);
    certificate_release(again);
    return 0;
}
