/* SPDX-License-Identifier: Apache-2.0 */
/* The records of RFC 8461 section 3.1 and RFC 8460 section 3, which share their form. */
#include "policy/txt_record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard.h"
#include "policy/sts_txt.h"
#include "policy/tlsrpt_txt.h"

static struct sts_txt sts;
static struct tlsrpt_txt rpt;

static void read_sts(const char *a, const char *b)
{
    struct txt_record r[2] = {{span_str(a), false}, {span_str(b ? b : ""), false}};
    sts_txt_read(r, b ? 2 : 1, &sts);
}

static void sts_is(const char *record, bool strict, bool usable, const char *id)
{
    read_sts(record, NULL);
    if (sts.strict != strict || sts.usable != usable)
        fail_msg("'%s': strict %d, usable %d: %s", record, sts.strict, sts.usable, sts.reason);
    assert_string_equal(sts.id, id);
    assert_true(sts.strict == (sts.reason[0] == '\0'));
}

static void records_that_make_a_policy(void **state)
{
    (void)state;
    sts_is("v=STSv1; id=20160831085700Z;", true, true, "20160831085700Z"); /* the RFC's own */
    sts_is("v=STSv1;id=a", true, true, "a");
    sts_is("v=STSv1;\t id=a \t; x.y-z_1=!~; ", true, true, "a");
    sts_is("v=STSv1; x=1; id=a", true, true, "a");
    sts_is("v=STSv1; id=a; id=-", true, true, "a");
    assert_int_equal(sts.lints, lint_bit(LINT_DUPLICATE_ID));
    sts_is("v=STSv1 \t; id=a", true, true, "a"); /* erratum 6285 */
    assert_int_equal(sts.lints, lint_bit(LINT_SPACE_BEFORE_DELIMITER));
    sts_is("v=STSv1; id=01234567890123456789012345678901", true, true,
           "01234567890123456789012345678901");
}

static void records_that_are_forgiven(void **state)
{
    (void)state;
    sts_is("v=STSv1; id=a  ", false, true, "a");
    assert_int_equal(sts.lints, lint_bit(LINT_TRAILING_SPACE));
    sts_is("v=STSv1; id=a;;", false, true, "a");
    sts_is("v=STSv1;; id=a", false, true, "a");
    assert_int_equal(sts.lints, lint_bit(LINT_EMPTY_FIELD));
}

static void records_that_make_none(void **state)
{
    static const char *const bad[] = {"",
                                      "v=STSv1",
                                      "v=STSv1; ",
                                      "v=STSv1;",
                                      "v=STSv10; id=a",
                                      "V=STSv1; id=a",
                                      " v=STSv1; id=a",
                                      "\"v=STSv1; id=a;\"",
                                      "v=STSv1; id=",
                                      "v=STSv1; id=a-b",
                                      "v=STSv1; id=012345678901234567890123456789012",
                                      "v=STSv1; id =a",
                                      "v=STSv1; id= a",
                                      "v=STSv1; ID=a",
                                      "v=STSv1; id=a b=c",
                                      "v=STSv1; id=a; x",
                                      "v=STSv1; id=a; x=",
                                      "v=STSv1; id=a; x==",
                                      "v=STSv1; id=a; _x=1",
                                      "v=STSv1; id=a; x=\xC3\xA9"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        sts_is(bad[i], false, false, "");
}

static void exactly_one_record_counts(void **state)
{
    (void)state;
    read_sts("v=spf1 -all", "v=STSv1; id=a");
    assert_true(sts.strict && sts.records == 1);
    assert_int_equal(sts.lints, lint_bit(LINT_OTHER_RECORDS));
    read_sts("v=STSv1; id=a", "v=STSv1; id=a");
    assert_false(sts.strict || sts.usable);
    assert_int_equal(sts.records, 2);
    sts_txt_read(NULL, 0, &sts);
    assert_false(sts.strict || sts.usable);
}

static void rpt_is(const char *record, bool strict, bool usable, uint32_t count)
{
    struct txt_record r = {span_str(record), false};
    tlsrpt_txt_read(&r, 1, &rpt);
    if (rpt.strict != strict || rpt.usable != usable)
        fail_msg("'%s': strict %d, usable %d: %s", record, rpt.strict, rpt.usable, rpt.reason);
    assert_int_equal(rpt.rua_count, count);
}

static void report_addresses_are_read(void **state)
{
    (void)state;
    rpt_is("v=TLSRPTv1;rua=mailto:reports@example.com", true, true, 1); /* the RFC's own */
    rpt_is("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", true, true, 1);
    rpt_is("v=TLSRPTv1; rua=mailto:a@b.test , https://c.test:1/?d=e; x=1;", true, true, 2);
    rpt_is("v=TLSRPTv1; rua=mailto:a@b.test; rua=mailto:c@d.test", true, true, 2);
    rpt_is("v=TLSRPTv1; rua=ftp:x", true, false, 1);
    rpt_is("v=TLSRPTv1; rua=mailto:a@b.test ", false, true, 1);
    rpt_is("v=TLSRPTv1; rua=a", false, false, 0);
    rpt_is("v=TLSRPTv1; rua=mailto:a@b.test,", false, false, 0);
    rpt_is("v=TLSRPTv1; rua=", false, false, 0);
    rpt_is("v=TLSRPTv1; rua=mailto:a b@c", false, false, 0);
    rpt_is("v=TLSRPTv1; rua=1x:y", false, false, 0);
    rpt_is("v=TLSRPTv1; x=y", false, false, 0);
    rpt_is("v=TLSRPTv1", false, false, 0);
    rpt_is("v=TLSRPTv2; rua=mailto:a@b.test", false, false, 0);
}

static void damage_is_survived(void **state)
{
    static const char *const record[] = {"v=STSv1 ; id=a1;; x=y; z=1  ",
                                         "v=TLSRPTv1; rua=mailto:a@b.test, https://c.test/;; "};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(record[i]);
        for (size_t bit = 0; bit <= 8 * n; bit++) {
            uint8_t *copy = guard_copy(record[i], n);
            if (bit < 8 * n)
                copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct txt_record r = {span_of(copy, n), true};
            sts_txt_read(&r, 1, &sts);
            tlsrpt_txt_read(&r, 1, &rpt);
            assert_true(sts.strict == (sts.reason[0] == '\0'));
            assert_true(rpt.strict == (rpt.reason[0] == '\0'));
            guard_free(copy);
        }
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *copy = guard_copy(record[i], cut);
            struct txt_record r = {span_of(copy, cut), false};
            sts_txt_read(&r, 1, &sts);
            tlsrpt_txt_read(&r, 1, &rpt);
            guard_free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_that_make_a_policy), cmocka_unit_test(records_that_are_forgiven),
        cmocka_unit_test(records_that_make_none),     cmocka_unit_test(exactly_one_record_counts),
        cmocka_unit_test(report_addresses_are_read),  cmocka_unit_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
