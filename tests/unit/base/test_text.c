/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/guard.h"
#include "tests/unit/json_check.h"

typedef size_t (*text_fn)(char *, size_t, struct span);

static void expect_n(text_fn fn, const void *wire, size_t n, const char *expected)
{
    char text[512];
    uint8_t *copy = guard_copy(wire, n);
    size_t len = fn(text, sizeof text, span_of(copy, n));
    guard_free(copy);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void expect(text_fn fn, const char *wire, const char *expected)
{
    expect_n(fn, wire, strlen(wire), expected);
}

static void test_ascii_and_controls(void **state)
{
    (void)state;
    expect(text_escape, "", "");
    expect(text_escape, "250-SIZE 10240000", "250-SIZE 10240000");
    expect(text_escape, "a\\b", "a\\\\b");
    expect(text_escape, "\\x41", "\\\\x41");
    expect(text_escape, "\"quoted\"", "\"quoted\"");
    expect(text_escape, "a\r\nb\tc", "a\\x0D\\x0Ab\\x09c");
    expect(text_escape, "\033[31m", "\\x1B[31m");
    expect(text_escape, "\x7F", "\\x7F");
    expect_n(text_escape, "a\0b", 3, "a\\x00b");
}

/* Unicode table 3-7: each ill-formed case that it names. */
static void test_ill_formed(void **state)
{
    (void)state;
    expect(text_escape, "\x80", "\\x80");
    expect(text_escape, "\xFF\xFE", "\\xFF\\xFE");
    expect(text_escape, "\xC0\xAF", "\\xC0\\xAF"); /* overlong / */
    expect(text_escape, "\xC1\xBF", "\\xC1\\xBF");
    expect(text_escape, "\xE0\x80\xAF", "\\xE0\\x80\\xAF");          /* overlong */
    expect(text_escape, "\xF0\x80\x80\xAF", "\\xF0\\x80\\x80\\xAF"); /* overlong */
    expect(text_escape, "\xED\xA0\x80", "\\xED\\xA0\\x80");          /* surrogate */
    expect(text_escape, "\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"); /* above U+10FFFF */
    expect(text_escape, "\xF5\x80\x80\x80", "\\xF5\\x80\\x80\\x80");
    expect(text_escape, "\xE2\x82", "\\xE2\\x82"); /* cut */
    expect(text_escape, "\xE2\x82x", "\\xE2\\x82x");
    expect(text_escape, "\xC3\xC3\xA9", "\\xC3\xC3\xA9"); /* cut before a good one */
}

static void test_well_formed(void **state)
{
    (void)state;
    expect(text_escape, "\xC3\xA9", "\xC3\xA9");                 /* e acute */
    expect(text_escape, "\xE2\x82\xAC", "\xE2\x82\xAC");         /* euro */
    expect(text_escape, "\xF0\x9F\x93\xA7", "\xF0\x9F\x93\xA7"); /* U+1F4E7 */
    expect(text_escape, "\xED\x9F\xBF", "\xED\x9F\xBF");         /* U+D7FF, before the surrogates */
    expect(text_escape, "\xEF\xBF\xBD", "\xEF\xBF\xBD");         /* U+FFFD */
    expect(text_escape, "\xC2\xA0", "\xC2\xA0");                 /* U+00A0, right after C1 */
}

static void test_unseen_characters(void **state)
{
    (void)state;
    expect(text_escape, "\xC2\x85", "\\xC2\\x85"); /* C1: next line */
    expect(text_escape,
           "\xC2\x9B"
           "31m",
           "\\xC2\\x9B31m");                                         /* C1: CSI */
    expect(text_escape, "\xE2\x80\xA8", "\\xE2\\x80\\xA8");          /* U+2028 */
    expect(text_escape, "\xE2\x80\xA9", "\\xE2\\x80\\xA9");          /* U+2029 */
    expect(text_escape, "\xE2\x80\xAE", "\\xE2\\x80\\xAE");          /* right-to-left override */
    expect(text_escape, "\xE2\x81\xA6", "\\xE2\\x81\\xA6");          /* isolate */
    expect(text_escape, "\xE2\x80\x8F", "\\xE2\\x80\\x8F");          /* right-to-left mark */
    expect(text_escape, "\xEF\xBF\xBE", "\\xEF\\xBF\\xBE");          /* U+FFFE */
    expect(text_escape, "\xEF\xB7\x90", "\\xEF\\xB7\\x90");          /* U+FDD0 */
    expect(text_escape, "\xEF\xBB\xBF", "\\xEF\\xBB\\xBF");          /* byte order mark */
    expect(text_escape, "\xF0\x9F\xBF\xBF", "\\xF0\\x9F\\xBF\\xBF"); /* U+1FFFF */
    expect(text_escape, "\xF3\xA0\x80\x81", "\\xF3\\xA0\\x80\\x81"); /* tag */
}

/* What is left out is left out at a whole character, and said. */
static void test_cut(void **state)
{
    char text[16];
    (void)state;
    assert_int_equal(text_escape(text, 8, span_str("1234567")), 7);
    assert_string_equal(text, "1234567");
    assert_int_equal(text_escape(text, 8, span_str("12345678")), 7);
    assert_string_equal(text, "1234...");
    assert_int_equal(text_escape(text, 8,
                                 span_str("123\xE2\x82\xAC"
                                          "4567")),
                     6);
    assert_string_equal(text, "123...");
    assert_int_equal(text_escape(text, 8, span_str("1\001\002")), 4);
    assert_string_equal(text, "1...");
    assert_int_equal(text_escape(text, 3, span_str("12345")), 2);
    assert_string_equal(text, "..");
    assert_int_equal(text_escape(text, 1, span_str("1")), 0);
    assert_string_equal(text, "");
    text[0] = 'k';
    assert_int_equal(text_escape(text, 0, span_str("1")), 0);
    assert_int_equal(text[0], 'k');
}

/* Every size of buffer: never past it, always terminated, always whole characters. */
static void test_every_cap(void **state)
{
    const char wire[] = "a\xE2\x82\xAC\\\001\"b@c\xFF"
                        "d <john@example.test> \xC3\xA9";
    static const text_fn fns[] = {text_escape, text_mask, text_mask_address};
    (void)state;
    for (size_t f = 0; f < 3; f++)
        for (size_t cap = 1; cap < 80; cap++) {
            char text[96];
            memset(text, 'k', sizeof text);
            size_t n = fns[f](text, cap, span_str(wire));
            assert_true(n < cap);
            assert_int_equal(text[n], '\0');
            assert_int_equal(text[cap], 'k');
            for (size_t i = 0; i < n;) {
                size_t c = json_utf8((uint8_t *)text + i, (uint8_t *)text + n);
                assert_true(c > 0);
                i += c;
            }
        }
}

static void test_masks(void **state)
{
    (void)state;
    expect(text_mask, "250 2.1.5 <john.doe@example.test> ok", "250 2.1.5 <*@example.test> ok");
    expect(text_mask, "MAIL FROM:<> SIZE=5", "MAIL FROM:<> SIZE=5");
    expect(text_mask, "john@a.test,mary@b.test;x", "*@a.test,*@b.test;x");
    expect(text_mask, "RCPT TO:john@a.test", "RCPT TO:*@a.test");
    expect(text_mask, "(john@a.test)\tmary@b.test", "(*@a.test)\\x09*@b.test");
    expect(text_mask, "no address here", "no address here");
    expect(text_mask, "a@b@c.test", "*@c.test");
    expect(text_mask, "<@relay.test,@r2.test:john@c.test>", "<@relay.test,@r2.test:*@c.test>");
    expect(text_mask, "*@example.test", "*@example.test");
    expect(text_mask, "@", "@");
    expect(text_mask, "x@", "*@");
    expect(text_mask, "j\xC3\xB6rg@example.test", "*@example.test");
    expect(text_mask, "j\001\377@\001", "*@\\x01");
}

static void test_quoted_local_parts(void **state)
{
    (void)state;
    expect(text_mask, "<\"john doe\"@a.test>", "<*@a.test>");
    expect(text_mask, "<\"j\\\"o, hn\"@a.test>", "<*@a.test>");
    expect(text_mask, "<\"a@b\"@a.test>", "<*@a.test>");
    expect(text_mask, "<j.\"o h\"@a.test>", "<*@a.test>");
    expect(text_mask, "said \"hello\" \"j d\"@a.test", "said \"hello\" *@a.test");
    expect(text_mask, "odd\"one \"j d\"@a.test", "odd\"one *@a.test");
    expect(text_mask, "\"john@a.test\"", "\"*@a.test\"");
    expect(text_mask, "open \"john@a.test", "open \"*@a.test");
    expect(text_mask, "\"", "\"");
    expect(text_mask, "\"\\", "\"\\\\");
    expect(text_mask, "\"\"@a.test", "*@a.test");
}

/* A line of escaped quotes must not cost one pass for each of them. */
static void test_mask_is_linear(void **state)
{
    enum { N = 4 << 20 };
    char *wire = malloc(N), text[64];
    (void)state;
    assert_non_null(wire);
    for (size_t i = 0; i < N; i++)
        wire[i] = "\"\\"[i % 2];
    clock_t begin = clock();
    char *big = malloc(2 * (size_t)N + 1);
    assert_non_null(big);
    assert_int_equal(text_mask(big, 2 * (size_t)N + 1, span_of(wire, N)), N + N / 2);
    assert_int_equal(text_mask(text, sizeof text, span_of(wire, N)), 60 + 3);
    assert_true(clock() - begin < 5 * CLOCKS_PER_SEC);
    free(big);
    free(wire);
}

static void test_mask_address(void **state)
{
    (void)state;
    expect(text_mask_address, "john@example.test", "*@example.test");
    expect(text_mask_address, "", "<>");
    expect(text_mask_address, "postmaster", "*");
    expect(text_mask_address, "\"a@b\"@example.test", "*@example.test");
    expect(text_mask_address, "john@ex\001mple", "*@ex\\x01mple");
    expect(text_mask_address, "@", "*@");
}

static void test_printable(void **state)
{
    (void)state;
    assert_int_equal(text_printable(span_of(NULL, 0)), 0);
    for (int c = 0; c < 128; c++) {
        char b = (char)c;
        assert_int_equal(text_printable(span_of(&b, 1)), c >= 0x20 && c < 0x7F);
    }
    assert_int_equal(text_printable(span_str("\xE2\x82\xAC...")), 3);
    assert_int_equal(text_printable(span_of("\xE2\x82\xAC", 2)), 0);
}

static void expect_ip6(const char *given, const char *expected)
{
    uint8_t a[16];
    char text[TEXT_IP];
    assert_int_equal(inet_pton(AF_INET6, given, a), 1);
    assert_int_equal(text_ip(text, 6, a), strlen(expected));
    assert_string_equal(text, expected);
}

/* RFC 5952 section 4: its own examples. */
static void test_ip(void **state)
{
    uint8_t four[16] = {192, 0, 2, 10}, high[16] = {255, 255, 255, 255}, zero[16] = {0};
    char text[TEXT_IP];
    (void)state;
    text_ip(text, 4, four);
    assert_string_equal(text, "192.0.2.10");
    text_ip(text, 4, high);
    assert_string_equal(text, "255.255.255.255");
    text_ip(text, 4, zero);
    assert_string_equal(text, "0.0.0.0");
    expect_ip6("2001:0db8::0001", "2001:db8::1");
    expect_ip6("2001:db8:0:0:0:0:2:1", "2001:db8::2:1");
    expect_ip6("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
    expect_ip6("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
    expect_ip6("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
    expect_ip6("2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:FFFF", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
    expect_ip6("::", "::");
    expect_ip6("::1", "::1");
    expect_ip6("1::", "1::");
    expect_ip6("fe80::a0b:10", "fe80::a0b:10");
    expect_ip6("::ffff:192.0.2.1", "::ffff:192.0.2.1");
}

static void test_uint(void **state)
{
    char text[TEXT_UINT];
    (void)state;
    assert_int_equal(text_uint(text, 0), 1);
    assert_string_equal(text, "0");
    assert_int_equal(text_uint(text, 10), 2);
    assert_string_equal(text, "10");
    assert_int_equal(text_uint(text, UINT64_MAX), 20);
    assert_string_equal(text, "18446744073709551615");
    for (uint64_t power = 10; power < UINT64_MAX / 10; power *= 10)
        for (uint64_t v = power - 1; v <= power + 1; v++) {
            char expected[TEXT_UINT];
            snprintf(expected, sizeof expected, "%" PRIu64, v);
            assert_int_equal(text_uint(text, v), strlen(expected));
            assert_string_equal(text, expected);
        }
}

/* Every value of a byte, at the first place and the last. */
static void test_ip_octets(void **state)
{
    (void)state;
    for (int v = 0; v < 256; v++) {
        uint8_t a[16] = {(uint8_t)v, 0, 0, (uint8_t)(255 - v)};
        char text[TEXT_IP], expected[TEXT_IP];
        snprintf(expected, sizeof expected, "%d.0.0.%d", v, 255 - v);
        assert_int_equal(text_ip(text, 4, a), strlen(expected));
        assert_string_equal(text, expected);
    }
}

static void expect_time(nstime t, const char *expected)
{
    char text[TEXT_TIME];
    assert_int_equal(text_time(text, t), 31);
    assert_string_equal(text, expected);
}

static void test_time(void **state)
{
    (void)state;
    expect_time(0, "1970-01-01T00:00:00.000000+0000");
    expect_time(1700000000 * NS_PER_S + 179999 * NS_PER_US, "2023-11-14T22:13:20.179999+0000");
    expect_time(951782400 * NS_PER_S, "2000-02-29T00:00:00.000000+0000");
    expect_time(2147483647 * NS_PER_S, "2038-01-19T03:14:07.000000+0000");
    expect_time(2147483648 * NS_PER_S, "2038-01-19T03:14:08.000000+0000");
    expect_time(4294967296 * NS_PER_S, "2106-02-07T06:28:16.000000+0000");
    expect_time(999, "1970-01-01T00:00:00.000000+0000");
    expect_time(-1, "1969-12-31T23:59:59.999999+0000");
    expect_time(-NS_PER_S, "1969-12-31T23:59:59.000000+0000");
    expect_time(-86400 * NS_PER_S, "1969-12-31T00:00:00.000000+0000");
    expect_time(INT64_MAX, "2262-04-11T23:47:16.854775+0000");
    expect_time(INT64_MIN, "1677-09-21T00:12:43.145224+0000");
}

/* Every day of the range against the C library. */
static void test_every_day(void **state)
{
    (void)state;
    for (int64_t day = -106751; day <= 106751; day++) {
        char expected[16], text[TEXT_TIME];
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        strftime(expected, sizeof expected, "%Y-%m-%d", &tm);
        text_time(text, day * 86400 * NS_PER_S + 5);
        assert_memory_equal(text, expected, 10);
        assert_string_equal(text + 10, "T00:00:00.000000+0000");
    }
}

static void expect_seconds(int64_t seconds, const char *expected)
{
    char text[TEXT_SECONDS];
    assert_true(text_seconds(text, seconds));
    assert_string_equal(text, expected);
}

/* By arithmetic: 719,162 days from 0001-01-01 to 1970-01-01, 2,932,897 from there to 10000-01-01.
 */
static void test_seconds(void **state)
{
    static const int64_t first = INT64_C(-719162) * 86400, behind = INT64_C(2932897) * 86400;
    char text[TEXT_SECONDS];
    (void)state;
    expect_seconds(0, "1970-01-01T00:00:00");
    expect_seconds(-1, "1969-12-31T23:59:59");
    expect_seconds(951782400, "2000-02-29T00:00:00"); /* a leap year by 400 */
    expect_seconds(1709164799, "2024-02-28T23:59:59");
    expect_seconds(1709164800, "2024-02-29T00:00:00");
    expect_seconds(1709251200, "2024-03-01T00:00:00");
    expect_seconds(4107542399, "2100-02-28T23:59:59"); /* none by 100 */
    expect_seconds(4107542400, "2100-03-01T00:00:00");
    expect_seconds(2147483648, "2038-01-19T03:14:08");
    expect_seconds(INT64_C(253402300799), "9999-12-31T23:59:59"); /* RFC 5280 section 4.1.2.5 */
    expect_seconds(behind - 1, "9999-12-31T23:59:59");
    expect_seconds(first, "0001-01-01T00:00:00");
    assert_false(text_seconds(text, first - 1));
    assert_false(text_seconds(text, behind));
    assert_false(text_seconds(text, INT64_MAX));
    assert_false(text_seconds(text, INT64_MIN));
}

/* Every day of the range against the C library. */
static void test_seconds_every_day(void **state)
{
    (void)state;
    for (int64_t day = -719162; day < 2932897; day++) {
        char expected[TEXT_SECONDS + 16], text[TEXT_SECONDS];
        time_t t = (time_t)(day * 86400 + 86399);
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT23:59:59", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday);
        assert_true(text_seconds(text, t));
        assert_string_equal(text, expected);
    }
}

/* RFC 3629 section 4; of well-formed text each cut within a character is ill-formed. */
static void test_is_utf8(void **state)
{
    static const char *const ill[] = {"\x80",
                                      "\xC0\xAF",
                                      "\xC1\xBF",
                                      "a\xC3",
                                      "\xE0\x80\xAF",
                                      "\xED\xA0\x80",
                                      "\xF0\x80\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "caf\xE9\n",
                                      "\xFE",
                                      "\xFF"};
    static const char well[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n";
    (void)state;
    for (size_t i = 0; i < sizeof(ill) / sizeof(ill[0]); i++)
        assert_false(text_is_utf8(span_str(ill[i])));
    assert_true(text_is_utf8(span_of(well, sizeof(well)))); /* and its byte 0 */
    assert_true(text_is_utf8(span_of(NULL, 0)));
    for (size_t n = 0; n < sizeof(well); n++) {
        bool whole = n == 0 || n == 1 || n == 3 || n == 6 || n >= 10;
        assert_int_equal(text_is_utf8(span_of(well, n)), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii_and_controls),
        cmocka_unit_test(test_ill_formed),
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_unseen_characters),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_every_cap),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_quoted_local_parts),
        cmocka_unit_test(test_mask_is_linear),
        cmocka_unit_test(test_mask_address),
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_is_utf8),
        cmocka_unit_test(test_ip),
        cmocka_unit_test(test_uint),
        cmocka_unit_test(test_ip_octets),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_seconds_every_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
