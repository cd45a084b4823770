/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/json_check.h"

static struct json j;

static const char *stats_line(const struct dissect_counters *d, const struct incident_counters *c,
                              const struct eve_options *o)
{
    static const struct history_counters h = {
        .servers = 61,
        .senders = 62,
        .doubts = 63,
        .stops = 64,
        .evicted = {65, 66, 67, 68, 69, 70, 71, 72},
        .layouts_refused = 73,
    };
    eve_stats(&j, 1700000000 * NS_PER_S, d, c, &h, NULL, o);
    struct span s = json_end(&j);
    assert_true(json_check(s.p, s.n));
    if (getenv("SHOW_LINES"))
        fprintf(stderr, "%.*s", (int)s.n, (const char *)s.p);
    j.buf[s.n] = '\0';
    return j.buf;
}

/* Every counter has a value of its own, and every value stands in the line. */
static void test_every_counter(void **state)
{
    struct dissect_counters d;
    struct incident_counters c = {0};
    struct eve_options o = {0};
    uint64_t value[sizeof d / sizeof(uint64_t)];
    (void)state;
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++)
        value[i] = 7000 + i;
    memcpy(&d, value, sizeof d);
    const char *line = stats_line(&d, &c, &o);
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, ":%zu", 7000 + i);
        assert_non_null(strstr(line, text));
    }
}

/* Likewise of look-ups: what a live sensor counts. */
static void test_lookups(void **state)
{
    struct dissect_counters d = {0};
    struct incident_counters c = {0};
    struct history_counters h = {0};
    struct eve_options o = {0};
    struct eve_live live = {0};
    uint64_t value[sizeof live.lookups / sizeof(uint64_t)];
    (void)state;
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++)
        value[i] = 7000 + i;
    memcpy(&live.lookups, value, sizeof live.lookups);
    eve_stats(&j, 1700000000 * NS_PER_S, &d, &c, &h, &live, &o);
    struct span s = json_end(&j);
    assert_true(json_check(s.p, s.n));
    j.buf[s.n] = '\0';
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, ":%zu", 7000 + i);
        assert_non_null(strstr(j.buf, text));
    }
    live.lookups.failures.unanswered = 3;
    eve_stats(&j, 1700000000 * NS_PER_S, &d, &c, &h, &live, &o);
    assert_non_null(strstr(j.buf, "\"unanswered\":3}"));
}

static void test_groups(void **state)
{
    struct dissect_counters d = {.packets = 10,
                                 .bytes = 900,
                                 .malformed_link = 1,
                                 .malformed_ip = 2,
                                 .malformed_tcp = 4,
                                 .ipv4 = 5,
                                 .gaps = 6,
                                 .flows = 8};
    struct incident_counters c = {.sessions = 3,
                                  .suppressed = 6,
                                  .opened = 20,
                                  .ongoing = 5,
                                  .closed = 7,
                                  .absorbed = 8,
                                  .evicted = 4,
                                  .held = 9,
                                  .storms = 1};
    struct eve_options o = {.sensor = "sensor-1"};
    (void)state;
    c.verdicts[VERDICT_OPPORTUNISTIC_CLEAR] = 3;
    c.alerts[SEVERITY_CRITICAL] = 2;
    c.findings[rule_by_name("auth-in-clear")] = 4;
    const char *line = stats_line(&d, &c, &o);
    assert_non_null(strstr(line,
                           "{\"timestamp\":\"2023-11-14T22:13:20.000000+0000\","
                           "\"event_type\":\"stats\",\"host\":\"sensor-1\",\"stats\":"
                           "{\"decoder\":{\"pkts\":10,\"bytes\":900,\"invalid\":7,\"ipv4\":5,"));
    assert_non_null(strstr(line, "\"reassembly_gap\":6"));
    assert_non_null(strstr(line,
                           "\"history\":{\"servers\":61,\"senders\":62,\"doubts\":63,\"stops\":64,"
                           "\"evicted\":{\"servers\":65,\"senders\":66,\"farms\":67,\"pairs\":68,"
                           "\"knocks\":69,\"paths\":70,\"doubts\":71,\"stops\":72},"
                           "\"layouts_refused\":73}"));
    assert_non_null(strstr(line, "\"sessions_closed\":3"));
    assert_non_null(strstr(line, "\"opportunistic-clear\":3"));
    assert_non_null(strstr(line, "\"auth-in-clear\":4"));
    assert_non_null(strstr(line, "\"suppressed\":6,\"incidents\":{\"opened\":20,\"ongoing\":5,"
                                 "\"closed\":7,\"absorbed\":8,\"evicted\":4,\"held\":9,"
                                 "\"storms\":1}"));
    assert_non_null(strstr(line, "\"alerts\":{\"low\":0,\"medium\":0,\"high\":0,\"critical\":2}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_counter),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
