/* SPDX-License-Identifier: Apache-2.0 */
#include "history/known_offers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char *suffix(const char *host)
{
    const char *s = known_offers_suffix(span_str(host));
    return s ? s : "";
}

static void a_name_below_a_suffix_is_covered(void **state)
{
    (void)state;
    assert_string_equal(suffix("aspmx.l.google.com"), "google.com");
    assert_string_equal(suffix("ALT1.ASPMX.L.GOOGLE.COM."), "google.com");
    assert_string_equal(suffix("google.com"), "google.com");
}

/* What an attacker may register, or a greeting may say. */
static void a_name_beside_it_is_not(void **state)
{
    (void)state;
    assert_string_equal(suffix("evilgoogle.com"), "");
    assert_string_equal(suffix("google.com.evil.org"), "");
    assert_string_equal(suffix("google.com.evil.org."), "");
    assert_string_equal(suffix("google.co"), "");
    assert_string_equal(suffix("oogle.com"), "");
    assert_string_equal(suffix("google.com.."), "");
    assert_string_equal(suffix("com"), "");
}

static void nothing_covers_no_name(void **state)
{
    (void)state;
    assert_null(known_offers_suffix(span_of(NULL, 0)));
    assert_string_equal(suffix("."), "");
    assert_string_equal(suffix(".."), "");
    assert_null(known_offers_suffix(span_of("google.com\0", 11)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_below_a_suffix_is_covered),
        cmocka_unit_test(a_name_beside_it_is_not),
        cmocka_unit_test(nothing_covers_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
