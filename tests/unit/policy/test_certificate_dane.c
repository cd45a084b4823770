/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificates.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "make_certificate.h"

/* Nothing comes too fast. */
static nstime later(void)
{
    static nstime now;
    return now += NS_PER_S;
}

static struct made root, middle, leaf, own, other;
static struct certificates *cs;
static const struct span host[] = {{(const uint8_t *)"a.test", 6},
                                   {(const uint8_t *)"mx.a.test", 9}};
static const nstime NOW = (MAKE_FROM + 86400) * NS_PER_S;

/* No store knows any of them: DANE needs none. */
static int set_up(void **state)
{
    (void)state;
    cs = certificates_new("/nowhere");
    root = make((struct recipe){.name = "Root", .authority = true});
    middle = make((struct recipe){.name = "Middle", .authority = true, .issuer = &root});
    leaf = make((struct recipe){
        .name = "leaf", .issuer = &middle, .names = "DNS:mx.a.test", .until = MAKE_UNTIL - 86400});
    own = make((struct recipe){.name = "own", .authority = true, .names = "DNS:mx.a.test"});
    other = make((struct recipe){.name = "other"});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unmake(&root);
    unmake(&middle);
    unmake(&leaf);
    unmake(&own);
    unmake(&other);
    certificates_free(cs);
    return 0;
}

/* A record with the bytes that it borrows. */
struct record {
    struct tlsa t;
    unsigned char data[2048];
};

static void write_record(struct record *r, uint8_t usage, uint8_t selector, uint8_t matching,
                         const struct made *of)
{
    unsigned char *p = r->data;
    unsigned digest = 0;
    int n = selector == TLSA_SPKI ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(of->x), NULL)
                                  : i2d_X509(of->x, NULL);

    assert_true(n > 0 && (size_t)n <= sizeof(r->data));
    (void)(selector == TLSA_SPKI ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(of->x), &p)
                                 : i2d_X509(of->x, &p));
    if (matching != TLSA_FULL)
        assert_true(EVP_Digest(r->data, (size_t)n, r->data, &digest,
                               matching == TLSA_SHA256 ? EVP_sha256() : EVP_sha512(), NULL) == 1);
    r->t = (struct tlsa){.usage = usage,
                         .selector = selector,
                         .matching = matching,
                         .data = span_of(r->data, matching == TLSA_FULL ? (size_t)n : digest)};
}

static const struct certificate *look(const struct made *const *m, size_t n)
{
    struct span chain[12];
    const struct certificate *c;

    for (size_t i = 0; i < n; i++)
        chain[i] = made_der(m[i]);
    c = certificates_look(cs, chain, n, later());
    assert_non_null(c);
    return c;
}

#define CHAIN(...)                                                                                 \
    (const struct made *const[]){__VA_ARGS__},                                                     \
        sizeof((const struct made *const[]){__VA_ARGS__}) / sizeof(struct made *)

static enum dane_result one(uint8_t usage, uint8_t selector, uint8_t matching,
                            const struct made *of, const struct made *const *m, size_t n)
{
    const struct certificate *c = look(m, n);
    enum dane_result result;
    struct record r;

    write_record(&r, usage, selector, matching, of);
    result = certificate_dane(c, &r.t, 1, host, 2, NOW);
    certificate_release(c);
    return result;
}

static void every_kind_of_record(void **state)
{
    (void)state;
    for (uint8_t selector = 0; selector <= 1; selector++)
        for (uint8_t matching = 0; matching <= 2; matching++) {
            assert_int_equal(one(3, selector, matching, &leaf, CHAIN(&leaf, &middle)), DANE_MATCH);
            assert_int_equal(one(3, selector, matching, &other, CHAIN(&leaf, &middle)),
                             DANE_MISMATCH);
            assert_int_equal(one(3, selector, matching, &middle, CHAIN(&leaf, &middle)),
                             DANE_MISMATCH); /* the leaf alone */
            assert_int_equal(one(2, selector, matching, &middle, CHAIN(&leaf, &middle)),
                             DANE_MATCH);
            assert_int_equal(one(2, selector, matching, &root, CHAIN(&leaf, &middle, &root)),
                             DANE_MATCH);
            assert_int_equal(one(2, selector, matching, &leaf, CHAIN(&leaf, &middle)),
                             DANE_MISMATCH); /* it is no authority */
            assert_int_equal(one(2, selector, matching, &own, CHAIN(&own)), DANE_MATCH);
            assert_int_equal(one(0, selector, matching, &middle, CHAIN(&leaf, &middle)),
                             DANE_UNUSABLE);
            assert_int_equal(one(1, selector, matching, &leaf, CHAIN(&leaf, &middle)),
                             DANE_UNUSABLE);
        }
    assert_int_equal(one(3, 1, 1, &leaf, CHAIN(&leaf)), DANE_MATCH);
}

