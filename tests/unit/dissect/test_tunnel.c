/* SPDX-License-Identifier: Apache-2.0 */
/* One header of an encapsulation at a time: bytes as the RFCs and drafts lay them out. */
#include "dissect/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

#define MACS 0x02, 0, 0, 0, 0, 0x0d, 0x02, 0, 0, 0, 0, 0x05 /* destination, then source */
/* A header of 20 bytes, total length 20, protocol 59, 192.0.2.1 to 192.0.2.2; the checksum is left
 * to the card. */
#define IPV4 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2

enum proto { IPIP = 4, UDP = 17, IPV6 = 41, GRE = 47 };

static enum tunnel_result of_ip(uint8_t proto, const uint8_t *bytes, size_t n, struct tunnel *t)
{
    const struct ip_packet ip = {
        .family = 4, .proto = proto, .payload = span_of(bytes, n), .payload_len = (uint32_t)n};

    return tunnel_ip(&ip, t);
}

/* What is inside lies behind `header` bytes; a header cut anywhere is malformed. */
static void check_ip(uint8_t proto, const uint8_t *bytes, size_t n, size_t header,
                     const struct tunnel *want)
{
    struct tunnel t;

    assert_int_equal(of_ip(proto, bytes, n, &t), TUNNEL_OK);
    assert_int_equal(t.kind, want->kind);
    assert_int_equal(t.id, want->id);
    assert_int_equal(t.vlan, want->vlan);
    assert_int_equal(t.type, want->type);
    assert_ptr_equal(t.inside.p, bytes + header);
    assert_int_equal(t.inside.n, n - header);
    for (size_t cut = 0; cut < header; cut++) {
        uint8_t *copy = guard_copy(bytes, cut);
        enum tunnel_result rc = of_ip(proto, copy, cut, &t);
        assert_true(rc == TUNNEL_MALFORMED || (proto == UDP && cut < 4 && rc == TUNNEL_OTHER));
        guard_free(copy);
    }
}

static enum tunnel_result result_of(uint8_t proto, const uint8_t *bytes, size_t n)
{
    struct tunnel t;

    return of_ip(proto, bytes, n, &t);
}

/* --- GRE --- */

static void test_gre(void **state)
{
    (void)state;
    check_ip(GRE, BYTES(0, 0, 0x08, 0x00, IPV4), 4,
             &(struct tunnel){TUNNEL_GRE, 0, 0, 0x0800, {0}});
    check_ip(GRE, BYTES(0, 0, 0x86, 0xdd, 0x60), 4,
             &(struct tunnel){TUNNEL_GRE, 0, 0, 0x86dd, {0}});
    check_ip(GRE, BYTES(0, 0, 0x65, 0x58, MACS), 4,
             &(struct tunnel){TUNNEL_GRE, 0, 0, 0x6558, {0}});
    check_ip(GRE, BYTES(0, 0, 0x88, 0x47, 0), 4, &(struct tunnel){TUNNEL_GRE, 0, 0, 0x8847, {0}});
    /* key 0x01020304; then sequence number as well (RFC 2890 section 2) */
    check_ip(GRE, BYTES(0x20, 0, 0x08, 0x00, 1, 2, 3, 4, 0x45), 8,
             &(struct tunnel){TUNNEL_GRE, 0x01020304, 0, 0x0800, {0}});
    check_ip(GRE, BYTES(0x30, 0, 0x08, 0x00, 1, 2, 3, 4, 0, 0, 0, 9, 0x45), 12,
             &(struct tunnel){TUNNEL_GRE, 0x01020304, 0, 0x0800, {0}});
    check_ip(GRE, BYTES(0x10, 0, 0x08, 0x00, 0, 0, 0, 9, 0x45), 8,
             &(struct tunnel){TUNNEL_GRE, 0, 0, 0x0800, {0}});
    /* Bits 6 to 12 must be ignored (RFC 2784 section 2.3). */
    check_ip(GRE, BYTES(0x03, 0xf8, 0x08, 0x00, 0x45), 4,
             &(struct tunnel){TUNNEL_GRE, 0, 0, 0x0800, {0}});
}

/* 8000 + 0800 + 4500 = cd00, whose complement is 32ff. */
static void test_gre_checksum(void **state)
{
    struct ip_packet cut = {.proto = GRE, .payload_len = 60};
    struct tunnel t;

    (void)state;
    check_ip(GRE, BYTES(0x80, 0, 0x08, 0x00, 0x32, 0xff, 0, 0, 0x45, 0x00), 8,
             &(struct tunnel){TUNNEL_GRE, 0, 0, 0x0800, {0}});
    assert_int_equal(result_of(GRE, BYTES(0x80, 0, 0x08, 0x00, 0x32, 0xfe, 0, 0, 0x45, 0x00)),
                     TUNNEL_MALFORMED);
    /* Of one that was cut nobody can tell. */
    cut.payload = span_of(BYTES(0x80, 0, 0x08, 0x00, 0x32, 0xfe, 0, 0, 0x45, 0x00));
    assert_int_equal(tunnel_ip(&cut, &t), TUNNEL_OK);
}

