/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7672 section 2: which exchangers are under DANE, by validated look-ups, and until when. */
#include "policy/exchangers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR  (3600 * NS_PER_S)
#define DAY   (24 * HOUR)
#define START (1795219200 * NS_PER_S)

static const struct siphash_key key = {1, 2};
static const uint8_t ADDRESS[16] = {192, 0, 2, 25};
static struct exchangers *e;
static struct lookup l;
static struct route route[CAP_ROUTES_TO];

static struct domain dom(const char *name)
{
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    return d;
}

static int setup(void **state)
{
    (void)state;
    e = exchangers_new(&key);
    return e ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    exchangers_free(e);
    return 0;
}

/* a.test goes to mx.a.test at 192.0.2.25, all of it validated, with one record; TTL of an hour. */
static void whole(nstime t)
{
    l = (struct lookup){.time = t, .asked_mx = true, .mx = LOOKUP_SECURE, .items = 1};
    l.domain = dom("a.test");
    l.item[0] = (struct lookup_mx){.address = LOOKUP_SECURE,
                                   .tlsa = LOOKUP_SECURE,
                                   .has_tlsa = true,
                                   .records = 1,
                                   .record = {{TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA256, 32, {7}}},
                                   .ttl = 3600,
                                   .at = {{4, {192, 0, 2, 25}}},
                                   .addresses = 1};
    l.item[0].host = l.item[0].base = dom("mx.a.test");
}

static size_t led_to(nstime t, const char *recipient, const char *name, size_t n)
{
    struct domain r = recipient ? dom(recipient) : (struct domain){0};
    struct domain said = name ? dom(name) : (struct domain){0};
    const struct exchangers_query q = {.time = t,
                                       .family = 4,
                                       .address = ADDRESS,
                                       .name = name ? &said : NULL,
                                       .recipient = &r,
                                       .recipients = recipient ? 1 : 0};
    return exchangers_to(e, &q, route, n, CAP_ROUTES_TO);
}

static void by_whom_a_session_is_with(void **state)
{
    (void)state;
    whole(START);
    exchangers_learn(e, &l);
    assert_int_equal(exchangers_count(e), 1);
    assert_int_equal(led_to(START, NULL, NULL, 0), 1);
    assert_string_equal(route[0].domain.text, "a.test");
    assert_string_equal(route[0].mx.text, "mx.a.test");
    assert_true(route[0].dane && route[0].looked_up && !route[0].stale && !route[0].named);
    assert_int_equal(led_to(START, "a.test", NULL, 0), 1);
    assert_int_equal(led_to(START, "b.test", NULL, 0), 0); /* the mail is for another */
    assert_int_equal(led_to(START, NULL, "mx.a.test", 0), 1);
    assert_false(route[0].named);
    assert_int_equal(led_to(START, NULL, "mx.b.test", 0), 0); /* a.test lent itself its address */
    assert_int_equal(led_to(START, "a.test", "mx.b.test", 0), 1); /* but the mail is for a.test */
    l.item[0].addresses = 0;
    l.time = START + HOUR; /* known by its name alone from now on */
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START + HOUR, NULL, NULL, 0), 0);
    assert_int_equal(led_to(START + HOUR, "a.test", "mx.a.test", 0), 1);
    assert_true(route[0].named);
    assert_int_equal(led_to(START + HOUR, NULL, "mx.a.test", 0), 1);
    assert_int_equal(led_to(START + HOUR, NULL, "mx.b.test", 0), 0);
}

/* What DNS on the tap led to without a mark is marked by what we know. */
static void a_route_of_the_tap(void **state)
{
    (void)state;
    whole(START);
    l.item[0].addresses = 0;
    exchangers_learn(e, &l);
    route[0] = (struct route){.domain = dom("a.test"), .mx = dom("mx.a.test")};
    assert_int_equal(led_to(START, "a.test", NULL, 1), 1);
    assert_true(route[0].dane && route[0].looked_up);
    route[0] = (struct route){.domain = dom("a.test"), .mx = dom("mx.other.test")};
    assert_int_equal(led_to(START, "a.test", NULL, 1), 1);
    assert_false(route[0].dane);
}

/* A day before it and a day after it; sure within the TTL of an hour, and five minutes. */
static void how_long_a_look_up_holds(void **state)
{
    (void)state;
    whole(START);
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START - DAY - 1, "a.test", NULL, 0), 0);
    assert_int_equal(led_to(START - DAY, "a.test", NULL, 0), 1);
    assert_true(route[0].stale);
    assert_int_equal(led_to(START + HOUR + 299 * NS_PER_S, "a.test", NULL, 0), 1);
    assert_false(route[0].stale);
    assert_int_equal(led_to(START + HOUR + 300 * NS_PER_S, "a.test", NULL, 0), 1);
    assert_true(route[0].stale);
    assert_int_equal(led_to(START + DAY, "a.test", NULL, 0), 0);
}

