/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/alert/fixture.h"

#define DAY (86400 * NS_PER_S)

static struct fixture f;
static struct incidents *in;

/* What was written since the newest call: how many lines, and the last of them. */
static int lines;
static enum incident_outcome outcome;
static struct incident_alert a;
static struct finding primary;
static struct incident_place place;
static bool with_session;

static void on_alert(void *user, const struct session *s, enum incident_outcome o,
                     const struct incident_alert *alert)
{
    assert_ptr_equal(user, &f);
    lines++;
    outcome = o;
    a = *alert;
    primary = *alert->primary;
    a.primary = &primary;
    with_session = s != NULL;
    assert_true(with_session == (alert->state != INCIDENT_CLOSED));
    if (alert->place)
        place = *alert->place;
    assert_true(with_session == (alert->place == NULL));
}

static int set_up(void **state)
{
    static const struct siphash_key key = {1, 2};
    (void)state;
    fixture_init(&f);
    in = incident_new(&key, "sensor-1", on_alert, &f);
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
    lines = 0;
    outcome = INCIDENT_SILENT;
    incident_judge(in, &f.s, m, &f.j);
    return outcome;
}

/* One more session, judged at its end. */
static enum incident_outcome another(nstime now)
{
    f.s.key.client_port++;
    f.s.flow_id++;
    f.s.first = f.s.now = now;
    return judge_at(SESSION_CLOSED);
}

static struct finding *only(const char *rule, enum severity severity)
{
    f.j.finding_count = 0;
    return fixture_finding(&f, rule, severity);
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

/* A session that shows that STARTTLS is offered. */
static void healthy(void)
{
    f.j.finding_count = 0;
    f.j.verdict = VERDICT_ENCRYPTED;
    f.j.offered = OFFERED_YES;
    f.j.visibility = VISIBILITY_BOTH;
}

static const struct incident_counters *counted(void)
{
    return incident_counters(in);
}

/* --- one session --- */

static void test_nothing_found(void **state)
{
    (void)state;
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_SILENT);
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    assert_int_equal(judge_at(SESSION_UPGRADE_DECIDED), INCIDENT_SILENT);
    assert_null(f.s.memo);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
    const struct incident_counters *c = counted();
    assert_int_equal(c->sessions, 1);
    assert_int_equal(c->verdicts[VERDICT_DOWNGRADED], 1);
    assert_int_equal(c->findings[rule_by_name("greeting-masked")], 1);
    assert_int_equal(c->worst, SEVERITY_INFO);
    assert_int_equal(c->opened, 0);
}

/* Judging again says nothing again; closing forgets the session, not the incident. */
static void test_opens_once(void **state)
{
    char id[IDS_TEXT];
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    assert_int_equal(a.update, 1);
    assert_int_equal(a.state, INCIDENT_OPEN);
    assert_int_equal(a.severity, SEVERITY_LOW);
    assert_string_equal(primary.reason, f.j.finding[0].reason);
    assert_int_equal(a.supporting_count, 0);
    assert_int_equal(a.first, f.s.now);
    assert_int_equal(a.time, f.s.now);
    assert_int_equal(a.sessions, 1);
    assert_int_equal(a.servers, 1);
    assert_int_equal(a.senders, 1);
    assert_int_equal(a.absorbed, 0);
    ids_incident(&f.s, &f.j.finding[0], id);
    assert_string_equal(a.incident, id);
    ids_finding(&f.s, &f.j.finding[0], id);
    assert_string_equal(a.finding_id, id);
    ids_alert(a.incident, 1, "sensor-1", id);
    assert_string_equal(a.id, id);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_SILENT);
    assert_int_equal(judge_at(SESSION_UPGRADE_DECIDED), INCIDENT_SILENT);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
    assert_null(f.s.memo);
    assert_int_equal(counted()->alerts[SEVERITY_LOW], 1);
    assert_int_equal(counted()->opened, 1);
    assert_int_equal(counted()->ongoing, 1);
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
    assert_int_equal(a.state, INCIDENT_ONGOING);
    assert_int_equal(a.sessions, 1);
    assert_string_equal(a.incident, incident);
    assert_string_not_equal(a.id, id);
    assert_int_equal(a.first, opened);
    assert_int_equal(a.last, f.s.now);

    f.j.finding[0].severity = SEVERITY_LOW; /* what was said is not taken back */
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
    assert_int_equal(counted()->worst, SEVERITY_MEDIUM);
}

