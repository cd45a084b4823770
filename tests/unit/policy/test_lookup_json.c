/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups as lines: what is written is read as it was, and nothing else is read at all. */
#include "policy/lookup_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DIGEST "2fa4000000000000000000000000000000000000000000000000000000000001"
#define BODY   "version: STSv1\\nmode: enforce\\nmx: mx1.alder.example\\nmax_age: 86400\\n"

#define WHOLE                                                                                       \
    "{\"domain\":\"alder.example\",\"checked\":\"2026-11-21T00:00:00.000000Z\","                    \
    "\"sts\":\"policy\",\"record\":\"secure\",\"id\":\"2026\",\"body\":\"" BODY "\","               \
    "\"status\":200,\"issuer\":\"Let's Encrypt\",\"type\":\"text/plain\",\"plain\":true,"           \
    "\"reports\":{\"dnssec\":\"secure\",\"count\":1,\"text\":\"v=TLSRPTv1;\"},"                     \
    "\"mx\":{\"dnssec\":\"secure\","                                                                \
    "\"expansion\":\"real.example\",\"left_out\":68,\"hosts\":[{\"host\":\"mx1.alder.example\","    \
    "\"preference\":10,\"address\":\"secure\",\"base\":\"mx1.alder.example\","                      \
    "\"tlsa\":\"secure\",\"records\":[\"3 1 1 " DIGEST "\",\"2 0 2 " DIGEST DIGEST "\"],"           \
    "\"ttl\":300,\"records_left_out\":4,\"at\":[\"192.0.2.25\",\"2001:db8::25\"],"                  \
    "\"at_left_out\":65535},{\"host\":\"mx2.alder.example\","                                       \
    "\"preference\":20,\"address\":\"insecure\",\"alias\":true,\"tlsa\":\"failed\",\"records\":[]," \
    "\"unusable\":true,\"ttl\":0,\"at\":[]}]}}"

static struct lookup l;
static char why[LOOKUP_JSON_WHY];

static int read_line(const char *text)
{
    lookup_fini(&l);
    return lookup_json_read(span_str(text), &l, why);
}

static void a_line_is_read_and_written_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(read_line(WHOLE), 0);
    assert_string_equal(l.domain.text, "alder.example");
    assert_true(l.time == 1795219200 * NS_PER_S);
    assert_int_equal(l.sts, LOOKUP_STS_POLICY);
    assert_int_equal(l.record, LOOKUP_SECURE);
    assert_string_equal(l.id, "2026");
    assert_int_equal(l.status, 200);
    assert_string_equal(l.issuer, "Let's Encrypt");
    assert_string_equal(l.why, "");
    assert_string_equal(l.type, "text/plain");
    assert_true(l.plain && l.asked_reports);
    assert_int_equal(l.reports, LOOKUP_SECURE);
    assert_int_equal(l.report_records, 1);
    assert_string_equal(l.report, "v=TLSRPTv1;");
    assert_true(l.asked_mx);
    assert_int_equal(l.mx, LOOKUP_SECURE);
    assert_string_equal(l.expansion.text, "real.example");
    assert_int_equal(l.items, 2);
    assert_int_equal(l.items_left_out, 68);
    const struct lookup_mx *m = &l.item[0];
    assert_string_equal(m->host.text, "mx1.alder.example");
    assert_int_equal(m->preference, 10);
    assert_int_equal(m->records, 2);
    assert_true(m->has_tlsa);
    assert_int_equal(m->record[0].usage, TLSA_DANE_EE);
    assert_int_equal(m->record[0].n, 32);
    assert_int_equal(m->record[0].data[0], 0x2f);
    assert_int_equal(m->record[0].data[31], 1);
    assert_int_equal(m->record[1].n, 64);
    assert_int_equal(m->ttl, 300);
    assert_int_equal(m->records_left_out, 4);
    assert_int_equal(m->addresses_left_out, 65535);
    assert_int_equal(m->addresses, 2);
    assert_int_equal(m->at[0].family, 4);
    assert_int_equal(m->at[0].bytes[3], 25);
    assert_int_equal(m->at[1].family, 6);
    assert_int_equal(l.item[1].tlsa, LOOKUP_FAILED);
    assert_true(l.item[1].alias && !l.item[0].alias);
    assert_true(l.item[1].has_tlsa);
    assert_int_equal(l.item[1].records, 0);
    char *text = lookup_json_text(&l);
    assert_string_equal(text, WHOLE);
    free(text);
    lookup_fini(&l);
}

static void what_a_line_may_leave_out(void **state)
{
    (void)state;
    assert_int_equal(read_line("{\"domain\":\"A.test.\",\"checked\":\"1795219200\","
                               "\"sts\":\"none\"}"),
                     0);
    assert_string_equal(l.domain.text, "a.test");
    assert_int_equal(l.sts, LOOKUP_STS_NONE);
    assert_int_equal(l.status, 0);
    assert_null(l.body);
    assert_false(l.asked_mx);
    lookup_fini(&l);
}

