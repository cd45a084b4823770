/* SPDX-License-Identifier: Apache-2.0 */
#include "report/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The first numbers of seed 1234567, as the authors' splitmix64.c gives them. */
static void the_generator_is_splitmix64(void **state)
{
    static const uint64_t wanted[] = {6457827717110365317u, 3203168211198807973u,
                                      9817491932198370423u, 4593380528125082431u,
                                      16408922859458223821u};
    (void)state;
    uint64_t seed = 1234567;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_true(interval_random(&seed) == wanted[i]);
}

/* z^2 = 3.841459; 0 of n: z^2 / (n + z^2). */
static void none_of_ten_may_still_be_a_quarter(void **state)
{
    (void)state;
    struct interval i = interval_wilson(0, 10);
    assert_int_equal(i.low, 0);
    assert_in_range(i.high, 277532, 277533); /* 3.841459 / 13.841459 */
    i = interval_wilson(0, 1000);
    assert_in_range(i.high, 3826, 3827); /* 3.841459 / 1003.841459 */
    i = interval_wilson(INTERVAL_WHOLE, 10);
    assert_in_range(i.low, 722467, 722468);
    assert_int_equal(i.high, INTERVAL_WHOLE);
}

/* Brown, Cai and DasGupta (2001): 0.5 +- z / 2 / sqrt(n + z^2). For 10: 0.5 +- 0.263409. */
static void half_of_ten(void **state)
{
    (void)state;
    struct interval i = interval_wilson(500000, 10);
    assert_in_range(i.low, 236589, 236596);
    assert_in_range(i.high, 763404, 763411);
}

static void fill(struct interval_server *s, uint32_t n, uint32_t with, uint32_t days)
{
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (struct interval_server){.days = days};
        s[i].with[0] = i < with ? days : 0;
    }
}

static uint32_t count_of(const struct interval_draws *d, uint32_t share)
{
    uint32_t n = 0;
    for (int i = 0; i < INTERVAL_RESAMPLES; i++)
        n += d->share[0][i] == share;
    return n;
}

/* Of two servers a draw has the first twice, once, or never: 1/4, 1/2, 1/4 of 2,000. Five standard
 * deviations of 500 are 97, of 1,000 they are 112. */
static void two_servers_have_four_draws(void **state)
{
    (void)state;
    struct interval_draws *d = malloc(sizeof(*d));
    struct interval_server s[2] = {{.days = 3, .with = {3}}, {.days = 1}};
    assert_int_equal(interval_draw(s, 2, d), 0);
    assert_in_range(count_of(d, 0), 403, 597);
    assert_in_range(count_of(d, 750000), 888, 1112); /* 3 of 4 days */
    assert_in_range(count_of(d, INTERVAL_WHOLE), 403, 597);
    assert_int_equal(count_of(d, 0) + count_of(d, 750000) + count_of(d, INTERVAL_WHOLE),
                     INTERVAL_RESAMPLES);
    assert_true(d->share[0][0] <= d->share[0][INTERVAL_RESAMPLES - 1]);
    free(d);
}

/* Three servers do not fill four places: each is not drawn at all in 8 of 27
 * draws. Five standard deviations of 593 (of 2,000) are 102. */
static void three_servers_are_drawn_alike(void **state)
{
    (void)state;
    struct interval_draws *d = malloc(sizeof(*d));
    struct interval_server s[3] = {
        {.days = 1, .with = {1}}, {.days = 1, .with = {0, 1}}, {.days = 1, .with = {0, 0, 1}}};
    assert_int_equal(interval_draw(s, 3, d), 0);
    for (int c = 0; c < 3; c++) {
        uint32_t none = 0;
        for (int i = 0; i < INTERVAL_RESAMPLES; i++)
            none += d->share[c][i] == 0;
        assert_in_range(none, 491, 695);
    }
    free(d);
}

/* 300 of 1,000: the standard error is sqrt(.3 * .7 / 1000) = 0.014491, and 1.96 of them 0.028402.
 * What the draws leave open is some 0.001. */
