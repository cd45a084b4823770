/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define POSTFIX "220 mx1.alder.example ESMTP Postfix"
#define STARS   "220 ****************************************"
#define OFFER   "PIPELINING|SIZE 10240000|VRFY|ETRN|STARTTLS|ENHANCEDSTATUSCODES|8BITMIME|DSN"
#define CISCO   "PIPELINING|SIZE 10240000|VRFY|ETRN|XXXXXXXA|ENHANCEDSTATUSCODES|8BITMIME|DSN"

static struct build b;

static void token_is(int slot, const char *text)
{
    assert_int_equal(b.j.slot, slot);
    assert_true(span_eq(session_text(&b.s, b.j.token), span_str(text)));
}

static void play(const char *keywords)
{
    build_new(&b);
    build_ehlo(&b, keywords);
    build_close(&b, SESSION_FIN);
}

static void offers_and_their_slot(void **state)
{
    (void)state;
    static const char *const offered[] = {"SIZE 1|STARTTLS", "SIZE 1|starttls", "SIZE 1|StartTLS",
                                          "SIZE 1|STARTTLS required"};
    for (size_t i = 0; i < 4; i++) {
        play(offered[i]);
        assert_int_equal(b.j.offered, OFFERED_YES);
        assert_int_equal(b.j.slot, 1);
        assert_int_equal(b.j.token.len, 8);
    }
    static const char *const missing[] = {"SIZE 1", "SIZE STARTTLS", "STARTTLSREQUIRED", ""};
    for (size_t i = 0; i < 4; i++) {
        play(missing[i]);
        assert_int_equal(b.j.offered, OFFERED_NO);
        assert_int_equal(b.j.slot, -1);
    }
    build_new(&b);
    build_helo(&b);
    build_close(&b, SESSION_FIN);
    assert_int_equal(b.j.offered, OFFERED_UNKNOWN);
    assert_int_equal(b.j.slot, -1);
}

static void tokens_as_received(void **state)
{
    (void)state;
    play("SIZE 1|STARTFOO bar|HELP");
    token_is(1, "STARTFOO");
    play("PIPELINING|SIZE 1|VRFY|ETRN|        |ENHANCEDSTATUSCODES|8BITMIME|DSN");
    token_is(4, "        ");
    play("PIPELINING|SIZE 1|VRFY|ETRN||ENHANCEDSTATUSCODES|8BITMIME|DSN");
    token_is(4, "");
    assert_int_equal(b.j.offered, OFFERED_GARBLED);
}

static void the_strongest_comes_first(void **state)
{
    (void)state;
    build_new(&b);
    build_banner(&b, STARS);
    build_ehlo(&b, CISCO);
    build_starttls(&b, 500, "500 what");
    build_auth(&b, "PLAIN", 235);
    build_mail(&b);
    build_close(&b, SESSION_FIN);
    assert_int_equal(b.j.finding_count, 4);
    assert_int_equal(b.j.finding[0].rule, RULE_AUTH_IN_CLEAR);
    assert_int_equal(b.j.finding[1].rule, RULE_STARTTLS_GARBLED);
    assert_int_equal(b.j.finding[2].rule, RULE_STARTTLS_REFUSED);
    assert_int_equal(b.j.finding[3].rule, RULE_GREETING_MASKED);
    for (size_t i = 1; i < b.j.finding_count; i++)
        assert_true(b.j.finding[i - 1].severity >= b.j.finding[i].severity);
}

/* A session as it goes on, judged at each milestone: what was found stays, with its identity. */
static void findings_stay(const struct judgement *earlier)
{
    for (size_t i = 0; i < earlier->finding_count; i++) {
        const struct finding *f = build_find(&b.j, earlier->finding[i].rule);
        assert_non_null(f);
        assert_int_equal(f->offset, earlier->finding[i].offset);
        assert_int_equal(f->dir, earlier->finding[i].dir);
        assert_true(f->severity >= earlier->finding[i].severity);
    }
}

static void findings_stay_from_milestone_to_milestone(void **state)
{
    (void)state;
    static struct judgement earlier;
    build_new(&b);
    build_banner(&b, STARS);
    build_ehlo(&b, CISCO);
    build_judge(&b, SESSION_EHLO_DONE);
    assert_int_equal(b.j.finding_count, 2);
    earlier = b.j;
    build_starttls(&b, 500, "500 5.5.1 unrecognized");
    build_judge(&b, SESSION_UPGRADE_DECIDED);
    findings_stay(&earlier);
    assert_int_equal(b.j.finding_count, 3);
    earlier = b.j;
    build_mail(&b);
    build_judge(&b, SESSION_CLEAR_CONTENT);
    findings_stay(&earlier);
    earlier = b.j;
    build_quit(&b);
    build_close(&b, SESSION_FIN);
    findings_stay(&earlier);
    assert_int_equal(build_find(&b.j, RULE_STARTTLS_GARBLED)->severity, SEVERITY_LOW);
}

