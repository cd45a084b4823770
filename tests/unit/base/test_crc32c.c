/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* RFC 3720 appendix B.4. */
static void vectors(void **state)
{
    uint8_t zeros[32] = {0}, ones[32], up[32], down[32];

    (void)state;
    for (size_t i = 0; i < 32; i++) {
        ones[i] = 0xFF;
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    assert_int_equal(crc32c(0, span_of(zeros, 32)), 0x8A9136AA);
    assert_int_equal(crc32c(0, span_of(ones, 32)), 0x62A8AB43);
    assert_int_equal(crc32c(0, span_of(up, 32)), 0x46DD794E);
    assert_int_equal(crc32c(0, span_of(down, 32)), 0x113FDB5C);
    assert_int_equal(crc32c(0, span_of(NULL, 0)), 0);
}

/* One sum, however the bytes come. */
static void in_parts(void **state)
{
    const struct span whole = span_str("It was a dark and stormy night; the mail went in clear.");

    (void)state;
    for (size_t cut = 0; cut <= whole.n; cut++)
        assert_int_equal(crc32c(crc32c(0, span_first(whole, cut)), span_from(whole, cut)),
                         crc32c(0, whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(in_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
