/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tcp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

struct bytes {
    uint8_t b[128];
    size_t n;
};

/* Ports 40000 and 25, sequence 0x01020304, acknowledgment 0xfffefdfc, window 0x1000; `n` bytes of
 * options, then "data". The header length is what the options need. */
static struct bytes make(const void *options, size_t n)
{
    static const uint8_t head[20] = {0x9c, 0x40, 0,    0x19, 1,    2,    3,    4,    0xff, 0xfe,
                                     0xfd, 0xfc, 0x50, 0x18, 0x10, 0x00, 0xab, 0xcd, 0x00, 0x07};
    struct bytes s = {{0}, 20};

    memcpy(s.b, head, sizeof(head));
    memcpy(s.b + s.n, options, n);
    s.n += (n + 3) / 4 * 4;
    s.b[12] = (uint8_t)(s.n / 4 << 4);
    memcpy(s.b + s.n, "data", 4);
    s.n += 4;
    return s;
}

/* Parses the first n bytes as captured of a segment that had `wire` of them. */
static enum tcp_result parse_cut(const struct bytes *s, size_t n, size_t wire,
                                 struct tcp_segment *out)
{
    uint8_t *copy = guard_copy(s->b, n);
    struct ip_packet ip = {.family = 4, .proto = 6, .payload_len = (uint32_t)wire};
    enum tcp_result rc;

    ip.payload = span_of(copy, n);
    rc = tcp_parse(&ip, out);
    if (rc == TCP_OK)
        out->payload = span_of(s->b + (out->payload.p - copy), out->payload.n);
    guard_free(copy);
    return rc;
}

static enum tcp_result parse(const struct bytes *s, struct tcp_segment *out)
{
    return parse_cut(s, s->n, s->n, out);
}

static void test_header(void **state)
{
    struct bytes s = make("", 0);
    struct tcp_segment t;

    (void)state;
    assert_int_equal(parse(&s, &t), TCP_OK);
    assert_int_equal(t.src_port, 40000);
    assert_int_equal(t.dst_port, 25);
    assert_int_equal(t.seq, 0x01020304);
    assert_int_equal(t.ack, 0xfffefdfc);
    assert_int_equal(t.flags, TCP_ACK | TCP_PSH);
    assert_int_equal(t.window, 0x1000);
    assert_int_equal(t.checksum, 0xabcd);
    assert_int_equal(t.urgent, 7);
    assert_true(span_eq(t.payload, span_str("data")));
    assert_int_equal(t.payload_len, 4);
    assert_false(t.has_timestamps || t.has_md5 || t.fast_open);
    assert_int_equal(t.ts_value, 0);
    assert_int_equal(t.ts_echo, 0);
}

static void test_every_flag(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        struct bytes s = make("", 0);
        struct tcp_segment t;

        s.b[13] = (uint8_t)flags;
        assert_int_equal(parse(&s, &t), TCP_OK);
        assert_int_equal(t.flags, flags);
    }
}

/* Short where the capture was cut, malformed where the packet itself ends. */
static void test_every_truncation(void **state)
{
    struct bytes s = make("\x01\x01\x08\x0a\0\0\0\1\0\0\0\2", 12);
    struct tcp_segment t;

    (void)state;
    for (size_t n = 0; n <= s.n; n++) {
        assert_int_equal(parse_cut(&s, n, s.n, &t), n < 32 ? TCP_SHORT : TCP_OK);
        if (n >= 32) {
            assert_int_equal(t.payload.n, n - 32);
            assert_int_equal(t.payload_len, 4);
        }
        assert_int_equal(parse_cut(&s, n, n, &t), n < 32 ? TCP_MALFORMED : TCP_OK);
    }
}

static void test_data_offset(void **state)
{
    (void)state;
    for (unsigned words = 0; words < 16; words++) {
        struct bytes s = make("", 0);
        struct tcp_segment t;

        s.b[12] = (uint8_t)(words << 4 | 0x0f); /* reserved bits count for nothing */
        s.n = 60;
        assert_int_equal(parse(&s, &t), words < 5 ? TCP_MALFORMED : TCP_OK);
        if (words >= 5)
            assert_int_equal(t.payload_len, 60 - words * 4);
        s.n = 59;
        assert_int_equal(parse(&s, &t), words < 5 || words == 15 ? TCP_MALFORMED : TCP_OK);
    }
}

