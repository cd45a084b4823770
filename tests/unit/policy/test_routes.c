/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define S NS_PER_S

static const struct siphash_key key = {3, 4};
static const uint8_t v4[16] = {192, 0, 2, 1}, other[16] = {192, 0, 2, 2}, v6[16] = {0x20, 1};
static struct routes *r;
static struct route to[8];
static uint16_t preference;
static bool secure; /* of what is answered from now on */

static struct domain dom(const char *name)
{
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    return d;
}

static void mx(nstime t, const char *domain, const char *host, uint32_t ttl)
{
    struct domain d = dom(domain), h = dom(host);
    routes_add_mx(r, t, &d, &h, preference, ttl, secure);
}

static void address(nstime t, const char *host, uint8_t family, const uint8_t a[16], uint32_t ttl)
{
    struct domain h = dom(host);
    routes_add_address(r, t, &h, family, a, ttl, secure);
}

static size_t ask(nstime t, uint8_t family, const uint8_t a[16])
{
    return routes_to(r, t, t, family, a, to, 8);
}

static int setup(void **state)
{
    (void)state;
    secure = false;
    r = routes_new(&key);
    return r ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    routes_free(r);
    return 0;
}

static void an_address_leads_back_to_the_domain(void **state)
{
    (void)state;
    mx(10 * S, "a.test", "mx1.a.test", 60);
    mx(10 * S, "a.test", "mx2.a.test", 60);
    mx(10 * S, "B.test", "MX1.a.test.", 60);
    address(11 * S, "mx1.a.test", 4, v4, 60);
    address(11 * S, "mx1.a.test", 6, v6, 60);
    assert_int_equal(ask(12 * S, 4, v4), 2);
    assert_string_equal(to[0].mx.text, "mx1.a.test");
    assert_int_equal(ask(12 * S, 6, v6), 2);
    assert_int_equal(ask(12 * S, 4, other), 0);
    assert_int_equal(ask(12 * S, 6, v4), 0); /* the family is part of the address */
    assert_int_equal(ask(9 * S, 4, v4), 0);  /* not before it was answered */
    assert_int_equal(routes_to(r, 12 * S, 12 * S, 4, v4, to, 1), 1);
}

static void a_domain_with_two_hosts_at_one_address_comes_once(void **state)
{
    (void)state;
    mx(S, "a.test", "mx1.a.test", 60);
    mx(S, "a.test", "mx2.a.test", 60);
    address(S, "mx1.a.test", 4, v4, 60);
    address(S, "mx2.a.test", 4, v4, 60);
    assert_int_equal(ask(2 * S, 4, v4), 1);
}

