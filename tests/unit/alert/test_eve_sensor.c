/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_sensor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/json_check.h"

#define ID "0123456789abcdef0123456789abcdef"

static struct json j;

static struct eve_sensor_alert silence(void)
{
    return (struct eve_sensor_alert){.rule = RULE_COVERAGE_LOST,
                                     .what = "no-mail",
                                     .ms = 721000,
                                     .severity = SEVERITY_MEDIUM,
                                     .confidence = CONFIDENCE_HIGH,
                                     .state = INCIDENT_ONGOING,
                                     .update = 2,
                                     .incident = ID,
                                     .id = ID,
                                     .finding_id = ID,
                                     .time = 1700000721 * NS_PER_S,
                                     .first = 1700000000 * NS_PER_S,
                                     .last = 1700000721 * NS_PER_S,
                                     .reason = "No mail for 12 minutes.",
                                     .next_step = "Look at the tap."};
}

static const char *line_of(const struct eve_sensor_alert *a, const struct eve_options *o)
{
    eve_sensor(&j, a, o);
    struct span s = json_end(&j);
    assert_true(json_check(s.p, s.n));
    j.buf[s.n] = '\0';
    return j.buf;
}

/* The whole line, by docs/json.md. */
static void test_whole(void **state)
{
    static const char *const wire[] = {"eth1"};
    struct eve_options o = {.sensor = "sensor-1", .interface = wire, .interface_count = 1};
    struct eve_sensor_alert a = silence();
    (void)state;
    assert_string_equal(
        line_of(&a, &o),
        "{\"timestamp\":\"2023-11-14T22:25:21.000000+0000\",\"event_type\":\"alert\","
        "\"host\":\"sensor-1\",\"in_iface\":\"eth1\",\"alert\":{\"action\":\"allowed\",\"gid\":1,"
        "\"signature_id\":1320757,\"rev\":1,"
        "\"signature\":\"STRIPWATCH The sensor does not see what it should\","
        "\"category\":\"Misc activity\",\"severity\":2,\"metadata\":{"
        "\"rule\":[\"coverage-lost\"],\"severity\":[\"medium\"],\"confidence\":[\"high\"],"
        "\"judged\":[\"live\"],\"mitre_technique_id\":[\"T1562\"],\"incident\":[\"" ID "\"],"
        "\"alert_id\":[\"" ID "\"],\"finding_id\":[\"" ID "\"]}},"
        "\"sensor\":{\"what\":\"no-mail\",\"seconds\":721.0},"
        "\"starttls\":{\"finding\":{\"rule\":\"coverage-lost\",\"severity\":\"medium\","
        "\"confidence\":\"high\",\"finding_id\":\"" ID "\",\"reason\":\"No mail for 12 minutes.\","
        "\"next_step\":\"Look at the tap.\"},\"incident\":{\"id\":\"" ID "\","
        "\"state\":\"ongoing\",\"update\":2,\"primary\":\"coverage-lost\","
        "\"first\":\"2023-11-14T22:13:20.000000+0000\","
        "\"last\":\"2023-11-14T22:25:21.000000+0000\"}}}\n");
}

/* With several interfaces it is about none of them, and what does not matter is absent. */
static void test_what_does_not_matter_is_absent(void **state)
{
    static const char *const wires[] = {"eth1", "eth2"};
    struct eve_options o = {.interface = wires, .interface_count = 2};
    struct eve_sensor_alert a = silence();
    (void)state;
    a.what = "interface-down";
    a.ms = 0;
    a.count = 1;
    a.of = 2;
    const char *line = line_of(&a, &o);
    assert_null(strstr(line, "in_iface"));
    assert_null(strstr(line, "host"));
    assert_non_null(strstr(line, "\"sensor\":{\"what\":\"interface-down\",\"count\":1,\"of\":2}"));
}

/* A clock that went back. */
static void test_negative(void **state)
{
    struct eve_options o = {0};
    struct eve_sensor_alert a = silence();
    (void)state;
    a.what = "clock-step";
    a.ms = -3600500;
    assert_non_null(
        strstr(line_of(&a, &o), "\"sensor\":{\"what\":\"clock-step\",\"seconds\":-3600.5}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_what_does_not_matter_is_absent),
        cmocka_unit_test(test_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