/* Aligned as every system sends them, packed behind other options, and between them. */
static void test_timestamps(void **state)
{
    static const struct {
        const char *options;
        size_t n;
    } row[] = {
        {"\x01\x01\x08\x0a\xde\xad\xbe\xef\x00\x00\x00\x2a", 12},
        {"\x08\x0a\xde\xad\xbe\xef\x00\x00\x00\x2a\x00\x00", 12},
        {"\x02\x04\x05\xb4\x04\x02\x08\x0a\xde\xad\xbe\xef\x00\x00\x00\x2a\x01\x03\x03\x07", 20},
        {"\x1e\x02\x08\x0a\xde\xad\xbe\xef\x00\x00\x00\x2a", 12},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bytes s = make(row[i].options, row[i].n);
        struct tcp_segment t;

        assert_int_equal(parse(&s, &t), TCP_OK);
        assert_true(t.has_timestamps);
        assert_int_equal(t.ts_value, 0xdeadbeef);
        assert_int_equal(t.ts_echo, 42);
        assert_false(t.has_md5 || t.fast_open);
        assert_true(span_eq(t.payload, span_str("data")));
    }
}

static void test_other_options(void **state)
{
    static const struct {
        const char *options;
        size_t n;
        bool md5, fast_open;
    } row[] = {
        {"\x13\x12"
         "0123456789abcdef",
         18, true, false},
        {"\x13\x11"
         "0123456789abcde",
         17, false, false},
        {"\x22\x02", 2, false, true}, /* asks for a cookie */
        {"\x22\x0a"
         "cookie88",
         10, false, true},
        {"\xfe\x04\xf9\x89", 4, false, true}, /* asks, experimental */
        {"\xfe\x0c\xf9\x89"
         "cookie88",
         12, false, true},
        {"\xfe\x04\xf9\x88", 4, false, false}, /* another experiment */
        {"\xfe\x03\xf9", 3, false, false},
        {"\x03\x03\x07", 3, false, false},
        {"\x01\x13\x12"
         "0123456789abcdef"
         "\x22\x02",
         21, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bytes s = make(row[i].options, row[i].n);
        struct tcp_segment t;

        assert_int_equal(parse(&s, &t), TCP_OK);
        assert_int_equal(t.has_md5, row[i].md5);
        assert_int_equal(t.fast_open, row[i].fast_open);
        assert_false(t.has_timestamps);
    }
}

/* Ends the options and nothing else. */
static void test_broken_options(void **state)
{
    static const struct {
        const char *options;
        size_t n;
        bool fast_open; /* 22 02 stands before the break */
    } row[] = {
        {"\x22\x02\x08\x00", 4, true},  /* length 0 */
        {"\x22\x02\x08\x01", 4, true},  /* length 1 */
        {"\x22\x02\x08\x0a", 4, true},  /* longer than what is left */
        {"\x01\x01\x01\x08", 4, false}, /* kind without length */
        {"\x00\x00\x22\x02", 4, false}, /* behind the end of options */
        {"\x05\x00\x22\x02", 4, false}, /* behind the break */
        {"\x08\x09"
         "1234567"
         "\x22\x02\x01",
         12, true}, /* timestamps of seven bytes */
        {"\x08\x0b"
         "123456789"
         "\x00",
         12, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bytes s = make(row[i].options, row[i].n);
        struct tcp_segment t;

        assert_int_equal(parse(&s, &t), TCP_OK);
        assert_false(t.has_timestamps || t.has_md5);
        assert_int_equal(t.fast_open, row[i].fast_open);
        assert_true(span_eq(t.payload, span_str("data")));
    }
}

static uint32_t add_words(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    return sum;
}

/* The checksum byte by byte, as RFC 1071 section 4.1 writes it. */
static uint16_t slow_checksum(const struct ip_packet *ip)
{
    size_t address = ip->family == 4 ? 4 : 16;
    uint32_t sum = add_words(ip->src, address) + add_words(ip->dst, address) + 6 +
                   (uint32_t)ip->payload.n + add_words(ip->payload.p, ip->payload.n);

    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static struct ip_packet make_packet(uint8_t family, uint8_t *segment, size_t n)
{
    struct ip_packet ip = {.family = family, .proto = 6, .payload_len = (uint32_t)n};

    memcpy(ip.src, family == 4 ? "\x0a\0\0\1" : "\x20\x01\x0d\xb8\xff\xff\xff\xff\0\0\0\0\0\0\0\1",
           family == 4 ? 4 : 16);
    memcpy(ip.dst, family == 4 ? "\x0a\0\0\2" : "\x20\x01\x0d\xb8\0\0\0\0\xfe\xdc\xba\x98\0\0\0\2",
           family == 4 ? 4 : 16);
    ip.payload = span_of(segment, n);
    memset(segment + 16, 0, 2);
    uint16_t checksum = slow_checksum(&ip);
    segment[16] = (uint8_t)(checksum >> 8);
    segment[17] = (uint8_t)checksum;
    return ip;
}

/* By hand: 10.0.0.1 to 10.0.0.2, a SYN of 20 bytes from 40000 to 25 with all other fields zero.
 * 0a00+0001+0a00+0002+0006+0014 + 9c40+0019+5002 = 0x10078, folded 0x0079; complement 0xff86. */
static void test_checksum_by_hand(void **state)
{
    uint8_t syn[20] = {0x9c, 0x40, 0, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02};
    struct ip_packet ip = make_packet(4, syn, sizeof(syn));

    (void)state;
    assert_int_equal(syn[16], 0xff);
    assert_int_equal(syn[17], 0x86);
    assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_GOOD);
}

static void test_checksum_of_every_length(void **state)
{
    uint8_t segment[300];

    (void)state;
    for (size_t n = 20; n <= sizeof(segment); n++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            for (size_t i = 0; i < n; i++)
                segment[i] = (uint8_t)(i % 3 == 0 ? 0xff : i * 37);
            struct ip_packet ip = make_packet(family, segment, n);
            uint8_t *copy = guard_copy(segment, n);

            ip.payload.p = copy;
            assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_GOOD);
            copy[n - 1] ^= 0x20;
            assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_BAD);
            guard_free(copy);
        }
    }
}

