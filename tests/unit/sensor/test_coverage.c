/* SPDX-License-Identifier: Apache-2.0 */
/* Days and weeks of a sensor's counters, a second a call. */
#include "sensor/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/json_check.h"

#define START  (1700000000 * NS_PER_S) /* 2023-11-14T22:13:20, a Tuesday */
#define MINUTE 60
#define HOUR   3600
#define DAY    86400

static const struct eve_options EVE = {.sensor = "sensor-1"};
static struct coverage *c;
static struct told_watch sum;
static nstime wall;
static char lines[16][4096]; /* the first ones */
static unsigned line_count;
static enum severity strongest;

static void on_line(void *user, struct desk_mark mark, struct span line)
{
    assert_ptr_equal(user, &sum);
    assert_int_equal(mark.kind, DESK_ALERT);
    assert_true(mark.sid >= 1320700 && mark.sid <= 1320899);
    assert_true(json_check(line.p, line.n));
    assert_true(line.n < sizeof(lines[0]));
    strongest = mark.severity > strongest ? mark.severity : strongest;
    if (line_count < sizeof(lines) / sizeof(lines[0])) {
        memcpy(lines[line_count], line.p, line.n);
        lines[line_count][line.n] = '\0';
    }
    line_count++;
    if (getenv("SHOW_LINES"))
        fprintf(stderr, "%.*s", (int)line.n, (const char *)line.p);
}

static const struct coverage_config USUAL = {.gap = 600 * NS_PER_S, .drops = 1, .eve = &EVE};

static void begin(const struct coverage_config *config)
{
    coverage_free(c);
    c = coverage_new(config, on_line, &sum);
    assert_non_null(c);
    line_count = 0;
    strongest = SEVERITY_INFO;
}

static int set_up(void **state)
{
    (void)state;
    sum = (struct told_watch){.interfaces = 1};
    wall = START;
    begin(&USUAL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    coverage_free(c);
    c = NULL;
    return 0;
}

/* --- what the wire does --- */

static void other(uint64_t packets)
{
    sum.dissect.packets += packets;
    sum.kernel_packets += packets;
    sum.newest = wall;
}

static void mail(uint64_t to_server, uint64_t to_client)
{
    other(to_server + to_client);
    sum.dissect.processed += to_server + to_client;
    sum.dissect.to_client += to_client;
    sum.mail = wall;
}

static void second(void)
{
    wall += NS_PER_S;
    coverage_second(c, wall, &sum);
}

static void silence(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        other(3);
        second();
    }
}

/* A mail in so many seconds, 20 packets of clients and 15 of servers. */
static void traffic(unsigned seconds, unsigned every)
{
    for (unsigned i = 0; i < seconds; i++) {
        if (i % every == 0)
            mail(20, 15);
        second();
    }
}

/* A day of a small site: mail each two minutes by day, none for `night` seconds. */
static void small_day(unsigned night)
{
    traffic(DAY - night, 2 * MINUTE);
    silence(night);
}

/* --- reading lines --- */

static const char *newest(void)
{
    assert_true(line_count > 0 && line_count <= sizeof(lines) / sizeof(lines[0]));
    return lines[line_count - 1];
}

static void has(const char *line, const char *text)
{
    if (!strstr(line, text))
        fail_msg("no %s in %s", text, line);
}

static void told(unsigned count, const char *what, const char *state)
{
    char text[80];
    if (line_count != count)
        fail_msg("%u lines, not %u; the newest: %s", line_count, count, line_count ? newest() : "");
    snprintf(text, sizeof(text), "\"sensor\":{\"what\":\"%s\"", what);
    has(newest(), text);
    snprintf(text, sizeof(text), "\"state\":\"%s\"", state);
    has(newest(), text);
}

static void value_of(const char *line, const char *key, char value[40])
{
    char text[40];
    snprintf(text, sizeof(text), "\"%s\":[\"", key);
    const char *at = strstr(line, text);
    assert_non_null(at);
    snprintf(value, 33, "%s", at + strlen(text));
}

static void same_incident_other_alert(const char *one, const char *two)
{
    char a[40], b[40];
    value_of(one, "incident", a);
    value_of(two, "incident", b);
    assert_string_equal(a, b);
    value_of(one, "finding_id", a);
    value_of(two, "finding_id", b);
    assert_string_equal(a, b);
    value_of(one, "alert_id", a);
    value_of(two, "alert_id", b);
    assert_string_not_equal(a, b);
}

