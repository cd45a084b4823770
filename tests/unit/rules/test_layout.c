/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/layout.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static size_t split(const char *lines, struct span *out, size_t most)
{
    size_t count = 0;
    while (*lines && count < most) {
        size_t n = strcspn(lines, "|");
        out[count++] = span_of(lines, n);
        lines += n + (lines[n] == '|');
    }
    return count;
}

static struct layout_fit fit(const char *lines, size_t candidate, const char *banner)
{
    struct span line[64];
    size_t count = split(lines, line, 64);
    return layout_fit(line, count, candidate, layout_software(span_str(banner)));
}

/* One reply of each kind of server, with @ where STARTTLS is printed. */
static const struct {
    const char *name, *lines;
    size_t at;
} SLOTS[] = {
    {"Postfix", "PIPELINING|SIZE 10240000|VRFY|ETRN|@|ENHANCEDSTATUSCODES|8BITMIME|DSN", 4},
    {"Postfix", "PIPELINING|SIZE 10240000|ETRN|@|AUTH PLAIN|AUTH=PLAIN|XFORWARD NAME|8BITMIME", 3},
    {"Exim", "SIZE 52428800|8BITMIME|PIPELINING|PIPECONNECT|CHUNKING|@|PRDR|HELP", 5},
    {"Exim", "SIZE 52428800|LIMITS MAILMAX=100|8BITMIME|PIPELINING|X_PIPE_CONNECT|@|HELP", 5},
    {"Sendmail", "ENHANCEDSTATUSCODES|PIPELINING|8BITMIME|SIZE|DSN|ETRN|@|DELIVERBY|HELP", 6},
    {"OpenSMTPD", "8BITMIME|ENHANCEDSTATUSCODES|SIZE 36700160|DSN|@|HELP", 4},
    {"Exchange", "SIZE 1|PIPELINING|DSN|ENHANCEDSTATUSCODES|@|X-ANONYMOUSTLS|AUTH NTLM|8BITMIME",
     4},
    {"Gmail", "SIZE 157286400|8BITMIME|@|ENHANCEDSTATUSCODES|PIPELINING|CHUNKING|SMTPUTF8", 2},
    {"Oracle", "8BITMIME|PIPELINING|CHUNKING|DSN|ENHANCEDSTATUSCODES|HELP|XLOOP 1AC|@|ETRN", 7},
};

static void each_layout_has_its_slot(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SLOTS) / sizeof(SLOTS[0]); i++) {
        struct layout_fit f = fit(SLOTS[i].lines, SLOTS[i].at, "");
        assert_true(f.slot);
        assert_string_equal(f.name, SLOTS[i].name);
        assert_int_equal(f.strangers, 0);
        assert_false(f.home);
    }
}

static void other_places_are_not_the_slot(void **state)
{
    (void)state;
    const char *postfix[] = {
        "@|PIPELINING|SIZE 1|VRFY|ETRN|ENHANCEDSTATUSCODES|8BITMIME|DSN",
        "PIPELINING|SIZE 1|@|VRFY|ETRN|ENHANCEDSTATUSCODES|8BITMIME|DSN",
        "PIPELINING|SIZE 1|VRFY|ETRN|ENHANCEDSTATUSCODES|@|8BITMIME|DSN",
        "PIPELINING|SIZE 1|VRFY|ETRN|ENHANCEDSTATUSCODES|8BITMIME|DSN|@",
    };
    const size_t at[] = {0, 2, 5, 7};
    for (size_t i = 0; i < 4; i++)
        assert_false(fit(postfix[i], at[i], "220 mx ESMTP Postfix").slot);
}

static void too_few_or_disordered_lines_are_no_layout(void **state)
{
    (void)state;
    assert_null(fit("SIZE 1|8BITMIME|SMTPUTF8|@|HELP", 3, "").name);
    assert_null(fit("8BITMIME|SIZE 14680064|@", 2, "").name);
    assert_false(fit("DSN|SIZE 1|ETRN|VRFY|@|8BITMIME|ENHANCEDSTATUSCODES|PIPELINING", 4, "").slot);
    assert_null(fit("A|B|C|D|E|F|@|G|H", 6, "").name);
    assert_null(fit("@", 0, "").name);
}

/* Cisco letters its masks out of order: only lengths and neighbours count. CHUNKING, STARTTLS and
 * SMTPUTF8 all have eight letters, and Exim prints them in that order. */
