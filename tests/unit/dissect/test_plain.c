/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the short way reads, the layers must read the same; what it leaves alone is theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dissect/plain.h"
#include "dissect/point.h"
#include "guard.h"

#define ROUNDS 40000

/* Ethernet, IPv4 of 60 bytes, TCP with timestamps, eight bytes of data. */
static const uint8_t over_ipv4[] = {
    2,   0,    0,    0,    0,    1,    2,    0,   0,   0,    0,    2,   0x08, 0,   0x45,
    0,   0,    60,   0,    7,    0x40, 0,    64,  6,   0x12, 0x34, 192, 0,    2,   1,
    192, 0,    2,    2,    0x9c, 0x40, 0,    25,  0,   0,    0,    11,  0,    0,   0,
    21,  0x80, 0x18, 0xfa, 0,    0xab, 0xcd, 0,   0,   1,    1,    8,   10,   0,   0,
    0,   1,    0,    0,    0,    2,    'E',  'H', 'L', 'O',  ' ',  'x', '\r', '\n'};

static const uint8_t over_ipv6[] = {
    2, 0,  0,    0,    0, 1,  2,    0,    0,    0,    0,   2,   0x86, 0xdd, 0x60, 0,
    0, 0,  0,    26,   6, 64, 0x20, 0x01, 0x0d, 0xb8, 0,   0,   0,    0,    0,    0,
    0, 0,  0,    0,    0, 1,  0x20, 0x01, 0x0d, 0xb8, 0,   0,   0,    0,    0,    0,
    0, 0,  0,    0,    0, 2,  0,    25,   0x9c, 0x40, 0,   0,   0,    11,   0,    0,
    0, 21, 0x50, 0x10, 1, 0,  2,    3,    0,    0,    '2', '5', '0',  ' ',  '\r', '\n'};

static void assert_same_span(struct span a, struct span b)
{
    assert_int_equal(a.n, b.n);
    if (a.n)
        assert_ptr_equal(a.p, b.p);
}

static void assert_same_ip(const struct ip_packet *a, const struct ip_packet *b)
{
    assert_int_equal(a->family, b->family);
    assert_memory_equal(a->src, b->src, 16);
    assert_memory_equal(a->dst, b->dst, 16);
    assert_int_equal(a->proto, b->proto);
    assert_int_equal(a->ttl, b->ttl);
    assert_int_equal(a->id, b->id);
    assert_same_span(a->payload, b->payload);
    assert_int_equal(a->payload_len, b->payload_len);
    assert_int_equal(a->offloaded_length, b->offloaded_length);
    assert_int_equal(a->fragment, b->fragment);
    assert_int_equal(a->more, b->more);
    assert_int_equal(a->frag_offset, b->frag_offset);
    assert_same_span(a->header, b->header);
}

static void assert_same_tcp(const struct tcp_segment *a, const struct tcp_segment *b)
{
    assert_int_equal(a->src_port, b->src_port);
    assert_int_equal(a->dst_port, b->dst_port);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->ack, b->ack);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->window, b->window);
    assert_int_equal(a->urgent, b->urgent);
    assert_int_equal(a->checksum, b->checksum);
    assert_same_span(a->payload, b->payload);
    assert_int_equal(a->payload_len, b->payload_len);
    assert_int_equal(a->has_timestamps, b->has_timestamps);
    assert_int_equal(a->ts_value, b->ts_value);
    assert_int_equal(a->ts_echo, b->ts_echo);
    assert_int_equal(a->has_md5, b->has_md5);
    assert_int_equal(a->fast_open, b->fast_open);
}