/* --- no mail --- */

static void a_wire_that_dies_is_told_and_comes_back(void **state)
{
    (void)state;
    traffic(2 * DAY, 30);
    assert_int_equal(line_count, 0);
    silence(600 - 29); /* the newest mail was 29 s before */
    assert_int_equal(line_count, 0);
    silence(1); /* the 572nd of silence, each with 3 packets */
    told(1, "no-mail", "open");
    has(newest(), "\"severity\":[\"medium\"]");
    has(newest(), "No packet of mail was seen for 10 min. The longest usual gap here is 30 s. "
                  "1716 other packets came in that time, so the wire is alive.");
    silence(600 * 9);
    told(2, "no-mail", "ongoing");
    has(newest(), "\"update\":2");
    silence(3 * DAY);
    assert_int_equal(line_count, 2);
    traffic(59, 30);
    assert_int_equal(line_count, 2);
    traffic(10, 30);
    told(3, "no-mail", "closed");
    has(newest(), "Mail is seen again. It lasted 3 days 1 h.");
    same_incident_other_alert(lines[0], lines[2]);
}

/* The incident begins with the newest mail. */
static void the_silence_began_before_it_was_told(void **state)
{
    (void)state;
    traffic(DAY + 1, 60); /* the newest mail is in the last second, 2023-11-15T22:13:20 */
    silence(601);
    told(1, "no-mail", "open");
    has(newest(), "\"first\":\"2023-11-15T22:13:21.000000+0000\"");
}

static void a_quiet_night_is_not_told_again(void **state)
{
    (void)state;
    small_day(8 * HOUR);
    told(1, "no-mail", "open"); /* nobody could know */
    has(newest(), "\"severity\":[\"low\"]");
    for (int i = 0; i < 20; i++)
        small_day((unsigned)(6 + i % 3) * HOUR);
    told(2, "no-mail", "closed");
    assert_int_equal(strongest, SEVERITY_LOW);
}

/* Nothing from Friday night to Monday: that is 56 h, and five nights are 40. What has come twice is
 * usual, and so nobody hears of the third weekend and of those after it. */
static void weekends_are_learned(void **state)
{
    (void)state;
    for (int week = 0; week < 6; week++) {
        for (int i = 0; i < 5; i++)
            small_day(8 * HOUR);
        silence(2 * DAY);
        if (week == 1)
            assert_int_equal(line_count, 2 * 3 - 1); /* the first night, and two weekends */
    }
    traffic(DAY, 2 * MINUTE);
    assert_int_equal(line_count, 2 * 3);
}

/* 8 h are usual: it takes five times that. */
static void a_small_site_that_dies_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        small_day(8 * HOUR);
    unsigned before = line_count;
    silence(31 * HOUR);
    assert_int_equal(line_count, before);
    silence(2 * HOUR);
    assert_int_equal(line_count, before + 1);
    has(newest(), "\"severity\":[\"medium\"]");
}

static void what_never_came_is_low_and_then_no_more(void **state)
{
    (void)state;
    for (int i = 0; i < 602; i++)
        second();
    told(1, "no-mail", "open");
    has(newest(), "No packet of mail was seen in the 10 min since the sensor began to look. "
                  "No other packet came either.");
    assert_int_equal(strongest, SEVERITY_LOW);
    silence(DAY);
    told(2, "no-mail", "ongoing");
    assert_int_equal(strongest, SEVERITY_MEDIUM);
}

static void the_gap_is_the_operators(void **state)
{
    struct coverage_config long_gap = USUAL;
    (void)state;
    long_gap.gap = 7200 * NS_PER_S;
    begin(&long_gap);
    traffic(DAY, 30);
    silence(7100);
    assert_int_equal(line_count, 0);
    silence(200);
    told(1, "no-mail", "open");
}

/* --- one direction --- */

static void a_direction_that_goes_away(void **state)
{
    (void)state;
    traffic(2 * HOUR, 5);
    for (unsigned i = 0; i < 40 * MINUTE; i++) {
        mail(4, 0);
        second();
    }
    told(1, "one-direction", "open");
    has(newest(),
        "\"sensor\":{\"what\":\"one-direction\",\"part\":\"to_client\",\"count\":0,\"of\":2400}");
    has(newest(), "were sent by servers: that direction is gone.");
    has(newest(), "\"severity\":[\"medium\"]");
    traffic(40 * MINUTE, 5);
    told(2, "one-direction", "closed");
    has(newest(), "Both directions are seen again.");
}

