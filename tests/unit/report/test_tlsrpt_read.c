/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tlsrpt_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 8

static struct {
    struct tlsrpt_report report;
    struct tlsrpt_policy policy[MOST];
    struct tlsrpt_failure failure[MOST];
    size_t reports, policies, failures, problems;
    char told[4000]; /* where=why; of each problem */
} got;

static void on_report(void *user, const struct tlsrpt_report *r)
{
    (void)user;
    got.report = *r;
    got.reports++;
}

static void on_policy(void *user, const struct tlsrpt_policy *p)
{
    (void)user;
    assert_true(got.policies < MOST);
    got.policy[got.policies++] = *p;
}

static void on_failure(void *user, const struct tlsrpt_failure *f)
{
    (void)user;
    if (got.failures < MOST)
        got.failure[got.failures] = *f;
    got.failures++;
}

static void on_problem(void *user, const char *where, const char *why)
{
    (void)user;
    size_t n = strlen(got.told);
    got.problems++;
    snprintf(got.told + n, sizeof(got.told) - n, "%s=%s;", where, why);
}

static int read_span(struct span text)
{
    const struct tlsrpt_reader to = {NULL, on_report, on_policy, on_failure, on_problem};
    memset(&got, 0, sizeof(got));
    return tlsrpt_read(text, &to);
}

static int read_text(const char *text)
{
    return read_span(span_str(text));
}

#define RANGE                                                                                      \
    "\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\",\"end-datetime\":"                \
    "\"2016-04-01T23:59:59Z\"}"
#define POLICY                                                                                     \
    "\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"company-y.example\"},\"summary\":{"   \
    "\"total-successful-session-count\":5326,\"total-failure-session-count\":303}"

/* A report of one policy with these failures. */
static int read_failures(const char *failures)
{
    char text[4000];
    snprintf(text, sizeof(text), "{" RANGE ",\"policies\":[{" POLICY ",\"failure-details\":[%s]}]}",
             failures);
    return read_text(text);
}

/* Appendix B of the RFC, shortened. */
static void the_example_of_the_rfc_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("{\"organization-name\":\"Company-X\"," RANGE ","
                  "\"contact-info\":\"sts-reporting@company-x.example\","
                  "\"report-id\":\"5065427c-23d3-47ca-b6e0-946ea0e8c4be\",\"policies\":[{" POLICY
                  ",\"failure-details\":[{\"result-type\":\"certificate-expired\","
                  "\"sending-mta-ip\":\"2001:db8:abcd:0012::1\","
                  "\"receiving-mx-hostname\":\"mx1.mail.company-y.example\","
                  "\"failed-session-count\":100},{\"result-type\":\"starttls-not-supported\","
                  "\"sending-mta-ip\":\"198.51.100.62\",\"receiving-ip\":\"203.0.113.56\","
                  "\"failed-session-count\":200}]}]}"),
        0);
    assert_int_equal(got.problems, 0);
    assert_string_equal(got.report.organization, "Company-X");
    assert_string_equal(got.report.id, "5065427c-23d3-47ca-b6e0-946ea0e8c4be");
    assert_true(got.report.dated);
    assert_int_equal(got.report.begin, 1459468800); /* date -u -d 2016-04-01 +%s */
    assert_int_equal(got.report.end, 1459468800 + 86399);
    assert_int_equal(got.policies, 1);
    assert_int_equal(got.policy[0].type, TLSRPT_TYPE_STS);
    assert_string_equal(got.policy[0].domain, "company-y.example");
    assert_int_equal(got.policy[0].successes, 5326);
    assert_int_equal(got.policy[0].failures, 303);
    assert_int_equal(got.failures, 2);
    const struct tlsrpt_failure *f = got.failure;
    assert_int_equal(f[0].result, TLSRPT_CERTIFICATE_EXPIRED);
    assert_int_equal(f[0].sender.family, 6);
    assert_memory_equal(f[0].sender.address,
                        ((uint8_t[16]){0x20, 1, 0xD, 0xB8, 0xAB, 0xCD, 0, 0x12, [15] = 1}), 16);
    assert_int_equal(f[0].receiver.family, 0);
    assert_string_equal(f[0].mx, "mx1.mail.company-y.example");
    assert_true(f[0].counted && f[0].sessions == 100);
    assert_int_equal(f[1].result, TLSRPT_STARTTLS_NOT_SUPPORTED);
    assert_memory_equal(f[1].receiver.address, ((uint8_t[16]){203, 0, 113, 56}), 16);
}

