/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define POSTFIX  "220 mx1.alder.example ESMTP Postfix"
#define OFFER    "PIPELINING|SIZE 10240000|VRFY|ETRN|STARTTLS|ENHANCEDSTATUSCODES|8BITMIME|DSN"
#define NO_OFFER "PIPELINING|SIZE 10240000|VRFY|ETRN|ENHANCEDSTATUSCODES|8BITMIME|DSN"
#define CISCO    "PIPELINING|SIZE 10240000|VRFY|ETRN|XXXXXXXA|ENHANCEDSTATUSCODES|8BITMIME|DSN"

static struct build b;

static const struct finding *closed(enum rule_id id)
{
    return build_find(build_close(&b, SESSION_FIN), id);
}

static void play(const char *keywords)
{
    build_new(&b);
    build_banner(&b, POSTFIX);
    build_ehlo(&b, keywords);
}

static bool among_alternatives(const struct finding *f, enum cause cause)
{
    for (size_t i = 0; i < f->alternative_count; i++)
        if (f->alternatives[i] == cause)
            return true;
    return false;
}

/* --- starttls-refused --- */

/* RFC 3207 section 4: 454 is legal, 5xx a contradiction, success but 220 has no innocent form. */
static const struct {
    int code;
    const char *reply;
    enum severity with_mail, without;
    enum cause cause;
} ANSWERS[] = {
    {454, "454 4.7.0 TLS not available due to local problem", SEVERITY_MEDIUM, SEVERITY_LOW,
     CAUSE_UNKNOWN},
    {500, "500 #5.5.1 command not recognized", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_UNKNOWN},
    {501, "501 Syntax error", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_UNKNOWN},
    {502, "502 5.5.2 Error", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_UNKNOWN},
    {530, "530 no", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_UNKNOWN},
    {200, "200 STRIPTLS", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_ON_PATH_REWRITE},
    {221, "221 Bye", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_ON_PATH_REWRITE},
    {250, "250 OK", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_ON_PATH_REWRITE},
    {354, "354 go on", SEVERITY_MEDIUM, SEVERITY_LOW, CAUSE_ON_PATH_REWRITE},
};

static void refused_by_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
        play(OFFER);
        build_starttls(&b, ANSWERS[i].code, ANSWERS[i].reply);
        build_mail(&b);
        const struct finding *f = closed(RULE_STARTTLS_REFUSED);
        assert_non_null(f);
        assert_int_equal(f->severity, ANSWERS[i].with_mail);
        assert_int_equal(f->cause, ANSWERS[i].cause);
        assert_true(among_alternatives(f, CAUSE_SERVER_TLS_TROUBLE));
        assert_int_equal(f->dir, SESSION_TO_CLIENT);
        assert_int_equal(f->offset, b.s.reading.upgrade_offset);
        assert_string_equal(f->line[0].text, "250-STARTTLS");
        assert_string_equal(f->line[1].text, ANSWERS[i].reply);
        assert_string_equal(f->tlsrpt, "starttls-not-supported");
        assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
        assert_int_equal(b.j.handshake, HANDSHAKE_REFUSED);
        play(OFFER);
        build_starttls(&b, ANSWERS[i].code, ANSWERS[i].reply);
        build_quit(&b);
        assert_int_equal(closed(RULE_STARTTLS_REFUSED)->severity, ANSWERS[i].without);
        assert_int_equal(b.j.verdict, VERDICT_HELD);
    }
}

static void refused_then_login_is_high_and_never_critical(void **state)
{
    (void)state;
    play(OFFER);
    build_starttls(&b, 454, "454 TLS not available due to temporary reason");
    build_auth(&b, "PLAIN", 235);
    build_mail(&b);
    assert_int_equal(closed(RULE_STARTTLS_REFUSED)->severity, SEVERITY_HIGH);
}

static void refused_without_an_offer_is_the_client(void **state)
{
    (void)state;
    play(NO_OFFER);
    build_starttls(&b, 502, "502 5.5.1 not implemented");
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_REFUSED);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_SCANNER_OR_PROBE);
    assert_null(f->tlsrpt);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
    play(OFFER);
    build_starttls(&b, 501, "501 Syntax error (no parameters allowed)");
    b.s.upgrade_param = true;
    build_mail(&b);
    assert_int_equal(closed(RULE_STARTTLS_REFUSED)->severity, SEVERITY_INFO);
}

static void refused_when_the_offer_was_not_seen(void **state)
{
    (void)state;
    play(OFFER);
    b.s.reading.ehlo = EHLO_GAP;
    build_starttls(&b, 454, "454 no");
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_REFUSED);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->confidence, CONFIDENCE_LOW);
    assert_int_equal(b.j.verdict, VERDICT_UNKNOWN);
}

