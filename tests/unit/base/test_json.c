/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/guard.h"
#include "tests/unit/json_check.h"

static struct json j;

static void expect_line(const char *expected)
{
    struct span line = json_end(&j);
    assert_true(json_check(line.p, line.n));
    assert_int_equal(line.n, strlen(expected));
    assert_memory_equal(line.p, expected, line.n);
}

static void test_shapes(void **state)
{
    (void)state;
    json_begin(&j);
    expect_line("{}\n");

    json_begin(&j);
    json_object(&j, "a");
    json_close(&j);
    json_array(&j, "b");
    json_uint(&j, NULL, 1);
    json_array(&j, NULL);
    json_close(&j);
    json_object(&j, NULL);
    json_str(&j, "c", "d");
    json_close(&j);
    json_close(&j);
    json_bool(&j, "e", true);
    json_bool(&j, "f", false);
    expect_line("{\"a\":{},\"b\":[1,[],{\"c\":\"d\"}],\"e\":true,\"f\":false}\n");
}

static void test_numbers(void **state)
{
    (void)state;
    json_begin(&j);
    json_uint(&j, "a", UINT64_MAX);
    json_int(&j, "b", INT64_MIN);
    json_int(&j, "c", -1);
    json_int(&j, "d", INT64_MAX);
    expect_line("{\"a\":18446744073709551615,\"b\":-9223372036854775808,\"c\":-1,"
                "\"d\":9223372036854775807}\n");

    json_begin(&j);
    json_array(&j, "t");
    json_tenths(&j, NULL, 118);
    json_tenths(&j, NULL, 0);
    json_tenths(&j, NULL, 5);
    json_tenths(&j, NULL, -5);
    json_tenths(&j, NULL, -120);
    json_tenths(&j, NULL, INT64_MIN);
    expect_line("{\"t\":[11.8,0.0,0.5,-0.5,-12.0,-922337203685477580.8]}\n");

    json_begin(&j);
    json_millionths(&j, "a", 0);
    json_millionths(&j, "b", 25000);
    json_millionths(&j, "c", 1000000);
    json_millionths(&j, "d", UINT32_MAX);
    expect_line("{\"a\":0.000000,\"b\":0.025000,\"c\":1.000000,\"d\":4294.967295}\n");
}

static void test_time(void **state)
{
    (void)state;
    json_begin(&j);
    json_time(&j, "a", 1700000000 * NS_PER_S + 20 * NS_PER_MS);
    json_time(&j, "b", -1);
    expect_line(
        "{\"a\":\"2023-11-14T22:13:20.020000+0000\",\"b\":\"1969-12-31T23:59:59.999999+0000\"}\n");
}

static void test_strings(void **state)
{
    (void)state;
    json_begin(&j);
    json_str(&j, "a", "say \"x\\y\"");
    json_str(&j, "b", "");
    json_wire(&j, "c", span_of("\r\n\0\"\\\377", 6));
    json_wire(&j, "d", span_of(NULL, 0));
    json_masked(&j, "e", span_str("<john@a.test>"));
    expect_line(
        "{\"a\":\"say \\\"x\\\\y\\\"\",\"b\":\"\",\"c\":\"\\\\x0D\\\\x0A\\\\x00\\\"\\\\\\\\\\\\xFF\","
        "\"d\":\"\",\"e\":\"<*@a.test>\"}\n");

    /* Text that somebody cut in the middle of a character, or did not escape at all. */
    json_begin(&j);
    json_str(&j, "a", "\xE2\x82");
    json_str(&j, "b", "\n\xE2\x80\xAE\x7F");
    json_str(&j, "c", "\xE2\x82\xAC");
    expect_line(
        "{\"a\":\"\\\\xE2\\\\x82\",\"b\":\"\\\\x0A\\\\xE2\\\\x80\\\\xAE\\\\x7F\",\"c\":\"\xE2\x82\xAC\"}\n");
}