/* What a server sent in place of a policy may be any bytes, and the look-up is told all the same.
 */
static void a_body_that_has_no_text(void **state)
{
    static char bytes[] = {(char)0xff, 'x'}, nul[] = {'a', '\0', 'b'};
    (void)state;
    l = (struct lookup){.sts = LOOKUP_STS_INVALID, .body = bytes, .body_n = sizeof(bytes)};
    domain_read(span_str("a.test"), &l.domain);
    char *text = lookup_json_text(&l);
    assert_non_null(text);
    assert_null(strstr(text, "body"));
    free(text);
    l.body = nul;
    l.body_n = sizeof(nul);
    text = lookup_json_text(&l);
    assert_null(strstr(text, "body"));
    free(text);
    l.sts = LOOKUP_STS_POLICY;
    assert_null(lookup_json_text(&l));
    l.body = NULL;
}

#define HEAD     "{\"domain\":\"a.test\",\"checked\":\"1795219200\",\"sts\":"
#define HOST     "\"host\":\"m.test\",\"preference\":1,\"address\":\"secure\",\"tlsa\":\"secure\""
#define WITH(mx) HEAD "\"none\",\"mx\":{\"dnssec\":\"secure\",\"hosts\":[" mx "]}}"

static void lines_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "7",
        HEAD "\"none\"",
        HEAD "\"none\"} {}",
        HEAD "\"none\",\"sts\":\"none\"}",
        HEAD "\"none\",\"other\":1}",
        HEAD "\"None\"}",
        HEAD "\"\"}",
        HEAD "7}",
        HEAD "\"policy\"}",
        HEAD "\"policy\",\"body\":\"mode: enforce\"}",
        HEAD "\"same\"}",
        HEAD "\"none\",\"body\":\"" BODY "\"}",
        HEAD "\"none\",\"id\":\"\"}",
        HEAD "\"none\",\"id\":\"a b\"}",
        HEAD "\"none\",\"id\":\"012345678901234567890123456789012\"}",
        HEAD "\"none\",\"status\":99}",
        HEAD "\"none\",\"status\":600}",
        HEAD "\"none\",\"status\":200.0}",
        HEAD "\"none\",\"record\":\"maybe\"}",
        HEAD "\"none\",\"why\":\"\\u001b[31m\"}",
        HEAD "\"none\",\"why\":\"\\u202e\"}",
        HEAD "\"none\",\"why\":\"a\\u0000b\"}",
        HEAD "\"none\",\"issuer\":7}",
        HEAD "\"none\",\"plain\":1}",
        HEAD "\"none\",\"type\":\"a\\u0007b\"}",
        HEAD "\"none\",\"reports\":{}}",
        HEAD "\"none\",\"reports\":{\"dnssec\":\"secure\",\"count\":256}}",
        HEAD "\"none\",\"reports\":{\"dnssec\":\"sure\",\"count\":1}}",
        HEAD "\"none\",\"reports\":{\"dnssec\":\"secure\",\"count\":1,\"text\":\"\\n\"}}",
        HEAD "\"none\",\"mx\":[]}",
        HEAD "\"none\",\"mx\":{}}",
        HEAD "\"none\",\"mx\":{\"dnssec\":\"secure\"}}",
        HEAD "\"none\",\"mx\":{\"dnssec\":\"sure\",\"hosts\":[]}}",
        HEAD "\"none\",\"mx\":{\"dnssec\":\"secure\",\"hosts\":[],\"expansion\":\"a b\"}}",
        HEAD "\"none\",\"mx\":{\"dnssec\":\"secure\",\"hosts\":[],\"other\":1}}",
        HEAD "\"none\",\"mx\":{\"dnssec\":\"secure\",\"hosts\":[],\"left_out\":0}}",
        HEAD "\"none\",\"mx\":{\"dnssec\":\"secure\",\"hosts\":[],\"left_out\":65536}}",
        WITH("{" HOST ",\"records_left_out\":-1}"),
        WITH("{" HOST ",\"at_left_out\":65536}"),
        "{\"domain\":\"a b\",\"checked\":\"1795219200\",\"sts\":\"none\"}",
        "{\"domain\":\"a.test\",\"checked\":\"yesterday\",\"sts\":\"none\"}",
        "{\"domain\":\"a.test\",\"checked\":1795219200,\"sts\":\"none\"}",
        "{\"domain\":\"a.test\",\"sts\":\"none\"}",
        "{\"checked\":\"1795219200\",\"sts\":\"none\"}",
        WITH("7"),
        WITH("{}"),
        WITH("{" HOST ",\"other\":1}"),
        WITH("{" HOST ",\"preference\":2}"),
        WITH("{" HOST ",\"alias\":\"secure\"}"),
        WITH("{" HOST ",\"ttl\":-1}"),
        WITH("{" HOST ",\"ttl\":2147483648}"),
        WITH("{" HOST ",\"base\":\"a b\"}"),
        WITH("{" HOST ",\"unusable\":1}"),
        WITH("{" HOST ",\"at\":[\"1.2.3\"]}"),
        WITH("{" HOST ",\"at\":[\"1.2.3.4 \"]}"),
        WITH("{" HOST ",\"at\":[7]}"),
        WITH("{" HOST ",\"at\":[\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\","
             "\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\"]}"),
        WITH("{" HOST ",\"records\":[7]}"),
        WITH("{" HOST ",\"records\":[\"\"]}"),
        WITH("{" HOST ",\"records\":[\"3\"]}"),
        WITH("{" HOST ",\"records\":[\"3 1 1\"]}"),
        WITH("{" HOST ",\"records\":[\"3 1 1 \"]}"),
        WITH("{" HOST ",\"records\":[\"3 1 1 2fa4\"]}"),
        WITH("{" HOST ",\"records\":[\"1 1 1 " DIGEST "\"]}"),
        WITH("{" HOST ",\"records\":[\"3 2 1 " DIGEST "\"]}"),
        WITH("{" HOST ",\"records\":[\"3 1 3 " DIGEST "\"]}"),
        WITH("{" HOST ",\"records\":[\"3 1 2 " DIGEST "\"]}"),
        WITH("{" HOST ",\"records\":[\"3 1 1 " DIGEST "00\"]}"),
        WITH("{" HOST ",\"records\":[\"3 1 1 " DIGEST " \"]}"),
        WITH("{\"host\":\"m.test\",\"preference\":65536,\"address\":\"secure\","
             "\"tlsa\":\"secure\"}"),
        WITH("{\"host\":\"m.test\",\"preference\":-1,\"address\":\"secure\",\"tlsa\":\"secure\"}"),
        WITH("{\"host\":\"\",\"preference\":1,\"address\":\"secure\",\"tlsa\":\"secure\"}"),
        WITH("{\"host\":\"m.test\",\"preference\":1,\"address\":\"x\",\"tlsa\":\"secure\"}"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        if (read_line(bad[i]) != -1 || !why[0])
            fail_msg("'%s' was read", bad[i]);
    }
    lookup_fini(&l);
}