static void one_sided_from_the_start_is_a_fact(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * DAY; i++) {
        if (i % 10 == 0)
            mail(0, 15);
        second();
    }
    told(1, "one-direction", "open");
    assert_int_equal(strongest, SEVERITY_LOW);
    has(newest(), "were sent by clients: that direction has not been seen since the sensor began");
}

/* Answers to a flood with a false source, ten thousand times the mail: that is still seen. */
static void backscatter_hides_nothing(void **state)
{
    (void)state;
    traffic(2 * HOUR, 5);
    for (unsigned i = 0; i < 2 * HOUR; i++) {
        mail(0, 100000);
        if (i % 5 == 0)
            mail(20, 15);
        second();
    }
    assert_int_equal(line_count, 0);
}

/* Large mails make the receiver's side small, but not so small. */
static void uneven_is_not_one_sided(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DAY; i++) {
        mail(i / HOUR % 2 ? 60 : 4, 3);
        second();
    }
    assert_int_equal(line_count, 0);
}

/* A mirror port that copies each packet twice, and mixes them up. */
static void what_mirror_ports_do_is_normal(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DAY; i++) {
        mail(8, 6);
        sum.dissect.duplicates += 7;
        sum.dissect.reordered += 5;
        sum.dissect.gaps++;
        second();
    }
    assert_int_equal(line_count, 0);
}

/* --- losses --- */

static void lossy(unsigned seconds, unsigned per_mille)
{
    for (unsigned i = 0; i < seconds; i++) {
        mail(500, 500);
        sum.kernel_drops += per_mille;
        second();
    }
}

static void drops_beyond_the_share_are_told(void **state)
{
    (void)state;
    lossy(HOUR, 9);
    assert_int_equal(line_count, 0);
    lossy(2 * MINUTE, 20);
    told(1, "drops", "open");
    has(newest(), "\"severity\":[\"medium\"]");
    lossy(HOUR, 8); /* less than the limit, more than half of it */
    assert_int_equal(line_count, 1);
    lossy(2 * MINUTE, 200);
    told(2, "drops", "ongoing");
    has(newest(), "\"count\":");
    lossy(9 * MINUTE, 0);
    assert_int_equal(line_count, 2);
    lossy(4 * MINUTE, 0);
    told(3, "drops", "closed");
    has(newest(), "Packets are dropped no more. It lasted 64 min.");
}

/* One minute of exactly 2 %. */
static void drops_in_numbers(void **state)
{
    (void)state;
    lossy(5 * MINUTE, 20);
    told(1, "drops", "open");
    has(newest(), "1200 of 60000 packets (2.0 %) of the last minute were dropped");
}

/* Of few packets a few are no share. */
static void few_drops_are_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOUR; i++) {
        if (i % 60 == 0) {
            mail(5, 5);
            sum.interface_drops += 9;
        }
        second();
    }
    assert_int_equal(line_count, 0);
}

/* Drops of before this process began, its first words after some seconds. */
static void what_was_before_is_nothing_new(void **state)
{
    (void)state;
    second();
    sum.kernel_packets = 1000000;
    sum.kernel_drops = 900000;
    sum.shed_urgent = 500;
    sum.steps = 7;
    sum.step = DAY * NS_PER_S;
    sum.dissect.processed = 1000000;
    for (int i = 0; i < 3; i++)
        second();
    traffic(HOUR, 5);
    assert_int_equal(line_count, 0);
}

static void sessions_that_were_not_judged(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    sum.shed += 100000; /* calm ones */
    traffic(10 * MINUTE, 5);
    assert_int_equal(line_count, 0);
    sum.shed_urgent += 3;
    traffic(2 * MINUTE, 5);
    told(1, "overload", "open");
    has(newest(), "3 messages about sessions that are not calm found no room");
    traffic(20 * MINUTE, 5);
    told(2, "overload", "closed");
}

/* --- the clock --- */

static void step(int64_t ns)
{
    wall += ns;
    sum.steps++;
    sum.step = ns;
    second();
}

