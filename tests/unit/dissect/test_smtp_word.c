/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dissect/smtp_word.h"
#include "guard.h"

static void test_verbs(void **state)
{
    static const struct {
        const char *line;
        enum smtp_verb verb;
    } rows[] = {
        {"EHLO x", VERB_EHLO},        {"ehlo x", VERB_EHLO},
        {"HELO", VERB_HELO},          {"Mail From:<a@b>", VERB_MAIL},
        {"STARTTLS", VERB_STARTTLS},  {"starttls", VERB_STARTTLS},
        {"STARTTLSX", VERB_UNKNOWN},  {"XXXXXXXX", VERB_UNKNOWN},
        {"", VERB_UNKNOWN},           {" EHLO", VERB_UNKNOWN},
        {"X-EXPS GSSAPI", VERB_AUTH}, {"X-ANONYMOUSTLS", VERB_ANONYMOUSTLS},
        {"QUIT\tnow", VERB_QUIT},     {"QUITE", VERB_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(smtp_word_verb(span_str(rows[i].line)), rows[i].verb);
}

/* RFC 5321 section 4.2 */
static void test_reply_lines(void **state)
{
    static const struct {
        const char *line;
        int16_t code;
        bool last;
        const char *text;
    } rows[] = {
        {"250 ok", 250, true, "ok"},  {"250-x y", 250, false, "x y"},
        {"250", 250, true, ""},       {"250 ", 250, true, ""},
        {"250-", 250, false, ""},     {"25O ok", 0, false, ""},
        {"2500 ok", 0, false, ""},    {"25", 0, false, ""},
        {"250\tok", 250, true, "ok"}, {"SSH-2.0", 0, false, ""},
        {"", 0, false, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t *copy = guard_copy(rows[i].line, strlen(rows[i].line));
        struct smtp_reply_line r = smtp_word_reply(span_of(copy, strlen(rows[i].line)));
        assert_int_equal(r.code, rows[i].code);
        assert_int_equal(r.last, rows[i].last);
        assert_true(span_eq(r.text, span_str(rows[i].text)));
        guard_free(copy);
    }
}

static void test_paths_and_parameters(void **state)
{
    static const struct {
        const char *line, *path;
        bool requiretls;
    } rows[] = {
        {"MAIL FROM:<a@b.test>", "a@b.test", false},
        {"MAIL FROM:<> REQUIRETLS", "", true},
        {"MAIL FROM: <a@b.test> SIZE=1 requiretls BODY=8BITMIME", "a@b.test", true},
        {"MAIL FROM:a@b.test REQUIRETLS", "a@b.test", true},
        {"MAIL FROM:<\"REQUIRETLS x>\"@b.test>", "\"REQUIRETLS x>\"@b.test", false},
        {"RCPT TO:<@relay.test:a@b.test>", "a@b.test", false},
        {"MAIL FROM:<a@b.test> XREQUIRETLS", "a@b.test", false},
        {"MAIL", "", false},
        {"MAIL FROM:<a@b.test", "a@b.test", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span line = span_str(rows[i].line);
        assert_true(span_eq(smtp_word_path(line), span_str(rows[i].path)));
        assert_int_equal(smtp_word_has_param(line, "REQUIRETLS"), rows[i].requiretls);
    }
}

/* RFC 3030; sizes are 64 bits and nothing wraps */
static void test_bdat(void **state)
{
    uint64_t size;
    bool last;

    (void)state;
    assert_true(smtp_word_bdat(span_str("BDAT 0"), &size, &last));
    assert_int_equal(size, 0);
    assert_false(last);
    assert_true(smtp_word_bdat(span_str("BDAT 18446744073709551615 last"), &size, &last));
    assert_true(size == UINT64_MAX && last);
    assert_false(smtp_word_bdat(span_str("BDAT 18446744073709551616 LAST"), &size, &last));
    assert_false(smtp_word_bdat(span_str("BDAT -1"), &size, &last));
    assert_false(smtp_word_bdat(span_str("BDAT"), &size, &last));
    assert_true(smtp_word_bdat(span_str("BDAT 5 LASTX"), &size, &last));
    assert_false(last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_reply_lines),
        cmocka_unit_test(test_paths_and_parameters),
        cmocka_unit_test(test_bdat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