static void test_gre_others(void **state)
{
    (void)state;
    assert_int_equal(result_of(GRE, BYTES(0x20, 0x01, 0x88, 0x0b, 0, 0, 0, 0)),
                     TUNNEL_OTHER); /* PPTP */
    assert_int_equal(result_of(GRE, BYTES(0, 0, 0x08, 0x06, 0, 1)), TUNNEL_OTHER);
    assert_int_equal(result_of(GRE, BYTES(0x40, 0, 0x08, 0, 0, 0, 0, 0)), TUNNEL_MALFORMED);
    assert_int_equal(result_of(GRE, BYTES(0x08, 0, 0x08, 0)), TUNNEL_MALFORMED);
    assert_int_equal(result_of(GRE, BYTES(0x04, 0, 0x08, 0)), TUNNEL_MALFORMED);
}

/* --- ERSPAN --- */

static void test_erspan(void **state)
{
    (void)state;
    /* I: no sequence number, no header of its own */
    check_ip(GRE, BYTES(0, 0, 0x88, 0xbe, MACS), 4,
             &(struct tunnel){TUNNEL_ERSPAN, 0, 0, 0x6558, {0}});
    /* II: version 1, VLAN 100, class 7, session 0x155, index 1 */
    check_ip(GRE, BYTES(0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x64, 0xe1, 0x55, 0, 0, 0, 1, MACS),
             16, &(struct tunnel){TUNNEL_ERSPAN, 0x155, 100, 0x6558, {0}});
    /* III: version 2, VLAN 100, session 5, time, group, then P; O with 8 bytes more */
    check_ip(GRE,
             BYTES(0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0x64, 0, 0x05, 1, 2, 3, 4, 0, 0, 0x80, 0,
                   MACS),
             20, &(struct tunnel){TUNNEL_ERSPAN, 5, 100, 0x6558, {0}});
    check_ip(GRE,
             BYTES(0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0x64, 0, 0x05, 1, 2, 3, 4, 0, 0, 0x80, 1,
                   1, 2, 3, 4, 5, 6, 7, 8, MACS),
             28, &(struct tunnel){TUNNEL_ERSPAN, 5, 100, 0x6558, {0}});
    /* III of an IP packet: frame type 2 */
    check_ip(GRE,
             BYTES(0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0x64, 0, 0x05, 1, 2, 3, 4, 0, 0, 0x08, 0,
                   IPV4),
             20, &(struct tunnel){TUNNEL_ERSPAN, 5, 100, 0x0800, {0}});
    assert_int_equal(
        result_of(GRE, BYTES(0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 1, MACS)),
        TUNNEL_MALFORMED); /* version 2 under the Ethertype of 1 */
}

/* --- over UDP --- */

static void test_vxlan(void **state)
{
    (void)state;
    check_ip(UDP, BYTES(0xc0, 1, 0x12, 0xb5, 0, 28, 0, 0, 0x08, 0, 0, 0, 0x01, 0x02, 0x03, 0, MACS),
             16, &(struct tunnel){TUNNEL_VXLAN, 0x010203, 0, 0x6558, {0}});
    assert_int_equal(/* not valid */
                     result_of(UDP, BYTES(0xc0, 1, 0x12, 0xb5, 0, 28, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0,
                                          MACS)),
                     TUNNEL_OTHER);
    assert_int_equal(/* another port */
                     result_of(UDP, BYTES(0xc0, 1, 0x12, 0xb6, 0, 28, 0, 0, 8, 0, 0, 0, 1, 2, 3, 0,
                                          MACS)),
                     TUNNEL_OTHER);
    assert_int_equal(/* the source port says nothing */
                     result_of(UDP, BYTES(0x12, 0xb5, 0xc0, 1, 0, 28, 0, 0, 8, 0, 0, 0, 1, 2, 3, 0,
                                          MACS)),
                     TUNNEL_OTHER);
    assert_int_equal(/* longer than its packet */
                     result_of(UDP, BYTES(0xc0, 1, 0x12, 0xb5, 0, 29, 0, 0, 8, 0, 0, 0, 1, 2, 3, 0,
                                          MACS)),
                     TUNNEL_MALFORMED);
}

static void test_udp_length_cuts(void **state)
{
    struct tunnel t;

    (void)state;
    assert_int_equal(
        of_ip(UDP, BYTES(0xc0, 1, 0x12, 0xb5, 0, 18, 0, 0, 8, 0, 0, 0, 1, 2, 3, 0, MACS), &t),
        TUNNEL_OK);
    assert_int_equal(t.inside.n, 2);
}

