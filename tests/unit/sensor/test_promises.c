/* SPDX-License-Identifier: Apache-2.0 */
/* What look-ups of our own teach, and what they have to tell. */
#include "sensor/promises.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/lookup_json.h"
#include "tests/unit/sensor/wire_use.h"

#define HOUR  (3600 * NS_PER_S)
#define START (1795219200 * NS_PER_S)

/* What a look-up says behind domain and time. */
#define POLICY(id, mode)                                                                           \
    "\"sts\":\"policy\",\"id\":\"" id "\",\"body\":\"version: STSv1\\nmode: " mode                 \
    "\\nmx: mx.a.test\\nmax_age: 86400\\n\""
#define FAILED  "\"sts\":\"fetch\",\"id\":\"1\",\"status\":404"
#define NOTHING "\"sts\":\"none\""

static struct promises *p;
static struct discovery found[8];
static size_t n;

static void on_problem(void *user, const char *name, unsigned line, const char *what)
{
    (void)user;
    fail_msg("%s: %u: %s", name, line, what);
}

static int setup(void **state)
{
    static const struct siphash_key key = {1, 2};
    (void)state;
    p = promises_new(&key, on_problem, NULL);
    return p ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    promises_free(p);
    return 0;
}

static void on_found(void *user, const struct discovery *d)
{
    (void)user;
    found[n++] = *d;
}

/* A look-up at that time; how much it tells. */
static size_t look_up(const char *says, nstime t)
{
    static struct lookup l;
    char line[512], why[LOOKUP_JSON_WHY];
    snprintf(line, sizeof(line), "{\"domain\":\"a.test\",\"checked\":\"%lld\",%s}",
             (long long)(t / NS_PER_S), says);
    if (lookup_json_read(span_str(line), &l, why))
        fail_msg("%s", why);
    n = 0;
    promises_lookup(p, &l, t, on_found, NULL);
    lookup_fini(&l);
    return n;
}

/* An answer on the tap that there is no MTA-STS record. */
static bool denied(nstime t, struct discovery *out)
{
    struct wire_made *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    struct dns_sighting s = wire_made_dns(w, DNS_TXT, "_mta-sts.a.test");
    w->message.rcode = DNS_NXDOMAIN;
    s.answer_number = 1;
    s.time = s.now = t;
    s.query_time = t - NS_PER_MS;
    bool told = promises_dns(p, &s, out);
    free(w);
    return told;
}

/* RFC 8461 section 5.1: whatever fails, it holds until its end. */
static void a_policy_outlives_failures(void **state)
{
    struct discovery d;
    struct finding f;
    (void)state;
    assert_int_equal(look_up(POLICY("1", "enforce"), START), 0);
    assert_int_equal(promises_count(p), 1);
    assert_int_equal(look_up(FAILED, START + HOUR), 1);
    assert_int_equal(found[0].kind, DISCOVERY_FETCH);
    assert_true(found[0].own && found[0].promised);
    assert_int_equal(look_up(NOTHING, START + 2 * HOUR), 1);
    assert_true(found[0].promised);
    assert_int_equal(promises_count(p), 1);
    denied(START + 24 * HOUR - NS_PER_S, &d);
    assert_true(d.promised && discovery_judge(&d, &f));
    denied(START + 24 * HOUR, &d); /* its max_age is over */
    assert_false(d.promised);
}

/* History is kept: packets of before are judged by what was in force then. */
static void policies_follow_each_other(void **state)
{
    struct discovery d;
    (void)state;
    look_up(POLICY("1", "enforce"), START);
    assert_int_equal(look_up(POLICY("2", "testing"), START + 2 * HOUR), 1);
    assert_int_equal(found[0].policy.weaker, DISCOVERY_WEAKER_MODE);
    assert_int_equal(promises_count(p), 2);
    denied(START + HOUR, &d);
    assert_int_equal(d.promise.mode, STS_MODE_ENFORCE);
    denied(START + 3 * HOUR, &d);
    assert_int_equal(d.promise.mode, STS_MODE_TESTING);
    assert_int_equal(look_up(POLICY("1", "none"), START + HOUR), 0); /* comes late: nothing new */
}

