/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sparse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD = 24 * 8 };

/* A group of eight words costs a byte, each word that is not zero one more. */
static void what_is_zero_takes_nothing(void **state)
{
    uint8_t record[RECORD] = {0}, packed[SPARSE_MOST(RECORD)], back[RECORD];

    (void)state;
    assert_int_equal(sparse_pack(packed, record, RECORD), 3);
    record[0] = 7;
    record[63] = 9;
    record[RECORD - 1] = 1;
    assert_int_equal(sparse_pack(packed, record, RECORD), 3 + 3 * 2);
    assert_int_equal(sparse_unpack(packed, back, RECORD), 9);
    assert_memory_equal(back, record, RECORD);
    memset(record, 0xff, RECORD);
    assert_int_equal(sparse_pack(packed, record, RECORD), SPARSE_MOST(RECORD));
}

/* Every length up to four groups, filled more or less densely, comes back as it was. */
static void comes_back_as_it_was(void **state)
{
    uint8_t record[256], packed[SPARSE_MOST(256) + 1], back[256];

    (void)state;
    srand(1);
    for (int round = 0; round < 2000; round++) {
        size_t n = 8 * (size_t)(1 + rand() % 32), used;
        int density = rand() % 101;
        for (size_t i = 0; i < n; i++)
            record[i] = rand() % 100 < density ? (uint8_t)rand() : 0;
        packed[SPARSE_MOST(n)] = 0x5a;
        used = sparse_pack(packed, record, n);
        assert_true(used <= SPARSE_MOST(n));
        assert_int_equal(packed[SPARSE_MOST(n)], 0x5a);
        memset(back, 0xee, sizeof(back));
        assert_int_equal(sparse_unpack(packed, back, n), used);
        assert_memory_equal(back, record, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_zero_takes_nothing),
        cmocka_unit_test(comes_back_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
