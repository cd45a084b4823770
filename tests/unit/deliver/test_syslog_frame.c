/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/syslog_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char header[CAP_DELIVER_HEADER];

static const char *frame_of(const char *eve, const char *sensor)
{
    struct line l;
    size_t n;

    line_read(span_str(eve), &l);
    n = syslog_frame_header(&l, 21, sensor, header, sizeof(header));
    assert_int_equal(n, strlen(header));
    return header;
}

/* PRI is 21 * 8 and the severity: RFC 5424 sections 6.2.1 and 6.2.3. */
static void an_alert(void **state)
{
    (void)state;
    assert_string_equal(
        frame_of("{\"timestamp\":\"2026-11-21T10:00:00.121200+0000\",\"event_type\":\"alert\","
                 "\"host\":\"border-1\",\"alert\":{\"metadata\":{\"rule\":[\"starttls-garbled\"],"
                 "\"severity\":[\"high\"]}}}",
                 "other"),
        "<171>1 2026-11-21T10:00:00.121200+00:00 border-1 stripwatch - starttls-garbled - ");
    assert_string_equal(frame_of("{\"event_type\":\"stats\"}", "tap"),
                        "<174>1 - tap stripwatch - stats - ");
    assert_string_equal(frame_of("no JSON", ""), "<174>1 - - stripwatch - - - ");
}

/* Nothing in a line breaks the header: no blank, no control, no byte beyond ASCII. */
static void any_bytes(void **state)
{
    (void)state;
    assert_string_equal(frame_of("{\"host\":\"a b\\nc\\u00e9\",\"event_type\":\"x y\"}", ""),
                        "<174>1 - a_b_c__ stripwatch - x_y - ");
}

static void times(void **state)
{
    char to[33];

    (void)state;
    assert_true(syslog_frame_time("2026-11-21T10:00:00.121200-0130", to));
    assert_string_equal(to, "2026-11-21T10:00:00.121200-01:30");
    assert_false(syslog_frame_time("2026-11-21 10:00:00.121200+0000", to));
    assert_string_equal(to, "-");
    assert_false(syslog_frame_time("", to));
}

/* echo -n 'no JSON' | sha256sum */
static void ids(void **state)
{
    struct line l;

    (void)state;
    line_read(span_str("no JSON"), &l);
    assert_string_equal(l.id, "29ecbeb830e3244605e5a88493e40884");
    line_read(span_str("{\"alert\":{\"metadata\":{\"alert_id\":[\"46ed\"],\"incident\":[\"33\"]}},"
                       "\"community_id\":\"1:qd\"}"),
              &l);
    assert_string_equal(l.id, "46ed");
    assert_string_equal(l.incident, "33");
    assert_string_equal(l.community, "1:qd");
}

static size_t shout(void *user, struct span eve, char *to, size_t room)
{
    (void)room;
    if (*(int *)user == 0)
        return 0;
    memcpy(to, "A\nB\n", 4);
    return eve.n > 0 ? 4 : 0;
}

static void formats(void **state)
{
    int can = 1;
    const struct sink_format f = {shout, &can};
    char to[64];

    (void)state;
    assert_int_equal(sink_render(&f, span_str("{}"), to, sizeof(to)), 3);
    assert_memory_equal(to, "A B", 3);
    can = 0;
    assert_int_equal(sink_render(&f, span_str("{}"), to, sizeof(to)), 2);
    assert_memory_equal(to, "{}", 2);
    assert_int_equal(sink_render(&(struct sink_format){0}, span_str("{\"a\":1}"), to, 3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert), cmocka_unit_test(any_bytes), cmocka_unit_test(times),
        cmocka_unit_test(ids),      cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
