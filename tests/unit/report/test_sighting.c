/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sighting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sighting s;
static char why[SIGHTING_WHY];

static enum sighting_kind read_text(const char *text)
{
    static const struct span name[] = {{(const uint8_t *)"alder.example", 13},
                                       {(const uint8_t *)"birch.example", 13}};
    static const struct sighting_own own = {name, 2};
    return sighting_read(span_str(text), &own, &s, why);
}

#define HEAD                                                                                       \
    "\"timestamp\":\"2026-11-21T10:00:00.060400+0000\",\"flow_id\":7,\"event_type\":\"smtp\","     \
    "\"src_ip\":\"::ffff:192.0.2.10\",\"dest_ip\":\"198.51.100.25\",\"dest_port\":25"

static enum sighting_kind read_session(const char *members)
{
    char line[2000];
    snprintf(line, sizeof(line), "{" HEAD ",\"starttls\":{%s}}", members);
    return read_text(line);
}

#define WHOLE   "\"visibility\":\"both\",\"ehlo\":\"complete\","
#define ASKED   "\"offered\":\"yes\",\"asked\":true,"
#define UPGRADE ASKED "\"reply_code\":220,"

/* RFC 8460 section 4.3.1, and what is none of it. */
static void how_a_session_fared(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        enum sighting_outcome outcome;
        enum tlsrpt_result result;
        bool offered;
    } row[] = {
        {WHOLE UPGRADE "\"handshake\":\"complete\",\"verdict\":\"encrypted\"", SIGHTING_SUCCESS, 0,
         true},
        {WHOLE UPGRADE "\"handshake\":\"complete\",\"verdict\":\"unknown\"", SIGHTING_UNKNOWN, 0,
         true},
        {WHOLE UPGRADE "\"handshake\":\"aborted\"", SIGHTING_FAILURE, TLSRPT_VALIDATION_FAILURE,
         true},
        {WHOLE UPGRADE "\"handshake\":\"cleartext\"", SIGHTING_FAILURE, TLSRPT_VALIDATION_FAILURE,
         true},
        {WHOLE ASKED "\"reply_code\":454,\"handshake\":\"refused\"", SIGHTING_FAILURE,
         TLSRPT_STARTTLS_NOT_SUPPORTED, false},
        {WHOLE ASKED "\"handshake\":\"none\"", SIGHTING_UNKNOWN, 0, true}, /* no reply */
        {WHOLE "\"offered\":\"yes\",\"asked\":false", SIGHTING_UNASKED, 0, true},
        {WHOLE "\"offered\":\"yes\"", SIGHTING_UNKNOWN, 0, true},
        {WHOLE "\"offered\":\"no\",\"asked\":false", SIGHTING_FAILURE,
         TLSRPT_STARTTLS_NOT_SUPPORTED, false},
        {WHOLE "\"offered\":\"garbled\"", SIGHTING_FAILURE, TLSRPT_STARTTLS_NOT_SUPPORTED, false},
        {WHOLE "\"offered\":\"conflicting\"", SIGHTING_FAILURE, TLSRPT_STARTTLS_NOT_SUPPORTED,
         false},
        {WHOLE "\"offered\":\"unknown\"", SIGHTING_UNKNOWN, 0, false},
        {"\"visibility\":\"client\",\"ehlo\":\"none\",\"offered\":\"unknown\"", SIGHTING_UNKNOWN, 0,
         false},
        {"\"visibility\":\"server\",\"ehlo\":\"complete\",\"offered\":\"no\"", SIGHTING_UNKNOWN, 0,
         false},
        {"\"visibility\":\"partial\",\"ehlo\":\"gap\",\"offered\":\"unknown\"", SIGHTING_UNKNOWN, 0,
         false},
        {"\"visibility\":\"partial\",\"ehlo\":\"complete\",\"offered\":\"no\"", SIGHTING_FAILURE,
         TLSRPT_STARTTLS_NOT_SUPPORTED, false},
        {"\"visibility\":\"partial\",\"ehlo\":\"complete\"," UPGRADE "\"handshake\":\"aborted\"",
         SIGHTING_UNKNOWN, 0, true}, /* what is missing may be the handshake */
        {"\"visibility\":\"both\",\"ehlo\":\"none\",\"offered\":\"unknown\"", SIGHTING_NO_MAIL, 0,
         false},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(read_session(row[i].members), SIGHTING_SESSION);
        if (s.outcome != row[i].outcome || s.offered != row[i].offered ||
            (s.outcome == SIGHTING_FAILURE && s.result != row[i].result))
            fail_msg("%s: %d %d %d", row[i].members, s.outcome, s.result, s.offered);
    }
}

