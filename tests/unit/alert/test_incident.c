/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/alert/fixture.h"

static struct fixture f;
static struct incidents *in;
static struct incident_alert a;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&f);
    in = incident_new("sensor-1");
    return in ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(f.s.memo);
    incident_free(in);
    return 0;
}

static enum incident_outcome judge_at(enum session_milestone m)
{
    return incident_judge(in, &f.s, m, &f.j, &a);
}

/* Puts a stronger finding before the others. */
static void lead_with(const char *rule, enum severity severity)
{
    uint8_t n = f.j.finding_count;
    memmove(f.j.finding + 1, f.j.finding, n * sizeof f.j.finding[0]);
    f.j.finding_count = 0;
    fixture_finding(&f, rule, severity);
    f.j.finding_count = (uint8_t)(n + 1);
}

static void test_nothing_found(void **state)
{
    (void)state;
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_SILENT);
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    assert_int_equal(judge_at(SESSION_UPGRADE_DECIDED), INCIDENT_SILENT);
    assert_null(f.s.memo);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
    const struct incident_counters *c = incident_counters(in);
    assert_int_equal(c->sessions, 1);
    assert_int_equal(c->verdicts[VERDICT_DOWNGRADED], 1);
    assert_int_equal(c->findings[rule_by_name("greeting-masked")], 1);
    assert_int_equal(c->worst, SEVERITY_INFO);
    assert_int_equal(c->opened, 0);
}

/* Judging again says nothing again; closing forgets the session. */
static void test_opens_once(void **state)
{
    char id[IDS_TEXT];
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    assert_int_equal(a.update, 1);
    assert_ptr_equal(a.primary, &f.j.finding[0]);
    assert_int_equal(a.supporting_count, 0);
    assert_int_equal(a.first, f.s.now);
    ids_incident(&f.s, rule_by_name("starttls-garbled"), id);
    assert_string_equal(a.incident, id);
    ids_alert(a.incident, 1, "sensor-1", id);
    assert_string_equal(a.id, id);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_SILENT);
    assert_int_equal(judge_at(SESSION_UPGRADE_DECIDED), INCIDENT_SILENT);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
    assert_null(f.s.memo);
    assert_int_equal(incident_counters(in)->alerts[SEVERITY_LOW], 1);
    assert_int_equal(incident_counters(in)->opened, 1);
}

static void test_severity_rises(void **state)
{
    char incident[IDS_TEXT], id[IDS_TEXT];
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    memcpy(incident, a.incident, sizeof incident);
    memcpy(id, a.id, sizeof id);
    nstime opened = f.s.now;

    f.s.now += NS_PER_S;
    f.j.finding[0].severity = SEVERITY_MEDIUM;
    assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_ALERT);
    assert_int_equal(a.update, 2);
    assert_string_equal(a.incident, incident);
    assert_string_not_equal(a.id, id);
    assert_int_equal(a.first, opened);
    assert_int_equal(a.last, f.s.now);

    f.j.finding[0].severity = SEVERITY_LOW; /* what was said is not taken back */
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
    assert_int_equal(incident_counters(in)->worst, SEVERITY_MEDIUM);
}

static void test_stronger_rule_takes_the_lead(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    lead_with("requiretls-violated", SEVERITY_MEDIUM);
    assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_ALERT);
    assert_int_equal(a.update, 2);
    assert_int_equal(a.primary->rule, rule_by_name("requiretls-violated"));
    assert_int_equal(a.supporting_count, 1);
    assert_int_equal(a.supporting[0], rule_by_name("starttls-garbled"));

    /* Two rules of one severity that change places do not make an alert each time. */
    struct finding swap = f.j.finding[0];
    f.j.finding[0] = f.j.finding[1];
    f.j.finding[1] = swap;
    for (int i = 0; i < 3; i++)
        assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_SILENT);

    /* A weaker one that is new only supports. */
    fixture_finding(&f, "auth-in-clear", SEVERITY_LOW);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
}

