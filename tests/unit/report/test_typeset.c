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

    /* 72 and 20 letters do not fit 76 columns together. */
    memset(text, 'a', 72);
    text[72] = ' ';
    memset(text + 73, 'b', 20);
    text[93] = '\0';
    out = sheet();
    typeset_wrap(out, "xx: ", text, 3);
    fclose(out);
    assert_memory_equal(printed, "xx: aaaa", 8);
    assert_int_equal(printed[76], '\n');
    assert_string_equal(printed + 77, "    bbbbbbbbbbbbbbbbbbbb\n");
    free(printed);
}

/* A command is not broken, unless no line is long enough for it. */
static void test_wrap_command(void **state)
{
    char text[200];
    FILE *out = sheet();
    (void)state;
    memset(text, 'w', 60);
    snprintf(text + 60, sizeof text - 60, " then `run this command now`: done");
    typeset_wrap(out, "", text, 9);
    fclose(out);
    assert_string_equal(printed + 60, " then\n`run this command now`: done\n");
    free(printed);

    out = sheet();
    memset(text, 'x', 100);
    memcpy(text, "`long ", 6);
    snprintf(text + 100, sizeof text - 100, "`");
    typeset_wrap(out, "", text, 9);
    fclose(out);
    assert_memory_equal(printed, "`long\nxxx", 9);
    free(printed);

    /* A lone backtick begins nothing. */
    out = sheet();
    memset(text, 'w', 60);
    snprintf(text + 60, sizeof text - 60, " then `run this command now: done");
    typeset_wrap(out, "", text, 9);
    fclose(out);
    assert_string_equal(printed + 60, " then `run this\ncommand now: done\n");
    free(printed);
}

static void test_hang(void **state)
{
    char text[200];
    FILE *out = sheet();
    (void)state;
    memset(text, 'w', 60);
    snprintf(text + 60, sizeof text - 60, " and more");
    fputs("0123456789", out);
    typeset_hang(out, 10, text, 2);
    fclose(out);
    assert_string_equal(printed + 10, text); /* 69 of 70 columns */
    free(printed);
    out = sheet();
    snprintf(text + 60, sizeof text - 60, " and more yet");
    typeset_hang(out, 10, text, 2);
    fclose(out);
    assert_string_equal(printed + 60, " and more\n          yet");
    free(printed);
}

static void test_words(void **state)
{
    struct typeset_words w = {"", 0};
    (void)state;
    typeset_say_number(&w, 1, "mail", "mails");
    typeset_say(&w, "%s", ", ");
    typeset_say_number(&w, 1222, "byte", "bytes");
    assert_string_equal(w.text, "1 mail, 1,222 bytes");
    for (int i = 0; i < 100; i++)
        typeset_say(&w, "%s", "12345");
    assert_int_equal(w.n, sizeof w.text - 1);
    assert_int_equal(strlen(w.text), w.n);
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
        cmocka_unit_test(test_wrap_limits), cmocka_unit_test(test_wrap_command),
        cmocka_unit_test(test_hang),        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
