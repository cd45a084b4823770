/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve.h"

#include "dissect/tls_hello.h"
#include "policy/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/alert/fixture.h"
#include "tests/unit/json_check.h"

static struct fixture f;
static struct json j;
static struct eve_options o;
static const char *line;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&f);
    memset(&o, 0, sizeof o);
    return 0;
}

/* Ends the line, checks it, and prints it where SHOW_LINES is set, for the schema check. */
static void end_line(void)
{
    struct span s = json_end(&j);
    assert_true(json_check(s.p, s.n));
    if (getenv("SHOW_LINES"))
        fprintf(stderr, "%.*s", (int)s.n, (const char *)s.p);
    assert_true(s.n < sizeof j.buf);
    j.buf[s.n] = '\0';
    line = j.buf;
}

static void session_line(void)
{
    eve_session(&j, &f.s, &f.j, NULL, &o);
    end_line();
}

static void has(const char *part)
{
    if (!strstr(line, part))
        fail_msg("no %s in %s", part, line);
}

static void has_not(const char *part)
{
    if (strstr(line, part))
        fail_msg("%s in %s", part, line);
}

/* Owners of certificates and programs may write an address anywhere. */
static void test_addresses_in_a_handshake(void **state)
{
    struct certificate c = {.subject = span_str("CN=alice@example.test"),
                            .name = {span_str("bob@example.test")},
                            .name_count = 1};
    const struct tls_client_hello client = {0};
    const struct tls_sighting t = {
        .client = &client,
        .said[SESSION_TO_SERVER] = {.alpn = {span_str("carol@example.test")}, .alpn_count = 1}};
    const struct eve_peer peer = {.certificate = &c};
    (void)state;
    for (int shown = 0; shown < 2; shown++) {
        o.show_addresses = shown;
        eve_tls(&j, &f.s, &t, &peer, &o);
        end_line();
        (shown ? has : has_not)("alice@");
        (shown ? has : has_not)("\"bob@example.test\"");
        (shown ? has : has_not)("carol@");
        if (!shown)
            has("[\"*@example.test\"]");
    }
}

/* The whole line, by the contract and the reference vector of Community ID. */
static void test_session(void **state)
{
    (void)state;
    session_line();
    assert_string_equal(
        line,
        "{\"timestamp\":\"2023-11-14T22:13:20.179999+0000\",\"flow_id\":42945576920139,"
        "\"event_type\":\"smtp\",\"src_ip\":\"192.0.2.10\",\"src_port\":40001,"
        "\"dest_ip\":\"198.51.100.25\",\"dest_port\":25,\"proto\":\"TCP\","
        "\"community_id\":\"1:qd49kQW7x1acVJHd5XUdzuOvP9Q=\","
        "\"smtp\":{\"helo\":\"out.alice.example\",\"mail_from\":\"*@alice.example\","
        "\"rcpt_to\":[\"*@bob.example\"]},"
        "\"starttls\":{\"visibility\":\"both\",\"role\":\"unknown\",\"ehlo\":\"complete\","
        "\"banner\":\"220 mx1.example.test ESMTP Postfix\","
        "\"keywords\":[\"PIPELINING\",\"SIZE\",\"XXXXXXXX\"],\"offered\":\"garbled\",\"slot\":2,"
        "\"token\":\"XXXXXXXX\",\"asked\":false,\"handshake\":\"none\",\"verdict\":\"downgraded\","
        "\"clear\":{\"mails\":1,\"rcpt_domains\":[\"bob.example\"],\"auth\":\"none\",\"bytes\":81},"
        "\"findings\":[]}}\n");
}

static void test_upgrade(void **state)
{
    (void)state;
    f.s.upgrade = UPGRADE_STARTTLS;
    f.s.upgrade_cmd_time = FIXTURE_START;
    f.s.reading.upgrade_time = FIXTURE_START + 11849 * NS_PER_US;
    f.s.reading.upgrade_code = 220;
    f.s.rtt_floor = 11950 * NS_PER_US;
    f.j.handshake = HANDSHAKE_ABORTED;
    f.j.stage = "client-hello";
    f.j.slot = -1;
    session_line();
    has("\"asked\":true,\"reply_code\":220,\"reply_ms\":11.8,\"rtt_floor_ms\":12.0,"
        "\"handshake\":\"aborted\",\"stage\":\"client-hello\"");
    has_not("\"slot\"");
    has_not("\"token\"");
    f.s.upgrade_cmd_time = 0; /* the command was not captured */
    session_line();
    has_not("reply_ms");
}

