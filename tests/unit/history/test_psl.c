/* SPDX-License-Identifier: Apache-2.0 */
#include "history/psl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char *owner(const char *name)
{
    static struct psl_domain d;
    memset(&d, 'x', sizeof(d));
    psl_domain(span_str(name), &d);
    assert_int_equal(strlen(d.text), d.n);
    return d.text;
}

/* Suffixes of publicsuffix.org: com, co.uk, and *.ck with the exception !www.ck. */
static void the_owner_of_a_name(void **state)
{
    (void)state;
    assert_string_equal(owner("mx3.mail.alder.co.uk"), "alder.co.uk");
    assert_string_equal(owner("alder.co.uk"), "alder.co.uk");
    assert_string_equal(owner("mx.alder.com"), "alder.com");
    assert_string_equal(owner("mx.alder.test.ck"), "alder.test.ck");
    assert_string_equal(owner("mx.www.ck"), "www.ck");
    assert_string_equal(owner("mx_1.alder.com"), "alder.com");
    assert_string_equal(owner("1.2.3.alder.com"), "alder.com");
}

static void case_and_a_trailing_dot_do_not_matter(void **state)
{
    (void)state;
    assert_string_equal(owner("MX3.Mail.ALDER.co.UK."), "alder.co.uk");
    assert_string_equal(owner("alder.com."), "alder.com");
}

static void nobody_owns_a_public_suffix(void **state)
{
    (void)state;
    assert_string_equal(owner("co.uk"), "");
    assert_string_equal(owner("com"), "");
    assert_string_equal(owner("com."), "");
    assert_string_equal(owner("test.ck"), "");
}

static void addresses_and_single_words_are_no_names(void **state)
{
    static const char *const none[] = {"",
                                       ".",
                                       "..",
                                       "localhost",
                                       "192.0.2.1",
                                       "[192.0.2.1]",
                                       "::1",
                                       "2001:db8::1",
                                       "[IPv6:::1]",
                                       ".alder.com",
                                       "alder.com..",
                                       "mx alder.com",
                                       "a@b.com",
                                       "mx.alder.1",
                                       "-",
                                       "_._",
                                       "mx.alder.com\r",
                                       "m\xc3\xbcller.com",
                                       "mx.\xff.com"};
    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_string_equal(owner(none[i]), "");
}

static void a_name_with_a_zero_byte_is_none(void **state)
{
    struct psl_domain d;
    (void)state;
    psl_domain(span_of("alder.com\0.evil.org", 19), &d);
    assert_int_equal(d.n, 0);
    psl_domain(span_of(NULL, 0), &d);
    assert_int_equal(d.n, 0);
}

/* RFC 1035 section 2.3.4: names of up to 255 bytes. What is longer is no name. */
static void the_longest(void **state)
{
    char name[CAP_DOMAIN_TEXT + 8];
    struct psl_domain d;
    (void)state;
    memset(name, 'a', sizeof(name));
    for (size_t i = 60; i < CAP_DOMAIN_TEXT - 5; i += 60)
        name[i] = '.';
    memcpy(name + CAP_DOMAIN_TEXT - 4, ".com", 4);
    psl_domain(span_of(name, CAP_DOMAIN_TEXT), &d);
    assert_int_equal(d.n, strlen(d.text));
    assert_true(d.n > 4 && memcmp(d.text + d.n - 4, ".com", 4) == 0);
    psl_domain(span_of(name, CAP_DOMAIN_TEXT + 1), &d);
    assert_int_equal(d.n, 0);
}

/* The memory of names changes no answer, whatever came before. */
static void what_was_asked_before(void **state)
{
    static const char *const names[] = {
        "mx.Alder.co.uk", "alder.co.uk",     "co.uk",     "",           ".",
        "a..com",         "MX.alder.CO.UK.", "192.0.2.1", "a.b.test.ck"};
    struct psl_memory *m = psl_memory_new(&(struct siphash_key){1, 2});
    struct psl_domain kept;
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        const char *name = names[i * 7 % (sizeof(names) / sizeof(names[0]))];
        memset(&kept, 'x', sizeof(kept));
        psl_recall(m, span_str(name), &kept);
        assert_string_equal(kept.text, owner(name));
        assert_int_equal(kept.n, strlen(kept.text));
    }
    psl_memory_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_of_a_name),
        cmocka_unit_test(case_and_a_trailing_dot_do_not_matter),
        cmocka_unit_test(nobody_owns_a_public_suffix),
        cmocka_unit_test(addresses_and_single_words_are_no_names),
        cmocka_unit_test(a_name_with_a_zero_byte_is_none),
        cmocka_unit_test(the_longest),
        cmocka_unit_test(what_was_asked_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
