/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

#define MACS 0x02, 0, 0, 0, 0, 0x0d, 0x02, 0, 0, 0, 0, 0x05 /* destination, then source */

static enum frame_result parse(uint32_t link, const uint8_t *bytes, size_t n, struct frame *out)
{
    return frame_parse(link, span_of(bytes, n), out);
}

static enum frame_result result_of(uint32_t link, const uint8_t *bytes, size_t n)
{
    struct frame f;

    return parse(link, bytes, n, &f);
}

/* The frame is read, its IP starts at `at`, and every cut of the link header before is told. */
static void check_ip_at(uint32_t link, const uint8_t *bytes, size_t n, size_t at)
{
    struct frame f;

    assert_int_equal(parse(link, bytes, n, &f), FRAME_OK);
    assert_ptr_equal(f.ip.p, bytes + at);
    assert_int_equal(f.ip.n, n - at);
    for (size_t cut = 0; cut < at; cut++) {
        uint8_t *copy = guard_copy(bytes, cut);

        assert_int_equal(parse(link, copy, cut, &f), FRAME_SHORT);
        guard_free(copy);
    }
}

static void test_ethernet(void **state)
{
    static const uint8_t frame[] = {MACS, 0x08, 0x00, 0x45, 0x00};
    struct frame f;

    (void)state;
    check_ip_at(FRAME_ETHERNET, frame, sizeof(frame), 14);
    check_ip_at(FRAME_ETHERNET, BYTES(MACS, 0x86, 0xdd, 0x60), 14);
    assert_int_equal(parse(FRAME_ETHERNET, frame, sizeof(frame), &f), FRAME_OK);
    assert_true(f.has_mac);
    assert_memory_equal(f.dst_mac, frame, 6);
    assert_memory_equal(f.src_mac, frame + 6, 6);
    assert_int_equal(f.vlan_count, 0);
    assert_int_equal(parse(FRAME_ETHERNET, frame, 14, &f), FRAME_OK);
    assert_int_equal(f.ip.n, 0);
}

static void test_not_ip(void **state)
{
    (void)state;
    assert_int_equal(result_of(FRAME_ETHERNET, BYTES(MACS, 0x08, 0x06, 0, 1)), FRAME_NOT_IP);

    assert_int_equal(result_of(FRAME_ETHERNET, BYTES(MACS, 0x88, 0xcc)), FRAME_NOT_IP);
    /* Inside a tag as well. */
    assert_int_equal(result_of(FRAME_ETHERNET, BYTES(MACS, 0x81, 0, 0, 5, 0x08, 0x06)),
                     FRAME_NOT_IP);
}

/* What leads on to another header, behind a tag as well; and what is inside of one. */
static void test_carriers(void **state)
{
    static const uint8_t mpls[] = {MACS, 0x81, 0, 0, 5, 0x88, 0x47, 1, 2};
    static const uint8_t inner[] = {MACS, 0x81, 0, 0, 9, 0x08, 0x00, 0x45};
    struct frame f;

    (void)state;
    assert_int_equal(parse(FRAME_ETHERNET, mpls, sizeof(mpls), &f), FRAME_CARRIER);
    assert_int_equal(f.type, FRAME_TYPE_MPLS);
    assert_ptr_equal(f.ip.p, mpls + 18);
    assert_int_equal(f.vlan[0], 5);
    assert_int_equal(frame_inside(FRAME_TYPE_ETHERNET, span_of(inner, sizeof(inner)), &f),
                     FRAME_OK);
    assert_int_equal(f.vlan_count, 1);
    assert_int_equal(f.vlan[0], 9);
    assert_ptr_equal(f.ip.p, inner + 18);
    assert_int_equal(frame_inside(FRAME_TYPE_ETHERNET, span_of(inner, 13), &f), FRAME_SHORT);
    assert_int_equal(frame_inside(FRAME_TYPE_IPV6, span_of(inner, 1), &f), FRAME_OK);
    assert_int_equal(f.ip.n, 1);
    assert_int_equal(frame_inside(0x0100, span_of(inner, 1), &f), FRAME_NOT_IP);
    assert_int_equal(result_of(FRAME_ETHERNET, BYTES(MACS, 0x88, 0x64)), FRAME_CARRIER);
    assert_int_equal(result_of(FRAME_ETHERNET, BYTES(MACS, 0x88, 0x48)), FRAME_CARRIER);
}