static void the_same_facts_give_the_same_judgement(void **state)
{
    (void)state;
    static struct judgement first;
    build_new(&b);
    build_banner(&b, POSTFIX);
    build_ehlo(&b, CISCO);
    build_mail(&b);
    build_close(&b, SESSION_FIN);
    first = b.j;
    memset(&b.j, 0xA5, sizeof(b.j));
    build_close(&b, SESSION_FIN);
    assert_int_equal(first.finding_count, b.j.finding_count);
    assert_string_equal(first.finding[0].reason, b.j.finding[0].reason);
    assert_int_equal(first.verdict, b.j.verdict);
}

/* Nothing of the offer from a tap that saw the client alone. */
static void a_client_only_capture_says_nothing_of_the_offer(void **state)
{
    (void)state;
    build_new(&b);
    b.s.hello = HELLO_EHLO;
    build_odd(&b, "XXXXXXXX", 0);
    build_mail(&b);
    build_only(&b, SESSION_TO_SERVER);
    for (int m = 0; m < SESSION_MILESTONE_COUNT; m++) {
        build_judge(&b, (enum session_milestone)m);
        assert_int_equal(b.j.finding_count, 0);
        assert_int_equal(b.j.offered, OFFERED_UNKNOWN);
        assert_int_equal(b.j.verdict, VERDICT_UNKNOWN);
    }
}

static void an_empty_session(void **state)
{
    (void)state;
    memset(&b, 0, sizeof(b));
    b.s.pool = b.pool;
    for (int m = 0; m < SESSION_MILESTONE_COUNT; m++) {
        build_judge(&b, (enum session_milestone)m);
        assert_int_equal(b.j.finding_count, 0);
        assert_int_equal(b.j.verdict, VERDICT_UNKNOWN);
    }
}

/* --- facts in any combination --- */

static uint32_t seed;