static void what_is_under_dane(void **state)
{
    static const enum lookup_security BAD[] = {LOOKUP_INSECURE, LOOKUP_BOGUS, LOOKUP_FAILED};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        whole(START);
        l.mx = BAD[i];
        exchangers_learn(e, &l);
        whole(START);
        l.item[0].address = BAD[i];
        exchangers_learn(e, &l);
        whole(START);
        l.item[0].tlsa = BAD[i];
        exchangers_learn(e, &l);
    }
    whole(START);
    l.item[0].has_tlsa = false;
    l.item[0].records = 0;
    exchangers_learn(e, &l);
    whole(START);
    l.asked_mx = false;
    exchangers_learn(e, &l);
    assert_int_equal(exchangers_count(e), 0);
    whole(START);
    l.item[0].records = 0; /* all unusable: TLS all the same (section 2.2) */
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START, "a.test", NULL, 0), 1);
    struct domain a = dom("a.test"), mx = dom("mx.a.test");
    struct exchangers_dane dane;
    assert_true(exchangers_dane(e, START, &a, &mx, &dane));
    assert_int_equal(dane.n, 0);
}

/* Section 2.1.2: what fails or is bogus denies nothing; what is proven does. */
static void what_ends_it(void **state)
{
    static const enum lookup_security UNSURE[] = {LOOKUP_BOGUS, LOOKUP_FAILED};
    struct domain base = dom("mx.a.test");
    nstime t = START, since;
    (void)state;
    whole(t);
    exchangers_learn(e, &l);
    for (size_t i = 0; i < 2; i++) { /* each goes on for another day */
        whole(t += 20 * HOUR);
        l.item[0].tlsa = UNSURE[i];
        exchangers_learn(e, &l);
        whole(t += 20 * HOUR);
        l.item[0].address = UNSURE[i];
        exchangers_learn(e, &l);
        whole(t += 20 * HOUR);
        l.mx = UNSURE[i];
        l.items = 0;
        exchangers_learn(e, &l);
    }
    assert_int_equal(led_to(t + DAY - 1, "a.test", NULL, 0), 1);
    assert_true(exchangers_records(e, t + DAY - 1, &base, &since));
    assert_true(since == START);
    whole(t += HOUR);
    l.item[0].has_tlsa = false;
    l.item[0].records = 0;
    exchangers_learn(e, &l);
    assert_int_equal(led_to(t - 1, "a.test", NULL, 0), 1);
    assert_int_equal(led_to(t, "a.test", NULL, 0), 0);
    assert_false(exchangers_records(e, t, &base, &since));
    for (int kind = 0; kind < 3; kind++) { /* set up again, and denied in other ways */
        whole(t += HOUR);
        exchangers_learn(e, &l);
        assert_int_equal(led_to(t, "a.test", NULL, 0), 1);
        whole(t += HOUR);
        if (kind == 0)
            l.mx = LOOKUP_INSECURE;
        else if (kind == 1)
            l.item[0].address = LOOKUP_INSECURE;
        else
            l.item[0].host = dom("mx2.a.test");
        l.item[0].tlsa = kind == 2 ? LOOKUP_INSECURE : LOOKUP_SECURE;
        exchangers_learn(e, &l);
        assert_int_equal(led_to(t, "a.test", NULL, 0), 0);
    }
}

/* Section 2.2.2: where the addresses are not signed, and the alias that leads to them is. */
static void a_secure_alias(void **state)
{
    (void)state;
    whole(START);
    l.item[0].address = LOOKUP_INSECURE;
    l.item[0].alias = true;
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START, "a.test", NULL, 0), 1);
    assert_true(route[0].dane);
    whole(START + HOUR);
    l.item[0].address = LOOKUP_FAILED; /* a sender would wait */
    l.item[0].alias = true;
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START + HOUR, "a.test", NULL, 0), 1);
    whole(START + 2 * HOUR);
    l.item[0].address = LOOKUP_INSECURE; /* it is no alias any more */
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START + 2 * HOUR, "a.test", NULL, 0), 0);
}

/* Who is not among those that were kept need not be gone. */
static void what_is_left_out_is_not_denied(void **state)
{
    (void)state;
    whole(START);
    exchangers_learn(e, &l);
    whole(START + HOUR);
    l.item[0].host = dom("mx2.a.test");
    l.item[0].has_tlsa = false;
    l.item[0].records = 0;
    l.items_left_out = 1;
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START + HOUR, "a.test", "mx.a.test", 0), 1);
    l.time += HOUR;
    l.items_left_out = 0;
    exchangers_learn(e, &l);
    assert_int_equal(led_to(START + 2 * HOUR, "a.test", "mx.a.test", 0), 0);
}

static void memory_is_bounded(void **state)
{
    char name[32];
    (void)state;
    for (unsigned i = 0; i < CAP_EXCHANGERS + 100; i++) {
        whole(START);
        snprintf(name, sizeof(name), "d%u.test", i);
        l.domain = dom(name);
        exchangers_learn(e, &l);
    }
    assert_int_equal(exchangers_count(e), CAP_EXCHANGERS);
    assert_int_equal(led_to(START, "d99.test", NULL, 0), 0);
    assert_int_equal(led_to(START, "d100.test", NULL, 0), 1);
    assert_int_equal(led_to(START, NULL, NULL, 0), CAP_ROUTES_TO);
    for (unsigned i = 0; i < 10; i++) { /* of one, those that count */
        whole(START + (nstime)i);
        l.domain = dom("one.test");
        exchangers_learn(e, &l);
    }
    assert_int_equal(exchangers_count(e), CAP_EXCHANGERS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_secure_alias),
        TEST(what_is_left_out_is_not_denied),
        TEST(by_whom_a_session_is_with),
        TEST(a_route_of_the_tap),
        TEST(how_long_a_look_up_holds),
        TEST(what_is_under_dane),
        TEST(what_ends_it),
        TEST(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