static void test_vlan_tags(void **state)
{
    static const uint8_t tags[][2] = {{0x81, 0x00}, {0x88, 0xa8}, {0x91, 0x00}, {0x92, 0x00}};
    struct frame f;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        /* Priority 5 and the drop bit stand before the 12 bits of the id. */
        const uint8_t frame[] = {MACS, tags[i][0], tags[i][1], 0xbf, 0xfe, 0x08, 0x00, 0x45};

        check_ip_at(FRAME_ETHERNET, frame, sizeof(frame), 18);
        assert_int_equal(parse(FRAME_ETHERNET, frame, sizeof(frame), &f), FRAME_OK);
        assert_int_equal(f.vlan_count, 1);
        assert_int_equal(f.vlan[0], 0xffe);
        assert_true(f.has_mac);
    }
}

static void test_stacked_tags(void **state)
{
    static const uint8_t frame[] = {MACS, 0x88, 0xa8, 0,    1, 0x81, 0, 0,    2,    0x91,
                                    0,    0,    3,    0x81, 0, 0,    4, 0x86, 0xdd, 0x60};
    static const uint8_t deep[] = {MACS, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x91, 0, 0,
                                   3,    0x81, 0,    0, 4, 0x81, 0, 0, 5, 0x08, 0, 0x45};
    struct frame f;

    (void)state;
    check_ip_at(FRAME_ETHERNET, frame, sizeof(frame), 14 + 4 * CAP_VLAN_DEPTH);
    assert_int_equal(parse(FRAME_ETHERNET, frame, sizeof(frame), &f), FRAME_OK);
    assert_int_equal(f.vlan_count, CAP_VLAN_DEPTH);
    for (uint16_t i = 0; i < CAP_VLAN_DEPTH; i++)
        assert_int_equal(f.vlan[i], i + 1);
    assert_int_equal(result_of(FRAME_ETHERNET, deep, sizeof(deep)), FRAME_VLAN_DEEP);
}

static void test_llc(void **state)
{
    (void)state;
    /* Spanning tree: length 38, LLC 42 42 03. */
    assert_int_equal(
        result_of(FRAME_ETHERNET, BYTES(MACS, 0, 38, 0x42, 0x42, 3, 0, 0, 0, 0, 0, 0, 0)),
        FRAME_NOT_IP);
    /* RFC 1042: SNAP with organization 0 and an Ethernet type. */
    check_ip_at(FRAME_ETHERNET,
                BYTES(MACS, 0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00, 0x45, 0, 0, 40), 22);
    check_ip_at(FRAME_ETHERNET,
                BYTES(MACS, 0x81, 0, 0, 7, 0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd, 0x60), 26);
    /* Cisco's organization, and ARP in SNAP. */
    assert_int_equal(
        result_of(FRAME_ETHERNET, BYTES(MACS, 0, 48, 0xaa, 0xaa, 3, 0, 0, 0x0c, 0x08, 0, 0x45)),
        FRAME_NOT_IP);
    assert_int_equal(
        result_of(FRAME_ETHERNET, BYTES(MACS, 0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 6, 0, 1)),
        FRAME_NOT_IP);
}

/* 0x0600 is the first type, 0x05ff the last length (of LLC, which would be short here). */
static void test_first_type(void **state)
{
    (void)state;
    assert_int_equal(result_of(FRAME_ETHERNET, BYTES(MACS, 0x06, 0x00)), FRAME_NOT_IP);
    assert_int_equal(result_of(FRAME_ETHERNET, BYTES(MACS, 0x05, 0xff)), FRAME_SHORT);
}

static void test_sll(void **state)
{
    struct frame f;

    (void)state;
    /* Packet type 0, hardware type 1, address of 6 bytes in a field of 8, protocol. */
    check_ip_at(FRAME_SLL, BYTES(0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 5, 0, 0, 0x08, 0x00, 0x45), 16);
    check_ip_at(FRAME_SLL, BYTES(0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 5, 0, 0, 0x86, 0xdd, 0x60), 16);
    check_ip_at(FRAME_SLL,
                BYTES(0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 5, 0, 0, 0x81, 0, 0, 9, 0x08, 0, 0x45), 20);
    assert_int_equal(
        parse(FRAME_SLL,
              BYTES(0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 5, 0, 0, 0x81, 0, 0, 9, 0x08, 0, 0x45), &f),
        FRAME_OK);
    assert_false(f.has_mac);
    assert_int_equal(f.vlan_count, 1);
    assert_int_equal(f.vlan[0], 9);
    assert_int_equal(
        result_of(FRAME_SLL, BYTES(0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 5, 0, 0, 0x08, 0x06)),
        FRAME_NOT_IP);
}