/* TTL and five minutes; said again, it holds from then on. */
/* The best of what an address is for a domain: what the newest answer says. */
static void the_lower_the_better(void **state)
{
    (void)state;
    preference = 30;
    mx(S, "a.test", "mx1.a.test", 60);
    preference = 20;
    mx(S, "a.test", "mx2.a.test", 60);
    preference = 40;
    mx(S, "b.test", "mx2.a.test", 60);
    address(S, "mx1.a.test", 4, v4, 60);
    address(S, "mx2.a.test", 4, v4, 60);
    assert_int_equal(ask(S, 4, v4), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(to[i].preference, strcmp(to[i].domain.text, "a.test") == 0 ? 20 : 40);
    preference = 50;
    mx(S, "a.test", "mx2.a.test", 60);
    assert_int_equal(ask(S, 4, v4), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(to[i].preference, strcmp(to[i].domain.text, "a.test") == 0 ? 30 : 40);
    preference = 0;
}

static void an_answer_ends(void **state)
{
    (void)state;
    mx(0, "a.test", "mx.a.test", 3600);
    address(0, "mx.a.test", 4, v4, 60);
    assert_int_equal(ask(359 * S, 4, v4), 1);
    assert_int_equal(ask(360 * S, 4, v4), 0);
    address(1000 * S, "mx.a.test", 4, v4, 60);
    assert_int_equal(ask(1359 * S, 4, v4), 1);
    mx(INT64_MAX - S, "b.test", "mx.b.test", UINT32_MAX);
    address(INT64_MAX - S, "mx.b.test", 4, other, UINT32_MAX);
    assert_int_equal(ask(INT64_MAX - 1, 4, other), 1);
}

/* An answer during the connection is as good as one before it; one after it is of another. */
static void a_connection_takes_time(void **state)
{
    (void)state;
    mx(10 * S, "a.test", "mx.a.test", 60);
    address(20 * S, "mx.a.test", 4, v4, 60);
    assert_int_equal(routes_to(r, 5 * S, 19 * S, 4, v4, to, 8), 0);
    assert_int_equal(routes_to(r, 5 * S, 20 * S, 4, v4, to, 8), 1);
    assert_int_equal(routes_to(r, 369 * S, 9999 * S, 4, v4, to, 8), 1);
    assert_int_equal(routes_to(r, 370 * S, 9999 * S, 4, v4, to, 8), 0); /* the MX had ended */
}

static void the_oldest_gives_way(void **state)
{
    char name[32];
    (void)state;
    mx(0, "a.test", "mx.a.test", 3600);
    address(0, "mx.a.test", 4, v4, 3600);
    for (int i = 0; i < CAP_ROUTES - 2; i++) {
        uint8_t a[16] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        snprintf(name, sizeof(name), "h%d.test", i);
        address(0, name, 4, a, 3600);
    }
    assert_int_equal(ask(S, 4, v4), 1);
    address(0, "last.test", 4, other, 3600);
    assert_int_equal(ask(S, 4, v4), 0);
}

/* Whoever points a hundred thousand names at one address makes nobody search through them. */
static void of_one_key_no_more_than_a_few(void **state)
{
    char name[32];
    (void)state;
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "h%d.test", i);
        address(0, name, 4, v4, 3600);
        mx(0, name, "mx.test", 3600);
    }
    for (int i = 100000 - CAP_ROUTES_KEY - 1; i < 100000; i++) {
        snprintf(name, sizeof(name), "h%d.test", i);
        mx(0, "a.test", name, 3600);
        assert_int_equal(ask(S, 4, v4), i > 99999 - CAP_ROUTES_KEY);
    }
}

static void tlsa(nstime t, const char *host, bool usable, uint32_t ttl)
{
    struct domain h = dom(host);
    const struct route_tlsa one = {3, 1, 1, 32, {7}};
    routes_set_tlsa(r, t, &h, &one, usable, ttl);
}

static bool dane(nstime t)
{
    assert_int_equal(ask(t, 4, v4), 1);
    return to[0].dane;
}

/* RFC 7672 section 2.2.1: the MX records, the address and the TLSA records, each of them. */
static void dane_takes_a_chain_without_a_gap(void **state)
{
    (void)state;
    for (int bits = 0; bits < 4; bits++) {
        teardown(state);
        setup(state);
        secure = bits & 1;
        mx(S, "a.test", "mx.a.test", 60);
        secure = bits & 2;
        address(S, "mx.a.test", 4, v4, 60);
        assert_false(dane(2 * S));
        tlsa(S, "mx.a.test", true, 60);
        assert_int_equal(dane(2 * S), bits == 3);
    }
    assert_true(dane(360 * S));
    address(100 * S, "mx.a.test", 4, v4, 3600);
    mx(100 * S, "a.test", "mx.a.test", 3600);
    assert_true(dane(361 * S - 1));
    tlsa(100 * S, "mx.a.test", true, 3600);
    secure = false;
    address(100 * S, "mx.a.test", 4, v4, 3600); /* what was not authentic lengthens nothing */
    mx(100 * S, "a.test", "mx.a.test", 3600);
    secure = true;
    assert_int_equal(ask(600 * S, 4, v4), 1);
    tlsa(600 * S, "mx.a.test", false, 60); /* securely: there are none */
    assert_false(dane(600 * S));
}