static void test_stronger_rule_takes_the_lead(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    lead_with("conflicting-segments", SEVERITY_MEDIUM);
    assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_ALERT);
    assert_int_equal(a.update, 2);
    assert_int_equal(primary.rule, rule_by_name("conflicting-segments"));
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
    assert_int_equal(counted()->opened, 1);
}

/* The supporting rules are named once each, the stronger first, and info is not among them. */
static void test_supporting(void **state)
{
    (void)state;
    fixture_finding(&f, "conflicting-segments", SEVERITY_HIGH);
    fixture_finding(&f, "auth-in-clear", SEVERITY_MEDIUM);
    fixture_finding(&f, "conflicting-segments", SEVERITY_MEDIUM);
    fixture_finding(&f, "starttls-command-garbled", SEVERITY_LOW);
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(primary.rule, rule_by_name("conflicting-segments"));
    assert_int_equal(a.supporting_count, 3);
    assert_int_equal(a.supporting[0], rule_by_name("starttls-garbled"));
    assert_int_equal(a.supporting[1], rule_by_name("starttls-command-garbled"));
    assert_int_equal(a.supporting[2], rule_by_name("auth-in-clear"));
}

static void test_evidence_time(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH)->time = FIXTURE_START + 7;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.first, FIXTURE_START + 7);
    assert_int_equal(a.last, FIXTURE_START + 7);
    assert_int_equal(a.time, f.s.now);
}

/* --- many sessions --- */

/* One attack: the lines are the first, and those at 10, 100 and 1,000 sessions. */
static void test_round_numbers(void **state)
{
    char incident[IDS_TEXT];
    int told = 0;
    (void)state;
    only("starttls-garbled", SEVERITY_MEDIUM);
    f.s.mails = 0;
    for (unsigned i = 1; i <= 2000; i++) {
        bool due = i == 1 || i == 10 || i == 100 || i == 1000;
        f.s.key.client[3] = (uint8_t)(1 + i % 30);
        assert_int_equal(another(FIXTURE_START + i * NS_PER_S),
                         due ? INCIDENT_ALERT : INCIDENT_SILENT);
        told += lines;
        if (i == 1)
            memcpy(incident, a.incident, sizeof incident);
        if (!due)
            continue;
        assert_string_equal(a.incident, incident);
        assert_int_equal(a.sessions, i);
        assert_int_equal(a.servers, 1);
        assert_int_equal(a.senders, i < 30 ? i : 30);
        assert_int_equal(a.update, told);
        assert_int_equal(a.first, FIXTURE_START + NS_PER_S);
        assert_int_equal(a.last, FIXTURE_START + i * NS_PER_S);
        assert_string_equal(primary.reason, f.j.finding[0].reason);
    }
    assert_int_equal(told, 4);
    assert_int_equal(counted()->opened, 1);
    assert_int_equal(counted()->ongoing, 1);
}

/* Each is counted once, however often it is judged. */
static void test_a_session_counts_once(void **state)
{
    (void)state;
    only("starttls-garbled", SEVERITY_MEDIUM);
    for (unsigned i = 1; i < 10; i++) {
        for (int again = 0; again < 5; again++)
            judge_at(SESSION_CLEAR_CONTENT);
        judge_at(SESSION_CLOSED);
    }
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    assert_int_equal(a.sessions, 10);
    assert_int_equal(a.update, 2);
}

/* Two that are open at a time, judged in turns, are two. */
static void test_sessions_in_turns(void **state)
{
    void *memo[2] = {NULL, NULL};
    (void)state;
    only("starttls-garbled", SEVERITY_LOW);
    for (int i = 0; i < 6; i++) {
        f.s.memo = memo[i % 2];
        f.s.key.client_port = (uint16_t)(40001 + i % 2);
        assert_int_equal(judge_at(SESSION_EHLO_DONE), i == 0 ? INCIDENT_ALERT : INCIDENT_SILENT);
        memo[i % 2] = f.s.memo;
    }
    f.j.finding[0].severity = SEVERITY_MEDIUM;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.sessions, 2);
    f.s.memo = memo[0];
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
}

