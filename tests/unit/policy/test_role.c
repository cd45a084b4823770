/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/role.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct role_nets nets;
static char why[256];

static int parse(const char *list)
{
    nets.count = 0;
    why[0] = '\0';
    return role_nets_parse(&nets, list, why, sizeof(why));
}

struct addr {
    uint8_t family;
    uint8_t b[16];
};

static struct addr addr_of(const char *text)
{
    struct addr a = {strchr(text, ':') ? 6 : 4, {0}};
    assert_int_equal(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.b), 1);
    return a;
}

static bool have(const char *text)
{
    struct addr a = addr_of(text);
    return role_nets_have(&nets, a.family, a.b);
}

static void lists_are_parsed(void **state)
{
    (void)state;
    assert_int_equal(parse("10.0.0.0/8,2001:db8::/32,192.0.2.25,::1"), 0);
    assert_int_equal(nets.count, 4);
    assert_int_equal(nets.net[0].bits, 8);
    assert_int_equal(nets.net[1].family, 6);
    assert_int_equal(nets.net[2].bits, 32);
    assert_int_equal(nets.net[3].bits, 128);
    assert_true(have("10.255.0.1"));
    assert_false(have("11.0.0.0"));
    assert_true(have("2001:db8:ffff::"));
    assert_false(have("2001:db9::"));
    assert_true(have("192.0.2.25"));
    assert_false(have("192.0.2.24"));
    assert_true(have("::1"));
    assert_false(have("::2"));
    assert_int_equal(role_nets_parse(&nets, "127.0.0.1", why, sizeof(why)), 0); /* lists add up */
    assert_int_equal(nets.count, 5);
}

/* Every length of both families: the last address inside and the first one outside. */
static void every_length_ends_where_it_says(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 128; bits++) {
        uint8_t inside[16], outside[16] = {0};
        char text[64], list[72];
        for (unsigned i = 0; i < 128; i++)
            inside[i / 8] = (uint8_t)((inside[i / 8] << 1 | (i >= bits)) & 0xFF);
        if (bits > 0)
            outside[(bits - 1) / 8] = (uint8_t)(0x80 >> ((bits - 1) % 8));
        static const uint8_t zero[16];
        inet_ntop(AF_INET6, zero, text, sizeof(text));
        snprintf(list, sizeof(list), "%s/%u", text, bits);
        assert_int_equal(parse(list), 0);
        assert_true(role_nets_have(&nets, 6, inside));
        assert_true(role_nets_have(&nets, 6, zero));
        assert_int_equal(role_nets_have(&nets, 6, outside), bits == 0);
        assert_false(role_nets_have(&nets, 4, zero));
        if (bits > 32)
            continue;
        snprintf(list, sizeof(list), "0.0.0.0/%u", bits);
        assert_int_equal(parse(list), 0);
        assert_true(role_nets_have(&nets, 4, inside));
        assert_int_equal(role_nets_have(&nets, 4, outside), bits == 0);
    }
}

