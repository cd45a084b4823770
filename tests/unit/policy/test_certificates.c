/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificates.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard.h"
#include "make_certificate.h"

/* Nothing comes too fast. */
static nstime later(void)
{
    static nstime now;
    return now += NS_PER_S;
}

static struct made root, middle, leaf;
static char ca[32];

static int set_up(void **state)
{
    (void)state;
    root = make((struct recipe){.name = "Root", .authority = true});
    middle = make((struct recipe){.name = "Middle", .authority = true, .issuer = &root});
    leaf = make((struct recipe){.name = "leaf", .issuer = &middle, .names = "DNS:mx.a.test"});
    make_store(ca, (const struct made *const[]){&root}, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unmake(&root);
    unmake(&middle);
    unmake(&leaf);
    return unlink(ca);
}

static const struct certificate *look(struct certificates *cs, const void *p, size_t n)
{
    const struct certificate *c = certificates_look(cs, &(struct span){p, n}, 1, later());
    assert_non_null(c);
    return c;
}

static void the_same_chain_is_the_same_value(void **state)
{
    struct certificates *cs = certificates_new(ca);
    struct span chain[] = {made_der(&leaf), made_der(&middle)};
    const struct certificate *a = certificates_look(cs, chain, 2, later());
    const struct certificate *b = certificates_look(cs, chain, 2, later());
    (void)state;
    assert_ptr_equal(a, b);
    assert_int_equal(certificates_read(cs), 1);
    b = certificates_look(cs, chain, 1, later());
    assert_ptr_not_equal(a, b);
    assert_int_equal(certificates_read(cs), 2);
    certificate_release(a);
    certificate_release(certificate_hold(b));
    certificates_free(cs);
    certificate_release(a);
    assert_int_equal(b->trust, CERT_TRUST_UNTRUSTED); /* still held, and its texts with it */
    assert_true(span_eq(b->name[0], span_str("mx.a.test")));
    certificate_release(b);
    certificate_release(NULL);
    certificates_free(NULL);
}

/* "ab" and "c" are not "a" and "bc". */
static void where_one_ends_matters(void **state)
{
    struct certificates *cs = certificates_new(ca);
    struct span one[] = {span_str("ab"), span_str("c")}, two[] = {span_str("a"), span_str("bc")};
    const struct certificate *a = certificates_look(cs, one, 2, later());
    const struct certificate *b = certificates_look(cs, two, 2, later());
    (void)state;
    assert_ptr_not_equal(a, b);
    certificate_release(a);
    certificate_release(b);
    certificates_free(cs);
}

static void the_one_not_used_for_longest_goes(void **state)
{
    struct certificates *cs = certificates_new(ca);
    const struct certificate *held, *again;
    (void)state;
    held = look(cs, "held", 4);
    for (uint32_t i = 0; i < 3 * CAP_CERT_CACHED; i++) {
        certificate_release(look(cs, &i, sizeof(i)));
        certificate_release(look(cs, "often", 5));
    }
    assert_int_equal(certificates_read(cs), 3 * CAP_CERT_CACHED + 2);
    for (uint32_t i = 2 * CAP_CERT_CACHED + 1; i < 3 * CAP_CERT_CACHED; i++)
        certificate_release(look(cs, &i, sizeof(i)));
    assert_int_equal(certificates_read(cs), 3 * CAP_CERT_CACHED + 2);
    again = look(cs, "held", 4);
    assert_ptr_not_equal(again, held);
    certificate_release(held);
    certificate_release(again);
    certificates_free(cs);
}

/* 30 KiB each: 8 MiB are full long before 1,024 are there. */
static void large_ones_make_room_for_less(void **state)
{
    struct made big =
        make((struct recipe){.name = "big", .name_times = CAP_CERT_NAMES, .wide = true});
    struct certificates *cs = certificates_new(ca);
    uint32_t i;
    (void)state;
    for (i = 0; i < 400; i++) {
        struct span chain[] = {made_der(&big), span_of(&i, sizeof(i))};
        const struct certificate *c = certificates_look(cs, chain, 2, later());
        assert_int_equal(c->name[CAP_CERT_NAMES - 1].n, CAP_CERT_NAME);
        certificate_release(c);
    }
    for (i = 400; i-- > 0;) {
        struct span chain[] = {made_der(&big), span_of(&i, sizeof(i))};
        certificate_release(certificates_look(cs, chain, 2, later()));
        if (certificates_read(cs) > 400)
            break;
    }
    assert_in_range(400 - i, CAP_CERT_CACHED_BYTES / 40000, CAP_CERT_CACHED_BYTES / 25500);
    certificates_free(cs);
    unmake(&big);
}

/* Every answer that can be had of a value, so that a sanitizer sees its bytes. */
static void ask(const struct certificate *c)
{
    const struct span host = span_str("mx.a.test");
    uint8_t digest[32] = {0};
    const struct tlsa t = {.usage = 2, .matching = 1, .selector = 1, .data = {digest, 32}};
    char print[CERTIFICATE_FINGERPRINT];
    unsigned sum = 0;

    certificate_fingerprint(c, print);
    assert_int_not_equal(certificate_dane(c, &t, 1, &host, 1, 0), DANE_MATCH);
    (void)certificate_tlsrpt(c, host, MAKE_FROM * NS_PER_S);
    for (uint32_t i = 0; i < c->name_count; i++)
        for (size_t k = 0; k < c->name[i].n; k++)
            sum += c->name[i].p[k];
    for (size_t k = 0; k < c->subject.n; k++)
        sum += c->subject.p[k];
    assert_true(sum < UINT32_MAX && strlen(c->serial) < sizeof(c->serial));
}

/* What is remembered costs nothing; what is new waits for its turn. */
static void new_ones_have_an_allowance(void **state)
{
    struct certificates *cs = certificates_new(ca);
    struct span chain[] = {span_str("known"), span_of(NULL, 0)};
    uint32_t i = 0;
    (void)state;
    certificate_release(certificates_look(cs, chain, 1, 0));
    for (; i < CAP_CERT_BURST - 1; i++) {
        chain[0] = span_of(&i, sizeof(i));
        const struct certificate *c = certificates_look(cs, chain, 1, -5);
        assert_non_null(c);
        certificate_release(c);
    }
    i++;
    assert_null(certificates_look(cs, chain, 1, 0));
    assert_null(certificates_look(cs, chain, 1, NS_PER_S / CAP_CERT_RATE - 1));
    chain[0] = span_str("known");
    certificate_release(certificates_look(cs, chain, 1, 0));
    chain[0] = span_of(&i, sizeof(i));
    const struct certificate *c = certificates_look(cs, chain, 1, NS_PER_S / CAP_CERT_RATE);
    assert_non_null(c);
    certificate_release(c);
    assert_int_equal(certificates_read(cs), CAP_CERT_BURST + 1);
    certificates_free(cs);
}

/* A long chain takes the turns of several. */
static void long_ones_count_for_more(void **state)
{
    static uint8_t bytes[7 * CAP_CERT_USUAL];
    struct certificates *cs = certificates_new(ca);
    struct span chain[] = {span_of(bytes, 1), span_of(bytes, sizeof(bytes))};
    uint32_t i = 0;
    (void)state;
    certificate_release(certificates_look(cs, chain, 2, 0));
    for (; i < CAP_CERT_BURST; i++) {
        chain[0] = span_of(&i, sizeof(i));
        const struct certificate *c = certificates_look(cs, chain, 1, 0);
        if (!c)
            break;
        certificate_release(c);
    }
    assert_int_equal(i, CAP_CERT_BURST - 8);
    certificates_free(cs);
}

/* Values that the cache has let go and sessions hold are bounded as well. */
static void held_ones_are_bounded(void **state)
{
    static const struct certificate *held[20000];
    struct certificates *cs = certificates_new(ca);
    uint32_t n = 0;
    (void)state;
    for (; n < 20000; n++) {
        struct span chain[] = {span_of(&n, sizeof(n))};
        held[n] = certificates_look(cs, chain, 1, later());
        if (!held[n])
            break;
    }
    assert_in_range(n, CAP_CERT_CACHED + CAP_CERT_CACHED_BYTES / 8192,
                    CAP_CERT_CACHED + CAP_CERT_CACHED_BYTES / 2048);
    while (n-- > 0)
        certificate_release(held[n]);
    certificate_release(look(cs, "one more", 8));
    certificates_free(cs);
}

static void every_truncation(void **state)
{
    struct certificates *cs = certificates_new(ca);
    (void)state;
    for (size_t n = 0; n < leaf.n; n++) {
        uint8_t *copy = guard_copy(leaf.der, n);
        struct span chain[] = {span_of(copy, n), made_der(&middle)};
        const struct certificate *c = certificates_look(cs, chain, 2, later());
        assert_int_equal(c->trust, CERT_TRUST_UNREADABLE);
        ask(c);
        certificate_release(c);
        chain[0] = made_der(&leaf);
        chain[1] = span_of(copy, n);
        c = certificates_look(cs, chain, 2, later());
        assert_int_equal(c->trust, CERT_TRUST_UNTRUSTED);
        certificate_release(c);
        guard_free(copy);
    }
    certificates_free(cs);
}

/* The bit that is turned is signed, or the signature: nothing stays trusted. */
static void every_single_bit(void **state)
{
    struct certificates *cs = certificates_new(ca);
    (void)state;
    for (size_t bit = 0; bit < 8 * (leaf.n + middle.n); bit++) {
        const struct made *m = bit < 8 * leaf.n ? &leaf : &middle;
        size_t at = m == &leaf ? bit : bit - 8 * leaf.n;
        uint8_t *copy = guard_copy(m->der, m->n);
        struct span turned = span_of(copy, m->n);
        struct span chain[] = {m == &leaf ? turned : made_der(&leaf),
                               m == &middle ? turned : made_der(&middle)};
        const struct certificate *c;
        copy[at / 8] ^= (uint8_t)(1u << at % 8);
        c = certificates_look(cs, chain, 2, later());
        assert_non_null(c);
        if (c->trust == CERT_TRUST_OK)
            fail_msg("trusted with bit %zu turned", bit);
        ask(c);
        certificate_release(c);
        guard_free(copy);
    }
    certificates_free(cs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_chain_is_the_same_value),
        cmocka_unit_test(new_ones_have_an_allowance),
        cmocka_unit_test(long_ones_count_for_more),
        cmocka_unit_test(held_ones_are_bounded),
        cmocka_unit_test(where_one_ends_matters),
        cmocka_unit_test(the_one_not_used_for_longest_goes),
        cmocka_unit_test(large_ones_make_room_for_less),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_single_bit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