/* Cisco masks the offer and the command: the refusal follows from the mask. */
static void refused_behind_a_mask(void **state)
{
    (void)state;
    play(CISCO);
    build_starttls(&b, 500, "500 5.5.1 unrecognized");
    build_mail(&b);
    assert_int_equal(closed(RULE_STARTTLS_REFUSED)->severity, SEVERITY_LOW);
    assert_non_null(build_find(&b.j, RULE_STARTTLS_GARBLED));
}

static void answers_that_are_no_refusal(void **state)
{
    (void)state;
    play(OFFER);
    build_starttls(&b, 220, "220 2.0.0 Ready to start TLS");
    build_tls(&b);
    assert_int_equal(build_close(&b, SESSION_FIN)->finding_count, 0);
    play(OFFER);
    build_starttls(&b, 421, "421 too busy");
    assert_null(closed(RULE_STARTTLS_REFUSED));
    play(OFFER);
    build_mail(&b);
    assert_int_equal(build_close(&b, SESSION_FIN)->finding_count, 0);
}

/* --- starttls-unanswered --- */

static void unanswered(void **state)
{
    (void)state;
    static const enum session_close ends[] = {SESSION_FIN, SESSION_RST, SESSION_TIMEOUT,
                                              SESSION_REUSED};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        play(OFFER);
        build_starttls(&b, 0, NULL);
        build_close(&b, ends[i]);
        const struct finding *f = build_find(&b.j, RULE_STARTTLS_UNANSWERED);
        assert_non_null(f);
        assert_int_equal(f->severity, SEVERITY_LOW);
        assert_int_equal(f->dir, SESSION_TO_SERVER);
        assert_int_equal(f->offset, b.s.upgrade_cmd_offset);
        assert_string_equal(f->line[0].text, "STARTTLS");
        assert_int_equal(b.j.handshake, HANDSHAKE_ABORTED);
        assert_string_equal(b.j.stage, "starttls");
    }
    play(OFFER);
    build_starttls(&b, 421, "421 4.3.2 shutting down");
    assert_non_null(closed(RULE_STARTTLS_UNANSWERED));
}

static void unanswered_needs_certainty(void **state)
{
    (void)state;
    play(OFFER);
    build_starttls(&b, 0, NULL);
    assert_null(build_find(build_judge(&b, SESSION_UPGRADE_DECIDED), RULE_STARTTLS_UNANSWERED));
    b.s.gap_bytes[SESSION_TO_CLIENT] = 30;
    assert_null(closed(RULE_STARTTLS_UNANSWERED));
    play(OFFER);
    build_starttls(&b, 0, NULL);
    b.s.midstream = true;
    assert_null(closed(RULE_STARTTLS_UNANSWERED));
    play(OFFER);
    build_starttls(&b, 0, NULL);
    build_only(&b, SESSION_TO_SERVER);
    assert_null(closed(RULE_STARTTLS_UNANSWERED));
    play(OFFER);
    build_starttls(&b, 0, NULL);
    build_close(&b, SESSION_EVICTED);
    assert_null(build_find(&b.j, RULE_STARTTLS_UNANSWERED));
}

/* The capture ends: ten seconds of silence are an answer, less is none. */
static void unanswered_at_the_end_of_the_capture(void **state)
{
    (void)state;
    play(OFFER);
    build_starttls(&b, 0, NULL);
    b.s.now = b.s.upgrade_cmd_time + 10 * NS_PER_S - 1;
    build_close(&b, SESSION_INPUT_END);
    assert_null(build_find(&b.j, RULE_STARTTLS_UNANSWERED));
    b.s.now++;
    build_close(&b, SESSION_INPUT_END);
    assert_non_null(build_find(&b.j, RULE_STARTTLS_UNANSWERED));

    /* Who has sent a FIN waits no longer, whichever side it was and however soon. */
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        play(OFFER);
        build_starttls(&b, 0, NULL);
        b.s.now = b.s.upgrade_cmd_time + 1;
        b.s.fin[d] = true;
        build_close(&b, SESSION_INPUT_END);
        assert_non_null(build_find(&b.j, RULE_STARTTLS_UNANSWERED));
    }
}

/* --- starttls-ignored --- */

static void ignore(enum byte_kind server)
{
    play(OFFER);
    build_starttls(&b, 220, "220 2.0.0 Ready to start TLS");
    b.s.client_after = BYTES_CLEAR;
    b.s.client_after_offset = b.at[SESSION_TO_SERVER];
    b.s.server_after = server;
}

static void ignored(void **state)
{
    (void)state;
    ignore(BYTES_CLEAR);
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_IGNORED);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(f->offset, b.s.client_after_offset);
    assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
    assert_int_equal(b.j.handshake, HANDSHAKE_CLEARTEXT);
    /* The server was silent, and nothing was delivered. */
    ignore(BYTES_NONE);
    f = closed(RULE_STARTTLS_IGNORED);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_SCANNER_OR_PROBE);
}

