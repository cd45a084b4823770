/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define POSTFIX  "220 mx1.alder.example ESMTP Postfix"
#define STARS    "220 ****************************************"
#define OFFER    "PIPELINING|SIZE 10240000|VRFY|ETRN|STARTTLS|ENHANCEDSTATUSCODES|8BITMIME|DSN"
#define NO_OFFER "PIPELINING|SIZE 10240000|VRFY|ETRN|ENHANCEDSTATUSCODES|8BITMIME|DSN"
#define MASKED   "PIPELINING|SIZE 10240000|VRFY|ETRN|XXXXXXXX|ENHANCEDSTATUSCODES|8BITMIME|DSN"
#define CISCO    "PIPELINING|SIZE 10240000|VRFY|ETRN|XXXXXXXA|ENHANCEDSTATUSCODES|8BITMIME|DSN"

static struct build b;

static const struct finding *closed(enum rule_id id)
{
    return build_find(build_close(&b, SESSION_FIN), id);
}

static void play(const char *banner, const char *keywords)
{
    build_new(&b);
    build_banner(&b, banner);
    build_ehlo(&b, keywords);
}

static void expect(const struct finding *f, enum severity severity, enum confidence confidence,
                   enum cause cause)
{
    assert_non_null(f);
    assert_string_equal(severity_text(f->severity), severity_text(severity));
    assert_string_equal(confidence_text(f->confidence), confidence_text(confidence));
    assert_string_equal(cause_text(f->cause), cause_text(cause));
    assert_true(strlen(f->reason) > 0);
    assert_non_null(strstr(f->next_step, "203.0.113.25:25"));
    assert_true(f->line_count > 0);
}

/* --- starttls-garbled --- */

static void garbled_with_each_effect(void **state)
{
    (void)state;
    play(POSTFIX, MASKED);
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_GARBLED);
    expect(f, SEVERITY_MEDIUM, CONFIDENCE_HIGH, CAUSE_ON_PATH_REWRITE);
    assert_string_equal(f->tlsrpt, "starttls-not-supported");
    assert_int_equal(f->dir, SESSION_TO_CLIENT);
    assert_int_equal(f->offset, b.s.reading.line[5].offset);
    assert_string_equal(f->line[0].text, "250-XXXXXXXX");
    assert_string_equal(f->line[0].note, "STARTTLS stands here in the layout of Postfix");
    assert_string_equal(f->line[1].text, "MAIL FROM:<*@sender.example>");
    assert_int_equal(f->line[1].offset, b.s.mail_offset);
    assert_non_null(strstr(f->reason, "XXXXXXXX"));
    assert_non_null(strstr(f->reason, "(8 bytes, line 6 of 9)"));
    assert_non_null(strstr(f->reason, "1 message of 375 bytes"));
    assert_non_null(strstr(f->reason, "1 domain."));

    play(POSTFIX, MASKED);
    build_quit(&b);
    expect(closed(RULE_STARTTLS_GARBLED), SEVERITY_LOW, CONFIDENCE_HIGH, CAUSE_ON_PATH_REWRITE);

    play(POSTFIX, MASKED);
    build_auth(&b, "LOGIN", 235);
    f = closed(RULE_STARTTLS_GARBLED);
    expect(f, SEVERITY_HIGH, CONFIDENCE_HIGH, CAUSE_ON_PATH_REWRITE);
    assert_string_equal(f->line[1].text, "AUTH LOGIN");

    play(POSTFIX, MASKED);
    build_starttls(&b, 220, "220 ready");
    build_tls(&b);
    f = closed(RULE_STARTTLS_GARBLED);
    expect(f, SEVERITY_LOW, CONFIDENCE_HIGH, CAUSE_ON_PATH_REWRITE);
    assert_null(f->tlsrpt);
}