static void masks_are_wildcards_of_their_length(void **state)
{
    (void)state;
    const char *exim = "SIZE 52428800|8BITMIME|PIPELINING|XXXXXXXXXXB|XXXXXXXC|XXXXXXXA|XXXXXXXD|"
                       "HELP";
    assert_false(fit(exim, 4, "").slot);
    assert_true(fit(exim, 5, "").slot);
    assert_false(fit(exim, 5, "").elsewhere);
    assert_false(fit(exim, 6, "").slot);
    const char *postfix = "PIPELINING|SIZE 1|VRFY|ETRN|XXXXXXXA|ENHANCEDSTATUSCODES|8BITMIME|DSN|"
                          "XXXXXXXC|XXXXXXXD";
    assert_true(fit(postfix, 4, "").slot);
    assert_false(fit(postfix, 4, "").elsewhere);
    assert_false(fit(postfix, 8, "").slot);
    assert_true(fit(postfix, 8, "").elsewhere);
}

/* Two masks where three members have eight letters: both readings are open. */
static void an_open_question_stays_open(void **state)
{
    (void)state;
    const char *exim = "SIZE 52428800|8BITMIME|PIPELINING|XXXXXXXXXXA|XXXXXXXB|XXXXXXXC|HELP";
    struct layout_fit first = fit(exim, 4, ""), second = fit(exim, 5, "");
    assert_true(first.slot && first.elsewhere);
    assert_true(second.slot && second.elsewhere);
    assert_true(second.missing < first.missing); /* Exim rarely comes without CHUNKING */
}

static void a_member_in_its_own_place_is_at_home(void **state)
{
    (void)state;
    const char *exim = "SIZE 1|8BITMIME|PIPELINING|PIPECONNECT|CHUNKING|SMTPUTF8|HELP";
    struct layout_fit f = fit(exim, 4, "220 mx ESMTP Exim 4.96");
    assert_true(f.home);
    assert_true(f.named);
}

static void the_banner_names_friends_and_rivals(void **state)
{
    (void)state;
    const char *lines = "PIPELINING|SIZE 1|VRFY|ETRN|@|ENHANCEDSTATUSCODES|8BITMIME|DSN";
    assert_true(fit(lines, 4, "220 mx ESMTP Postfix (Debian)").named);
    assert_true(fit(lines, 4, "220 mx ESMTP Exim 4.96").rival);
    assert_false(fit(lines, 4, "220 mx ESMTP").rival);
    assert_false(fit(lines, 4, "220 mx ESMTP").named);
}

static void a_reply_as_long_as_it_gets(void **state)
{
    (void)state;
    struct span line[64];
    for (size_t i = 0; i < 64; i++)
        line[i] = span_str("XXXXXXXA");
    for (size_t i = 0; i < 64; i++)
        assert_null(layout_fit(line, 64, i, NULL).name);
    assert_null(layout_fit(line, 35, 17, NULL).name);
}

static void software_by_its_word(void **state)
{
    (void)state;
    static const struct {
        const char *banner, *software;
    } CASES[] = {
        {"220 mx.alder.example ESMTP Postfix", "Postfix"},
        {"220 mx.alder.example ESMTP pOSTFIX (Debian)", "Postfix"},
        {"220 pppostfix", "Postfix"},
        {"220 mx.alder.example ESMTP Postfi", NULL},
        {"220 mx.alder.example ESMTP", NULL},
        {"exim", "Exim"},
        {"EExim", "Exim"},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const char *software = layout_software(span_str(CASES[i].banner));
        if (!CASES[i].software)
            assert_null(software);
        else
            assert_string_equal(software, CASES[i].software);
    }
    assert_null(layout_software(span_of(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(software_by_its_word),
        cmocka_unit_test(each_layout_has_its_slot),
        cmocka_unit_test(other_places_are_not_the_slot),
        cmocka_unit_test(too_few_or_disordered_lines_are_no_layout),
        cmocka_unit_test(masks_are_wildcards_of_their_length),
        cmocka_unit_test(an_open_question_stays_open),
        cmocka_unit_test(a_member_in_its_own_place_is_at_home),
        cmocka_unit_test(the_banner_names_friends_and_rivals),
        cmocka_unit_test(a_reply_as_long_as_it_gets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