/* Unknown is absent: what the tap did not show is not said to be missing. */
static void test_unknown_is_absent(void **state)
{
    (void)state;
    memset(&f.s.reading, 0, sizeof f.s.reading);
    f.s.seen[SESSION_TO_SERVER] = false;
    f.s.mails = 0;
    f.s.helo.len = f.s.mail_from.len = f.s.banner.len = 0;
    f.s.rcpt_count = 0;
    f.j.slot = -1;
    session_line();
    has("\"smtp\":{},");
    has("\"ehlo\":\"none\",\"offered\"");
    has_not("asked");
    has_not("clear\":{");
    has_not("reply_");
    has_not("banner");
    has_not("keywords");
    has_not("\"host\"");
    has_not("vlan");
    has_not("pcap_filename");

    fixture_init(&f);
    f.s.gap_bytes[SESSION_TO_SERVER] = 1;
    session_line();
    has_not("asked");
    fixture_init(&f);
    f.s.implicit_tls = true;
    session_line();
    has_not("asked");
    has("\"role\":\"unknown\",\"implicit\":true,");
}

static void test_null_sender_and_empty_token(void **state)
{
    (void)state;
    f.s.mail_from.len = 0;
    f.s.mail_from_null = true;
    f.j.token.len = 0;
    session_line();
    has("\"mail_from\":\"<>\"");
    has("\"slot\":2,\"token\":\"\"");
}

static void test_options(void **state)
{
    static const char *const files[] = {"a.pcap", "dir/b \"x\"\xFF.pcap"};
    (void)state;
    o = (struct eve_options){.sensor = "sensor-1",
                             .interface = (const char *const[]){"lo", "eth0"},
                             .interface_count = 2,
                             .pcap_filename = files,
                             .pcap_count = 2,
                             .community_id_seed = 1};
    f.s.source = 1;
    f.s.vlan[0] = 100;
    f.s.vlan[1] = 7;
    f.s.vlan_count = 2;
    eve_session(&j, &f.s, &f.j, "mx-in", &o);
    end_line();
    has("\"event_type\":\"smtp\",\"vlan\":[100,7],\"src_ip\"");
    has("\"host\":\"sensor-1\",\"in_iface\":\"eth0\",\"pcap_filename\":\"dir/b \\\"x\\\"\\\\xFF.pcap\"");
    has("\"role\":\"mx-in\"");
    has_not("1:qd49kQW7x1acVJHd5XUdzuOvP9Q=");
    f.s.source = 2; /* no such file: the key is absent */
    session_line();
    has_not("pcap_filename");
}

/* Masked in dissect/ already; what slips through is masked here once more. */
static void test_masking(void **state)
{
    (void)state;
    f.s.mail_from = fixture_text(&f, "john@alice.example");
    f.s.rcpt[0] = fixture_text(&f, "mary@bob.example");
    f.s.banner = fixture_text(&f, "220 ask <root@mx.test>");
    session_line();
    has_not("john");
    has_not("mary");
    has("\"banner\":\"220 ask <*@mx.test>\"");
    o.show_addresses = true;
    session_line();
    has("\"mail_from\":\"john@alice.example\"");
    has("\"rcpt_to\":[\"mary@bob.example\"]");
    has("root@mx.test");
}

static void test_findings_in_session(void **state)
{
    char id[IDS_TEXT], expected[300];
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM)->evidence = EVIDENCE_E1 | EVIDENCE_E3;
    fixture_finding(&f, "greeting-masked", SEVERITY_INFO);
    session_line();
    ids_finding(&f.s, &f.j.finding[0], id);
    snprintf(expected, sizeof expected,
             "\"findings\":[{\"rule\":\"starttls-garbled\",\"severity\":\"medium\","
             "\"confidence\":\"high\",\"evidence_class\":[\"E1\",\"E3\"],\"finding_id\":\"%s\"},"
             "{\"rule\":\"greeting-masked\",\"severity\":\"info\"",
             id);
    has(expected);
}

