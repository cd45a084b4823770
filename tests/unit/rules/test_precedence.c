/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/precedence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool before(const char *a, const char *b)
{
    return rule_before(rule_by_name(a), rule_by_name(b));
}

/* The nearer to the act, the stronger: two copies of the bytes, then the bytes, then what follows
 * from them. */
static void test_order(void **state)
{
    static const char *const chain[] = {
        "conflicting-segments", "path-rewrites",     "starttls-garbled", "starttls-removed",
        "sts-offer-missing",    "handshake-aborted", "greeting-masked"};
    (void)state;
    for (size_t i = 1; i < sizeof chain / sizeof chain[0]; i++) {
        assert_true(before(chain[i - 1], chain[i]));
        assert_false(before(chain[i], chain[i - 1]));
    }
    assert_true(before("starttls-garbled", "starttls-command-garbled"));
}

/* An order: no rule goes before itself, and of two exactly one goes first. */
static void test_total(void **state)
{
    (void)state;
    for (enum rule_id a = 0; a < RULE_COUNT; a++)
        for (enum rule_id b = 0; b < RULE_COUNT; b++)
            assert_int_equal(rule_before(a, b) + rule_before(b, a), a != b);
}

static void test_groups(void **state)
{
    static const struct {
        const char *rule;
        enum rule_group group;
    } cases[] = {
        {"starttls-garbled", RULE_GROUP_DOWNGRADE},
        {"greeting-masked", RULE_GROUP_DOWNGRADE},
        {"starttls-command-garbled", RULE_GROUP_DOWNGRADE},
        {"handshake-aborted", RULE_GROUP_DOWNGRADE},
        {"sts-offer-missing", RULE_GROUP_DOWNGRADE},
        {"dane-violated", RULE_GROUP_DOWNGRADE},
        {"conflicting-segments", RULE_GROUP_DOWNGRADE},
        {"path-rewrites", RULE_GROUP_DOWNGRADE},
        {"downgrade-sentinel", RULE_GROUP_INTERCEPTION},
        {"certificate-untrusted", RULE_GROUP_INTERCEPTION},
        {"sts-certificate-invalid", RULE_GROUP_INTERCEPTION},
        {"response-injection", RULE_GROUP_INJECTION},
        {"auth-in-clear", RULE_GROUP_LOGIN},
        {"mx-spoofed", RULE_GROUP_DISCOVERY},
        {"coverage-lost", RULE_GROUP_SENSOR},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(rule_group(rule_by_name(cases[i].rule)), cases[i].group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_total),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