static void steps_are_told_with_their_size(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    step(-3723500 * NS_PER_MS);
    told(1, "clock-step", "open");
    has(newest(), "\"sensor\":{\"what\":\"clock-step\",\"seconds\":-3723.5}");
    has(newest(), "was set back by 62 min (3723.500 s)");
    has(newest(), "\"severity\":[\"medium\"]");
    traffic(30 * MINUTE, 5);
    step(2 * NS_PER_S); /* and then a little: said already */
    traffic(59 * MINUTE, 5);
    assert_int_equal(line_count, 1);
    traffic(3 * MINUTE, 5);
    told(2, "clock-step", "closed");
    has(newest(), "\"reason\":\"The clock has gone evenly since.\"");
}

static void small_steps_are_nothing(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    for (int i = 0; i < 100; i++)
        step(i % 2 ? 500 * NS_PER_MS : -500 * NS_PER_MS);
    assert_int_equal(line_count, 0);
}

/* Whoever counts the steps may not say how far they went. */
static void a_step_of_unknown_size_is_measured(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    wall += 90 * NS_PER_S;
    sum.steps++;
    second();
    told(1, "clock-step", "open");
    has(newest(), "\"seconds\":90.0}");
}

/* A clock that leaps a year makes no silence and no usual gap. */
static void a_leap_is_no_time(void **state)
{
    (void)state;
    traffic(2 * DAY, 30);
    step(365LL * DAY * NS_PER_S);
    traffic(HOUR, 30);
    step(-365LL * DAY * NS_PER_S);
    traffic(HOUR, 30);
    for (unsigned i = 0; i < line_count; i++)
        assert_null(strstr(lines[i], "no-mail"));
    silence(700);
    has(newest(), "no-mail");
}

/* --- processes, interfaces --- */

static void a_process_that_was_dead(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    coverage_gap(c, PROCESS_WATCH, wall - 9 * NS_PER_S, wall);
    traffic(10, 5);
    assert_int_equal(line_count, 0); /* it was started anew */
    coverage_gap(c, PROCESS_WATCH, wall - 3 * NS_PER_S, wall);
    traffic(1, 5);
    told(1, "process-dead", "open"); /* but not so often */
    has(newest(), "\"part\":\"watch\",\"seconds\":12.0");
    assert_int_equal(strongest, SEVERITY_LOW);
    coverage_gap(c, PROCESS_JUDGE, wall - 100 * NS_PER_S, wall);
    traffic(1, 5);
    told(2, "process-dead", "ongoing");
    assert_int_equal(strongest, SEVERITY_MEDIUM);
    traffic(62 * MINUTE, 5);
    told(3, "process-dead", "closed");
}

static void whose_work_waits_is_not_missed(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    coverage_gap(c, PROCESS_FEED, wall - HOUR * NS_PER_S, wall);
    coverage_gap(c, PROCESS_FETCH, wall - HOUR * NS_PER_S, wall);
    coverage_gap(c, PROCESS_WATCH, wall, wall - HOUR * NS_PER_S); /* the clock went back */
    traffic(MINUTE, 5);
    assert_int_equal(line_count, 0);
}

static void an_interface_that_is_down(void **state)
{
    (void)state;
    sum.interfaces = 2;
    traffic(HOUR, 5);
    for (int i = 0; i < 30; i++) { /* it comes up by and by */
        sum.down = i % 2 ? 1 : 0;
        traffic(5, 5);
    }
    assert_int_equal(line_count, 0);
    sum.down = 1;
    traffic(20, 5);
    told(1, "interface-down", "open");
    has(newest(), "1 of 2 interfaces is down.");
    sum.down = 2;
    for (int i = 0; i < 2 * HOUR; i++)
        second();
    told(2, "interface-down", "ongoing");
    has(newest(), "2 of 2 interfaces are down. The sensor sees nothing.");
    sum.down = 0;
    traffic(62, 5);
    told(3, "interface-down", "closed");
}

/* --- memory --- */

static void a_store_that_is_away(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    coverage_store(c, wall, true);
    traffic(9 * MINUTE, 5);
    coverage_store(c, wall, false); /* it was restarted */
    traffic(MINUTE, 5);
    coverage_store(c, wall, true);
    traffic(10 * MINUTE + 1, 5);
    told(1, "store-away", "open");
    has(newest(), "\"signature_id\":1320758");
    has(newest(), "has not been reached for 10 min.");
    coverage_store(c, wall, false);
    traffic(62, 5);
    told(2, "store-away", "closed");
    assert_int_equal(strongest, SEVERITY_LOW);
}

