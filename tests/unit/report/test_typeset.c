/* SPDX-License-Identifier: Apache-2.0 */
#include "report/typeset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *printed;
static size_t printed_n;

static FILE *sheet(void)
{
    FILE *out = open_memstream(&printed, &printed_n);
    assert_non_null(out);
    return out;
}

static void expect(FILE *out, const char *expected)
{
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
}

static void test_columns(void **state)
{
    (void)state;
    assert_int_equal(typeset_columns(""), 0);
    assert_int_equal(typeset_columns("abc"), 3);
    assert_int_equal(typeset_columns("\xE2\x82\xAC\xC3\xA9x"), 3);
}

static void test_count(void **state)
{
    char text[TYPESET_COUNT];
    (void)state;
    assert_string_equal(typeset_count(text, 0), "0");
    assert_string_equal(typeset_count(text, 999), "999");
    assert_string_equal(typeset_count(text, 1000), "1,000");
    assert_string_equal(typeset_count(text, 123456), "123,456");
    assert_string_equal(typeset_count(text, 1234567), "1,234,567");
    assert_string_equal(typeset_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void test_cut(void **state)
{
    FILE *out = sheet();
    (void)state;
    typeset_cut(out, "12345", 5);
    typeset_cut(out, "|123456", 5);
    typeset_cut(out, "|\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", 4);
    typeset_cut(out, "|\033[31m\n\x7F", 20);
    expect(out, "12345|1...|\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC|?[31m??");
}

static void test_wrap(void **state)
{
    char text[400];
    FILE *out = sheet();
    (void)state;
    typeset_wrap(out, "  ", "short", 3);
    expect(out, "  short\n");

    /* 80 and 20 letters do not fit 84 columns together. */
    memset(text, 'a', 80);
    text[80] = ' ';
    memset(text + 81, 'b', 20);
    text[101] = '\0';
    out = sheet();
    typeset_wrap(out, "xx: ", text, 3);
    fclose(out);
    assert_memory_equal(printed, "xx: aaaa", 8);
    assert_int_equal(printed[84], '\n');
    assert_string_equal(printed + 85, "    bbbbbbbbbbbbbbbbbbbb\n");
    free(printed);
}

/* A word without end is cut, and of what is too long the last line says so. */
static void test_wrap_limits(void **state)
{
    char text[1000];
    FILE *out = sheet();
    size_t lines = 0, column = 0;
    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    typeset_wrap(out, "", text, 4);
    fclose(out);
    for (size_t i = 0; i < printed_n; i++) {
        lines += printed[i] == '\n';
        column = printed[i] == '\n' ? 0 : column + 1;
        assert_true(column <= TYPESET_WIDTH);
    }
    assert_int_equal(lines, 4);
    assert_string_equal(printed + printed_n - 4, "...\n");
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),     cmocka_unit_test(test_count),
        cmocka_unit_test(test_cut),         cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_wrap_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