static void how_much_is_read(void **state)
{
    const size_t most = CAP_LOOKUP_LINE;
    char *line = malloc(most + 2);
    (void)state;
    assert_non_null(line);
    memset(line, ' ', most + 1);
    memcpy(line, HEAD "\"none\"}", sizeof(HEAD "\"none\"}") - 1);
    assert_int_equal(lookup_json_read(span_of(line, most), &l, why), 0);
    assert_int_equal(lookup_json_read(span_of(line, most + 1), &l, why), -1);
    for (int hosts = CAP_LOOKUP_MX; hosts <= CAP_LOOKUP_MX + 1; hosts++) {
        size_t at = (size_t)snprintf(line, most, "%s",
                                     HEAD "\"none\",\"mx\":{\"dnssec\":"
                                          "\"secure\",\"hosts\":[");
        for (int i = 0; i < hosts; i++)
            at += (size_t)snprintf(line + at, most - at, "%s{" HOST "}", i > 0 ? "," : "");
        snprintf(line + at, most - at, "]}}");
        assert_int_equal(read_line(line), hosts > CAP_LOOKUP_MX ? -1 : 0);
    }
    int head = snprintf(line, most, HEAD "\"invalid\",\"body\":\"");
    memset(line + head, 'x', CAP_STS_BODY + 1);
    memcpy(line + head + CAP_STS_BODY, "\"}", 3);
    assert_int_equal(read_line(line), 0);
    assert_int_equal(l.body_n, CAP_STS_BODY);
    memcpy(line + head + CAP_STS_BODY, "x\"}", 4);
    assert_int_equal(read_line(line), -1);
    lookup_fini(&l);
    free(line);
}

static void what_tells_the_two_kinds_apart(void **state)
{
    (void)state;
    assert_true(lookup_json_is(span_str(WHOLE)));
    assert_true(lookup_json_is(span_str("{ \"checked\" : 7")));
    assert_false(lookup_json_is(span_str("")));
    assert_false(lookup_json_is(span_str("{\"checked\"")));
    assert_false(lookup_json_is(span_str("{\"domain\":\"checked\",\"body\":\"\"}")));
    assert_false(lookup_json_is(span_str("{\"domain\":\"a.test\",\"body\":\"\\\"checked\\\":\"}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_and_written_as_it_was),
        cmocka_unit_test(what_a_line_may_leave_out),
        cmocka_unit_test(a_body_that_has_no_text),
        cmocka_unit_test(lines_that_are_none),
        cmocka_unit_test(how_much_is_read),
        cmocka_unit_test(what_tells_the_two_kinds_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