/* The worst that the text pool can hold: the line stays whole, and the findings stand in it. */
static void test_hostile_lists(void **state)
{
    uint8_t junk[160];
    (void)state;
    memset(junk, 0xFF, sizeof junk);
    f.s.reading.line_count = CAP_REPLY_LINES;
    for (int i = 1; i < CAP_REPLY_LINES; i++)
        f.s.reading.line[i] = (struct ehlo_line){fixture_bytes(&f, junk, 96), 96, 96, 0};
    f.s.rcpt_count = f.s.rcpt_domain_count = CAP_RECIPIENTS;
    for (int i = 0; i < CAP_RECIPIENTS; i++)
        f.s.rcpt[i] = f.s.rcpt_domain[i] = fixture_bytes(&f, junk, 160);
    f.s.banner = f.s.helo = f.s.mail_from = fixture_bytes(&f, junk, 160);
    for (int i = 0; i < CAP_FINDINGS; i++)
        fixture_finding(&f, "starttls-command-garbled", SEVERITY_CRITICAL);
    o.pcap_filename = (const char *const[]){"a.pcap"};
    o.pcap_count = 1;
    session_line();
    assert_int_equal(j.truncated, false);
    has("}]},\"truncated\":true}\n");
    size_t findings = 0;
    for (const char *p = line; (p = strstr(p, "starttls-command-garbled")) != NULL; p++)
        findings++;
    assert_int_equal(findings, CAP_FINDINGS);
}

static struct incident_alert made_alert(void)
{
    struct incident_alert a = {.update = 1,
                               .severity = f.j.finding[0].severity,
                               .primary = &f.j.finding[0],
                               .sessions = 1,
                               .servers = 1,
                               .senders = 1};
    a.first = a.last = f.s.now;
    ids_incident(&f.s, a.primary, a.incident);
    ids_finding(&f.s, a.primary, a.finding_id);
    ids_alert(a.incident, 1, NULL, a.id);
    return a;
}

static void alert_line(const struct incident_alert *a)
{
    eve_alert(&j, &f.s, &f.j, a, &o);
    end_line();
}

static void test_alert(void **state)
{
    char expected[200];
    (void)state;
    struct finding *x = fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    struct incident_alert a = made_alert();
    x->tlsrpt = "starttls-not-supported";
    alert_line(&a);
    /* The evidence came from the server, so the server is the source; the flow keeps its client. */
    has("\"event_type\":\"alert\",\"src_ip\":\"198.51.100.25\",\"src_port\":25,"
        "\"dest_ip\":\"192.0.2.10\",\"dest_port\":40001,");
    has("\"direction\":\"to_client\",\"flow\":{\"pkts_toserver\":9,\"pkts_toclient\":9,"
        "\"bytes_toserver\":700,\"bytes_toclient\":701,\"start\":\"2023-11-14T22:13:20.000000+0000\","
        "\"src_ip\":\"192.0.2.10\",\"src_port\":40001,\"dest_ip\":\"198.51.100.25\",\"dest_port\":25}");
    snprintf(expected, sizeof expected,
             "\"alert\":{\"action\":\"allowed\",\"gid\":1,\"signature_id\":%u,\"rev\":1,"
             "\"signature\":\"STRIPWATCH ",
             rule_row(x->rule)->sid);
    has(expected);
    has("\"category\":\"Potentially Bad Traffic\",\"severity\":2,\"metadata\":{\"rule\":"
        "[\"starttls-garbled\"],\"severity\":[\"medium\"],\"confidence\":[\"high\"],"
        "\"evidence_class\":[\"E1\"],\"vantage\":[\"unknown\"],\"verdict\":[\"downgraded\"],"
        "\"cause\":[\"on-path-rewrite\"],\"alternatives\":[\"cisco-esmtp-inspection\"],"
        "\"tlsrpt_result\":[\"starttls-not-supported\"],\"exposure\":[\"mail-in-clear\"],"
        "\"judged\":[\"live\"],");
    has("\"do_not_block\":[\"true\"]");
    has("\"finding\":{\"rule\":\"starttls-garbled\",\"severity\":\"medium\",\"confidence\":\"high\","
        "\"evidence_class\":[\"E1\"],\"cause\":\"on-path-rewrite\",\"alternatives\":"
        "[\"cisco-esmtp-inspection\"],\"finding_id\":");
    has("\"reason\":\"Line 3 of the EHLO reply reads XXXXXXXX.\",\"next_step\":\"openssl s_client "
        "-starttls smtp -connect 198.51.100.25:25\"}");
    has("\"state\":\"open\",\"update\":1,\"primary\":\"starttls-garbled\",\"supporting\":[],"
        "\"subject\":\"server\",\"sessions\":1,\"servers\":1,\"senders\":1,\"first\":\"2023-11-14T22:13:20.179999+0000\"");
}

