/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/daily.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct daily d;
static char text[DAILY_TEXT];

static const nstime NOON = 1795262400 * NS_PER_S; /* date -u -d 2026-11-21T12:00:00 +%s */
static const nstime HOUR = 3600 * NS_PER_S;

static int begin(void **state)
{
    (void)state;
    d = (struct daily){0};
    return 0;
}

static const char *line_at(nstime now)
{
    size_t n = daily_line(&d, now, "tap-1", text, sizeof(text) - 1);
    text[n] = '\0';
    return text;
}

static void a_day(void **state)
{
    (void)state;
    assert_false(daily_is_due(&d, NOON));
    assert_true(daily_add(&d, 5, NOON, "starttls-garbled"));
    assert_true(daily_add(&d, 7, NOON + HOUR, "reply-too-fast"));
    assert_true(daily_add(&d, 9, NOON + 2 * HOUR, "starttls-garbled"));
    assert_false(daily_add(&d, 7, NOON, "reply-too-fast")); /* given again */
    assert_false(daily_is_due(&d, NOON + 12 * HOUR - 1));
    assert_true(daily_is_due(&d, NOON + 12 * HOUR));
    assert_string_equal(line_at(NOON + 12 * HOUR),
                        "{\"timestamp\":\"2026-11-22T00:00:00.000000+0000\","
                        "\"event_type\":\"stats\",\"host\":\"tap-1\",\"stats\":{\"stripwatch\":"
                        "{\"low_alerts\":{\"from\":\"2026-11-21\",\"to\":\"2026-11-21\","
                        "\"alerts\":3,\"rules\":{\"starttls-garbled\":2,\"reply-too-fast\":1}}}}}");
    daily_next(&d);
    assert_false(daily_is_due(&d, NOON + 48 * HOUR));
    assert_false(daily_add(&d, 9, NOON, "starttls-garbled"));
}

/* A receiver that was away for two days: one line, which says so. The clock steps back: no matter.
 */
static void several_days(void **state)
{
    (void)state;
    daily_add(&d, 1, NOON, "a");
    daily_add(&d, 2, NOON + 48 * HOUR, "a");
    daily_add(&d, 3, NOON - 48 * HOUR, "a");
    assert_non_null(strstr(line_at(NOON), "\"from\":\"2026-11-21\",\"to\":\"2026-11-23\""));
}

static void too_many_rules(void **state)
{
    char name[80];

    (void)state;
    for (unsigned i = 0; i < CAP_DAILY_RULES + 10; i++) {
        snprintf(name, sizeof(name), "%060u", i);
        daily_add(&d, i + 1, NOON, name);
    }
    daily_add(&d, 1000, NOON, "");
    assert_int_equal(d.alerts, CAP_DAILY_RULES + 11);
    assert_int_equal(d.unlisted, 11);
    assert_non_null(strstr(line_at(NOON), "},\"unlisted\":11}}}}"));
    assert_int_equal(daily_line(&d, NOON, "", text, 100), 0);
}

static void saved(void **state)
{
    struct daily back;
    size_t n;

    (void)state;
    daily_add(&d, 5, NOON, "starttls-garbled");
    daily_add(&d, 8, NOON + 24 * HOUR, "");
    n = daily_save(&d, text);
    assert_true(daily_load(&back, span_of(text, n)));
    assert_memory_equal(&back, &d, sizeof(d));
    for (size_t cut = 0; cut < n; cut++)
        if (cut != n - strlen("starttls-garbled 1\n"))
            assert_false(daily_load(&back, span_of(text, cut)));
    assert_false(daily_load(&back, span_str("stripwatch-daily 1 9 8 1 0\n")));
    assert_false(daily_load(&back, span_str("stripwatch-daily 1 1 1 1 0\na 1\na 1\n")));
    assert_int_equal(back.alerts, 0);
}

static void days(void **state)
{
    (void)state;
    assert_int_equal(daily_day(0), 0);
    assert_int_equal(daily_day(-1), -1);
    assert_int_equal(daily_day(86400 * NS_PER_S), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_day, begin),          cmocka_unit_test_setup(several_days, begin),
        cmocka_unit_test_setup(too_many_rules, begin), cmocka_unit_test_setup(saved, begin),
        cmocka_unit_test_setup(days, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
