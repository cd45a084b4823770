/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "alert/eve_view.h"

static struct format_out out;
static char eve[CAP_JSON_LINE + 64];

/* An alert of ours as far as formats need it; `reason` and `rule` are JSON inside the quotes. */
static struct span alert(const char *rule, const char *severity, const char *reason)
{
    int n = snprintf(
        eve, sizeof(eve),
        "{\"timestamp\":\"2000-02-29T23:59:59.123456+0000\",\"event_type\":\"alert\","
        "\"src_ip\":\"198.51.100.25\",\"src_port\":25,"
        "\"alert\":{\"signature_id\":1320701,\"signature\":\"STRIPWATCH a|b\\\\c\",\"metadata\":{"
        "\"rule\":[\"%s\"],\"severity\":[\"%s\"],\"do_not_block\":[\"true\"]}},"
        "\"starttls\":{\"finding\":{\"reason\":\"%s\"},\"incident\":{\"state\":\"closed\"}}}",
        rule, severity, reason);
    return span_of(eve, (size_t)n);
}

static const char *text(void)
{
    static char copy[sizeof(out.text) + 1];
    memcpy(copy, out.line.p, out.line.n);
    copy[out.line.n] = '\0';
    return copy;
}

static void assert_has(const char *part)
{
    if (!strstr(text(), part))
        fail_msg("no %s in %s", part, text());
}

static void test_escapes(void **state)
{
    (void)state;
    struct span line = alert("starttls-garbled", "high", "a=b\\\\c]\\\"|\\u0000\\u001b\\u202e");
    assert_int_equal(format_line(FORMAT_CEF, line, NULL, &out), FORMAT_OK);
    assert_has("|1320701|STRIPWATCH a\\|b\\\\c|8|");
    assert_has("msg=a\\=b\\\\c]\"|\\\\x00\\\\x1B\\\\xE2\\\\x80\\\\xAE\n");
    assert_int_equal(format_line(FORMAT_RFC5424, line, NULL, &out), FORMAT_OK);
    assert_has("signature=\"STRIPWATCH a|b\\\\c\"");
    assert_int_equal(format_line(FORMAT_ECS, line, NULL, &out), FORMAT_OK);
    assert_has("\"message\":\"a=b\\\\c]\\\"|\\\\x00\\\\x1B\\\\xE2\\\\x80\\\\xAE\"");
    assert_int_equal(format_line(FORMAT_OCSF, line, NULL, &out), FORMAT_OK);
    assert_has("\"type_uid\":200403");
    /* date -u -d '2000-02-29 23:59:59' +%s is 951868799 */
    assert_has("\"time\":951868799123");
}