static uint32_t dice(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static struct text any_text(size_t most)
{
    uint8_t bytes[64];
    size_t n = dice((uint32_t)most + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(dice(3) ? 32 + dice(95) : dice(256));
    return build_text(&b, bytes, n);
}

static void any_dialogue(void)
{
    static const char *const words[] = {"STARTTLS", "XXXXXXXA", "XXXXXXXX", "SIZE 1",
                                        "TRANSFER", "8BITMIME", "99fo3WLa", "AUTH PLAIN",
                                        "        ", ""};
    build_new(&b);
    b.s.banner_code = dice(2) ? 220 : 0;
    b.s.banner = any_text(40);
    build_ehlo(&b, NULL);
    for (uint32_t n = dice(12); n > 0; n--) {
        const char *w = words[dice(10)];
        build_line(&b, w, strlen(w));
    }
    b.s.reading.ehlo = (enum ehlo_state)dice(EHLO_STATE_COUNT);
    b.s.reading.refused_code = (int16_t)dice(600);
    b.s.reading.refused_text = any_text(60);
    b.s.reading.upgrade_code = (int16_t)(dice(2) ? 220 : dice(600));
    b.s.reading.upgrade_text = any_text(60);
    b.s.hello = (enum hello_verb)dice(HELLO_VERB_COUNT);
    b.s.key.server_port = dice(2) ? 25 : 587;
    b.s.key.family = dice(2) ? 6 : 4;
}

static void any_facts(void)
{
    any_dialogue();
    b.s.upgrade = (enum upgrade_kind)dice(UPGRADE_KIND_COUNT);
    b.s.upgrade_accepted = dice(2);
    b.s.early_client = (enum byte_kind)dice(BYTE_KIND_COUNT);
    b.s.early_client_verb = any_text(8);
    b.s.early_server = (enum byte_kind)dice(BYTE_KIND_COUNT);
    b.s.early_server_text = any_text(40);
    b.s.client_after = (enum byte_kind)dice(BYTE_KIND_COUNT);
    b.s.server_after = (enum byte_kind)dice(BYTE_KIND_COUNT);
    b.s.ehlo_after = dice(2);
    b.s.tls_stage = (enum tls_stage)dice(TLS_STAGE_COUNT);
    b.s.tls_complete = dice(4) == 0;
    b.s.implicit_tls = dice(4) == 0;
    b.s.helo_accepted = dice(2);
    b.s.mails = dice(3);
    b.s.mail_commands = dice(3);
    b.s.mail_accepted = dice(3);
    b.s.mail_from = any_text(60);
    b.s.requiretls = dice(2);
    b.s.requiretls_accepted = dice(2);
    b.s.demand_code = dice(2) ? 530 : 0;
    b.s.demand_text = any_text(60);
    b.s.quit = dice(2);
    b.s.auth = (enum auth_state)dice(AUTH_STATE_COUNT);
    b.s.auth_mechanism = dice(2) ? build_text(&b, "PLAIN", 5) : any_text(20);
    b.s.auth_code = (int16_t)(dice(2) ? 235 : dice(600));
    b.s.unsolicited = dice(3);
    b.s.closed = (enum session_close)dice(SESSION_CLOSE_COUNT);
    b.s.odd_count = (uint8_t)dice(CAP_ODD_COMMANDS + 1);
    for (size_t i = 0; i < b.s.odd_count; i++) {
        struct odd_command *o = &b.s.odd[i];
        *o = (struct odd_command){.text = any_text(16), .reply_code = (int16_t)dice(600)};
        o->line_len = (uint16_t)(o->text.len + dice(2));
        o->word_len = (uint16_t)dice(o->text.len + 1u);
        o->before_hello = dice(2);
        o->follows_ehlo = dice(2);
    }
}

/* Each finding of any session is fit to be shown: in bounds, printable, rated within its rule. */
static void check_findings(void)
{
    assert_true(b.j.finding_count <= RULE_COUNT);
    for (size_t i = 0; i < b.j.finding_count; i++) {
        const struct finding *f = &b.j.finding[i];
        assert_true(f->severity <= rule_row(f->rule)->ceiling);
        assert_true(f->reason[0] != '\0' && f->next_step[0] != '\0');
        assert_true(f->line_count >= 1 && f->line_count <= 2);
        for (size_t k = 0; k < f->alternative_count; k++) {
            assert_int_not_equal(f->alternatives[k], f->cause);
            for (size_t n = 0; n < k; n++)
                assert_int_not_equal(f->alternatives[k], f->alternatives[n]);
        }
        for (const char *p = f->reason; *p; p++)
            assert_true((unsigned char)*p >= 32 && *p != 127);
        for (size_t k = 0; k < f->line_count; k++)
            for (const char *p = f->line[k].text; *p; p++)
                assert_true((unsigned char)*p >= 32 && *p != 127);
    }
}

static void any_session_is_judged(void **state)
{
    (void)state;
    for (seed = 1; seed < 20000; seed += 7) {
        uint32_t mark = seed;
        any_facts();
        for (int m = 0; m < SESSION_MILESTONE_COUNT; m++) {
            build_judge(&b, (enum session_milestone)m);
            check_findings();
        }
        seed = mark;
    }
}

/* A dialogue in good order that came to TLS is passed over, but for its banner. */
static void tls_hides_nothing_of_the_dialogue(void **state)
{
    (void)state;
    static const char *const banner[] = {POSTFIX, STARS};
    for (uint8_t masked = 0; masked < 2; masked++)
        for (uint8_t odd = 0; odd < 2; odd++) {
            build_new(&b);
            build_banner(&b, banner[masked]);
            build_ehlo(&b, OFFER);
            build_starttls(&b, 220, "220 ready");
            build_tls(&b);
            b.s.clear_in_tls[SESSION_TO_CLIENT] = odd;
            build_close(&b, SESSION_FIN);
            assert_int_equal(b.j.finding_count, masked + odd);
            if (odd)
                assert_int_equal(b.j.finding[0].rule, RULE_CLEARTEXT_AFTER_TLS);
            if (masked)
                assert_int_equal(b.j.finding[odd].rule, RULE_GREETING_MASKED);
            assert_int_equal(b.j.offered, OFFERED_YES);
            assert_int_equal(b.j.slot, 4);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_and_their_slot),
        cmocka_unit_test(tokens_as_received),
        cmocka_unit_test(the_strongest_comes_first),
        cmocka_unit_test(findings_stay_from_milestone_to_milestone),
        cmocka_unit_test(the_same_facts_give_the_same_judgement),
        cmocka_unit_test(a_client_only_capture_says_nothing_of_the_offer),
        cmocka_unit_test(an_empty_session),
        cmocka_unit_test(any_session_is_judged),
        cmocka_unit_test(tls_hides_nothing_of_the_dialogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
