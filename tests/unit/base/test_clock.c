/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void what_fits_is_exact(void **state)
{
    (void)state;
    assert_int_equal(clock_add(5, -7), -2);
    assert_int_equal(clock_since(5, 7), -2);
    assert_int_equal(clock_of(-1, 999999999), -1);
    assert_int_equal(clock_of(CLOCK_PACKET_S, 1), 4600000000000000001);
    assert_true(clock_add(INT64_MAX, INT64_MIN) == -1);
    assert_true(clock_add(INT64_MIN, 0) == INT64_MIN);
    assert_true(clock_since(INT64_MAX, 0) == INT64_MAX);
    assert_true(clock_since(-1, INT64_MAX) == INT64_MIN);
    assert_true(clock_since(INT64_MIN, INT64_MIN) == 0);
    assert_true(clock_of(INT64_MAX / NS_PER_S, 854775807) == INT64_MAX);
}

static void what_does_not_stops_at_the_end(void **state)
{
    (void)state;
    assert_true(clock_add(INT64_MAX, 1) == INT64_MAX);
    assert_true(clock_add(INT64_MIN, -1) == INT64_MIN);
    assert_true(clock_add(INT64_MAX, INT64_MAX) == INT64_MAX);
    assert_true(clock_add(INT64_MIN, INT64_MIN) == INT64_MIN);
    assert_true(clock_since(INT64_MAX, -1) == INT64_MAX);
    assert_true(clock_since(0, INT64_MIN) == INT64_MAX);
    assert_true(clock_since(INT64_MIN, 1) == INT64_MIN);
    assert_true(clock_since(INT64_MIN, INT64_MAX) == INT64_MIN);
    assert_true(clock_of(INT64_MAX / NS_PER_S, 854775808) == INT64_MAX);
    assert_true(clock_of(INT64_MAX, 0) == INT64_MAX);
    assert_true(clock_of(INT64_MIN, 999999999) == INT64_MIN);
}

/* Of two packets, and of one and any limit in seconds: the longest is a policy's year. */
static void packets_leave_room(void **state)
{
    const nstime last = CLOCK_PACKET_S * NS_PER_S + NS_PER_S - 1;
    (void)state;
    assert_true(clock_since(last, -last) < INT64_MAX - 200 * 86400 * NS_PER_S);
    assert_true(clock_add(last, 31557600 * NS_PER_S) < INT64_MAX / 2 + 31557600 * NS_PER_S);
    assert_true(clock_of(UINT32_MAX, 0) < last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_exact),
        cmocka_unit_test(what_does_not_stops_at_the_end),
        cmocka_unit_test(packets_leave_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
