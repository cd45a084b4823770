/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/caps.h"
#include "deliver/backoff.h"

/* A record a second: each is kept for sixty seconds and not for sixty-two. */
static void a_minute_is_kept(void **state)
{
    struct trail t = {0};
    uint64_t settled = 0;

    (void)state;
    for (uint64_t n = 1; n <= 1000; n++) {
        nstime now = (nstime)n * NS_PER_S;
        trail_add(&t, n, now);
        settled += trail_settle(&t, now);
        assert_true(trail_oldest(&t) > 0);
        assert_true(n < 61 || trail_oldest(&t) <= n - 59);
        assert_true(n < 63 || trail_oldest(&t) >= n - 62);
        assert_int_equal(settled, trail_oldest(&t) - 1);
    }
    settled += trail_settle(&t, 1060 * NS_PER_S);
    assert_int_equal(settled, 1000);
    assert_int_equal(trail_oldest(&t), 0);
}

/* Nothing settles for ten minutes: no room is missing, and nothing is let go too early. */
static void never_too_early(void **state)
{
    struct trail t = {0};
    uint64_t settled = 0;

    (void)state;
    for (uint64_t n = 1; n <= 6000; n++)
        trail_add(&t, n, (nstime)n * NS_PER_S / 10);
    assert_int_equal(trail_oldest(&t), 1);
    for (uint64_t n = 6001; n <= 6600; n++) {
        nstime now = (nstime)n * NS_PER_S / 10;
        settled += trail_settle(&t, now);
        assert_true(settled <= n - 600);
    }
    settled += trail_settle(&t, 660 * NS_PER_S);
    assert_int_equal(settled, 6000);
}

static void cleared(void **state)
{
    struct trail t = {0};

    (void)state;
    trail_add(&t, 7, 0);
    trail_clear(&t);
    assert_int_equal(trail_oldest(&t), 0);
    assert_int_equal(trail_settle(&t, INT64_MAX), 0);
    trail_add(&t, 9, 1);
    assert_int_equal(trail_oldest(&t), 9);
}

/* Between half and all of 100 ms, 200 ms, 400 ms, ... 30 s. */
static void backoff_grows(void **state)
{
    struct backoff b;
    nstime most = 100 * NS_PER_MS;

    (void)state;
    backoff_init(&b);
    assert_true(backoff_is_over(&b, 0));
    for (int i = 0; i < 40; i++) {
        backoff_fail(&b, 1000);
        assert_true(b.until - 1000 >= most / 2 && b.until - 1000 <= most);
        most = most * 2 < CAP_DELIVER_BACKOFF_S * NS_PER_S ? most * 2
                                                           : CAP_DELIVER_BACKOFF_S * NS_PER_S;
    }
    backoff_hold(&b, 90 * NS_PER_S);
    assert_false(backoff_is_over(&b, 90 * NS_PER_S - 1));
    backoff_good(&b);
    assert_true(backoff_is_over(&b, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minute_is_kept),
        cmocka_unit_test(never_too_early),
        cmocka_unit_test(cleared),
        cmocka_unit_test(backoff_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