static void a_decrypted_mirror_is_an_artefact(void **state)
{
    (void)state;
    ignore(BYTES_CLEAR);
    b.s.ehlo_after = true;
    build_auth(&b, "PLAIN", 235);
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_IGNORED);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->cause, CAUSE_CAPTURE_ARTEFACT);
    assert_true(among_alternatives(f, CAUSE_TLS_INSPECTION_GATEWAY));
    assert_int_equal(b.j.verdict, VERDICT_UNKNOWN);
    f = build_find(&b.j, RULE_AUTH_IN_CLEAR);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_CAPTURE_ARTEFACT);
    /* One TLS record, and it is no mirror. */
    b.s.tls_records[SESSION_TO_SERVER] = 1;
    assert_int_equal(closed(RULE_STARTTLS_IGNORED)->severity, SEVERITY_HIGH);
}

/* --- starttls-command-garbled --- */

static void command_garbled(void **state)
{
    (void)state;
    static const char *const shown[] = {"XXXXXXXX", "STARTFOO", "STARTTLX", "********"};
    static const char *const hidden[] = {"hunter22", "QWZPLKRT"};
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        play(OFFER);
        struct odd_command *odd = build_odd(&b, shown[i], 500);
        build_mail(&b);
        const struct finding *f = closed(RULE_STARTTLS_COMMAND_GARBLED);
        assert_int_equal(f->severity, SEVERITY_MEDIUM);
        assert_int_equal(f->offset, odd->offset);
        assert_int_equal(f->dir, SESSION_TO_SERVER);
        assert_string_equal(f->line[0].text, shown[i]);
        assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
    }
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        play(OFFER);
        build_odd(&b, hidden[i], 502);
        build_mail(&b);
        const struct finding *f = closed(RULE_STARTTLS_COMMAND_GARBLED);
        assert_int_equal(f->severity, SEVERITY_MEDIUM);
        assert_string_equal(f->line[0].text, "<8 bytes>");
        assert_null(strstr(f->reason, hidden[i]));
    }
}

static void commands_that_are_no_starttls(void **state)
{
    (void)state;
    static const char *const lines[] = {"XXXXXXX", "XXXXXXXXX", "XXXXXXXX now", "FOO BARS", "XYZ"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        play(OFFER);
        build_odd(&b, lines[i], 500);
        build_mail(&b);
        assert_null(closed(RULE_STARTTLS_COMMAND_GARBLED));
    }
    /* No offer, or asked properly, or the server took it. */
    play(NO_OFFER);
    build_odd(&b, "XXXXXXXX", 500);
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_COMMAND_GARBLED));
    play(OFFER);
    build_odd(&b, "XXXXXXXX", 500);
    build_starttls(&b, 220, "220 go");
    build_tls(&b);
    assert_null(closed(RULE_STARTTLS_COMMAND_GARBLED));
    play(OFFER);
    build_odd(&b, "XXXXXXXX", 250);
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_COMMAND_GARBLED));
    /* Somewhere else in the session. */
    play(OFFER);
    build_mail(&b);
    build_odd(&b, "XXXXXXXX", 500);
    assert_null(closed(RULE_STARTTLS_COMMAND_GARBLED));
}

static void command_garbled_right_before_mail(void **state)
{
    (void)state;
    play(OFFER);
    build_step(&b, SESSION_TO_SERVER, 4); /* a NOOP between */
    build_odd(&b, "XXXXXXXX", 500)->follows_ehlo = false;
    build_mail(&b);
    assert_non_null(closed(RULE_STARTTLS_COMMAND_GARBLED));
}

static void a_scanner_garbles_by_itself(void **state)
{
    (void)state;
    play(OFFER);
    build_odd(&b, "STARTSSL", 500);
    build_quit(&b);
    const struct finding *f = closed(RULE_STARTTLS_COMMAND_GARBLED);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_SCANNER_OR_PROBE);
    assert_int_equal(b.j.verdict, VERDICT_FAILED);
}

/* --- cleartext-in-handshake --- */

static const char sorry[] = "454 4.7.0 TLS not available";

/* STARTTLS, 220 and a ClientHello. */
static void play_hello(void)
{
    play(OFFER);
    build_starttls(&b, 220, "220 2.0.0 Ready to start TLS");
    b.s.client_after = BYTES_TLS;
    b.s.client_after_offset = build_step(&b, SESSION_TO_SERVER, 300);
    b.s.tls_records[SESSION_TO_SERVER] = 1;
    b.s.tls_stage = TLS_STAGE_CLIENT_HELLO;
}

