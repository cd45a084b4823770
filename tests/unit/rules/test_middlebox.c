/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/middlebox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct text_case {
    const char *text;
    enum middlebox_mask mask;
};

/* Cisco's list before and after, as one Exchange 2003 behind a PIX shows it: TURN, CHUNKING, VRFY,
 * X-EXPS with parameters, OK. */
static const struct text_case MASKS[] = {
    {"XXXA", MIDDLEBOX_MASK_LETTERED},
    {"XXXXXXXB", MIDDLEBOX_MASK_LETTERED},
    {"XXXXXXXXXXXXXXXXXXXXXXXD", MIDDLEBOX_MASK_LETTERED},
    {"XI", MIDDLEBOX_MASK_LETTERED},
    {"XXXXXXXX", MIDDLEBOX_MASK_RUN},
    {"********", MIDDLEBOX_MASK_RUN},
    {"        ", MIDDLEBOX_MASK_RUN},
    {"0000", MIDDLEBOX_MASK_RUN},
    {"XACK", MIDDLEBOX_MASK_NONE},
    {"XXX1", MIDDLEBOX_MASK_NONE},
    {"XXXXXXXa", MIDDLEBOX_MASK_NONE},
    {"---", MIDDLEBOX_MASK_NONE},
    {"OK", MIDDLEBOX_MASK_NONE},
    {"X", MIDDLEBOX_MASK_NONE},
    {"", MIDDLEBOX_MASK_NONE},
};

static void masks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(MASKS) / sizeof(MASKS[0]); i++)
        assert_int_equal(middlebox_mask(span_str(MASKS[i].text)), MASKS[i].mask);
    assert_int_equal(middlebox_mask(span_of("\0\0\0\0\0\0\0\0", 8)), MIDDLEBOX_MASK_RUN);
}

static void masked_banners(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "************************************",
        "*************************2******200**0*",
        "********",
        "***** ***** ** *******",
        "**",
        "** **",
    };
    static const char *const no[] = {
        "****************.com ESMTP Postfix",
        "mx1.alder.example ESMTP",
        "2 0 2 0",
        "*",
        "",
        "*******2",
        "ESMTP ********",
        "********1",
    };
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        const struct middlebox *box = middlebox_match("banner", span_str(yes[i]));
        assert_non_null(box);
        assert_int_equal(middlebox_cause(box), CAUSE_CISCO_ESMTP_INSPECTION);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_null(middlebox_match("banner", span_str(no[i])));
}

static void masked_keywords_and_commands(void **state)
{
    (void)state;
    const struct middlebox *box = middlebox_match("keyword", span_str("XXXXXXXA"));
    assert_int_equal(middlebox_cause(box), CAUSE_CISCO_ESMTP_INSPECTION);
    box = middlebox_match("keyword", span_str("XXXXXXXX"));
    assert_int_equal(middlebox_cause(box), CAUSE_ON_PATH_REWRITE);
    assert_null(middlebox_match("keyword", span_str("TRANSFER")));
    assert_non_null(middlebox_match("command", span_str("XXXX")));
    assert_null(middlebox_match("command", span_str("XXX")));
    assert_null(middlebox_match("command", span_str("EXPN")));
}

/* A cause that the table misspells would come out as unknown. */
static void every_row_names_a_cause(void **state)
{
    (void)state;
    static const struct middlebox rows[] = {
#define ROW(device, place, fill, least, last, cause, source)                                       \
    {device, place, fill, least, last, cause},
#include "middleboxes.inc"
#undef ROW
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_not_equal(middlebox_cause(&rows[i]), CAUSE_UNKNOWN);
        assert_true(strlen(rows[i].fill) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks),
        cmocka_unit_test(masked_banners),
        cmocka_unit_test(masked_keywords_and_commands),
        cmocka_unit_test(every_row_names_a_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