/* Writes the bytes, checks the line, and reads the bytes back out of it. */
static void round_trip(const uint8_t *wire, size_t n)
{
    char text[64];
    uint8_t back[64];
    json_begin(&j);
    json_wire(&j, "w", span_of(wire, n));
    json_masked(&j, "m", span_of(wire, n));
    struct span line = json_end(&j);
    assert_true(json_check(line.p, line.n));
    size_t len = json_check_string(text, (const char *)line.p + strlen("{\"w\":"));
    for (size_t i = 0; i < len; i++)
        assert_true((uint8_t)text[i] >= 0x20 && text[i] != 0x7F);
    assert_int_equal(json_check_wire(back, text, len), n);
    assert_memory_equal(back, wire, n);
}

static void test_every_byte_and_pair(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        uint8_t *one = guard_copy(&(uint8_t){(uint8_t)a}, 1);
        round_trip(one, 1);
        guard_free(one);
        for (unsigned b = 0; b < 256; b++) {
            uint8_t pair[2] = {(uint8_t)a, (uint8_t)b};
            round_trip(pair, 2);
        }
    }
}

/* Every byte at every place of lines that are read eight bytes at a time. */
static void test_every_byte_in_words(void **state)
{
    (void)state;
    for (size_t n = 7; n <= 17; n++)
        for (unsigned byte = 0; byte < 256; byte++)
            for (size_t at = 0; at < n; at++) {
                uint8_t wire[17];
                memset(wire, byte & 1 ? '~' : ' ', sizeof wire);
                wire[at] = (uint8_t)byte;
                uint8_t *copy = guard_copy(wire, n);
                if (byte != '@')
                    round_trip(copy, n);
                guard_free(copy);
            }
}

static void test_masked_in_words(void **state)
{
    (void)state;
    for (size_t at = 0; at < 24; at++) {
        char wire[25] = "aaaaaaaaaaaaaaaaaaaaaaaa";
        char expected[40];
        wire[at] = '@';
        snprintf(expected, sizeof expected, "{\"m\":\"%s%s\"}\n", at ? "*" : "", wire + at);
        json_begin(&j);
        json_masked(&j, "m", span_str(wire));
        expect_line(expected);
    }
}

static void test_words(void **state)
{
    (void)state;
    json_begin(&j);
    json_word(&j, "a", "to_server");
    json_array(&j, "b");
    json_word(&j, NULL, "");
    json_word(&j, NULL, "x");
    json_close(&j);
    expect_line("{\"a\":\"to_server\",\"b\":[\"\",\"x\"]}\n");
}

/* Every character of two, three and four bytes at the borders of its row in Unicode table 3-7,
 * with each byte replaced by a neighbour. */
static void test_sequences(void **state)
{
    static const uint8_t lead[] = {0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
                                   0xEE, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5};
    static const uint8_t tail[] = {0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                   0xA8, 0xAE, 0xBE, 0xBF, 0xC0};
    (void)state;
    for (size_t a = 0; a < sizeof lead; a++)
        for (size_t b = 0; b < sizeof tail; b++)
            for (size_t c = 0; c < sizeof tail; c++)
                for (size_t d = 0; d < sizeof tail; d++) {
                    uint8_t wire[4] = {lead[a], tail[b], tail[c], tail[d]};
                    round_trip(wire, 4);
                }
}

static void test_long_field_is_cut(void **state)
{
    char wire[65536];
    (void)state;
    memset(wire, 'a', sizeof wire);
    json_begin(&j);
    json_wire(&j, "w", span_of(wire, sizeof wire));
    struct span line = json_end(&j);
    assert_true(json_check(line.p, line.n));
    assert_int_equal(line.n, strlen("{\"w\":\"\"}\n") + JSON_WIRE_TEXT);
    assert_memory_equal(line.p + line.n - 6, "...\"}\n", 6);
}

/* Fills a line far past its cap, beginning it with a string of `already` bytes so that the cap is
 * met at every place of the pattern. */
static void overfill(size_t already)
{
    char pad[64];
    memset(pad, 'p', already);
    pad[already] = '\0';
    json_begin(&j);
    json_str(&j, "pad", pad);
    json_array(&j, "list");
    for (int i = 0; i < 4000; i++) {
        json_object(&j, NULL);
        json_array(&j, "deep");
        json_wire(&j, NULL, span_of("\001\002\003\004", 4));
        json_tenths(&j, NULL, i);
        json_close(&j);
        json_bool(&j, "flag", i & 1);
        json_close(&j);
    }
    json_close(&j);
    json_bool(&j, "last", true);
}

