/* SPDX-License-Identifier: Apache-2.0 */
#include "history/senders.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/history/observe.h"

static const struct siphash_key key = {7, 8};
static struct senders *s;
static struct baseline b;

static int setup(void **state)
{
    (void)state;
    return (s = senders_new(&key)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    senders_free(s);
    return 0;
}

static void learn(struct observation o, const char *name)
{
    struct psl_domain d;
    o.sender = span_str(name);
    psl_domain(o.sender, &d);
    senders_learn(s, &o, &d);
}

static const struct usual *recall(struct observation o, const char *name)
{
    struct psl_domain d;
    o.sender = span_str(name);
    psl_domain(o.sender, &d);
    memset(&b, 0, sizeof(b));
    senders_recall(s, &o, &d, &b);
    return &b.sender_upgrade;
}

static struct observation clear(nstime t, uint32_t client, uint32_t server)
{
    struct observation o = offered(t, client, server);
    o.asked = false;
    o.fate = OBSERVED_FATE_NONE;
    o.mail = true;
    return o;
}

/* Hosts of one domain in one /24 are one sender. */
static void how_often_it_took_an_offer(void **state)
{
    (void)state;
    learn(offered(NOON, 1, 1), "out1.alder.com");
    learn(offered(NOON, 2, 2), "OUT2.alder.com");
    learn(clear(NOON + DAY, 1, 3), "out1.alder.com");
    recall(observe(NOON + DAY, 3, 9), "out1.alder.com");
    assert_int_equal(b.sender_upgrade.of, 3);
    assert_int_equal(b.sender_upgrade.did, 2);
    assert_int_equal(b.sender_upgrade.clients, 2); /* servers that it upgraded with */
    assert_int_equal(b.sender_upgrade.days, 2);
    assert_true(b.sender_known_name);
    assert_true(b.sender_delivers);
    recall(observe(NOON, 3, 9), "out3.alder.com");
    assert_int_equal(b.sender_upgrade.of, 3);
    assert_false(b.sender_known_name);
    assert_int_equal(senders_count(s), 1);
}

/* An attacker elsewhere who says the name can neither praise it nor spoil it. */
static void the_name_in_another_network_has_no_say(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        learn(offered(NOON, 1, i % 4), "out1.alder.com");
    for (uint32_t i = 0; i < 1000; i++)
        learn(clear(NOON, 256 + i % 200, i % 4), "out1.alder.com");
    recall(observe(NOON, 1, 1), "out1.alder.com");
    assert_int_equal(b.sender_upgrade.of, 20);
    assert_int_equal(b.sender_upgrade.support, SUPPORT_WELL);
    recall(observe(NOON, 256, 1), "out1.alder.com");
    assert_int_equal(b.sender_upgrade.did, 0);
    assert_false(b.sender_known_name);
    recall(observe(NOON, 512, 1), "out1.alder.com");
    assert_int_equal(b.sender_upgrade.of, 0);
}

/* RFC 6177 section 2: /48. */
static void networks_of_ipv6(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    memcpy(o.client, "\x20\x01\x0d\xb8\x00\x01\x00\x02", 8);
    o.family = 6;
    learn(o, "out.alder.com");
    o.client[7] = 9;
    assert_int_equal(recall(o, "out.alder.com")->of, 1);
    o.client[5] = 9;
    assert_int_equal(recall(o, "out.alder.com")->of, 0);
}

static void what_came_to_nothing_does_not_count(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    o.delivered = false;
    learn(o, "out.alder.com");
    o = missing(NOON, 1, 1); /* it had no choice */
    learn(o, "out.alder.com");
    recall(observe(NOON, 1, 1), "out.alder.com");
    assert_int_equal(b.sender_upgrade.of, 0);
    assert_false(b.sender_known_name || b.sender_delivers); /* once is not often */
    learn(o, "out.alder.com");
    recall(observe(NOON, 1, 1), "out.alder.com");
    assert_true(b.sender_delivers);
}

static void alerts_and_lapses(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    o.fate = OBSERVED_FATE_ALERT;
    o.delivered = false;
    for (uint32_t i = 0; i < 3; i++)
        learn(o, "out.alder.com");
    recall(observe(NOON, 1, 1), "out.alder.com");
    assert_int_equal(b.sender_incompatible, 3);
    o = clear(NOON, 1, 1);
    o.suspicious = true;
    for (uint32_t i = 0; i < 70000; i++)
        learn(o, "out.alder.com");
    recall(observe(NOON, 1, 1), "out.alder.com");
    assert_int_equal(b.sender_lapses, UINT16_MAX); /* it stays there */
    assert_int_equal(b.sender_upgrade.of, 0);      /* and taught nothing */
    learn(offered(NOON, 1, 1), "out.alder.com");
    recall(observe(NOON, 1, 1), "out.alder.com");
    assert_int_equal(b.sender_lapses, 0);
    assert_int_equal(b.sender_upgrade.did, 1);
    assert_int_equal(b.sender_upgrade.of, 2); /* they count once, however many they were */
}

/* More sessions a day than can be counted: the share stays what it was. */
static void a_busy_day(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 200000; i++)
        learn(i % 2 ? offered(NOON, 1, i % 9) : clear(NOON, 1, i % 9), "out.alder.com");
    recall(observe(NOON, 1, 1), "out.alder.com");
    assert_true(b.sender_upgrade.did < 0.51 * b.sender_upgrade.of);
    assert_int_equal(b.sender_upgrade.support, SUPPORT_NONE);
}

static void the_one_not_met_for_longest_goes(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    learn(o, "out.alder.com");
    o.family = 6;
    for (uint32_t i = 0; i < CAP_HISTORY_SENDERS; i++) {
        memcpy(o.client, &i, sizeof(i));
        learn(o, "out.alder.com");
    }
    assert_int_equal(senders_count(s), CAP_HISTORY_SENDERS);
    assert_int_equal(recall(observe(NOON, 1, 1), "out.alder.com")->of, 0);
}

static void an_observation_of_nothing(void **state)
{
    static const struct observation none;
    (void)state;
    learn(none, "");
    assert_int_equal(senders_count(s), 0);
    assert_int_equal(recall(none, "")->of, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(how_often_it_took_an_offer),
        T(the_name_in_another_network_has_no_say),
        T(networks_of_ipv6),
        T(what_came_to_nothing_does_not_count),
        T(alerts_and_lapses),
        T(a_busy_day),
        T(the_one_not_met_for_longest_goes),
        T(an_observation_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
