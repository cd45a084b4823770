/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sts_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"

static struct sts_policy p;

static void read_text(const char *body)
{
    sts_policy_read(span_str(body), &p);
}

static void must_be(const char *body, bool strict, bool usable)
{
    read_text(body);
    if (p.strict != strict || p.usable != usable)
        fail_msg("strict %d, usable %d, wanted %d, %d: %s", p.strict, p.usable, strict, usable,
                 p.reason);
    assert_true(p.strict == (p.reason[0] == '\0'));
}

static bool has(enum lint l)
{
    return p.lints >> l & 1;
}

static bool mx_is(uint32_t i, const char *text)
{
    return i < p.mx_count && span_eq(p.mx[i], span_str(text));
}

/* RFC 8461 section 3.2, the example. */
static void the_example_is_read(void **state)
{
    (void)state;
    must_be("version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
            "mx: backupmx.example.com\r\nmax_age: 604800\r\n",
            true, true);
    assert_int_equal(p.mode, STS_MODE_ENFORCE);
    assert_int_equal(p.max_age, 604800);
    assert_int_equal(p.mx_count, 3);
    assert_true(mx_is(0, "mail.example.com") && mx_is(1, "*.example.net"));
}

#define HEAD "version: STSv1\nmode: testing\nmx: a.test\n"

static void what_the_grammar_allows(void **state)
{
    (void)state;
    must_be("max_age:1\nmx:\t a.test \nmode:enforce\nversion:STSv1", true, true); /* any order */
    assert_true(has(LINT_MAX_AGE_SHORT) && has(LINT_TRAILING_SPACE));
    must_be("version: STSv1\nmode: none\nmax_age: 0\n", true, true);
    assert_int_equal(p.mode, STS_MODE_NONE);
    must_be(HEAD "max_age: 31557600\n", true, true);
    must_be(HEAD "max_age: 86400\r\nx-1.y_z: any text, caf\xC3\xA9\n", true, true);
    assert_true(has(LINT_MIXED_LINE_ENDS));
    must_be(HEAD "max_age: 86400\nmode: whatever\nmax_age: x\n", true, true); /* the first counts */
    assert_int_equal(p.mode, STS_MODE_TESTING);
    assert_true(has(LINT_DUPLICATE_FIELD));
    must_be(HEAD "mx: A.test\nmax_age: 86400\n", true, true);
    assert_true(has(LINT_DUPLICATE_MX));
    must_be(HEAD "max_age: 86400\nabcdefghijabcdefghijabcdefghij12: v\n", true, true); /* 32 */
}

