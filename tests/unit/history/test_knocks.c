/* SPDX-License-Identifier: Apache-2.0 */
#include "history/knocks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/history/observe.h"

static const struct siphash_key key = {7, 8};
static struct knocks *k;
static struct baseline b;

static int setup(void **state)
{
    (void)state;
    return (k = knocks_new(&key)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    knocks_free(k);
    return 0;
}

static void knock(nstime t, uint32_t client, uint32_t server, bool refused)
{
    const struct observation o = observe(t, client, server);
    knocks_note(k, &o, refused);
}

static void answered(uint32_t client, uint32_t server)
{
    const struct observation o = offered(NOON, client, server);
    knocks_answered(k, &o);
}

/* Of a session that begins at t. */
static const struct usual_knock *recall(nstime t, uint32_t client, uint32_t server)
{
    struct observation o = observe(t, client, server);
    o.begin = t;
    memset(&b, 0, sizeof(b));
    knocks_recall(k, &o, &b);
    return b.knock;
}

static void who_did_not_answer(void **state)
{
    const struct observation there = observe(NOON, 1, 1);
    (void)state;
    assert_int_equal(recall(NOON, 1, 2)->time, 0);
    knock(NOON, 1, 1, false);
    knock(NOON + 1, 1, 3, true);
    const struct usual_knock *n = recall(NOON + 2, 1, 2);
    assert_int_equal(b.knock_count, 2);
    assert_true(n[0].refused && n[0].time == NOON + 1);
    assert_true(!n[1].refused && n[1].time == NOON);
    assert_memory_equal(n[1].server, there.server, sizeof(there.server));
    assert_int_equal(n[0].others + n[1].others, 0);
    recall(NOON + 2, 2, 2); /* another client */
    assert_int_equal(b.knock_count, 0);
    recall(NOON + 2, 1, 1); /* that it came to itself now is no other */
    assert_int_equal(b.knock_count, 1);
}

static void for_six_hours(void **state)
{
    (void)state;
    knock(NOON, 1, 1, false);
    recall(NOON - 1, 1, 2); /* the session began before */
    assert_int_equal(b.knock_count, 0);
    recall(NOON + 6 * HOUR - 1, 1, 2);
    assert_int_equal(b.knock_count, 1);
    recall(NOON + 6 * HOUR, 1, 2);
    assert_int_equal(b.knock_count, 0);
}

/* A SYN is sent again and again. */
static void a_server_counts_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        knock(NOON + i, 1, 1, false);
    assert_int_equal(recall(NOON + HOUR, 1, 2)->time, NOON + 19);
    assert_int_equal(b.knock_count, 1);
}

static void the_last_four(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 9; i++)
        knock(NOON + i, 1, 10 + i, false);
    recall(NOON + HOUR, 1, 2);
    assert_int_equal(b.knock_count, BASELINE_LINKS);
    for (uint32_t i = 0; i < BASELINE_LINKS; i++)
        assert_int_equal(b.knock[i].time, NOON + 8 - i);
}

static void others_as_well(void **state)
{
    (void)state;
    knock(NOON, 1, 1, false);
    for (uint32_t i = 2; i < 9; i++) {
        knock(NOON, i, 1, false);
        assert_int_equal(recall(NOON, 1, 2)->others, i < 5 ? i - 1 : 3);
    }
    answered(9, 1); /* to somebody: the others are over */
    assert_int_equal(recall(NOON, 1, 2)->others, 0);
    assert_int_equal(b.knock_count, 1); /* this client has still not reached it */
    answered(1, 1);
    recall(NOON, 1, 2);
    assert_int_equal(b.knock_count, 0);
}

static void the_oldest_client_goes(void **state)
{
    struct observation o = observe(NOON, 1, 1);
    (void)state;
    knock(NOON, 1, 1, false);
    o.family = 6;
    for (uint32_t i = 0; i < CAP_HISTORY_KNOCKS; i++) {
        memcpy(o.client, &i, sizeof(i));
        knocks_note(k, &o, false);
    }
    recall(NOON, 1, 2);
    assert_int_equal(b.knock_count, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_did_not_answer), T(for_six_hours),  T(a_server_counts_once),
        T(the_last_four),      T(others_as_well), T(the_oldest_client_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
