/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/keywords.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void known_words(void **state)
{
    (void)state;
    static const char *const words[] = {
        "STARTTLS", "starttls", "8BITMIME",       "8bitmime",       "CHUNKING",   "SMTPUTF8",
        "XFORWARD", "X-EXPS",   "X-EXPS=LOGIN",   "AUTH=LOGIN",     "AUTH=",      "263.net",
        "Coremail", "COREMAIL", "X_PIPE_CONNECT", "X-ANONYMOUSTLS", "REQUIRETLS", "OK",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_true(keywords_known(span_str(words[i])));
}

static void unknown_words(void **state)
{
    (void)state;
    static const char *const words[] = {"",         "STARTTL",    "STARTTLSX", "XXXXXXXX",
                                        "TRANSFER", "DELIVERY",   "XQRESYNC",  "AUT",
                                        "=LOGIN",   "8BITMIM\xC5"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_false(keywords_known(span_str(words[i])));
}

static void first_words(void **state)
{
    (void)state;
    assert_true(span_eq(keywords_word(span_str("SIZE 10240000")), span_str("SIZE")));
    assert_true(span_eq(keywords_word(span_str("SIZE\t1")), span_str("SIZE")));
    assert_true(span_eq(keywords_word(span_str("DSN")), span_str("DSN")));
    assert_int_equal(keywords_word(span_str(" DSN")).n, 0);
    assert_int_equal(keywords_word(span_str("")).n, 0);
    assert_int_equal(keywords_word(span_of(NULL, 0)).n, 0);
}

static void first_word_is(void **state)
{
    (void)state;
    struct span tls = span_str("STARTTLS");
    assert_true(keywords_first(span_str("STARTTLS"), tls));
    assert_true(keywords_first(span_str("starttls\tx"), tls));
    assert_true(keywords_first(span_str("StartTLS x"), tls));
    assert_false(keywords_first(span_str("STARTTLS2"), tls));
    assert_false(keywords_first(span_str("STARTTLS=x"), tls));
    assert_false(keywords_first(span_str("STARTTL"), tls));
    assert_false(keywords_first(span_str(" STARTTLS"), tls));
    assert_false(keywords_first(span_of(NULL, 0), tls));
}

/* The column of lengths is for readers of the table; it must be true all the same. */
static void lengths_of_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *keyword, *length;
    } rows[] = {
#define ROW(keyword, length, registered, source, note) {keyword, length},
#include "ehlo-keywords.inc"
#undef ROW
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(strtoul(rows[i].length, NULL, 10), strlen(rows[i].keyword));
        for (size_t k = 0; k < i; k++)
            assert_false(span_eq_nocase(span_str(rows[i].keyword), span_str(rows[k].keyword)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_words),          cmocka_unit_test(unknown_words),
        cmocka_unit_test(first_words),          cmocka_unit_test(first_word_is),
        cmocka_unit_test(lengths_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
