/* SPDX-License-Identifier: Apache-2.0 */
#include "history/paths.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/history/observe.h"

static const struct siphash_key key = {7, 8};
static struct paths *p;
static struct baseline b;

static int setup(void **state)
{
    (void)state;
    return (p = paths_new(&key)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    paths_free(p);
    return 0;
}

static void passed(nstime t, uint32_t client, uint64_t owner, bool offer)
{
    const struct observation o = offer ? offered(t, client, 1) : missing(t, client, 1);
    paths_learn(p, &o, owner);
}

/* As the path stands with a session of `owner` that lacks the offer. */
static void expect(nstime t, uint32_t client, uint64_t owner, uint32_t servers, uint32_t offering)
{
    const struct observation o = missing(t, client, 1);
    memset(&b, 0, sizeof(b));
    paths_recall(p, &o, owner, &b);
    assert_int_equal(b.path_servers, servers);
    assert_int_equal(b.path_offering, offering);
}

static void owners_count_once_as_of_their_newest_session(void **state)
{
    (void)state;
    expect(NOON, 1, 0, 0, 0);
    passed(NOON, 1, 101, true);
    passed(NOON, 1, 101, true);
    passed(NOON, 1, 102, true);
    expect(NOON, 1, 0, 2, 2);
    passed(NOON + 1, 1, 102, false);
    expect(NOON + 1, 1, 0, 2, 1);
    expect(NOON + 1, 1, 103, 3, 1); /* this one with them */
    expect(NOON + 1, 1, 101, 2, 0); /* and not twice: it does not offer now */
}

/* Hosts of one /24 share it; another network does not, nor another next hop. */
static void a_path_is_a_network_and_a_hop(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    passed(NOON, 1, 101, true);
    expect(NOON, 200, 0, 1, 1);
    expect(NOON, 256, 0, 0, 0);
    uint64_t other = paths_digest(&o);
    o.path.has_mac = true;
    assert_true(paths_digest(&o) != other);
    memset(&b, 0, sizeof(b));
    paths_recall(p, &o, 0, &b);
    assert_int_equal(b.path_servers, 0);
    o.path.has_mac = false;
    o.path.mac[0] = 7; /* it means nothing */
    assert_true(paths_digest(&o) == other);
    o.client[3] = 77;
    assert_true(paths_digest(&o) == other);
    o.family = 6;
    assert_true(paths_digest(&o) != other);
}

static void a_day_is_remembered(void **state)
{
    (void)state;
    passed(NOON, 1, 101, true);
    expect(NOON + DAY - 1, 1, 0, 1, 1);
    expect(NOON + DAY, 1, 0, 0, 0);
    expect(NOON - DAY + 1, 1, 0, 1, 1); /* the clock went back */
    expect(NOON - DAY, 1, 0, 0, 0);
    expect(INT64_MIN, 1, 0, 0, 0);
    expect(INT64_MAX, 1, 0, 0, 0);
}

/* 32 are told apart; the one that was met first gives way, whatever the order of the owners. */
static void the_oldest_of_too_many_gives_way(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++)
        passed(NOON + i, 1, 1000 - i, i >= 20);
    expect(NOON + 40, 1, 0, 32, 20);
    passed(NOON + 41, 1, 1000 - 8, true); /* the oldest that is left */
    expect(NOON + 41, 1, 0, 32, 21);
    passed(NOON + 42, 1, 7, true);
    expect(NOON + 42, 1, 0, 32, 22); /* in the place of one without */
}

/* Eight servers that lack it, of which fewer than one in five offer, make a judgement. */
static void shares_are_those_told(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 10; i++)
        passed(NOON, 1, i, i <= 3);
    for (uint32_t i = 1; i <= 10; i++)
        passed(NOON + HOUR, 1, i, i <= 1);
    expect(NOON + HOUR, 1, 0, 10, 1);
    expect(NOON + HOUR, 1, 10, 10, 1);
    expect(NOON + HOUR, 1, 1, 10, 0);
}

static void paths_are_forgotten_when_there_are_too_many(void **state)
{
    struct observation o;
    (void)state;
    passed(NOON, 1, 101, true);
    for (uint32_t i = 0; i < CAP_HISTORY_PATHS; i++) {
        o = offered(NOON, 1, 1);
        o.family = 6;
        memcpy(o.client, &i, sizeof(i));
        paths_learn(p, &o, 5);
    }
    expect(NOON, 1, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(owners_count_once_as_of_their_newest_session, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_path_is_a_network_and_a_hop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_day_is_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_of_too_many_gives_way, setup, teardown),
        cmocka_unit_test_setup_teardown(shares_are_those_told, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_are_forgotten_when_there_are_too_many, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
