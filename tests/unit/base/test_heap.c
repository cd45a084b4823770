/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A sanitizer ends a program that asks for too much, unless told otherwise. */
const char *__asan_default_options(void);
const char *__msan_default_options(void);
const char *__msan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void all_that_is_out_is_counted(void **state)
{
    size_t before = heap_bytes();
    char *a = heap_alloc(1000), *b = heap_zeroed(500);

    (void)state;
    assert_true(heap_bytes() >= before + 1500 && heap_bytes() < before + 1700);
    assert_int_equal(heap_bytes(), before + heap_size(a) + heap_size(b));
    for (int i = 0; i < 500; i++)
        assert_int_equal(b[i], 0);
    a[999] = 'x';
    a = heap_resize(a, 5000);
    assert_int_equal(a[999], 'x');
    assert_int_equal(heap_bytes(), before + heap_size(a) + heap_size(b));
    heap_free(a);
    heap_free(b);
    heap_free(NULL);
    assert_int_equal(heap_bytes(), before);
    assert_int_equal(heap_size(NULL), 0);
}

/* A freed piece may be the next one of its size: nothing of it shows, and the count is right. */
static void pieces_come_back_clean(void **state)
{
    static const size_t sizes[] = {1,   8,   23,   24,   25,   40,   41,
                                   512, 936, 1056, 2040, 2048, 2049, 5000};
    size_t before = heap_bytes();

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *p[100];
        for (size_t round = 0; round < 3; round++) {
            for (size_t k = 0; k < 100; k++) {
                p[k] = heap_zeroed(sizes[i]);
                for (size_t n = 0; n < sizes[i]; n++)
                    assert_int_equal(p[k][n], 0);
                assert_true(heap_size(p[k]) >= sizes[i] + sizeof(size_t));
                memset(p[k], 0xa5, sizes[i]);
            }
            for (size_t k = 0; k < 100; k++) {
                assert_int_equal(p[k][0] & p[k][sizes[i] - 1], 0xa5);
                heap_free(p[k]);
            }
            assert_int_equal(heap_bytes(), before);
        }
    }
}

/* What cannot be had changes nothing. */
static void a_refusal_counts_nothing(void **state)
{
    size_t before = heap_bytes(), most = SIZE_MAX / 2;
    void *a = heap_alloc(10);

    (void)state;
    assert_null(heap_alloc(most));
    assert_null(heap_resize(a, most));
    assert_int_equal(heap_bytes(), before + heap_size(a));
    heap_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_out_is_counted),
        cmocka_unit_test(pieces_come_back_clean),
        cmocka_unit_test(a_refusal_counts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
