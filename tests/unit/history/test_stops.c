/* SPDX-License-Identifier: Apache-2.0 */
#include "history/stops.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "history/history.h"
#include "tests/unit/history/observe.h"

#define TOLD 64

static const struct siphash_key key = {7, 8};
static struct history *h;
static struct {
    uint64_t flow;
    enum stop_state state;
    uint32_t sessions;
    enum support support;
} told[TOLD];
static size_t turns;

/* history_turn_fn: the note is the flow. */
static void on_turn(void *user, const struct history_turn *t)
{
    (void)user;
    assert_non_null(t->stop);
    assert_null(t->doubt);
    assert_int_equal(t->item->note_n, sizeof(t->item->flow_id));
    assert_memory_equal(t->item->note, &t->item->flow_id, sizeof(t->item->flow_id));
    assert_string_equal(t->baseline->sender, "alder.com");
    assert_true(turns < TOLD);
    for (size_t i = 0; i < turns; i++)
        assert_true(told[i].flow != t->item->flow_id);
    told[turns].flow = t->item->flow_id;
    told[turns].state = t->stop->state;
    told[turns].sessions = t->stop->sessions;
    told[turns].support = t->baseline->sender_upgrade.support;
    turns++;
}

static int setup(void **state)
{
    (void)state;
    turns = 0;
    return (h = history_new(&key, on_turn, NULL)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    history_free(h);
    return 0;
}

/* A session of out.alder.com; returns its flow. */
static uint64_t session(struct observation o)
{
    static struct baseline b;
    struct history_names names;
    o.sender = span_str("out.alder.com");
    if (o.begin == 0)
        o.begin = o.time;
    history_names(h, &o, &names);
    history_recall(h, &o, &names, &b);
    history_learn(h, &o, &names, &b, &o.flow_id, sizeof(o.flow_id));
    return o.flow_id;
}

static uint64_t in_clear(nstime t)
{
    struct observation o = offered(t, 1, 1);
    o.asked = false;
    o.fate = OBSERVED_FATE_NONE;
    o.mail = o.declined = true;
    return session(o);
}

static nstime upgrades(nstime t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++, t += MINUTE)
        session(offered(t, 1, 1));
    return t;
}

/* The fifth is told of as it comes; those before it are now. */
static void five_in_a_row(void **state)
{
    uint64_t flow[4];
    nstime t = upgrades(NOON, 24);
    (void)state;
    for (uint32_t i = 0; i < 4; i++, t += MINUTE)
        flow[i] = in_clear(t);
    assert_int_equal(turns, 0);
    in_clear(t);
    assert_int_equal(turns, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(told[i].flow, flow[i]);
        assert_int_equal(told[i].state, STOP_STOPPED);
        assert_int_equal(told[i].sessions, 5);
        assert_int_equal(told[i].support, SUPPORT_WELL);
    }
    for (uint32_t i = 0; i < 100; i++)
        in_clear(t += MINUTE);
    history_finish(h);
    assert_int_equal(turns, 4); /* once each */
}

static void four_and_back(void **state)
{
    nstime t = upgrades(NOON, 24);
    (void)state;
    for (uint32_t i = 0; i < 4; i++, t += MINUTE)
        in_clear(t);
    t = upgrades(t, 1);
    history_finish(h);
    assert_int_equal(turns, 0);
    assert_int_equal(history_counters(h).stops, 0);
}

/* An attack that ends and comes again is told of; who goes to and fro is not. */
static void the_second_time_and_the_third(void **state)
{
    nstime t = NOON;
    (void)state;
    for (uint32_t k = 0; k < 3; k++) {
        t = upgrades(t, 24);
        for (uint32_t i = 0; i < 5; i++, t += MINUTE)
            in_clear(t);
        assert_int_equal(turns, k == 0 ? 4 : 8);
    }
}

static void too_few_came_by(void **state)
{
    static const struct {
        uint32_t sessions;
        int64_t after;
        size_t turns;
    } rows[] = {{1, DAY, 0}, {1, 7 * DAY, 1}, {2, DAY - HOUR, 0}, {2, DAY, 2}, {4, DAY, 4}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        nstime t = upgrades(NOON, 24);
        for (uint32_t k = 0; k < rows[i].sessions; k++)
            in_clear(t);
        struct observation other = missing(t + rows[i].after, 999, 999); /* time passes */
        session(other);
        assert_int_equal(turns, rows[i].turns);
        if (turns > 0)
            assert_int_equal(told[0].state, STOP_UNDECIDED);
        history_finish(h);
        assert_int_equal(turns, rows[i].sessions); /* the input has ended */
        teardown(state);
        setup(state);
    }
}

/* Undecided, and then it stops for good: the rest is told of. */
static void undecided_and_then_stopped(void **state)
{
    nstime t = upgrades(NOON, 24);
    (void)state;
    in_clear(t);
    in_clear(t + 2 * DAY);
    assert_int_equal(turns, 2);
    for (int64_t i = 0; i < 3; i++)
        in_clear(t + 3 * DAY + i);
    assert_int_equal(turns, 4);
    assert_int_equal(told[1].state, STOP_UNDECIDED);
    assert_int_equal(told[2].state, STOP_STOPPED);
}

/* One of five, one of ten, one of a hundred sessions in clear from the first on: by its way. */
static void now_and_then_from_the_start(void **state)
{
    static const uint32_t every[] = {3, 5, 10, 14, 100};
    for (size_t k = 0; k < sizeof(every) / sizeof(every[0]); k++) {
        nstime t = NOON;
        for (uint32_t i = 0; i < 3000; i++, t += MINUTE)
            if (i % every[k] == every[k] - 1)
                in_clear(t);
            else
                session(offered(t, 1, 1));
        history_finish(h);
        assert_int_equal(turns, 0);
        teardown(state);
        setup(state);
    }
}

/* All are open at once, and those in clear end behind those that upgrade. */
static void beside_each_other(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        if (i % 10) {
            struct observation o = offered(NOON + DAY + i, 1, 1);
            o.begin = NOON + i;
            session(o);
        }
    for (uint32_t i = 0; i < 90; i += 10) {
        struct observation o = offered(NOON + DAY + HOUR + i, 1, 1);
        o.asked = false;
        o.fate = OBSERVED_FATE_NONE;
        o.mail = o.declined = true;
        o.begin = NOON + i;
        session(o);
    }
    history_finish(h);
    assert_int_equal(turns, 0);
}

/* The first of too many to watch is let go, and counted. */
static void more_than_can_be_watched(void **state)
{
    struct stops *s = stops_new(&key, NULL, NULL);
    static struct baseline b;
    (void)state;
    assert_non_null(s);
    for (uint32_t i = 0; i <= CAP_HISTORY_STOPS; i++) {
        struct observation o = observe(NOON, 256 * (i % 256), 1);
        struct psl_domain name = {.n = 1};
        name.text[0] = (char)('a' + i / 256);
        stops_lapse(s, &o, &name, &b, "", 0);
    }
    assert_int_equal(stops_count(s), CAP_HISTORY_STOPS);
    assert_int_equal(stops_evicted(s), 1);
    stops_free(s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(five_in_a_row),
        T(four_and_back),
        T(the_second_time_and_the_third),
        T(too_few_came_by),
        T(undecided_and_then_stopped),
        T(now_and_then_from_the_start),
        T(beside_each_other),
        cmocka_unit_test(more_than_can_be_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