static void whose_session_it_is(void **state)
{
    (void)state;
    assert_int_equal(read_session(WHOLE "\"offered\":\"no\",\"banner\":\"220 mx1.alder.example "
                                        "ESMTP\",\"clear\":{\"mails\":1,\"rcpt_domains\":["
                                        "\"elm.example\",\"BIRCH.example.\"]}"),
                     SIGHTING_SESSION);
    assert_int_equal(s.second, 20778 * 86400 + 36000);
    assert_int_equal(s.flow_id, 7);
    assert_int_equal(s.client.family, 4); /* as IPv6 maps it */
    assert_memory_equal(s.client.address, ((uint8_t[16]){192, 0, 2, 10}), 16);
    assert_memory_equal(s.server.address, ((uint8_t[16]){198, 51, 100, 25}), 16);
    assert_true(s.named && s.clear);
    assert_false(sighting_is_to(&s, 0));
    assert_true(sighting_is_to(&s, 1));
    assert_string_equal(s.helo, "mx1.alder.example");
    assert_int_equal(read_session(WHOLE "\"offered\":\"no\",\"banner\":\"220 a@b ESMTP\""),
                     SIGHTING_SESSION);
    assert_string_equal(s.helo, ""); /* no host has such a name, but a person may */
    assert_false(s.named || s.clear);
}

#define POLICY(source)                                                                             \
    "\"policy\":{\"domain\":\"alder.example\",\"source\":\"" source "\",\"verdict\":\"violated\"},"
#define GOOD "\"handshake\":\"complete\",\"verdict\":\"encrypted\""
#define FINDING(rule, severity)                                                                    \
    ",\"findings\":[{\"rule\":\"" rule "\",\"severity\":\"" severity "\"}]"

static void a_handshake_says_what_failed(void **state)
{
    (void)state;
    const struct sighting_peer none = {.doubt = TLSRPT_RESULT_COUNT};
    struct sighting_peer peer = none;
    static const struct {
        uint8_t alert;
        enum tlsrpt_result result;
    } row[] = {
        {0, TLSRPT_VALIDATION_FAILURE},       {40, TLSRPT_VALIDATION_FAILURE},
        {42, TLSRPT_VALIDATION_FAILURE},      {44, TLSRPT_CERTIFICATE_NOT_TRUSTED},
        {45, TLSRPT_CERTIFICATE_EXPIRED},     {46, TLSRPT_VALIDATION_FAILURE},
        {48, TLSRPT_CERTIFICATE_NOT_TRUSTED},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        peer.alert = row[i].alert;
        assert_int_equal(read_session(WHOLE UPGRADE "\"handshake\":\"aborted\""), SIGHTING_SESSION);
        sighting_join(&s, &peer);
        assert_int_equal(s.result, row[i].result);
    }
    /* a promise that was broken though TLS carried data */
    peer = (struct sighting_peer){.doubt = TLSRPT_CERTIFICATE_EXPIRED};
    read_session(WHOLE UPGRADE POLICY("mta-sts") GOOD FINDING("sts-certificate-invalid", "medium"));
    sighting_join(&s, &peer);
    assert_int_equal(s.outcome, SIGHTING_FAILURE);
    assert_int_equal(s.result, TLSRPT_CERTIFICATE_EXPIRED);
    read_session(WHOLE UPGRADE POLICY("mta-sts") GOOD FINDING("sts-certificate-invalid", "medium"));
    sighting_join(&s, NULL);
    assert_int_equal(s.result, TLSRPT_CERTIFICATE_HOST_MISMATCH);
    read_session(WHOLE UPGRADE POLICY("mta-sts") GOOD FINDING("sts-mx-mismatch", "medium"));
    sighting_join(&s, &peer);
    assert_int_equal(s.result, TLSRPT_VALIDATION_FAILURE);
    read_session(WHOLE UPGRADE POLICY("dane") GOOD);
    sighting_join(&s, &none);
    assert_int_equal(s.policy, TLSRPT_TYPE_TLSA);
    assert_int_equal(s.result, TLSRPT_TLSA_INVALID);
    /* of others, or none: opportunistic TLS minds no certificate */
    read_session(WHOLE UPGRADE POLICY("partner") GOOD);
    sighting_join(&s, &peer);
    assert_int_equal(s.outcome, SIGHTING_SUCCESS);
    assert_int_equal(s.policy, TLSRPT_TYPE_NONE);
}

