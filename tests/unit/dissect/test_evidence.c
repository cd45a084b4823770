/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/caps.h"
#include "dissect/evidence.h"

#define BANNER "220 mx.test ESMTP\r\n"
#define HELLO  "EHLO a.test\r\n"
#define REPLY  "250-mx.test\r\n250-STARTTLS\r\n250 SIZE\r\n"
#define MASKED "250-mx.test\r\n250-XXXXXXXX\r\n250 SIZE\r\n"

static struct evidence_pool pool;
static struct evidence *e;
static uint32_t at[SESSION_DIR_COUNT];

static int setup(void **state)
{
    (void)state;
    pool = (struct evidence_pool){.limit = 1 << 20};
    e = evidence_new(&pool);
    memset(at, 0, sizeof(at));
    return e ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    evidence_free(e, &pool);
    assert_int_equal(pool.bytes, 0);
    return 0;
}

static bool hear(enum session_dir d, struct span bytes, uint8_t ttl)
{
    struct reasm_segment s = {.bytes = bytes, .wire_len = (uint32_t)bytes.n, .ttl = ttl};
    bool kept = evidence_read(e, &pool, d, at[d], at[!d], &s, bytes);

    at[d] += (uint32_t)bytes.n;
    return kept;
}

static void say(enum session_dir d, const char *text)
{
    assert_true(hear(d, span_str(text), 57));
}

static bool differs(enum session_dir d, uint32_t offset, const char *copy,
                    struct evidence_found *found)
{
    return evidence_compare(e, d, offset, span_str(copy), found);
}

static void test_equal_copies_do_not_differ(void **state)
{
    struct evidence_found found;

    (void)state;
    say(SESSION_TO_CLIENT, BANNER);
    assert_false(differs(SESSION_TO_CLIENT, 0, BANNER, &found));
    assert_false(differs(SESSION_TO_CLIENT, 4, "mx.test", &found));
    assert_false(differs(SESSION_TO_CLIENT, 4, "mx.test ESMTP\r\nand more", &found));
    assert_false(differs(SESSION_TO_CLIENT, 1000, "far behind", &found));
    assert_false(differs(SESSION_TO_SERVER, 0, "the other direction", &found));
}

static void test_the_first_difference_is_found(void **state)
{
    struct evidence_found found;

    (void)state;
    say(SESSION_TO_CLIENT, BANNER);
    hear(SESSION_TO_CLIENT, span_str(MASKED), 44);
    assert_true(differs(SESSION_TO_CLIENT, strlen(BANNER), REPLY, &found));
    assert_int_equal(found.at, 17); /* 250-mx.test, a line end, 250- */
    assert_int_equal(found.ttl, 44);
    assert_true(
        span_eq(evidence_line(found.text, strlen(BANNER) + found.at), span_str("250-XXXXXXXX")));
}

static void test_nothing_is_known_of_a_gap(void **state)
{
    struct evidence_found found;

    (void)state;
    say(SESSION_TO_CLIENT, "220 ");
    assert_true(evidence_gap(e, &pool, SESSION_TO_CLIENT, 4, 10, false));
    at[SESSION_TO_CLIENT] += 10;
    say(SESSION_TO_CLIENT, "end\r\n");
    assert_false(differs(SESSION_TO_CLIENT, 0, "220 0123456789end\r\n", &found));
    assert_true(differs(SESSION_TO_CLIENT, 0, "220 0123456789enX\r\n", &found));
    assert_int_equal(found.at, 16);
}

/* Read again with the copy in place, however the bytes were cut: the facts are those of a session
 * that had said it so. */
