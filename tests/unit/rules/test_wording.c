/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/wording.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;
static struct finding f;

static void sentences(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    wording_say(&f, "One of %d.", 2);
    wording_say(&f, "Two.");
    assert_string_equal(f.reason, "One of 2. Two.");
    for (int i = 0; i < 300; i++)
        wording_say(&f, "And on and on.");
    assert_true(strlen(f.reason) < sizeof(f.reason));
}

static void bytes_are_escaped_and_masked(void **state)
{
    (void)state;
    assert_string_equal(wording_bytes(span_of("a\0\n", 3)).text, "a\\x00\\x0A");
    assert_string_equal(wording_bytes(span_str("550 <alice@alder.example> no")).text,
                        "550 <*@alder.example> no");
}

static void addresses(void **state)
{
    (void)state;
    build_new(&b);
    f.rule = RULE_STARTTLS_GARBLED;
    wording_next_step(&f, &b.s);
    assert_non_null(strstr(f.next_step, "-connect 203.0.113.25:25`"));
    b.s.key.family = 6;
    b.s.key.server_port = 587;
    memcpy(b.s.key.server, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 0x25}, 16);
    for (f.rule = 0; f.rule < RULE_COUNT; f.rule++) {
        wording_next_step(&f, &b.s);
        assert_non_null(strstr(f.next_step, "[2001:db8::25]:587"));
        assert_null(strchr(f.next_step, '%'));
        assert_true(strlen(f.next_step) < sizeof(f.next_step) - 1);
    }
}

static void evidence_lines(void **state)
{
    (void)state;
    build_new(&b);
    build_ehlo(&b, "SIZE 1|XXXXXXXX");
    struct view v = view_of(&b.s, SESSION_CLOSED, NULL);
    memset(&f, 0, sizeof(f));
    wording_ehlo_line(&f, &v, 1, "not the last");
    wording_ehlo_line(&f, &v, 2, "the last");
    wording_ehlo_line(&f, &v, 0, "one too many");
    assert_int_equal(f.line_count, 2);
    assert_string_equal(f.line[0].text, "250-SIZE 1");
    assert_string_equal(f.line[1].text, "250 XXXXXXXX");
    assert_int_equal(f.line[1].offset, b.s.reading.line[2].offset);
    assert_string_equal(f.line[1].note, "the last");
    b.s.reading.lines_capped = true;
    memset(&f, 0, sizeof(f));
    wording_ehlo_line(&f, &v, 2, "");
    assert_string_equal(f.line[0].text, "250-XXXXXXXX");
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    char text[CAP_BANNER_TEXT];
    memset(text, 'a', sizeof(text));
    memset(&f, 0, sizeof(f));
    wording_line(&f, SESSION_TO_CLIENT, 7, "220 ", span_of(text, sizeof(text)),
                 "a note that is far longer than the room there is for it, and then some more");
    assert_true(strlen(f.line[0].text) < sizeof(f.line[0].text));
    assert_true(strlen(f.line[0].note) < sizeof(f.line[0].note));
}

static void the_sender_as_the_facts_have_it(void **state)
{
    (void)state;
    build_new(&b);
    build_mail(&b);
    struct view v = view_of(&b.s, SESSION_CLOSED, NULL);
    memset(&f, 0, sizeof(f));
    wording_effect_line(&f, &v);
    assert_string_equal(f.line[0].text, "MAIL FROM:<*@sender.example>");
    b.s.mail_from_null = true;
    memset(&f, 0, sizeof(f));
    wording_effect_line(&f, &v);
    assert_string_equal(f.line[0].text, "MAIL FROM:<>");
    b.s.mails = 0;
    memset(&f, 0, sizeof(f));
    wording_effect_line(&f, &v);
    assert_int_equal(f.line_count, 0);
}

static void effects_in_words(void **state)
{
    (void)state;
    build_new(&b);
    build_mail(&b);
    build_mail(&b);
    build_auth(&b, "LOGIN", 235);
    struct view v = view_of(&b.s, SESSION_CLOSED, NULL);
    memset(&f, 0, sizeof(f));
    wording_effect(&f, &v);
    assert_string_equal(f.reason,
                        "The client did not start TLS. 2 messages of 750 bytes crossed in "
                        "clear, to 1 domain. A login by LOGIN was accepted in clear.");
    build_new(&b);
    v = view_of(&b.s, SESSION_EHLO_DONE, NULL);
    memset(&f, 0, sizeof(f));
    wording_effect(&f, &v);
    assert_string_equal(f.reason, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),          cmocka_unit_test(bytes_are_escaped_and_masked),
        cmocka_unit_test(addresses),          cmocka_unit_test(evidence_lines),
        cmocka_unit_test(long_lines_are_cut), cmocka_unit_test(the_sender_as_the_facts_have_it),
        cmocka_unit_test(effects_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
