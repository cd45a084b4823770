/* SPDX-License-Identifier: Apache-2.0 */
/* docs/redis.md: which keys a store has of policies, and when they end. */
#include "sensor/stored.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/lookup_json.h"

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  (1795219200 * NS_PER_S)

#define ENFORCE "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n"
#define TESTING "version: STSv1\nmode: testing\nmx: mx.a.test\nmax_age: 86400\n"

static struct store *s;
static struct lookup l;

static int setup(void **state)
{
    char why[STORE_WHY];
    (void)state;
    return store_open(&s, "memory:", NULL, why) == STORE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_close(s);
    return 0;
}

static enum store_status keep(nstime t, enum lookup_sts sts, const char *id, const char *body)
{
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", body);
    l = (struct lookup){.sts = sts, .time = t, .body = body[0] ? copy : NULL, .asked_mx = true};
    l.body_n = strlen(body);
    snprintf(l.id, sizeof(l.id), "%s", id);
    snprintf(l.why, sizeof(l.why), "%s", "why not");
    assert_true(domain_read(span_str("a.test"), &l.domain));
    enum store_status status = stored_lookup(s, store_put, &l, t);
    l.body = NULL;
    return status;
}

static bool there(const char *key, nstime t)
{
    struct store_value v = {0};
    bool found = store_get(s, span_str(key), t, &v) == STORE_OK;
    store_value_fini(&v);
    return found;
}

/* The policy at that key; since when it is the same. */
static nstime is_policy(const char *key, nstime t, nstime fetched, const char *id, const char *body)
{
    struct store_value v = {0};
    struct policy_json j;
    char why[POLICY_JSON_WHY];
    assert_int_equal(store_get(s, span_str(key), t, &v), STORE_OK);
    assert_int_equal(policy_json_read(span_of(v.p, v.n), &j, why), 0);
    assert_string_equal(j.domain.text, "a.test");
    assert_true(j.fetched == fetched);
    assert_string_equal(j.id, id);
    assert_string_equal(j.body, body);
    policy_json_fini(&j);
    store_value_fini(&v);
    return j.since;
}

static void a_policy_and_what_it_replaces(void **state)
{
    (void)state;
    assert_int_equal(keep(START, LOOKUP_STS_POLICY, "1", ENFORCE), STORE_OK);
    is_policy("policy/a.test", START, START, "1", ENFORCE);
    assert_int_equal(keep(START + HOUR, LOOKUP_STS_POLICY, "1", ENFORCE), STORE_OK);
    assert_true(is_policy("policy/a.test", START + HOUR, START + HOUR, "1", ENFORCE) == START);
    assert_false(there("history/a.test/1795219200", START + HOUR)); /* it was the same */
    assert_int_equal(keep(START + 2 * HOUR, LOOKUP_STS_POLICY, "2", TESTING), STORE_OK);
    assert_true(is_policy("policy/a.test", START + 2 * HOUR, START + 2 * HOUR, "2", TESTING) == 0);
    assert_true(is_policy("history/a.test/1795222800", START + 2 * HOUR, START + HOUR, "1",
                          ENFORCE) == START);
    /* an older one comes later, of another sensor */
    assert_int_equal(keep(START - HOUR, LOOKUP_STS_POLICY, "0", ENFORCE), STORE_OK);
    is_policy("policy/a.test", START + 2 * HOUR, START + 2 * HOUR, "2", TESTING);
    is_policy("history/a.test/1795215600", START, START - HOUR, "0", ENFORCE);
}

/* Refreshed each eighteen hours: one record, that holds from the first fetch on. After a time in
 * which it did not hold another begins. */
static void a_policy_that_stays(void **state)
{
    nstime t = START;
    (void)state;
    for (int i = 0; i < 5; i++, t += 18 * HOUR)
        keep(t, LOOKUP_STS_POLICY, "1", ENFORCE);
    t -= 18 * HOUR;
    assert_true(is_policy("policy/a.test", t, t, "1", ENFORCE) == START);
    assert_false(there("history/a.test/1795219200", t));
    keep(t + DAY + NS_PER_S, LOOKUP_STS_POLICY, "1", ENFORCE);
    assert_true(is_policy("policy/a.test", t, t + DAY + NS_PER_S, "1", ENFORCE) == 0);
    assert_true(is_policy("history/a.test/1795478400", t, t, "1", ENFORCE) == START);
}

