/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/discovery.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct discovery d;
static struct finding f;

static struct domain dom(const char *name)
{
    struct domain to;
    assert_true(domain_read(span_str(name), &to));
    return to;
}

static void begin(enum discovery_kind kind, enum discovery_answer answer)
{
    d = (struct discovery){.kind = kind,
                           .answer = answer,
                           .key = {.family = 4,
                                   .client = {192, 0, 2, 10},
                                   .server = {198, 51, 100, 53},
                                   .client_port = 40053,
                                   .server_port = 53},
                           .id = 7,
                           .time = NS_PER_S,
                           .type = "MX",
                           .domain = dom("rcpt.test"),
                           .host = dom("mx.evil.test")};
}

static void promise(enum sts_mode mode, bool strict, bool later)
{
    d.promised = true;
    d.promise = (struct expectation){.source = EXPECTATION_MTA_STS,
                                     .mode = mode,
                                     .strict = strict,
                                     .fetched_later = later,
                                     .domain = dom("rcpt.test"),
                                     .match = MX_MATCH_NONE,
                                     .from = INT64_MIN,
                                     .until = INT64_MAX};
}

static enum severity severity(void)
{
    assert_true(discovery_judge(&d, &f));
    return f.severity;
}

/* RULES.md's matrix: E3 with nothing sent is medium; one step down each, at least low. */
static void what_a_promise_weighs(void **state)
{
    (void)state;
    begin(DISCOVERY_MX, DISCOVERY_RECORDS);
    promise(STS_MODE_ENFORCE, true, false);
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    assert_int_equal(f.rule, RULE_MX_SPOOFED);
    assert_int_equal(f.evidence, EVIDENCE_E3);
    assert_int_equal(f.effect, EFFECT_NOTHING);
    assert_int_equal(f.offset, 7);
    assert_int_equal(f.dir, SESSION_TO_CLIENT);
    assert_non_null(strstr(f.reason, "mail for rcpt.test goes to mx.evil.test"));
    assert_non_null(strstr(f.reason, "192.0.2.10 asked 198.51.100.53"));
    assert_non_null(strstr(f.next_step, "dig MX rcpt.test"));
    promise(STS_MODE_TESTING, true, false);
    assert_int_equal(severity(), SEVERITY_LOW);
    promise(STS_MODE_ENFORCE, false, false);
    assert_int_equal(severity(), SEVERITY_LOW);
    promise(STS_MODE_TESTING, false, true);
    assert_int_equal(severity(), SEVERITY_LOW);
    promise(STS_MODE_ENFORCE, true, false);
    d.promise.match = MX_MATCH_DEPTH;
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_int_equal(f.cause, CAUSE_DOMAIN_MISCONFIGURED);
    d.promise.match = MX_MATCH_WHOLE;
    assert_false(discovery_judge(&d, &f));
    d.promised = false;
    assert_false(discovery_judge(&d, &f));
}

/* Two answers to one query are proof of two speakers, whatever was promised. */
static void a_contradiction_stands_alone(void **state)
{
    const enum rule_id rule[] = {RULE_MX_SPOOFED, RULE_MX_SPOOFED, RULE_STS_RECORD_SUPPRESSED,
                                 RULE_TLSA_STRIPPED};
    (void)state;
    for (int k = DISCOVERY_MX; k <= DISCOVERY_TLSA; k++) {
        begin((enum discovery_kind)k, DISCOVERY_RECORDS);
        assert_false(discovery_judge(&d, &f));
        d.contradicted = true;
        assert_int_equal(severity(), SEVERITY_MEDIUM);
        assert_int_equal(f.rule, rule[k]);
        assert_int_equal(f.evidence, EVIDENCE_E4);
        assert_int_equal(f.confidence, CONFIDENCE_HIGH);
        assert_int_equal(f.cause, CAUSE_MAN_ON_THE_SIDE);
        promise(STS_MODE_TESTING, true, false); /* takes nothing away */
        assert_int_equal(severity(), SEVERITY_MEDIUM);
    }
}

static void a_record_that_is_gone(void **state)
{
    (void)state;
    begin(DISCOVERY_STS, DISCOVERY_NONE);
    assert_false(discovery_judge(&d, &f)); /* most domains have none */
    d.before = NS_PER_S;
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_int_equal(f.evidence, EVIDENCE_E2);
    promise(STS_MODE_ENFORCE, true, false);
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    assert_int_equal(f.rule, RULE_STS_RECORD_SUPPRESSED);
    assert_string_equal(f.tlsrpt, "sts-policy-fetch-error");
    assert_non_null(strstr(f.next_step, "dig TXT _mta-sts.rcpt.test"));
    d.answer = DISCOVERY_FAILED;
    assert_int_equal(severity(), SEVERITY_LOW);
    d.answer = DISCOVERY_UNANSWERED;
    d.unanswered = 1;
    assert_false(discovery_judge(&d, &f));
    d.unanswered = 2;
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_int_equal(f.dir, SESSION_TO_SERVER);
    d.unanswered = 4;
    assert_int_equal(severity(), SEVERITY_MEDIUM);
}