static void test_the_other_reading(void **state)
{
    struct session as = {.seen = {true, true}, .synack_seen = true};

    (void)state;
    for (size_t cut = 1; cut < strlen(MASKED); cut++) {
        struct session *s;

        setup(NULL);
        say(SESSION_TO_CLIENT, BANNER);
        say(SESSION_TO_SERVER, HELLO);
        hear(SESSION_TO_CLIENT, span_of(MASKED, cut), 57);
        hear(SESSION_TO_CLIENT, span_from(span_str(MASKED), cut), 57);
        assert_false(evidence_in_conflict(e));
        evidence_copy(e, &pool, SESSION_TO_CLIENT, strlen(BANNER), span_str(REPLY));
        assert_true(evidence_in_conflict(e));
        s = evidence_reread(e, &as, false);
        assert_non_null(s);
        assert_int_equal(s->reading.ehlo, EHLO_COMPLETE);
        assert_int_equal(s->reading.line_count, 3);
        assert_true(span_eq(session_text(s, s->reading.line[1].text), span_str("STARTTLS")));
        assert_int_equal(s->reading.ehlo_offset, strlen(BANNER));
        session_free(s);
        teardown(NULL);
    }
    setup(NULL);
}

/* A copy may begin and end anywhere, and cross from one turn into the next. */
static void test_a_copy_over_part_of_a_line(void **state)
{
    struct session as = {.seen = {true, true}, .synack_seen = true};
    struct session *s;

    (void)state;
    say(SESSION_TO_CLIENT, BANNER);
    say(SESSION_TO_SERVER, HELLO);
    say(SESSION_TO_CLIENT, MASKED);
    evidence_copy(e, &pool, SESSION_TO_CLIENT, strlen(BANNER) + 17, span_str("STARTTLS"));
    evidence_copy(e, &pool, SESSION_TO_CLIENT, 4, span_str("mY"));
    s = evidence_reread(e, &as, false);
    assert_true(span_eq(session_text(s, s->reading.line[1].text), span_str("STARTTLS")));
    assert_true(span_eq(session_text(s, s->banner), span_str("220 mY.test ESMTP")));
    session_free(s);
}

/* What is the same as before need not be read again. */
static void test_change_is_told_once(void **state)
{
    (void)state;
    assert_false(evidence_changed(e));
    say(SESSION_TO_CLIENT, BANNER);
    assert_true(evidence_changed(e));
    assert_false(evidence_changed(e));
    evidence_copy(e, &pool, SESSION_TO_CLIENT, 4, span_str("mY"));
    assert_true(evidence_changed(e));
    evidence_copy(e, &pool, SESSION_TO_CLIENT, 4, span_str("mY")); /* it is there already */
    e = evidence_stop(e, &pool);
    say(SESSION_TO_CLIENT, "message");
    assert_false(evidence_changed(e));
}

static void test_all_of_it_is_capped(void **state)
{
    static const uint8_t zeros[1000];
    size_t kept = 0, before;

    (void)state;
    while (hear(SESSION_TO_SERVER, span_of(zeros, sizeof(zeros)), 57))
        kept += sizeof(zeros);
    assert_in_range(kept, CAP_EVIDENCE_BYTES - sizeof(zeros), CAP_EVIDENCE_BYTES);
    before = pool.bytes;
    assert_false(hear(SESSION_TO_CLIENT, span_str(BANNER), 57)); /* once too much, for good */
    for (int i = 0; i < 3 * CAP_EVIDENCE_COPIES; i++)
        evidence_copy(e, &pool, SESSION_TO_SERVER, (uint32_t)i, span_of(zeros, sizeof(zeros)));
    kept = pool.bytes - before; /* the copies and the table of them */
    assert_in_range(kept, CAP_EVIDENCE_COPIES * sizeof(zeros),
                    CAP_EVIDENCE_COPIES * (sizeof(zeros) + 32));
}

static void test_turns_are_capped(void **state)
{
    uint32_t turns = 0;

    (void)state;
    for (; turns < 2 * CAP_EVIDENCE_TURNS; turns++)
        if (!hear((enum session_dir)(turns % 2), span_str("x"), 57))
            break;
    assert_int_equal(turns, CAP_EVIDENCE_TURNS);
}

static void test_the_pool_is_the_limit(void **state)
{
    static const uint8_t zeros[2000];
    struct evidence_pool small = {.limit = pool.bytes};
    struct evidence *other = evidence_new(&small);

    (void)state;
    assert_non_null(other);
    assert_null(evidence_new(&small));
    struct reasm_segment s = {.bytes = span_of(zeros, sizeof(zeros))};
    assert_false(evidence_read(other, &small, SESSION_TO_CLIENT, 0, 0, &s, s.bytes));
    evidence_free(other, &small);
    assert_int_equal(small.bytes, 0);
}

