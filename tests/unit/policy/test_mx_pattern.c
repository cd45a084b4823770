/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mx_pattern.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "policy/domain.h"

static enum mx_match match(const char *pattern, const char *host)
{
    return mx_match(span_str(pattern), span_str(host));
}

/* RFC 8461 section 4.1: "may only match the left-most label". */
static void one_label_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(match("*.example.com", "mail.example.com"), MX_MATCH_WHOLE);
    assert_int_equal(match("*.example.com", "example.com"), MX_MATCH_NONE);
    assert_int_equal(match("*.example.com", "a.b.example.com"), MX_MATCH_DEPTH);
    assert_int_equal(match("*.example.com", "badexample.com"), MX_MATCH_NONE);
    assert_int_equal(match("*.example.com", ".example.com"), MX_MATCH_NONE);
    assert_int_equal(match(".example.com", "mail.example.com"), MX_MATCH_WHOLE);
    assert_int_equal(match(".example.com", "a.b.example.com"), MX_MATCH_DEPTH);
    assert_int_equal(match("*.google.com", "aspmx.l.google.com"), MX_MATCH_DEPTH);
}

static void case_and_a_last_dot_do_not_count(void **state)
{
    (void)state;
    assert_int_equal(match("MX.Example.com", "mx.eXample.com."), MX_MATCH_WHOLE);
    assert_int_equal(match("mx.example.com.", "mx.example.com"), MX_MATCH_WHOLE);
    assert_int_equal(match("*.Example.COM", "MAIL.example.com."), MX_MATCH_WHOLE);
    assert_int_equal(match("mx.example.com", "mx.example.com.."), MX_MATCH_NONE);
    assert_int_equal(match("mx.example.com", "xmx.example.com"), MX_MATCH_NONE);
    assert_int_equal(match("", ""), MX_MATCH_NONE);
    assert_int_equal(match("*.", "a"), MX_MATCH_NONE);
    assert_int_equal(match(".", "."), MX_MATCH_NONE);
}

static bool valid(const char *name)
{
    return domain_valid(span_str(name));
}

static void names_are_labels_of_letters_digits_hyphens(void **state)
{
    static const char label63[] = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123";
    char name[512] = "";
    (void)state;
    assert_true(valid("mx1.example.com") && valid("a") && valid("xn--mx-zka.test") && valid("1.2"));
    assert_false(valid("") || valid(".") || valid("a.") || valid(".a") || valid("a..b") ||
                 valid("-a.b") || valid("a-.b") || valid("a_b.c") || valid("a b.c"));
    for (int i = 0; i < 3; i++)
        strcat(strcat(name, label63), ".");
    strcat(name, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1"); /* 192 + 61 */
    assert_int_equal(strlen(name), 253);
    assert_true(valid(name));
    strcat(name, "2");
    assert_false(valid(name));
    name[64] = '\0';
    name[63] = '4';
    assert_false(valid(name)); /* a label of 64 */
    assert_true(domain_numeric(span_str("1.2.3.4")) && domain_numeric(span_str("a.b.4")));
    assert_false(domain_numeric(span_str("a.b4")) || domain_numeric(span_str("4.a")));
}

static void a_domain_is_kept_in_lower_case(void **state)
{
    struct domain d;
    (void)state;
    assert_true(domain_read(span_str("Mail.EXAMPLE.com."), &d));
    assert_string_equal(d.text, "mail.example.com");
    assert_int_equal(d.n, 16);
    assert_false(domain_read(span_str("[192.0.2.1]"), &d));
    assert_int_equal(d.n, 0);
    assert_false(domain_read(span_str("a.."), &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_label_and_no_more),
        cmocka_unit_test(case_and_a_last_dot_do_not_count),
        cmocka_unit_test(names_are_labels_of_letters_digits_hyphens),
        cmocka_unit_test(a_domain_is_kept_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