/* The severities of every format; syslog's beside local0, 16 * 8. */
static void test_severities(void **state)
{
    static const struct {
        const char *name, *in[FORMAT_COUNT];
    } row[] = {
        {"critical", {"", "\"severity\":99", "|10|", "\"severity_id\":5", "<130>1 "}},
        {"high", {"", "\"severity\":73", "|8|", "\"severity_id\":4", "<131>1 "}},
        {"medium", {"", "\"severity\":47", "|6|", "\"severity_id\":3", "<132>1 "}},
        {"low", {"", "\"severity\":21", "|3|", "\"severity_id\":2", "<133>1 "}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        for (int f = FORMAT_ECS; f < FORMAT_COUNT; f++) {
            struct span line = alert("starttls-garbled", row[i].name, "why");
            assert_int_equal(format_line((enum format)f, line, NULL, &out), FORMAT_OK);
            assert_has(row[i].in[f]);
        }
    assert_int_equal(format_line(FORMAT_ECS, alert("x", "info", "why"), NULL, &out), FORMAT_BROKEN);
    assert_int_equal(out.line.n, 0);
}

static void test_carried(void **state)
{
    static const char *const other[] = {"smtp", "tls", "stats"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int n = snprintf(eve, sizeof(eve),
                         "{\"timestamp\":\"2026-11-21T10:00:00.000000+0000\",\"event_type\":"
                         "\"%s\"}\n",
                         other[i]);
        struct span line = span_of(eve, (size_t)n);
        assert_int_equal(format_line(FORMAT_CEF, line, NULL, &out), FORMAT_NOT_CARRIED);
        assert_int_equal(format_line(FORMAT_OCSF, line, NULL, &out), FORMAT_NOT_CARRIED);
        assert_int_equal(format_line(FORMAT_ECS, line, NULL, &out), FORMAT_OK);
        assert_int_equal(format_line(FORMAT_RFC5424, line, NULL, &out), FORMAT_OK);
        assert_int_equal(format_line(FORMAT_EVE, line, NULL, &out), FORMAT_OK);
        assert_string_equal(text(), eve);
    }
}

/* MSGID has 32 characters, HOSTNAME is what the options say where the line does not. */
static void test_header(void **state)
{
    struct format_options o = format_options_default();
    (void)state;
    o.facility = 10;
    o.hostname = "tap one";
    o.reason_only = true;
    struct span line = alert("a rule-of-forty-characters-0123456789-abc", "low", "why");
    assert_int_equal(format_line(FORMAT_RFC5424, line, &o, &out), FORMAT_OK);
    assert_has("<85>1 2000-02-29T23:59:59.123456Z tap-one stripwatch - "
               "a-rule-of-forty-characters-01234 [origin ");
    assert_has("] why\n");
    o.facility = 24; /* there is none */
    assert_int_equal(format_line(FORMAT_RFC5424, line, &o, &out), FORMAT_OK);
    assert_has("<133>1 ");
}

static void test_names(void **state)
{
    (void)state;
    for (int f = 0; f < FORMAT_COUNT; f++)
        assert_int_equal(format_by_name(format_text((enum format)f)), f);
    assert_int_equal(format_by_name("ECS"), FORMAT_COUNT);
    assert_int_equal(format_by_name(""), FORMAT_COUNT);
}

static void test_longest(void **state)
{
    static char reason[60000];
    (void)state;
    memset(reason, '=',
           sizeof(reason) - 1); /* twice as long in CEF: it does not fit and is left out */
    struct span line = alert("starttls-garbled", "high", reason);
    for (int f = 0; f < FORMAT_COUNT; f++) {
        assert_int_equal(format_line((enum format)f, line, NULL, &out), FORMAT_OK);
        assert_true(out.line.n <= CAP_FORMAT_LINE);
        assert_int_equal(out.line.p[out.line.n - 1], '\n');
    }
    assert_int_equal(format_line(FORMAT_CEF, line, NULL, &out), FORMAT_OK);
    assert_null(strstr(text(), "msg="));
    memset(eve, ' ', sizeof(eve));
    assert_int_equal(format_line(FORMAT_EVE, span_of(eve, CAP_JSON_LINE), NULL, &out),
                     FORMAT_BROKEN);
}

static void test_times(void **state)
{
    /* date -u -d TIME +%s%3N */
    static const struct {
        const char *time;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00.000000+0000", 0},
        {"1969-12-31T23:59:59.999000+0000", -1},
        {"1999-12-31T23:59:59.999999+0000", 946684799999},
        {"2000-03-01T00:00:00.000000+0000", 951868800000},
        {"1900-03-01T00:00:00.000000+0000", -2203891200000},
        {"2026-11-21T10:00:00.080600+0000", 1795255200080},
        {"2100-03-01T00:00:00.000000+0000", 4107542400000},
    };
    static const char *const bad[] = {
        "",
        "2026-11-21T10:00:00.080600Z",
        "2026-11-21T10:00:00.080600+0100",
        "2026-11-21 10:00:00.080600+0000",
        "2026-00-21T10:00:00.080600+0000",
        "2026-11-00T10:00:00.080600+0000",
        "2026-13-21T10:00:00.080600+0000",
        "2026-11-32T10:00:00.080600+0000",
        "2026-11-21T24:00:00.080600+0000",
        "2026-11-21T10:60:00.080600+0000",
        "2026-11-21T10:00:0x.080600+0000",
        "0000-11-21T10:00:00.080600+0000",
    };
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(eve_view_ms(span_str(good[i].time), &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(eve_view_ms(span_str(bad[i]), &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes), cmocka_unit_test(test_severities),
        cmocka_unit_test(test_carried), cmocka_unit_test(test_header),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_longest),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
