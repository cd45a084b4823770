/* SPDX-License-Identifier: Apache-2.0 */
/* What others write down of policies: records, lists, and another program's cache. */
#include "policy/policy_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/partner.h"
#include "policy/preload.h"
#include "policy/resolver_cache.h"

static const struct siphash_key key = {1, 2};
static struct policy_json j;
static char why[CAP_STS_REASON];

static int read_record(const char *text)
{
    policy_json_fini(&j);
    return policy_json_read(span_str(text), &j, why);
}

static void a_record_comes_back_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(
        read_record("{\"domain\":\"Alder.example.\",\"fetched\":\"2026-11-21T00:00:00Z\","
                    "\"id\":\"a1\",\"body\":\"version: STSv1\\n\"}"),
        0);
    assert_string_equal(j.domain.text, "alder.example");
    assert_true(j.fetched == 1795219200 * NS_PER_S);
    assert_string_equal(j.id, "a1");
    assert_string_equal(j.body, "version: STSv1\n");
    char *text = policy_json_text(&j);
    assert_string_equal(text, "{\"domain\":\"alder.example\","
                              "\"fetched\":\"2026-11-21T00:00:00.000000Z\",\"id\":\"a1\","
                              "\"body\":\"version: STSv1\\n\"}");
    free(text);
    assert_int_equal(read_record("{\"domain\":\"a.test\",\"body\":\"\"}"), 0);
    assert_true(j.fetched == INT64_MIN);
    text = policy_json_text(&j);
    assert_string_equal(text, "{\"domain\":\"a.test\",\"body\":\"\"}");
    free(text);
    assert_int_equal(read_record("{\"domain\":\"a.test\",\"fetched\":1795219200,"
                                 "\"since\":\"2026-11-20T00:00:00Z\",\"body\":\"x\"}"),
                     0);
    assert_true(j.since == 1795132800 * NS_PER_S);
    text = policy_json_text(&j);
    assert_string_equal(text, "{\"domain\":\"a.test\",\"fetched\":\"2026-11-21T00:00:00.000000Z\","
                              "\"since\":\"2026-11-20T00:00:00.000000Z\",\"body\":\"x\"}");
    free(text);
    j.body[0] = (char)0xFF;
    j.body_n = 1;
    assert_null(policy_json_text(&j));
    policy_json_fini(&j);
}

static void records_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"domain\":\"a.test\"}",
        "{\"body\":\"\"}",
        "{\"domain\":\"a b\",\"body\":\"\"}",
        "{\"domain\":\"a.test\",\"body\":1}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"fetched\":\"yesterday\"}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"fetched\":-1}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"fetched\":99999999999}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"fetched\":1.5}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"fetched\":7,\"since\":8}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"since\":8}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"fetched\":7,\"since\":-1}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"id\":\"\\u001b[31m\"}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"id\":7}",
        "{\"domain\":\"a.test\",\"domain\":\"b.test\",\"body\":\"\"}",
        "{\"domain\":\"a.test\",\"body\":\"\",\"id\":\"012345678901234567890123456789012\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        if (read_record(bad[i]) != -1 || !why[0])
            fail_msg("'%s' was read", bad[i]);
    }
    policy_json_fini(&j);
}

static bool time_is(const char *text, nstime want)
{
    nstime t;
    return policy_json_time(span_str(text), &t) && t == want;
}

/* RFC 3339, the examples of its section 5.8 among them. */
static void times_are_read(void **state)
{
    static const char *const bad[] = {"",
                                      "2020-05-20",
                                      "2020-05-20T10:25:12",
                                      "2020-13-20T10:25:12Z",
                                      "2020-05-20T24:25:12Z",
                                      "2020-05-20T10:25:12.Z",
                                      "2020-05-20T10:25:12Zx",
                                      "2020-05-20T10:25:12+24:00",
                                      "9999-05-20T10:25:12Z",
                                      "99999999999999999999"};
    nstime t;
    (void)state;
    assert_true(time_is("2020-05-20T10:25:12.710034-07:00", 1589995512710034000));
    assert_true(time_is("1985-04-12T23:20:50.52Z", 482196050520000000));
    assert_true(time_is("1996-12-19T16:39:57-08:00", 851042397 * NS_PER_S));
    assert_true(time_is("1990-12-31T23:59:60Z", 662688000 * NS_PER_S)); /* a leap second */
    assert_true(time_is("0", 0) && time_is("1589995512", 1589995512 * NS_PER_S));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (policy_json_time(span_str(bad[i]), &t))
            fail_msg("'%s' was read", bad[i]);
}

