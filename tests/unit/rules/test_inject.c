/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OFFER "PIPELINING|SIZE 10240000|VRFY|ETRN|STARTTLS|ENHANCEDSTATUSCODES|8BITMIME|DSN"

static struct build b;

static const struct finding *closed(enum rule_id id)
{
    return build_find(build_close(&b, SESSION_FIN), id);
}

static void play(enum byte_kind client, enum byte_kind server)
{
    build_new(&b);
    build_banner(&b, "220 mx1.alder.example ESMTP Postfix");
    build_ehlo(&b, OFFER);
    build_starttls(&b, 220, "220 2.0.0 Ready to start TLS");
    b.s.early_client = client;
    b.s.early_client_offset = b.at[SESSION_TO_SERVER];
    b.s.early_server = server;
    b.s.early_server_offset = b.at[SESSION_TO_CLIENT];
}

static void commands_after_starttls(void **state)
{
    (void)state;
    play(BYTES_CLEAR, BYTES_NONE);
    b.s.early_client_verb = build_text(&b, "RSET", 4);
    build_tls(&b);
    const struct finding *f = closed(RULE_COMMAND_INJECTION);
    assert_non_null(f);
    assert_int_equal(f->severity, SEVERITY_LOW); /* RULES.md: E1, TLS came about */
    assert_int_equal(f->dir, SESSION_TO_SERVER);
    assert_int_equal(f->offset, b.s.early_client_offset);
    assert_string_equal(f->line[0].text, "STARTTLS");
    assert_string_equal(f->line[1].text, "RSET");
    assert_int_equal(b.j.verdict, VERDICT_ENCRYPTED);
}

/* The text may be a secret when its verb is unknown. */
static void unknown_text_is_not_shown(void **state)
{
    (void)state;
    play(BYTES_CLEAR, BYTES_NONE);
    build_tls(&b);
    assert_string_equal(closed(RULE_COMMAND_INJECTION)->line[1].text, "<text>");
}

static void scanners_inject_and_deliver_nothing(void **state)
{
    (void)state;
    play(BYTES_CLEAR, BYTES_NONE);
    const struct finding *f = closed(RULE_COMMAND_INJECTION);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_SCANNER_OR_PROBE);
}

static void an_early_client_hello_is_none(void **state)
{
    (void)state;
    play(BYTES_TLS, BYTES_NONE);
    build_tls(&b);
    assert_int_equal(build_close(&b, SESSION_FIN)->finding_count, 0);
}

static void replies_after_the_go_ahead(void **state)
{
    (void)state;
    play(BYTES_NONE, BYTES_CLEAR);
    b.s.early_server_text = build_text(&b, "250-AUTH PLAIN", 14);
    build_tls(&b);
    const struct finding *f = closed(RULE_RESPONSE_INJECTION);
    assert_non_null(f);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(f->dir, SESSION_TO_CLIENT);
    assert_int_equal(f->offset, b.s.early_server_offset);
    assert_string_equal(f->line[1].text, "250-AUTH PLAIN");
    /* Whatever came of it. */
    play(BYTES_NONE, BYTES_CLEAR);
    assert_int_equal(closed(RULE_RESPONSE_INJECTION)->severity, SEVERITY_MEDIUM);
    play(BYTES_NONE, BYTES_CLEAR);
    build_auth(&b, "PLAIN", 235);
    assert_int_equal(closed(RULE_RESPONSE_INJECTION)->severity, SEVERITY_HIGH);
    play(BYTES_NONE, BYTES_TLS);
    build_tls(&b);
    assert_int_equal(build_close(&b, SESSION_FIN)->finding_count, 0);
}

static void unsolicit(int code)
{
    build_new(&b);
    build_ehlo(&b, OFFER);
    b.s.unsolicited = 1;
    b.s.unsolicited_code = (int16_t)code;
    b.s.unsolicited_offset = build_step(&b, SESSION_TO_CLIENT, 8);
}

static void unsolicited(void **state)
{
    (void)state;
    unsolicit(250);
    const struct finding *f = closed(RULE_UNSOLICITED_REPLY);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->offset, b.s.unsolicited_offset);
    assert_string_equal(f->line[0].text, "250");
    unsolicit(250);
    build_mail(&b);
    assert_int_equal(closed(RULE_UNSOLICITED_REPLY)->severity, SEVERITY_INFO);
}

static void unsolicited_only_from_whole_captures(void **state)
{
    (void)state;
    unsolicit(421);
    assert_null(closed(RULE_UNSOLICITED_REPLY));
    unsolicit(250);
    b.s.step_lost = true;
    assert_null(closed(RULE_UNSOLICITED_REPLY));
    unsolicit(250);
    b.s.midstream = true;
    assert_null(closed(RULE_UNSOLICITED_REPLY));
    unsolicit(250);
    build_only(&b, SESSION_TO_CLIENT);
    assert_null(closed(RULE_UNSOLICITED_REPLY));
    unsolicit(250);
    b.s.gap_bytes[SESSION_TO_SERVER] = 10;
    assert_null(closed(RULE_UNSOLICITED_REPLY));
    unsolicit(250);
    b.s.cut_bytes[SESSION_TO_CLIENT] = 10;
    assert_null(closed(RULE_UNSOLICITED_REPLY));
}

/* The same bytes are told once. */
static void injected_replies_are_not_unsolicited_as_well(void **state)
{
    (void)state;
    play(BYTES_NONE, BYTES_CLEAR);
    b.s.unsolicited = 1;
    b.s.unsolicited_code = 250;
    b.s.unsolicited_offset = b.s.early_server_offset;
    assert_null(closed(RULE_UNSOLICITED_REPLY));
    assert_non_null(build_find(&b.j, RULE_RESPONSE_INJECTION));
    b.s.unsolicited_offset = 3;
    assert_non_null(closed(RULE_UNSOLICITED_REPLY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_after_starttls),
        cmocka_unit_test(unknown_text_is_not_shown),
        cmocka_unit_test(scanners_inject_and_deliver_nothing),
        cmocka_unit_test(an_early_client_hello_is_none),
        cmocka_unit_test(replies_after_the_go_ahead),
        cmocka_unit_test(unsolicited),
        cmocka_unit_test(unsolicited_only_from_whole_captures),
        cmocka_unit_test(injected_replies_are_not_unsolicited_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