static void test_alert_to_server(void **state)
{
    (void)state;
    fixture_finding(&f, "auth-in-clear", SEVERITY_CRITICAL)->dir = SESSION_TO_SERVER;
    f.j.finding[0].effect = EFFECT_LOGIN;
    f.j.finding[0].alternative_count = 0;
    struct incident_alert a = made_alert();
    a.update = 3;
    a.state = INCIDENT_ONGOING;
    a.supporting[a.supporting_count++] = rule_by_name("starttls-garbled");
    alert_line(&a);
    has("\"src_ip\":\"192.0.2.10\",\"src_port\":40001,\"dest_ip\":\"198.51.100.25\"");
    has("\"direction\":\"to_server\"");
    has("\"category\":\"Potential Corporate Privacy Violation\",\"severity\":1,");
    has("\"supporting\":[\"starttls-garbled\"],\"severity\":[\"critical\"]");
    has("\"exposure\":[\"login-in-clear\"]");
    has("\"state\":\"ongoing\",\"update\":3");
    has("\"cause\":[\"on-path-rewrite\"],\"exposure\":");
    has_not("tlsrpt_result");
}

static void test_eve_severity(void **state)
{
    static const char *const expected[] = {
        "", "\"severity\":3,\"metadata\"", "\"severity\":2,\"metadata\"",
        "\"severity\":1,\"metadata\"", "\"severity\":1,\"metadata\""};
    (void)state;
    fixture_finding(&f, "command-injection", SEVERITY_LOW);
    struct incident_alert a = made_alert();
    for (enum severity v = SEVERITY_LOW; v < SEVERITY_COUNT; v++) {
        a.severity = v; /* that of the incident counts, and the finding keeps its own */
        alert_line(&a);
        has("\"finding\":{\"rule\":\"command-injection\",\"severity\":\"low\"");
        has(expected[v]);
        has("\"category\":\"Generic Protocol Command Decode\"");
    }
}

/* A reason as long as it may be, of the bytes that grow most. */
static void test_longest_reason(void **state)
{
    (void)state;
    struct finding *x = fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH);
    memset(x->reason, '\\', sizeof x->reason - 1);
    memset(x->next_step, '\xFF', sizeof x->next_step - 1);
    struct incident_alert a = made_alert();
    alert_line(&a);
    has_not("truncated");
    assert_int_equal(j.truncated, false);
}

/* Of many sessions, judged after the fact, with those that led to it. */
static void test_many_sessions(void **state)
{
    (void)state;
    struct finding *x = fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH);
    x->retrospective = true;
    x->linked[0] = 9007199254740991; /* the largest that JavaScript has whole */
    x->linked[1] = 7;
    x->linked_count = 2;
    struct incident_alert a = made_alert();
    a.subject = SUBJECT_PATH;
    a.sessions = 1234;
    a.servers = CAP_INCIDENT_PEERS;
    a.absorbed = 9;
    alert_line(&a);
    has("\"judged\":[\"retrospective\"]");
    has("\"subject\":\"path\",\"sessions\":1234,\"servers\":64,\"senders\":1,\"absorbed\":9,");
    has("\"linked\":[\"9007199254740991\",\"7\"]}}");
    *fixture_finding(&f, "auth-in-clear", SEVERITY_LOW) = *x; /* each once */
    f.j.finding[1].linked[1] = 8;
    session_line();
    has("\"linked\":[\"9007199254740991\",\"7\",\"8\"]}}");
}

