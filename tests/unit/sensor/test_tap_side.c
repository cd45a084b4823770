/* SPDX-License-Identifier: Apache-2.0 */
/* Where a tap stands, by how long the ends of connections waited for each other. */
#include "sensor/tap_side.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS 1000u /* microseconds */

static struct tap_sides *t;

static int setup(void **state)
{
    (void)state;
    t = tap_sides_new();
    return t ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tap_sides_free(t);
    return 0;
}

/* Connections of as many networks of clients with as many of servers, which waited so long. */
static void see(uint32_t source, unsigned nets, uint32_t syn, uint32_t synack)
{
    for (unsigned i = 0; i < nets; i++) {
        const struct session s = {.source = source,
                                  .key = {.family = 4,
                                          .client = {10, 1, (uint8_t)i, 7},
                                          .server = {10, 2, (uint8_t)i, 25}},
                                  .syn_wait = syn,
                                  .synack_wait = synack};
        tap_sides_see(t, &s);
    }
}

static void near_the_clients(void **state)
{
    (void)state;
    see(0, 200, 30 * MS, 50);
    assert_int_equal(tap_sides_of(t, 0), VANTAGE_CLIENT_SIDE);
    assert_int_equal(tap_sides_of(t, 1), VANTAGE_UNKNOWN);
    assert_int_equal(tap_sides_counts(t, 0).server_side, 0);
}

static void near_the_servers(void **state)
{
    (void)state;
    see(3, 200, 50, 30 * MS);
    assert_int_equal(tap_sides_of(t, 3), VANTAGE_SERVER_SIDE);
    assert_int_equal(tap_sides_of(t, 0), VANTAGE_UNKNOWN);
}

static void few_networks_say_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        see(0, 1, 50, 30 * MS);
    assert_int_equal(tap_sides_counts(t, 0).server_side, 1);
    see(0, TAP_SIDE_LEAST - 1, 50, 30 * MS);
    assert_int_equal(tap_sides_of(t, 0), VANTAGE_UNKNOWN);
}

static void neighbours_say_nothing(void **state)
{
    (void)state;
    see(0, 200, 900, 10);          /* far from each other by a millisecond at least */
    see(0, 200, 30 * MS, 10 * MS); /* in the middle of the way */
    see(0, 200, 10 * MS, 30 * MS);
    see(0, 200, 0, 30 * MS); /* one of the two was not seen */
    see(0, 200, 30 * MS, 0);
    assert_int_equal(tap_sides_counts(t, 0).client_side + tap_sides_counts(t, 0).server_side, 0);
}

static void mail_both_ways_says_nothing(void **state)
{
    (void)state;
    see(0, 100, 50, 30 * MS);
    see(0, 30, 30 * MS, 50);
    assert_int_equal(tap_sides_of(t, 0), VANTAGE_UNKNOWN);
}

/* A client of one network that waits on purpose, however often, has one vote of many. */
static void one_who_waits_on_purpose(void **state)
{
    (void)state;
    see(0, 200, 30 * MS, 50);
    for (int i = 0; i < 1000; i++)
        see(0, 1, 50, 900 * MS);
    assert_int_equal(tap_sides_of(t, 0), VANTAGE_CLIENT_SIDE);
}

/* The route has changed, and with it the side. */
static void the_newest_count(void **state)
{
    (void)state;
    see(0, 250, 30 * MS, 50);
    assert_int_equal(tap_sides_of(t, 0), VANTAGE_CLIENT_SIDE);
    see(0, 250, 50, 30 * MS);
    assert_int_equal(tap_sides_of(t, 0), VANTAGE_SERVER_SIDE);
}

static void any_number_of_taps(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++)
        see(i * 7, 100, 30 * MS, 50);
    assert_int_equal(tap_sides_of(t, 299 * 7), VANTAGE_CLIENT_SIDE);
    assert_int_equal(tap_sides_of(t, 299 * 7 - 1), VANTAGE_UNKNOWN);
    see(UINT32_MAX, 100, 30 * MS, 50);
    assert_int_equal(tap_sides_of(t, UINT32_MAX), VANTAGE_UNKNOWN);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(near_the_clients),
        CASE(near_the_servers),
        CASE(few_networks_say_nothing),
        CASE(neighbours_say_nothing),
        CASE(mail_both_ways_says_nothing),
        CASE(one_who_waits_on_purpose),
        CASE(the_newest_count),
        CASE(any_number_of_taps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