/* The supporting rules are named once each, and info is not among them. */
static void test_supporting(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH);
    fixture_finding(&f, "auth-in-clear", SEVERITY_MEDIUM);
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    fixture_finding(&f, "auth-in-clear", SEVERITY_LOW);
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.supporting_count, 1);
    assert_int_equal(a.supporting[0], rule_by_name("auth-in-clear"));
}

static void test_evidence_time(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH)->time = FIXTURE_START + 7;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.first, FIXTURE_START + 7);
    assert_int_equal(a.last, FIXTURE_START + 7);
}

/* One more session of its own, judged at its end. */
static enum incident_outcome another(nstime now)
{
    f.s.key.client_port++;
    f.s.now = now;
    return judge_at(SESSION_CLOSED);
}

static void test_storm(void **state)
{
    nstime t = FIXTURE_START;
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    for (int i = 0; i < 50; i++)
        assert_int_equal(another(t + i * NS_PER_S), INCIDENT_ALERT);
    assert_int_equal(another(t + 51 * NS_PER_S), INCIDENT_STORM);
    assert_int_equal(a.update, 0);
    assert_int_equal(a.hour_opened, 50);
    assert_int_equal(a.hour_held, 1);
    f.j.finding[0].severity = SEVERITY_CRITICAL;
    for (int i = 0; i < 200; i++)
        assert_int_equal(another(t + 52 * NS_PER_S), INCIDENT_SILENT);
    assert_int_equal(another(t + 3599 * NS_PER_S), INCIDENT_SILENT);
    const struct incident_counters *c = incident_counters(in);
    assert_int_equal(c->opened, 50);
    assert_int_equal(c->held, 202);
    assert_int_equal(c->storms, 1);
    assert_int_equal(c->worst, SEVERITY_CRITICAL); /* held back, and still it counts */

    /* The hour is over: 50 more, and one more storm line. */
    for (int i = 0; i < 50; i++)
        assert_int_equal(another(t + 3600 * NS_PER_S), INCIDENT_ALERT);
    assert_int_equal(another(t + 3600 * NS_PER_S), INCIDENT_STORM);
    assert_int_equal(a.hour_held, 1);
    assert_int_equal(c->storms, 2);
    assert_int_equal(c->sessions, 50 + 202 + 51);
    assert_int_equal(c->alerts[SEVERITY_MEDIUM], 50 + 2);
    assert_int_equal(c->alerts[SEVERITY_CRITICAL], 50);
}

/* Incidents that are open already go on being told; a held one that grows is tried again. */
static void test_growth_in_a_storm(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    void *memo = f.s.memo;
    f.s.memo = NULL;
    for (int i = 0; i < 49; i++)
        assert_int_equal(another(f.s.now), INCIDENT_ALERT);
    f.s.key.client_port++;
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_STORM);
    void *held = f.s.memo;

    f.s.memo = memo;
    f.j.finding[0].severity = SEVERITY_HIGH;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.update, 2);

    f.s.memo = held;
    assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_SILENT);
    assert_int_equal(incident_counters(in)->held, 1);
    f.s.now += 3600 * NS_PER_S;
    f.j.finding[0].severity = SEVERITY_CRITICAL;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.update, 1);
    assert_int_equal(incident_counters(in)->held, 0);
    assert_int_equal(incident_counters(in)->opened, 51);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* --- what DNS said --- */

static struct discovery d;
static struct finding about;

static enum incident_outcome dns_says(const char *domain, const char *rule, enum severity severity,
                                      nstime t)
{
    d = (struct discovery){.kind = DISCOVERY_MX, .time = t, .now = t, .type = "MX"};
    assert_true(domain_read(span_str(domain), &d.domain));
    about = (struct finding){.rule = rule_by_name(rule), .severity = severity, .time = t};
    return incident_discovery(in, &d, &about, &a);
}

