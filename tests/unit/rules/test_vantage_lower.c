/* SPDX-License-Identifier: Apache-2.0 */
/* From where the tap stands some findings show less: docs/json.md, `vantage`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rules/families.h"

static struct judgement j;

/* The severity of that finding, seen from there. */
static enum severity lowered(enum rule_id rule, enum severity severity, enum vantage from)
{
    j.finding_count = 1;
    j.finding[0] = (struct finding){.rule = rule, .severity = severity};
    vantage_lower(from, &j);
    assert_int_equal(j.finding_count, 1);
    assert_int_equal(j.finding[0].rule, rule);
    return j.finding[0].severity;
}

static void beside_the_client(void **state)
{
    static const enum rule_id LESS[] = {RULE_EHLO_VERB_GARBLED, RULE_STARTTLS_COMMAND_GARBLED,
                                        RULE_COMMAND_INJECTION, RULE_SENDER_STOPPED_UPGRADING};
    (void)state;
    for (size_t i = 0; i < sizeof(LESS) / sizeof(LESS[0]); i++) {
        assert_int_equal(lowered(LESS[i], SEVERITY_HIGH, VANTAGE_CLIENT_SIDE), SEVERITY_MEDIUM);
        assert_int_equal(lowered(LESS[i], SEVERITY_HIGH, VANTAGE_SERVER_SIDE), SEVERITY_HIGH);
        assert_int_equal(lowered(LESS[i], SEVERITY_HIGH, VANTAGE_UNKNOWN), SEVERITY_HIGH);
    }
}

static void beside_the_server(void **state)
{
    static const enum rule_id LESS[] = {RULE_RESPONSE_INJECTION, RULE_REPLY_TOO_FAST};
    (void)state;
    for (size_t i = 0; i < sizeof(LESS) / sizeof(LESS[0]); i++) {
        assert_int_equal(lowered(LESS[i], SEVERITY_HIGH, VANTAGE_SERVER_SIDE), SEVERITY_MEDIUM);
        assert_int_equal(lowered(LESS[i], SEVERITY_HIGH, VANTAGE_CLIENT_SIDE), SEVERITY_HIGH);
    }
}

/* An alert stays one, and no alert becomes one. */
static void not_below_low(void **state)
{
    (void)state;
    assert_int_equal(lowered(RULE_REPLY_TOO_FAST, SEVERITY_LOW, VANTAGE_SERVER_SIDE), SEVERITY_LOW);
    assert_int_equal(lowered(RULE_REPLY_TOO_FAST, SEVERITY_INFO, VANTAGE_SERVER_SIDE),
                     SEVERITY_INFO);
}

/* All others show the same from everywhere. */
static void others_stay(void **state)
{
    unsigned less = 0;
    (void)state;
    for (enum rule_id rule = 0; rule < RULE_COUNT; rule++)
        for (enum vantage from = 0; from < VANTAGE_COUNT; from++)
            less += lowered(rule, SEVERITY_CRITICAL, from) != SEVERITY_CRITICAL;
    assert_int_equal(less, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_the_client),
        cmocka_unit_test(beside_the_server),
        cmocka_unit_test(not_below_low),
        cmocka_unit_test(others_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
