/* SPDX-License-Identifier: Apache-2.0 */
#include "history/baseline.h"
#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REPLY "SIZE|8BITMIME"

static struct build b;
static struct baseline usual;
static struct steering steering;

/* The better one of 198.51.100.7 came to TLS in 24 of 24 sessions, in eight with this client. */
static void steer(void)
{
    build_new(&b);
    usual = (struct baseline){.knock_count = 1};
    usual.knock[0] = (struct usual_knock){
        .server = {198, 51, 100, 7},
        .time = NS_PER_S,
        .upgrade = {.of = 24, .did = 24, .days = 3, .pair = 8, .support = SUPPORT_WELL}};
    steering = (struct steering){.knock = &usual.knock[0],
                                 .domain = {.n = 9, .text = "rcpt.test"},
                                 .better = {.n = 8, .text = "mx1.test"},
                                 .better_preference = 10,
                                 .preference = 20};
    b.usual = &usual;
    b.steering = &steering;
    b.s.first = 31 * NS_PER_S;
    b.s.now = 40 * NS_PER_S;
    build_banner(&b, "220 mx ESMTP");
    build_ehlo(&b, REPLY);
}

static const struct finding *closed(void)
{
    return build_find(build_close(&b, SESSION_FIN), RULE_MX_STEERED);
}

static const struct finding *steered(void)
{
    build_mail(&b);
    return closed();
}

static void mail_in_clear_to_a_lower_one(void **state)
{
    (void)state;
    steer();
    const struct finding *f = steered();
    assert_int_equal(f->severity, SEVERITY_LOW); /* however well it is known */
    assert_int_equal(f->evidence, EVIDENCE_E2);
    assert_int_equal(f->cause, CAUSE_UNKNOWN);
    assert_non_null(strstr(f->reason, "The client tried 198.51.100.7, the better mail exchanger of "
                                      "rcpt.test (mx1.test, preference 10), and got no answer 30 s "
                                      "before; then it came to this one (preference 20)"));
    assert_non_null(strstr(f->reason, "TLS came about in 24 of 24 sessions with that one over 3 "
                                      "days."));
    steer();
    usual.knock[0].refused = true;
    assert_non_null(strstr(steered()->reason, "and was refused 30 s before"));
}

static void it_is_down_for_others_too(void **state)
{
    (void)state;
    steer();
    usual.knock[0].others = 1;
    const struct finding *f = steered();
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_SERVER_TLS_TROUBLE);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    steer();
    usual.knock[0].upgrade = (struct usual){.support = SUPPORT_NONE}; /* nolisting */
    assert_null(steered());
    steer();
    usual.knock[0].upgrade.pair = 0; /* others took TLS there; this one takes it nowhere */
    assert_null(steered());
    steer();
    usual.knock[0].upgrade.pair = 0;
    usual.sender_upgrade.support = SUPPORT_THIN; /* it does elsewhere */
    assert_non_null(steered());
}

static void nothing_went_in_clear(void **state)
{
    (void)state;
    steer();
    build_quit(&b);
    assert_null(closed());
    steer();
    b.steering = NULL;
    assert_null(steered());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_in_clear_to_a_lower_one),
        cmocka_unit_test(it_is_down_for_others_too),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(nothing_went_in_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