static void test_checksum_covers_the_pseudo_header(void **state)
{
    uint8_t segment[41] = {0x9c, 0x40, 0, 0x19};

    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct ip_packet ip = make_packet(family, segment, sizeof(segment));

        for (size_t i = 0; i < (family == 4 ? 4u : 16u); i++) {
            ip.src[i] ^= 0x80;
            assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_BAD);
            ip.src[i] ^= 0x80;
            ip.dst[i] ^= 1;
            assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_BAD);
            ip.dst[i] ^= 1;
        }
        ip.payload = span_first(ip.payload, 40);
        ip.payload_len = 40;
        assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_BAD);
    }
}

static void test_checksum_of_large_segment(void **state)
{
    static uint8_t segment[4000];

    (void)state;
    memset(segment, 0xff, sizeof(segment));
    struct ip_packet ip = make_packet(6, segment, sizeof(segment));
    assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_GOOD);
    segment[3999] = 0xfe;
    assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_BAD);
}

static void test_checksum_unknown(void **state)
{
    uint8_t segment[64] = {0x9c, 0x40, 0, 0x19};
    struct ip_packet ip = make_packet(4, segment, sizeof(segment));

    (void)state;
    ip.payload.n--;
    assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_UNKNOWN);
    ip.payload.n++;
    ip.offloaded_length = true;
    assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_GOOD);
    segment[40] ^= 1;
    assert_int_equal(tcp_checksum(&ip), TCP_CHECKSUM_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_every_flag),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_data_offset),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_other_options),
        cmocka_unit_test(test_broken_options),
        cmocka_unit_test(test_checksum_by_hand),
        cmocka_unit_test(test_checksum_of_every_length),
        cmocka_unit_test(test_checksum_covers_the_pseudo_header),
        cmocka_unit_test(test_checksum_of_large_segment),
        cmocka_unit_test(test_checksum_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
