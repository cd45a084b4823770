/* SPDX-License-Identifier: Apache-2.0 */
#include "history/senders.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "history/days.h"
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

/* The client has `pair` sessions in TLS with this server behind it. */
static void learn_of_pair(struct observation o, const char *name, uint32_t pair)
{
    struct psl_domain d;
    o.sender = span_str(name);
    psl_domain(o.sender, &d);
    memset(&b, 0, sizeof(b));
    b.pair_upgrade = (struct usual){.of = pair, .did = pair};
    senders_recall(s, &o, &d, &b);
    senders_learn(s, &o, &d, &b);
}

static void learn(struct observation o, const char *name)
{
    learn_of_pair(o, name, 0);
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
    o.mail = o.declined = true;
    return o;
}

/* As `clear`, from when to when. */
static struct observation lapse(nstime begin, nstime end)
{
    struct observation o = clear(end, 1, 1);
    o.begin = begin;
    return o;
}

static struct observation upgrade(nstime begin)
{
    struct observation o = offered(begin, 1, 1);
    o.begin = begin;
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

/* Of sessions that came to TLS and delivered. */
static void which_hellos_it_says(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    o.ja4 = 7;
    learn(o, "out1.alder.com");
    learn(o, "out2.alder.com");
    o.ja4 = 8;
    learn(o, "out1.alder.com");
    o.ja4 = 0; /* not seen */
    learn(o, "out1.alder.com");
    o.ja4 = 9;
    o.fate = OBSERVED_FATE_ALERT;
    learn(o, "out1.alder.com");
    recall(o, "out1.alder.com");
    assert_int_equal(b.sender_ja4.kinds, 2);
    assert_int_equal(b.sender_ja4.seen, 3);
    assert_int_equal(b.sender_ja4.same, 0);
    o.ja4 = 7;
    recall(o, "out1.alder.com");
    assert_int_equal(b.sender_ja4.same, 2);
    o.upgraded_before = true; /* it is one of those two */
    recall(o, "out1.alder.com");
    assert_int_equal(b.sender_ja4.same, 1);
    assert_int_equal(b.sender_ja4.seen, 2);
    o.upgraded_before = false;
    recall(o, "out1.birch.com");
    assert_int_equal(b.sender_ja4.seen, 0);
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

static void alerts(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    o.fate = OBSERVED_FATE_ALERT;
    o.delivered = false;
    for (uint32_t i = 0; i < 3; i++)
        learn(o, "out.alder.com");
    recall(observe(NOON, 1, 1), "out.alder.com");
    assert_int_equal(b.sender_incompatible, 3);
}

/* What is in clear behind the last upgrade says nothing before it is known what comes next. */
static void lapses_wait_for_what_comes(void **state)
{
    (void)state;
    learn(upgrade(NOON), "out.alder.com");
    for (int64_t i = 1; i <= 70000; i++)
        learn_of_pair(lapse(NOON + i, NOON + i), "out.alder.com", 1);
    recall(lapse(NOON + HOUR, NOON + HOUR), "out.alder.com");
    assert_int_equal(b.sender_lapses, UINT16_MAX); /* it stays there */
    assert_int_equal(b.sender_upgrade.of, 1);      /* and taught nothing */
    assert_false(b.sender_mixed || b.sender_back);
    learn(upgrade(NOON + HOUR), "out.alder.com");
    recall(lapse(NOON + HOUR, NOON + HOUR), "out.alder.com");
    assert_int_equal(b.sender_lapses, 0);
    assert_int_equal(b.sender_upgrade.did, 2);
    assert_int_equal(b.sender_upgrade.of, 3); /* they count once, however many they were */
    assert_false(b.sender_mixed);             /* it came back once */
}

/* A server knows so many clients, and no more; the sender itself knows with whom it had TLS. */
static void a_server_of_many_clients(void **state)
{
    struct observation o = lapse(NOON + HOUR, NOON + HOUR);
    (void)state;
    learn(upgrade(NOON), "out.alder.com");
    recall(o, "out.alder.com");
    assert_int_equal(b.pair_upgrade.did, 0); /* it does not know this one */
    assert_true(senders_lapsed(&o, &b));
    recall(o, "printer.alder.com");
    assert_false(senders_lapsed(&o, &b));
    recall(clear(NOON + HOUR, 1, 2), "out.alder.com"); /* a destination that is left out */
    assert_false(senders_lapsed(&o, &b));
    recall(clear(NOON + 30 * DAY, 1, 1), "out.alder.com"); /* forgotten */
    assert_false(senders_lapsed(&o, &b));
}

/* A provider's servers are many. */
static void a_sender_to_many_servers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        learn(offered(NOON, 1, i), "out.alder.com");
    for (uint32_t i = 0; i < 101; i++) {
        recall(clear(NOON + HOUR, 1, i), "out.alder.com");
        assert_int_equal(b.sender_knows_server, i < 100);
    }
}

static void who_came_back_twice_is_mixed(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 3; i++) {
        learn(upgrade(NOON + i * HOUR), "out.alder.com");
        recall(lapse(NOON + DAY, NOON + DAY), "out.alder.com");
        assert_int_equal(b.sender_mixed, i == 2);
        learn_of_pair(lapse(NOON + i * HOUR + MINUTE, NOON + i * HOUR + MINUTE), "out.alder.com",
                      1);
    }
    assert_int_equal(b.sender_upgrade.of, 5);
    recall(observe(NOON + 29 * DAY, 1, 1), "out.alder.com");
    assert_true(b.sender_mixed);
    recall(observe(NOON + 30 * DAY, 1, 1), "out.alder.com"); /* a month later it is forgotten */
    assert_false(b.sender_mixed);
}

