/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/legend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static size_t rows_of(enum legend_kind kind, const char *sign)
{
    const struct legend *row;
    size_t n = 0;
    for (size_t i = 0; (row = legend_row(kind, i)); i++)
        n += strcmp(row->sign, sign) == 0;
    return n;
}

static void every_sign_of_the_catalogue_is_told_once(void **state)
{
    (void)state;
    for (unsigned id = 0; id < RULE_COUNT; id++) {
        for (unsigned kind = 0; kind < LEGEND_KIND_COUNT; kind++) {
            char column[100];
            char *rest = column;
            snprintf(column, sizeof(column), "%s",
                     legend_column((enum legend_kind)kind, rule_row((enum rule_id)id)));
            for (char *sign; (sign = strsep(&rest, ","));) {
                sign += strspn(sign, " ");
                if (rows_of((enum legend_kind)kind, sign) != 1)
                    fail_msg("%s: %zu rows", sign, rows_of((enum legend_kind)kind, sign));
            }
        }
    }
}

/* Needs and classes of evidence are told whether a rule has them or not. */
static void no_other_sign_is_told(void **state)
{
    static const enum legend_kind USED[] = {LEGEND_FAMILY, LEGEND_TECHNIQUE, LEGEND_ATTACK};
    const struct legend *row;
    (void)state;
    for (size_t k = 0; k < sizeof(USED) / sizeof(USED[0]); k++) {
        for (size_t i = 0; (row = legend_row(USED[k], i)); i++) {
            bool used = false;
            for (unsigned id = 0; id < RULE_COUNT; id++)
                used = used || legend_has(USED[k], rule_row((enum rule_id)id), row->sign);
            if (!used)
                fail_msg("no rule has %s", row->sign);
        }
    }
}

static void a_sign_is_a_whole_word(void **state)
{
    const struct rule r = {.technique = "CAP-10, CAP-2", .needs = "S", .evidence = ""};
    (void)state;
    assert_true(legend_has(LEGEND_TECHNIQUE, &r, "CAP-10"));
    assert_true(legend_has(LEGEND_TECHNIQUE, &r, "CAP-2"));
    assert_false(legend_has(LEGEND_TECHNIQUE, &r, "CAP-1"));
    assert_false(legend_has(LEGEND_EVIDENCE, &r, "E1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sign_of_the_catalogue_is_told_once),
        cmocka_unit_test(no_other_sign_is_told),
        cmocka_unit_test(a_sign_is_a_whole_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
