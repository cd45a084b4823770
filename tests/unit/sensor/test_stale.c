/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts of a socket that was another feed's: kept in their order, given or forgotten as a whole.
 */
#include "sensor/stale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/caps.h"

static char given[64];
static size_t count;

static void on_line(void *user, struct span line)
{
    assert_ptr_equal(user, given);
    given[count++] = (char)line.p[0];
}

static void given_in_their_order(void **state)
{
    struct stale *s = stale_new();
    (void)state;
    count = 0;
    assert_int_equal(stale_since(s), 0);
    assert_true(stale_keep(s, span_str("a"), 5));
    assert_true(stale_keep(s, span_str("b"), 6));
    assert_true(stale_keep(s, span_str("c"), 7));
    assert_int_equal(stale_since(s), 5);
    stale_take(s, on_line, given);
    assert_int_equal(count, 3);
    assert_memory_equal(given, "abc", 3);
    assert_int_equal(stale_since(s), 0);
    stale_take(s, on_line, given);
    assert_int_equal(count, 3);
    stale_free(s);
}

static void forgotten_as_a_whole(void **state)
{
    struct stale *s = stale_new();
    (void)state;
    count = 0;
    assert_true(stale_keep(s, span_str("a"), 5));
    stale_forget(s);
    assert_true(stale_keep(s, span_str("b"), 9));
    assert_int_equal(stale_since(s), 9);
    stale_take(s, on_line, given);
    assert_int_equal(count, 1);
    assert_int_equal(given[0], 'b');
    assert_true(stale_keep(s, span_str("c"), 10));
    stale_free(s);
}

/* A socket holds no more than that. */
static void bounded(void **state)
{
    static uint8_t line[CAP_JSON_LINE];
    struct stale *s = stale_new();
    size_t kept = 0;
    (void)state;
    while (stale_keep(s, span_of(line, sizeof(line)), 1))
        kept++;
    assert_int_equal(kept, CAP_MESSAGE_SOCKET / sizeof(line));
    stale_forget(s);
    assert_true(stale_keep(s, span_of(line, sizeof(line)), 2));
    stale_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_in_their_order),
        cmocka_unit_test(forgotten_as_a_whole),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
