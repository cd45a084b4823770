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
    v = recent_keep(r, "a", 1);
    assert_int_equal(v[0], 0);
    assert_int_equal(v[1], 0);
    v[0] = 7;
    v[1] = INT64_MIN;
    assert_int_equal(recent_keep(r, "a", 1)[0], 7);
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
        recent_keep(r, &k, 1)[0] = k;
        if (k >= 3)
            recent_keep(r, "\0", 1);
    }
    for (k = 0; k < 100; k++) {
        int64_t *v = recent_find(r, &k, 1);
        assert_int_equal(v != NULL, k == 0 || k >= 97);
        assert_true(!v || v[0] == k);
    }
    recent_free(r);
}

/* What is forgotten depends on the keys alone, and not on the secret. */
static void the_same_is_forgotten_by_all(void **state)
{
    (void)state;
    for (uint64_t secret = 0; secret < 20; secret++) {
        struct siphash_key other = {secret, ~secret};
        struct recent *r = recent_new(&other, 64);
        for (uint32_t k = 0; k < 1000; k++)
            recent_keep(r, &k, sizeof(k))[0] = k;
        for (uint32_t k = 0; k < 1000; k++) {
            int64_t *v = recent_find(r, &k, sizeof(k));
            assert_int_equal(v != NULL, k >= 1000 - 64);
            assert_true(!v || v[0] == k);
        }
        recent_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_found),
        cmocka_unit_test(the_one_not_used_for_longest_goes),
        cmocka_unit_test(the_same_is_forgotten_by_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
