/* SPDX-License-Identifier: Apache-2.0 */
#include "history/farms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "history/days.h"
#include "tests/unit/history/observe.h"

static const struct siphash_key key = {7, 8};
static struct farms *f;
static struct baseline b;

static int setup(void **state)
{
    (void)state;
    return (f = farms_new(&key)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    farms_free(f);
    return 0;
}

static struct psl_domain owner(const char *name)
{
    struct psl_domain d;
    psl_domain(span_str(name), &d);
    return d;
}

static void learn(struct observation o, const char *name)
{
    const struct psl_domain d = owner(name);
    farms_learn(f, &o, &d);
}

static const struct usual *recall(nstime t, const char *name)
{
    const struct psl_domain d = owner(name);
    const struct observation o = observe(t, 99, 99);
    memset(&b, 0, sizeof(b));
    farms_recall(f, &o, &d, &b);
    return &b.farm_offer;
}

static struct observation sure(struct observation o)
{
    o.host_sure = true;
    return o;
}

/* However many they are: a member that was never met is not known well. */
static void all_its_servers_together(void **state)
{
    (void)state;
    learn(sure(offered(NOON, 1, 1)), "mx1.alder.com");
    assert_int_equal(recall(NOON, "mx9.alder.com")->support, SUPPORT_NONE);
    learn(sure(offered(NOON, 2, 2)), "mx2.alder.com");
    assert_int_equal(recall(NOON, "mx9.alder.com")->support, SUPPORT_THIN);
    for (uint32_t i = 0; i < 100; i++)
        learn(sure(offered(NOON, i, i)), "mx3.alder.com");
    recall(NOON, "alder.com");
    assert_int_equal(b.farm_offer.of, 102);
    assert_int_equal(b.farm_offer.did, 102);
    assert_int_equal(b.farm_offer.support, SUPPORT_THIN);
    assert_true(b.farm_offer.more_clients);
    assert_int_equal(recall(NOON, "mx.birch.com")->of, 0);
}

static void none_where_members_differ(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        learn(sure(offered(NOON, i % 9, 1)), "mx1.alder.com");
    learn(sure(missing(NOON + DAY, 1, 2)), "mx2.alder.com");
    assert_int_equal(recall(NOON + DAY, "mx9.alder.com")->support, SUPPORT_NONE);
    assert_int_equal(recall(NOON + 30 * DAY, "mx9.alder.com")->of, 1);
    assert_int_equal(b.farm_offer.support, SUPPORT_NONE);
}

/* A day that is full must not make a mixed farm a pure one. */
static void a_busy_day(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 140000; i++)
        learn(sure(i % 2 ? offered(NOON, i % 9, 1) : missing(NOON, i % 9, 2)), "mx.alder.com");
    recall(NOON, "mx.alder.com");
    assert_true(b.farm_offer.did < b.farm_offer.of);
    assert_int_equal(b.farm_offer.support, SUPPORT_NONE);
}

/* A greeting may say anything. */
static void a_name_the_server_gave_itself_does_not_count(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 30; i++)
        learn(offered(NOON, i % 4, 1), "mx.alder.com");
    assert_int_equal(recall(NOON, "mx.alder.com")->of, 0);
}

static void no_owner_no_memory(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 30; i++)
        learn(sure(offered(NOON, i % 4, 1)), "192.0.2.1");
    assert_int_equal(recall(NOON, "192.0.2.1")->of, 0);
    assert_int_equal(recall(NOON, "")->of, 0);
}

static void only_what_was_seen_whole_counts(void **state)
{
    static const enum observation_offer none[] = {OBSERVED_OFFER_UNKNOWN, OBSERVED_OFFER_BROKEN,
                                                  OBSERVED_EHLO_REFUSED};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct observation o = sure(offered(NOON, 1, 1));
        o.offer = none[i];
        learn(o, "mx.alder.com");
    }
    assert_int_equal(recall(NOON, "mx.alder.com")->of, 0);
}

static void the_one_not_met_for_longest_goes(void **state)
{
    char name[32];
    (void)state;
    learn(sure(offered(NOON, 1, 1)), "mx.alder.com");
    for (int i = 0; i < CAP_HISTORY_FARMS; i++) {
        snprintf(name, sizeof(name), "h%d.com", i);
        learn(sure(offered(NOON, 1, 1)), name);
    }
    assert_int_equal(recall(NOON, "mx.alder.com")->of, 0);
    assert_int_equal(recall(NOON, "mx.h0.com")->of, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void clients_for_thirty_days_or_as_said(void **state)
{
    (void)state;
    learn(sure(offered(NOON, 1, 1)), "mx.alder.com");
    learn(sure(offered(NOON, 2, 1)), "mx.alder.com");
    learn(sure(offered(NOON + 20 * DAY, 2, 1)), "mx.alder.com");
    assert_int_equal(recall(NOON + 29 * DAY, "mx.alder.com")->clients, 2);
    assert_int_equal(recall(NOON + 30 * DAY, "mx.alder.com")->clients, 1);
    farms_pairs(f, 10);
    assert_int_equal(recall(NOON + 29 * DAY, "mx.alder.com")->clients, 1);
    farms_sweep(f, days_of(NOON + 30 * DAY));
    assert_int_equal(recall(NOON, "mx.alder.com")->clients, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(all_its_servers_together),
        T(clients_for_thirty_days_or_as_said),
        T(none_where_members_differ),
        T(a_busy_day),
        T(a_name_the_server_gave_itself_does_not_count),
        T(no_owner_no_memory),
        T(only_what_was_seen_whole_counts),
        T(the_one_not_met_for_longest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
