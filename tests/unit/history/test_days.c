/* SPDX-License-Identifier: Apache-2.0 */
#include "history/days.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DAY (86400 * NS_PER_S)

static struct days d;

static int setup(void **state)
{
    (void)state;
    memset(&d, 0, sizeof(d));
    return 0;
}

static uint32_t sum(int32_t now)
{
    return days_sum(&d, now, DAY_COMPLETE);
}

static void add(int32_t day, uint32_t by)
{
    days_add(&d, day, DAY_COMPLETE, by);
}

/* 2024-02-29 is day 19,782 and 2024-03-01 the next; 1970-01-01 is day 0. */
static void a_day_is_one_of_utc(void **state)
{
    (void)state;
    assert_int_equal(days_of(0), 0);
    assert_int_equal(days_of(DAY - 1), 0);
    assert_int_equal(days_of(DAY), 1);
    assert_int_equal(days_of(clock_of(1709251199, 999999999)), 19782);
    assert_int_equal(days_of(clock_of(1709251200, 0)), 19783);
    assert_int_equal(days_of(clock_of(1735689599, 0)) + 1, days_of(clock_of(1735689600, 0)));
}

static void before_1970_as_well(void **state)
{
    (void)state;
    assert_int_equal(days_of(-1), -1);
    assert_int_equal(days_of(-DAY), -1);
    assert_int_equal(days_of(-DAY - 1), -2);
    assert_int_equal(days_of(INT64_MIN), -106752);
    assert_int_equal(days_of(INT64_MAX), 106751);
}

/* Four days about the end of 2024, and four about 1970. */
static void neighbours_are_told_apart(void **state)
{
    static const int32_t first[] = {20087, -2};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        memset(&d, 0, sizeof(d));
        for (int32_t k = 0; k < 4; k++)
            add(first[i] + k, 1u << k);
        assert_int_equal(sum(first[i] + 3), 15);
        assert_int_equal(sum(first[i] + 29), 15);
        assert_int_equal(sum(first[i] + 30), 14);
        assert_int_equal(sum(first[i] + 32), 8);
        assert_int_equal(sum(first[i] + 33), 0);
    }
}

static void thirty_days_are_kept(void **state)
{
    (void)state;
    for (int32_t day = -100; day <= 100; day++) {
        add(day, 1);
        assert_int_equal(sum(day), day + 101 < DAYS_KEPT ? day + 101 : DAYS_KEPT);
    }
    assert_int_equal(days_span(&d, 100), 30);
    assert_int_equal(days_span(&d, 110), 20);
    assert_int_equal(sum(129), 1);
    assert_int_equal(sum(130), 0);
    assert_int_equal(days_span(&d, 130), 0);
}

/* The place of a day in the ring is taken by that thirty days later: nothing is left in it. */
static void a_place_is_empty_when_it_is_taken_again(void **state)
{
    (void)state;
    add(5, 7);
    days_add(&d, 5, DAY_UPGRADED, 3);
    add(35, 1);
    assert_int_equal(sum(35), 1);
    assert_int_equal(days_sum(&d, 35, DAY_UPGRADED), 0);
    add(20, 2); /* in between, late */
    add(50, 4); /* takes the place of 20 */
    assert_int_equal(sum(50), 5);
    add(10000, 1);
    assert_int_equal(sum(10000), 1);
}

static void the_clock_may_go_back(void **state)
{
    (void)state;
    add(100, 1);
    add(71, 2);
    assert_int_equal(sum(100), 3);
    assert_int_equal(days_span(&d, 100), 30);
    add(70, 4); /* too old */
    assert_int_equal(sum(100), 3);
    add(INT32_MIN, 4);
    assert_int_equal(sum(100), 3);
    assert_int_equal(sum(50), 3); /* seen from before: all that is kept */
    assert_int_equal(sum(INT32_MIN), 3);
    assert_int_equal(sum(INT32_MAX), 0);
    add(101, 8);
    assert_int_equal(sum(101), 9);
}

static void from_one_end_to_the_other(void **state)
{
    (void)state;
    add(INT32_MIN, 1);
    assert_int_equal(sum(INT32_MIN), 1);
    add(INT32_MAX, 2);
    assert_int_equal(sum(INT32_MAX), 2);
    add(INT32_MIN, 4);
    assert_int_equal(sum(INT32_MAX), 2);
    assert_int_equal(days_span(&d, INT32_MAX), 1);
}

static void a_count_stays_at_its_largest(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 70000; i++)
        add(1, 1);
    assert_int_equal(sum(1), UINT16_MAX);
    add(2, UINT32_MAX);
    assert_int_equal(sum(2), 2 * UINT16_MAX);
    add(2, UINT32_MAX - 2);
    assert_int_equal(sum(2), 2 * UINT16_MAX);
    for (int32_t day = 0; day < DAYS_KEPT; day++)
        add(day, UINT16_MAX);
    assert_int_equal(sum(29), DAYS_KEPT * UINT16_MAX);
}

/* So that shares stay true, who counts several things of one session asks first. */
static void a_day_may_be_full(void **state)
{
    (void)state;
    assert_false(days_full(&d, 1));
    add(1, UINT16_MAX - 1);
    assert_false(days_full(&d, 1));
    days_add(&d, 1, DAY_OFFERED, UINT16_MAX);
    assert_true(days_full(&d, 1));
    assert_false(days_full(&d, 0));
    assert_false(days_full(&d, 2));
    assert_false(days_full(&d, 31)); /* the same place, another day */
    add(31, 1);
    assert_false(days_full(&d, 31));
    assert_false(days_full(&d, 1)); /* it is forgotten */
}

static void only_offers_are_left_of_what_is_forgiven(void **state)
{
    (void)state;
    add(1, 10), add(2, 10);
    days_add(&d, 1, DAY_OFFERED, 4);
    days_add(&d, 1, DAY_UPGRADED, 3);
    days_forgive(&d);
    assert_int_equal(sum(2), 4);
    assert_int_equal(days_sum(&d, 2, DAY_OFFERED), 4);
    assert_int_equal(days_sum(&d, 2, DAY_UPGRADED), 3);
    add(3, 5);
    assert_int_equal(sum(3), 9);
}

static void nothing_was_counted(void **state)
{
    (void)state;
    assert_int_equal(sum(0), 0);
    assert_int_equal(days_span(&d, 0), 0);
    days_forgive(&d);
    assert_int_equal(sum(0), 0);
    add(3, 0);
    assert_int_equal(sum(3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_day_is_one_of_utc, setup),
        cmocka_unit_test_setup(before_1970_as_well, setup),
        cmocka_unit_test_setup(neighbours_are_told_apart, setup),
        cmocka_unit_test_setup(thirty_days_are_kept, setup),
        cmocka_unit_test_setup(a_place_is_empty_when_it_is_taken_again, setup),
        cmocka_unit_test_setup(the_clock_may_go_back, setup),
        cmocka_unit_test_setup(from_one_end_to_the_other, setup),
        cmocka_unit_test_setup(a_count_stays_at_its_largest, setup),
        cmocka_unit_test_setup(a_day_may_be_full, setup),
        cmocka_unit_test_setup(only_offers_are_left_of_what_is_forgiven, setup),
        cmocka_unit_test_setup(nothing_was_counted, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