static void every_result_of_the_rfc_is_known(void **state)
{
    (void)state;
    /* sections 4.3.1, 4.3.2.1 and 4.3.2.2 */
    static const char *const word[] = {
        "starttls-not-supported", "certificate-host-mismatch",
        "certificate-expired",    "certificate-not-trusted",
        "validation-failure",     "tlsa-invalid",
        "dnssec-invalid",         "dane-required",
        "sts-policy-fetch-error", "sts-policy-invalid",
        "sts-webpki-invalid",
    };
    for (unsigned i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
        enum tlsrpt_result r = tlsrpt_result_of(span_str(word[i]));
        assert_int_not_equal(r, TLSRPT_RESULT_COUNT);
        assert_string_equal(tlsrpt_result_text(r), word[i]);
        assert_int_equal(tlsrpt_is_connected(r), i < 5);
    }
    assert_int_equal(sizeof(word) / sizeof(word[0]), TLSRPT_RESULT_COUNT);
    assert_int_equal(tlsrpt_result_of(span_str("starttls")), TLSRPT_RESULT_COUNT);
}

static void a_mapped_address_is_the_one_it_maps(void **state)
{
    (void)state;
    assert_int_equal(read_failures("{\"result-type\":\"validation-failure\",\"sending-mta-ip\":"
                                   "\"::ffff:c000:0201\",\"receiving-ip\":\"::FFFF:192.0.2.2\","
                                   "\"failed-session-count\":1}"),
                     0);
    assert_int_equal(got.failure[0].sender.family, 4);
    assert_memory_equal(got.failure[0].sender.address, ((uint8_t[16]){192, 0, 2, 1}), 16);
    assert_int_equal(got.failure[0].receiver.family, 4);
    assert_memory_equal(got.failure[0].receiver.address, ((uint8_t[16]){192, 0, 2, 2}), 16);
    assert_int_equal(got.problems, 0);
}

static void what_is_wrong_spoils_nothing_beside_it(void **state)
{
    (void)state;
    assert_int_equal(
        read_failures("7,{\"failed-session-count\":1},"
                      "{\"result-type\":\"no-such-thing\",\"failed-session-count\":1},"
                      "{\"result-type\":\"dane-required\",\"failed-session-count\":-3},"
                      "{\"result-type\":\"dane-required\",\"failed-session-count\":1e300},"
                      "{\"result-type\":\"dane-required\",\"failed-session-count\":1.5},"
                      "{\"result-type\":\"dane-required\"},"
                      "{\"result-type\":\"dane-required\",\"failed-session-count\":"
                      "99999999999999999999,\"sending-mta-ip\":\"192.0.2.256\"},"
                      "{\"result-type\":\"dane-required\",\"failed-session-count\":\"2\"},"
                      "{\"result-type\":\"dane-required\",\"failed-session-count\":2,"
                      "\"receiving-ip\":4}"),
        0);
    assert_int_equal(got.failures, 8);
    assert_int_equal(got.problems, 11);
#define AT "policies[0].failure-details"
    assert_non_null(strstr(got.told, AT "[0]=is no object;"));
    assert_non_null(strstr(got.told, AT "[1].result-type=is missing;"));
    assert_non_null(strstr(got.told, AT "[2].result-type=is none of RFC 8460: 'no-such-thing';"));
    assert_non_null(strstr(got.told, AT "[3].failed-session-count=is no count: '-3';"));
    assert_non_null(strstr(got.told, AT "[4].failed-session-count=is no count: '1"));
    assert_non_null(strstr(got.told, AT "[5].failed-session-count=is no count: '1.5';"));
    assert_non_null(strstr(got.told, AT "[6].failed-session-count=is missing;"));
    assert_non_null(strstr(got.told, AT "[7].failed-session-count=is no count: '1"));
    assert_non_null(strstr(got.told, AT "[7].sending-mta-ip=is no address: '192.0.2.256';"));
    assert_non_null(strstr(got.told, AT "[8].failed-session-count=is no count;"));
    assert_non_null(strstr(got.told, AT "[9].receiving-ip=is no text;"));
#undef AT
    assert_true(got.failure[7].counted && got.failure[7].sessions == 2);
    assert_false(got.failure[1].counted);
}

static void times_may_have_any_zone_or_none(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"date-range\":{\"start-datetime\":\"2023-01-10T00:00:00\","
                               "\"end-datetime\":\"2023-01-11T01:59:59+02:00\"},\"policies\":[]}"),
                     0);
    assert_true(got.report.dated);
    assert_int_equal(got.report.begin, 1673308800); /* date -u -d 2023-01-10 +%s */
    assert_int_equal(got.report.end, 1673308800 + 86399);
    assert_int_equal(got.problems, 0);
}

