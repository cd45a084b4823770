/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor says of itself: with the largest values it is whole, and what is told wrongly by
 * a process breaks nothing. */
#include "sensor/feed_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sensor/config_load.h"
#include "tests/unit/json_check.h"

static struct feed_status status;
static struct config config;
static struct outlets outlets;
static struct sink sink[OUTLETS];
static struct told_judge said;

static void on_problem(void *user, const struct config_problem *p)
{
    (void)user;
    fail_msg("%s: %s", p->key, p->text);
}

static int setup(void **state)
{
    static const struct config_setting SET[] = {
        {.text = "capture.interfaces=tap0,eth1=client-side"}};
    static const struct config_source from = {.here = "/", .setting = SET, .setting_count = 1};
    (void)state;
    memset(&status, 0, sizeof(status));
    memset(&said, 0, sizeof(said));
    memset(&outlets, 0, sizeof(outlets));
    memset(sink, 0, sizeof(sink));
    return config_read(&config, &from, on_problem, NULL);
}

static int teardown(void **state)
{
    (void)state;
    config_fini(&config);
    return 0;
}

static struct feed_facts facts(void)
{
    return (struct feed_facts){.config = &config,
                               .outlets = &outlets,
                               .why = "",
                               .watching = true,
                               .now = 1700000000 * NS_PER_S};
}

static char text[65536];

static const char *words(void)
{
    const struct feed_facts f = facts();
    struct span s = feed_status_text(&status, &f);
    assert_true(s.n < sizeof(text));
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return text;
}

static const char *json(void)
{
    const struct feed_facts f = facts();
    struct span s = feed_status_json(&status, &f);
    assert_true(s.n < sizeof(text));
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return text;
}

static void told(void)
{
    assert_true(feed_status_judge(&status, span_of(&said, sizeof(said))));
}

static void has(const char *in, const char *what)
{
    if (!strstr(in, what))
        fail_msg("no %s in %s", what, in);
}

static void interfaces_stand_with_their_names(void **state)
{
    (void)state;
    said.sum.interface[1] = (struct told_interface){
        .kernel_packets = 12, .kernel_drops = 3, .interface_drops = 4, .state = 2};
    said.side[0] = (struct told_side){.client_side = 17};
    said.side[1] = (struct told_side){.vantage = 1, .configured = 1};
    told();
    has(words(),
        "eth1            link down, 12 packets, dropped 3 by the kernel and 4 before it\n");
    has(words(), "vantage client-side, configured\n");
    has(words(), "vantage unknown, undecided (client's side: 17 networks, server's side: 0)\n");
    has(json(),
        "{\"name\":\"eth1\",\"link\":\"down\",\"packets\":12,\"kernel_drops\":3,"
        "\"interface_drops\":4,\"vantage\":\"client-side\",\"vantage_from\":\"configured\"");
    assert_true(json_check((const uint8_t *)text, strlen(text)));
}

static void processes(void **state)
{
    struct child_message m = {.order = CHILD_PROCESS,
                              .process = PROCESS_JUDGE,
                              .generation = 2,
                              .from = 1700000000 * NS_PER_S,
                              .to = CHILD_READY};
    (void)state;
    feed_status_process(&status, &m);
    m.to = CHILD_AWAY;
    feed_status_process(&status, &m);
    assert_int_equal(status.processes, 1);
    has(words(), "judge  0  away since 2023-11-14T22:13:20Z, start 2\n");
    m.to = CHILD_STAGE_COUNT; /* nobody of ours */
    feed_status_process(&status, &m);
    m.to = CHILD_READY;
    m.process = PROCESS_COUNT;
    feed_status_process(&status, &m);
    m.process = PROCESS_WATCH;
    for (m.index = 0; m.index < 1000; m.index++)
        feed_status_process(&status, &m);
    assert_int_equal(status.processes, FEED_STATUS_PROCESSES);
}

/* Whatever the values: whole lines, and JSON. */
static void the_largest_values(void **state)
{
    (void)state;
    memset(&said, 0xff, sizeof(said));
    said.zero = 0;
    told();
    for (size_t i = 0; i < OUTLETS; i++) {
        sink[i].state = SINK_BROKEN;
        memset(sink[i].why, '\x1b', SINK_WHY - 1);
        memset(&sink[i].stats, 0xff, sizeof(sink[i].stats));
        outlets.one[i] = (struct outlet){.name = "http", .sink = &sink[i]};
    }
    outlets.count = OUTLETS;
    has(json(), "\"vantage\":\"unknown\"");
    assert_true(json_check((const uint8_t *)text, strlen(text)));
    words();
    assert_int_equal(text[strlen(text) - 1], '\n');
    has(text, "lists  ");
    assert_null(strchr(text, '\x1b'));
}

static void the_metrics_are_not_meant(void **state)
{
    static char metrics[sizeof(struct told_judge)];
    (void)state;
    memset(metrics, '#', sizeof(metrics));
    assert_false(feed_status_judge(&status, span_of(metrics, sizeof(metrics))));
    assert_false(feed_status_judge(&status, span_of(&said, sizeof(said) - 1)));
    assert_false(feed_status_judge(&status, span_of(NULL, 0)));
    has(words(), "no gap is open");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(interfaces_stand_with_their_names),
        CASE(processes),
        CASE(the_largest_values),
        CASE(the_metrics_are_not_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
