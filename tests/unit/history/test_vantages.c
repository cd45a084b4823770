/* SPDX-License-Identifier: Apache-2.0 */
#include "history/vantages.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct vantages v;

static int setup(void **state)
{
    (void)state;
    memset(&v, 0, sizeof(v));
    return 0;
}

static void each_has_a_number(void **state)
{
    (void)state;
    assert_int_equal(vantages_number(&v, span_str("mx1/eth0")), 1);
    assert_int_equal(vantages_own(&v, span_str("mx1/eth1")), 2);
    assert_int_equal(vantages_number(&v, span_str("mx1/eth0")), 1);
    assert_int_equal(vantages_number(&v, span_str("mx1/eth1")), 2);
    assert_string_equal(vantages_name(&v, 2), "mx1/eth1");
    assert_false(v.own[0]);
    assert_true(v.own[1]);
    assert_int_equal(vantages_own(&v, span_str("mx1/eth0")), 1);
    assert_true(v.own[0]);
    assert_int_equal(vantages_own(&v, span_str("")), 0);
    assert_int_equal(v.count, 2);
}

static void long_names_are_cut(void **state)
{
    char name[2 * CAP_HISTORY_VANTAGE];
    (void)state;
    memset(name, 'a', sizeof(name));
    assert_int_equal(vantages_number(&v, span_of(name, sizeof(name))), 1);
    assert_int_equal(vantages_number(&v, span_of(name, CAP_HISTORY_VANTAGE)), 1);
    assert_int_equal(vantages_number(&v, span_of(name, CAP_HISTORY_VANTAGE - 1)), 2);
    assert_int_equal(vantages_number(&v, span_of("b\0c", 3)), 3);
    assert_string_equal(vantages_name(&v, 3), "b");
}

static void there_is_an_end(void **state)
{
    char name[16];
    (void)state;
    for (int i = 0; i < CAP_HISTORY_VANTAGES; i++) {
        snprintf(name, sizeof(name), "tap%d", i);
        assert_int_equal(vantages_number(&v, span_str(name)), i + 1);
    }
    assert_int_equal(vantages_own(&v, span_str("another")), 0);
    assert_int_equal(vantages_number(&v, span_str("tap7")), 8);
}

static void another_process_goes_on(void **state)
{
    struct vantages w;
    FILE *f = tmpfile();
    (void)state;
    assert_non_null(f);
    vantages_number(&v, span_str("mx1/eth0"));
    vantages_own(&v, span_str("mx2"));
    assert_true(vantages_save(&v, f));
    rewind(f);
    assert_true(vantages_restore(&w, f));
    assert_int_equal(vantages_number(&w, span_str("mx2")), 2);
    assert_true(w.own[1] && !w.own[0]);
    assert_false(vantages_restore(&w, f)); /* there is no more */
    rewind(f);
    v.count = CAP_HISTORY_VANTAGES + 1;
    assert_true(vantages_save(&v, f));
    rewind(f);
    assert_false(vantages_restore(&w, f));
    v.count = 1;
    memset(v.name[0], 'a', sizeof(v.name[0]));
    rewind(f);
    assert_true(vantages_save(&v, f));
    rewind(f);
    assert_false(vantages_restore(&w, f));
    fclose(f);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_has_a_number),
        T(long_names_are_cut),
        T(there_is_an_end),
        T(another_process_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
