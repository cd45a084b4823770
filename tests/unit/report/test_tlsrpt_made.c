/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tlsrpt_made.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY  86400
#define NOON (20778LL * DAY + DAY / 2) /* of 2026-11-21 */

static const struct siphash_key key = {3, 4};
static struct span name[2];
static struct sighting_own own = {name, 1};
static struct tlsrpt_made *made;

static int begin(void **state)
{
    (void)state;
    name[0] = span_str("alder.example");
    name[1] = span_str("birch.example");
    own.count = 1;
    made = tlsrpt_made_new(&key, &own);
    return made ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    tlsrpt_made_free(made);
    return 0;
}

static struct sighting session(enum sighting_outcome outcome, unsigned client)
{
    struct sighting s = {
        .second = NOON,
        .outcome = outcome,
        .result = TLSRPT_STARTTLS_NOT_SUPPORTED,
        .policy = TLSRPT_TYPE_NONE,
        .policy_of = own.count,
        .client = {4, {192, (uint8_t)(client >> 16), (uint8_t)(client >> 8), (uint8_t)client}},
        .server = {4, {198, 51, 100, 25}}};
    snprintf(s.why, sizeof(s.why), "no offer");
    return s;
}

static void add(enum sighting_outcome outcome, unsigned client)
{
    struct sighting s = session(outcome, client);
    tlsrpt_made_add(made, &s);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no %s in %.1000s", part, text);
}

static void days_stand_alone(void **state)
{
    (void)state;
    struct sighting s = session(SIGHTING_SUCCESS, 1);
    s.second = 20778LL * DAY - 1; /* the last second of the day before */
    tlsrpt_made_add(made, &s);
    s.second++;
    tlsrpt_made_add(made, &s);
    tlsrpt_made_add(made, &s);
    assert_int_equal(tlsrpt_made_close(made), 2);
    assert_int_equal(tlsrpt_made_day(made, 0).day, 20777);
    char *text = tlsrpt_made_json(made, 0);
    assert_non_null(text);
    has(text,
        "\"start-datetime\":\"2026-11-20T00:00:00Z\",\"end-datetime\":\"2026-11-20T23:59:59Z\"");
    has(text, "\"total-successful-session-count\":1,\"total-failure-session-count\":0}");
    free(text);
    text = tlsrpt_made_json(made, 1);
    assert_non_null(text);
    has(text, "\"total-successful-session-count\":2,");
    free(text);
}

/* However many senders there are, the failures make up their sum. */
static void failures_without_room_lose_their_hosts_alone(void **state)
{
    static const char count[] = "\"failed-session-count\":";
    (void)state;
    const unsigned n = CAP_TLSRPT_ROWS + 1000;
    unsigned long sum = 0, rows = 0;
    for (unsigned i = 0; i < n; i++)
        add(SIGHTING_FAILURE, i);
    assert_int_equal(tlsrpt_made_close(made), 1);
    assert_int_equal(tlsrpt_made_beside(made)->left_out, 0);
    char *text = tlsrpt_made_json(made, 0);
    assert_non_null(text);
    has(text, "\"total-failure-session-count\":66536}");
    for (const char *at = text; *at; at++) { /* strstr() measures all of it each time under ASan */
        if (*at != '"' || strncmp(at, count, sizeof(count) - 1) != 0)
            continue;
        sum += strtoul(at + sizeof(count) - 1, NULL, 10);
        rows++;
    }
    assert_int_equal(sum, n);
    assert_int_equal(rows, CAP_TLSRPT_ROWS / 8 * 7 + 1);
    free(text);
}

static void whose_nobody_knows_is_in_no_report(void **state)
{
    (void)state;
    own.count = 2;
    struct sighting s = session(SIGHTING_FAILURE, 1);
    s.named = true;
    s.to[0] = 2; /* birch.example */
    tlsrpt_made_add(made, &s);
    s.to[0] = 0; /* of others */
    tlsrpt_made_add(made, &s);
    add(SIGHTING_UNASKED, 1); /* it counts nowhere, so it spoils nothing */
    assert_int_equal(tlsrpt_made_close(made), 1);
    assert_int_equal(tlsrpt_made_day(made, 0).own, 1);
    assert_false(tlsrpt_made_day(made, 0).shared);
    assert_int_equal(tlsrpt_made_beside(made)->foreign, 1);
    assert_int_equal(tlsrpt_made_beside(made)->outcome[SIGHTING_UNASKED], 1);
}

static void tls_hides_whose_a_session_is(void **state)
{
    (void)state;
    own.count = 2;
    add(SIGHTING_SUCCESS, 1);
    assert_int_equal(tlsrpt_made_close(made), 2);
    assert_true(tlsrpt_made_day(made, 0).shared && tlsrpt_made_day(made, 1).shared);
    assert_int_equal(tlsrpt_made_beside(made)->shared, 1);
}

static void what_is_unknown_alone_is_no_report(void **state)
{
    (void)state;
    add(SIGHTING_UNKNOWN, 1);
    assert_int_equal(tlsrpt_made_close(made), 1);
    assert_true(tlsrpt_made_day(made, 0).empty);
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(days_stand_alone),
        T(failures_without_room_lose_their_hosts_alone),
        T(whose_nobody_knows_is_in_no_report),
        T(tls_hides_whose_a_session_is),
        T(what_is_unknown_alone_is_no_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
