/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct event e;
static char why[EVENT_WHY];

static enum event_kind read_text(const char *text)
{
    why[0] = '\0';
    return event_read(span_str(text), &e, why);
}

#define HEAD                                                                                       \
    "\"timestamp\":\"2026-11-21T10:00:00.060400+0000\",\"event_type\":\"smtp\","                   \
    "\"dest_ip\":\"198.51.100.25\",\"dest_port\":25"

/* A session with these members of starttls, and no findings. */
static enum event_kind read_session(const char *members)
{
    char line[1000];
    snprintf(line, sizeof(line), "{" HEAD ",\"starttls\":{%s,\"findings\":[]}}", members);
    return read_text(line);
}

/* A session of that offer, with one finding. */
static enum event_kind read_finding(const char *offered, const char *rule, const char *severity)
{
    char line[1000];
    snprintf(line, sizeof(line),
             "{" HEAD ",\"starttls\":{\"visibility\":\"both\",\"ehlo\":\"complete\",\"offered\":"
             "\"%s\",\"findings\":[{\"rule\":\"%s\",\"severity\":\"%s\"}]}}",
             offered, rule, severity);
    return read_text(line);
}

#define WHOLE "\"visibility\":\"both\",\"role\":\"unknown\",\"ehlo\":\"complete\""

static void a_session_is_read(void **state)
{
    (void)state;
    assert_int_equal(read_session(WHOLE ",\"offered\":\"yes\",\"verdict\":\"encrypted\""),
                     EVENT_SESSION);
    assert_int_equal(e.day, 20778); /* 56 years of 365 days, 14 leap days, 324 of 2026 */
    assert_int_equal(e.family, 4);
    assert_memory_equal(e.server, ((uint8_t[]){198, 51, 100, 25}), 4);
    assert_int_equal(e.port, 25);
    assert_false(e.implicit || e.handed_in);
    assert_int_equal(e.reply, EVENT_REPLY_WHOLE);
    assert_int_equal(e.states, EVENT_OFFERED | EVENT_ENCRYPTED);
    assert_string_equal(e.vantage.host, "-");
    assert_string_equal(e.vantage.interface, "-");
}

static void days_are_of_utc(void **state)
{
    static const struct {
        const char *time;
        int32_t day; /* of 2026-11-21: 20778 */
    } cases[] = {
        {"2026-11-21T00:00:00.000000+0000", 20778}, {"2026-11-21T23:59:59.999999+0000", 20778},
        {"2026-11-21T00:30:00.000000+0100", 20777}, {"2026-11-21T23:30:00.000000-0100", 20779},
        {"2026-11-21T23:30:00-01:00", 20779},       {"2026-11-21T12:00:00Z", 20778},
        {"1970-01-01T00:00:00.000000+0000", 0},     {"1969-12-31T23:59:59.000000+0000", -1},
        {"2000-02-29T00:00:00.000000+0000", 11016}, {"2000-03-01T00:00:00.000000+0000", 11017},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[1000];
        snprintf(line, sizeof(line),
                 "{\"event_type\":\"smtp\",\"timestamp\":\"%s\",\"dest_ip\":\"2001:db8::25\","
                 "\"dest_port\":25,\"starttls\":{" WHOLE ",\"offered\":\"no\",\"findings\":[]}}",
                 cases[i].time);
        assert_int_equal(read_text(line), EVENT_SESSION);
        assert_int_equal(e.day, cases[i].day);
        assert_int_equal(e.family, 6);
    }
}

static void offers(void **state)
{
    (void)state;
    read_session(WHOLE ",\"offered\":\"no\"");
    assert_int_equal(e.states, 0);
    assert_int_equal(e.reply, EVENT_REPLY_WHOLE);
    read_session(WHOLE ",\"offered\":\"garbled\",\"token\":\"XXXXXXXX\"");
    assert_int_equal(e.states, EVENT_GARBLED);
    assert_string_equal(e.token, "XXXXXXXX");
    read_session(WHOLE ",\"offered\":\"conflicting\"");
    assert_int_equal(e.states, EVENT_REMOVED);
}

/* A gap says nothing about what was offered, and neither does TLS that came all the same: a session
 * counts by what of it was captured, never by how it ended. */