static void garbled_by_cisco_has_an_innocent_name(void **state)
{
    (void)state;
    play(STARS, CISCO);
    build_mail(&b);
    expect(closed(RULE_STARTTLS_GARBLED), SEVERITY_LOW, CONFIDENCE_HIGH,
           CAUSE_CISCO_ESMTP_INSPECTION);
    play(STARS, CISCO);
    build_auth(&b, "PLAIN", 235);
    expect(closed(RULE_STARTTLS_GARBLED), SEVERITY_MEDIUM, CONFIDENCE_HIGH,
           CAUSE_CISCO_ESMTP_INSPECTION);
    play(STARS, CISCO);
    build_quit(&b);
    expect(closed(RULE_STARTTLS_GARBLED), SEVERITY_LOW, CONFIDENCE_HIGH,
           CAUSE_CISCO_ESMTP_INSPECTION);
    play(STARS, CISCO);
    expect(closed(RULE_STARTTLS_GARBLED), SEVERITY_INFO, CONFIDENCE_HIGH,
           CAUSE_CISCO_ESMTP_INSPECTION);
    play("220 mx", "8BITMIME|SIZE 14680064|XXXXXXXA");
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_GARBLED);
    expect(f, SEVERITY_LOW, CONFIDENCE_LOW, CAUSE_CISCO_ESMTP_INSPECTION);
    assert_non_null(strstr(f->reason, "CHUNKING"));
    assert_string_equal(f->line[0].text, "250 XXXXXXXA");
}

/* The fact is sure for masks, near misses and the slot; words are a guess. */
static void garbled_confidence(void **state)
{
    (void)state;
    static const struct {
        const char *keywords;
        enum confidence confidence;
    } cases[] = {
        {"SIZE 1|8BITMIME|STARTFOO|HELP", CONFIDENCE_HIGH},
        {"SIZE 1|CHUNKING|SMTPUTF8|XXXXXXXX|HELP", CONFIDENCE_HIGH},
        {"SIZE 1|8BITMIME|TI*h&C7}|HELP", CONFIDENCE_MEDIUM},
        {"SIZE 1|8BITMIME|99fo3WLa|HELP", CONFIDENCE_MEDIUM},
        {"PIPELINING|SIZE 1|VRFY|ETRN|99fo3WLa|ENHANCEDSTATUSCODES|8BITMIME|DSN", CONFIDENCE_HIGH},
        {"PIPELINING|SIZE 1|VRFY|ETRN|TRANSFER|ENHANCEDSTATUSCODES|8BITMIME|DSN",
         CONFIDENCE_MEDIUM},
        {"SIZE 1|TI*h&C7}|5^75&}yx|HELP", CONFIDENCE_LOW},
        {"SIZE 1|8BITMIME|XXXXXXXX|HELP", CONFIDENCE_LOW},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        play("220 mx ready", cases[i].keywords);
        build_mail(&b);
        expect(closed(RULE_STARTTLS_GARBLED), SEVERITY_MEDIUM, cases[i].confidence,
               CAUSE_ON_PATH_REWRITE);
    }
}

/* Not seen is not absent. */
static void garbled_needs_the_whole_reply(void **state)
{
    (void)state;
    static const enum ehlo_state states[] = {EHLO_NONE, EHLO_GAP, EHLO_CUT};
    for (size_t i = 0; i < 3; i++) {
        play(POSTFIX, MASKED);
        build_mail(&b);
        b.s.reading.ehlo = states[i];
        assert_null(closed(RULE_STARTTLS_GARBLED));
        assert_int_equal(b.j.offered, OFFERED_UNKNOWN);
    }
    play(POSTFIX, MASKED);
    b.s.reading.lines_capped = true;
    assert_null(closed(RULE_STARTTLS_GARBLED));
    play(POSTFIX, MASKED);
    b.s.implicit_tls = true;
    assert_null(closed(RULE_STARTTLS_GARBLED));
}

static void the_greeting_line_is_never_judged(void **state)
{
    (void)state;
    build_new(&b);
    build_banner(&b, POSTFIX);
    build_reply(&b, "XXXXXXXX|SIZE 1|8BITMIME");
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_GARBLED));
    assert_int_equal(b.j.offered, OFFERED_NO);
}

/* An offer next to masked lines is an offer. */
static void masked_lines_beside_an_offer(void **state)
{
    (void)state;
    play(STARS, "STARTTLS|PIPELINING|8BITMIME|XXXXXXXA|XXXB");
    build_mail(&b);
    assert_null(closed(RULE_STARTTLS_GARBLED));
    assert_int_equal(b.j.offered, OFFERED_YES);
}