/* Who reports a weaker finding at the tenth session is told the primary of the incident. */
static void test_a_line_without_its_primary(void **state)
{
    char id[IDS_TEXT];
    (void)state;
    only("starttls-garbled", SEVERITY_HIGH);
    another(FIXTURE_START);
    memcpy(id, a.finding_id, sizeof id);
    only("starttls-refused", SEVERITY_LOW);
    for (int i = 2; i < 10; i++)
        assert_int_equal(another(FIXTURE_START + i * NS_PER_S), INCIDENT_SILENT);
    assert_int_equal(another(FIXTURE_START + 10 * NS_PER_S), INCIDENT_ALERT);
    assert_int_equal(primary.rule, rule_by_name("starttls-garbled"));
    assert_int_equal(primary.severity, SEVERITY_HIGH);
    assert_int_equal(primary.cause, CAUSE_ON_PATH_REWRITE);
    assert_int_equal(primary.alternative_count, 1);
    assert_string_equal(a.finding_id, id);
    assert_int_equal(a.severity, SEVERITY_HIGH);
    assert_int_equal(a.supporting_count, 1);
    assert_int_equal(a.supporting[0], rule_by_name("starttls-refused"));
    assert_non_null(strstr(primary.reason, "10 sessions with 1 server and 1 sender"));
}

/* What is not sure gets no surer by its number: a balancer in its first days, say. */
static void test_a_hundred_mails_of_low_confidence(void **state)
{
    (void)state;
    only("starttls-removed", SEVERITY_LOW);
    f.j.finding[0].confidence = CONFIDENCE_LOW;
    f.s.mails = 33;
    for (int i = 0; i < 12; i++)
        another(FIXTURE_START);
    assert_int_equal(counted()->worst, SEVERITY_LOW);
    f.j.finding[0].confidence = CONFIDENCE_HIGH;
    for (int i = 0; i < 4; i++)
        another(FIXTURE_START);
    assert_int_equal(counted()->worst, SEVERITY_MEDIUM);
}

/* A hundred mails are one step up, never above critical; the finding keeps its own. */
static void test_a_hundred_mails(void **state)
{
    (void)state;
    only("starttls-garbled", SEVERITY_MEDIUM);
    f.s.mails = 33;
    for (int i = 0; i < 3; i++)
        assert_int_equal(another(FIXTURE_START), i ? INCIDENT_SILENT : INCIDENT_ALERT);
    f.s.mails = 0;
    judge_at(SESSION_EHLO_DONE);
    f.s.mails = 1; /* counted as they come, each once */
    assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_ALERT);
    assert_int_equal(a.severity, SEVERITY_HIGH);
    assert_int_equal(primary.severity, SEVERITY_MEDIUM);
    assert_int_equal(counted()->worst, SEVERITY_HIGH);
    assert_int_equal(counted()->alerts[SEVERITY_HIGH], 1);
    only("starttls-garbled", SEVERITY_CRITICAL);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(a.severity, SEVERITY_CRITICAL);
}

/* What is reached from another network, and another server, are other attacks. */
static void test_apart(void **state)
{
    char first[IDS_TEXT];
    (void)state;
    only("starttls-garbled", SEVERITY_MEDIUM);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    memcpy(first, a.incident, sizeof first);
    f.s.key.client[3] = 200; /* the same /24 */
    assert_int_equal(another(FIXTURE_START), INCIDENT_SILENT);
    f.s.key.client[2] ^= 1;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_string_not_equal(a.incident, first);
    f.s.key.server[3]++;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    only("certificate-expired", SEVERITY_LOW); /* another technique */
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(counted()->opened, 4);

    fixture_key(&f.s.key);
    f.s.key.family = 6; /* /48 */
    memset(f.s.key.client, 0x20, 16);
    only("starttls-garbled", SEVERITY_MEDIUM);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    f.s.key.client[6] ^= 1;
    assert_int_equal(another(FIXTURE_START), INCIDENT_SILENT);
    f.s.key.client[5] ^= 1;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
}

