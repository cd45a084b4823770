/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cli_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct cli_why why;

static void numbers_are_digits_in_their_range(void **state)
{
    (void)state;
    uint32_t n;
    assert_int_equal(cli_value_number("0", 0, 65535, &n, &why), 0);
    assert_int_equal(n, 0);
    assert_int_equal(cli_value_number("65535", 0, 65535, &n, &why), 0);
    assert_int_equal(n, 65535);
    assert_int_equal(cli_value_number("4294967295", 0, UINT32_MAX, &n, &why), 0);
    assert_int_equal(n, UINT32_MAX);
    static const char *const BAD[] = {
        "",   "-1",    "+1",         "1 ",         "0x10",
        "1k", "65536", "4294967296", "4294967297", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(cli_value_number(BAD[i], 0, 65535, &n, &why), -1);
    assert_int_equal(cli_value_number("65536", 0, 65535, &n, &why), -1);
    assert_string_equal(why.text, "'65536' is not a number from 0 to 65535");
    assert_int_equal(cli_value_number("0", 1, 65535, &n, &why), -1);
}

static void ports_are_a_list_without_repeats(void **state)
{
    (void)state;
    uint16_t port[CAP_PORTS];
    uint8_t count;
    assert_int_equal(cli_value_ports("25,587,25,65535", port, &count, &why), 0);
    assert_int_equal(count, 3);
    assert_int_equal(port[0], 25);
    assert_int_equal(port[2], 65535);
    assert_int_equal(
        cli_value_ports("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,1", port, &count, &why), 0);
    assert_int_equal(count, CAP_PORTS);
    assert_int_equal(
        cli_value_ports("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", port, &count, &why), -1);
    static const char *const BAD[] = {"", ",", "25,", ",25", "25,,26", "0", "65536", "smtp", "25 "};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_int_equal(cli_value_ports(BAD[i], port, &count, &why), -1);
}

static void severities_have_names(void **state)
{
    (void)state;
    enum severity s;
    assert_int_equal(cli_value_severity("low", false, &s, &why), 0);
    assert_int_equal(s, SEVERITY_LOW);
    assert_int_equal(cli_value_severity("critical", true, &s, &why), 0);
    assert_int_equal(s, SEVERITY_CRITICAL);
    assert_int_equal(cli_value_severity("none", true, &s, &why), 0);
    assert_int_equal(s, SEVERITY_COUNT);
    assert_int_equal(cli_value_severity("none", false, &s, &why), -1);
    assert_int_equal(cli_value_severity("info", true, &s, &why), -1); /* is never an alert */
    assert_int_equal(cli_value_severity("High", true, &s, &why), -1);
    assert_int_equal(cli_value_severity("\x1b]0;x\x07", true, &s, &why), -1);
    assert_null(strchr(why.text, 0x1b));
}

static void names_have_a_length(void **state)
{
    (void)state;
    char name[258];
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    assert_int_equal(cli_value_name(name, &why), -1);
    name[255] = '\0';
    assert_int_equal(cli_value_name(name, &why), 0);
    assert_int_equal(cli_value_name("", &why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_in_their_range),
        cmocka_unit_test(ports_are_a_list_without_repeats),
        cmocka_unit_test(severities_have_names),
        cmocka_unit_test(names_have_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
