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

/* One after the other, up to where the list ends, be it within one. */
static void one_after_the_other(void **state)
{
    static const uint16_t types[] = {0xfe0d, 0};
    static const size_t lengths[] = {2, 16}, ends[] = {6, 26};
    (void)state;
    assert_true(tls_client_hello_read(span_of(hello, sizeof(hello)), &h));
    for (size_t n = 0; n <= h.extensions.n; n++) {
        struct cursor list = cursor_of(span_first(h.extensions, n));
        uint16_t type;
        size_t i = 0;
        for (; tls_extension_next(&list, &type, &data); i++) {
            assert_int_equal(type, types[i]);
            assert_int_equal(data.n, lengths[i]);
            assert_ptr_equal(data.p + data.n, h.extensions.p + ends[i]);
        }
        assert_int_equal(i, (n >= ends[0]) + (n >= ends[1]));
        assert_false(tls_extension_next(&list, &type, &data));
    }
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

/* --- ServerHello --- */

struct made {
    uint8_t p[128];
    size_t n;
};

/* `tail`: the last eight bytes of the random. */
static struct made server_hello(uint16_t version, const char *tail, const void *extensions,
                                size_t n)
{
    struct made m = {.p = {(uint8_t)(version >> 8), (uint8_t)version}, .n = 39};
    memcpy(m.p + 26, tail, 8);
    m.p[34] = 1; /* session id */
    m.p[36] = 0xc0;
    m.p[37] = 0x30; /* suite */
    if (n) {
        m.p[m.n] = 0;
        m.p[m.n + 1] = (uint8_t)n;
        memcpy(m.p + m.n + 2, extensions, n);
        m.n += 2 + n;
    }
    return m;
}

static struct tls_server_hello sh;

static void what_the_server_selects(void **state)
{
    static const uint8_t selected[] = {0xff, 1, 0, 1, 0, 0, 43, 0, 2, 3, 4};
    struct made m = server_hello(0x0301, "DOWNGRD", NULL, 0); /* and its NUL */
    (void)state;
    assert_true(tls_server_hello_read(span_of(m.p, m.n), &sh));
    assert_int_equal(sh.version, 0x0301);
    assert_int_equal(sh.suite, 0xc030);
    assert_int_equal(sh.sentinel, TLS_SENTINEL_11);
    m = server_hello(0x0303, "DOWNGRD\1", selected, sizeof(selected));
    assert_true(tls_server_hello_read(span_of(m.p, m.n), &sh));
    assert_int_equal(sh.version, 0x0304);
    assert_int_equal(sh.sentinel, TLS_SENTINEL_12);
    assert_false(sh.retry);
    for (size_t n = 0; n < m.n; n++) {
        uint8_t *copy = malloc(n + 1); /* its end is guarded by the sanitizer */
        memcpy(copy, m.p, n);
        assert_int_equal(tls_server_hello_read(span_of(copy, n), &sh), n == 39);
        free(copy);
    }
    m = server_hello(0x0303, "DOWNGRD\2", NULL, 0);
    assert_true(tls_server_hello_read(span_of(m.p, m.n), &sh));
    assert_int_equal(sh.sentinel, TLS_SENTINEL_NONE);
}

/* SHA-256 of "HelloRetryRequest", RFC 8446 section 4.1.3. */
static void a_request_to_try_again(void **state)
{
    static const uint8_t retry[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11,
                                      0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
                                      0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E,
                                      0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
    struct made m = server_hello(0x0303, "xxxxxxxx", NULL, 0);
    (void)state;
    memcpy(m.p + 2, retry, sizeof(retry));
    assert_true(tls_server_hello_read(span_of(m.p, m.n), &sh));
    assert_true(sh.retry);
    m.p[2] ^= 1;
    assert_true(tls_server_hello_read(span_of(m.p, m.n), &sh));
    assert_false(sh.retry);
}

static void what_the_client_offers(void **state)
{
    static const uint8_t list[] = {0, 43, 0,    13,   10,   0x7a, 0x7a, 3, 4,
                                   3, 3,  0x7f, 0x1c, 0xfa, 0xfa, 9,    9};
    static const uint8_t odd[] = {0, 43, 0, 2, 1, 3};
    (void)state;
    h = (struct tls_client_hello){.version = 0x0303, .extensions = span_of(list, sizeof(list))};
    assert_int_equal(tls_client_newest(&h), 0x0304); /* 7a7a and fafa are GREASE (RFC 8701),
                                                        7f1c a draft; 0909 is behind the list */
    h.extensions = span_of(odd, sizeof(odd));
    assert_int_equal(tls_client_newest(&h), 0);
    h.extensions = span_of(NULL, 0);
    assert_int_equal(tls_client_newest(&h), 0x0303);
    h.version = 0x0304; /* RFC 8446 section 4.2.1: no offer of TLS 1.3 without the extension */
    assert_int_equal(tls_client_newest(&h), 0x0303);
    h.version = 0x0301;
    assert_int_equal(tls_client_newest(&h), 0x0301);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),           cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(one_after_the_other),    cmocka_unit_test(lengths_that_lie),
        cmocka_unit_test(names_of_other_kinds),   cmocka_unit_test(what_the_server_selects),
        cmocka_unit_test(a_request_to_try_again), cmocka_unit_test(what_the_client_offers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