static void a_range_that_is_none_leaves_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *range, *told;
    } row[] = {
        {"7", "date-range=is no object;"},
        {"{\"start-datetime\":\"2026-11-21T00:00:00Z\"}", "date-range.end-datetime=is missing;"},
        {"{\"start-datetime\":\"2026-11-21\",\"end-datetime\":\"2026-11-21T00:00:00Z\"}",
         "date-range.start-datetime=is no time of RFC 3339: '2026-11-21';"},
        {"{\"start-datetime\":\"2026-11-21T00:00:00Z\",\"end-datetime\":\"2026-11-20T00:00:00Z\"}",
         "date-range=ends before it begins;"},
        {"{\"start-datetime\":\"2026-01-01T00:00:00Z\",\"end-datetime\":\"2026-02-01T00:00:01Z\"}",
         "date-range=is longer than a month;"},
        {"{\"start-datetime\":\"9999-01-01T00:00:00Z\",\"end-datetime\":\"9999-01-01T00:00:01Z\"}",
         "date-range=is of no time in which there are reports;"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char text[1000];
        snprintf(text, sizeof(text),
                 "{\"date-range\":%s,\"policies\":[{" POLICY
                 ",\"failure-details\":[{\"result-type\":\"dane-required\","
                 "\"failed-session-count\":2}]}]}",
                 row[i].range);
        assert_int_equal(read_text(text), 0);
        assert_false(got.report.dated);
        assert_string_equal(got.told, row[i].told);
        assert_int_equal(got.failures, 1);
    }
}

static void what_is_no_report_says_where(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"policies\":\n[1,,2]}"), -1);
    assert_int_equal(strncmp(got.told, "2:4=no JSON: ", 13), 0);
    assert_int_equal(read_text(""), -1);
    assert_int_equal(read_text("[]"), -1);
    assert_int_equal(read_text("{\"event_type\":\"smtp\"}"), -1);
    assert_int_equal(got.problems, 1);
    assert_int_equal(got.reports, 0);
}

static void deep_nesting_is_refused_at_once(void **state)
{
    (void)state;
    const size_t n = 1000000;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '[', n);
    assert_int_equal(read_span(span_of(text, n)), -1);
    assert_non_null(strstr(got.told, "nested deeper"));
    free(text);
    /* brackets in a text are none */
    assert_int_equal(read_text("{\"report-id\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[\",\"policies\":[]}"),
                     0);
}

static void texts_are_made_printable(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"organization-name\":\"a\\u0000b\\u001b[31m\",\"policies\":[],"
                               "\"report-id\":\"\\u202e\"," RANGE "}"),
                     0);
    assert_string_equal(got.report.organization, "a\\x00b\\x1B[31m");
}

static void inner_addresses_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool inner;
    } row[] = {
        {"10.0.0.1", true},
        {"172.15.255.255", false},
        {"172.16.0.0", true},
        {"172.31.255.255", true},
        {"172.32.0.0", false},
        {"192.168.1.1", true},
        {"192.169.0.0", false},
        {"100.64.0.1", true},
        {"100.127.255.255", true},
        {"100.128.0.0", false},
        {"127.0.0.1", true},
        {"169.254.1.1", true},
        {"198.51.100.25", false},
        {"::1", true},
        {"::", true},
        {"::2", false},
        {"fe80::1", true},
        {"febf::1", true},
        {"fec0::1", false},
        {"fc00::1", true},
        {"fdff::1", true},
        {"2001:db8::1", false},
        {"::ffff:10.0.0.1", true},
        {"0.0.0.0", true},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct tlsrpt_host h;
        assert_true(tlsrpt_host_read(span_str(row[i].text), &h));
        if (tlsrpt_host_is_inner(&h) != row[i].inner)
            fail_msg("%s", row[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_read),
        cmocka_unit_test(every_result_of_the_rfc_is_known),
        cmocka_unit_test(a_mapped_address_is_the_one_it_maps),
        cmocka_unit_test(what_is_wrong_spoils_nothing_beside_it),
        cmocka_unit_test(times_may_have_any_zone_or_none),
        cmocka_unit_test(a_range_that_is_none_leaves_the_rest),
        cmocka_unit_test(what_is_no_report_says_where),
        cmocka_unit_test(deep_nesting_is_refused_at_once),
        cmocka_unit_test(texts_are_made_printable),
        cmocka_unit_test(inner_addresses_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