static void what_no_one_can_use(void **state)
{
    static const char *const bad[] = {
        "",
        "version: STSv2\nmode: none\nmax_age: 1\n",
        "Version: STSv1\nmode: none\nmax_age: 1\n",
        "version: stsv1\nmode: none\nmax_age: 1\n",
        "version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1\n",
        "version: STSv1\nmode: enforced\nmx: a.test\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmax_age: 1\n",
        "version: STSv1\nmx: a.test\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: a.test\n",
        HEAD "max_age: 12345678901\n",
        HEAD "max_age: 1.5\n",
        HEAD "max_age: -1\n",
        HEAD "max_age:\n",
        HEAD "mx: a b.test\nmax_age: 1\n",
        HEAD "mx: *.*.test\nmax_age: 1\n",
        HEAD "mx: m*.test\nmax_age: 1\n",
        HEAD "mx: *\nmax_age: 1\n",
        HEAD "mx: *.\nmax_age: 1\n",
        HEAD "mx: .test\nmax_age: 1\n",
        HEAD "mx: -a.test\nmax_age: 1\n",
        HEAD "mx: a_b.test\nmax_age: 1\n",
        HEAD "mx: m\xC3\xB8x.test\nmax_age: 1\n",
        HEAD "mx:\nmax_age: 1\n",
        HEAD "max_age: 1\n# a comment\n",
        HEAD "max_age: 1\n_x: y\n",
        HEAD "max_age: 1\nx:\n",
        HEAD "max_age: 1\nx: a\tb\n",
        HEAD "max_age: 1\nx: a\rb\n",
        HEAD "max_age: 1\nx: \xFF\n",
        HEAD "max_age: 1\nx: \xED\xA0\x80\n", /* a surrogate */
        HEAD "max_age: 1\nx: \xC0\xAF\n",     /* longer than need be */
        HEAD "max_age: 1\nabcdefghijabcdefghijabcdefghij123: v\n",
        HEAD "max_age: 1\r", /* a bare CR */
        "<html>",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        must_be(bad[i], false, false);
}

static void what_senders_forgive(void **state)
{
    static const struct {
        const char *body;
        enum lint lint;
    } row[] = {
        {HEAD "max_age: 86400\n\n", LINT_BLANK_LINE},
        {HEAD "max_age: 86400\n  \n", LINT_BLANK_LINE},
        {"\n" HEAD "max_age: 86400", LINT_BLANK_LINE},
        {HEAD "  max_age: 86400\n", LINT_LEADING_SPACE},
        {HEAD "max_age : 86400\n", LINT_SPACE_BEFORE_COLON},
        {"\xEF\xBB\xBF" HEAD "max_age: 86400\n", LINT_BYTE_ORDER_MARK},
        {HEAD "mx: b.test.\nmax_age: 86400\n", LINT_TRAILING_DOT},
        {HEAD "max_age: 31557601\n", LINT_MAX_AGE_CLAMPED},
        {HEAD "max_age: 9999999999\n", LINT_MAX_AGE_CLAMPED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        must_be(row[i].body, false, true);
        assert_int_equal(p.lints, lint_bit(row[i].lint));
        assert_true(p.max_age == 86400 || p.max_age == STS_MAX_AGE_MOST);
    }
    read_text(HEAD "mx: b.test.\nmax_age: 86400\n");
    assert_true(mx_is(1, "b.test"));
}

/* RFC 5321's Domain takes it; no host is called so. */
static void an_address_is_strict_and_of_no_use(void **state)
{
    (void)state;
    must_be("version: STSv1\nmode: enforce\nmx: *.1.2.3.4\nmax_age: 86400\n", true, false);
    assert_true(has(LINT_NUMERIC_MX));
    must_be("version: STSv1\nmode: enforce\nmx: 192.0.2.1\nmax_age: 86400\n", true, false);
    must_be("version: STSv1\nmode: enforce\nmx: 1.2.3.a4\nmax_age: 86400\n", true, true);
}

static void a_reason_names_the_line(void **state)
{
    (void)state;
    read_text("version: STSv1\nmode: live\nmx: a.test\nmax_age: 1\nb\n");
    assert_string_equal(p.reason, "line 2: the mode is none of enforce, testing, none: 'live'");
    read_text("version: STSv1\nmode: enforce\nmx: a.test\n");
    assert_string_equal(p.reason, "no max_age");
}

static void more_than_is_kept(void **state)
{
    static char body[CAP_STS_BODY + 64];
    size_t n = (size_t)snprintf(body, sizeof(body), "version: STSv1\nmode: none\nmax_age: 1\n");
    (void)state;
    for (int i = 0; i < CAP_STS_MX; i++)
        n += (size_t)snprintf(body + n, sizeof(body) - n, "mx: h%d.test\n", i);
    must_be(body, true, true);
    assert_int_equal(p.mx_count, CAP_STS_MX);
    snprintf(body + n, sizeof(body) - n, "mx: last.test\n");
    must_be(body, true, false);
    assert_true(has(LINT_TOO_MANY_MX));
    memset(body, 'a', sizeof(body));
    sts_policy_read(span_of(body, CAP_STS_BODY + 1), &p);
    assert_false(p.usable);
    assert_string_equal(p.reason, "more than 64 KiB");
}

/* Cut at each byte, and with each bit turned over: never a byte too far, and what is strict has no
 * reason against it. */
static void damage_is_survived(void **state)
{
    static const char body[] = "\xEF\xBB\xBFversion: STSv1\r\n mode : testing\nmx: *.a.test.\n\n"
                               "max_age: 31557601\nx: \xE2\x82\xAC\xF0\x9F\x98\x80";
    (void)state;
    for (size_t n = 0; n < sizeof(body); n++) {
        uint8_t *copy = guard_copy(body, n);
        sts_policy_read(span_of(copy, n), &p);
        assert_true(p.strict == (p.reason[0] == '\0'));
        guard_free(copy);
    }
    for (size_t bit = 0; bit < 8 * (sizeof(body) - 1); bit++) {
        uint8_t *copy = guard_copy(body, sizeof(body) - 1);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        sts_policy_read(span_of(copy, sizeof(body) - 1), &p);
        assert_true(p.strict == (p.reason[0] == '\0'));
        guard_free(copy);
    }
}

static void lints_and_modes_have_texts(void **state)
{
    (void)state;
    for (int i = 0; i < LINT_COUNT; i++)
        assert_true(lint_text((enum lint)i) && lint_text((enum lint)i)[0]);
    for (int m = STS_MODE_NONE; m < STS_MODE_COUNT; m++)
        assert_int_equal(sts_mode_read(span_str(sts_mode_text((enum sts_mode)m))), m);
    assert_null(sts_mode_text(STS_MODE_UNKNOWN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read),
        cmocka_unit_test(what_the_grammar_allows),
        cmocka_unit_test(what_no_one_can_use),
        cmocka_unit_test(what_senders_forgive),
        cmocka_unit_test(an_address_is_strict_and_of_no_use),
        cmocka_unit_test(a_reason_names_the_line),
        cmocka_unit_test(more_than_is_kept),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(lints_and_modes_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
