/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rules_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cli c;
static char *text;

static int run(const char *first, const char *second)
{
    const char *operand[] = {first, second};
    size_t n = 0;
    c.operand = operand;
    c.operand_count = first ? second ? 2 : 1 : 0;
    free(text);
    FILE *f = open_memstream(&text, &n);
    int r = rules_cmd(&c, f);
    fclose(f);
    c.operand = NULL;
    return r;
}

static void the_list_has_every_rule(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(i == 0 ? NULL : i == 1 ? "list" : "markdown", NULL), 0);
        for (unsigned id = 0; id < RULE_COUNT; id++) {
            char sid[16];
            snprintf(sid, sizeof(sid), "%u", rule_row((enum rule_id)id)->sid);
            assert_non_null(strstr(text, rule_row((enum rule_id)id)->name));
            assert_non_null(strstr(text, sid));
        }
    }
}

static void every_rule_is_explained(void **state)
{
    (void)state;
    for (unsigned id = 0; id < RULE_COUNT; id++) {
        const struct rule *r = rule_row((enum rule_id)id);
        assert_int_equal(run("explain", r->name), 0);
        assert_ptr_equal(strstr(text, r->name), text);
        assert_null(strstr(text, "%s"));
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));)
            assert_true(strlen(line) <= 80);
    }
}

/* Every column begins where its heading does. */
static void the_list_is_in_columns(void **state)
{
    (void)state;
    assert_int_equal(run("list", NULL), 0);
    size_t title = (size_t)(strstr(text, "TITLE") - text);
    size_t evidence = (size_t)(strstr(text, "EVIDENCE") - text);
    const char *line = text;
    for (unsigned id = 0; id < RULE_COUNT; id++) {
        const struct rule *r = rule_row((enum rule_id)id);
        line = strchr(line, '\n') + 1;
        assert_memory_equal(line + title, r->title, strlen(r->title));
        assert_memory_equal(line + title - 2, "  ", 2);
        assert_memory_equal(line + evidence, r->evidence, strlen(r->evidence));
    }
}

static void the_page_has_the_matrix(void **state)
{
    (void)state;
    assert_int_equal(run("markdown", NULL), 0);
    assert_non_null(strstr(text, "| info | low | low | medium |\n"
                                 "| E1 | low | low | medium | high |\n"
                                 "| E2 | low | medium | high | high |\n"
                                 "| E3 | medium | high | high | critical |\n"
                                 "| E4, E5 | medium | high | critical | critical |\n"));
    assert_non_null(strstr(text, "E3 comes from `starttls-removed`, "));
    assert_null(strstr(text, "info to info"));
}

static void explaining_tells_each_sign(void **state)
{
    (void)state;
    assert_int_equal(run("explain", "starttls-garbled"), 0);
    assert_non_null(
        strstr(text, "E2         they differ from what is usual for this server or client\n"));
    assert_non_null(strstr(text, "Severity   info to critical, "));
    assert_int_equal(run("explain", "requiretls-violated"), 0);
    assert_non_null(strstr(text, "E3         a promise was broken\n"));
    assert_int_equal(run("explain", "greeting-masked"), 0);
    assert_non_null(strstr(text, "Severity   info\n"));
}

static void unknown_words_are_refused(void **state)
{
    (void)state;
    assert_int_equal(run("explain", "starttls-garbeld"), -1);
    assert_string_equal(c.error, "rules explain: unknown rule 'starttls-garbeld' (did you mean "
                                 "starttls-garbled?)");
    assert_int_equal(run("explain", NULL), -1);
    assert_int_equal(run("lst", NULL), -1);
    assert_string_equal(c.error, "rules: 'lst' is not list, explain or markdown");
    assert_int_equal(run("list", "more"), -1);
    assert_string_equal(text, "");
}

static int release(void **state)
{
    (void)state;
    free(text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_has_every_rule),    cmocka_unit_test(every_rule_is_explained),
        cmocka_unit_test(the_list_is_in_columns),     cmocka_unit_test(the_page_has_the_matrix),
        cmocka_unit_test(explaining_tells_each_sign), cmocka_unit_test(unknown_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