/* --- the case of the offer --- */

static void an_offer_in_a_case_of_its_own(void **state)
{
    (void)state;
    const char *lower = "PIPELINING|SIZE 1|VRFY|ETRN|starttls|8BITMIME|DSN";
    play(POSTFIX, lower);
    build_mail(&b);
    expect(closed(RULE_STARTTLS_GARBLED), SEVERITY_LOW, CONFIDENCE_LOW, CAUSE_UNKNOWN);
    assert_int_equal(b.j.offered, OFFERED_YES);
    /* The client knew it. */
    play(POSTFIX, lower);
    build_starttls(&b, 220, "220 ready");
    build_tls(&b);
    assert_null(closed(RULE_STARTTLS_GARBLED));
    /* It may still ask. */
    play(POSTFIX, lower);
    assert_null(build_find(build_judge(&b, SESSION_EHLO_DONE), RULE_STARTTLS_GARBLED));
    /* Whether it asked was not seen. */
    play(POSTFIX, lower);
    build_only(&b, SESSION_TO_CLIENT);
    assert_null(closed(RULE_STARTTLS_GARBLED));
}

static void lower_case_replies_are_innocent(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "size|8bitmime|starttls|pipelining", "SIZE|8bitmime|starttls|PIPELINING",
        "size|8bitmime|STARTTLS|pipelining", OFFER, "SIZE|8BITMIME|starttls"};
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        play(POSTFIX, replies[i]);
        build_mail(&b);
        assert_null(closed(RULE_STARTTLS_GARBLED));
        assert_int_equal(b.j.offered, OFFERED_YES);
    }
}

/* --- starttls-removed --- */

static void demand(const char *text)
{
    b.s.demand_code = 530;
    b.s.demand_text = build_text(&b, text, strlen(text));
    b.s.demand_offset = build_step(&b, SESSION_TO_CLIENT, strlen(text));
}

static void removed_but_demanded(void **state)
{
    (void)state;
    play(POSTFIX, NO_OFFER);
    demand("530 5.7.0 Must issue a STARTTLS command first");
    build_quit(&b);
    const struct finding *f = closed(RULE_STARTTLS_REMOVED);
    expect(f, SEVERITY_LOW, CONFIDENCE_MEDIUM, CAUSE_UNKNOWN);
    assert_int_equal(f->offset, b.s.reading.ehlo_offset);
    assert_string_equal(f->line[0].text, "250 DSN");
    assert_string_equal(f->line[1].text, "530 5.7.0 Must issue a STARTTLS command first");
    play(POSTFIX, NO_OFFER);
    demand("530 5.7.0 Must issue a STARTTLS command first");
    build_mail(&b);
    expect(closed(RULE_STARTTLS_REMOVED), SEVERITY_MEDIUM, CONFIDENCE_MEDIUM, CAUSE_UNKNOWN);
}

static void removed_but_accepted(void **state)
{
    (void)state;
    play(POSTFIX, NO_OFFER);
    build_starttls(&b, 220, "220 2.0.0 Ready to start TLS");
    build_tls(&b);
    const struct finding *f = closed(RULE_STARTTLS_REMOVED);
    expect(f, SEVERITY_INFO, CONFIDENCE_LOW, CAUSE_FARM_MEMBER_WITHOUT_TLS);
    assert_null(f->tlsrpt);
}

static void never_removed_from_absence_alone(void **state)
{
    (void)state;
    play(POSTFIX, NO_OFFER);
    build_mail(&b);
    assert_int_equal(build_close(&b, SESSION_FIN)->finding_count, 0);
    assert_int_equal(b.j.offered, OFFERED_NO);
    /* A demand when the offer stands, is garbled, or was not seen whole, contradicts nothing. */
    play(POSTFIX, OFFER);
    demand("530 Must issue a STARTTLS command first");
    assert_null(closed(RULE_STARTTLS_REMOVED));
    play(POSTFIX, MASKED);
    demand("530 Must issue a STARTTLS command first");
    assert_null(closed(RULE_STARTTLS_REMOVED));
    play(POSTFIX, NO_OFFER);
    demand("530 Must issue a STARTTLS command first");
    b.s.reading.ehlo = EHLO_GAP;
    assert_null(closed(RULE_STARTTLS_REMOVED));
    /* Exchange has an upgrade of its own. */
    play("220 mail Microsoft ESMTP MAIL Service", "SIZE 1|X-ANONYMOUSTLS|8BITMIME");
    build_starttls(&b, 220, "220 2.0.0 SMTP server ready");
    b.s.upgrade = UPGRADE_ANONYMOUSTLS;
    build_tls(&b);
    assert_null(closed(RULE_STARTTLS_REMOVED));
}