static void bad_lists_are_refused_with_the_item(void **state)
{
    (void)state;
    static const char *const BAD[][2] = {
        {"", "'' is an empty item of the list"},
        {"10.0.0.0/8,", "'' is an empty item of the list"},
        {"10.0.0.0/8,,::1", "'' is an empty item of the list"},
        {"10.0.0", "'10.0.0' is not an IP address"},
        {"10.0.0.0/33", "'10.0.0.0/33' has a prefix length that is not 0 to 32"},
        {"10.0.0.0/", "'10.0.0.0/' has a prefix length that is not 0 to 32"},
        {"10.0.0.0/+8", "'10.0.0.0/+8' has a prefix length that is not 0 to 32"},
        {"10.0.0.0/8x", "'10.0.0.0/8x' has a prefix length that is not 0 to 32"},
        {"10.0.0.0/0008", "'10.0.0.0/0008' has a prefix length that is not 0 to 32"},
        {"::/129", "'::/129' has a prefix length that is not 0 to 128"},
        {"::/384", "'::/384' has a prefix length that is not 0 to 128"}, /* 384 - 256 is 128 */
        {"mx.example.test", "'mx.example.test' is not an IP address"},
        {" 10.0.0.1", "' 10.0.0.1' is not an IP address"},
        {"\x1b[31m", "'\\x1B[31m' is not an IP address"},
        {"10.1.2.3/8", "'10.1.2.3/8' has bits beyond its length; did you mean 10.0.0.0/8?"},
        {"2001:db8::1/64",
         "'2001:db8::1/64' has bits beyond its length; did you mean 2001:db8::/64?"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(parse(BAD[i][0]), -1);
        assert_string_equal(why, BAD[i][1]);
        assert_int_equal(nets.count, 0);
    }
    char longest[200];
    memset(longest, '1', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(parse(longest), -1);
}

static void lists_are_capped(void **state)
{
    (void)state;
    nets.count = 0;
    for (int i = 0; i < ROLE_NETS; i++)
        assert_int_equal(role_nets_parse(&nets, "10.0.0.1", why, sizeof(why)), 0);
    assert_int_equal(role_nets_parse(&nets, "10.0.0.1", why, sizeof(why)), -1);
    assert_string_equal(why, "more than 256 networks");
    assert_int_equal(nets.count, ROLE_NETS);
}

/* --- roles --- */

#define US    "192.0.2.10"   /* in our networks */
#define MX    "203.0.113.25" /* our exchanger at a provider's */
#define RELAY "203.0.113.99" /* a provider's relay */
#define THEM  "198.51.100.7"

static const char *role_between(const struct role_config *c, const char *client, const char *server,
                                uint16_t port)
{
    struct addr a = addr_of(client), b = addr_of(server);
    return role_text(role_of(c, a.family, a.b, b.b, port));
}

static void roles_follow_the_configuration(void **state)
{
    (void)state;
    static struct role_config c;
    role_nets_parse(&c.local, "192.0.2.0/24", why, sizeof(why));
    role_nets_parse(&c.own_mx, MX, why, sizeof(why));
    role_nets_parse(&c.smart_hosts, RELAY, why, sizeof(why));
    static const struct {
        const char *client, *server;
        uint16_t port;
        const char *role;
    } CASE[] = {
        {US, THEM, 25, "mx-out"},       {MX, THEM, 25, "mx-out"},
        {THEM, US, 25, "mx-in"},        {THEM, MX, 25, "mx-in"},
        {THEM, US, 10025, "mx-in"},     {US, US, 25, "internal"},
        {US, MX, 25, "internal"},       {US, RELAY, 25, "internal"},
        {THEM, RELAY, 25, "internal"},  {RELAY, MX, 25, "internal"},
        {RELAY, THEM, 25, "unknown"},   {THEM, THEM, 25, "unknown"},
        {US, THEM, 26, "unknown"},      {US, THEM, 587, "submission"},
        {THEM, US, 465, "submission"},  {THEM, THEM, 2525, "submission"},
        {US, RELAY, 587, "submission"},
    };
    for (size_t i = 0; i < sizeof(CASE) / sizeof(CASE[0]); i++)
        assert_string_equal(role_between(&c, CASE[i].client, CASE[i].server, CASE[i].port),
                            CASE[i].role);
}

static void nothing_is_guessed_without_configuration(void **state)
{
    (void)state;
    static const struct role_config none;
    assert_string_equal(role_between(&none, "10.0.0.1", "10.0.0.2", 25), "unknown");
    assert_string_equal(role_between(&none, "fd00::1", "fd00::2", 25), "unknown");
    assert_string_equal(role_between(&none, "10.0.0.1", THEM, 587), "submission");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_parsed),
        cmocka_unit_test(every_length_ends_where_it_says),
        cmocka_unit_test(bad_lists_are_refused_with_the_item),
        cmocka_unit_test(lists_are_capped),
        cmocka_unit_test(roles_follow_the_configuration),
        cmocka_unit_test(nothing_is_guessed_without_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