#define HEAD                                                                                       \
    "{\"timestamp\":\"2020-05-20T00:00:00+00:00\",\"expires\":1591142400,\"version\":\"0.1\","     \
    "\"policy-aliases\":{\"g\":{\"mode\":\"testing\",\"mxs\":[\".g.test\"]}},"

static void a_list_is_added_to_the_book(void **state)
{
    struct book *b = book_new(&key);
    struct preload out;
    struct domain d, mx;
    bool later;
    (void)state;
    assert_int_equal(
        preload_read(span_str(HEAD "\"policies\":{"
                                   "\"A.test\":{\"policy-alias\":\"g\"},"
                                   "\"b.test\":{\"mode\":\"enforce\",\"mxs\":[\"mx.b.test\"]},"
                                   "\"c.test\":{\"policy-alias\":\"none\"},"
                                   "\"d.test\":{\"mode\":\"none\",\"mxs\":[\"x.test\"]},"
                                   "\"e.test\":{\"mode\":\"enforce\",\"mxs\":[]},"
                                   "\"f.test\":{\"mode\":\"enforce\",\"mxs\":[\"a b\"]},"
                                   "\"g test\":{\"mode\":\"enforce\",\"mxs\":[\"x.test\"]},"
                                   "\"h.test\":7}}"),
                     b, &out),
        0);
    assert_int_equal(out.added, 2);
    assert_int_equal(out.left_out, 6);
    assert_true(out.from == 1589932800 * NS_PER_S && out.until == 1591142400 * NS_PER_S);
    assert_true(domain_read(span_str("a.test"), &d) && domain_read(span_str("mx.g.test"), &mx));
    const struct book_policy *p = book_at(b, &d, EXPECTATION_PRELOAD, out.from, &later);
    assert_non_null(p);
    assert_int_equal(p->mode, STS_MODE_TESTING);
    assert_int_equal(book_match(p, &mx), MX_MATCH_WHOLE);
    assert_null(book_at(b, &d, EXPECTATION_PRELOAD, out.until, &later));
    book_free(b);
}

static void lists_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"version\":\"0.1\"}",
        HEAD "\"policies\":[]}",
        "{\"timestamp\":1,\"expires\":2,\"version\":\"0.2\",\"policies\":{}}",
        "{\"timestamp\":2,\"expires\":2,\"version\":\"0.1\",\"policies\":{}}",
        "{\"timestamp\":\"x\",\"expires\":2,\"version\":\"0.1\",\"policies\":{}}"};
    struct book *b = book_new(&key);
    struct preload out;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (preload_read(span_str(bad[i]), b, &out) != -1 || !out.why[0])
            fail_msg("'%s' was read", bad[i]);
    book_free(b);
}