/* On one path a server, its farm and the sender are three subjects. */
static void test_subjects(void **state)
{
    struct finding *x;
    (void)state;
    only("starttls-refused", SEVERITY_MEDIUM);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(a.subject, SUBJECT_SERVER);
    x = only("starttls-refused", SEVERITY_MEDIUM);
    x->subject = SUBJECT_FARM;
    snprintf(x->subject_name, sizeof x->subject_name, "mx.example");
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(a.subject, SUBJECT_FARM);
    f.s.key.server[3]++; /* another member */
    assert_int_equal(another(FIXTURE_START), INCIDENT_SILENT);
    f.j.finding[0].severity = SEVERITY_HIGH;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(a.servers, 2);
    assert_int_equal(a.sessions, 3);
    snprintf(x->subject_name, sizeof x->subject_name, "mx.other");
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    x->subject = SUBJECT_SENDER;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(a.subject, SUBJECT_SENDER);
    f.s.key.server[3]++;
    assert_int_equal(another(FIXTURE_START), INCIDENT_SILENT);
    f.s.key.client[3]++;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
}

/* Beyond the cap they are no longer told apart. */
static void test_many_senders(void **state)
{
    (void)state;
    only("starttls-garbled", SEVERITY_LOW);
    for (unsigned i = 1; i <= 100; i++) {
        f.s.key.client[3] = (uint8_t)i;
        another(FIXTURE_START);
    }
    assert_int_equal(a.sessions, 100);
    assert_int_equal(a.senders, CAP_INCIDENT_PEERS);
}

/* What came with an attack is told with it; what has an incident of its own goes there. */
static void test_one_session_of_two_groups(void **state)
{
    char login[IDS_TEXT], expired[IDS_TEXT];
    (void)state;
    only("starttls-garbled", SEVERITY_MEDIUM);
    fixture_finding(&f, "auth-in-clear", SEVERITY_LOW);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(a.supporting_count, 1);
    assert_int_equal(counted()->opened, 1);
    only("auth-in-clear", SEVERITY_LOW);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    memcpy(login, a.incident, sizeof login);
    assert_int_equal(counted()->opened, 2);

    only("certificate-expired", SEVERITY_LOW);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    memcpy(expired, a.incident, sizeof expired);
    only("starttls-garbled", SEVERITY_MEDIUM);
    fixture_finding(&f, "certificate-weak", SEVERITY_MEDIUM);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_string_equal(a.incident, expired);
    assert_int_equal(lines, 1);
    assert_int_equal(a.severity, SEVERITY_MEDIUM);
}

/* --- closing --- */

static void open_one(nstime now)
{
    only("starttls-garbled", SEVERITY_MEDIUM);
    assert_int_equal(another(now), INCIDENT_ALERT);
    assert_int_equal(a.state, INCIDENT_OPEN);
}

static void test_closes_when_clean(void **state)
{
    char incident[IDS_TEXT];
    nstime t = FIXTURE_START;
    (void)state;
    open_one(t);
    memcpy(incident, a.incident, sizeof incident);
    uint64_t flow_id = f.s.flow_id;
    healthy();
    for (int i = 1; i < 20; i++)
        assert_int_equal(another(t + i * NS_PER_S), INCIDENT_SILENT);
    only("starttls-garbled", SEVERITY_MEDIUM); /* not yet over */
    assert_int_equal(another(t + 20 * NS_PER_S), INCIDENT_SILENT);
    flow_id = f.s.flow_id;
    healthy();
    for (int i = 1; i < 20; i++)
        assert_int_equal(another(t + (20 + i) * NS_PER_S), INCIDENT_SILENT);
    assert_int_equal(another(t + 40 * NS_PER_S), INCIDENT_ALERT);
    assert_int_equal(a.state, INCIDENT_CLOSED);
    assert_int_equal(a.update, 2);
    assert_string_equal(a.incident, incident);
    assert_int_equal(a.severity, SEVERITY_MEDIUM);
    assert_int_equal(a.sessions, 2);
    assert_int_equal(a.last, t + 20 * NS_PER_S);
    assert_int_equal(a.time, t + 40 * NS_PER_S);
    assert_int_equal(primary.rule, rule_by_name("starttls-garbled"));
    assert_int_equal(place.flow_id, flow_id);
    assert_non_null(strstr(primary.reason, "20 sessions in a row"));
    assert_int_equal(counted()->closed, 1);
    assert_int_equal(counted()->ongoing, 0);
    for (int i = 0; i < 30; i++)
        assert_int_equal(another(t + 50 * NS_PER_S), INCIDENT_SILENT);
    open_one(t + 60 * NS_PER_S);
    assert_string_not_equal(a.incident, incident);
}

