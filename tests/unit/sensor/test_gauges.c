/* SPDX-License-Identifier: Apache-2.0 */
/* The values; that the form is Prometheus's, tests/system/test_metrics.py asks a parser. */
#include "sensor/gauges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW (1700000000 * NS_PER_S + 250 * NS_PER_MS)

static struct told_watch sum;
static struct eve_live live;
static struct incident_counters inc;
static struct history_counters past;
static struct told_feed kept;
static char text[CAP_MESSAGE_STATE + 1];

static int set_up(void **state)
{
    (void)state;
    memset(&sum, 0, sizeof(sum));
    memset(&live, 0, sizeof(live));
    memset(&inc, 0, sizeof(inc));
    memset(&past, 0, sizeof(past));
    memset(&kept, 0, sizeof(kept));
    return 0;
}

static size_t page(void)
{
    struct span s = gauges_write(NOW, &sum, &live, &inc, &past, &kept);
    assert_true(s.n <= CAP_MESSAGE_STATE);
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return s.n;
}

/* As a whole line. */
static bool has(const char *line)
{
    size_t n = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++)
        if ((at == text || at[-1] == '\n') && at[n] == '\n')
            return true;
    return false;
}

static void values_stand_at_their_names(void **state)
{
    (void)state;
    sum.dissect.packets = 12;
    sum.dissect.not_mail = 5;
    sum.dissect.to_client = 3;
    sum.kernel_drops = 7;
    sum.interface_drops = 8;
    sum.mail = 1699999999 * NS_PER_S;
    live.gap_ms = 12045;
    live.shed_urgent = 2;
    inc.verdicts[VERDICT_DOWNGRADED] = 4;
    inc.findings[RULE_STARTTLS_GARBLED] = 6;
    inc.alerts[SEVERITY_CRITICAL] = 1;
    kept.waiting = 9;
    kept.oldest = NOW - 1500 * NS_PER_MS;
    kept.degraded = 5;
    live.lookups.asked = 21;
    live.lookups.waiting = 22;
    live.lookups.failures.webpki = 23;
    live.lookups.left_out.records = 24;
    past.senders = 25;
    past.evicted.paths = 26;
    past.layouts_refused = 27;
    page();
    assert_true(has("stripwatch_history_entries{kind=\"senders\"} 25"));
    assert_true(has("stripwatch_history_evicted_total{kind=\"paths\"} 26"));
    assert_true(has("stripwatch_history_layouts_refused_total 27"));
    assert_true(has("stripwatch_lookups_asked_total 21"));
    assert_true(has("stripwatch_lookups_waiting 22"));
    assert_true(has("stripwatch_lookups_failed_total{reason=\"webpki\"} 23"));
    assert_true(has("stripwatch_lookups_left_out_total{what=\"records\"} 24"));
    assert_true(has("stripwatch_packets_total 12"));
    assert_true(has("stripwatch_packet_fates_total{fate=\"not_mail\"} 5"));
    assert_true(has("stripwatch_to_client_packets_total 3"));
    assert_true(has("stripwatch_capture_drops_total{where=\"kernel\"} 7"));
    assert_true(has("stripwatch_capture_drops_total{where=\"interface\"} 8"));
    assert_true(has("stripwatch_last_mail_timestamp_seconds 1699999999.000"));
    assert_true(has("stripwatch_updated_timestamp_seconds 1700000000.250"));
    assert_true(has("stripwatch_blind_seconds_total 12.045"));
    assert_true(has("stripwatch_sessions_shed_total{kind=\"urgent\"} 2"));
    assert_true(has("stripwatch_smtp_sessions_total{verdict=\"downgraded\"} 4"));
    assert_true(has("stripwatch_findings_total{rule=\"starttls-garbled\"} 6"));
    assert_true(has("stripwatch_alerts_total{severity=\"critical\"} 1"));
    assert_true(has("stripwatch_sink_queue_depth 9"));
    assert_true(has("stripwatch_sink_oldest_event_seconds 1.500"));
    assert_true(has("stripwatch_spool_degraded 1"));
}

static void what_is_not_known_has_no_series(void **state)
{
    (void)state;
    page();
    assert_null(strstr(text, "stripwatch_last_mail_timestamp_seconds"));
    assert_null(strstr(text, "stripwatch_spool_bytes"));
    assert_true(has("stripwatch_sink_oldest_event_seconds 0.000"));
    kept.cap = 1000;
    page();
    assert_true(has("stripwatch_spool_bytes 0"));
    assert_true(has("stripwatch_spool_limit_bytes 1000"));
}

/* Each counter of the dissection that is a packet's fate is there: they add up to all packets. */
static void the_fates_add_up(void **state)
{
    (void)state;
    memset(&sum.dissect, 0, sizeof(sum.dissect));
    static const char *const fate[] = {
        "processed",     "not_mail",     "not_ip",    "malformed_link",    "malformed_ip",
        "malformed_tcp", "unknown_link", "vlan_deep", "fragments_dropped", "no_flow",
        "half_open",     "flow_capped",  "dns"};
    page();
    for (size_t i = 0; i < sizeof(fate) / sizeof(fate[0]); i++) {
        char line[80];
        snprintf(line, sizeof(line), "stripwatch_packet_fates_total{fate=\"%s\"} 0", fate[i]);
        assert_true(has(line));
    }
    assert_true(has("stripwatch_fragments_held 0"));
}

/* Whatever is counted, nothing is left out. */
static void no_value_is_too_long(void **state)
{
    (void)state;
    size_t shortest = page();
    size_t lines = 0, more = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    memset(&sum, 0xff, sizeof(sum));
    memset(&live, 0xff, sizeof(live));
    memset(&inc, 0xff, sizeof(inc));
    memset(&kept, 0xff, sizeof(kept));
    sum.newest = sum.mail = INT64_MAX;
    kept.oldest = INT64_MIN;
    size_t longest = page();
    for (const char *c = text; *c; c++)
        more += *c == '\n';
    assert_int_equal(more, lines + 2 * 3 + 2 * 3); /* two times, and the spool's size and limit */
    assert_true(longest > shortest && longest < CAP_MESSAGE_STATE / 2);
    assert_int_equal(text[longest - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_stand_at_their_names, set_up),
        cmocka_unit_test_setup(what_is_not_known_has_no_series, set_up),
        cmocka_unit_test_setup(the_fates_add_up, set_up),
        cmocka_unit_test_setup(no_value_is_too_long, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
