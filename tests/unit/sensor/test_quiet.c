/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/quiet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static struct quiet q;
static int64_t now;

static int set_up(void **state)
{
    (void)state;
    now = 0;
    quiet_init(&q, now);
    return 0;
}

/* A day of mail each ten minutes, but for one gap of `gap` in its middle. */
static void day(int64_t gap)
{
    int64_t morning = now;
    for (; now < morning + 6 * HOUR; now += 10 * MINUTE) {
        quiet_pass(&q, now);
        quiet_hear(&q, now);
    }
    now += gap - 10 * MINUTE;
    for (; now < morning + DAY; now += 10 * MINUTE) {
        quiet_pass(&q, now);
        quiet_hear(&q, now);
    }
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    assert_int_equal(quiet_usual(&q), 0);
    assert_false(quiet_is_learned(&q));
    quiet_hear(&q, 5 * HOUR); /* the time until then is nobody's gap */
    assert_int_equal(quiet_usual(&q), 0);
    assert_int_equal(quiet_length(&q, 6 * HOUR), HOUR);
}

static void the_first_days_count_their_longest(void **state)
{
    (void)state;
    day(3 * HOUR);
    assert_int_equal(quiet_usual(&q), 3 * HOUR);
    day(8 * HOUR);
    assert_true(quiet_is_learned(&q));
    assert_int_equal(quiet_usual(&q), 8 * HOUR);
}

static void one_outage_is_not_learned(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        day(2 * HOUR);
    day(15 * HOUR);
    assert_int_equal(quiet_usual(&q), 2 * HOUR);
    day(15 * HOUR);
    assert_int_equal(quiet_usual(&q), 15 * HOUR);
}

static void what_could_not_be_heard_is_not_learned(void **state)
{
    (void)state;
    day(2 * HOUR);
    quiet_break(&q);
    now += 9 * HOUR;
    quiet_pass(&q, now);
    quiet_hear(&q, now);
    assert_int_equal(quiet_usual(&q), 2 * HOUR);
    now += 3 * HOUR;
    quiet_hear(&q, now); /* that was so for one gap alone */
    assert_int_equal(quiet_usual(&q), 3 * HOUR);
}

/* Two weekends without mail are usual then, and what is older than fifteen days is forgotten. */
static void weekends(void **state)
{
    (void)state;
    for (int week = 0; week < 4; week++) {
        for (int i = 0; i < 5; i++)
            day(8 * HOUR);
        now += 2 * DAY;
    }
    quiet_pass(&q, now);
    assert_true(quiet_usual(&q) >= 2 * DAY && quiet_usual(&q) < 3 * DAY);
    for (int i = 0; i < QUIET_DAYS + 1; i++)
        day(HOUR);
    assert_int_equal(quiet_usual(&q), HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_known_at_first, set_up),
        cmocka_unit_test_setup(the_first_days_count_their_longest, set_up),
        cmocka_unit_test_setup(one_outage_is_not_learned, set_up),
        cmocka_unit_test_setup(what_could_not_be_heard_is_not_learned, set_up),
        cmocka_unit_test_setup(weekends, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