static void without_a_whole_reply_nothing_is_known(void **state)
{
    static const struct {
        const char *members;
        enum event_reply reply;
    } cases[] = {
        {"\"visibility\":\"partial\",\"ehlo\":\"gap\"", EVENT_REPLY_GAP},
        {"\"visibility\":\"both\",\"ehlo\":\"cut\"", EVENT_REPLY_CUT},
        {"\"visibility\":\"both\",\"ehlo\":\"none\"", EVENT_REPLY_NONE},
        {"\"visibility\":\"client\",\"ehlo\":\"none\"", EVENT_REPLY_ONE_SIDED},
        {"\"visibility\":\"both\",\"ehlo\":\"complete\"", EVENT_REPLY_UNDECIDED},
        {"\"visibility\":\"both\",\"ehlo\":\"some new word\"", EVENT_REPLY_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char members[200];
        snprintf(members, sizeof(members), "%s,\"offered\":\"unknown\",\"verdict\":\"encrypted\"",
                 cases[i].members);
        assert_int_equal(read_session(members), EVENT_SESSION);
        assert_int_equal(e.reply, cases[i].reply);
        assert_int_equal(e.states, 0);
    }
}

static void findings_above_info_are_states(void **state)
{
    (void)state;
    read_finding("yes", "starttls-refused", "low");
    assert_int_equal(e.states, EVENT_OFFERED | EVENT_REFUSED);
    read_finding("no", "starttls-refused",
                 "info"); /* asked for without an offer: rightly refused */
    assert_int_equal(e.states, 0);
    read_finding("no", "starttls-removed", "medium");
    assert_int_equal(e.states, EVENT_REMOVED);
    read_finding("no", "sts-offer-missing", "high");
    assert_int_equal(e.states, EVENT_REMOVED);
    read_finding("no", "dane-violated", "high");
    assert_int_equal(e.states, EVENT_REMOVED);
    read_finding("yes", "dane-violated", "high"); /* its certificate, then */
    assert_int_equal(e.states, EVENT_OFFERED);
    read_finding("yes", "certificate-expired", "high");
    assert_int_equal(e.states, EVENT_OFFERED);
}

static void a_refusal_of_ehlo_is_a_whole_reply(void **state)
{
    (void)state;
    read_text("{" HEAD ",\"starttls\":{\"visibility\":\"both\",\"ehlo\":\"none\",\"offered\":"
              "\"unknown\",\"findings\":[{\"rule\":\"ehlo-refused\",\"severity\":\"low\"}]}}");
    assert_int_equal(e.reply, EVENT_REPLY_WHOLE);
    assert_int_equal(e.states, EVENT_REFUSED);
}

static void who_writes_so(void **state)
{
    (void)state;
    read_session(WHOLE ",\"offered\":\"garbled\",\"token\":\"XXXXXXXA\"");
    assert_int_equal(e.cause, CAUSE_CISCO_ESMTP_INSPECTION);
    read_session(WHOLE ",\"offered\":\"garbled\",\"token\":\"XXXXXXXX\","
                       "\"banner\":\"220 mx.example.test ESMTP\"");
    assert_int_equal(e.cause, CAUSE_ON_PATH_REWRITE);
    read_session(WHOLE ",\"offered\":\"garbled\",\"token\":\"XXXXXXXX\","
                       "\"banner\":\"220 ****************\"");
    assert_int_equal(e.cause, CAUSE_CISCO_ESMTP_INSPECTION);
}

static void what_is_not_between_exchangers_is_marked(void **state)
{
    (void)state;
    read_session("\"role\":\"submission\",\"ehlo\":\"complete\",\"offered\":\"yes\"");
    assert_true(e.handed_in);
    read_session("\"role\":\"internal\",\"ehlo\":\"complete\",\"offered\":\"yes\"");
    assert_true(e.handed_in);
    read_session("\"role\":\"mx-out\",\"ehlo\":\"complete\",\"offered\":\"yes\"");
    assert_false(e.handed_in);
    read_session(WHOLE ",\"implicit\":true,\"offered\":\"unknown\"");
    assert_true(e.implicit);
}

/* Whoever wrote the file chose these; a terminal must not get them. */
static void texts_are_printable(void **state)
{
    (void)state;
    read_text("{" HEAD ",\"host\":\"a\\u001b[31mb\",\"in_iface\":\"eth\\n0\",\"starttls\":{" WHOLE
              ",\"offered\":\"garbled\",\"token\":\"\\\\x80X\\u202eY\",\"findings\":[]}}");
    assert_string_equal(e.vantage.host, "a\\x1B[31mb");
    assert_string_equal(e.vantage.interface, "eth\\x0A0");
    assert_string_equal(e.token, "\\x80X\\xE2\\x80\\xAEY"); /* what read escaped stays so */
}

static void long_texts_are_cut(void **state)
{
    char line[2000], token[400];
    (void)state;
    memset(token, 'X', sizeof(token));
    token[sizeof(token) - 1] = '\0';
    snprintf(line, sizeof(line),
             "{" HEAD ",\"starttls\":{" WHOLE
             ",\"offered\":\"garbled\",\"token\":\"%s\",\"findings\":[]}}",
             token);
    assert_int_equal(read_text(line), EVENT_SESSION);
    assert_true(strlen(e.token) < CAP_GARBLE_TEXT);
    assert_string_equal(e.token + strlen(e.token) - 4, "X...");
}

static void others_are_passed_over(void **state)
{
    static const char *const line[] = {
        "{\"event_type\":\"alert\"}", "{\"event_type\":\"stats\",\"stats\":{}}",
        "{\"event_type\":\"smtp\",\"smtp\":{\"helo\":\"a\"}}", /* Suricata's own */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
        assert_int_equal(read_text(line[i]), EVENT_OTHER);
}

static void broken_lines_say_why(void **state)
{
#define STARTTLS ",\"starttls\":{" WHOLE ",\"offered\":\"yes\",\"findings\":[]}}"
#define TIME     "\"timestamp\":\"2026-11-21T10:00:00.060400+0000\","
#define SMTP     "{\"event_type\":\"smtp\","
    static const char *const line[] = {
        "",
        "{",
        "nonsense",
        "[1,2]",
        "{}",
        "null",
        "{\"event_type\":25}",
        "{\"event_type\":\"smtp\",\"starttls\":{}} trailing",
        SMTP "\"dest_ip\":\"192.0.2.1\",\"dest_port\":25" STARTTLS,
        SMTP "\"timestamp\":1700000000,\"dest_ip\":\"192.0.2.1\",\"dest_port\":25" STARTTLS,
        SMTP
        "\"timestamp\":\"2026-13-21T10:00:00+0000\",\"dest_ip\":\"192.0.2.1\",\"dest_port\":25" STARTTLS,
        SMTP
        "\"timestamp\":\"2026-11-21 10:00:00\",\"dest_ip\":\"192.0.2.1\",\"dest_port\":25" STARTTLS,
        SMTP TIME "\"dest_ip\":\"192.0.2.1/24\",\"dest_port\":25" STARTTLS,
        SMTP TIME "\"dest_ip\":[],\"dest_port\":25" STARTTLS,
        SMTP TIME "\"dest_ip\":\"192.0.2.1\",\"dest_port\":65536" STARTTLS,
        SMTP TIME "\"dest_ip\":\"192.0.2.1\",\"dest_port\":-1" STARTTLS,
        SMTP TIME "\"dest_ip\":\"192.0.2.1\",\"dest_port\":\"25\"" STARTTLS,
        "{" HEAD ",\"starttls\":[]}",
        "{" HEAD ",\"starttls\":{\"offered\":true,\"findings\":[]}}",
        "{" HEAD ",\"starttls\":{\"offered\":\"yes\"}}",
        "{" HEAD ",\"starttls\":{\"offered\":\"yes\",\"findings\":[{\"rule\":1}]}}",
        "{" HEAD ",\"starttls\":{\"offered\":\"yes\",\"findings\":[[]]}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
        assert_int_equal(read_text(line[i]), EVENT_BROKEN);
        assert_true(why[0] != '\0');
    }
}

static void deep_nesting_is_no_json(void **state)
{
    size_t n = 1000000;
    char *line = malloc(n + 1);
    (void)state;
    memset(line, '[', n);
    line[n] = '\0';
    assert_int_equal(read_text(line), EVENT_BROKEN);
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_read),
        cmocka_unit_test(days_are_of_utc),
        cmocka_unit_test(offers),
        cmocka_unit_test(without_a_whole_reply_nothing_is_known),
        cmocka_unit_test(findings_above_info_are_states),
        cmocka_unit_test(a_refusal_of_ehlo_is_a_whole_reply),
        cmocka_unit_test(who_writes_so),
        cmocka_unit_test(what_is_not_between_exchangers_is_marked),
        cmocka_unit_test(texts_are_printable),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(others_are_passed_over),
        cmocka_unit_test(broken_lines_say_why),
        cmocka_unit_test(deep_nesting_is_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
