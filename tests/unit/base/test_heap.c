/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* AddressSanitizer ends a program that asks for too much, unless told otherwise. */
const char *__asan_default_options(void);
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
        cmocka_unit_test(a_refusal_counts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
