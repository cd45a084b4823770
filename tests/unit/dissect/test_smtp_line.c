/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dissect/smtp_line.h"
#include "guard.h"

#define CAP 8

struct want {
    const char *text;
    uint32_t offset, full_len;
    bool bare_lf, cut;
};

static size_t feed(struct smtp_line_buffer *b, struct span in, uint32_t offset,
                   const struct want *want, size_t at)
{
    for (size_t used = 0; used < in.n;) {
        struct smtp_line l;
        bool done;
        used += smtp_line_push(b, span_from(in, used), offset + (uint32_t)used, CAP, &l, &done);
        if (!done)
            continue;
        assert_true(span_eq(l.text, span_str(want[at].text)));
        assert_int_equal(l.offset, want[at].offset);
        assert_int_equal(l.full_len, want[at].full_len);
        assert_int_equal(l.bare_lf, want[at].bare_lf);
        assert_int_equal(l.cut, want[at].cut);
        at++;
    }
    return at;
}

static void test_lines_at_every_split(void **state)
{
    static const char in[] = "ab\r\n\r\nc\n\n12345678\r\n123456789\r\nx\ry\r\r\n";
    static const struct want want[] = {
        {"ab", 0, 2, false, false},       {"", 4, 0, false, false},
        {"c", 6, 1, true, false},         {"", 8, 0, true, false},
        {"12345678", 9, 8, false, false}, {"12345678", 19, 9, false, true},
        {"x\ry\r", 30, 4, false, false},
    };
    size_t n = sizeof(in) - 1;

    (void)state;
    for (size_t cut = 0; cut <= n; cut++) {
        struct smtp_line_buffer b = {0};
        uint8_t *head = guard_copy(in, cut), *tail = guard_copy(in + cut, n - cut);
        size_t at = feed(&b, span_of(head, cut), 0, want, 0);
        at = feed(&b, span_of(tail, n - cut), (uint32_t)cut, want, at);
        assert_int_equal(at, sizeof(want) / sizeof(want[0]));
        assert_false(b.open);
        smtp_line_fini(&b);
        guard_free(head);
        guard_free(tail);
    }
}

/* A line that never ends costs its cap and no more. */
static void test_endless_line_is_bounded(void **state)
{
    struct smtp_line_buffer b = {0};
    struct smtp_line l;
    uint8_t chunk[1000];
    bool done;

    (void)state;
    memset(chunk, 'A', sizeof(chunk));
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(
            smtp_line_push(&b, span_of(chunk, sizeof(chunk)), i * 1000, 4096, &l, &done),
            sizeof(chunk));
        assert_false(done);
    }
    assert_true(b.size <= 8192);
    assert_int_equal(smtp_line_push(&b, span_str("\r\n"), 10000000, 4096, &l, &done), 2);
    assert_true(done && l.cut);
    assert_int_equal(l.full_len, 10000000);
    assert_int_equal(l.text.n, 4096);
    smtp_line_fini(&b);
}

static void test_reset_forgets_the_half_line(void **state)
{
    struct smtp_line_buffer b = {0};
    struct smtp_line l;
    bool done;

    (void)state;
    smtp_line_push(&b, span_str("half"), 0, 64, &l, &done);
    smtp_line_reset(&b);
    smtp_line_push(&b, span_str("whole\r\n"), 50, 64, &l, &done);
    assert_true(done && span_eq(l.text, span_str("whole")));
    assert_int_equal(l.offset, 50);
    smtp_line_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_at_every_split),
        cmocka_unit_test(test_endless_line_is_bounded),
        cmocka_unit_test(test_reset_forgets_the_half_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