/* What shows nothing of it, closes nothing. */
static void test_not_clean(void **state)
{
    (void)state;
    open_one(FIXTURE_START);
    for (int i = 0; i < 100; i++) {
        healthy();
        switch (i % 5) {
        case 0:
            f.j.visibility = VISIBILITY_PARTIAL;
            break;
        case 1: /* perhaps the line is taken out by now */
            f.j.offered = OFFERED_NO;
            f.j.verdict = VERDICT_OPPORTUNISTIC_CLEAR;
            break;
        case 2:
            f.j.offered = OFFERED_UNKNOWN;
            f.j.verdict = VERDICT_UNKNOWN;
            break;
        case 3: /* the operator does not want to hear of it, but it is there */
            only("starttls-refused", SEVERITY_LOW)->suppressed = true;
            break;
        default: /* to somebody else, from somewhere else */
            f.s.key.server[3]++;
            break;
        }
        assert_int_equal(another(FIXTURE_START), INCIDENT_SILENT);
        fixture_key(&f.s.key);
    }
    /* Of TLS with the wrong one an offer says nothing. */
    only("certificate-untrusted", SEVERITY_MEDIUM);
    f.j.visibility = VISIBILITY_PARTIAL; /* so that it does not count for the other */
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    healthy();
    f.j.verdict = VERDICT_FAILED;
    for (int i = 1; i <= 20; i++)
        assert_int_equal(another(FIXTURE_START), i < 20 ? INCIDENT_SILENT : INCIDENT_ALERT);
    assert_int_equal(primary.rule, rule_by_name("starttls-garbled"));
    for (int i = 0; i < 100; i++)
        assert_int_equal(another(FIXTURE_START), INCIDENT_SILENT);
    f.j.verdict = VERDICT_ENCRYPTED;
    for (int i = 1; i <= 20; i++)
        assert_int_equal(another(FIXTURE_START), i < 20 ? INCIDENT_SILENT : INCIDENT_ALERT);
    assert_int_equal(primary.rule, rule_by_name("certificate-untrusted"));
}

static void test_closes_after_a_week(void **state)
{
    char incident[IDS_TEXT];
    nstime t = FIXTURE_START;
    (void)state;
    open_one(t);
    memcpy(incident, a.incident, sizeof incident);
    f.s.key.server[0]++; /* somebody else's session moves the clock */
    healthy();
    assert_int_equal(another(t + 7 * DAY - 1), INCIDENT_SILENT);
    assert_int_equal(another(t + 7 * DAY), INCIDENT_ALERT);
    assert_int_equal(a.state, INCIDENT_CLOSED);
    assert_string_equal(a.incident, incident);
    assert_int_equal(a.time, t + 7 * DAY);
    assert_int_equal(a.last, t);
    fixture_key(&f.s.key);
    open_one(t + 8 * DAY);

    /* A week after the newest finding, not after the first; and the same server opens anew. */
    assert_int_equal(another(t + 14 * DAY), INCIDENT_SILENT);
    assert_int_equal(another(t + 20 * DAY), INCIDENT_SILENT);
    assert_int_equal(another(t + 27 * DAY), INCIDENT_ALERT);
    assert_int_equal(lines, 2);
    assert_int_equal(a.state, INCIDENT_OPEN);
    assert_int_equal(counted()->closed, 2);
    assert_int_equal(counted()->opened, 3);
    assert_int_equal(counted()->ongoing, 1);
}

/* Nothing closes early, nothing is told twice, and the evidence keeps its order. */
static void test_clock_runs_backwards(void **state)
{
    (void)state;
    open_one(FIXTURE_START);
    assert_int_equal(another(FIXTURE_START - 30 * DAY), INCIDENT_SILENT);
    only("starttls-garbled", SEVERITY_HIGH);
    assert_int_equal(another(FIXTURE_START - 29 * DAY), INCIDENT_ALERT);
    assert_int_equal(a.state, INCIDENT_ONGOING);
    assert_int_equal(a.first, FIXTURE_START - 30 * DAY);
    assert_int_equal(a.last, FIXTURE_START);
    assert_int_equal(counted()->closed, 0);
    assert_int_equal(another(FIXTURE_START - 22 * DAY), INCIDENT_ALERT);
    assert_int_equal(counted()->closed, 1);
}