/* fetch + max_age + a week; ninety days. */
static void when_they_end(void **state)
{
    const nstime end = START + DAY + 7 * DAY;
    (void)state;
    keep(START - HOUR, LOOKUP_STS_POLICY, "1", ENFORCE);
    keep(START, LOOKUP_STS_POLICY, "2", TESTING);
    assert_true(there("policy/a.test", end - 1));
    assert_false(there("policy/a.test", end));
    assert_true(there("history/a.test/1795215600", START + 90 * DAY - 1));
    assert_false(there("history/a.test/1795215600", START + 90 * DAY));
}

static void why_there_is_none(void **state)
{
    static const enum lookup_sts FAILED[] = {LOOKUP_STS_DNS,     LOOKUP_STS_RECORD,
                                             LOOKUP_STS_FETCH,   LOOKUP_STS_WEBPKI,
                                             LOOKUP_STS_INVALID, LOOKUP_STS_REFUSED};
    struct store_value v = {0};
    char why[LOOKUP_JSON_WHY];
    (void)state;
    assert_int_equal(keep(START, LOOKUP_STS_NONE, "", ""), STORE_OK);
    assert_true(there("negative/a.test", START + 4 * HOUR - 1));
    assert_false(there("negative/a.test", START + 4 * HOUR));
    for (size_t i = 0; i < sizeof(FAILED) / sizeof(FAILED[0]); i++) {
        assert_int_equal(keep(START, FAILED[i], "1", ""), STORE_OK);
        assert_int_equal(store_get(s, span_str("negative/a.test"), START, &v), STORE_OK);
        assert_int_equal(lookup_json_read(span_of(v.p, v.n), &l, why), 0);
        assert_int_equal(l.sts, FAILED[i]);
        assert_string_equal(l.why, "why not");
        assert_false(l.asked_mx);
        assert_true(there("negative/a.test", START + 5 * MINUTE - 1));
        assert_false(there("negative/a.test", START + 5 * MINUTE));
        lookup_fini(&l);
    }
    keep(START + MINUTE, LOOKUP_STS_POLICY, "1", ENFORCE); /* there is one now */
    assert_false(there("negative/a.test", START + MINUTE));
    store_value_fini(&v);
}

/* A policy outlives whatever comes after it. */
static void a_failure_takes_nothing_away(void **state)
{
    (void)state;
    keep(START, LOOKUP_STS_POLICY, "1", ENFORCE);
    keep(START + HOUR, LOOKUP_STS_FETCH, "2", "");
    keep(START + 2 * HOUR, LOOKUP_STS_NONE, "", "");
    assert_int_equal(keep(START + 3 * HOUR, LOOKUP_STS_SAME, "1", ""), STORE_OK);
    assert_int_equal(keep(START + 3 * HOUR, LOOKUP_STS_UNASKED, "", ""), STORE_OK);
    assert_int_equal(keep(START + 3 * HOUR, LOOKUP_STS_POLICY, "1", "mode: none"), STORE_WRONG);
    is_policy("policy/a.test", START + 3 * HOUR, START, "1", ENFORCE);
}

static void what_stands_there_and_is_none(void **state)
{
    (void)state;
    assert_int_equal(
        store_put(s, span_str("policy/a.test"), span_str("no JSON"), STORE_NEVER, START), STORE_OK);
    keep(START, LOOKUP_STS_POLICY, "1", ENFORCE);
    is_policy("policy/a.test", START, START, "1", ENFORCE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_policy_and_what_it_replaces),
        TEST(a_policy_that_stays),
        TEST(when_they_end),
        TEST(why_there_is_none),
        TEST(a_failure_takes_nothing_away),
        TEST(what_stands_there_and_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