static void test_geneve(void **state)
{
    (void)state;
    check_ip(UDP, BYTES(0xc0, 1, 0x17, 0xc1, 0, 28, 0, 0, 0, 0, 0x65, 0x58, 0, 0, 7, 0, MACS), 16,
             &(struct tunnel){TUNNEL_GENEVE, 7, 0, 0x6558, {0}});
    /* two words of options, critical */
    check_ip(UDP,
             BYTES(0xc0, 1, 0x17, 0xc1, 0, 44, 0, 0, 0x02, 0x40, 0x08, 0, 0, 0, 7, 0, 1, 2, 0x80, 1,
                   0, 0, 0, 0, IPV4),
             24, &(struct tunnel){TUNNEL_GENEVE, 7, 0, 0x0800, {0}});
    assert_int_equal(/* version 1 */
                     result_of(UDP, BYTES(0xc0, 1, 0x17, 0xc1, 0, 16, 0, 0, 0x40, 0, 0x65, 0x58, 0,
                                          0, 7, 0)),
                     TUNNEL_OTHER);
    assert_int_equal(/* a control message */
                     result_of(UDP, BYTES(0xc0, 1, 0x17, 0xc1, 0, 16, 0, 0, 0, 0x80, 0x65, 0x58, 0,
                                          0, 7, 0)),
                     TUNNEL_OTHER);
}

/* --- IP in IP --- */

static void test_ipip(void **state)
{
    (void)state;
    check_ip(IPIP, BYTES(IPV4), 0, &(struct tunnel){TUNNEL_IPIP, 0, 0, 0x0800, {0}});
    check_ip(IPV6, BYTES(0x60), 0, &(struct tunnel){TUNNEL_IPIP, 0, 0, 0x86dd, {0}});
    assert_int_equal(result_of(50, BYTES(IPV4)), TUNNEL_OTHER); /* ESP */
}

/* --- MPLS --- */

#define LABEL(l, s) (l) >> 12, (l) >> 4 & 0xff, ((l)&0x0f) << 4 | (s), 64

static void check_mpls(const uint8_t *bytes, size_t n, size_t header, uint32_t id, uint16_t type)
{
    struct tunnel t;

    assert_int_equal(tunnel_mpls(span_of(bytes, n), &t), TUNNEL_OK);
    assert_int_equal(t.kind, TUNNEL_MPLS);
    assert_int_equal(t.id, id);
    assert_int_equal(t.type, type);
    assert_ptr_equal(t.inside.p, bytes + header);
    assert_int_equal(t.inside.n, n - header);
}

static enum tunnel_result mpls_result(const uint8_t *bytes, size_t n)
{
    struct tunnel t;
    uint8_t *copy = guard_copy(bytes, n);
    enum tunnel_result rc = tunnel_mpls(span_of(copy, n), &t);

    guard_free(copy);
    return rc;
}

static void test_mpls(void **state)
{
    (void)state;
    check_mpls(BYTES(LABEL(16000, 1), IPV4), 4, 16000, 0x0800);
    check_mpls(BYTES(LABEL(100, 0), LABEL(0xfffff, 1), IPV4), 8, 0xfffff, 0x0800);
    check_mpls(BYTES(LABEL(16000, 1), 0x60, 0, 0, 0), 4, 16000, 0x86dd);
    /* The entropy label below its indicator (RFC 6790 section 4.2) names no tunnel. */
    check_mpls(BYTES(LABEL(300, 0), LABEL(7, 0), LABEL(54321, 1), IPV4), 12, 300, 0x0800);
    for (size_t cut = 0; cut <= 8; cut++)
        assert_int_equal(mpls_result((const uint8_t[]){LABEL(1, 0), LABEL(2, 1)}, cut),
                         TUNNEL_MALFORMED);
    assert_int_equal(mpls_result(BYTES(LABEL(16, 1), 0x10, 0, 0, 0x21)), TUNNEL_OTHER); /* ACH */
}

/* The bottom of the stack does not come. */
static void test_mpls_deep(void **state)
{
    uint8_t labels[4 * (CAP_MPLS_LABELS + 1) + 20] = {0};
    static const uint8_t ipv4[] = {IPV4};
    struct tunnel t;

    (void)state;
    labels[4 * CAP_MPLS_LABELS - 2] = 1; /* the last one that is read */
    memcpy(labels + 4 * CAP_MPLS_LABELS, ipv4, sizeof(ipv4));
    assert_int_equal(tunnel_mpls(span_of(labels, sizeof(labels)), &t), TUNNEL_OK);
    labels[4 * CAP_MPLS_LABELS - 2] = 0;
    assert_int_equal(tunnel_mpls(span_of(labels, sizeof(labels)), &t), TUNNEL_DEEP);
}