static void an_alias_leads_to_the_records(void **state)
{
    struct domain host, target;
    (void)state;
    secure = true;
    mx(S, "a.test", "mx.a.test", 3600);
    address(S, "mx.a.test", 4, v4, 3600);
    tlsa(S, "real.test", true, 3600);
    assert_false(dane(2 * S));
    host = dom("mx.a.test");
    target = dom("real.test");
    routes_add_alias(r, S, &host, &target, 3600, false);
    assert_false(dane(2 * S));
    routes_add_alias(r, S, &host, &target, 3600, true);
    assert_true(dane(2 * S));
}

static struct route_tlsa got[CAP_ROUTES_TLSA];

static size_t records(nstime first, nstime last, const char *host, size_t most)
{
    struct domain h = dom(host);
    return routes_tlsa(r, first, last, &h, got, most);
}

static void set(nstime t, const char *host, const struct route_tlsa *list, size_t n, uint32_t ttl)
{
    struct domain h = dom(host);
    routes_set_tlsa(r, t, &h, list, n, ttl);
}

static bool has(const struct route_tlsa *one, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (got[i].usage == one->usage && got[i].selector == one->selector &&
            got[i].matching == one->matching && got[i].n == one->n &&
            memcmp(got[i].data, one->data, one->n) == 0)
            return true;
    return false;
}

/* Two of a host that rolls its key; each ends with the last answer that had it. */
static void records_are_kept_until_their_time(void **state)
{
    const struct route_tlsa old = {3, 1, 1, 32, {7}}, new = {3, 1, 1, 32, {8}},
                            long_one = {2, 0, 2, 64, {9}};
    const struct route_tlsa two[] = {old, new}, other_two[] = {new, long_one};
    (void)state;
    assert_int_equal(records(S, S, "mx.a.test", 16), 0);
    set(S, "mx.a.test", &old, 1, 60);
    assert_int_equal(records(S, S, "mx.a.test", 16), 1);
    assert_true(has(&old, 1));
    assert_int_equal(records(0, S - 1, "mx.a.test", 16), 0); /* nobody had asked */
    assert_int_equal(records(S, S, "mx2.a.test", 16), 0);
    set(20 * S, "mx.a.test", two, 2, 60);
    set(40 * S, "mx.a.test", other_two, 2, 600);
    assert_int_equal(records(50 * S, 50 * S, "mx.a.test", 16), 3);
    assert_true(has(&old, 3) && has(&new, 3) && has(&long_one, 3));
    assert_int_equal(records(50 * S, 50 * S, "mx.a.test", 2), 2);
    assert_int_equal(records(50 * S, 50 * S, "mx.a.test", 0), 0);
    /* 20 s, the TTL of 60 s and 300 s of slack */
    assert_int_equal(records(380 * S - 1, 380 * S - 1, "mx.a.test", 16), 3);
    assert_int_equal(records(380 * S, 380 * S, "mx.a.test", 16), 2);
    assert_false(has(&old, 2));
    assert_int_equal(records(379 * S, 500 * S, "mx.a.test", 16), 3); /* held when it began */
    assert_int_equal(records(940 * S, 940 * S, "mx.a.test", 16), 0);
}

/* An answer that securely has none ends those before it; a later one has its own. */
static void none_at_all_ends_them(void **state)
{
    const struct route_tlsa one = {3, 1, 1, 32, {7}}, two = {3, 0, 1, 32, {8}};
    const struct route_tlsa both[] = {one, two};
    (void)state;
    set(S, "mx.a.test", both, 2, 3600);
    set(S, "mx.b.test", &one, 1, 3600);
    set(2 * S, "mx.a.test", NULL, 0, 3600);
    assert_int_equal(records(3 * S, 3 * S, "mx.a.test", 16), 0);
    assert_int_equal(records(3 * S, 3 * S, "mx.b.test", 16), 1);
    assert_int_equal(routes_count(r), 1);
    set(4 * S, "mx.a.test", &two, 1, 3600);
    assert_int_equal(records(5 * S, 5 * S, "mx.a.test", 16), 1);
    assert_true(has(&two, 1));
}