static void a_hello_answered_in_clear(void **state)
{
    (void)state;
    play_hello();
    b.s.server_after = BYTES_CLEAR;
    b.s.server_after_offset = build_step(&b, SESSION_TO_CLIENT, strlen(sorry));
    b.s.server_after_text = build_text(&b, sorry, strlen(sorry));
    const struct finding *f = closed(RULE_CLEARTEXT_IN_HANDSHAKE);
    assert_non_null(f);
    assert_int_equal(f->dir, SESSION_TO_CLIENT);
    assert_int_equal(f->offset, b.s.server_after_offset);
    assert_int_equal(f->line[1].dir, SESSION_TO_CLIENT);
    assert_int_equal(f->line[1].offset, b.s.server_after_offset);
    assert_string_equal(f->line[1].text, sorry);
    assert_non_null(strstr(f->reason, "the answer was text: \"454 4.7.0 TLS not available\"."));
}

/* Behind a record the text is not kept: where it stands is told, and nothing of what the client
 * said, before it or after. */
static void text_behind_a_record_of_the_server(void **state)
{
    (void)state;
    play_hello();
    b.s.server_after = BYTES_TLS;
    b.s.server_after_offset = build_step(&b, SESSION_TO_CLIENT, 4);
    b.s.tls_records[SESSION_TO_CLIENT] = 1;
    b.s.clear_in_tls[SESSION_TO_CLIENT] = b.s.clear_in_tls[SESSION_TO_SERVER] = true;
    b.s.clear_in_tls_offset[SESSION_TO_CLIENT] = build_step(&b, SESSION_TO_CLIENT, strlen(sorry));
    b.s.clear_in_tls_offset[SESSION_TO_SERVER] = build_step(&b, SESSION_TO_SERVER, 40);
    const struct finding *f = closed(RULE_CLEARTEXT_IN_HANDSHAKE);
    assert_non_null(f);
    assert_int_equal(f->offset, b.s.clear_in_tls_offset[SESSION_TO_CLIENT]);
    assert_int_equal(f->line[1].dir, SESSION_TO_CLIENT);
    assert_int_equal(f->line[1].offset, f->offset);
    assert_string_equal(f->line[1].text, "<text>");
    assert_non_null(strstr(f->reason, "and behind a record the answer was text."));
    b.s.clear_in_tls[SESSION_TO_CLIENT] = false; /* the client's alone is not the server's answer */
    assert_null(closed(RULE_CLEARTEXT_IN_HANDSHAKE));
}

/* --- reply-too-fast --- */

static void a_reply_faster_than_the_path(void **state)
{
    static const struct {
        nstime asked, answered, floor;
        bool told;
    } TIMES[] = {
        {0, 9 * NS_PER_MS, 20 * NS_PER_MS, true},   {0, 10 * NS_PER_MS - 1, 20 * NS_PER_MS, true},
        {0, 10 * NS_PER_MS, 20 * NS_PER_MS, false}, {9 * NS_PER_MS, 0, 20 * NS_PER_MS, false},
        {-1, INT64_MAX - 1, INT64_MAX, false},      {0, INT64_MAX / 2, INT64_MAX, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(TIMES) / sizeof(TIMES[0]); i++) {
        play(OFFER);
        b.s.now = TIMES[i].asked;
        build_starttls(&b, 454, sorry);
        b.s.reading.upgrade_time = TIMES[i].answered;
        b.s.answer_samples = 5;
        b.s.answer_floor = TIMES[i].floor;
        assert_int_equal(closed(RULE_REPLY_TOO_FAST) != NULL, TIMES[i].told);
    }
}

static void port_465_has_no_starttls(void **state)
{
    (void)state;
    play(OFFER);
    b.s.implicit_tls = true;
    build_starttls(&b, 454, "454 no");
    assert_null(closed(RULE_STARTTLS_REFUSED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_by_code),
        cmocka_unit_test(refused_then_login_is_high_and_never_critical),
        cmocka_unit_test(refused_without_an_offer_is_the_client),
        cmocka_unit_test(refused_when_the_offer_was_not_seen),
        cmocka_unit_test(refused_behind_a_mask),
        cmocka_unit_test(answers_that_are_no_refusal),
        cmocka_unit_test(unanswered),
        cmocka_unit_test(unanswered_needs_certainty),
        cmocka_unit_test(unanswered_at_the_end_of_the_capture),
        cmocka_unit_test(ignored),
        cmocka_unit_test(a_decrypted_mirror_is_an_artefact),
        cmocka_unit_test(command_garbled),
        cmocka_unit_test(commands_that_are_no_starttls),
        cmocka_unit_test(command_garbled_right_before_mail),
        cmocka_unit_test(a_scanner_garbles_by_itself),
        cmocka_unit_test(a_hello_answered_in_clear),
        cmocka_unit_test(text_behind_a_record_of_the_server),
        cmocka_unit_test(a_reply_faster_than_the_path),
        cmocka_unit_test(port_465_has_no_starttls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