/* A glance sees what the whole reading sees, or nothing where that sees nothing. */
static void assert_same_at_a_glance(enum plain kind, struct span in, const struct frame *frame,
                                    const struct ip_packet *ip, const struct tcp_segment *tcp)
{
    for (int up = 0; up < 2; up++) {
        struct arrival a = {.dir = up ? SESSION_TO_SERVER : SESSION_TO_CLIENT};
        struct flow_key k;
        struct tcp_segment seen;

        bool middle = frame && !(tcp->flags & (TCP_SYN | TCP_FIN | TCP_RST));
        assert_int_equal(plain_glance(kind, in, &a), middle);
        if (!middle)
            continue;
        k = a.key;
        seen = a.tcp;
        assert_int_equal(k.family, ip->family);
        assert_int_equal(k.view, 0);
        assert_memory_equal(k.client, up ? ip->src : ip->dst, 16);
        assert_memory_equal(k.server, up ? ip->dst : ip->src, 16);
        assert_int_equal(k.client_port, up ? tcp->src_port : tcp->dst_port);
        assert_int_equal(k.server_port, up ? tcp->dst_port : tcp->src_port);
        assert_int_equal(seen.seq, tcp->seq);
        assert_int_equal(seen.ack, tcp->ack);
        assert_int_equal(seen.flags, tcp->flags);
        assert_int_equal(seen.checksum, tcp->checksum);
        assert_same_span(seen.payload, tcp->payload);
        assert_int_equal(seen.payload_len, tcp->payload_len);
        assert_int_equal(a.point, point_of(frame, ip->ttl));
        assert_int_equal(a.ip_id, ip->id);
    }
}

/* True when the short way read it. */
static bool check(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = guard_copy(bytes, n);
    struct span in = span_of(copy, n);
    enum plain kind = plain_recognise(FRAME_ETHERNET, in);
    struct frame frame, want_frame;
    struct ip_packet ip, want_ip;
    struct tcp_segment tcp, want_tcp;
    bool is_tcp = kind == PLAIN_TCP_IPV4 || kind == PLAIN_TCP_IPV6;
    bool read = is_tcp && plain_parse(kind, in, &frame, &ip, &tcp);

    if (kind == PLAIN_OTHER) {
        assert_int_equal(frame_parse(FRAME_ETHERNET, in, &want_frame), FRAME_OK);
        if (ip_parse(want_frame.ip, &want_ip) == IP_OK)
            assert_true(want_ip.proto != 6 && !want_ip.fragment);
    }
    if (is_tcp) {
        assert_int_equal(plain_src_port(kind, in), copy[kind == PLAIN_TCP_IPV4 ? 34 : 54] << 8 |
                                                       copy[kind == PLAIN_TCP_IPV4 ? 35 : 55]);
        assert_int_equal(plain_dst_port(kind, in), copy[kind == PLAIN_TCP_IPV4 ? 36 : 56] << 8 |
                                                       copy[kind == PLAIN_TCP_IPV4 ? 37 : 57]);
    }
    if (read) {
        assert_int_equal(frame_parse(FRAME_ETHERNET, in, &want_frame), FRAME_OK);
        assert_int_equal(ip_parse(want_frame.ip, &want_ip), IP_OK);
        assert_int_equal(tcp_parse(&want_ip, &want_tcp), TCP_OK);
        assert_same_span(frame.ip, want_frame.ip);
        assert_int_equal(frame.vlan_count, want_frame.vlan_count);
        assert_true(frame.has_mac && want_frame.has_mac);
        assert_memory_equal(frame.src_mac, want_frame.src_mac, 6);
        assert_memory_equal(frame.dst_mac, want_frame.dst_mac, 6);
        assert_same_ip(&ip, &want_ip);
        assert_same_tcp(&tcp, &want_tcp);
    }
    if (is_tcp)
        assert_same_at_a_glance(kind, in, read ? &frame : NULL, &ip, &tcp);
    guard_free(copy);
    return read;
}

static void test_common_frames_are_read(void **state)
{
    uint8_t padded[sizeof(over_ipv4) + 6] = {0};

    (void)state;
    assert_true(check(over_ipv4, sizeof(over_ipv4)));
    assert_true(check(over_ipv6, sizeof(over_ipv6)));
    memcpy(padded, over_ipv4, sizeof(over_ipv4));
    assert_true(check(padded, sizeof(padded)));
}

static void test_the_unusual_is_left_alone(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } row[] = {
        {12, 0x81}, /* a tag */
        {14, 0x46}, /* options */
        {20, 0x20}, /* more fragments */
        {21, 1},    /* a later fragment */
        {17, 61},   /* longer than the frame: cut */
        {17, 39},   /* shorter than its headers */
        {17, 0},    /* offloaded */
        {46, 0x40}, /* TCP header of 16 bytes */
        {46, 0xf0}, /* longer than the packet */
    };
    uint8_t bytes[sizeof(over_ipv4)];

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        memcpy(bytes, over_ipv4, sizeof(bytes));
        bytes[row[i].at] = row[i].value;
        assert_false(check(bytes, sizeof(bytes)));
    }
    assert_int_equal(plain_recognise(FRAME_RAW, span_of(over_ipv4, sizeof(over_ipv4))), PLAIN_NOT);
}

