/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/caps.h"
#include "dissect/reasm.h"

static const uint8_t data[4096];

static struct reasm_segment seg(uint32_t seq, uint32_t n, bool suspect)
{
    return (struct reasm_segment){
        .seq = seq, .bytes = span_of(data, n), .wire_len = n, .suspect = suspect};
}

static enum reasm_hold hold(struct reasm *r, struct reasm_pool *pool, uint32_t seq, uint32_t n,
                            bool suspect)
{
    struct reasm_segment s = seg(seq, n, suspect);

    return reasm_hold(r, pool, &s);
}

static void test_first_is_cut_to_the_unread_bytes(void **state)
{
    struct reasm_pool pool = {.limit = 1 << 20};
    struct reasm r = {0};
    struct reasm_segment s;

    (void)state;
    reasm_start(&r, 0xfffffff0); /* wraps inside */
    assert_int_equal(hold(&r, &pool, 0xfffffff0, 32, false), REASM_HELD);
    reasm_advance(&r, 5);
    assert_true(reasm_first(&r, &pool, &s));
    assert_int_equal(s.seq, 5);
    assert_int_equal(s.bytes.n, 11);
    assert_int_equal(s.wire_len, 11);
    reasm_advance(&r, 16);
    assert_false(reasm_first(&r, &pool, &s));
    assert_int_equal(pool.bytes, 0);
}

static void test_old_and_equal_copies_are_known(void **state)
{
    struct reasm_pool pool = {.limit = 1 << 20};
    struct reasm r = {0};

    (void)state;
    reasm_start(&r, 100);
    assert_int_equal(hold(&r, &pool, 90, 10, false), REASM_KNOWN);
    assert_int_equal(hold(&r, &pool, 110, 10, false), REASM_HELD);
    assert_int_equal(hold(&r, &pool, 110, 10, false), REASM_KNOWN);
    assert_int_equal(hold(&r, &pool, 110, 20, false), REASM_HELD); /* a longer copy shows more */
    assert_int_equal(r.held_count, 1);
    assert_int_equal(r.held_bytes, 20);
    reasm_release(&r, &pool);
    assert_int_equal(pool.bytes, 0);
}

static void test_a_clean_copy_beats_a_suspect_one(void **state)
{
    struct reasm_pool pool = {.limit = 1 << 20};
    struct reasm r = {0};
    struct reasm_segment s;

    (void)state;
    reasm_start(&r, 100);
    assert_int_equal(hold(&r, &pool, 100, 50, true), REASM_HELD);
    assert_true(reasm_first(&r, &pool, &s));
    assert_true(s.suspect);
    assert_int_equal(hold(&r, &pool, 100, 20, false), REASM_HELD);
    assert_true(reasm_first(&r, &pool, &s));
    assert_false(s.suspect);
    assert_int_equal(s.bytes.n, 20);
    reasm_release(&r, &pool);
}

static void test_caps_refuse_and_count(void **state)
{
    struct reasm_pool pool = {.limit = 1 << 20};
    struct reasm r = {0};

    (void)state;
    reasm_start(&r, 0);
    for (uint32_t i = 0; i < CAP_HELD_SEGMENTS; i++)
        assert_int_equal(hold(&r, &pool, 10 + 2 * i, 1, false), REASM_HELD);
    assert_int_equal(hold(&r, &pool, 5000, 1, false), REASM_FULL);
    assert_int_equal(pool.refused, 1);
    reasm_release(&r, &pool);
    pool.limit = 100;
    assert_int_equal(hold(&r, &pool, 10, 4000, false), REASM_FULL);
    assert_int_equal(pool.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_is_cut_to_the_unread_bytes),
        cmocka_unit_test(test_old_and_equal_copies_are_known),
        cmocka_unit_test(test_a_clean_copy_beats_a_suspect_one),
        cmocka_unit_test(test_caps_refuse_and_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
