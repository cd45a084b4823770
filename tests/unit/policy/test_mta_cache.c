/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mta_cache.h"
#include "policy/tlspol_reply.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct policy_json p;
static char why[POLICY_JSON_WHY];

/* As a file of that name; its time of change is a day and a second after 1970. */
static int read_file(const char *name, const char *text)
{
    struct domain d;
    enum mta_cache_kind kind = mta_cache_kind(span_str(name), span_str(text), &d);
    assert_int_not_equal(kind, MTA_CACHE_NONE);
    assert_string_equal(d.text, "a.test");
    return mta_cache_read(kind, &d, span_str(text), 86401 * NS_PER_S, &p, why);
}

static void of_maddy(void **state)
{
    (void)state;
    assert_int_equal(read_file("a.test", "{\"FetchTime\":\"1970-01-01T00:00:07.5Z\",\"ID\":\"x1\","
                                         "\"Policy\":{\"Mode\":\"enforce\",\"MaxAge\":60,"
                                         "\"MX\":[\"mx.a.test\",\"*.b.test\"]}}"),
                     0);
    assert_true(p.fetched == 7500 * NS_PER_MS);
    assert_string_equal(p.id, "x1");
    assert_string_equal(p.body, "version: STSv1\nmode: enforce\nmx: mx.a.test\nmx: *.b.test\n"
                                "max_age: 60\n");
    policy_json_fini(&p);
    assert_int_equal(read_file("A.test",
                               "{\"FetchTime\":\"1970-01-01T00:00:07+00:00\","
                               "\"Policy\":{\"Mode\":\"none\",\"MaxAge\":0,\"MX\":null}}"),
                     0);
    assert_string_equal(p.id, "");
    policy_json_fini(&p);
}

/* max_age in nanoseconds, and the end of it for the file's time. */
static void of_chasquid(void **state)
{
    (void)state;
    assert_int_equal(read_file("pol:a.test", "{\"version\":\"STSv1\",\"mode\":\"enforce\","
                                             "\"mx\":[\"mx.a.test\"],"
                                             "\"max_age\":86400000000000}"),
                     0);
    assert_true(p.fetched == NS_PER_S);
    assert_string_equal(p.body, "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n");
    policy_json_fini(&p);
}

static void what_is_neither(void **state)
{
    struct domain d;
    const char *const other[][2] = {{"a.test", "[]"},
                                    {"a.test", ""},
                                    {"a.test", "{\"Policy\":{}}"},
                                    {"a.test", "{"},
                                    {"list.json", "{\"policies\":{}}"},
                                    {"pol:-", "{}"},
                                    {"a_b", "{\"FetchTime\":1,\"Policy\":1}"}};
    (void)state;
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_int_equal(mta_cache_kind(span_str(other[i][0]), span_str(other[i][1]), &d),
                         MTA_CACHE_NONE);
}

static void what_is_broken(void **state)
{
    const char *const bad[][2] = {
        {"a.test", "{\"FetchTime\":7,\"Policy\":{\"Mode\":\"enforce\",\"MaxAge\":1}}"},
        {"a.test", "{\"FetchTime\":\"1970-01-01T00:00:07Z\",\"Policy\":{\"Mode\":\"enforce\"}}"},
        {"a.test", "{\"FetchTime\":\"1970-01-01T00:00:07Z\",\"Policy\":[]}"},
        {"pol:a.test", "{\"version\":\"STSv1\",\"mode\":\"none\",\"max_age\":-1}"},
        {"pol:a.test", "{\"version\":\"STSv1\",\"mode\":\"none\",\"max_age\":86402000000000}"},
        {"pol:a.test", "{\"version\":\"STSv1\",\"mode\":\"a\\nb\",\"max_age\":1}"},
        {"pol:a.test", "[1]"},
        {"pol:a.test", "mode: enforce"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        assert_int_equal(read_file(bad[i][0], bad[i][1]), -1);
        assert_non_null(strstr(why, "a.test"));
        policy_json_fini(&p);
    }
}

/* --- postfix-tlspol --- */

static int answer(const char *text)
{
    why[0] = '\0';
    return tlspol_reply_read(span_str(text), 5, &p, why);
}

#define TLSPOL(report)                                                                             \
    "{\"version\":\"1.9\",\"domain\":\"A.test\",\"dane\":{\"policy\":\"\"},"                       \
    "\"mta-sts\":{\"policy\":\"\",\"report\":\"" report "\"}}"

static void of_tlspol(void **state)
{
    (void)state;
    assert_int_equal(answer(TLSPOL("policy_type=sts policy_domain=a.test mx_host_pattern=mx.a.test "
                                   "{ policy_string = version: STSv1 } { policy_string = mode: "
                                   "enforce } { policy_string = mx: mx.a.test } "
                                   "{ policy_string = max_age: 60 }")),
                     0);
    assert_string_equal(p.domain.text, "a.test");
    assert_string_equal(p.body, "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 60\n");
    assert_true(p.fetched == 5);
    policy_json_fini(&p);
    assert_int_equal(answer(TLSPOL("")), 1);
    assert_string_equal(why, "");
    policy_json_fini(&p);
    const char *const bad[] = {TLSPOL("policy_type=sts"),
                               TLSPOL("{ policy_string = mode"),
                               "{}",
                               "[",
                               "{\"domain\":\"a.test\"}",
                               "{\"domain\":1}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(answer(bad[i]), -1);
        assert_non_null(strstr(why, "postfix-tlspol"));
        policy_json_fini(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_maddy),        cmocka_unit_test(of_chasquid),
        cmocka_unit_test(what_is_neither), cmocka_unit_test(what_is_broken),
        cmocka_unit_test(of_tlspol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
