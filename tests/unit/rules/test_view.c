/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/view.h"

#include "rules/build.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct build b;

static enum effect effect(enum session_milestone m, bool offer)
{
    struct view v = view_of(&b.s, m, NULL);
    return view_effect(&v, offer);
}

static void effects(void **state)
{
    (void)state;
    build_new(&b);
    assert_int_equal(effect(SESSION_CLOSED, true), EFFECT_NOTHING);
    build_quit(&b);
    assert_int_equal(effect(SESSION_CLOSED, true), EFFECT_HELD);
    assert_int_equal(effect(SESSION_CLOSED, false), EFFECT_NOTHING);
    assert_int_equal(effect(SESSION_UPGRADE_DECIDED, true), EFFECT_NOTHING);
    b.s.mail_commands = 1;
    assert_int_equal(effect(SESSION_CLOSED, true), EFFECT_NOTHING);
    build_mail(&b);
    assert_int_equal(effect(SESSION_CLEAR_CONTENT, true), EFFECT_MAIL);
    build_auth(&b, "CRAM-MD5", 235);
    assert_int_equal(effect(SESSION_CLEAR_CONTENT, true), EFFECT_MAIL);
    build_auth(&b, "PLAIN", 535);
    assert_int_equal(effect(SESSION_CLEAR_CONTENT, true), EFFECT_MAIL);
    build_auth(&b, "PLAIN", 235);
    assert_int_equal(effect(SESSION_CLEAR_CONTENT, true), EFFECT_LOGIN);
    build_tls(&b);
    assert_int_equal(effect(SESSION_CLOSED, true), EFFECT_NOTHING);
}

static void keywords(void **state)
{
    (void)state;
    build_new(&b);
    build_reply(&b, "AUTH.example greets|SIZE 1|AUTH=LOGIN|auth plain");
    struct view v = view_of(&b.s, SESSION_CLOSED, NULL);
    assert_int_equal(view_keyword(&v, "AUTH"), 2);
    assert_int_equal(view_keyword(&v, "SIZE"), 1);
    assert_int_equal(view_keyword(&v, "DSN"), -1);
    assert_true(span_eq(view_word(&v, 3), span_str("auth")));
    assert_true(span_eq(view_line(&v, 3), span_str("auth plain")));
}

static void probes_and_clients(void **state)
{
    (void)state;
    build_new(&b);
    assert_false(view_of(&b.s, SESSION_CLOSED, NULL).delivered);
    build_auth(&b, "PLAIN", 535);
    assert_false(view_of(&b.s, SESSION_CLOSED, NULL).delivered);
    build_auth(&b, "CRAM-MD5", 235);
    assert_true(view_of(&b.s, SESSION_CLOSED, NULL).delivered);
    build_new(&b);
    b.s.mail_accepted = 1;
    assert_true(view_of(&b.s, SESSION_CLOSED, NULL).delivered);
    build_new(&b);
    b.s.tls_complete = true;
    assert_true(view_of(&b.s, SESSION_CLOSED, NULL).delivered);
}

static void ends(void **state)
{
    (void)state;
    static const bool real[SESSION_CLOSE_COUNT] = {[SESSION_FIN] = true,
                                                   [SESSION_RST] = true,
                                                   [SESSION_TIMEOUT] = true,
                                                   [SESSION_REUSED] = true};
    build_new(&b);
    for (int how = 0; how < SESSION_CLOSE_COUNT; how++) {
        b.s.closed = (enum session_close)how;
        assert_int_equal(view_of(&b.s, SESSION_CLOSED, NULL).closed, real[how]);
        assert_false(view_of(&b.s, SESSION_CLEAR_CONTENT, NULL).closed);
    }
}

/* Ids of flows can be made to meet: what was remembered of one reply is no line of a shorter one.
 */
static void what_is_remembered_lies_in_the_reply(void **state)
{
    (void)state;
    struct garble_memory *memory = garble_memory_new(&(struct siphash_key){1, 2});
    build_new(&b);
    build_reply(&b, "mx.example|PIPELINING|SIZE 1|8BITMIME|XXXXXXXX");
    assert_int_equal(view_of(&b.s, SESSION_CLOSED, memory).garble.line, 4);
    build_new(&b);
    build_reply(&b, "mx.example|PIPELINING|SIZE 1|DSN");
    struct view v = view_of(&b.s, SESSION_CLOSED, memory);
    assert_int_equal(v.offered, OFFERED_NO);
    assert_true(v.garble.line < b.s.reading.line_count);
    garble_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects),
        cmocka_unit_test(keywords),
        cmocka_unit_test(probes_and_clients),
        cmocka_unit_test(ends),
        cmocka_unit_test(what_is_remembered_lies_in_the_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