static void test_sll2(void **state)
{
    (void)state;
    /* Protocol, reserved, interface, hardware type, packet type, address length, address. */
    check_ip_at(FRAME_SLL2,
                BYTES(0x08, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 5, 0, 0, 0x45), 20);
    check_ip_at(FRAME_SLL2,
                BYTES(0x81, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 5, 0, 0, 0, 9, 0x86,
                      0xdd, 0x60),
                24);
    assert_int_equal(
        result_of(FRAME_SLL2, BYTES(0x08, 6, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 5, 0, 0)),
        FRAME_NOT_IP);
}

static void test_bsd_families(void **state)
{
    static const uint8_t family[] = {2, 10, 24, 28, 30};

    (void)state;
    for (size_t i = 0; i < sizeof(family); i++) {
        check_ip_at(FRAME_NULL, BYTES(family[i], 0, 0, 0, 0x45), 4);
        check_ip_at(FRAME_NULL, BYTES(0, 0, 0, family[i], 0x45), 4);
        check_ip_at(FRAME_LOOP, BYTES(0, 0, 0, family[i], 0x45), 4);
        /* LOOP is in network order on every machine. */
        assert_int_equal(result_of(FRAME_LOOP, BYTES(family[i], 0, 0, 0, 0x45)), FRAME_NOT_IP);
    }
    assert_int_equal(result_of(FRAME_NULL, BYTES(7, 0, 0, 0, 0x45)), FRAME_NOT_IP);
    assert_int_equal(result_of(FRAME_NULL, BYTES(2, 0, 0, 2, 0x45)), FRAME_NOT_IP);
    assert_int_equal(result_of(FRAME_NULL, BYTES(0, 2, 0, 0, 0x45)), FRAME_NOT_IP);
    assert_int_equal(result_of(FRAME_NULL, BYTES(0, 0, 2, 0, 0x45)), FRAME_NOT_IP);
    assert_int_equal(result_of(FRAME_NULL, BYTES(0, 0, 0, 0, 0x45)), FRAME_NOT_IP);
}

static void test_raw(void **state)
{
    static const uint32_t either[] = {FRAME_RAW, FRAME_RAW_BSD, FRAME_RAW_OPENBSD};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        check_ip_at(either[i], BYTES(0x45), 0);
        check_ip_at(either[i], BYTES(0x60), 0);
        assert_int_equal(result_of(either[i], BYTES(0x50)), FRAME_NOT_IP);
        assert_int_equal(result_of(either[i], NULL, 0), FRAME_SHORT);
    }
    check_ip_at(FRAME_IPV4, BYTES(0x45), 0);
    check_ip_at(FRAME_IPV6, BYTES(0x60), 0);
    assert_int_equal(result_of(FRAME_IPV4, BYTES(0x60)), FRAME_NOT_IP);
    assert_int_equal(result_of(FRAME_IPV6, BYTES(0x45)), FRAME_NOT_IP);
}

static void test_known_links(void **state)
{
    static const uint32_t known[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276};
    size_t next = 0;

    (void)state;
    for (uint32_t link = 0; link < 400; link++) {
        bool expected = next < 10 && known[next] == link;

        next += expected;
        assert_int_equal(frame_link_known(link), expected);
        assert_int_equal(result_of(link, NULL, 0) == FRAME_UNKNOWN_LINK, !expected);
    }
    assert_false(frame_link_known(UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ethernet),     cmocka_unit_test(test_not_ip),
        cmocka_unit_test(test_carriers),     cmocka_unit_test(test_vlan_tags),
        cmocka_unit_test(test_stacked_tags), cmocka_unit_test(test_llc),
        cmocka_unit_test(test_first_type),   cmocka_unit_test(test_sll),
        cmocka_unit_test(test_sll2),         cmocka_unit_test(test_bsd_families),
        cmocka_unit_test(test_raw),          cmocka_unit_test(test_known_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