static bool ends_with(struct span line, const char *tail)
{
    size_t n = strlen(tail);
    return line.n >= n && memcmp(line.p + line.n - n, tail, n) == 0;
}

/* Whatever the cap meets, the line stays one valid object, and later values leave no trace. */
static void test_cap(void **state)
{
    (void)state;
    for (size_t already = 0; already < 64; already++) {
        overfill(already);
        struct span line = json_end(&j);
        assert_true(json_check(line.p, line.n));
        assert_true(line.n <= CAP_JSON_LINE && line.n > CAP_JSON_LINE - 200);
        assert_true(ends_with(line, "],\"truncated\":true}\n"));
        assert_null(memmem(line.p, line.n, "last", 4));
    }
}

static void test_depth(void **state)
{
    (void)state;
    json_begin(&j);
    for (int i = 0; i < 200; i++)
        json_array(&j, i ? NULL : "a");
    for (int i = 0; i < 200; i++)
        json_close(&j);
    json_uint(&j, "after", 1);
    struct span line = json_end(&j);
    assert_true(json_check(line.p, line.n));
    assert_true(ends_with(line, ",\"truncated\":true}\n"));
    assert_null(memmem(line.p, line.n, "after", 5));

    json_begin(&j); /* the deepest that is left open is closed by json_end() */
    for (int i = 0; i < 63; i++)
        json_array(&j, i ? NULL : "a");
    line = json_end(&j);
    assert_true(json_check(line.p, line.n));
    assert_int_equal(line.n, strlen("{\"a\":}\n") + 2 * 63);

    json_begin(&j); /* closing too often closes nothing */
    json_close(&j);
    json_close(&j);
    expect_line("{}\n");
}

static void test_string_too_long(void **state)
{
    static char text[CAP_JSON_LINE + 10];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    json_begin(&j);
    json_uint(&j, "a", 1);
    json_str(&j, "b", text);
    json_uint(&j, "c", 1);
    expect_line("{\"a\":1,\"truncated\":true}\n");

    text[12000] = '\0'; /* five times this is the most that surely fits */
    json_begin(&j);
    json_str(&j, "b", text);
    struct span line = json_end(&j);
    assert_true(json_check(line.p, line.n));
    assert_int_equal(line.n, 12000 + strlen("{\"b\":\"\"}\n"));
}

static void test_shorten(void **state)
{
    (void)state;
    json_begin(&j);
    json_array(&j, "a");
    json_shorten(&j);
    json_close(&j);
    json_uint(&j, "b", 1);
    expect_line("{\"a\":[],\"b\":1,\"truncated\":true}\n");
    json_begin(&j);
    json_shorten(&j);
    expect_line("{\"truncated\":true}\n");
    json_begin(&j);
    expect_line("{}\n");
}

/* The checker itself must refuse what is not JSON. */
static void test_checker(void **state)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "{}\n\n",
                                      "{\"a\":1,}\n",
                                      "{\"a\" 1}\n",
                                      "{\"a\":01}\n",
                                      "{\"a\":\"\n\"}\n",
                                      "{\"a\":\"\\x41\"}\n",
                                      "{a:1}\n",
                                      "{\"a\":1 }\n",
                                      "{\"a\":\"\xC0\xAF\"}\n",
                                      "[]\n",
                                      "{\"a\":1,\"a\":2}\n",
                                      "{\"a\":null}\n",
                                      "{\"a\":1.}\n",
                                      "{\"a\":[1,]}\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(json_check(bad[i], strlen(bad[i])));
    const char *good = "{\"a\":[{},-1.5,\"\\\\\\\"\\u0041\"]}\n";
    assert_true(json_check(good, strlen(good)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_every_byte_and_pair),
        cmocka_unit_test(test_every_byte_in_words),
        cmocka_unit_test(test_masked_in_words),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_long_field_is_cut),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_string_too_long),
        cmocka_unit_test(test_shorten),
        cmocka_unit_test(test_checker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
