/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/suppress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define END_OF_FEBRUARY (1772323200 * NS_PER_S) /* 2026-03-01T00:00:00Z, by date(1) */

static struct suppress *list;
static char why[CAP_STS_REASON];
static unsigned told, told_line;
static char told_text[80];
static struct session s;
static struct judgement j;
static struct expectation promise;

static void on_ended(void *user, unsigned line, const char *what)
{
    assert_ptr_equal(user, &told);
    told++;
    told_line = line;
    snprintf(told_text, sizeof told_text, "%s", what);
}

static int set_up(void **state)
{
    (void)state;
    told = 0;
    memset(&j, 0, sizeof j);
    s = (struct session){.key = {.family = 4,
                                 .client = {192, 0, 2, 10},
                                 .server = {198, 51, 100, 25},
                                 .client_port = 40001,
                                 .server_port = 25},
                         .now = END_OF_FEBRUARY - 1};
    list = suppress_new(on_ended, &told);
    return list ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    suppress_free(list);
    return 0;
}

static int add(const char *line)
{
    return suppress_read(list, span_str(line), 7, why);
}

static bool silent(const char *rule)
{
    j.finding_count = 1;
    j.finding[0] = (struct finding){.rule = rule_by_name(rule), .severity = SEVERITY_CRITICAL};
    suppress_session(list, &s, &j);
    return j.finding[0].suppressed;
}

