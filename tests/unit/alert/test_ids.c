/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/digest.h"
#include "tests/unit/alert/fixture.h"

static struct fixture f;

/* The header's serialization, written out here by hand and hashed. */
static void expect(const char *id, const char *serialization)
{
    uint8_t hash[32];
    char hex[33];
    assert_int_equal(digest_sha256(span_str(serialization), hash), 0);
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(id, hex);
}

static void test_serializations(void **state)
{
    char id[IDS_TEXT];
    (void)state;
    fixture_init(&f);
    struct finding *x = fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    assert_int_equal(ids_finding(&f.s, x, id), 0);
    expect(id, "stripwatch-finding-1\nstarttls-garbled\n"
               "tcp 192.0.2.10 40001 198.51.100.25 25\n305419896\nto_client 187\n");
    assert_int_equal(ids_incident(&f.s, x, id), 0);
    expect(id, "stripwatch-incident-1\nstarttls-garbled\n"
               "tcp 192.0.2.10 40001 198.51.100.25 25\n305419896\n");
    x->subject = SUBJECT_PATH; /* what else the same rule may open with the same session */
    assert_int_equal(ids_incident(&f.s, x, id), 0);
    expect(id, "stripwatch-incident-1\nstarttls-garbled\n"
               "tcp 192.0.2.10 40001 198.51.100.25 25\n305419896\npath\n");
    assert_int_equal(ids_alert("0123456789abcdef0123456789abcdef", 2, "sensor-1", id), 0);
    expect(id, "stripwatch-alert-1\n0123456789abcdef0123456789abcdef\n2\nsensor-1\n");
    assert_int_equal(ids_alert("0123456789abcdef0123456789abcdef", 1, NULL, id), 0);
    expect(id, "stripwatch-alert-1\n0123456789abcdef0123456789abcdef\n1\n-\n");
    f.s.isn_known = false;
    x->dir = SESSION_TO_SERVER;
    assert_int_equal(ids_finding(&f.s, x, id), 0);
    expect(id, "stripwatch-finding-1\nstarttls-garbled\n"
               "tcp 192.0.2.10 40001 198.51.100.25 25\n-\nto_server 187\n");
}

static void test_of_a_sensor(void **state)
{
    char id[IDS_TEXT];
    (void)state;
    assert_int_equal(ids_sensor_incident(RULE_COVERAGE_LOST, "drops", "sensor-1", 1700000000, id),
                     0);
    expect(id, "stripwatch-incident-1\ncoverage-lost\ndrops\nsensor-1\n1700000000\n");
    assert_int_equal(ids_sensor_finding(RULE_MEMORY_STALE, "spool", NULL, 7, id), 0);
    expect(id, "stripwatch-finding-1\nmemory-stale\nspool\n-\n7\n");
}

/* SHA-256 of the first serialization above, by coreutils: the ids are the same for ever. */
static void test_stable(void **state)
{
    char id[IDS_TEXT];
    (void)state;
    fixture_init(&f);
    ids_finding(&f.s, fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM), id);
    assert_string_equal(id, "edc130cbab59eb0009fd7e96ecdf11ec");
}

/* No time, no severity, no counters, and no matter who was taken for the client. */
static void test_independent(void **state)
{
    char one[IDS_TEXT], other[IDS_TEXT];
    (void)state;
    fixture_init(&f);
    struct finding *x = fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    ids_finding(&f.s, x, one);
    f.s.now += NS_PER_S;
    f.s.first -= NS_PER_S;
    f.s.flow_id++;
    x->time = 5;
    x->severity = SEVERITY_CRITICAL;
    x->evidence |= EVIDENCE_E3;
    struct flow_key k = f.s.key;
    memcpy(f.s.key.client, k.server, 16);
    memcpy(f.s.key.server, k.client, 16);
    f.s.key.client_port = k.server_port;
    f.s.key.server_port = k.client_port;
    ids_finding(&f.s, x, other);
    assert_string_equal(one, other);
}

static void test_different(void **state)
{
    char id[6][IDS_TEXT];
    (void)state;
    fixture_init(&f);
    struct finding *x = fixture_finding(&f, "starttls-garbled", SEVERITY_MEDIUM);
    ids_finding(&f.s, x, id[0]);
    x->offset++;
    ids_finding(&f.s, x, id[1]);
    x->rule = rule_by_name("auth-in-clear");
    ids_finding(&f.s, x, id[2]);
    f.s.server_isn++;
    ids_finding(&f.s, x, id[3]);
    f.s.key.client_port++;
    ids_finding(&f.s, x, id[4]);
    f.s.key.family = 6;
    ids_finding(&f.s, x, id[5]);
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(id[a], id[b]);
}

/* A sensor name of any length is no danger. */
static void test_long_sensor(void **state)
{
    char name[2000], id[IDS_TEXT];
    (void)state;
    memset(name, 's', sizeof name);
    for (size_t n = 400; n < sizeof name; n++) {
        name[n] = '\0';
        assert_int_equal(ids_alert("i", UINT32_MAX, name, id), 0);
        assert_int_equal(strlen(id), 32);
        name[n] = 's';
    }
}

/* There is no tuple, and no DNS message that was seen. */
static void test_of_a_lookup(void **state)
{
    char id[IDS_TEXT];
    struct discovery d = {.kind = DISCOVERY_POLICY,
                          .own = true,
                          .time = 1795219200 * NS_PER_S,
                          .asked = 1795219200 * NS_PER_S,
                          .now = 7};
    enum rule_id rule = rule_by_name("sts-policy-weakened");
    (void)state;
    assert_true(domain_read(span_str("rcpt.test"), &d.domain));
    assert_int_equal(ids_discovery_finding(&d, rule, id), 0);
    expect(id, "stripwatch-finding-1\nsts-policy-weakened\nlookup\n1795219200000000000\n"
               "rcpt.test\n0\n");
    assert_int_equal(ids_discovery_incident(&d, rule, id), 0);
    expect(id, "stripwatch-incident-1\nsts-policy-weakened\nlookup\n1795219200000000000\n"
               "rcpt.test\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serializations), cmocka_unit_test(test_stable),
        cmocka_unit_test(test_independent),    cmocka_unit_test(test_different),
        cmocka_unit_test(test_long_sensor),    cmocka_unit_test(test_of_a_sensor),
        cmocka_unit_test(test_of_a_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