/* --- a path --- */

static struct finding *path_finding(enum severity severity)
{
    struct finding *x = only("starttls-removed", severity);
    x->subject = SUBJECT_PATH;
    return x;
}

static void test_path_takes_in(void **state)
{
    char path[IDS_TEXT];
    (void)state;
    only("starttls-garbled", SEVERITY_LOW);
    f.s.mails = 0;
    for (uint8_t i = 1; i <= 8; i++) {
        f.s.key.server[3] = i;
        assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    }
    f.s.key.client[2]++; /* another path, another technique: they stay */
    another(FIXTURE_START);
    f.s.key.client[2]--;
    only("certificate-expired", SEVERITY_LOW);
    another(FIXTURE_START);
    assert_int_equal(counted()->ongoing, 10);

    path_finding(SEVERITY_MEDIUM);
    assert_int_equal(another(FIXTURE_START + NS_PER_S), INCIDENT_ALERT);
    memcpy(path, a.incident, sizeof path);
    assert_int_equal(lines, 1);
    assert_int_equal(a.subject, SUBJECT_PATH);
    assert_int_equal(a.state, INCIDENT_OPEN);
    assert_int_equal(a.absorbed, 8);
    assert_int_equal(a.sessions, 9);
    assert_int_equal(a.servers, 8);
    assert_int_equal(a.first, FIXTURE_START);
    assert_int_equal(a.supporting_count, 1);
    assert_int_equal(counted()->absorbed, 8);
    assert_int_equal(counted()->ongoing, 3);

    /* Later ones join it, those of servers that were not known included; the tenth server and the
     * tenth session come with one of them: one line. */
    only("starttls-garbled", SEVERITY_LOW);
    for (uint8_t i = 9; i <= 40; i++) {
        f.s.key.server[3] = i;
        assert_int_equal(another(FIXTURE_START + NS_PER_S),
                         i == 9 || i == 10 ? INCIDENT_ALERT : INCIDENT_SILENT);
        if (i <= 10)
            assert_string_equal(a.incident, path);
        if (i == 10)
            assert_int_equal(a.severity, SEVERITY_HIGH); /* ten servers: a step up */
        if (i == 9)
            assert_int_equal(a.severity, SEVERITY_MEDIUM); /* ten sessions */
    }
    assert_int_equal(counted()->opened, 11);

    /* What is critical is told, by the path's. */
    only("conflicting-segments", SEVERITY_CRITICAL);
    assert_int_equal(another(FIXTURE_START + NS_PER_S), INCIDENT_ALERT);
    assert_string_equal(a.incident, path);
    assert_int_equal(a.severity, SEVERITY_CRITICAL);
    assert_int_equal(primary.rule, rule_by_name("starttls-removed"));
    assert_non_null(strstr(primary.reason, "conflicting-segments"));

    /* Twenty clean sessions of the path end it, and then the servers have their own again. */
    healthy();
    for (int i = 1; i <= 20; i++)
        assert_int_equal(another(FIXTURE_START + NS_PER_S),
                         i < 20 ? INCIDENT_SILENT : INCIDENT_ALERT);
    assert_string_equal(a.incident, path);
    assert_int_equal(a.state, INCIDENT_CLOSED);
    f.s.key.server[3] = 1;
    open_one(FIXTURE_START + 2 * NS_PER_S);
    assert_int_equal(a.subject, SUBJECT_SERVER);
}

/* A session that goes on while its incident is taken in counts once. */
static void test_taken_in_under_way(void **state)
{
    (void)state;
    only("starttls-garbled", SEVERITY_LOW);
    f.s.mails = 0;
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    void *memo = f.s.memo;
    f.s.memo = NULL;
    path_finding(SEVERITY_LOW);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(a.sessions, 2);
    f.s.memo = memo;
    only("starttls-garbled", SEVERITY_HIGH);
    f.s.now = FIXTURE_START;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.subject, SUBJECT_PATH);
    assert_int_equal(a.severity, SEVERITY_HIGH);
    assert_int_equal(a.sessions, 2);
    assert_int_equal(counted()->ongoing, 1);

    /* Of one session, the path's finding goes first and has the other's. */
    fixture_key(&f.s.key);
    f.s.key.client[0]++;
    only("starttls-garbled", SEVERITY_HIGH);
    fixture_finding(&f, "starttls-removed", SEVERITY_MEDIUM)->subject = SUBJECT_PATH;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_int_equal(lines, 1);
    assert_int_equal(a.sessions, 1);
    assert_int_equal(a.severity, SEVERITY_HIGH);
    assert_int_equal(primary.rule, rule_by_name("starttls-removed"));
}

