/* SPDX-License-Identifier: Apache-2.0 */
#include "report/keyed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key secret = {1, 2};

struct record {
    uint32_t key[2];
    uint32_t seen;
};

static void a_key_is_found_again(void **state)
{
    (void)state;
    struct keyed *k = keyed_new(&secret, sizeof(struct record), sizeof(uint32_t[2]), 100000);
    assert_non_null(k);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 20000; i++) {
            uint32_t key[2] = {i, i ^ 0xffff};
            assert_int_equal(keyed_add(k, key), i); /* numbered as they came */
            struct record *r = keyed_at(k, i);
            assert_int_equal(r->seen, round); /* zero at first */
            r->seen++;
        }
    }
    assert_int_equal(keyed_count(k), 20000);
    keyed_free(k);
}

static void beyond_the_cap_only_known_keys_are_found(void **state)
{
    (void)state;
    struct keyed *k = keyed_new(&secret, sizeof(uint32_t), sizeof(uint32_t), 3);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(keyed_add(k, &i), i < 3 ? (int)i : -1);
    assert_int_equal(keyed_add(k, &(uint32_t){2}), 2);
    assert_int_equal(keyed_count(k), 3);
    keyed_free(k);
    keyed_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_again),
        cmocka_unit_test(beyond_the_cap_only_known_keys_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
