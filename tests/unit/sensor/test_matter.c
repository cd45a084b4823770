/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/matter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define WAIT   (10 * NS_PER_S)
#define CALM   MINUTE

static struct matter m;
static int64_t now;
static unsigned lines, opened, closed;

static int set_up(void **state)
{
    (void)state;
    m = (struct matter){0};
    now = 0;
    lines = opened = closed = 0;
    return 0;
}

static enum matter_step turn(bool bad, unsigned level)
{
    enum matter_step step = matter_turn(&m, now, bad, level, WAIT, CALM);
    now += NS_PER_S;
    lines += step != MATTER_NOTHING;
    opened += step == MATTER_OPENS;
    closed += step == MATTER_CLOSES;
    assert_true(closed == opened || closed + 1 == opened);
    return step;
}

static enum matter_step turns(unsigned n, bool bad, unsigned level)
{
    enum matter_step last = MATTER_NOTHING;
    for (unsigned i = 0; i < n; i++)
        last = turn(bad, level);
    return last;
}

static void it_opens_worsens_and_closes(void **state)
{
    (void)state;
    turns(100, false, 0);
    assert_int_equal(turns(10, true, 0), MATTER_NOTHING);
    assert_int_equal(turn(true, 0), MATTER_OPENS);
    assert_int_equal(turns(1000, true, 0), MATTER_NOTHING);
    assert_int_equal(turn(true, 2), MATTER_WORSENS);
    assert_int_equal(turns(1000, true, 1), MATTER_NOTHING);
    assert_int_equal(turns(60, false, 0), MATTER_NOTHING);
    assert_int_equal(turn(false, 0), MATTER_CLOSES);
    assert_int_equal(turns(1000, false, 0), MATTER_NOTHING);
    assert_int_equal(lines, 3);
}

static void short_changes_are_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        turns(9, true, 0);
        turns(9, false, 0);
    }
    assert_int_equal(lines, 0);
    turns(11, true, 0);
    for (int i = 0; i < 100; i++) {
        turns(59, false, 0);
        turns(9, true, 0);
    }
    assert_int_equal(lines, 1);
}

/* For a day it comes and goes each two minutes: three pairs at once, then a pair in two hours; and
 * it is told again what was held back. */
static void a_storm_is_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 720; i++) {
        turns(20, true, 0);
        turns(100, false, 0);
    }
    assert_in_range(lines, 24, 30);
    assert_true(m.held > 0);
}

/* What was held back and goes on is told when there is a line to be had. */
static void what_goes_on_is_told_in_the_end(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        turns(20, true, 0);
        turns(100, false, 0);
    }
    assert_int_equal(opened, 3);
    uint32_t held = m.held;
    assert_int_equal(held, 7);
    turns(3 * 3600, true, 0);
    assert_int_equal(opened, 4);
    assert_int_equal(m.held, held); /* it was held, and then it was told */
    turns(61, false, 0);
    assert_int_equal(closed, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_opens_worsens_and_closes, set_up),
        cmocka_unit_test_setup(short_changes_are_nothing, set_up),
        cmocka_unit_test_setup(a_storm_is_bounded, set_up),
        cmocka_unit_test_setup(what_goes_on_is_told_in_the_end, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
