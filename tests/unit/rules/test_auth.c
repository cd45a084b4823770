/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OFFER    "PIPELINING|SIZE 1|STARTTLS|AUTH PLAIN LOGIN|8BITMIME"
#define BARE     "PIPELINING|SIZE 1|AUTH PLAIN LOGIN|8BITMIME"
#define BARE_OLD "PIPELINING|SIZE 1|AUTH=PLAIN LOGIN|8BITMIME"
#define NO_AUTH  "PIPELINING|SIZE 1|8BITMIME"

static struct build b;

static void play(uint16_t port, const char *keywords)
{
    build_new(&b);
    b.s.key.server_port = port;
    build_banner(&b, "220 mail.example ESMTP");
    build_ehlo(&b, keywords);
}

static const struct finding *closed(void)
{
    return build_find(build_close(&b, SESSION_FIN), RULE_AUTH_IN_CLEAR);
}

/* PLAIN, LOGIN and the token mechanisms show the secret; challenges do not. */
static const struct {
    const char *mechanism;
    int code;
    enum severity severity;
} LOGINS[] = {
    {"PLAIN", 235, SEVERITY_HIGH},        {"LOGIN", 235, SEVERITY_HIGH},
    {"XOAUTH2", 235, SEVERITY_HIGH},      {"OAUTHBEARER", 235, SEVERITY_HIGH},
    {"CRAM-MD5", 235, SEVERITY_LOW},      {"DIGEST-MD5", 235, SEVERITY_LOW},
    {"NTLM", 235, SEVERITY_LOW},          {"GSSAPI", 235, SEVERITY_LOW},
    {"SCRAM-SHA-256", 235, SEVERITY_LOW}, {"PLAIN", 535, SEVERITY_INFO},
    {"LOGIN", 454, SEVERITY_INFO},        {"CRAM-MD5", 535, SEVERITY_INFO},
    {"PLAIN", 0, SEVERITY_LOW},
};

/* The tap lost the command: by what mechanism it was is not known, and nobody shows one. */
static void login_whose_command_was_lost(void **state)
{
    (void)state;
    play(25, OFFER);
    b.s.auth = AUTH_ACCEPTED;
    b.s.auth_code = 235;
    b.s.auth_reply_offset = build_step(&b, SESSION_TO_CLIENT, 30);
    assert_false(judge_calm(&b.s));
    const struct finding *f = closed();
    assert_non_null(f);
    assert_int_equal(f->severity, SEVERITY_LOW);
    assert_int_equal(f->dir, SESSION_TO_CLIENT);
    assert_int_equal(f->offset, b.s.auth_reply_offset);
    assert_int_equal(f->line_count, 1);
    assert_string_equal(f->line[0].text, "235");
    assert_string_equal(f->reason,
                        "A login was accepted in clear (235); its command was not seen.");
}

static void logins_by_mechanism_and_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(LOGINS) / sizeof(LOGINS[0]); i++) {
        play(25, OFFER);
        build_auth(&b, LOGINS[i].mechanism, LOGINS[i].code);
        const struct finding *f = closed();
        assert_non_null(f);
        assert_int_equal(f->severity, LOGINS[i].severity);
        assert_int_equal(f->dir, SESSION_TO_SERVER);
        assert_int_equal(f->offset, b.s.auth_offset);
        assert_non_null(strstr(f->reason, LOGINS[i].mechanism));
        assert_memory_equal(f->line[0].text, "AUTH ", 5);
    }
}

static void an_accepted_login_is_an_effect(void **state)
{
    (void)state;
    play(25, OFFER);
    build_auth(&b, "PLAIN", 235);
    assert_int_equal(closed()->effect, EFFECT_LOGIN);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
}

/* The outcome may still come. */
static void a_login_under_way_is_not_judged_yet(void **state)
{
    (void)state;
    play(25, OFFER);
    build_auth(&b, "PLAIN", 0);
    const struct judgement *j = build_judge(&b, SESSION_UPGRADE_DECIDED);
    assert_int_equal(build_find(j, RULE_AUTH_IN_CLEAR)->severity, SEVERITY_INFO);
    build_only(&b, SESSION_TO_SERVER);
    b.s.reading.ehlo = EHLO_NONE;
    j = build_judge(&b, SESSION_UPGRADE_DECIDED);
    assert_int_equal(build_find(j, RULE_AUTH_IN_CLEAR)->severity, SEVERITY_LOW);
}

static void submission_ports_without_starttls(void **state)
{
    (void)state;
    static const uint16_t ports[] = {587, 2525};
    static const char *const replies[] = {BARE, BARE_OLD};
    for (size_t i = 0; i < 2; i++) {
        play(ports[i], replies[i]);
        const struct finding *f = closed();
        assert_non_null(f);
        assert_int_equal(f->severity, SEVERITY_MEDIUM);
        assert_int_equal(f->dir, SESSION_TO_CLIENT);
        assert_int_equal(f->offset, b.s.reading.line[3].offset);
        build_auth(&b, "PLAIN", 535);
        f = closed();
        assert_int_equal(f->severity, SEVERITY_MEDIUM);
        assert_int_equal(f->offset, b.s.reading.line[3].offset);
    }
    play(587, BARE);
    build_auth(&b, "PLAIN", 235);
    assert_int_equal(closed()->severity, SEVERITY_HIGH);
}

static void offers_that_are_in_order(void **state)
{
    (void)state;
    play(587, OFFER);
    assert_null(closed());
    play(587, NO_AUTH);
    assert_null(closed());
    play(25, BARE);
    assert_null(closed());
    play(587, BARE);
    b.s.reading.ehlo = EHLO_CUT;
    assert_null(closed());
    play(587, "SIZE 1|AUTHENTIC|X-AUTH PLAIN");
    assert_null(closed());
}

static void clear_text_on_465(void **state)
{
    (void)state;
    play(465, BARE);
    b.s.implicit_tls = true;
    assert_int_equal(closed()->severity, SEVERITY_MEDIUM);
    play(465, OFFER);
    b.s.implicit_tls = true;
    build_auth(&b, "LOGIN", 235);
    assert_int_equal(closed()->severity, SEVERITY_HIGH);
    build_new(&b);
    b.s.key.server_port = 465;
    b.s.implicit_tls = true;
    build_tls(&b);
    assert_null(closed());
    assert_int_equal(b.j.verdict, VERDICT_ENCRYPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_by_mechanism_and_outcome),
        cmocka_unit_test(login_whose_command_was_lost),
        cmocka_unit_test(an_accepted_login_is_an_effect),
        cmocka_unit_test(a_login_under_way_is_not_judged_yet),
        cmocka_unit_test(submission_ports_without_starttls),
        cmocka_unit_test(offers_that_are_in_order),
        cmocka_unit_test(clear_text_on_465),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
