/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/discovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct discovery d;
static struct discovery_report r;
static struct finding f;

static void judge_report(enum discovery_differs differs)
{
    r = (struct discovery_report){.differs = differs,
                                  .organization = "Elm",
                                  .id = "1",
                                  .begin = NS_PER_S,
                                  .end = 2 * NS_PER_S,
                                  .result = "starttls-not-supported",
                                  .tlsrpt = "starttls-not-supported",
                                  .mx = "mx1.alder.example",
                                  .sender = {4, {192, 0, 2, 10}},
                                  .receiver = {4, {198, 51, 100, 25}},
                                  .sessions = 3,
                                  .came = 5,
                                  .offered = 4,
                                  .unasked = r.unasked,
                                  .clear = r.clear};
    d = (struct discovery){.kind = DISCOVERY_REPORT, .own = true, .type = "", .report = &r};
    assert_true(domain_read(span_str("alder.example"), &d.domain));
    assert_true(discovery_judge(&d, &f));
}

static void says(const char *part)
{
    if (!strstr(f.reason, part))
        fail_msg("no '%s' in: %s", part, f.reason);
}

/* The matrix: E5 where nothing is known to have gone is medium. */
static void another_address_is_mx_spoofed(void **state)
{
    (void)state;
    r.clear = 0;
    judge_report(DISCOVERY_ELSEWHERE);
    assert_int_equal(f.rule, RULE_MX_SPOOFED);
    assert_int_equal(f.severity, SEVERITY_MEDIUM);
    assert_int_equal(f.evidence, EVIDENCE_E5);
    assert_int_equal(f.confidence, CONFIDENCE_MEDIUM);
    assert_string_equal(f.tlsrpt, "starttls-not-supported");
    says("Elm reports");
    says("for 3 sessions from 192.0.2.10 to mx1.alder.example (198.51.100.25)");
    says("none of our mail exchangers");
    assert_non_null(strstr(f.next_step, "alder.example"));
    judge_report(DISCOVERY_NEVER_HERE);
    assert_int_equal(f.rule, RULE_MX_SPOOFED);
    says("Nothing from there reached our border");
}

/* Mail in clear is critical by the matrix, and one step less by a stranger's word. */
static void what_we_offered_is_path_rewrites(void **state)
{
    (void)state;
    r.clear = 0;
    judge_report(DISCOVERY_OFFERED);
    assert_int_equal(f.rule, RULE_PATH_REWRITES);
    assert_int_equal(f.severity, SEVERITY_MEDIUM);
    assert_int_equal(f.evidence, EVIDENCE_E5);
    assert_int_equal(f.cause, CAUSE_ON_PATH_REWRITE);
    says("5 sessions");
    says("offered in 4 of them");
    says("They asked for it in each of these");
    assert_int_equal(f.confidence, CONFIDENCE_LOW);
    assert_non_null(strstr(f.next_step, "198.51.100.25:25"));
    r.unasked = 3;
    judge_report(DISCOVERY_OFFERED);
    says("In 3 they did not ask for it.");
    assert_int_equal(f.confidence, CONFIDENCE_MEDIUM);
    r.clear = 2;
    judge_report(DISCOVERY_OFFERED);
    assert_int_equal(f.severity, SEVERITY_HIGH);
    says("In 3 they did not ask for it, and in 2 of these sent mail in clear");
}

/* The next step is copied into a shell. */
static void a_name_that_is_none_enters_no_command(void **state)
{
    (void)state;
    judge_report(DISCOVERY_OFFERED);
    r.receiver.family = 0;
    assert_true(discovery_judge(&d, &f));
    assert_non_null(strstr(f.next_step, "-connect mx1.alder.example:25"));
    r.mx = "x;reboot";
    assert_true(discovery_judge(&d, &f));
    assert_null(strstr(f.next_step, "reboot"));
    assert_non_null(strstr(f.next_step, "-connect alder.example:25"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_address_is_mx_spoofed),
        cmocka_unit_test(what_we_offered_is_path_rewrites),
        cmocka_unit_test(a_name_that_is_none_enters_no_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
