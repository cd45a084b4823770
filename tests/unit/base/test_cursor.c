/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0xff, 0xfe, 0xfd, 0xfc, 'a', 'b', 'c'};

static void test_reads_big_endian(void **state)
{
    struct cursor c = cursor_of(span_of(bytes, sizeof(bytes)));

    (void)state;
    assert_int_equal(cursor_u8(&c), 0x01);
    assert_int_equal(cursor_u16(&c), 0x0203);
    assert_int_equal(cursor_u32(&c), 0xfffefdfc);
    assert_true(span_eq(cursor_rest(&c), span_str("abc")));
    assert_true(span_eq(cursor_span(&c, 2), span_str("ab")));
    cursor_skip(&c, 1);
    assert_int_equal(cursor_rest(&c).n, 0);
    assert_false(c.bad);
}

/* A header of 1 + 2 + 4 bytes and a span of 3, cut at every length. */
static void test_every_truncation_is_told(void **state)
{
    (void)state;
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        uint8_t *copy = guard_copy(bytes, n);
        struct cursor c = cursor_of(span_of(copy, n));

        assert_int_equal(cursor_u8(&c), n < 1 ? 0 : 0x01);
        assert_int_equal(cursor_u16(&c), n < 3 ? 0 : 0x0203);
        assert_int_equal(cursor_u32(&c), n < 7 ? 0 : 0xfffefdfc);
        assert_int_equal(cursor_span(&c, 3).n, n < 10 ? 0 : 3);
        assert_int_equal(c.bad, n < 10);
        guard_free(copy);
    }
}

static void test_error_is_sticky(void **state)
{
    struct cursor c = cursor_of(span_of(bytes, 3));

    (void)state;
    assert_int_equal(cursor_u32(&c), 0);
    assert_true(c.bad);
    assert_int_equal(cursor_u8(&c), 0);
    assert_int_equal(cursor_u16(&c), 0);
    assert_null(cursor_span(&c, 0).p);
    assert_int_equal(cursor_rest(&c).n, 0);
    assert_true(c.bad);
}

static void test_no_length_overflows(void **state)
{
    struct cursor c = cursor_of(span_of(bytes, sizeof(bytes)));

    (void)state;
    cursor_skip(&c, 1);
    assert_int_equal(cursor_span(&c, SIZE_MAX).n, 0);
    assert_true(c.bad);
}

static void test_nothing_to_read(void **state)
{
    struct cursor c = cursor_of(span_of(bytes, 0));
    struct cursor nowhere = cursor_of(span_of(NULL, 0));

    (void)state;
    assert_int_equal(cursor_span(&c, 0).n, 0);
    cursor_skip(&c, 0);
    assert_false(c.bad);
    assert_int_equal(cursor_u8(&c), 0);
    assert_true(c.bad);
    assert_int_equal(cursor_u32(&nowhere), 0);
    assert_true(nowhere.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_big_endian), cmocka_unit_test(test_every_truncation_is_told),
        cmocka_unit_test(test_error_is_sticky),  cmocka_unit_test(test_no_length_overflows),
        cmocka_unit_test(test_nothing_to_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
