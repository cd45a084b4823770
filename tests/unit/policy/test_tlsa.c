/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/tlsa.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard.h"

static bool usable(uint8_t usage, uint8_t selector, uint8_t matching, size_t n, uint8_t first)
{
    uint8_t rdata[3 + 80] = {usage, selector, matching, first};
    struct tlsa t;
    uint8_t *copy = guard_copy(rdata, 3 + n);
    bool read = tlsa_read(span_of(copy, 3 + n), &t);
    assert_true(read);
    assert_int_equal(t.data.n, n);
    guard_free(copy);
    return t.usable;
}

/* RFC 7672 section 3.1: DANE-TA(2) and DANE-EE(3) alone; digests have their length. */
static void what_smtp_clients_can_use(void **state)
{
    (void)state;
    assert_true(usable(3, 1, 1, 32, 0));
    assert_true(usable(2, 0, 2, 64, 0));
    assert_true(usable(3, 0, 0, 10, 0x30));
    assert_false(usable(0, 1, 1, 32, 0) || usable(1, 1, 1, 32, 0) || usable(4, 1, 1, 32, 0) ||
                 usable(255, 1, 1, 32, 0));
    assert_false(usable(3, 2, 1, 32, 0));
    assert_false(usable(3, 1, 3, 32, 0));
    assert_false(usable(3, 1, 1, 31, 0) || usable(3, 1, 1, 33, 0) || usable(3, 1, 2, 32, 0));
    assert_false(usable(3, 1, 0, 0, 0) || usable(3, 1, 0, 10, 0));
}

static void too_short_is_none(void **state)
{
    struct tlsa t;
    (void)state;
    for (size_t n = 0; n < 3; n++) {
        uint8_t *copy = guard_copy("\3\1\1", n);
        assert_false(tlsa_read(span_of(copy, n), &t));
        guard_free(copy);
    }
    assert_true(tlsa_read(span_of("\3\1\1", 3), &t));
    assert_false(t.usable);
}

static void it_is_shown_as_in_a_zone(void **state)
{
    struct tlsa t;
    char text[64];
    (void)state;
    assert_true(tlsa_read(span_of("\3\1\1\x00\xAB\xFF", 6), &t));
    assert_int_equal(tlsa_text(text, sizeof(text), &t), 12);
    assert_string_equal(text, "3 1 1 00abff");
    assert_int_equal(tlsa_text(text, 10, &t), 8);
    assert_string_equal(text, "3 1 1 00");
    assert_int_equal(tlsa_text(text, 4, &t), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_smtp_clients_can_use),
        cmocka_unit_test(too_short_is_none),
        cmocka_unit_test(it_is_shown_as_in_a_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
