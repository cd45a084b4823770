/* SPDX-License-Identifier: Apache-2.0 */
#include "history/attempts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "history/days.h"
#include "tests/unit/history/observe.h"

static const struct siphash_key key = {7, 8};
static const struct psl_domain nobody, alder = {9, "alder.com"}, birch = {9, "birch.com"};
static struct attempts *a;
static struct baseline b;

static int setup(void **state)
{
    (void)state;
    return (a = attempts_new(&key)) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    attempts_free(a);
    return 0;
}

/* A handshake that ended as `fate` says; returns its flow. */
static uint64_t tried(nstime t, uint32_t client, uint32_t server, enum observation_fate fate,
                      const struct psl_domain *farm)
{
    struct observation o = offered(t, client, server);
    o.fate = fate;
    o.delivered = false;
    attempts_learn(a, &o, farm);
    return o.flow_id;
}

static uint64_t left(nstime t, uint32_t client, uint32_t server, const struct psl_domain *farm)
{
    struct observation o = missing(t, client, server);
    o.mail = o.delivered = false;
    o.left = true;
    attempts_learn(a, &o, farm);
    return o.flow_id;
}

static void delivered(struct observation o, const struct psl_domain *farm)
{
    attempts_learn(a, &o, farm);
}

static const struct baseline *recall(nstime t, uint32_t client, uint32_t server,
                                     const struct psl_domain *farm)
{
    const struct observation o = observe(t, client, server);
    memset(&b, 0, sizeof(b));
    attempts_recall(a, &o, farm, &b);
    return &b;
}

static void the_newest_come_first(void **state)
{
    uint64_t flow[6];
    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        flow[i] = tried(NOON + i, 1, 1, OBSERVED_FATE_KILLED, &nobody);
    recall(NOON + 6, 1, 1, &nobody);
    assert_int_equal(b.failed_count, BASELINE_LINKS);
    for (uint32_t i = 0; i < BASELINE_LINKS; i++) {
        assert_true(b.failed[i].flow_id == flow[5 - i]);
        assert_true(b.failed[i].time == NOON + 5 - i);
        assert_int_equal(b.failed[i].fate, OBSERVED_FATE_KILLED);
        assert_true(b.failed[i].same_server);
    }
    assert_int_equal(recall(NOON + 6, 2, 1, &nobody)->failed_count, 0);
    assert_int_equal(recall(NOON + 6, 1, 2, &nobody)->failed_count, 0);
}

static void failed_or_held(void **state)
{
    struct observation o = refused(NOON, 1, 1);
    uint64_t held;
    (void)state;
    tried(NOON, 1, 1, OBSERVED_FATE_KILLED, &nobody);
    tried(NOON, 1, 1, OBSERVED_FATE_ALERT, &nobody);
    held = left(NOON, 1, 1, &nobody);
    recall(NOON, 1, 1, &nobody);
    assert_int_equal(b.failed_count, 2);
    assert_int_equal(b.failed[0].fate, OBSERVED_FATE_ALERT);
    assert_int_equal(b.held_count, 1);
    assert_true(b.held[0].flow_id == held);
    o.delivered = false; /* it went on without mail: neither */
    delivered(o, &nobody);
    assert_int_equal(recall(NOON, 1, 1, &nobody)->failed_count, 2);
    o.left = true;
    delivered(o, &nobody);
    assert_int_equal(recall(NOON, 1, 1, &nobody)->failed_count, 3);
}

static void for_six_hours(void **state)
{
    (void)state;
    tried(NOON, 1, 1, OBSERVED_FATE_KILLED, &nobody);
    assert_int_equal(recall(NOON + 6 * HOUR - 1, 1, 1, &nobody)->failed_count, 1);
    assert_int_equal(recall(NOON + 6 * HOUR, 1, 1, &nobody)->failed_count, 0);
    assert_int_equal(recall(NOON, 1, 1, &nobody)->failed_count, 1);
    assert_int_equal(recall(NOON - 1, 1, 1, &nobody)->failed_count, 0); /* it has not been yet */
    assert_int_equal(recall(INT64_MAX, 1, 1, &nobody)->failed_count, 0);
    assert_int_equal(recall(INT64_MIN, 1, 1, &nobody)->failed_count, 0);
}

/* A handshake is told of when it ends, and again with its session: it is one. */
static void a_flow_is_one_attempt(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    o.delivered = false;
    o.fate = OBSERVED_FATE_KILLED;
    attempts_learn(a, &o, &alder);
    o.time += NS_PER_S;
    o.fate = OBSERVED_FATE_ALERT;
    o.left = true;
    attempts_learn(a, &o, &alder);
    recall(NOON + 2 * NS_PER_S, 1, 1, &alder);
    assert_int_equal(b.failed_count + b.held_count, 1);
    assert_int_equal(b.failed[0].fate, OBSERVED_FATE_ALERT);
    recall(NOON + 2 * NS_PER_S, 1, 2, &alder);
    assert_int_equal(b.failed_count + b.held_count, 1);
    memset(&b, 0, sizeof(b));
    attempts_recall(a, &o, &alder, &b); /* nor is it an earlier one to itself */
    assert_int_equal(b.failed_count, 0);
}

