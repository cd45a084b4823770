/* SPDX-License-Identifier: Apache-2.0 */
/* What is thought of open sessions whose facts come anew each time. */
#include "sensor/held.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/heap.h"

static struct held *h;

static int set_up(void **state)
{
    const struct siphash_key key = {1, 2};
    (void)state;
    h = held_new(&key);
    return h ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    held_free(h);
    return 0;
}

static struct held_id id(uint16_t index, uint64_t generation, uint64_t serial)
{
    return (struct held_id){.generation = generation, .serial = serial, .index = index};
}

static bool learnt(struct held_id i)
{
    struct session s = {.learnt = true};
    held_give(h, &i, &s);
    return s.learnt;
}

static void learn(struct held_id i)
{
    struct session s = {.learnt = true};
    held_take(h, &i, &s, false);
}

static void it_is_given_back_to_that_session_alone(void **state)
{
    (void)state;
    learn(id(1, 1, 7));
    assert_true(learnt(id(1, 1, 7)));
    assert_false(learnt(id(1, 1, 8))); /* another session */
    assert_false(learnt(id(2, 1, 7))); /* of another process */
    assert_false(learnt(id(1, 2, 7))); /* of the one that took its place */
    assert_int_equal(held_count(h), 1);
}

static void nothing_is_kept_of_nothing(void **state)
{
    struct session s = {0};
    const struct held_id i = id(0, 1, 1);
    (void)state;
    held_take(h, &i, &s, false);
    assert_int_equal(held_count(h), 0);
}

static void a_closed_session_leaves_nothing(void **state)
{
    struct session s = {.learnt = true};
    const struct held_id i = id(0, 1, 1);
    (void)state;
    learn(i);
    held_take(h, &i, &s, true);
    assert_int_equal(held_count(h), 0);
    assert_false(learnt(i));
}

static void the_memo_goes_with_the_session(void **state)
{
    void *memo = heap_alloc(16);
    struct session s = {.memo = memo}, again = {0};
    const struct held_id i = id(0, 1, 1);
    (void)state;
    held_take(h, &i, &s, false);
    held_give(h, &i, &again);
    assert_ptr_equal(again.memo, memo); /* held_free() lets go of it: the sanitizer sees a leak */
}

static void a_process_started_anew_forgets_its_own(void **state)
{
    (void)state;
    learn(id(0, 1, 1));
    learn(id(0, 1, 2));
    learn(id(0, 2, 1));
    learn(id(1, 1, 1));
    held_forget(h, 0, 2);
    assert_int_equal(held_count(h), 2);
    assert_true(learnt(id(0, 2, 1)));
    assert_true(learnt(id(1, 1, 1)));
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    for (uint64_t i = 0; i <= CAP_HELD_SESSIONS; i++)
        learn(id(0, 1, i));
    assert_int_equal(held_count(h), CAP_HELD_SESSIONS);
    assert_false(learnt(id(0, 1, 0)));
    assert_true(learnt(id(0, 1, 1)));
    assert_true(learnt(id(0, 1, CAP_HELD_SESSIONS)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_given_back_to_that_session_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_kept_of_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_closed_session_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_memo_goes_with_the_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_process_started_anew_forgets_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_makes_room, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