static void a_spool_that_fills(void **state)
{
    struct told_feed f = {.cap = 1000, .bytes = 799};
    (void)state;
    coverage_spool(c, wall, &f);
    traffic(MINUTE, 5);
    assert_int_equal(line_count, 0);
    f.bytes = 800;
    coverage_spool(c, wall, &f);
    traffic(MINUTE, 5);
    told(1, "spool", "open");
    has(newest(), "800 of its 1000 bytes (80.0 %) are in use.");
    f.bytes = 750; /* not yet well */
    coverage_spool(c, wall, &f);
    traffic(5 * MINUTE, 5);
    assert_int_equal(line_count, 1);
    f.degraded = 1;
    snprintf(f.why, sizeof(f.why), "No space left\n\"on\" device");
    coverage_spool(c, wall, &f);
    traffic(MINUTE, 5);
    told(2, "spool", "ongoing");
    has(newest(), "cannot be written: No space left\\\\x0A\\\"on\\\" device: alerts");
    f = (struct told_feed){.cap = 1000, .bytes = 100};
    coverage_spool(c, wall, &f);
    traffic(2 * MINUTE, 5);
    told(3, "spool", "closed");
}

/* --- bounds --- */

static void storms_are_bounded(void **state)
{
    (void)state;
    traffic(HOUR, 5);
    for (int i = 0; i < 12 * 24; i++) { /* a loose plug for a day */
        sum.down = 1;
        traffic(2 * MINUTE, 5);
        sum.down = 0;
        traffic(3 * MINUTE, 5);
    }
    assert_in_range(line_count, 20, 30);
    has(lines[6], "without being told");
}

static void what_is_not_wanted_is_not_told(void **state)
{
    struct coverage_config medium = USUAL;
    (void)state;
    medium.min_severity = SEVERITY_MEDIUM;
    begin(&medium);
    coverage_store(c, wall, true);
    traffic(HOUR, 5);
    assert_int_equal(line_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_wire_that_dies_is_told_and_comes_back, set_up),
        cmocka_unit_test_setup(the_silence_began_before_it_was_told, set_up),
        cmocka_unit_test_setup(a_quiet_night_is_not_told_again, set_up),
        cmocka_unit_test_setup(weekends_are_learned, set_up),
        cmocka_unit_test_setup(a_small_site_that_dies_is_told, set_up),
        cmocka_unit_test_setup(what_never_came_is_low_and_then_no_more, set_up),
        cmocka_unit_test_setup(the_gap_is_the_operators, set_up),
        cmocka_unit_test_setup(a_direction_that_goes_away, set_up),
        cmocka_unit_test_setup(one_sided_from_the_start_is_a_fact, set_up),
        cmocka_unit_test_setup(backscatter_hides_nothing, set_up),
        cmocka_unit_test_setup(uneven_is_not_one_sided, set_up),
        cmocka_unit_test_setup(what_mirror_ports_do_is_normal, set_up),
        cmocka_unit_test_setup(drops_beyond_the_share_are_told, set_up),
        cmocka_unit_test_setup(drops_in_numbers, set_up),
        cmocka_unit_test_setup(few_drops_are_nothing, set_up),
        cmocka_unit_test_setup(what_was_before_is_nothing_new, set_up),
        cmocka_unit_test_setup(sessions_that_were_not_judged, set_up),
        cmocka_unit_test_setup(steps_are_told_with_their_size, set_up),
        cmocka_unit_test_setup(small_steps_are_nothing, set_up),
        cmocka_unit_test_setup(a_step_of_unknown_size_is_measured, set_up),
        cmocka_unit_test_setup(a_leap_is_no_time, set_up),
        cmocka_unit_test_setup(a_process_that_was_dead, set_up),
        cmocka_unit_test_setup(whose_work_waits_is_not_missed, set_up),
        cmocka_unit_test_setup(an_interface_that_is_down, set_up),
        cmocka_unit_test_setup(a_store_that_is_away, set_up),
        cmocka_unit_test_setup(a_spool_that_fills, set_up),
        cmocka_unit_test_setup(storms_are_bounded, set_up),
        cmocka_unit_test_setup(what_is_not_wanted_is_not_told, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