/* --- too many --- */

static void go_to(unsigned server)
{
    f.s.key.server[1] = (uint8_t)(server >> 16);
    f.s.key.server[2] = (uint8_t)(server >> 8);
    f.s.key.server[3] = (uint8_t)server;
}

static void test_storm(void **state)
{
    nstime t = FIXTURE_START;
    unsigned server = 0;
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    for (int i = 0; i < 50; i++) {
        go_to(server++);
        assert_int_equal(another(t + i * NS_PER_S), INCIDENT_ALERT);
    }
    go_to(server++);
    assert_int_equal(another(t + 51 * NS_PER_S), INCIDENT_STORM);
    assert_int_equal(a.update, 0);
    assert_int_equal(a.hour_opened, 50);
    assert_int_equal(a.hour_held, 1);
    f.j.finding[0].severity = SEVERITY_CRITICAL;
    for (int i = 0; i < 200; i++) {
        go_to(server++);
        assert_int_equal(another(t + 52 * NS_PER_S), INCIDENT_SILENT);
    }
    go_to(server++);
    assert_int_equal(another(t + 3599 * NS_PER_S), INCIDENT_SILENT);
    const struct incident_counters *c = counted();
    assert_int_equal(c->opened, 50);
    assert_int_equal(c->held, 202);
    assert_int_equal(c->storms, 1);
    assert_int_equal(c->worst, SEVERITY_CRITICAL); /* held back, and still it counts */

    /* The hour is over: 50 more, and one more storm line. */
    for (int i = 0; i < 50; i++) {
        go_to(server++);
        assert_int_equal(another(t + 3600 * NS_PER_S), INCIDENT_ALERT);
    }
    go_to(server++);
    assert_int_equal(another(t + 3600 * NS_PER_S), INCIDENT_STORM);
    assert_int_equal(a.hour_held, 1);
    assert_int_equal(c->storms, 2);
    assert_int_equal(c->sessions, 50 + 202 + 51);
    assert_int_equal(c->alerts[SEVERITY_MEDIUM], 50 + 2);
    assert_int_equal(c->alerts[SEVERITY_CRITICAL], 50);
    assert_int_equal(c->ongoing, 100);
}

/* Incidents that are open already go on being told; a held one that grows is tried again. */
static void test_growth_in_a_storm(void **state)
{
    (void)state;
    f.s.mails = 0;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    for (unsigned i = 1; i <= 50; i++) {
        go_to(i);
        assert_int_equal(another(f.s.now), INCIDENT_ALERT);
    }
    go_to(51);
    f.s.key.client_port++;
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_STORM);
    void *held = f.s.memo;

    f.s.memo = NULL;
    go_to(1);
    f.j.finding[0].severity = SEVERITY_HIGH;
    assert_int_equal(another(f.s.now), INCIDENT_ALERT);
    assert_int_equal(a.update, 2);

    f.s.memo = held;
    go_to(51);
    assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_SILENT);
    assert_int_equal(counted()->held, 1);
    f.s.now += 3600 * NS_PER_S;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT); /* nothing new of this session */
    assert_int_equal(another(f.s.now), INCIDENT_ALERT);          /* one more */
    assert_int_equal(a.update, 1);
    assert_int_equal(a.state, INCIDENT_OPEN);
    assert_int_equal(a.sessions, 2);
    assert_int_equal(counted()->held, 0);
    assert_int_equal(counted()->opened, 51);

    /* What was never told is not told to be over. */
    for (unsigned i = 100; i <= 150; i++) {
        go_to(i);
        another(f.s.now);
    }
    go_to(150);
    healthy();
    for (int i = 0; i < 30; i++)
        assert_int_equal(another(f.s.now), INCIDENT_SILENT);
    assert_int_equal(counted()->closed, 0);
}