static void test_lines(void **state)
{
    static const struct {
        const char *line;
        int rc;
        const char *why;
    } cases[] = {
        {"", 0, ""},
        {"  \t", 0, ""},
        {"# * * *", 0, ""},
        {"starttls-garbled 198.51.100.25 2026-02-28 a firewall", 1, ""},
        {"\tstarttls-garbled\t*\t2026-02-28\ta firewall # of theirs ", 1, ""},
        {"* 2001:db8::/32 2026-02-28 x", 1, ""},
        {"* from:192.0.2.0/24 2024-02-29 x", 1, ""},
        {"mx-spoofed Alder.Example 2026-02-28 x", 1, ""},
        {"starttls 198.51.100.25 2026-02-28 x", -1, "no rule of that name: 'starttls'"},
        {"a-name-that-is-longer-than-any-that-there-is-at-all * 2026-02-28 x", -1, "no rule of"},
        {"mx-spoofed", -1, "does not say what it is about"},
        {"* * 2026-02-28 peace and quiet", -1, "would suppress everything"},
        {"* 198.51.100.25/24 2026-02-28 x", -1, "did you mean 198.51.100.0/24?"},
        {"* 198.51.100.256 2026-02-28 x", -1, "is not an IP address"},
        {"* from:alder.example 2026-02-28 x", -1, "is not an IP address"},
        {"* a_b 2026-02-28 x", -1, "no address, network or name: 'a_b'"},
        {"mx-spoofed *", -1, "has no last day"},
        {"mx-spoofed * 2026-02-29 x", -1, "no last day (YYYY-MM-DD): '2026-02-29'"},
        {"mx-spoofed * 2026-13-01 x", -1, "no last day"},
        {"mx-spoofed * 2026-2-1 x", -1, "no last day"},
        {"mx-spoofed * never x", -1, "no last day"},
        {"mx-spoofed * 2026-02-28T x", -1, "no last day"},
        {"mx-spoofed * 2026-02-28", -1, "gives no reason"},
        {"mx-spoofed * 2026-02-28 # later", -1, "gives no reason"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(add(cases[i].line), cases[i].rc);
        if (cases[i].why[0])
            assert_non_null(strstr(why, cases[i].why));
        else
            assert_string_equal(why, "");
    }
}

static void test_no_more_than_the_cap(void **state)
{
    (void)state;
    for (int i = 0; i < CAP_SUPPRESSIONS; i++)
        assert_int_equal(add("mx-spoofed * 2026-02-28 x"), 1);
    assert_int_equal(add("mx-spoofed * 2026-02-28 x"), -1);
    assert_string_equal(why, "is one entry too many");
}

static void test_rule_and_server(void **state)
{
    (void)state;
    assert_false(silent("starttls-garbled"));
    add("starttls-garbled 198.51.100.0/24 2026-02-28 x");
    assert_true(silent("starttls-garbled"));
    assert_false(silent("starttls-refused"));
    s.key.server[2]++;
    assert_false(silent("starttls-garbled"));
    memcpy(s.key.client, (uint8_t[]){198, 51, 100, 25}, 4); /* that is the client */
    assert_false(silent("starttls-garbled"));
    add("* 198.51.101.25 2026-02-28 x");
    assert_true(silent("starttls-garbled"));
    assert_true(silent("starttls-refused"));
    s.key.family = 6;
    assert_false(silent("starttls-refused"));
}

static void test_client(void **state)
{
    (void)state;
    add("* from:192.0.2.10 2026-02-28 our probe");
    assert_true(silent("auth-in-clear"));
    s.key.client[3]++;
    assert_false(silent("auth-in-clear"));
}

/* Info needs no suppressing, and is not counted as such. */
static void test_info(void **state)
{
    (void)state;
    add("greeting-masked * 2026-02-28 x");
    j.finding_count = 1;
    j.finding[0] = (struct finding){.rule = rule_by_name("greeting-masked")};
    suppress_session(list, &s, &j);
    assert_false(j.finding[0].suppressed);
}

/* What others can make up, such as the name in a greeting, suppresses nothing: names count for
 * farms, for broken promises, and for DNS. */
static void test_names(void **state)
{
    struct discovery d = {.time = END_OF_FEBRUARY - 1};
    struct finding f = {.rule = rule_by_name("mx-spoofed"), .severity = SEVERITY_LOW};
    (void)state;
    add("* alder.example 2026-02-28 x");
    assert_true(domain_read(span_str("alder.example"), &promise.domain));
    j.promise = &promise;
    assert_true(silent("sts-mx-mismatch"));
    assert_false(silent("starttls-garbled"));
    j.promise = NULL;
    assert_false(silent("sts-mx-mismatch"));
    j.finding[0].rule = rule_by_name("starttls-garbled");
    snprintf(j.finding[0].subject_name, sizeof j.finding[0].subject_name, "Alder.example");
    suppress_session(list, &s, &j);
    assert_true(j.finding[0].suppressed);

    assert_true(domain_read(span_str("alder.example"), &d.domain));
    suppress_discovery(list, &d, &f);
    assert_true(f.suppressed);
    assert_true(domain_read(span_str("mx.alder.example"), &d.domain));
    suppress_discovery(list, &d, &f);
    assert_false(f.suppressed);
    d.host = promise.domain;
    suppress_discovery(list, &d, &f);
    assert_true(f.suppressed);
}

/* It counts to the end of its last day, by the time of the packets, and its end is told once, when
 * it matters. */
static void test_the_end(void **state)
{
    (void)state;
    add("starttls-garbled * 2026-02-28 x");
    assert_true(silent("starttls-garbled"));
    s.now++;
    assert_false(silent("starttls-refused"));
    assert_int_equal(told, 0);
    for (int i = 0; i < 3; i++)
        assert_false(silent("starttls-garbled"));
    assert_int_equal(told, 1);
    assert_int_equal(told_line, 7);
    assert_string_equal(told_text, "counted until 2026-02-28 and suppresses no more");
    s.now--; /* an older capture */
    assert_true(silent("starttls-garbled"));
    add("starttls-garbled * 2026-03-01 x"); /* prolonged */
    s.now++;
    assert_true(silent("starttls-garbled"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines),   TEST(test_no_more_than_the_cap),
        TEST(test_info),    TEST(test_rule_and_server),
        TEST(test_client),  TEST(test_names),
        TEST(test_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