/* The same mail goes to the next host of the owner. */
static void another_server_of_the_owner(void **state)
{
    uint64_t flow = tried(NOON, 1, 1, OBSERVED_FATE_KILLED, &alder);
    (void)state;
    recall(NOON + 1, 1, 2, &alder);
    assert_int_equal(b.failed_count, 1);
    assert_true(b.failed[0].flow_id == flow);
    assert_false(b.failed[0].same_server);
    assert_true(recall(NOON + 1, 1, 1, &alder)->failed[0].same_server);
    assert_int_equal(recall(NOON + 1, 1, 2, &birch)->failed_count, 0);
    assert_int_equal(recall(NOON + 1, 1, 2, &nobody)->failed_count, 0);
    assert_int_equal(recall(NOON + 1, 2, 2, &alder)->failed_count, 0);
}

/* What this server did a day ago must not hide what the other one did just now. */
static void old_attempts_here_do_not_hide_new_ones_there(void **state)
{
    uint64_t flow;
    (void)state;
    tried(NOON - DAY, 1, 1, OBSERVED_FATE_KILLED, &alder);
    flow = tried(NOON, 1, 2, OBSERVED_FATE_KILLED, &alder);
    recall(NOON + 1, 1, 1, &alder);
    assert_int_equal(b.failed_count, 1);
    assert_true(b.failed[0].flow_id == flow);
}

static void delivery_ends_it(void **state)
{
    (void)state;
    for (int clear = 0; clear <= 1; clear++) {
        tried(NOON, 1, 1, OBSERVED_FATE_KILLED, &alder);
        left(NOON, 1, 1, &alder);
        delivered(clear ? missing(NOON + 1, 1, 1) : offered(NOON + 1, 1, 1), &alder);
        recall(NOON + 2, 1, 1, &alder);
        assert_int_equal(b.failed_count + b.held_count, 0);
        recall(NOON + 2, 1, 2, &alder);
        assert_int_equal(b.failed_count + b.held_count, 0);
    }
}

/* A pair that cannot agree fails, falls back and does so again: it is known after the first. */
static void it_fell_back(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 3; i++) {
        tried(NOON, 1, 1, OBSERVED_FATE_ALERT, &nobody);
        assert_int_equal(recall(NOON, 1, 1, &nobody)->fell_back, i - 1);
        delivered(missing(NOON + 1, 1, 1), &nobody);
        assert_int_equal(recall(NOON + 1, 1, 1, &nobody)->fell_back, i);
        assert_int_equal(b.failed_count, 0);
    }
    delivered(missing(NOON + 2, 1, 1), &nobody); /* not an attempt, so nothing to come back from */
    assert_int_equal(recall(NOON + 2, 1, 1, &nobody)->fell_back, 3);
    delivered(offered(NOON + 3, 1, 1), &nobody);
    assert_int_equal(recall(NOON + 3, 1, 1, &nobody)->fell_back, 0);
}

/* Of a client as such: the first that an alert ended, with whomever. */
static void what_a_client_lacks_it_lacks_everywhere(void **state)
{
    struct observation first = offered(NOON, 1, 1), later = offered(NOON + DAY, 1, 2);
    (void)state;
    first.fate = later.fate = OBSERVED_FATE_KILLED;
    attempts_incompatible(a, &first); /* a reset says nothing of it */
    assert_true(recall(NOON, 1, 1, &nobody)->client_alert == 0);
    first.fate = later.fate = OBSERVED_FATE_ALERT;
    attempts_incompatible(a, &first);
    attempts_incompatible(a, &later);
    assert_true(recall(NOON + 20 * DAY, 1, 3, &nobody)->client_alert == first.flow_id);
    assert_true(recall(NOON + 20 * DAY, 2, 1, &nobody)->client_alert == 0);
    delivered(offered(NOON + DAY, 1, 3), &nobody); /* it can, with some */
    assert_true(recall(NOON + 20 * DAY, 1, 1, &nobody)->client_alert == first.flow_id);
}

/* An owner of fifteen letters and an IPv6 server whose address spells it are two. */
static void an_address_is_no_name(void **state)
{
    static const struct psl_domain owner = {15, "alder-birch.com"};
    struct observation o = offered(NOON, 1, 1), p = observe(NOON, 1, 1);
    (void)state;
    o.family = p.family = 6;
    o.fate = OBSERVED_FATE_KILLED;
    o.delivered = false;
    attempts_learn(a, &o, &owner);
    memcpy(p.server, "@alder-birch.com", 16);
    memset(&b, 0, sizeof(b));
    attempts_recall(a, &p, &nobody, &b);
    assert_int_equal(b.failed_count, 0);
}