/* The tap's resolver says that there is none; ours, asked because of it, has it. Told once. */
static void a_denial_before_our_answer(void **state)
{
    struct discovery d;
    struct finding f;
    (void)state;
    assert_false(denied(START, &d) && discovery_judge(&d, &f)); /* most domains have none */
    assert_int_equal(look_up(POLICY("1", "enforce"), START + NS_PER_S), 1);
    assert_int_equal(found[0].kind, DISCOVERY_STS);
    assert_int_equal(found[0].answer, DISCOVERY_NONE);
    assert_false(found[0].own); /* the packets are those of the tap */
    assert_true(found[0].elsewhere == START + NS_PER_S);
    assert_true(discovery_judge(&found[0], &f));
    assert_int_equal(f.rule, RULE_STS_RECORD_SUPPRESSED);
    assert_int_equal(f.severity, SEVERITY_LOW); /* it may be that new */
    assert_int_equal(look_up(FAILED, START + 2 * NS_PER_S), 1);
    assert_int_equal(found[0].kind, DISCOVERY_FETCH);
}

static void a_denial_that_we_share(void **state)
{
    struct discovery d;
    struct finding f;
    (void)state;
    denied(START, &d);
    assert_int_equal(look_up(NOTHING, START + NS_PER_S), 1);
    assert_false(discovery_judge(&found[0], &f));
    denied(START, &d); /* an hour later it is another matter */
    assert_int_equal(look_up(POLICY("1", "enforce"), START + 2 * HOUR), 0);
}

/* More domains than are remembered, each with something to compare. */
static void many_domains(void **state)
{
    char line[256];
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct lookup l = {0};
        snprintf(line, sizeof(line), "d%u.test", i);
        assert_true(domain_read(span_str(line), &l.domain));
        l.sts = LOOKUP_STS_FETCH;
        l.id[0] = '1';
        l.time = START + i;
        n = 0;
        promises_lookup(p, &l, l.time, on_found, NULL);
        assert_int_equal(n, 1);
        assert_int_equal(found[0].unanswered, 1);
    }
}

/* Adds a policy of that domain. */
static const char NO_ID[CAP_STS_ID + 1];

static void list(struct lists *l, const char *name, enum book_origin origin)
{
    const char *body = "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n";
    struct domain d;
    assert_true(domain_read(span_str(name), &d));
    sts_policy_read(span_str(body), &l->policy);
    assert_true(lists_enter(l, origin, &d, START, START, NO_ID));
}

/* What lists said before is gone, what we looked up is not, and what the state said stays where it
 * cannot be read now. */
static void lists_take_the_place_of_others(void **state)
{
    static const struct siphash_key key = {5, 6};
    struct lists next;
    (void)state;
    assert_true(lists_init(&next, &key, on_problem, NULL));
    list(&next, "old.test", BOOK_FROM_LIST);
    list(&next, "kept.test", BOOK_FROM_STATE);
    promises_exchange(p, &next, true);
    look_up(POLICY("1", "enforce"), START);
    assert_int_equal(promises_count(p), 3);
    promises_exchange(p, &next, false); /* nothing is in it any more */
    assert_int_equal(promises_count(p), 2);
    lists_fini(&next);
    assert_true(lists_init(&next, &key, on_problem, NULL));
    promises_exchange(p, &next, true);
    assert_int_equal(promises_count(p), 1);
    assert_int_equal(look_up(POLICY("2", "testing"), START + HOUR), 1); /* and is known of */
    list(&next, "a.test", BOOK_FROM_STATE);
    promises_add(p, &next);
    lists_fini(&next);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_policy_outlives_failures),
        TEST(policies_follow_each_other),
        TEST(a_denial_before_our_answer),
        TEST(a_denial_that_we_share),
        TEST(many_domains),
        TEST(lists_take_the_place_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
