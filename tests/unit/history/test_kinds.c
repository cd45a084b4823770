/* SPDX-License-Identifier: Apache-2.0 */
#include "history/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void each_is_new_once(void **state)
{
    struct kinds k = {0};
    (void)state;
    assert_false(kinds_seen(&k, 7, 100));
    assert_true(kinds_seen(&k, 7, 101));
    assert_false(kinds_seen(&k, 8, 101));
    assert_true(kinds_seen(&k, 0, 102)); /* nothing is not new */
    assert_int_equal(kinds_count(&k, 7), 2);
    assert_int_equal(kinds_count(&k, 9), 0);
    struct usual_kind u = kinds_recall(&k, 7, false);
    assert_int_equal(u.seen, 3);
    assert_int_equal(u.same, 2);
    assert_int_equal(u.kinds, 2);
    u = kinds_recall(&k, 8, true); /* it is the one that was counted */
    assert_int_equal(u.seen, 2);
    assert_int_equal(u.same, 0);
    u = kinds_recall(&k, 9, true);
    assert_int_equal(u.seen, 3);
    assert_int_equal(u.same, 0);
    u = kinds_recall(&k, 0, false);
    assert_int_equal(u.same, 0);
}

/* Of a full set that goes which was not seen for longest, and of one day the rarest. */
static void there_is_an_end(void **state)
{
    struct kinds k = {0};
    (void)state;
    for (uint64_t what = 1; what <= KINDS_MOST; what++)
        for (uint64_t times = 0; times < what; times++)
            kinds_seen(&k, what, what == 3 ? 99 : 100);
    kinds_seen(&k, 50, 101);
    assert_int_equal(kinds_count(&k, 3), 0);
    kinds_seen(&k, 51, 101);
    assert_int_equal(kinds_count(&k, 1), 0);
    assert_int_equal(kinds_count(&k, 2), 2);
    kinds_put(&k, 52, 9, 99); /* older than all: it finds no place */
    assert_int_equal(kinds_count(&k, 52), 0);
    kinds_put(&k, 52, 9, 100);
    assert_int_equal(kinds_count(&k, 52), 9);
    assert_int_equal(kinds_count(&k, 2), 0);
}

static void counts_stay_at_their_largest(void **state)
{
    struct kinds k = {0};
    (void)state;
    kinds_put(&k, 7, UINT32_MAX - 1, 100);
    kinds_put(&k, 7, 5, 90);
    kinds_seen(&k, 7, 100);
    kinds_seen(&k, 8, 100);
    assert_int_equal(kinds_count(&k, 7), UINT32_MAX);
    struct usual_kind u = kinds_recall(&k, 7, false);
    assert_true(u.seen == UINT32_MAX && u.same == UINT32_MAX);
    u = kinds_recall(&k, 8, true);
    assert_int_equal(u.same, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_new_once),
        cmocka_unit_test(there_is_an_end),
        cmocka_unit_test(counts_stay_at_their_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