/* The one that was heard of least lately gives way, and opens again if it goes on. */
static void test_eviction(void **state)
{
    char first[IDS_TEXT];
    (void)state;
    f.s.mails = 0;
    only("starttls-garbled", SEVERITY_LOW);
    go_to(0);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    memcpy(first, a.incident, sizeof first);
    go_to(1);
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    go_to(0); /* heard of again */
    assert_int_equal(another(FIXTURE_START), INCIDENT_SILENT);
    for (unsigned i = 2; i <= CAP_INCIDENTS; i++) {
        go_to(i);
        another(FIXTURE_START);
    }
    assert_int_equal(counted()->evicted, 1);
    assert_int_equal(counted()->ongoing, 49);
    go_to(0);
    f.j.finding[0].severity = SEVERITY_MEDIUM;
    assert_int_equal(another(FIXTURE_START), INCIDENT_ALERT);
    assert_string_equal(a.incident, first);
    assert_int_equal(a.sessions, 3);
    go_to(1);
    assert_int_equal(another(FIXTURE_START + 3600 * NS_PER_S), INCIDENT_ALERT);
    assert_int_equal(a.state, INCIDENT_OPEN);
    assert_int_equal(counted()->evicted, 2);
}

/* A session whose incident was forgotten says nothing again, unless it has worse to say. */
static void test_forgotten_under_way(void **state)
{
    (void)state;
    f.s.mails = 0;
    only("starttls-garbled", SEVERITY_LOW);
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_ALERT);
    void *memo = f.s.memo;
    f.s.memo = NULL;
    for (unsigned i = 0; i < CAP_INCIDENTS; i++) {
        go_to(i);
        another(FIXTURE_START);
    }
    f.s.memo = memo;
    fixture_key(&f.s.key);
    f.s.now = FIXTURE_START + 2 * 3600 * NS_PER_S;
    assert_int_equal(judge_at(SESSION_CLEAR_CONTENT), INCIDENT_SILENT);
    f.j.finding[0].severity = SEVERITY_MEDIUM;
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(a.state, INCIDENT_OPEN);
}

/* --- what nobody wants to hear --- */

static void test_suppressed(void **state)
{
    (void)state;
    only("starttls-garbled", SEVERITY_CRITICAL)->suppressed = true;
    assert_int_equal(judge_at(SESSION_EHLO_DONE), INCIDENT_SILENT);
    assert_null(f.s.memo);
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_SILENT);
    assert_int_equal(counted()->suppressed, 1);
    assert_int_equal(counted()->findings[rule_by_name("starttls-garbled")], 1);
    assert_int_equal(counted()->worst, SEVERITY_INFO);
    fixture_finding(&f, "auth-in-clear", SEVERITY_LOW); /* the next one leads */
    assert_int_equal(judge_at(SESSION_CLOSED), INCIDENT_ALERT);
    assert_int_equal(primary.rule, rule_by_name("auth-in-clear"));
    assert_int_equal(a.supporting_count, 0);
    assert_int_equal(counted()->suppressed, 2);
    assert_int_equal(counted()->worst, SEVERITY_LOW);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_found),
        TEST(test_opens_once),
        TEST(test_severity_rises),
        TEST(test_stronger_rule_takes_the_lead),
        TEST(test_supporting),
        TEST(test_evidence_time),
        TEST(test_round_numbers),
        TEST(test_a_session_counts_once),
        TEST(test_sessions_in_turns),
        TEST(test_a_line_without_its_primary),
        TEST(test_a_hundred_mails),
        TEST(test_a_hundred_mails_of_low_confidence),
        TEST(test_apart),
        TEST(test_subjects),
        TEST(test_many_senders),
        TEST(test_one_session_of_two_groups),
        TEST(test_closes_when_clean),
        TEST(test_not_clean),
        TEST(test_closes_after_a_week),
        TEST(test_clock_runs_backwards),
        TEST(test_path_takes_in),
        TEST(test_taken_in_under_way),
        TEST(test_storm),
        TEST(test_growth_in_a_storm),
        TEST(test_eviction),
        TEST(test_forgotten_under_way),
        TEST(test_suppressed),
        TEST(test_one_domain_is_told_once),
        TEST(test_times_may_be_anything),
        TEST(test_a_storm_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