/* RFC 7672 section 2.2.2: what a secure alias leads to, and what the host has itself. */
static void records_behind_an_alias(void **state)
{
    const struct route_tlsa own = {3, 1, 1, 32, {1}}, target = {3, 1, 1, 32, {2}};
    struct domain host, real;
    (void)state;
    host = dom("mx.a.test");
    real = dom("real.test");
    set(S, "real.test", &target, 1, 3600);
    routes_add_alias(r, S, &host, &real, 60, false);
    assert_int_equal(records(2 * S, 2 * S, "mx.a.test", 16), 0);
    routes_add_alias(r, S, &host, &real, 60, true);
    assert_int_equal(records(2 * S, 2 * S, "mx.a.test", 16), 1);
    assert_true(has(&target, 1));
    set(S, "mx.a.test", &own, 1, 3600);
    assert_int_equal(records(2 * S, 2 * S, "mx.a.test", 16), 2);
    assert_true(has(&own, 2) && has(&target, 2));
    assert_int_equal(records(2 * S, 2 * S, "mx.a.test", 1), 1);
    assert_int_equal(records(361 * S, 361 * S, "mx.a.test", 16), 1); /* the alias is over */
    assert_true(has(&own, 1));
}

/* Of matching type 0 the SHA-256 of the data is kept: that of "abc" is in FIPS 180-2. */
static void what_stands_for_a_whole_certificate(void **state)
{
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    static const uint8_t many[65];
    struct tlsa t = {.usage = 3, .selector = 0, .matching = TLSA_FULL, .data = span_str("abc")};
    struct route_tlsa kept;
    (void)state;
    assert_false(route_tlsa_of(&t, &kept)); /* not usable */
    t.usable = true;
    assert_true(route_tlsa_of(&t, &kept));
    assert_int_equal(kept.matching, TLSA_FULL);
    assert_int_equal(kept.n, 32);
    assert_memory_equal(kept.data, abc, sizeof(abc));
    set(S, "mx.a.test", &kept, 1, 60);
    assert_int_equal(records(S, S, "mx.a.test", 16), 1);
    struct tlsa back = route_tlsa_read(&got[0]);
    assert_int_equal(back.matching, TLSA_SHA256);
    assert_int_equal(back.usage, 3);
    assert_true(back.usable);
    assert_memory_equal(back.data.p, abc, sizeof(abc));
    t = (struct tlsa){.usage = 3, .matching = TLSA_SHA512, .data = {many, 64}, .usable = true};
    assert_true(route_tlsa_of(&t, &kept));
    assert_int_equal(route_tlsa_read(&kept).matching, TLSA_SHA512);
    assert_int_equal(route_tlsa_read(&kept).data.n, 64);
    t.data.n = 65; /* nothing that is a digest */
    assert_false(route_tlsa_of(&t, &kept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_address_leads_back_to_the_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(a_domain_with_two_hosts_at_one_address_comes_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_lower_the_better, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_takes_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_gives_way, setup, teardown),
        cmocka_unit_test_setup_teardown(of_one_key_no_more_than_a_few, setup, teardown),
        cmocka_unit_test_setup_teardown(dane_takes_a_chain_without_a_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(an_alias_leads_to_the_records, setup, teardown),
        cmocka_unit_test_setup_teardown(records_are_kept_until_their_time, setup, teardown),
        cmocka_unit_test_setup_teardown(none_at_all_ends_them, setup, teardown),
        cmocka_unit_test_setup_teardown(records_behind_an_alias, setup, teardown),
        cmocka_unit_test_setup_teardown(what_stands_for_a_whole_certificate, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