static void test_what_comes_after_the_end_is_no_loss(void **state)
{
    struct evidence_found found;

    (void)state;
    say(SESSION_TO_CLIENT, BANNER);
    e = evidence_stop(e, &pool);
    say(SESSION_TO_CLIENT, "message");
    assert_false(differs(SESSION_TO_CLIENT, strlen(BANNER), "MESSAGE", &found));
    assert_true(differs(SESSION_TO_CLIENT, 0, "221", &found));
}

/* Stopped, it takes what it holds and little more, whether it had grown or not. */
static void test_stopped_it_shrinks(void **state)
{
    static const uint8_t zeros[3000];
    struct evidence_found found;

    (void)state;
    for (int grown = 0; grown < 2; grown++) {
        size_t kept = strlen(BANNER HELLO REPLY);
        say(SESSION_TO_CLIENT, BANNER);
        say(SESSION_TO_SERVER, HELLO);
        say(SESSION_TO_CLIENT, REPLY);
        for (int i = 0; grown && i < 20; i++) {
            assert_true(hear((enum session_dir)(i % 2), span_of(zeros, 100), 57));
            kept += 100;
        }
        evidence_copy(e, &pool, SESSION_TO_CLIENT, strlen(BANNER), span_str(MASKED));
        e = evidence_stop(e, &pool);
        assert_in_range(pool.bytes, kept, kept + 1200);
        assert_true(evidence_in_conflict(e));
        assert_true(differs(SESSION_TO_CLIENT, strlen(BANNER), MASKED, &found));
        assert_int_equal(found.at, strlen("250-mx.test\r\n250-"));
        assert_int_equal(found.ttl, 57);
        assert_true(differs(SESSION_TO_SERVER, 0, "HELO", &found));
        struct evidence *same = evidence_stop(e, &pool);
        assert_ptr_equal(same, e);
        evidence_free(e, &pool);
        assert_int_equal(pool.bytes, 0);
        memset(at, 0, sizeof(at));
        e = evidence_new(&pool);
    }
}

/* Without its urgent byte the offer is none; what lies before and behind stays in its place. */
static void test_an_omitted_byte(void **state)
{
    struct session as = {.syn_seen = true, .synack_seen = true, .seen = {true, true}};
    struct session *s;
    uint32_t offer = strlen(BANNER "250-mx.test\r\n250-");

    (void)state;
    say(SESSION_TO_CLIENT, BANNER);
    say(SESSION_TO_SERVER, HELLO);
    assert_true(evidence_omit(e, &pool, SESSION_TO_CLIENT, offer + 4)); /* before it is there */
    assert_false(evidence_omit(e, &pool, SESSION_TO_CLIENT, offer + 4));
    say(SESSION_TO_CLIENT, REPLY);
    say(SESSION_TO_SERVER, "MAIL FROM:<a@b.test>\r\n");
    assert_true(evidence_in_conflict(e));
    s = evidence_reread(e, &as, false);
    assert_int_equal(s->reading.ehlo, EHLO_COMPLETE);
    assert_int_equal(s->reading.line_count, 3);
    assert_int_equal(s->reading.line[1].line_len, 7);
    assert_memory_equal(session_text(s, s->reading.line[1].text).p, "STARTLS", 7);
    assert_int_equal(s->reading.line[2].line_len, 4);
    assert_int_equal(s->reading.line[2].offset, offer + strlen("STARTTLS\r\n"));
    assert_int_equal(s->mail_commands, 1);
    session_free(s);
    e = evidence_stop(e, &pool);
    assert_false(evidence_omit(e, &pool, SESSION_TO_CLIENT, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal_copies_do_not_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_difference_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_known_of_a_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_omitted_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopped_it_shrinks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_other_reading, NULL, teardown),
        cmocka_unit_test_setup_teardown(test_a_copy_over_part_of_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_change_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_of_it_is_capped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_turns_are_capped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_pool_is_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_comes_after_the_end_is_no_loss, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
