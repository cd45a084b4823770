/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/raise.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;

static struct finding *begin(enum rule_id id)
{
    struct view v = view_of(&b.s, SESSION_CLOSED, NULL);
    memset(&b.j, 0, sizeof(b.j));
    return raise_finding(&b.j, &v, id, SESSION_TO_CLIENT, 77);
}

static void a_new_finding(void **state)
{
    (void)state;
    build_new(&b);
    struct finding *f = begin(RULE_STARTTLS_GARBLED);
    assert_int_equal(b.j.finding_count, 1);
    assert_ptr_equal(f, &b.j.finding[0]);
    assert_int_equal(f->rule, RULE_STARTTLS_GARBLED);
    assert_int_equal(f->offset, 77);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_UNKNOWN);
    assert_true(strlen(f->next_step) > 0);
}

static void rated_within_the_row(void **state)
{
    (void)state;
    build_new(&b);
    struct finding *f = begin(RULE_STARTTLS_GARBLED);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_MAIL);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(f->evidence, EVIDENCE_E1);
    assert_int_equal(f->effect, EFFECT_MAIL);
    raise_cap(f, SEVERITY_LOW);
    assert_int_equal(f->severity, SEVERITY_LOW);
    raise_cap(f, SEVERITY_HIGH);
    assert_int_equal(f->severity, SEVERITY_LOW);
    f = begin(RULE_GREETING_MASKED);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_LOGIN);
    assert_int_equal(f->severity, SEVERITY_INFO);
    f = begin(RULE_RESPONSE_INJECTION);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_NOTHING);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    f = begin(RULE_REQUIRETLS_VIOLATED);
    raise_rate(f, SEVERITY_ROW_E3, EFFECT_LOGIN);
    assert_int_equal(f->severity, SEVERITY_CRITICAL);
    assert_int_equal(f->evidence, EVIDENCE_E3);
}

static void causes_compete(void **state)
{
    (void)state;
    build_new(&b);
    struct finding *f = begin(RULE_STARTTLS_GARBLED);
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    assert_int_equal(f->alternative_count, 0);
    raise_alternative(f, CAUSE_TRANSPARENT_PROXY);
    raise_alternative(f, CAUSE_TRANSPARENT_PROXY);
    raise_alternative(f, CAUSE_PER_CLIENT_POLICY);
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_CAPTURE_ARTEFACT);
    raise_alternative(f, CAUSE_SCANNER_OR_PROBE);
    assert_int_equal(f->alternative_count, 4);
    assert_int_equal(f->alternatives[3], CAUSE_CAPTURE_ARTEFACT);
}

static void probes_stay_info(void **state)
{
    (void)state;
    build_new(&b);
    struct finding *f = begin(RULE_COMMAND_INJECTION);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_NOTHING);
    struct view v = view_of(&b.s, SESSION_CLOSED, NULL);
    raise_unless_probe(f, &v);
    assert_int_equal(f->severity, SEVERITY_INFO);
    assert_int_equal(f->cause, CAUSE_SCANNER_OR_PROBE);
    build_mail(&b);
    f = begin(RULE_COMMAND_INJECTION);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_MAIL);
    v = view_of(&b.s, SESSION_CLOSED, NULL);
    raise_unless_probe(f, &v);
    assert_int_equal(f->severity, SEVERITY_MEDIUM);
    assert_int_equal(f->cause, CAUSE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_finding),
        cmocka_unit_test(rated_within_the_row),
        cmocka_unit_test(causes_compete),
        cmocka_unit_test(probes_stay_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
