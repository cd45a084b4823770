/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "online/rdata.h"

#define BYTES(s) span_of(s, sizeof(s) - 1)

static void names(void **state)
{
    struct domain d;

    (void)state;
    assert_true(rdata_name(BYTES("\3MX1\5alder\7example\0"), &d));
    assert_string_equal(d.text, "mx1.alder.example");
    assert_true(rdata_name(BYTES("\0"), &d));
    assert_int_equal(d.n, 0);
    assert_false(rdata_name(BYTES(""), &d));
    assert_false(rdata_name(BYTES("\3mx1"), &d));            /* breaks off */
    assert_false(rdata_name(BYTES("\4mx1\0"), &d));          /* a label over the end */
    assert_false(rdata_name(BYTES("\3mx1\0x"), &d));         /* something behind it */
    assert_false(rdata_name(BYTES("\300\014"), &d));         /* a pointer, of nothing */
    assert_false(rdata_name(BYTES("\3a.b\7example\0"), &d)); /* a dot that is part of a label */
    assert_false(rdata_name(BYTES("\3a\0b\7example\0"), &d));
    assert_false(rdata_name(BYTES("\3a_b\7example\0"), &d)); /* no host */
}

static void a_name_of_full_length_fits(void **state)
{
    uint8_t wire[256];
    struct domain d;
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) { /* 63 + 63 + 63 + 61: 253 bytes of text with three dots */
        uint8_t length = i < 3 ? 63 : 61;
        wire[n++] = length;
        memset(wire + n, 'a', length);
        n += length;
    }
    wire[n++] = 0;
    assert_true(rdata_name(span_of(wire, n), &d));
    assert_int_equal(d.n, 253);
    wire[3 * 64] = 62; /* one more byte */
    memset(wire + 3 * 64 + 1, 'a', 62);
    wire[3 * 64 + 63] = 0;
    assert_false(rdata_name(span_of(wire, 256), &d));
}

static void exchangers(void **state)
{
    struct domain d;
    uint16_t preference;

    (void)state;
    assert_true(rdata_mx(BYTES("\1\4\2mx\7example\0"), &preference, &d));
    assert_int_equal(preference, 260);
    assert_string_equal(d.text, "mx.example");
    assert_true(rdata_mx(BYTES("\0\0\0"), &preference, &d)); /* RFC 7505 section 3 */
    assert_int_equal(preference, 0);
    assert_int_equal(d.n, 0);
    assert_false(rdata_mx(BYTES("\0"), &preference, &d));
    assert_false(rdata_mx(BYTES("\0\12"), &preference, &d));
}

static void texts(void **state)
{
    uint8_t to[64];
    size_t n;
    bool split;

    (void)state;
    assert_true(rdata_txt(BYTES("\5hello"), to, &n, &split));
    assert_int_equal(n, 5);
    assert_false(split);
    assert_true(rdata_txt(BYTES("\2v=\0\3STS"), to, &n, &split));
    assert_int_equal(n, 5);
    assert_memory_equal(to, "v=STS", 5);
    assert_true(split);
    assert_true(rdata_txt(BYTES("\0"), to, &n, &split));
    assert_int_equal(n, 0);
    assert_false(rdata_txt(BYTES("\6hello"), to, &n, &split));
    assert_false(rdata_txt(BYTES(""), to, &n, &split));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(a_name_of_full_length_fits),
        cmocka_unit_test(exchangers),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