/* Sessions are open beside each other: what counts is which began later. */
static void one_that_began_before_an_upgrade(void **state)
{
    (void)state;
    learn(upgrade(NOON + MINUTE), "out.alder.com");
    recall(lapse(NOON, NOON + HOUR), "out.alder.com");
    assert_true(b.sender_back);
    recall(lapse(NOON + MINUTE, NOON + HOUR), "out.alder.com");
    assert_false(b.sender_back);
    for (uint32_t i = 0; i < 2; i++)
        learn_of_pair(lapse(NOON, NOON + HOUR), "out.alder.com", 1);
    recall(lapse(NOON + HOUR, NOON + HOUR), "out.alder.com");
    assert_int_equal(b.sender_lapses, 0);
    assert_true(b.sender_mixed);
}

/* Another machine behind the same address; a destination that is left out; one that had no choice.
 */
static void what_is_no_lapse(void **state)
{
    struct observation o = lapse(NOON + HOUR, NOON + HOUR);
    (void)state;
    learn(upgrade(NOON), "out.alder.com");
    learn_of_pair(o, "printer.alder.com", 1);
    learn_of_pair(clear(NOON + HOUR, 1, 2), "out.alder.com", 0);
    o.declined = false;
    learn_of_pair(o, "out.alder.com", 1);
    recall(o, "out.alder.com");
    assert_int_equal(b.sender_lapses, 0);
    assert_int_equal(b.sender_upgrade.of, 4); /* that is how often it takes the offer, though */
    o.declined = true;
    b.pair_upgrade.did = 1;
    assert_true(senders_lapsed(&o, &b));
    b.failed_count = 1; /* plaintext-fallback knows why */
    assert_false(senders_lapsed(&o, &b));
    o = clear(NOON + HOUR, 1, 2);
    o.suspicious = true;
    learn_of_pair(o, "out.alder.com", 0); /* nor does it teach then */
    recall(o, "out.alder.com");
    assert_int_equal(b.sender_upgrade.of, 4);
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
    assert_int_equal(senders_evicted(s), 1);
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

/* Of the two servers the one that it came to again is known still. */
static void servers_for_thirty_days_or_as_said(void **state)
{
    (void)state;
    learn(offered(NOON, 1, 1), "out.alder.com");
    learn(offered(NOON, 1, 2), "out.alder.com");
    learn(offered(NOON + 20 * DAY, 1, 2), "out.alder.com");
    assert_int_equal(recall(observe(NOON + 29 * DAY, 1, 1), "out.alder.com")->clients, 2);
    assert_int_equal(recall(observe(NOON + 30 * DAY, 1, 1), "out.alder.com")->clients, 1);
    senders_pairs(s, 10);
    assert_int_equal(recall(observe(NOON + 29 * DAY, 1, 1), "out.alder.com")->clients, 1);
    senders_sweep(s, days_of(NOON + 30 * DAY));
    assert_int_equal(recall(observe(NOON, 1, 1), "out.alder.com")->clients, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(how_often_it_took_an_offer),
        T(which_hellos_it_says),
        T(servers_for_thirty_days_or_as_said),
        T(the_name_in_another_network_has_no_say),
        T(networks_of_ipv6),
        T(what_came_to_nothing_does_not_count),
        T(alerts),
        T(lapses_wait_for_what_comes),
        T(a_server_of_many_clients),
        T(a_sender_to_many_servers),
        T(who_came_back_twice_is_mixed),
        T(one_that_began_before_an_upgrade),
        T(what_is_no_lapse),
        T(a_busy_day),
        T(the_one_not_met_for_longest_goes),
        T(an_observation_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
