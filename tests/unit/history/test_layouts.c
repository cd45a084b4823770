/* SPDX-License-Identifier: Apache-2.0 */
#include "history/layouts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/history/observe.h"

static struct layouts *l;

static int setup(void **state)
{
    (void)state;
    return (l = layouts_new()) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    layouts_free(l);
    return 0;
}

static uint16_t learn(const char *words)
{
    struct observation o = {0};
    say(&o, words);
    return layouts_learn(l, o.word, o.word_count);
}

static uint16_t find(const char *words)
{
    struct observation o = {0};
    say(&o, words);
    return layouts_find(l, o.word, o.word_count);
}

static void expect_word(uint16_t number, size_t i, const char *expected)
{
    struct layout_known k = layouts_get(l, number);
    assert_true(span_eq(layout_word(&k, i), span_str(expected)));
}

static void a_reply_has_one_number(void **state)
{
    uint16_t a, b;
    (void)state;
    assert_int_equal(find("PIPELINING STARTTLS"), 0);
    a = learn("PIPELINING STARTTLS");
    b = learn("STARTTLS PIPELINING");
    assert_int_not_equal(a, 0);
    assert_int_not_equal(a, b); /* the order tells them apart */
    assert_int_equal(learn("PIPELINING STARTTLS"), a);
    assert_int_equal(find("STARTTLS PIPELINING"), b);
    assert_int_equal(find("STARTTLS"), 0);
    assert_int_equal(layouts_read(l, span_str("PIPELINING STARTTLS")), a);
}

static void its_words_are_had_back(void **state)
{
    uint16_t n = learn("PIPELINING SIZE StartTLS 8BITMIME");
    struct layout_known k = layouts_get(l, n);
    (void)state;
    assert_int_equal(k.count, 4);
    assert_int_equal(k.slot, 2);
    expect_word(n, 0, "PIPELINING");
    expect_word(n, 2, "StartTLS");
    expect_word(n, 3, "8BITMIME");
    expect_word(n, 4, "");
    expect_word(n, 4000, "");
    assert_int_equal(layouts_get(l, learn("PIPELINING XSTARTTLS")).slot, -1);
    assert_int_equal(layouts_get(l, learn("STARTTLS")).slot, 0);
    assert_int_equal(layouts_get(l, learn("A STARTTLS STARTTLS")).slot, 1);
}

/* One word "A B" is not the two words A and B, nor are bytes that no reply should have. */
static void hostile_words_are_not_learnt(void **state)
{
    static const char *const hostile[] = {"A B", "", "A\r", "\x01", "A\x7f", "\xc3\xa9", "\t"};
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        const struct span word[2] = {span_str("SIZE"), span_str(hostile[i])};
        assert_int_equal(layouts_learn(l, word, 2), 0);
        assert_int_equal(layouts_find(l, word, 2), 0);
    }
    assert_int_equal(layouts_learn(l, &(struct span){(const uint8_t *)"A\0B", 3}, 1), 0);
    assert_int_equal(layouts_learn(l, NULL, 0), 0);
    assert_int_equal(layouts_find(l, NULL, 0), 0);
    assert_int_equal(layouts_read(l, span_str("")), 0);
    assert_int_equal(layouts_refused(l), 0);
}

static void what_is_too_long_is_not_learnt(void **state)
{
    uint8_t text[LAYOUT_TEXT + 1];
    struct span word[CAP_REPLY_LINES];
    (void)state;
    memset(text, 'A', sizeof(text));
    word[0] = span_of(text, sizeof(text));
    assert_int_equal(layouts_learn(l, word, 1), 0);
    for (size_t i = 0; i < CAP_REPLY_LINES; i++)
        word[i] = span_of(text, 5); /* 64 x 5 and 63 blanks are 383 */
    assert_int_not_equal(layouts_learn(l, word, CAP_REPLY_LINES), 0);
    word[0] = span_of(text, 7);
    assert_int_equal(layouts_learn(l, word, CAP_REPLY_LINES), 0);
    assert_int_equal(layouts_read(l, span_of(text, LAYOUT_TEXT + 1)), 0);
}

/* 192 words of one letter are the most: none of them is lost, and a slot beyond what a reply can
 * have is none. */
static void as_many_words_as_there_can_be(void **state)
{
    char text[LAYOUT_TEXT + 1];
    (void)state;
    for (size_t i = 0; i < LAYOUT_TEXT; i++)
        text[i] = i % 2 ? ' ' : 'A';
    memcpy(text + 2 * 180, "STARTTLS ", 9);
    struct layout_known k = layouts_get(l, layouts_read(l, span_of(text, LAYOUT_TEXT)));
    assert_true(k.slot < 0 || k.slot < k.count);
    assert_true(span_eq(layout_word(&k, 180), span_str("STARTTLS")));
}

static void when_there_is_no_room_the_known_ones_stay(void **state)
{
    char text[32];
    uint16_t first = learn("A0"), n = 0;
    (void)state;
    for (int i = 1; i < CAP_HISTORY_LAYOUTS + 100; i++) {
        snprintf(text, sizeof(text), "A%d STARTTLS", i);
        n = learn(text);
        assert_int_equal(n != 0, i < CAP_HISTORY_LAYOUTS);
    }
    assert_int_equal(layouts_refused(l), 100);
    assert_int_equal(learn("A0"), first);
    assert_int_equal(find("A0"), first);
    assert_int_equal(layouts_refused(l), 100);
    n = find("A4095 STARTTLS");
    assert_int_equal(n, CAP_HISTORY_LAYOUTS);
    expect_word(n, 0, "A4095");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reply_has_one_number, setup, teardown),
        cmocka_unit_test_setup_teardown(its_words_are_had_back, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_words_are_not_learnt, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_not_learnt, setup, teardown),
        cmocka_unit_test_setup_teardown(as_many_words_as_there_can_be, setup, teardown),
        cmocka_unit_test_setup_teardown(when_there_is_no_room_the_known_ones_stay, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