/* --- starttls-misplaced --- */

static void misplaced(void **state)
{
    (void)state;
    build_new(&b);
    build_banner(&b, "220 mail.example ESMTP Service ready");
    build_reply(&b, "STARTTLS|mail.example|8BITMIME|PIPELINING|HELP|DELIVERBY 300|SIZE 30000000");
    build_mail(&b);
    const struct finding *f = closed(RULE_STARTTLS_MISPLACED);
    expect(f, SEVERITY_INFO, CONFIDENCE_HIGH, CAUSE_DOMAIN_MISCONFIGURED);
    assert_string_equal(f->line[0].text, "250-STARTTLS");
    assert_int_equal(b.j.offered, OFFERED_NO);
    assert_int_equal(b.j.slot, -1);
    build_new(&b);
    build_reply(&b, "STARTTLS|SIZE 1|STARTTLS");
    assert_null(closed(RULE_STARTTLS_MISPLACED));
    build_new(&b);
    build_reply(&b, "starttls.example|SIZE 1");
    assert_null(closed(RULE_STARTTLS_MISPLACED));
}

/* --- ehlo-refused --- */

static void refuse_ehlo(const char *banner, const char *reply, int code)
{
    build_new(&b);
    build_banner(&b, banner);
    build_ehlo_refused(&b, reply, code);
}

static void ehlo_refused(void **state)
{
    (void)state;
    static const int codes[] = {500, 501, 502, 504, 550, 454, 220, 354};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        refuse_ehlo(POSTFIX, "502 5.5.2 Error: command not recognized", codes[i]);
        build_helo(&b);
        build_mail(&b);
        expect(closed(RULE_EHLO_REFUSED), SEVERITY_MEDIUM, CONFIDENCE_MEDIUM, CAUSE_UNKNOWN);
    }
    const struct finding *f = build_find(&b.j, RULE_EHLO_REFUSED);
    assert_int_equal(f->offset, b.s.reading.refused_offset);
    assert_string_equal(f->line[0].text, "502 5.5.2 Error: command not recognized");
}

static void servers_older_than_esmtp(void **state)
{
    (void)state;
    refuse_ehlo("220 old.example Sendmail 5.65 ready", "500 Command unrecognized", 500);
    build_helo(&b);
    build_mail(&b);
    expect(closed(RULE_EHLO_REFUSED), SEVERITY_INFO, CONFIDENCE_LOW, CAUSE_UNKNOWN);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
}

static void refusals_that_are_none(void **state)
{
    (void)state;
    refuse_ehlo(POSTFIX, "421 4.7.0 too many connections", 421);
    build_helo(&b);
    build_mail(&b);
    assert_null(closed(RULE_EHLO_REFUSED));
    /* Corrected and accepted. */
    refuse_ehlo(POSTFIX, "501 Syntactically invalid EHLO argument", 501);
    build_ehlo(&b, OFFER);
    build_mail(&b);
    assert_null(closed(RULE_EHLO_REFUSED));
    /* The client gave up. */
    refuse_ehlo(POSTFIX, "554 5.7.1 access denied", 554);
    build_quit(&b);
    assert_null(closed(RULE_EHLO_REFUSED));
    /* HELO from the start. */
    build_new(&b);
    build_banner(&b, POSTFIX);
    build_helo(&b);
    build_mail(&b);
    assert_int_equal(build_close(&b, SESSION_FIN)->finding_count, 0);
}

/* --- ehlo-verb-garbled --- */