static void test_suppressed(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH);
    session_line();
    has_not("suppressed");
    has_not("linked");
    f.j.finding[0].suppressed = true;
    session_line();
    has("\",\"suppressed\":true}]");
}

/* No session is left: the line has the place of the newest evidence, and its own time. */
static void test_closed(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_HIGH);
    struct incident_alert a = made_alert();
    struct incident_place at = {.flow_id = 77,
                                .vlan = {12},
                                .vlan_count = 1,
                                .packets = {3, 4},
                                .wire_bytes = {300, 400},
                                .first = FIXTURE_START - NS_PER_S};
    fixture_key(&at.key);
    at.key.client_port = 50000;
    a.state = INCIDENT_CLOSED;
    a.update = 2;
    a.place = &at;
    a.time = FIXTURE_START + 60 * NS_PER_S;
    eve_closed(&j, &a, &o);
    end_line();
    has("{\"timestamp\":\"2023-11-14T22:14:20.000000+0000\",\"flow_id\":77,"
        "\"event_type\":\"alert\",\"vlan\":[12],\"src_ip\":\"198.51.100.25\"");
    has("\"flow\":{\"pkts_toserver\":3,\"pkts_toclient\":4,\"bytes_toserver\":300,"
        "\"bytes_toclient\":400,\"start\":\"2023-11-14T22:13:19.000000+0000\","
        "\"src_ip\":\"192.0.2.10\",\"src_port\":50000");
    has("\"state\":\"closed\",\"update\":2,");
    has_not("\"verdict\"");
}

static void test_storm(void **state)
{
    (void)state;
    fixture_finding(&f, "starttls-garbled", SEVERITY_LOW);
    struct incident_alert a = made_alert();
    a.update = 0;
    a.hour_opened = 50;
    a.hour_held = 1;
    eve_storm(&j, &f.s, &a, &o);
    end_line();
    has("\"signature_id\":1320899,\"rev\":1,\"signature\":\"STRIPWATCH alert storm: ");
    has("\"severity\":2,\"metadata\":{\"rule\":[\"alert-storm\"]");
    has("\"incidents_alerted\":[\"50\"],\"incidents_held\":[\"1\"]");
}

static void test_ipv6(void **state)
{
    (void)state;
    f.s.key = (struct flow_key){.family = 6,
                                .client = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
                                .server = {0x20, 0x01, 0x0d, 0xb8, [15] = 2},
                                .client_port = 65535,
                                .server_port = 25};
    session_line();
    has("\"src_ip\":\"2001:db8::1\",\"src_port\":65535,\"dest_ip\":\"2001:db8::2\",\"dest_port\":25");
}

static void test_wants(void **state)
{
    (void)state;
    assert_true(eve_wants(&f.s));
    f.s.bytes[0] = f.s.bytes[1] = 0;
    assert_false(eve_wants(&f.s));
    f.s.gap_bytes[1] = 1;
    assert_true(eve_wants(&f.s));
    f.s.gap_bytes[1] = 0;
    f.s.bytes[0] = 1;
    assert_true(eve_wants(&f.s));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_session),
        TEST(test_addresses_in_a_handshake),
        TEST(test_upgrade),
        TEST(test_unknown_is_absent),
        TEST(test_null_sender_and_empty_token),
        TEST(test_options),
        TEST(test_masking),
        TEST(test_findings_in_session),
        TEST(test_hostile_lists),
        TEST(test_alert),
        TEST(test_alert_to_server),
        TEST(test_eve_severity),
        TEST(test_longest_reason),
        TEST(test_many_sessions),
        TEST(test_suppressed),
        TEST(test_closed),
        TEST(test_storm),
        TEST(test_ipv6),
        TEST(test_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
