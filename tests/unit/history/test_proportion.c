/* SPDX-License-Identifier: Apache-2.0 */
#include "history/proportion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void near(double value, double expected)
{
    assert_true(value > expected - 0.00005 && value < expected + 0.00005);
}

/* R. G. Newcombe: Two-sided confidence intervals for the single proportion, Statistics in Medicine
 * 17 (1998), table I, method 3. */
static void as_published(void **state)
{
    (void)state;
    near(proportion_least(81, 263), 0.2553);
    near(proportion_least(15, 148), 0.0624);
    near(proportion_least(0, 20), 0);
    near(proportion_least(1, 29), 0.0061);
}

/* For n of n the formula comes to n / (n + z^2), z^2 = 3.8415: 20 / 23.8415, 412 / 415.8415. */
static void all_of_them(void **state)
{
    (void)state;
    near(proportion_least(20, 20), 0.8389);
    near(proportion_least(412, 412), 0.9908);
    near(proportion_least(1, 1), 0.2065);
    near(proportion_least(UINT32_MAX, UINT32_MAX), 1);
}

static void none_of_them(void **state)
{
    (void)state;
    assert_true(proportion_least(0, 0) == 0);
    for (uint32_t n = 1; n < 3000000; n += n / 3 + 1)
        assert_true(proportion_least(0, n) >= 0 && proportion_least(0, n) < 1e-12);
    assert_true(proportion_least(0, UINT32_MAX) >= 0);
}

/* Twenty sessions are well supported if none lacked the offer; one miss takes 25 (of 24 of 25 the
 * bound is 0.8046, of 23 of 24 0.7976). */
static void what_makes_a_memory_good(void **state)
{
    (void)state;
    assert_true(proportion_least(16, 16) >= 0.8);
    assert_true(proportion_least(15, 15) < 0.8);
    assert_true(proportion_least(19, 20) < 0.8);
    assert_true(proportion_least(24, 25) >= 0.8);
    assert_true(proportion_least(23, 24) < 0.8);
}

static void more_hits_are_surer_and_never_beyond_the_share(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 300; n++) {
        double before = -1;
        for (uint32_t hits = 0; hits <= n; hits++) {
            double least = proportion_least(hits, n);
            assert_true(least > before || (hits == 0 && least >= 0));
            assert_true(least <= (double)hits / n + 1e-12);
            before = least;
        }
    }
}

/* Nobody should ask; the answer must not be one that passes for sure. */
static void more_hits_than_tries_are_not_sure(void **state)
{
    (void)state;
    assert_false(proportion_least(30, 20) > 1);
    assert_false(proportion_least(UINT32_MAX, 1) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_published),
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(none_of_them),
        cmocka_unit_test(what_makes_a_memory_good),
        cmocka_unit_test(more_hits_are_surer_and_never_beyond_the_share),
        cmocka_unit_test(more_hits_than_tries_are_not_sure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
