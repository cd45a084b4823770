/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/finding.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Names and sids are promised to users: this list only grows. */
static const struct {
    const char *name;
    uint32_t sid;
} RELEASED[] = {
    {"starttls-removed", 1320700},
    {"starttls-garbled", 1320701},
    {"starttls-misplaced", 1320702},
    {"ehlo-refused", 1320703},
    {"ehlo-verb-garbled", 1320704},
    {"greeting-masked", 1320705},
    {"starttls-refused", 1320706},
    {"starttls-unanswered", 1320707},
    {"starttls-ignored", 1320708},
    {"starttls-command-garbled", 1320709},
    {"command-injection", 1320710},
    {"response-injection", 1320711},
    {"unsolicited-reply", 1320712},
    {"auth-in-clear", 1320713},
    {"requiretls-violated", 1320714},
    {"conflicting-segments", 1320715},
    {"forged-reset", 1320716},
    {"conflicting-handshake", 1320717},
    {"path-rewrites", 1320718},
    {"path-discontinuity", 1320719},
    {"reply-too-fast", 1320720},
    {"sts-offer-missing", 1320721},
    {"sts-cleartext", 1320722},
    {"sts-mx-mismatch", 1320723},
    {"preload-violated", 1320724},
    {"partner-violated", 1320725},
    {"dane-violated", 1320726},
    {"mx-spoofed", 1320727},
    {"sts-record-suppressed", 1320728},
    {"sts-record-invalid", 1320729},
    {"tlsa-stripped", 1320730},
    {"handshake-aborted", 1320731},
    {"cleartext-in-handshake", 1320732},
    {"cleartext-after-tls", 1320733},
    {"version-obsolete", 1320734},
    {"downgrade-sentinel", 1320735},
    {"cipher-weak", 1320736},
    {"key-exchange-weak", 1320737},
    {"fallback-scsv", 1320738},
    {"handshake-altered", 1320739},
    {"certificate-untrusted", 1320740},
    {"certificate-expired", 1320741},
    {"certificate-name-mismatch", 1320742},
    {"certificate-weak", 1320743},
    {"sts-certificate-invalid", 1320744},
    {"starttls-vanished", 1320745},
    {"path-stripped", 1320746},
    {"plaintext-fallback", 1320747},
    {"sender-stopped-upgrading", 1320748},
    {"delivery-held", 1320749},
    {"starttls-planted", 1320750},
    {"keyword-removed", 1320751},
    {"version-regressed", 1320752},
    {"certificate-changed", 1320753},
    {"server-stack-changed", 1320754},
    {"transparent-proxy", 1320755},
    {"mx-steered", 1320756},
    {"coverage-lost", 1320757},
    {"memory-stale", 1320758},
    {"sts-policy-unreachable", 1320759},
    {"sts-id-replayed", 1320760},
    {"sts-policy-weakened", 1320761},
};

static void names_and_sids_are_stable(void **state)
{
    (void)state;
    assert_int_equal(RULE_COUNT, sizeof(RELEASED) / sizeof(RELEASED[0]));
    for (size_t i = 0; i < RULE_COUNT; i++) {
        enum rule_id id = rule_by_name(RELEASED[i].name);
        assert_int_not_equal(id, RULE_COUNT);
        assert_int_equal(rule_row(id)->sid, RELEASED[i].sid);
    }
    assert_int_equal(rule_by_name("no-such-rule"), RULE_COUNT);
    assert_int_equal(rule_by_name(""), RULE_COUNT);
}

static void sids_are_unique(void **state)
{
    (void)state;
    for (enum rule_id a = 0; a < RULE_COUNT; a++)
        for (enum rule_id b = 0; b < a; b++) {
            assert_int_not_equal(rule_row(a)->sid, rule_row(b)->sid);
            assert_string_not_equal(rule_row(a)->name, rule_row(b)->name);
        }
}

static bool is_family(const char *family)
{
    static const char *const families[] = {"strip",   "refuse", "inject",   "auth",
                                           "promise", "forge",  "vantage",  "discovery",
                                           "tls",     "cert",   "fallback", "sensor"};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(families[i], family) == 0)
            return true;
    return false;
}

static void rows_are_whole(void **state)
{
    (void)state;
    for (enum rule_id id = 0; id < RULE_COUNT; id++) {
        const struct rule *r = rule_row(id);
        assert_true(is_family(r->family));
        assert_true(r->floor <= r->ceiling);
        assert_int_equal(r->mitre[0], 'T');
        assert_true(strlen(r->technique) > 0 && strlen(r->needs) > 0 && strlen(r->evidence) > 0);
        assert_true(strlen(r->title) > 0 && strlen(r->title) < 100);
        assert_true(strlen(r->what) > 0 && strlen(r->lookalikes) > 0);
        const char *hole = strstr(r->next_step, "%s");
        assert_non_null(hole);
        assert_null(strchr(hole + 1, '%'));
        assert_int_equal(strchr(r->next_step, '%') - r->next_step, hole - r->next_step);
    }
}

static void ceilings_of_the_rules(void **state)
{
    (void)state;
    assert_int_equal(rule_row(RULE_GREETING_MASKED)->ceiling, SEVERITY_INFO);
    assert_int_equal(rule_row(RULE_STARTTLS_MISPLACED)->ceiling, SEVERITY_INFO);
    assert_int_equal(rule_row(RULE_UNSOLICITED_REPLY)->ceiling, SEVERITY_INFO);
    assert_int_equal(rule_row(RULE_STARTTLS_UNANSWERED)->ceiling, SEVERITY_LOW);
    assert_true(rule_row(RULE_STARTTLS_REFUSED)->ceiling < SEVERITY_CRITICAL);
    assert_int_equal(rule_row(RULE_RESPONSE_INJECTION)->floor, SEVERITY_MEDIUM);
}

/* The words of docs/output.md. */
static void texts_as_the_output_spells_them(void **state)
{
    (void)state;
    assert_string_equal(severity_text(SEVERITY_INFO), "info");
    assert_string_equal(severity_text(SEVERITY_CRITICAL), "critical");
    assert_string_equal(confidence_text(CONFIDENCE_LOW), "low");
    assert_string_equal(confidence_text(CONFIDENCE_PROOF), "proof");
    assert_string_equal(cause_text(CAUSE_CISCO_ESMTP_INSPECTION), "cisco-esmtp-inspection");
    assert_string_equal(cause_text(CAUSE_SERVER_TLS_TROUBLE), "server-tls-trouble");
    assert_string_equal(cause_text(CAUSE_SCANNER_OR_PROBE), "scanner-or-probe");
    assert_string_equal(cause_text(CAUSE_UNKNOWN), "unknown");
    assert_string_equal(offered_text(OFFERED_UNKNOWN), "unknown");
    assert_string_equal(offered_text(OFFERED_CONFLICTING), "conflicting");
    assert_string_equal(verdict_text(VERDICT_OPPORTUNISTIC_CLEAR), "opportunistic-clear");
    assert_string_equal(verdict_text(VERDICT_FAILED), "failed");
    assert_string_equal(visibility_text(VISIBILITY_PARTIAL), "partial");
    assert_string_equal(handshake_text(HANDSHAKE_CLEARTEXT), "cleartext");
    for (int c = 0; c < CAUSE_COUNT; c++)
        assert_true(strlen(cause_text((enum cause)c)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_sids_are_stable),
        cmocka_unit_test(sids_are_unique),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(ceilings_of_the_rules),
        cmocka_unit_test(texts_as_the_output_spells_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
