/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/families.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;

static void play(bool accepted)
{
    build_new(&b);
    build_banner(&b, "220 mx ESMTP");
    build_ehlo(&b, "SIZE 1|8BITMIME");
    b.s.requiretls = true;
    b.s.requiretls_accepted = accepted;
    b.s.requiretls_offset = b.at[SESSION_TO_SERVER];
}

static const struct finding *closed(void)
{
    return build_find(build_close(&b, SESSION_FIN), RULE_REQUIRETLS_VIOLATED);
}

static void accepted_and_sent(void **state)
{
    (void)state;
    play(true);
    build_mail(&b);
    const struct finding *f = closed();
    assert_non_null(f);
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->evidence, EVIDENCE_E3);
    assert_int_equal(f->dir, SESSION_TO_SERVER);
    assert_int_equal(f->offset, b.s.requiretls_offset);
    assert_null(f->tlsrpt);
    assert_int_equal(b.j.verdict, VERDICT_EXPOSED);
}

static void accepted_before_the_text_went(void **state)
{
    (void)state;
    play(true);
    b.s.mail_commands = b.s.mail_accepted = 1;
    assert_int_equal(closed()->severity, SEVERITY_MEDIUM);
}

static void refused_is_right(void **state)
{
    (void)state;
    play(false);
    assert_int_equal(closed()->severity, SEVERITY_INFO);
    play(false);
    build_mail(&b); /* without REQUIRETLS, after the refusal */
    assert_int_equal(closed()->severity, SEVERITY_INFO);
    assert_int_equal(b.j.verdict, VERDICT_OPPORTUNISTIC_CLEAR);
}

static void without_requiretls(void **state)
{
    (void)state;
    play(false);
    b.s.requiretls = false;
    build_mail(&b);
    assert_null(closed());
}

/* With tampering in the same session the tampering is the verdict. */
static void tampering_comes_first(void **state)
{
    (void)state;
    build_new(&b);
    build_ehlo(&b, "SIZE 1|8BITMIME|STARTFOO");
    b.s.requiretls = b.s.requiretls_accepted = true;
    build_mail(&b);
    assert_non_null(closed());
    assert_int_equal(b.j.verdict, VERDICT_DOWNGRADED);
}

static void inside_a_decrypted_mirror(void **state)
{
    (void)state;
    play(true);
    build_starttls(&b, 220, "220 go");
    b.s.client_after = b.s.server_after = BYTES_CLEAR;
    b.s.ehlo_after = true;
    build_mail(&b);
    const struct finding *f = closed();
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_CAPTURE_ARTEFACT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_and_sent),     cmocka_unit_test(accepted_before_the_text_went),
        cmocka_unit_test(refused_is_right),      cmocka_unit_test(without_requiretls),
        cmocka_unit_test(tampering_comes_first), cmocka_unit_test(inside_a_decrypted_mirror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