static void a_handshake_is_read(void **state)
{
    (void)state;
#define TLS "{\"timestamp\":\"2026-11-21T10:00:00.0+0000\",\"event_type\":\"tls\",\"flow_id\":9,"
    assert_int_equal(
        read_text(TLS "\"tls\":{\"sni\":\"mx1.alder.example\"},\"starttls\":{\"peer_certificate\":"
                      "{\"trust\":\"self-signed\",\"dates\":\"ok\"},\"alerts\":[{\"direction\":"
                      "\"to_server\",\"level\":2,\"description\":48},{\"direction\":\"to_client\","
                      "\"description\":70}]}}"),
        SIGHTING_HANDSHAKE);
    assert_int_equal(s.flow_id, 9);
    assert_string_equal(s.peer.sni, "mx1.alder.example");
    assert_int_equal(s.peer.doubt, TLSRPT_CERTIFICATE_NOT_TRUSTED);
    assert_int_equal(s.peer.alert, 48);
    assert_int_equal(s.peer.server_alert, 70);
    assert_int_equal(read_text(TLS "\"tls\":{\"sni\":\"x@alder.example\"},\"starttls\":{}}"),
                     SIGHTING_HANDSHAKE);
    assert_string_equal(s.peer.sni, "");
    assert_int_equal(s.peer.doubt, TLSRPT_RESULT_COUNT);
    assert_int_equal(read_text(TLS "\"tls\":{\"sni\":\"x\"}}"), SIGHTING_OTHER); /* Suricata's */
}

static void a_blind_sensor_says_so(void **state)
{
    (void)state;
#define ALERT                                                                                      \
    "{\"timestamp\":\"2026-11-21T10:00:00.0+0000\",\"event_type\":\"alert\",\"alert\":{"           \
    "\"metadata\":{\"rule\":[\"%s\"]}},\"sensor\":{\"seconds\":%s}}"
    char line[400];
    snprintf(line, sizeof(line), ALERT, "coverage-lost", "600");
    assert_int_equal(read_text(line), SIGHTING_BLIND);
    assert_int_equal(s.blind, 600);
    snprintf(line, sizeof(line), ALERT, "coverage-lost", "-9223372036854775807");
    assert_int_equal(read_text(line), SIGHTING_BLIND);
    assert_int_equal(s.blind, 0);
    snprintf(line, sizeof(line), ALERT, "starttls-removed", "600");
    assert_int_equal(read_text(line), SIGHTING_OTHER);
}

static void what_is_broken_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } row[] = {
        {"{", "no JSON"},
        {"[]", "no object with an event_type"},
        {"{\"event_type\":\"smtp\",\"starttls\":{}}", "no timestamp of EVE"},
        {"{" HEAD ",\"starttls\":{}}", "starttls is not as its schema says"},
        {"{\"timestamp\":\"9999-11-21T10:00:00+0000\",\"event_type\":\"smtp\",\"starttls\":{}}",
         "no timestamp of EVE"},
        {"{\"timestamp\":\"2026-11-21T10:00:00+0000\",\"event_type\":\"smtp\",\"src_ip\":\"x\","
         "\"starttls\":{}}",
         "src_ip is no address: 'x'"},
        {"{\"timestamp\":\"2026-11-21T10:00:00+0000\",\"event_type\":\"smtp\",\"src_ip\":\"::1\","
         "\"dest_ip\":\"::2\",\"dest_port\":65536,\"starttls\":{}}",
         "dest_port is no port"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(read_text(row[i].line), SIGHTING_BROKEN);
        if (strncmp(why, row[i].why, strlen(row[i].why)) != 0)
            fail_msg("%s: %s", row[i].line, why);
    }
    assert_int_equal(read_text("{\"event_type\":\"stats\"}"), SIGHTING_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_a_session_fared),          cmocka_unit_test(whose_session_it_is),
        cmocka_unit_test(a_handshake_says_what_failed), cmocka_unit_test(a_handshake_is_read),
        cmocka_unit_test(a_blind_sensor_says_so),       cmocka_unit_test(what_is_broken_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
