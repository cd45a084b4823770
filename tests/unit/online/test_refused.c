/* SPDX-License-Identifier: Apache-2.0 */
#include "online/refused.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *ask(const char *text, const struct role_nets *allowed)
{
    uint8_t address[16] = {0};
    uint8_t family = strchr(text, ':') ? 6 : 4;

    assert_int_equal(inet_pton(family == 6 ? AF_INET6 : AF_INET, text, address), 1);
    return refused(family, address, allowed);
}

struct row {
    const char *address, *why; /* NULL: it is public */
};

static void check(const struct row *table, size_t n, const struct role_nets *allowed)
{
    for (size_t i = 0; i < n; i++) {
        const char *why = ask(table[i].address, allowed);
        if ((why == NULL) != (table[i].why == NULL) || (why && strcmp(why, table[i].why) != 0))
            fail_msg("%s: %s, not %s", table[i].address, why ? why : "public",
                     table[i].why ? table[i].why : "public");
    }
}

/* First and last address of each block of the IANA IPv4 special-purpose registry, and its
 * neighbours. */
static void ipv4_of_the_registry(void **state)
{
    static const struct row table[] = {
        {"0.0.0.0", "this network"},
        {"0.255.255.255", "this network"},
        {"1.0.0.0", NULL},
        {"9.255.255.255", NULL},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"11.0.0.0", NULL},
        {"100.63.255.255", NULL},
        {"100.64.0.0", "carrier-grade NAT"},
        {"100.127.255.255", "carrier-grade NAT"},
        {"100.128.0.0", NULL},
        {"126.255.255.255", NULL},
        {"127.0.0.0", "loopback"},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"128.0.0.0", NULL},
        {"169.253.255.255", NULL},
        {"169.254.0.0", "link-local"},
        {"169.254.169.254", "link-local"},
        {"169.254.255.255", "link-local"},
        {"169.255.0.0", NULL},
        {"172.15.255.255", NULL},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"172.32.0.0", NULL},
        {"191.255.255.255", NULL},
        {"192.0.0.0", "protocol assignments"},
        {"192.0.0.8", "protocol assignments"},
        {"192.0.0.170", "protocol assignments"},
        {"192.0.0.255", "protocol assignments"},
        {"192.0.1.0", NULL},
        {"192.0.2.0", "documentation"},
        {"192.0.2.255", "documentation"},
        {"192.0.3.0", NULL},
        {"192.31.195.255", NULL},
        {"192.31.196.1", "AS112"},
        {"192.31.197.0", NULL},
        {"192.52.193.1", "AMT"},
        {"192.52.194.0", NULL},
        {"192.88.98.255", NULL},
        {"192.88.99.0", "6to4 relay"},
        {"192.88.99.255", "6to4 relay"},
        {"192.88.100.0", NULL},
        {"192.167.255.255", NULL},
        {"192.168.0.0", "private"},
        {"192.168.255.255", "private"},
        {"192.169.0.0", NULL},
        {"192.175.48.6", "AS112"},
        {"192.175.49.0", NULL},
        {"198.17.255.255", NULL},
        {"198.18.0.0", "benchmarking"},
        {"198.19.255.255", "benchmarking"},
        {"198.20.0.0", NULL},
        {"198.51.99.255", NULL},
        {"198.51.100.0", "documentation"},
        {"198.51.100.255", "documentation"},
        {"198.51.101.0", NULL},
        {"203.0.112.255", NULL},
        {"203.0.113.0", "documentation"},
        {"203.0.113.255", "documentation"},
        {"203.0.114.0", NULL},
        {"223.255.255.255", NULL},
        {"224.0.0.0", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.0", "reserved"},
        {"255.255.255.254", "reserved"},
        {"255.255.255.255", "broadcast"},
    };
    (void)state;
    check(table, sizeof(table) / sizeof(table[0]), NULL);
}