/* A frame below the labels: with the control word and without, whatever its address begins with. */
static void test_pseudowire(void **state)
{
    (void)state;
    check_mpls(BYTES(LABEL(20, 1), 0, 0, 0, 0, MACS, 0x08, 0, IPV4), 8, 20, 0x6558);
    check_mpls(BYTES(LABEL(20, 1), 0, 0, 0x12, 0x34, MACS, 0x08, 0, IPV4), 8, 20, 0x6558);
    check_mpls(BYTES(LABEL(20, 1), MACS, 0x08, 0, IPV4), 4, 20, 0x6558);
    check_mpls(BYTES(LABEL(20, 1), MACS, 0x81, 0, 0, 5, 0x08, 0, IPV4), 4, 20, 0x6558);
    check_mpls(BYTES(LABEL(20, 1), 0x45, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x08, 0, IPV4), 4, 20,
               0x6558);
    check_mpls(
        BYTES(LABEL(20, 1), 0x60, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd, 0x60, 0, 0, 0), 4,
        20, 0x6558);
    check_mpls(BYTES(LABEL(20, 1), 0xa4, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x08, 0, IPV4), 4, 20,
               0x6558);
    assert_int_equal(mpls_result(BYTES(LABEL(20, 1), MACS, 0x08, 0x06, 0, 1)), TUNNEL_OTHER);
}

/* --- PPPoE --- */

static enum tunnel_result pppoe(const uint8_t *bytes, size_t n, struct tunnel *t)
{
    return tunnel_pppoe(span_of(bytes, n), t);
}

static void test_pppoe(void **state)
{
    static const uint8_t whole[] = {0x11, 0, 0x12, 0x34, 0, 22, 0, 0x21, IPV4, 0xee, 0xee};
    struct tunnel t;

    (void)state;
    assert_int_equal(pppoe(whole, sizeof(whole), &t), TUNNEL_OK);
    assert_int_equal(t.kind, TUNNEL_PPPOE);
    assert_int_equal(t.id, 0x1234);
    assert_int_equal(t.type, 0x0800);
    assert_ptr_equal(t.inside.p, whole + 8);
    assert_int_equal(t.inside.n, 20); /* padding is none of it */
    for (size_t cut = 0; cut < 8; cut++) {
        uint8_t *copy = guard_copy(whole, cut);
        assert_int_equal(pppoe(copy, cut, &t), TUNNEL_MALFORMED);
        guard_free(copy);
    }
    assert_int_equal(pppoe(BYTES(0x11, 0, 0, 1, 0, 3, 0, 0x57, 0x60), &t), TUNNEL_OK);
    assert_int_equal(t.type, 0x86dd);
    assert_int_equal(pppoe(BYTES(0x11, 0, 0, 1, 0, 4, 0xc0, 0x21, 1, 1), &t),
                     TUNNEL_OTHER); /* LCP */
    assert_int_equal(pppoe(BYTES(0x11, 9, 0, 0, 0, 4, 1, 1, 0, 0), &t), TUNNEL_OTHER);
    assert_int_equal(pppoe(BYTES(0x21, 0, 0, 1, 0, 3, 0, 0x57, 0x60), &t), TUNNEL_OTHER);
}

/* --- by the first bytes --- */

static void test_may_be(void **state)
{
    static const uint8_t ports[] = {0, 53, 0x12, 0xb5};
    struct span p = span_of(ports, sizeof(ports));

    (void)state;
    assert_true(tunnel_may_be(UDP, p, TUNNEL_ALL));
    assert_false(tunnel_may_be(UDP, p, TUNNEL_ALL & ~TUNNEL_BIT(TUNNEL_VXLAN)));
    assert_false(tunnel_may_be(UDP, span_of((const uint8_t[]){0x12, 0xb5, 0, 53}, 4), TUNNEL_ALL));
    assert_true(tunnel_may_be(GRE, p, TUNNEL_BIT(TUNNEL_ERSPAN)));
    assert_false(tunnel_may_be(GRE, p, TUNNEL_BIT(TUNNEL_IPIP)));
    assert_true(tunnel_may_be(IPIP, p, TUNNEL_ALL) && tunnel_may_be(IPV6, p, TUNNEL_ALL));
    assert_false(tunnel_may_be(6, p, TUNNEL_ALL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gre),        cmocka_unit_test(test_gre_checksum),
        cmocka_unit_test(test_gre_others), cmocka_unit_test(test_erspan),
        cmocka_unit_test(test_vxlan),      cmocka_unit_test(test_udp_length_cuts),
        cmocka_unit_test(test_geneve),     cmocka_unit_test(test_ipip),
        cmocka_unit_test(test_mpls),       cmocka_unit_test(test_mpls_deep),
        cmocka_unit_test(test_pseudowire), cmocka_unit_test(test_pppoe),
        cmocka_unit_test(test_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
