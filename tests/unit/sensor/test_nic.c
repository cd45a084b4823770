/* SPDX-License-Identifier: Apache-2.0 */
/* What can be known of interfaces everywhere; tests/system/test_live.py makes some and takes them
 * down, unplugs and removes them. */
#include "sensor/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const NO_NAMES[] = {
    "",          "no-such-nic", ".",   "..",
    "../net/lo", "/etc",        "any", "a-name-that-is-longer-than-one-can-be"};
#define NO_NAME_COUNT (sizeof(NO_NAMES) / sizeof(NO_NAMES[0]))

static void knows_nothing_of_what_is_no_interface(void **state)
{
    (void)state;
    for (size_t i = 0; i < NO_NAME_COUNT; i++) {
        struct nic n;
        nic_open(&n, NO_NAMES[i]);
        for (int k = 0; k < NIC_FILE_COUNT; k++)
            assert_int_equal(n.fd[k], -1);
        assert_int_equal(nic_state(&n), NIC_UNKNOWN);
        assert_int_equal(nic_drops(&n), 0);
        assert_false(nic_present(NO_NAMES[i]));
        nic_close(&n);
    }
}

static void has_a_word_for_each_state(void **state)
{
    static const char *const words[] = {"up", "no-carrier", "down", "gone", "unknown"};
    (void)state;
    for (int i = 0; i < NIC_STATE_COUNT; i++)
        assert_string_equal(nic_state_text((enum nic_state)i), words[i]);
}

static void reads_the_same_again(void **state)
{
    struct nic n;
    (void)state;
    nic_open(&n, "lo");
    enum nic_state first = nic_state(&n);
    assert_int_not_equal(first, NIC_GONE);
    assert_int_equal(nic_state(&n), first);
    nic_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_nothing_of_what_is_no_interface),
        cmocka_unit_test(has_a_word_for_each_state),
        cmocka_unit_test(reads_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