static void many_servers_come_close_to_the_normal_interval(void **state)
{
    static struct interval_server s[1000];
    struct interval out[INTERVAL_COUNTS];
    (void)state;
    fill(s, 1000, 300, 1);
    assert_int_equal(interval_of(s, 1000, out), 0);
    assert_int_equal(out[0].method, INTERVAL_BOOTSTRAP);
    assert_int_equal(out[0].count, 300);
    assert_int_equal(out[0].share, 300000);
    assert_in_range(out[0].low, 271598 - 2500, 271598 + 2500);
    assert_in_range(out[0].high, 328402 - 2500, 328402 + 2500);
    assert_int_equal(out[1].method, INTERVAL_WILSON); /* nobody has it */
    assert_int_equal(out[1].low, 0);
}

/* Ten days of a server that are alike tell no more than one of them. */
static void days_of_one_server_make_nothing_surer(void **state)
{
    static struct interval_server s[200];
    struct interval one[INTERVAL_COUNTS], ten[INTERVAL_COUNTS];
    (void)state;
    fill(s, 200, 40, 1);
    assert_int_equal(interval_of(s, 200, one), 0);
    fill(s, 200, 40, 10);
    assert_int_equal(interval_of(s, 200, ten), 0);
    assert_int_equal(one[0].method, INTERVAL_BOOTSTRAP);
    assert_int_equal(one[0].low, ten[0].low);
    assert_int_equal(one[0].high, ten[0].high);
    assert_int_equal(ten[0].count, 400);
}

static void the_order_of_servers_does_not_matter(void **state)
{
    static struct interval_server a[100], b[100];
    struct interval x[INTERVAL_COUNTS], y[INTERVAL_COUNTS];
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        a[i] = (struct interval_server){.days = 1 + i % 7};
        a[i].with[0] = i % 3 == 0;
        a[i].with[3] = i % 2 * a[i].days;
        b[(i * 37) % 100] = a[i];
    }
    assert_int_equal(interval_of(a, 100, x), 0);
    assert_int_equal(interval_of(b, 100, y), 0);
    assert_memory_equal(x, y, sizeof(x));
}

static void few_servers_are_for_wilson(void **state)
{
    static struct interval_server s[100];
    struct interval out[INTERVAL_COUNTS];
    (void)state;
    fill(s, 100, 9, 1);
    assert_int_equal(interval_of(s, 100, out), 0);
    assert_int_equal(out[0].method, INTERVAL_WILSON);
    fill(s, 100, 10, 1);
    assert_int_equal(interval_of(s, 100, out), 0);
    assert_int_equal(out[0].method, INTERVAL_BOOTSTRAP);
    fill(s, 100, 91, 1); /* nine lack it */
    assert_int_equal(interval_of(s, 100, out), 0);
    assert_int_equal(out[0].method, INTERVAL_WILSON);
    assert_int_equal(interval_of(s, 0, out), 0);
    assert_int_equal(out[0].method, INTERVAL_NONE);
}

/* A made population: a server is affected with probability 0.3, on all of its one to four days, so
 * that the share is 0.3. Of 200 samples of 120 servers the interval should hold 0.3 in 190; four
 * standard deviations are 12, and the percentile bootstrap of so few is known to be a little
 * narrow, by one or two in a hundred. */
static void nineteen_of_twenty_intervals_hold_the_truth(void **state)
{
    static struct interval_server s[120];
    struct interval out[INTERVAL_COUNTS];
    uint64_t luck = 99;
    int held = 0;
    (void)state;
    for (int sample = 0; sample < 200; sample++) {
        for (int i = 0; i < 120; i++) {
            s[i] = (struct interval_server){.days = 1 + (uint32_t)(interval_random(&luck) % 4)};
            s[i].with[0] = interval_random(&luck) % 10 < 3 ? s[i].days : 0;
        }
        assert_int_equal(interval_of(s, 120, out), 0);
        held += out[0].low <= 300000 && out[0].high >= 300000;
    }
    assert_in_range(held, 174, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_splitmix64),
        cmocka_unit_test(none_of_ten_may_still_be_a_quarter),
        cmocka_unit_test(half_of_ten),
        cmocka_unit_test(two_servers_have_four_draws),
        cmocka_unit_test(three_servers_are_drawn_alike),
        cmocka_unit_test(many_servers_come_close_to_the_normal_interval),
        cmocka_unit_test(days_of_one_server_make_nothing_surer),
        cmocka_unit_test(the_order_of_servers_does_not_matter),
        cmocka_unit_test(few_servers_are_for_wilson),
        cmocka_unit_test(nineteen_of_twenty_intervals_hold_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
