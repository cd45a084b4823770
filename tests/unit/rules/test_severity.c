/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/severity.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* docs/rules.md, the matrix, read row by row: nothing, held, mail, login. */
static const char *const MATRIX[SEVERITY_ROW_COUNT][EFFECT_COUNT] = {
    {"info", "low", "low", "medium"},           /* E1 with a named innocent cause */
    {"low", "low", "medium", "high"},           /* E1 */
    {"low", "medium", "high", "high"},          /* E2, well supported */
    {"medium", "high", "high", "critical"},     /* E3 */
    {"medium", "high", "critical", "critical"}, /* E4, E5 */
};

static void every_cell(void **state)
{
    (void)state;
    for (int row = 0; row < SEVERITY_ROW_COUNT; row++)
        for (int effect = 0; effect < EFFECT_COUNT; effect++)
            assert_string_equal(
                severity_text(severity_of((enum severity_row)row, (enum effect)effect)),
                MATRIX[row][effect]);
}

static void worse_effects_and_better_evidence_never_lower_it(void **state)
{
    (void)state;
    for (int row = 0; row < SEVERITY_ROW_COUNT; row++)
        for (int effect = 0; effect < EFFECT_COUNT; effect++) {
            enum severity v = severity_of((enum severity_row)row, (enum effect)effect);
            if (row > 0)
                assert_true(v >= severity_of((enum severity_row)(row - 1), (enum effect)effect));
            if (effect > 0)
                assert_true(v >= severity_of((enum severity_row)row, (enum effect)(effect - 1)));
        }
}

static void floor_raises_and_ceiling_binds(void **state)
{
    (void)state;
    assert_int_equal(severity_bound(SEVERITY_INFO, SEVERITY_MEDIUM, SEVERITY_CRITICAL),
                     SEVERITY_MEDIUM);
    assert_int_equal(severity_bound(SEVERITY_CRITICAL, SEVERITY_INFO, SEVERITY_LOW), SEVERITY_LOW);
    assert_int_equal(severity_bound(SEVERITY_MEDIUM, SEVERITY_LOW, SEVERITY_HIGH), SEVERITY_MEDIUM);
    assert_int_equal(severity_bound(SEVERITY_LOW, SEVERITY_HIGH, SEVERITY_INFO), SEVERITY_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(worse_effects_and_better_evidence_never_lower_it),
        cmocka_unit_test(floor_raises_and_ceiling_binds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
