/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recent.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct siphash_key key = {5, 6};

static void what_was_kept_is_found(void **state)
{
    struct recent *r = recent_new(&key, 64);
    int64_t *v;
    (void)state;
    assert_null(recent_find(r, "a", 1));
    v = recent_keep(r, "a", 1, 10);
    assert_int_equal(v[0], 0);
    assert_int_equal(v[1], 0);
    v[0] = 7;
    v[1] = INT64_MIN;
    assert_int_equal(recent_keep(r, "a", 1, 11)[0], 7);
    assert_true(recent_find(r, "a", 1)[1] == INT64_MIN);
    assert_null(recent_find(r, "ab", 2));
    recent_free(r);
}

/* Four places for a hundred keys: the four that were used last. */
static void the_one_not_used_for_longest_goes(void **state)
{
    struct recent *r = recent_new(&key, 4);
    uint8_t k;
    (void)state;
    for (k = 0; k < 100; k++) {
        recent_keep(r, &k, 1, k)[0] = k;
        if (k >= 3)
            recent_keep(r, "\0", 1, k);
    }
    for (k = 0; k < 100; k++) {
        int64_t *v = recent_find(r, &k, 1);
        assert_int_equal(v != NULL, k == 0 || k >= 97);
        assert_true(!v || v[0] == k);
    }
    recent_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_found),
        cmocka_unit_test(the_one_not_used_for_longest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