static void partners_are_read_line_by_line(void **state)
{
    static const char *const bad[] = {"a.test",
                                      "a.test plain",
                                      "a b",
                                      "a.test tls more",
                                      "mx: tls",
                                      "mx:*. tls",
                                      "1.2.3.4 tls",
                                      "a..b tls",
                                      "a.test tls min=1.4",
                                      "a.test tls min=",
                                      "a.test tls spki=12",
                                      "a.test tls issuer=",
                                      "a.test tls min=1.2 more"};
    struct book *b = book_new(&key);
    struct domain d;
    bool later;
    (void)state;
    assert_int_equal(partner_read(span_str(""), b, why), 0);
    assert_int_equal(partner_read(span_str("  # all of them"), b, why), 0);
    assert_int_equal(partner_read(span_str("\tPartner.test\ttls # new"), b, why), 1);
    assert_int_equal(partner_read(span_str("mx:*.host.test tls"), b, why), 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (partner_read(span_str(bad[i]), b, why) != -1 || !why[0])
            fail_msg("'%s' was read", bad[i]);
    assert_true(domain_read(span_str("partner.test"), &d));
    const struct book_policy *p = book_at(b, &d, EXPECTATION_PARTNER, 0, &later);
    assert_non_null(p);
    assert_int_equal(book_match(p, &d), MX_MATCH_WHOLE); /* any host */
    assert_int_equal(book_count(b), 2);
    book_free(b);
}

/* Upper and lower case in digits; the organisation has blanks, and goes to the end of the line. */
static void demands_of_a_partner(void **state)
{
    static const char line[] =
        "p.test tls spki=00FFff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d min=1.3 "
        " issuer=Example Trust Services \t# that one";
    struct book *b = book_new(&key);
    struct domain d;
    bool later;
    (void)state;
    assert_int_equal(partner_read(span_str(line), b, why), 1);
    assert_int_equal(partner_read(span_str("q.test tls"), b, why), 1);
    assert_true(domain_read(span_str("p.test"), &d));
    const struct partner_demand *demand = book_at(b, &d, EXPECTATION_PARTNER, 0, &later)->demand;
    assert_int_equal(demand->version, 0x0304);
    assert_true(demand->pinned);
    assert_int_equal(demand->spki[1], 0xff);
    assert_int_equal(demand->spki[2], 0xff);
    assert_int_equal(demand->spki[31], 0x1d);
    assert_string_equal(demand->issuer, "Example Trust Services");
    assert_true(domain_read(span_str("q.test"), &d));
    demand = book_at(b, &d, EXPECTATION_PARTNER, 0, &later)->demand;
    assert_int_equal(demand->version, 0);
    assert_false(demand->pinned);
    assert_string_equal(demand->issuer, "");
    book_free(b);
}

#define UUID "\x01\x23\x00\x67\x89\xAB\xCD\xEF\x00\xFF\x0A\x0D\x22\x5B\x7B\x00"

static int read_cached(const char *name, const char *json, double score)
{
    char member[512] = UUID;
    size_t n = strlen(json);
    memcpy(member + 16, json, n);
    policy_json_fini(&j);
    return resolver_cache_read(span_str(name), span_of(member, 16 + n), score, &j, why);
}

/* The member that the program's own functions write: 16 bytes, NULs and all, then JSON. */
static void an_entry_of_the_cache_becomes_a_record(void **state)
{
    (void)state;
    assert_int_equal(read_cached("bob.example",
                                 "[\"20260101T000000\", {\"mx\": [\"mx1.bob.example\", "
                                 "\"*.bob.example\"], \"version\": \"STSv1\", "
                                 "\"mode\": \"enforce\", \"max_age\": 604800}]",
                                 1767225600.5),
                     0);
    assert_string_equal(j.domain.text, "bob.example");
    assert_string_equal(j.id, "20260101T000000");
    assert_true(j.fetched == 1767225600 * NS_PER_S + NS_PER_S / 2);
    assert_string_equal(j.body, "version: STSv1\nmode: enforce\nmx: mx1.bob.example\n"
                                "mx: *.bob.example\nmax_age: 604800\n");
    /* An id that is none is left out; a line end would make a field of its own. */
    assert_int_equal(read_cached("a.test",
                                 "[\"\\u001b[31m\", {\"version\": \"STSv1\", \"mode\": \"none\", "
                                 "\"max_age\": 1}]",
                                 1),
                     0);
    assert_string_equal(j.id, "");
    assert_int_equal(read_cached("a.test",
                                 "[\"1\", {\"version\": \"STSv1\\nmode: none\", "
                                 "\"mode\": \"enforce\", \"mx\": [\"a.test\"], \"max_age\": 1}]",
                                 1),
                     -1);
    assert_int_equal(read_cached("a b", "[\"1\", {\"max_age\": 1}]", 1), -1);
    assert_int_equal(read_cached("a.test", "[\"1\"]", 1), -1);
    assert_int_equal(read_cached("a.test", "{}", 1), -1);
    assert_int_equal(read_cached("a.test", "", 1), -1);
    assert_int_equal(read_cached("a.test", "[\"1\", {\"max_age\": \"1\"}]", 1), -1);
    assert_int_equal(read_cached("a.test", "[\"1\", {\"max_age\": 1}]", -1), -1);
    assert_int_equal(read_cached("a.test", "[\"1\", {\"max_age\": 1}]", 1e300), -1);
    policy_json_fini(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(records_that_are_none),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(a_list_is_added_to_the_book),
        cmocka_unit_test(lists_that_are_none),
        cmocka_unit_test(partners_are_read_line_by_line),
        cmocka_unit_test(demands_of_a_partner),
        cmocka_unit_test(an_entry_of_the_cache_becomes_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