static void ehlo_verb_garbled(void **state)
{
    (void)state;
    static const char *const words[] = {
        "XXXX out1.example", "xxxx out1.example", "XHLO out1", "EHLX", "EH\xC5O x", "****"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        build_new(&b);
        build_banner(&b, POSTFIX);
        struct odd_command *odd = build_odd(&b, words[i], 500);
        build_helo(&b);
        build_mail(&b);
        const struct finding *f = closed(RULE_EHLO_VERB_GARBLED);
        expect(f, SEVERITY_MEDIUM, CONFIDENCE_MEDIUM, CAUSE_ON_PATH_REWRITE);
        assert_int_equal(f->dir, SESSION_TO_SERVER);
        assert_int_equal(f->offset, odd->offset);
        assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
    }
}

static void verbs_that_are_no_ehlo(void **state)
{
    (void)state;
    static const char *const words[] = {"HELO x", "LHLO x",  "HELP",           "HOLA x", "XXXXX x",
                                        "XXX x",  "EHLOO x", "GET / HTTP/1.1", "QUIX"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        build_new(&b);
        build_odd(&b, words[i], 500);
        build_helo(&b);
        build_mail(&b);
        assert_null(closed(RULE_EHLO_VERB_GARBLED));
    }
    build_new(&b);
    build_odd(&b, "XXXX out1", 250);
    build_mail(&b);
    assert_null(closed(RULE_EHLO_VERB_GARBLED));
    play(POSTFIX, OFFER);
    build_odd(&b, "XXXX out1", 500);
    build_mail(&b);
    assert_null(closed(RULE_EHLO_VERB_GARBLED));
    /* A scanner that delivers nothing. */
    build_new(&b);
    build_odd(&b, "XXXX out1", 500);
    build_quit(&b);
    expect(closed(RULE_EHLO_VERB_GARBLED), SEVERITY_INFO, CONFIDENCE_MEDIUM,
           CAUSE_SCANNER_OR_PROBE);
}

/* --- greeting-masked --- */

static void greeting_masked(void **state)
{
    (void)state;
    static const char *const masked[] = {
        "220 ************************************",
        "220 *************************2******200**0*",
        "220-***** ***** ** *******",
        "220 **",
    };
    static const char *const legible[] = {
        POSTFIX,
        "220 ****************.com ESMTP Postfix",
        "220 ",
        "220",
        "220 *",
        "220 2020",
        "220 XXX-XXXXXXXXXXXXXX.com Microsoft ESMTP MAIL Service ready"};
    for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++) {
        build_new(&b);
        build_banner(&b, masked[i]);
        build_helo(&b);
        build_mail(&b);
        const struct finding *f = closed(RULE_GREETING_MASKED);
        expect(f, SEVERITY_INFO, CONFIDENCE_HIGH, CAUSE_CISCO_ESMTP_INSPECTION);
        assert_true(f && strstr(f->reason, "HELO"));
    }
    for (size_t i = 0; i < sizeof(legible) / sizeof(legible[0]); i++) {
        play(legible[i], OFFER);
        assert_null(closed(RULE_GREETING_MASKED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbled_with_each_effect),
        cmocka_unit_test(garbled_by_cisco_has_an_innocent_name),
        cmocka_unit_test(garbled_confidence),
        cmocka_unit_test(garbled_needs_the_whole_reply),
        cmocka_unit_test(the_greeting_line_is_never_judged),
        cmocka_unit_test(masked_lines_beside_an_offer),
        cmocka_unit_test(an_offer_in_a_case_of_its_own),
        cmocka_unit_test(lower_case_replies_are_innocent),
        cmocka_unit_test(removed_but_demanded),
        cmocka_unit_test(removed_but_accepted),
        cmocka_unit_test(never_removed_from_absence_alone),
        cmocka_unit_test(misplaced),
        cmocka_unit_test(ehlo_refused),
        cmocka_unit_test(servers_older_than_esmtp),
        cmocka_unit_test(refusals_that_are_none),
        cmocka_unit_test(ehlo_verb_garbled),
        cmocka_unit_test(verbs_that_are_no_ehlo),
        cmocka_unit_test(greeting_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
