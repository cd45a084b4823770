/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *best_of(const char *typed)
{
    static const char *const WORDS[] = {"json", "fail-on", "min-severity", "ports", "output"};
    static char text[64];
    struct hint h;
    hint_init(&h, typed);
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
        hint_offer(&h, WORDS[i]);
    hint_text(&h, "--", text, sizeof(text));
    return text;
}

static void near_words_are_offered(void **state)
{
    (void)state;
    assert_string_equal(best_of("jsn"), " (did you mean --json?)");
    assert_string_equal(best_of("jsonn"), " (did you mean --json?)");
    assert_string_equal(best_of("failon"), " (did you mean --fail-on?)");
    assert_string_equal(best_of("min-sverity"), " (did you mean --min-severity?)");
    assert_string_equal(best_of("port"), " (did you mean --ports?)");
    assert_string_equal(best_of("failo"), " (did you mean --fail-on?)");  /* 2 of 2 edits */
    assert_string_equal(best_of("failxx"), " (did you mean --fail-on?)"); /* 3 of 3 */
}

static void far_words_are_not(void **state)
{
    (void)state;
    char longest[100];
    memset(longest, 'p', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_string_equal(best_of("interface"), "");
    assert_string_equal(best_of(""), "");
    assert_string_equal(best_of("x"), "");
    assert_string_equal(best_of("fail"), ""); /* 3 of 2 */
    assert_string_equal(best_of(longest), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_words_are_offered),
        cmocka_unit_test(far_words_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