static void the_oldest_pair_goes(void **state)
{
    struct observation o = offered(NOON, 1, 1);
    (void)state;
    tried(NOON, 1, 1, OBSERVED_FATE_KILLED, &nobody);
    o.delivered = false;
    o.fate = OBSERVED_FATE_KILLED;
    o.family = 6;
    for (uint32_t i = 0; i < CAP_HISTORY_PAIRS; i++) {
        memcpy(o.client, &i, sizeof(i));
        attempts_learn(a, &o, &nobody);
    }
    assert_int_equal(recall(NOON, 1, 1, &nobody)->failed_count, 0);
}

static void an_observation_of_nothing(void **state)
{
    static const struct observation none;
    (void)state;
    attempts_learn(a, &none, &nobody);
    memset(&b, 0, sizeof(b));
    attempts_recall(a, &none, &nobody, &b);
    assert_int_equal(b.failed_count + b.held_count + b.fell_back, 0);
}

/* How often a pair fell back is known until nothing was heard of it for so long. */
static void for_thirty_days_or_as_said(void **state)
{
    (void)state;
    tried(NOON, 1, 1, OBSERVED_FATE_ALERT, &nobody);
    struct observation o = missing(NOON + 1, 1, 1);
    o.delivered = true;
    delivered(o, &nobody);
    assert_int_equal(recall(NOON + 29 * DAY, 1, 1, &nobody)->fell_back, 1);
    attempts_pairs(a, 40);
    assert_int_equal(recall(NOON + 39 * DAY, 1, 1, &nobody)->fell_back, 1);
    attempts_sweep(a, days_of(NOON + 40 * DAY));
    assert_int_equal(recall(NOON, 1, 1, &nobody)->fell_back, 0);
    tried(NOON, 1, 1, OBSERVED_FATE_ALERT, &nobody);
    delivered(o, &nobody);
    assert_int_equal(recall(NOON + 40 * DAY, 1, 1, &nobody)->fell_back, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* An attempt that begins at `begin` and fails at `end`. */
static uint64_t tried_from(nstime begin, nstime end, enum observation_fate fate)
{
    struct observation o = offered(end, 1, 1);
    o.begin = begin;
    o.fate = fate;
    o.delivered = false;
    attempts_learn(a, &o, &nobody);
    return o.flow_id;
}

static struct observation in_clear_from(nstime begin, nstime end)
{
    struct observation o = offered(end, 1, 1);
    o.begin = begin;
    o.asked = false;
    o.fate = OBSERVED_FATE_NONE;
    o.mail = true;
    return o;
}

/* The attempt, then the mail; the mail ends, then the attempt does; who asks does so later still.
 */
static void what_failed_behind_the_mail(void **state)
{
    struct observation o = in_clear_from(NOON + NS_PER_S, NOON + 2 * NS_PER_S);
    struct usual_attempt failed;
    (void)state;
    assert_false(attempts_meanwhile(a, &o, &failed));
    uint64_t flow = tried_from(NOON, NOON + 3 * NS_PER_S, OBSERVED_FATE_KILLED);
    assert_true(attempts_meanwhile(a, &o, &failed));
    assert_true(failed.flow_id == flow);
    assert_int_equal(failed.fate, OBSERVED_FATE_KILLED);
    assert_true(failed.time == NOON + 3 * NS_PER_S);
    assert_true(failed.same_server);
    struct observation took = o, other = o, first = in_clear_from(NOON - 1, NOON + NS_PER_S);
    took.asked = true;
    other.client[3]++;
    assert_false(attempts_meanwhile(a, &took, &failed));
    assert_false(attempts_meanwhile(a, &other, &failed));
    assert_false(attempts_meanwhile(a, &first, &failed)); /* the mail began before the attempt */
    struct observation after = in_clear_from(NOON + NS_PER_S, NOON + 4 * NS_PER_S);
    assert_false(
        attempts_meanwhile(a, &after, &failed)); /* it was known when the mail was judged */
}

static void what_was_refused_behind_the_mail(void **state)
{
    struct observation o = in_clear_from(NOON + NS_PER_S, NOON + 2 * NS_PER_S);
    struct observation not_used = refused(NOON + 3 * NS_PER_S, 1, 1);
    struct usual_attempt failed;
    (void)state;
    not_used.begin = NOON;
    not_used.delivered = false;
    not_used.left = true;
    attempts_learn(a, &not_used, &nobody);
    assert_false(attempts_meanwhile(a, &o, &failed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_newest_come_first),
        T(failed_or_held),
        T(for_six_hours),
        T(a_flow_is_one_attempt),
        T(another_server_of_the_owner),
        T(old_attempts_here_do_not_hide_new_ones_there),
        T(delivery_ends_it),
        T(it_fell_back),
        T(for_thirty_days_or_as_said),
        T(what_a_client_lacks_it_lacks_everywhere),
        T(an_address_is_no_name),
        T(the_oldest_pair_goes),
        T(what_failed_behind_the_mail),
        T(what_was_refused_behind_the_mail),
        T(an_observation_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
