/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tls_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 8446 section 4.1.2, by hand: two suites, an extension that is not known, and a server name.
 */
static const uint8_t hello[] = {
    3,    3, /* legacy_version */
    1,    2,    3,    4,    5,    6,    7,  8,  9,  10,  11,  12,  13,  14,  15,  16,
    17,   18,   19,   20,   21,   22,   23, 24, 25, 26,  27,  28,  29,  30,  31,  32, /* random */
    2,    0xaa, 0xbb,                   /* session id */
    0,    4,    0x13, 0x01, 0x13, 0x02, /* suites */
    1,    0,                            /* compression */
    0,    26,                           /* extensions */
    0xfe, 0x0d, 0,    2,    7,    7,    /* unknown */
    0,    0,    0,    16,   0,    14,   0,  0,  11, 'm', 'x', '.', 'a', '-', 'b', '.',
    't',  'e',  's',  't',
};

static struct tls_client_hello h;
static struct span data;

static void what_it_says(void **state)
{
    (void)state;
    assert_true(tls_client_hello_read(span_of(hello, sizeof(hello)), &h));
    assert_int_equal(h.version, 0x0303);
    assert_int_equal(h.random.n, 32);
    assert_int_equal(h.random.p[31], 32);
    assert_int_equal(h.session_id.n, 2);
    assert_int_equal(h.suites.n, 4);
    assert_int_equal(h.compression.n, 1);
    assert_true(tls_extension(h.extensions, TLS_EXTENSION_SERVER_NAME, &data));
    assert_true(span_eq(tls_server_name(data), span_str("mx.a-b.test")));
    assert_true(tls_extension(h.extensions, 0xfe0d, &data));
    assert_int_equal(data.n, 2);
    assert_false(tls_extension(h.extensions, 43, &data));
}

/* Cut anywhere it is no ClientHello, but for the place where the extensions may be missing. */
static void cut_anywhere(void **state)
{
    size_t bare = sizeof(hello) - 28;
    (void)state;
    for (size_t n = 0; n < sizeof(hello); n++) {
        uint8_t *copy = malloc(n + 1); /* its end is guarded by the sanitizer */
        memcpy(copy, hello, n);
        assert_int_equal(tls_client_hello_read(span_of(copy, n), &h), n == bare);
        free(copy);
    }
    tls_client_hello_read(span_of(hello, sizeof(hello)), &h);
    for (size_t n = 0; n < h.extensions.n; n++)
        assert_int_equal(tls_extension(span_first(h.extensions, n), 0, &data), 0);
}

static void lengths_that_lie(void **state)
{
    uint8_t bad[sizeof(hello) + 1];
    const size_t at[] = {34 /* session id */, 37 /* suites */, 43 /* compression */, 45};
    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        memcpy(bad, hello, sizeof(hello));
        bad[at[i]] = 0xff;
        assert_false(tls_client_hello_read(span_of(bad, sizeof(hello)), &h));
    }
    memcpy(bad, hello, sizeof(hello));
    bad[sizeof(hello)] = 0; /* something behind the end */
    assert_false(tls_client_hello_read(span_of(bad, sizeof(bad)), &h));
    bad[38] = 3; /* an odd number of bytes in the suites */
    assert_false(tls_client_hello_read(span_of(bad, sizeof(hello)), &h));
}

static void names_of_other_kinds(void **state)
{
    static const uint8_t other[] = {0, 12, 9, 0, 2, 'x', 'x', 0, 0, 4, 'a', '.', 'b', 'c'};
    static const uint8_t none[] = {0, 5, 9, 0, 2, 'x', 'x'};
    static const uint8_t liar[] = {0, 5, 0, 0, 9, 'x', 'x'};
    (void)state;
    assert_true(span_eq(tls_server_name(span_of(other, sizeof(other))), span_str("a.bc")));
    assert_int_equal(tls_server_name(span_of(none, sizeof(none))).n, 0);
    assert_int_equal(tls_server_name(span_of(liar, sizeof(liar))).n, 0);
    assert_int_equal(tls_server_name(span_of(NULL, 0)).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(lengths_that_lie),
        cmocka_unit_test(names_of_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