static bool has_port(const uint8_t *bytes, size_t n, uint16_t port)
{
    uint8_t *copy = guard_copy(bytes, n);
    enum plain kind = plain_recognise(FRAME_ETHERNET, span_of(copy, n));
    bool found = kind != PLAIN_NOT && plain_has_port(kind, span_of(copy, n), port);

    guard_free(copy);
    return found;
}

static void test_ports_of_tcp_and_udp(void **state)
{
    enum { PROTO_AT = 23, SHORTEST = 54 };
    uint8_t bytes[sizeof(over_ipv4)];

    (void)state;
    assert_true(has_port(over_ipv6, sizeof(over_ipv6), 25));
    assert_true(has_port(over_ipv6, sizeof(over_ipv6), 40000));
    assert_false(has_port(over_ipv6, sizeof(over_ipv6), 53));
    memcpy(bytes, over_ipv4, sizeof(bytes));
    for (unsigned proto = 0; proto < 256; proto++) {
        bytes[PROTO_AT] = (uint8_t)proto;
        assert_int_equal(has_port(bytes, sizeof(bytes), 25), proto == 6 || proto == 17);
        assert_int_equal(has_port(bytes, SHORTEST, 40000), proto == 6 || proto == 17);
        assert_false(has_port(bytes, sizeof(bytes), 53));
    }
}

/* GRE, IP in IP, and UDP by the port that it goes to; of TCP nothing. */
static void test_may_carry(void **state)
{
    enum { PROTO_AT = 23, DST_PORT_AT = 36 };
    uint8_t bytes[sizeof(over_ipv4)];
    struct span b = span_of(bytes, sizeof(bytes));

    (void)state;
    memcpy(bytes, over_ipv4, sizeof(bytes));
    for (unsigned proto = 0; proto < 256; proto++) {
        bytes[PROTO_AT] = (uint8_t)proto;
        assert_int_equal(plain_may_carry(plain_recognise(FRAME_ETHERNET, b), b, TUNNEL_ALL),
                         proto == 4 || proto == 41 || proto == 47);
        assert_false(plain_may_carry(plain_recognise(FRAME_ETHERNET, b), b, 0));
    }
    bytes[PROTO_AT] = 17;
    for (uint32_t port = 0; port < 65536; port++) {
        bytes[DST_PORT_AT] = (uint8_t)(port >> 8);
        bytes[DST_PORT_AT + 1] = (uint8_t)port;
        assert_int_equal(plain_may_carry(PLAIN_OTHER, b, TUNNEL_ALL), port == 4789 || port == 6081);
    }
}

static void test_every_truncation(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(over_ipv4); n++)
        assert_false(check(over_ipv4, n));
    for (size_t n = 0; n < sizeof(over_ipv6); n++)
        assert_false(check(over_ipv6, n));
}

/* Up to four bytes of the headers made anything: the two ways never differ. */
static void test_damaged_frames_read_the_same(void **state)
{
    uint8_t bytes[sizeof(over_ipv4) + sizeof(over_ipv6)];
    uint32_t random = 1, read = 0;

    (void)state;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        bool six = i % 2;
        size_t n = six ? sizeof(over_ipv6) : sizeof(over_ipv4);
        memcpy(bytes, six ? over_ipv6 : over_ipv4, n);
        for (uint32_t j = 0; j <= i % 4; j++) {
            random = random * 1664525 + 1013904223;
            bytes[12 + (random >> 16) % (n - 12)] = (uint8_t)(random >> 8);
        }
        read += check(bytes, n);
    }
    assert_in_range(read, ROUNDS / 4, ROUNDS - ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_frames_are_read),
        cmocka_unit_test(test_the_unusual_is_left_alone),
        cmocka_unit_test(test_ports_of_tcp_and_udp),
        cmocka_unit_test(test_may_carry),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_damaged_frames_read_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
