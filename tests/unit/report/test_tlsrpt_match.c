/* SPDX-License-Identifier: Apache-2.0 */
/* A reported failure against what the border saw (report/border.h, report/tlsrpt_match.h). */
#include "report/tlsrpt_match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY  86400
#define NOON (20778 * DAY + DAY / 2) /* of 2026-11-21 */

static struct border *b;
static struct tlsrpt_report report;
static struct tlsrpt_failure failure;

static struct tlsrpt_host host(const char *text)
{
    struct tlsrpt_host h;
    assert_true(tlsrpt_host_read(span_str(text), &h));
    return h;
}

#define SENDER "192.0.2.10"
#define OURS   "198.51.100.25"

static int begin(void **state)
{
    (void)state;
    static const struct siphash_key key = {1, 2};
    b = border_new(&key);
    report = (struct tlsrpt_report){.dated = true, .begin = 20778 * DAY, .end = 20779 * DAY - 1};
    failure = (struct tlsrpt_failure){.result = TLSRPT_STARTTLS_NOT_SUPPORTED,
                                      .sender = host(SENDER),
                                      .receiver = host(OURS),
                                      .counted = true,
                                      .sessions = 1};
    return b ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    border_free(b);
    return 0;
}

static void came(const char *client, const char *server, int64_t second,
                 enum sighting_outcome outcome)
{
    const struct sighting s = {.second = second,
                               .client = host(client),
                               .server = host(server),
                               .outcome = outcome,
                               .result = TLSRPT_STARTTLS_NOT_SUPPORTED,
                               .offered =
                                   outcome == SIGHTING_SUCCESS || outcome == SIGHTING_UNASKED,
                               .clear = outcome == SIGHTING_UNASKED};
    border_add(b, &s);
}

static struct tlsrpt_match match(void)
{
    return tlsrpt_match(b, &report, &failure, true, true);
}

static void who_never_came(void **state)
{
    (void)state;
    assert_int_equal(match().word, TLSRPT_UNTOLD); /* nobody did: did anybody look? */
    came("192.0.2.77", OURS, NOON, SIGHTING_SUCCESS);
    assert_int_equal(match().word, TLSRPT_NEVER_HERE);
    assert_int_equal(tlsrpt_match(b, &report, &failure, true, false).word, TLSRPT_UNTOLD);
    failure.receiver.family = 0;
    assert_int_equal(match().word, TLSRPT_NEVER_HERE);
    failure.sender = host("10.0.0.1");
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    failure.sender = host(SENDER);
    border_blind(b, NOON, NOON + 600);
    assert_int_equal(match().word, TLSRPT_UNTOLD);
}

static void who_came_within_the_slack(void **state)
{
    (void)state;
    failure.result = TLSRPT_VALIDATION_FAILURE;
    came("192.0.2.77", OURS, NOON, SIGHTING_SUCCESS);
    came(SENDER, OURS, report.begin - BORDER_SLACK_S - 1, SIGHTING_SUCCESS);
    came("192.0.2.11", OURS, report.end + BORDER_SLACK_S, SIGHTING_SUCCESS);
    assert_int_equal(match().word, TLSRPT_NEVER_HERE);
    failure.sender = host("192.0.2.11");
    assert_int_equal(match().word, TLSRPT_CAME);
    assert_int_equal(match().came.sessions, 0); /* none on the day itself */
}

static void every_day_must_be_seen(void **state)
{
    (void)state;
    report.end += 2 * DAY;
    came("192.0.2.77", OURS, NOON, SIGHTING_SUCCESS);
    came("192.0.2.77", OURS, NOON + 2 * DAY, SIGHTING_SUCCESS);
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    came("192.0.2.77", OURS, NOON + DAY, SIGHTING_SUCCESS);
    assert_int_equal(match().word, TLSRPT_NEVER_HERE);
}

static void what_was_offered(void **state)
{
    (void)state;
    came(SENDER, OURS, NOON, SIGHTING_UNASKED);
    came(SENDER, OURS, NOON, SIGHTING_SUCCESS);
    struct tlsrpt_match m = match();
    assert_int_equal(m.word, TLSRPT_OFFERED);
    assert_int_equal(m.came.sessions, 2);
    assert_int_equal(m.came.offered, 2);
    assert_int_equal(m.came.unasked, 1);
    assert_int_equal(m.came.clear, 1);
    came(SENDER, OURS, NOON, SIGHTING_UNKNOWN); /* it may be the one that they mean */
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    failure.sessions = 2;
    assert_int_equal(match().word, TLSRPT_OFFERED);
    came(SENDER, OURS, NOON, SIGHTING_FAILURE);
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    came(SENDER, OURS, NOON, SIGHTING_FAILURE); /* as often as they say */
    assert_int_equal(match().word, TLSRPT_AGREES);
    failure.sessions = 5;
    assert_int_equal(match().word, TLSRPT_OFFERED);
    failure.counted = false; /* one at least */
    failure.sessions = 0;
    assert_int_equal(match().word, TLSRPT_AGREES);
}

static void none_was_ever_offered(void **state)
{
    (void)state;
    failure.sessions = 100;
    came(SENDER, OURS, NOON, SIGHTING_UNKNOWN);
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    came(SENDER, OURS, NOON, SIGHTING_FAILURE);
    assert_int_equal(match().word, TLSRPT_AGREES);
}

static void another_exchanger_of_ours(void **state)
{
    (void)state;
    came(SENDER, "198.51.100.26", NOON, SIGHTING_SUCCESS);
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    failure.receiver.family = 0; /* any of them */
    memset(failure.receiver.address, 0, sizeof(failure.receiver.address));
    assert_int_equal(match().word, TLSRPT_OFFERED);
}

static void what_needs_no_border(void **state)
{
    (void)state;
    assert_int_equal(tlsrpt_match(b, &report, &failure, false, true).word, TLSRPT_ELSEWHERE);
    failure.result = TLSRPT_RESULT_COUNT; /* whatever it was */
    assert_int_equal(tlsrpt_match(b, &report, &failure, false, true).word, TLSRPT_ELSEWHERE);
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    failure.receiver = host("10.0.0.1");
    assert_int_equal(tlsrpt_match(b, &report, &failure, false, true).word, TLSRPT_UNTOLD);
    failure.receiver = host(OURS);
    failure.result = TLSRPT_STS_POLICY_FETCH_ERROR;
    assert_int_equal(match().word, TLSRPT_BEFORE);
    failure.result = TLSRPT_VALIDATION_FAILURE;
    failure.sender.family = 0;
    assert_int_equal(match().word, TLSRPT_UNTOLD);
    report.dated = false;
    assert_int_equal(tlsrpt_match(b, &report, &failure, false, true).word, TLSRPT_UNTOLD);
    failure.sessions = 0;
    assert_int_equal(match().word, TLSRPT_NOTHING);
}

static void who_has_no_room_is_not_accused(void **state)
{
    (void)state;
    for (int32_t day = 0; day < CAP_BORDER_DAYS + 1; day++)
        came("192.0.2.77", OURS, NOON - (int64_t)day * DAY, SIGHTING_SUCCESS);
    assert_int_equal(border_sight(b, report.begin, report.end), BORDER_SHORT);
    assert_int_equal(match().word, TLSRPT_UNTOLD);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_never_came),       T(who_came_within_the_slack),      T(every_day_must_be_seen),
        T(what_was_offered),     T(none_was_ever_offered),          T(another_exchanger_of_ours),
        T(what_needs_no_border), T(who_has_no_room_is_not_accused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