/* RFC 7671 section 5.2: digests need the anchor in the chain; a whole one need not be sent. */
static void an_anchor_that_was_not_sent(void **state)
{
    const struct made *m[12];
    (void)state;
    assert_int_equal(one(2, 0, 1, &root, CHAIN(&leaf, &middle)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 2, &root, CHAIN(&leaf, &middle)), DANE_MISMATCH);
    assert_int_equal(one(2, 0, 0, &root, CHAIN(&leaf, &middle)), DANE_UNUSABLE);
    assert_int_equal(one(2, 1, 0, &root, CHAIN(&leaf, &middle)), DANE_UNUSABLE);
    for (size_t i = 0; i < 12; i++)
        m[i] = i == 0 ? &leaf : i == 11 ? &root : &middle;
    assert_int_equal(one(2, 1, 1, &root, m, 12), DANE_UNUSABLE); /* behind the tenth */
    assert_int_equal(one(2, 1, 1, &root, m, 10), DANE_MISMATCH);
}

static void the_anchor_must_have_signed_it(void **state)
{
    struct made twin = make((struct recipe){.as = &middle, .authority = true, .issuer = &root});
    struct made false_middle = make((struct recipe){.name = "Middle", .authority = true});
    struct made forged = make((struct recipe){
        .name = "leaf", .issuer = &middle, .names = "DNS:mx.a.test", .sign = other.key});
    struct made user = make((struct recipe){.name = "User", .issuer = &root});
    struct made of_user =
        make((struct recipe){.name = "leaf", .issuer = &user, .names = "DNS:mx.a.test"});
    (void)state;
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&leaf, &root, &middle)), DANE_MATCH);
    assert_int_equal(one(2, 1, 1, &root, CHAIN(&leaf, &root, &middle)), DANE_MATCH);
    assert_int_equal(one(2, 1, 1, &root, CHAIN(&leaf, &root)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&other, &middle)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&forged, &middle)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &false_middle, CHAIN(&leaf, &false_middle)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &user, CHAIN(&of_user, &user)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &root, CHAIN(&of_user, &user, &root)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&leaf, &twin)), DANE_MATCH); /* the key is it */
    unmake(&twin);
    unmake(&false_middle);
    unmake(&forged);
    unmake(&user);
    unmake(&of_user);
}

static void names_and_dates_are_for_anchors_alone(void **state)
{
    const struct certificate *c = look(CHAIN(&leaf, &middle));
    static const struct span wrong = {(const uint8_t *)"mx.b.test", 9};
    struct record ee, ta;
    (void)state;
    write_record(&ee, 3, 1, 1, &leaf);
    write_record(&ta, 2, 1, 1, &middle);
    assert_int_equal(certificate_dane(c, &ta.t, 1, host, 2, NOW), DANE_MATCH);
    assert_int_equal(certificate_dane(c, &ta.t, 1, &wrong, 1, NOW), DANE_MISMATCH);
    assert_int_equal(certificate_dane(c, &ta.t, 1, NULL, 0, NOW), DANE_MISMATCH);
    assert_int_equal(certificate_dane(c, &ee.t, 1, &wrong, 1, NOW), DANE_MATCH);
    for (int64_t at = MAKE_FROM - 1; at <= MAKE_UNTIL; at += MAKE_UNTIL - MAKE_FROM + 1) {
        assert_int_equal(certificate_dane(c, &ta.t, 1, host, 2, at * NS_PER_S), DANE_MISMATCH);
        assert_int_equal(certificate_dane(c, &ee.t, 1, host, 2, at * NS_PER_S), DANE_MATCH);
    }
    certificate_release(c);
}

/* What is above the anchor does not matter, and the anchor does. */
static void the_dates_up_to_the_anchor(void **state)
{
    struct made old = make((struct recipe){
        .name = "Old", .authority = true, .from = MAKE_FROM - 10, .until = MAKE_FROM});
    struct made mid = make((struct recipe){.name = "Mid", .authority = true, .issuer = &old});
    struct made end =
        make((struct recipe){.name = "end", .issuer = &mid, .names = "DNS:mx.a.test"});
    (void)state;
    assert_int_equal(one(2, 0, 1, &mid, CHAIN(&end, &mid, &old)), DANE_MATCH);
    assert_int_equal(one(2, 0, 1, &old, CHAIN(&end, &mid, &old)), DANE_MISMATCH);
    unmake(&old);
    unmake(&mid);
    unmake(&end);
}

static void the_common_name_stands_in_for_no_names(void **state)
{
    struct made cn = make((struct recipe){.name = "mx.a.test", .issuer = &middle});
    struct made both =
        make((struct recipe){.name = "mx.a.test", .issuer = &middle, .names = "DNS:mx.b.test"});
    (void)state;
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&cn, &middle)), DANE_MATCH);
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&both, &middle)), DANE_MISMATCH);
    unmake(&cn);
    unmake(&both);
}

