/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/told.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sensor/nic.h"

/* Of a watcher that took half of the packets of two interfaces, of which the second is down. */
static const struct told_watch ONE = {
    .dissect = {.packets = 10, .processed = 6, .flows_open = 2},
    .kernel_packets = 12,
    .kernel_drops = 2,
    .interface_drops = 7,
    .shed = 3,
    .shed_urgent = 1,
    .steps = 1,
    .step = -5,
    .newest = 100,
    .mail = 90,
    .interfaces = 2,
    .down = 1,
    .interface = {{.kernel_packets = 11, .kernel_drops = 2, .interface_drops = 4, .state = NIC_UP},
                  {.kernel_packets = 1, .interface_drops = 3, .state = NIC_DOWN}},
};

static void what_each_took_adds_up(void **state)
{
    struct told_watch sum = {0};
    (void)state;
    told_watch_add(&sum, &ONE, 0);
    told_watch_add(&sum, &ONE, 1);
    assert_int_equal(sum.dissect.packets, 20);
    assert_int_equal(sum.dissect.flows_open, 4);
    assert_int_equal(sum.kernel_packets, 24);
    assert_int_equal(sum.kernel_drops, 4);
    assert_int_equal(sum.shed, 6);
    assert_int_equal(sum.shed_urgent, 2);
    assert_int_equal(sum.interface[0].kernel_packets, 22);
    assert_int_equal(sum.interface[0].kernel_drops, 4);
}

/* Four watchers, an interface that lost seven packets, a clock that stepped once. */
static void what_all_see_counts_once(void **state)
{
    struct told_watch sum = {0};
    (void)state;
    for (uint16_t i = 0; i < 4; i++)
        told_watch_add(&sum, &ONE, i);
    assert_int_equal(sum.interface_drops, 7);
    assert_int_equal(sum.interface[0].interface_drops, 4);
    assert_int_equal(sum.interface[1].interface_drops, 3);
    assert_int_equal(sum.steps, 1);
    assert_int_equal(sum.step, -5);
    assert_int_equal(sum.interfaces, 2);
    assert_int_equal(sum.down, 1);
    assert_int_equal(sum.interface[1].state, NIC_DOWN);
}

/* What the first one's predecessor counted stays, and what the others did does not come on top. */
static void who_comes_behind_the_first_goes_on(void **state)
{
    struct told_watch sum = {0}, later = {.interface_drops = 2, .steps = 1, .step = 9};
    (void)state;
    told_watch_add(&sum, &ONE, 0);
    told_watch_add(&sum, &ONE, 1);
    told_watch_add(&sum, &later, 0);
    told_watch_add(&sum, &later, 1);
    assert_int_equal(sum.interface_drops, 9);
    assert_int_equal(sum.steps, 2);
    assert_int_equal(sum.step, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_took_adds_up),
        cmocka_unit_test(what_all_see_counts_once),
        cmocka_unit_test(who_comes_behind_the_first_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
