/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dissect/tls_record.h"
#include "guard.h"

/* RFC 8446 section 5.1: type, version, length, body */
static const uint8_t stream[] = {22, 3, 1, 0, 4, 1, 0,  0, 0, /* ClientHello's head */
                                 20, 3, 3, 0, 1, 1,           /* ChangeCipherSpec */
                                 21, 3, 3, 0, 2, 2, 40,       /* fatal handshake_failure */
                                 23, 3, 3, 0, 0,              /* empty */
                                 23, 3, 3, 0, 3, 9, 9,  9};

struct seen {
    struct tls_record r[8];
    size_t n;
    enum tls_record_result end;
};

static void feed(struct tls_record_reader *r, struct span in, uint32_t offset, struct seen *out)
{
    for (size_t at = 0; at < in.n;) {
        size_t used = 0;
        out->end =
            tls_record_push(r, span_from(in, at), offset + (uint32_t)at, &used, &out->r[out->n]);
        at += used;
        if (out->end == TLS_RECORD_NOT)
            return;
        out->n += out->end == TLS_RECORD_SEEN;
    }
}

static void check(const struct seen *s)
{
    static const uint8_t type[] = {22, 20, 21, 23, 23};
    static const uint32_t offset[] = {0, 9, 15, 22, 27};

    assert_int_equal(s->n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(s->r[i].type, type[i]);
        assert_int_equal(s->r[i].offset, offset[i]);
    }
    assert_int_equal(s->r[0].version, 0x0301);
    assert_int_equal(s->r[0].body[0], 1);
    assert_int_equal(s->r[2].body[0], 2);
    assert_int_equal(s->r[2].body[1], 40);
    assert_int_equal(s->r[4].length, 3);
}

static void test_every_two_way_split(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= sizeof(stream); cut++) {
        struct tls_record_reader r = {0};
        struct seen s = {0};
        uint8_t *a = guard_copy(stream, cut);
        uint8_t *b = guard_copy(stream + cut, sizeof(stream) - cut);

        feed(&r, span_of(a, cut), 0, &s);
        feed(&r, span_of(b, sizeof(stream) - cut), (uint32_t)cut, &s);
        check(&s);
        guard_free(a);
        guard_free(b);
    }
}

static void test_what_is_no_record(void **state)
{
    static const uint8_t rows[][5] = {
        {22, 2, 1, 0, 4},       {22, 3, 5, 0, 4},          {19, 3, 1, 0, 4},
        {22, 3, 3, 0xff, 0xff}, {'4', '5', '4', ' ', 'T'},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_record_reader r = {0};
        struct seen s = {0};
        feed(&r, span_of(rows[i], 5), 0, &s);
        assert_int_equal(s.end, TLS_RECORD_NOT);
        assert_int_equal(s.n, 0);
    }
}

/* RFC 5246 appendix E.2 */
static void test_sslv2_compatible_hello(void **state)
{
    static const uint8_t hello[] = {0x80, 0x05, 1, 3, 1, 0, 0, 22, 3, 3, 0, 0};
    struct tls_record_reader r = {0};
    struct seen s = {0};

    (void)state;
    feed(&r, span_of(hello, sizeof(hello)), 0, &s);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.r[0].version, 2);
    assert_int_equal(s.r[0].body[0], 3); /* its version: TLS 1.0 */
    assert_int_equal(s.r[0].body[1], 1);
    assert_int_equal(s.r[1].offset, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_two_way_split),
        cmocka_unit_test(test_what_is_no_record),
        cmocka_unit_test(test_sslv2_compatible_hello),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