/* Any usable record may match; those that are not do not count (RFC 7672 section 2.2). */
static void of_several_records_one_is_enough(void **state)
{
    const struct certificate *c = look(CHAIN(&leaf, &middle));
    struct record r[3];
    struct tlsa t[3];
    (void)state;
    assert_int_equal(certificate_dane(c, NULL, 0, host, 2, NOW), DANE_UNUSABLE);
    write_record(&r[0], 1, 1, 1, &leaf);
    write_record(&r[1], 3, 1, 1, &other);
    write_record(&r[2], 2, 0, 2, &middle);
    for (int i = 0; i < 3; i++)
        t[i] = r[i].t;
    assert_int_equal(certificate_dane(c, t, 1, host, 2, NOW), DANE_UNUSABLE);
    assert_int_equal(certificate_dane(c, t, 2, host, 2, NOW), DANE_MISMATCH);
    assert_int_equal(certificate_dane(c, t, 3, host, 2, NOW), DANE_MATCH);
    t[2].data.n--; /* a digest cut short is unusable */
    assert_int_equal(certificate_dane(c, t, 3, host, 2, NOW), DANE_MISMATCH);
    assert_string_equal(dane_tlsrpt(DANE_MISMATCH), "tlsa-invalid");
    assert_null(dane_tlsrpt(DANE_MATCH));
    assert_null(dane_tlsrpt(DANE_UNUSABLE));
    assert_string_equal(dane_result_text(DANE_UNUSABLE), "unusable");
    certificate_release(c);
}

static void what_is_no_certificate(void **state)
{
    static const unsigned char bytes[] = "\x30\x03xyz";
    struct made bad = {.der = (unsigned char *)(uintptr_t)bytes, .n = 5};
    (void)state;
    assert_int_equal(one(3, 1, 1, &leaf, CHAIN(&bad, &leaf)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&bad, &leaf, &middle)), DANE_MISMATCH);
    assert_int_equal(one(2, 1, 1, &middle, CHAIN(&leaf, &bad, &middle)), DANE_MATCH);
    assert_int_equal(one(3, 1, 1, &leaf, NULL, 0), DANE_MISMATCH);
}

/* What it would take too long to verify is not verified: neither a match nor a crawl. */
static void keys_that_take_too_long(void **state)
{
    BIGNUM *e = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    struct made slow = make((struct recipe){.name = "Slow", .authority = true}), end;
    EVP_PKEY *key = NULL;
    (void)state;
    assert_true(BN_hex2bn(&e, "FFFFFFFFFFFFFFC5") > 0 && EVP_PKEY_keygen_init(ctx) == 1 &&
                EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1 &&
                EVP_PKEY_keygen(ctx, &key) == 1);
    EVP_PKEY_free(slow.key);
    slow.key = key;
    assert_true(X509_set_pubkey(slow.x, key) == 1 && X509_sign(slow.x, key, EVP_sha256()) > 0);
    OPENSSL_free(slow.der);
    slow.der = NULL;
    slow.n = (size_t)i2d_X509(slow.x, &slow.der);
    end = make((struct recipe){.name = "end", .issuer = &slow, .names = "DNS:mx.a.test"});
    assert_int_equal(one(2, 1, 1, &slow, CHAIN(&end, &slow)), DANE_MISMATCH);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    unmake(&slow);
    unmake(&end);
    slow = make((struct recipe){.name = "Slow", .authority = true, .key = MAKE_BINARY});
    end = make((struct recipe){.name = "end", .issuer = &slow, .names = "DNS:mx.a.test"});
    assert_int_equal(one(2, 1, 1, &slow, CHAIN(&end, &slow)), DANE_MISMATCH);
    assert_int_equal(one(3, 1, 1, &end, CHAIN(&end, &slow)), DANE_MATCH);
    unmake(&slow);
    unmake(&end);
}

static void a_way_that_is_too_long(void **state)
{
    struct made m[8];
    const struct made *chain[8];
    (void)state;
    m[7] = make((struct recipe){.name = "7", .authority = true});
    for (int i = 6; i > 0; i--)
        m[i] = make(
            (struct recipe){.name = i % 2 ? "x" : "y", .authority = true, .issuer = &m[i + 1]});
    m[0] = make((struct recipe){.name = "end", .issuer = &m[1], .names = "DNS:mx.a.test"});
    for (int i = 0; i < 8; i++)
        chain[i] = &m[i];
    for (int i = 1; i <= CAP_CERT_STEPS; i++)
        assert_int_equal(one(2, 1, 1, &m[i], chain, 8), DANE_MATCH);
    assert_int_equal(one(2, 1, 1, &m[CAP_CERT_STEPS + 1], chain, 8), DANE_MISMATCH);
    for (int i = 0; i < 8; i++)
        unmake(&m[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_record),
        cmocka_unit_test(an_anchor_that_was_not_sent),
        cmocka_unit_test(the_anchor_must_have_signed_it),
        cmocka_unit_test(names_and_dates_are_for_anchors_alone),
        cmocka_unit_test(the_dates_up_to_the_anchor),
        cmocka_unit_test(the_common_name_stands_in_for_no_names),
        cmocka_unit_test(of_several_records_one_is_enough),
        cmocka_unit_test(what_is_no_certificate),
        cmocka_unit_test(keys_that_take_too_long),
        cmocka_unit_test(a_way_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