static void test_one_domain_is_told_once(void **state)
{
    char first[IDS_TEXT];
    (void)state;
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_INFO, 1), INCIDENT_SILENT);
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_LOW, 2), INCIDENT_ALERT);
    assert_int_equal(a.update, 1);
    memcpy(first, a.incident, sizeof first);
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_LOW, 3), INCIDENT_SILENT);
    assert_int_equal(dns_says("b.test", "mx-spoofed", SEVERITY_LOW, 3), INCIDENT_ALERT);
    assert_int_equal(dns_says("a.test", "tlsa-stripped", SEVERITY_LOW, 3), INCIDENT_ALERT);
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_MEDIUM, 4), INCIDENT_ALERT);
    assert_int_equal(a.update, 2);
    assert_string_equal(a.incident, first);
    assert_int_equal(a.first, 2);
    assert_int_equal(a.last, 4);
    /* the next day it is another one, if nothing was found in between */
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_LOW, 4 + 86399 * NS_PER_S),
                     INCIDENT_SILENT);
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_LOW, 4 + 3 * 86400 * NS_PER_S),
                     INCIDENT_ALERT);
    assert_int_equal(incident_counters(in)->findings[rule_by_name("mx-spoofed")], 7);
    assert_int_equal(incident_counters(in)->worst, SEVERITY_MEDIUM);
    assert_int_equal(incident_counters(in)->opened, 4);
    assert_int_equal(incident_counters(in)->sessions, 0);
}

/* However far apart: no day and no hour that ends before it began. */
static void test_times_may_be_anything(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    f.s.now = INT64_MIN;
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_LOW, INT64_MIN), INCIDENT_ALERT);
    assert_int_equal(a.hour_opened, 2);
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_LOW, INT64_MAX), INCIDENT_ALERT);
    assert_int_equal(a.hour_opened, 1);
    assert_int_equal(dns_says("a.test", "mx-spoofed", SEVERITY_LOW, INT64_MIN), INCIDENT_SILENT);
    assert_int_equal(dns_says("b.test", "mx-spoofed", SEVERITY_LOW, INT64_MIN), INCIDENT_ALERT);
    assert_int_equal(a.hour_opened, 2);
}

/* Whoever makes up names makes one storm, and hides nothing of what was told before. */
static void test_a_storm_of_names(void **state)
{
    char name[32];
    int alerts = 0, storms = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "d%d.test", i);
        enum incident_outcome o = dns_says(name, "mx-spoofed", SEVERITY_LOW, i);
        alerts += o == INCIDENT_ALERT;
        storms += o == INCIDENT_STORM;
    }
    assert_int_equal(alerts, INCIDENT_HOURLY);
    assert_int_equal(storms, 1);
    assert_int_equal(incident_counters(in)->held, 1000 - INCIDENT_HOURLY);
    assert_int_equal(dns_says("d999.test", "mx-spoofed", SEVERITY_LOW, 3000 * NS_PER_S),
                     INCIDENT_SILENT);
    assert_int_equal(dns_says("late.test", "mx-spoofed", SEVERITY_LOW, 3601 * NS_PER_S),
                     INCIDENT_ALERT);
    /* what was held back is told when there is room, if it goes on */
    assert_int_equal(dns_says("d999.test", "mx-spoofed", SEVERITY_LOW, 3602 * NS_PER_S),
                     INCIDENT_ALERT);
    assert_int_equal(dns_says("d999.test", "mx-spoofed", SEVERITY_LOW, 3603 * NS_PER_S),
                     INCIDENT_SILENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_found),
        TEST(test_opens_once),
        TEST(test_severity_rises),
        TEST(test_stronger_rule_takes_the_lead),
        TEST(test_supporting),
        TEST(test_evidence_time),
        TEST(test_storm),
        TEST(test_growth_in_a_storm),
        cmocka_unit_test_setup_teardown(test_one_domain_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_times_may_be_anything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_storm_of_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
