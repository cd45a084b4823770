/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

static void test_case_is_ascii_only(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
        assert_int_equal(span_upper((uint8_t)c), lower ? c - 'a' + 'A' : c);
        assert_int_equal(span_is_alpha((uint8_t)c), lower || upper);
        assert_int_equal(span_is_digit((uint8_t)c), c >= '0' && c <= '9');
    }
}

static void test_equality(void **state)
{
    (void)state;
    assert_true(span_eq(span_str("EHLO"), span_str("EHLO")));
    assert_false(span_eq(span_str("EHLO"), span_str("ehlo")));
    assert_false(span_eq(span_str("EHLO"), span_str("EHL")));
    assert_false(span_eq(span_of("a\0b", 3), span_of("a\0c", 3)));
    assert_true(span_eq(span_of(NULL, 0), span_str("")));
    assert_true(span_eq_nocase(span_str("StartTLS"), span_str("STARTTLS")));
    assert_false(span_eq_nocase(span_str("STARTTLS"), span_str("STARTTL5")));
    /* [ and { differ by the same bit as A and a, but are no letters. */
    assert_false(span_eq_nocase(span_str("["), span_str("{")));
    assert_true(span_eq_nocase(span_of(NULL, 0), span_of(NULL, 0)));
}

static void test_prefix(void **state)
{
    (void)state;
    assert_true(span_starts_nocase(span_str("mail from:<a@b>"), span_str("MAIL FROM:")));
    assert_true(span_starts_nocase(span_str("x"), span_str("")));
    assert_false(span_starts_nocase(span_str("MAIL"), span_str("MAIL FROM:")));
    assert_false(span_starts_nocase(span_of(NULL, 0), span_str("M")));
}

static void test_parts(void **state)
{
    struct span s = span_str("250 OK");

    (void)state;
    assert_true(span_eq(span_from(s, 4), span_str("OK")));
    assert_true(span_eq(span_from(s, 0), s));
    assert_int_equal(span_from(s, 6).n, 0);
    assert_int_equal(span_from(s, SIZE_MAX).n, 0);
    assert_true(span_eq(span_first(s, 3), span_str("250")));
    assert_true(span_eq(span_first(s, SIZE_MAX), s));
    assert_int_equal(span_first(s, 0).n, 0);
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(span_find(span_str("a:b:c"), ':'), 1);
    assert_int_equal(span_find(span_str("abc"), ':'), 3);
    assert_int_equal(span_find(span_of("a\0b", 3), 0), 1);
    assert_int_equal(span_find(span_of(NULL, 0), ':'), 0);
}

static void test_search(void **state)
{
    (void)state;
    assert_int_equal(span_search_nocase(span_str("250-starttls"), span_str("STARTTLS")), 4);
    assert_int_equal(span_search_nocase(span_str("STARTTL"), span_str("STARTTLS")), 7);
    assert_int_equal(span_search_nocase(span_str("xxSTART"), span_str("STARTTLS")), 7);
    assert_int_equal(span_search_nocase(span_str("aaab"), span_str("AAB")), 1);
    assert_int_equal(span_search_nocase(span_str("abc"), span_str("")), 0);
    assert_int_equal(span_search_nocase(span_of(NULL, 0), span_str("a")), 0);
}

/* Every function on every cut of a line, with nothing readable behind it. */
static bool pair(const uint8_t *text, size_t n)
{
    uint8_t *copy = guard_copy(text, n);
    bool has = span_has_pair(span_of(copy, n), '\n', '.');

    guard_free(copy);
    return has;
}

/* Each place of a pair in texts of each length, halves at the edges included. */
static void test_pair(void **state)
{
    uint8_t text[70];

    (void)state;
    for (size_t n = 0; n <= sizeof(text); n++) {
        memset(text, '.', sizeof(text));
        assert_false(pair(text, n));
        for (size_t at = 0; at < n; at++) {
            text[at] = '\n';
            assert_int_equal(pair(text, n), at + 1 < n);
            if (at + 1 < n)
                text[at + 1] = 'x';
            assert_false(pair(text, n));
            text[at] = '.';
            if (at + 1 < n)
                text[at + 1] = '.';
        }
    }
}

static void test_nothing_behind_the_end(void **state)
{
    static const char line[] = "250-STARTTLS";

    (void)state;
    for (size_t n = 0; n < sizeof(line); n++) {
        uint8_t *copy = guard_copy(line, n);
        struct span s = span_of(copy, n);

        assert_int_equal(span_find(s, 'x'), n);
        assert_int_equal(span_search_nocase(s, span_str("starttls")), n == 12 ? 4 : n);
        assert_int_equal(span_starts_nocase(s, span_str(line)), n == 12);
        assert_true(span_eq(s, span_of(line, n)));
        assert_true(span_eq_nocase(s, span_of(line, n)));
        guard_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_is_ascii_only),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_nothing_behind_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