static void a_record_that_is_wrong_is_counted(void **state)
{
    (void)state;
    begin(DISCOVERY_STS, DISCOVERY_RECORDS);
    d.invalid = "two records";
    promise(STS_MODE_ENFORCE, true, false);
    assert_int_equal(severity(), SEVERITY_INFO);
    assert_int_equal(f.rule, RULE_STS_RECORD_INVALID);
    assert_string_equal(f.tlsrpt, "sts-policy-invalid");
}

static void tlsa_records_that_lost_their_mark(void **state)
{
    (void)state;
    begin(DISCOVERY_TLSA, DISCOVERY_NONE);
    assert_false(discovery_judge(&d, &f));
    d.before = NS_PER_S;
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    assert_non_null(strstr(f.next_step, "_25._tcp.mx.evil.test"));
    d.answer = DISCOVERY_RECORDS;
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    d.answer = DISCOVERY_FAILED;
    assert_int_equal(severity(), SEVERITY_LOW);
}

static void a_policy_that_cannot_be_fetched(void **state)
{
    (void)state;
    begin(DISCOVERY_FETCH, DISCOVERY_FAILED);
    d.unanswered = 1;
    assert_false(discovery_judge(&d, &f)); /* nobody says that there is a policy */
    d.before = NS_PER_S;
    assert_false(discovery_judge(&d, &f));
    d.unanswered = 2;
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_int_equal(f.evidence, EVIDENCE_E2);
    d.unanswered = 9;
    assert_int_equal(severity(), SEVERITY_LOW);
    promise(STS_MODE_ENFORCE, true, false);
    d.unanswered = 1;
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_int_equal(f.rule, RULE_STS_RECORD_SUPPRESSED);
    assert_non_null(strstr(f.reason, "mta-sts.rcpt.test"));
    assert_non_null(strstr(f.reason, "was reset, 1 time in a row"));
    d.answer = DISCOVERY_UNANSWERED;
    d.unanswered = 4;
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    assert_non_null(strstr(f.reason, "was never answered, 4 times in a row"));
}

/* RFC 8461 section 8.3: alone it is the way out; each sign of another owner adds a step. */
static void what_a_weaker_policy_weighs(void **state)
{
    (void)state;
    begin(DISCOVERY_POLICY, DISCOVERY_RECORDS);
    d.own = true;
    promise(STS_MODE_ENFORCE, true, false);
    d.policy.weaker = DISCOVERY_WEAKER_MODE;
    d.policy.mode = STS_MODE_NONE;
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_non_null(strstr(f.reason, "Its mode was enforce and is none."));
    assert_int_equal(f.evidence, EVIDENCE_E2);
    d.policy.issuer_changed = true;
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    d.policy.mx_changed = true;
    assert_int_equal(severity(), SEVERITY_HIGH);
}

static void a_policy_that_we_cannot_have(void **state)
{
    (void)state;
    begin(DISCOVERY_FETCH, DISCOVERY_FAILED);
    d.own = true;
    d.unanswered = 1;
    d.policy = (struct discovery_policy){.tlsrpt = "sts-policy-fetch-error", .why = "no answer"};
    assert_int_equal(severity(), SEVERITY_INFO); /* one connection is nothing */
    d.unanswered = 2;
    assert_int_equal(severity(), SEVERITY_LOW);
    d.unanswered = 1;
    d.policy.status = 404;
    assert_int_equal(severity(), SEVERITY_LOW);
    d.policy.status = 0;
    d.policy.tlsrpt = "sts-webpki-invalid"; /* a certificate is no accident of the network */
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_string_equal(f.tlsrpt, "sts-webpki-invalid");
    promise(STS_MODE_ENFORCE, true, false);
    assert_int_equal(severity(), SEVERITY_LOW); /* the policy holds on */
}

static void what_a_second_resolver_says(void **state)
{
    (void)state;
    begin(DISCOVERY_STS, DISCOVERY_NONE);
    d.elsewhere = NS_PER_S;
    assert_int_equal(severity(), SEVERITY_LOW); /* a cache may know of none yet */
    assert_int_equal(f.evidence, EVIDENCE_E3);
    d.elsewhere_long = true;
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    d.answer = DISCOVERY_FAILED;
    assert_int_equal(severity(), SEVERITY_LOW);
    begin(DISCOVERY_STS, DISCOVERY_NONE);
    promise(STS_MODE_ENFORCE, true, false);
    d.own = true;
    assert_int_equal(severity(), SEVERITY_MEDIUM);
    d.authentic = true; /* DNSSEC: the owner did it */
    assert_int_equal(severity(), SEVERITY_LOW);
    assert_int_equal(f.cause, CAUSE_DOMAIN_MISCONFIGURED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_promise_weighs),
        cmocka_unit_test(a_contradiction_stands_alone),
        cmocka_unit_test(a_record_that_is_gone),
        cmocka_unit_test(a_record_that_is_wrong_is_counted),
        cmocka_unit_test(tlsa_records_that_lost_their_mark),
        cmocka_unit_test(a_policy_that_cannot_be_fetched),
        cmocka_unit_test(what_a_weaker_policy_weighs),
        cmocka_unit_test(a_policy_that_we_cannot_have),
        cmocka_unit_test(what_a_second_resolver_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