static void ipv6_of_the_registry(void **state)
{
    static const struct row table[] = {
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::2", "IPv4-compatible"},
        {"::1:0:0:0", "not handed out"},
        {"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "not handed out"},
        {"64:ff9b:0:0:0:1::", "not handed out"},
        {"64:ff9b:1::", "NAT64"},
        {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "NAT64"},
        {"64:ff9b:2::", "not handed out"},
        {"100::", "discard"},
        {"100::ffff:ffff:ffff:ffff", "discard"},
        {"100:0:0:1::", "dummy prefix"},
        {"100:0:0:2::", "not handed out"},
        {"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not handed out"},
        {"2000::", NULL},
        {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {"2001::", "Teredo"},
        {"2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"},
        {"2001:1::1", "protocol assignments"},
        {"2001:2::", "benchmarking"},
        {"2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarking"},
        {"2001:2:1::", "protocol assignments"},
        {"2001:3::1", "protocol assignments"},
        {"2001:4:112::1", "protocol assignments"},
        {"2001:10::", "ORCHID"},
        {"2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID"},
        {"2001:20::", "ORCHID"},
        {"2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID"},
        {"2001:30::", "ORCHID"},
        {"2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID"},
        {"2001:40::", "protocol assignments"},
        {"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "protocol assignments"},
        {"2001:200::", NULL},
        {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {"2001:db8::", "documentation"},
        {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
        {"2001:db9::", NULL},
        {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {"2002::", "6to4"},
        {"2002:808:808::1", "6to4"},
        {"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"},
        {"2003::", NULL},
        {"2606:4700::1111", NULL},
        {"2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", NULL},
        {"2620:4f:8000::1", "AS112"},
        {"2620:4f:8001::", NULL},
        {"3ffd:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
        {"3ffe:831f::1", "6bone"},
        {"3fff::", "documentation"},
        {"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
        {"3fff:1000::", NULL},
        {"4000::", "not handed out"},
        {"5eff:ffff::", "not handed out"},
        {"5f00::", "SRv6"},
        {"5f01::", "not handed out"},
        {"fbff:ffff::", "not handed out"},
        {"fc00::", "private"},
        {"fd00:ec2::254", "private"},
        {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"},
        {"fe00::", "not handed out"},
        {"fe7f:ffff::", "not handed out"},
        {"fe80::1", "link-local"},
        {"febf:ffff::", "link-local"},
        {"fec0::", "site-local"},
        {"feff:ffff::", "site-local"},
        {"ff00::", "multicast"},
        {"ff02::1", "multicast"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
    };
    (void)state;
    check(table, sizeof(table) / sizeof(table[0]), NULL);
}

/* Whatever IPv4 address is in it, without an allow-list. */
static void ipv4_in_ipv6_is_refused(void **state)
{
    static const struct row table[] = {
        {"::127.0.0.1", "IPv4-compatible"},
        {"::8.8.8.8", "IPv4-compatible"},
        {"::ffff:0.0.0.0", "IPv4-mapped"},
        {"::ffff:127.0.0.1", "IPv4-mapped"},
        {"::ffff:8.8.8.8", "IPv4-mapped"},
        {"::ffff:a00:1", "IPv4-mapped"},
        {"::ffff:0:127.0.0.1", "IPv4-translated"},
        {"::fffe:7f00:1", "not handed out"},
        {"64:ff9b::127.0.0.1", "NAT64"},
        {"64:ff9b::8.8.8.8", "NAT64"},
        {"64:ff9b:1:7f00:0:100::", "NAT64"},
        {"2002:7f00:1::", "6to4"},
        {"2002:a9fe:a9fe::", "6to4"},
        {"2001:0:808:808::80ff:fffe", "Teredo"},
        /* ISATAP (RFC 5214) in anybody's net */
        {"2001:4860::5efe:127.0.0.1", "loopback"},
        {"2001:4860::200:5efe:10.0.0.1", "private"},
        {"2001:4860::200:5efe:8.8.8.8", NULL},
        {"2001:4860::100:5efe:10.0.0.1", NULL},
    };
    (void)state;
    check(table, sizeof(table) / sizeof(table[0]), NULL);
}

static void list(struct role_nets *nets, const char *text)
{
    char why[160];

    nets->count = 0;
    if (role_nets_parse(nets, text, why, sizeof(why)))
        fail_msg("%s", why);
}

static void what_is_allowed_is_reached(void **state)
{
    static const struct row table[] = {
        {"10.1.2.3", NULL},      {"10.2.0.1", "private"},   {"fd00::1", NULL},
        {"fd00:1::", "private"}, {"127.0.0.1", "loopback"}, {"8.8.8.8", NULL},
        {"127.0.0.2", NULL},
    };
    struct role_nets nets;
    (void)state;
    list(&nets, "10.1.0.0/16,fd00::/32,127.0.0.2");
    check(table, sizeof(table) / sizeof(table[0]), &nets);
}

/* RFC 6052, 3056 and 4380: the same loopback, metadata and private addresses, in what was let. */
static void ipv4_in_what_is_allowed_is_judged(void **state)
{
    static const struct row table[] = {
        {"64:ff9b::8.8.8.8", NULL},
        {"64:ff9b::127.0.0.1", "loopback"},
        {"64:ff9b::169.254.169.254", "link-local"},
        {"64:ff9b::10.1.2.3", NULL}, /* is on the list itself */
        {"64:ff9b::10.2.2.3", "private"},
        {"::ffff:8.8.8.8", NULL},
        {"::ffff:192.168.0.1", "private"},
        {"64:ff9b:1:808:8:800:808:808", NULL},
        {"64:ff9b:1:7f00:0:100:808:808", "loopback"},
        {"64:ff9b:1:808:8:800:7f00:1", "loopback"},
        {"2002:808:808::1", NULL},
        {"2002:7f00:1::1", "loopback"},
        {"2001:0:808:808::f7f7:f7f7", NULL},
        {"2001:0:808:808::80ff:fffe", "loopback"},
    };
    struct role_nets nets;
    (void)state;
    list(&nets, "64:ff9b::/96,64:ff9b:1::/48,::ffff:0:0/96,2002::/16,2001::/32,10.1.0.0/16");
    check(table, sizeof(table) / sizeof(table[0]), &nets);
}

static void no_family_is_no_address(void **state)
{
    const uint8_t address[16] = {8, 8, 8, 8};
    (void)state;
    assert_string_equal(refused(0, address, NULL), "no address");
    assert_string_equal(refused(5, address, NULL), "no address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_of_the_registry),
        cmocka_unit_test(ipv6_of_the_registry),
        cmocka_unit_test(ipv4_in_ipv6_is_refused),
        cmocka_unit_test(what_is_allowed_is_reached),
        cmocka_unit_test(ipv4_in_what_is_allowed_is_judged),
        cmocka_unit_test(no_family_is_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
