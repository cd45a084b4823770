/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/ip.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/caps.h"
#include "tests/unit/guard.h"

/* A header much printed in textbooks: 115 bytes, UDP, 192.168.0.1 to 192.168.0.199. Its words add
 * up to 0x2479c without the checksum, so 0x479e when folded, and b861 is the complement. */
static const uint8_t textbook[20] = {0x45, 0,    0,    0x73, 0,    0,    0x40, 0,    0x40, 0x11,
                                     0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

struct bytes {
    uint8_t b[256];
    size_t n;
};

static void put(struct bytes *to, const void *from, size_t n)
{
    memcpy(to->b + to->n, from, n);
    to->n += n;
}

static void put_text(struct bytes *to, const char *text)
{
    put(to, text, strlen(text));
}

/* IPv4 and TCP, checksum left to the network card, `data` bytes behind a header of `words` words.
 */
static struct bytes make_v4(uint8_t words, uint16_t total, uint16_t fragment, size_t data)
{
    static const uint8_t rest[12] = {57, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    const uint8_t head[8] = {(uint8_t)(0x40 | words),
                             0,
                             (uint8_t)(total >> 8),
                             (uint8_t)total,
                             0x12,
                             0x34,
                             (uint8_t)(fragment >> 8),
                             (uint8_t)fragment};
    struct bytes p = {{0}, 0};

    put(&p, head, sizeof(head));
    put(&p, rest, sizeof(rest));
    for (size_t i = 20; i < words * 4u; i++)
        put(&p, "\x01", 1);
    for (size_t i = 0; i < data; i++)
        put(&p, "d", 1);
    return p;
}

/* The fixed header; 2001:db8::1 to 2001:db8::2. */
static struct bytes make_v6(uint8_t next, uint16_t payload_len)
{
    const uint8_t head[8] = {0x60, 0, 0, 0, (uint8_t)(payload_len >> 8), (uint8_t)payload_len,
                             next, 61};
    static const uint8_t addresses[32] = {
        [0] = 0x20,  [1] = 0x01,  [2] = 0x0d,  [3] = 0xb8,  [15] = 1,
        [16] = 0x20, [17] = 0x01, [18] = 0x0d, [19] = 0xb8, [31] = 2};
    struct bytes p = {{0}, 0};

    put(&p, head, sizeof(head));
    put(&p, addresses, sizeof(addresses));
    return p;
}

/* An extension header of eight bytes with its length in the second. */
static void put_extension(struct bytes *to, uint8_t next, uint8_t len)
{
    const uint8_t header[8] = {next, len, 1, 4, 0, 0, 0, 0};

    put(to, header, sizeof(header));
}

static void put_fragment(struct bytes *to, uint8_t next, uint16_t field)
{
    const uint8_t header[8] = {next, 0,   (uint8_t)(field >> 8), (uint8_t)field, 0xca, 0xfe,
                               0xba, 0xbe};

    put(to, header, sizeof(header));
}

/* Parses a copy with nothing readable behind it; the payload is checked against its text. */
static enum ip_result parse(const struct bytes *p, size_t n, struct ip_packet *out)
{
    uint8_t *copy = guard_copy(p->b, n);
    enum ip_result rc = ip_parse(span_of(copy, n), out);

    if (rc == IP_OK) {
        assert_true(out->payload.n <= out->payload_len);
        out->payload = span_of(p->b + (out->payload.p - copy), out->payload.n);
        out->header = span_of(p->b + (out->header.p - copy), out->header.n);
    }
    guard_free(copy);
    return rc;
}

static enum ip_result result_of(const struct bytes *p)
{
    struct ip_packet out;

    return parse(p, p->n, &out);
}

static void test_v4_textbook(void **state)
{
    struct bytes p = {{0}, 0};
    struct ip_packet out;

    (void)state;
    put(&p, textbook, sizeof(textbook));
    p.n = 0x73;
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_int_equal(out.family, 4);
    assert_memory_equal(out.src, "\xc0\xa8\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(out.dst, "\xc0\xa8\x00\xc7\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(out.proto, 17);
    assert_int_equal(out.ttl, 64);
    assert_int_equal(out.id, 0);
    assert_int_equal(out.payload_len, 0x73 - 20);
    assert_int_equal(out.payload.n, 0x73 - 20);
    assert_ptr_equal(out.payload.p, p.b + 20);
    assert_false(out.fragment || out.more || out.offloaded_length || ip_bad_checksum(&out));
    assert_int_equal(out.frag_offset, 0);
}

static void test_v4_checksum(void **state)
{
    struct bytes p = {{0}, 0};
    struct ip_packet out;

    (void)state;
    put(&p, textbook, sizeof(textbook));
    p.n = 0x73;
    for (size_t i = 4; i < 20; i++) { /* before stand version and lengths */
        p.b[i] ^= 0x10;
        assert_int_equal(parse(&p, p.n, &out), IP_OK);
        assert_true(ip_bad_checksum(&out));
        p.b[i] ^= 0x10;
    }
    p.b[10] = p.b[11] = 0; /* left to the network card */
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_false(ip_bad_checksum(&out));
}

/* Four bytes of options more: the first byte grows by one and so does the sum, by 0x0100, and the
 * options 01 01 01 00 add 0x0201: 0xb861 - 0x0301 = 0xb560. */
static void test_v4_checksum_over_options(void **state)
{
    struct bytes p = {{0}, 0};
    struct ip_packet out;

    (void)state;
    put(&p, textbook, sizeof(textbook));
    p.b[0] = 0x46;
    p.b[10] = 0xb5;
    p.b[11] = 0x60;
    put(&p, "\x01\x01\x01\x00", 4);
    p.n = 0x73;
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_false(ip_bad_checksum(&out));
    assert_int_equal(out.payload_len, 0x73 - 24);
    p.b[22] = 2;
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_true(ip_bad_checksum(&out));
}

static void test_v4_options(void **state)
{
    (void)state;
    for (uint8_t words = 0; words < 16; words++) {
        struct bytes p = make_v4(words, (uint16_t)(words * 4 + 4), 0, 4);
        struct ip_packet out;

        assert_int_equal(parse(&p, p.n, &out), words < 5 ? IP_MALFORMED : IP_OK);
        if (words >= 5)
            assert_true(span_eq(out.payload, span_str("dddd")));
    }
}

/* Cut by the snap length at every byte: told up to the end of the options, counted after. */
static void test_v4_every_truncation(void **state)
{
    struct bytes p = make_v4(8, 42, 0, 10);
    struct ip_packet out;

    (void)state;
    for (size_t n = 0; n <= p.n; n++) {
        assert_int_equal(parse(&p, n, &out), n < 32 ? IP_SHORT : IP_OK);
        if (n < 32)
            continue;
        assert_int_equal(out.payload.n, n - 32);
        assert_int_equal(out.payload_len, 10);
    }
}

static void test_v4_lengths(void **state)
{
    struct bytes p = make_v4(5, 24, 0, 26); /* padded to the 46 of Ethernet */
    struct ip_packet out;

    (void)state;
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_int_equal(out.payload.n, 4);
    assert_int_equal(out.payload_len, 4);
    p = make_v4(5, 20, 0, 26);
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_int_equal(out.payload_len, 0);
    p = make_v4(5, 19, 0, 26);
    assert_int_equal(result_of(&p), IP_MALFORMED);
    p = make_v4(6, 20, 0, 26);
    assert_int_equal(result_of(&p), IP_MALFORMED);
}

static void test_v4_super_segment(void **state)
{
    struct bytes p = make_v4(5, 0, 0, 100);
    struct ip_packet out;

    (void)state;
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_true(out.offloaded_length);
    assert_int_equal(out.payload.n, 100);
    assert_int_equal(out.payload_len, 100);
    p = make_v4(5, 0, 0x2000, 100); /* is never a fragment */
    assert_int_equal(result_of(&p), IP_MALFORMED);
}

static void test_v4_fragments(void **state)
{
    static const struct {
        uint16_t field;
        bool fragment, more;
        uint32_t offset;
    } row[] = {
        {0x0000, false, false, 0},    {0x4000, false, false, 0}, /* do not fragment */
        {0x8000, false, false, 0},                               /* reserved */
        {0x2000, true, true, 0},      {0x2001, true, true, 8},     {0x0001, true, false, 8},
        {0x1fff, true, false, 65528}, {0x3fff, true, true, 65528},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bytes p = make_v4(5, 28, row[i].field, 8);
        struct ip_packet out;

        assert_int_equal(parse(&p, p.n, &out), IP_OK);
        assert_int_equal(out.fragment, row[i].fragment);
        assert_int_equal(out.more, row[i].more);
        assert_int_equal(out.frag_offset, row[i].offset);
        assert_int_equal(out.id, 0x1234);
    }
}

static void test_other_versions(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 16; version++) {
        struct bytes p = make_v4(5, 24, 0, 40);

        p.b[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6)
            assert_int_equal(result_of(&p), IP_MALFORMED);
    }
}

static void test_v6_plain(void **state)
{
    struct bytes p = make_v6(6, 4);
    struct ip_packet out;

    (void)state;
    put_text(&p, "data and padding");
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_int_equal(out.family, 6);
    assert_memory_equal(out.src, p.b + 8, 16);
    assert_memory_equal(out.dst, p.b + 24, 16);
    assert_int_equal(out.proto, 6);
    assert_int_equal(out.ttl, 61);
    assert_int_equal(out.id, 0);
    assert_int_equal(out.payload_len, 4);
    assert_true(span_eq(out.payload, span_str("data")));
    assert_false(out.fragment || out.more || out.offloaded_length || ip_bad_checksum(&out));
}

static void test_v6_every_truncation(void **state)
{
    struct bytes p = make_v6(0, 28);
    struct ip_packet out;

    (void)state;
    put_extension(&p, 43, 0);
    put_extension(&p, 60, 0);
    put_extension(&p, 6, 0);
    put_text(&p, "data");
    for (size_t n = 0; n <= p.n; n++) {
        assert_int_equal(parse(&p, n, &out), n < 64 ? IP_SHORT : IP_OK);
        if (n < 64)
            continue;
        assert_int_equal(out.proto, 6);
        assert_int_equal(out.payload.n, n - 64);
        assert_int_equal(out.payload_len, 4);
    }
}

/* The header says how long it is, and every kind in its own unit. */
static void test_v6_each_extension(void **state)
{
    static const struct {
        uint8_t kind, len;
        size_t bytes;
    } row[] = {
        {0, 0, 8},   {0, 2, 24},   {43, 1, 16},  {60, 3, 32}, {51, 0, 8}, {51, 1, 12},
        {51, 4, 24}, {135, 1, 16}, {139, 4, 40}, {140, 0, 8}, {44, 9, 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bytes p = make_v6(row[i].kind, (uint16_t)(row[i].bytes + 4));
        struct ip_packet out;

        if (row[i].kind == 44)
            put_fragment(&p, 6, 0);
        else
            put_extension(&p, 6, row[i].len);
        p.n = 40 + row[i].bytes;
        put_text(&p, "data");
        assert_int_equal(parse(&p, p.n, &out), IP_OK);
        assert_int_equal(out.proto, 6);
        assert_false(out.fragment);
        assert_true(span_eq(out.payload, span_str("data")));
        assert_int_equal(out.payload_len, 4);
    }
}

static void test_v6_extensions_are_capped(void **state)
{
    (void)state;
    for (int count = 0; count < CAP_IPV6_EXT_HEADERS + 3; count++) {
        struct bytes p = make_v6(count > 0 ? 60 : 6, (uint16_t)(count * 8 + 4));

        for (int i = 0; i < count; i++)
            put_extension(&p, i + 1 < count ? 60 : 6, 0);
        put_text(&p, "data");
        assert_int_equal(result_of(&p), count <= CAP_IPV6_EXT_HEADERS ? IP_OK : IP_EXT_DEEP);
    }
}

static void test_v6_extension_longer_than_packet(void **state)
{
    struct bytes p = make_v6(60, 12);

    (void)state;
    put_extension(&p, 6, 1); /* 16 bytes of 12 */
    put_text(&p, "data");
    assert_int_equal(result_of(&p), IP_MALFORMED);
    p = make_v6(60, 7); /* not even its first eight */
    put_extension(&p, 6, 0);
    assert_int_equal(result_of(&p), IP_MALFORMED);
    p = make_v6(51, 255); /* 257 words, but the packet has less */
    put_extension(&p, 6, 255);
    assert_int_equal(result_of(&p), IP_MALFORMED);
}

static void test_v6_hop_by_hop_comes_first(void **state)
{
    struct bytes p = make_v6(60, 20);

    (void)state;
    put_extension(&p, 0, 0);
    put_extension(&p, 6, 0);
    put_text(&p, "data");
    assert_int_equal(result_of(&p), IP_MALFORMED);
}

static void test_v6_no_upper_layer(void **state)
{
    struct bytes p = make_v6(59, 4);
    struct ip_packet out;

    (void)state;
    put_text(&p, "data");
    assert_int_equal(result_of(&p), IP_NO_PAYLOAD);
    p = make_v6(60, 8);
    put_extension(&p, 59, 0);
    assert_int_equal(result_of(&p), IP_NO_PAYLOAD);
    /* What ESP hides starts with ESP. */
    p = make_v6(50, 12);
    put_text(&p, "spi,seq,data");
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_int_equal(out.proto, 50);
    assert_true(span_eq(out.payload, span_str("spi,seq,data")));
}

static void test_v6_fragments(void **state)
{
    static const struct {
        uint16_t field; /* offset, two reserved bits, more */
        bool fragment, more;
        uint32_t offset;
    } row[] = {
        {0x0000, false, false, 0}, {0x0006, false, false, 0},    {0x0001, true, true, 0},
        {0x0008, true, false, 8},  {0xfff8, true, false, 65528}, {0xfff9, true, true, 65528},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bytes p = make_v6(44, 16);
        struct ip_packet out;

        put_fragment(&p, 6, row[i].field);
        put_text(&p, "12345678");
        assert_int_equal(parse(&p, p.n, &out), IP_OK);
        assert_int_equal(out.fragment, row[i].fragment);
        assert_int_equal(out.more, row[i].more);
        assert_int_equal(out.frag_offset, row[i].offset);
        assert_int_equal(out.id, 0xcafebabe);
        assert_true(span_eq(out.payload, span_str("12345678")));
    }
}

/* What follows the fragment header belongs to the datagram and not to this packet. */
static void test_v6_chain_stops_at_fragment(void **state)
{
    struct bytes p = make_v6(43, 24);
    struct ip_packet out;

    (void)state;
    put_extension(&p, 44, 0);
    put_fragment(&p, 60, 0x0001);
    put_extension(&p, 6, 0);
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_true(out.fragment);
    assert_int_equal(out.proto, 60);
    assert_int_equal(out.payload.n, 8);
    out.fragment = false;
    assert_int_equal(ip_skip_extensions(&out), IP_OK);
    assert_int_equal(out.proto, 6);
    assert_int_equal(out.payload.n, 0);
}

static void test_v6_super_segment(void **state)
{
    struct bytes p = make_v6(6, 0);
    struct ip_packet out;

    (void)state;
    put_text(&p, "what was captured");
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_true(out.offloaded_length);
    assert_int_equal(out.payload_len, 17);
    assert_int_equal(out.payload.n, 17);
    p = make_v6(17, 0); /* nothing, and padding */
    put_text(&p, "padding");
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_false(out.offloaded_length);
    assert_int_equal(out.payload_len, 0);
    p = make_v6(60, 0); /* an extension header behind the end */
    put_extension(&p, 6, 0);
    assert_int_equal(result_of(&p), IP_MALFORMED);
}

/* RFC 2675: 0xc2, 4, then the length of all behind the fixed header. */
static void test_v6_jumbogram(void **state)
{
    static const uint8_t first[] = {6, 0, 0xc2, 4, 0, 1, 0, 8}; /* 65,544 */
    /* Pad1, an unknown option of four bytes, then 65,552 at a multiple of four plus two. */
    static const uint8_t later[] = {6, 1, 0, 5, 2, 0, 0, 0, 0, 0, 0xc2, 4, 0, 1, 0, 16};
    struct bytes p = make_v6(0, 0);
    struct ip_packet out;

    (void)state;
    put(&p, first, sizeof(first));
    put_text(&p, "data");
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_true(out.offloaded_length);
    assert_int_equal(out.proto, 6);
    assert_int_equal(out.payload_len, 65536);
    assert_true(span_eq(out.payload, span_str("data")));
    p = make_v6(0, 0);
    put(&p, later, sizeof(later));
    put_text(&p, "data");
    assert_int_equal(parse(&p, p.n, &out), IP_OK);
    assert_int_equal(out.payload_len, 65536);
    assert_true(span_eq(out.payload, span_str("data")));
}

static void test_v6_broken_jumbograms(void **state)
{
    static const uint8_t options[][8] = {
        {6, 0, 0xc2, 4, 0, 0, 0xff, 0xff}, /* not larger than 65,535 */
        {6, 0, 0, 5, 9, 0, 1, 0},          /* an option longer than its header */
        {6, 0, 0, 0, 0, 0, 0, 0xc2},       /* cut in its kind */
        {6, 0, 0, 0, 0, 0xc2, 4, 0},       /* and in its length */
        {6, 0, 0xc2, 2, 0, 1, 1, 0},       /* two bytes are no jumbo length */
        {6, 255, 1, 4, 0, 0, 0, 0},        /* 2,048 bytes of options, not there */
        {6, 0, 0, 0, 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        struct bytes p = make_v6(0, 0);

        put(&p, options[i], sizeof(options[i]));
        assert_int_equal(result_of(&p), IP_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v4_textbook),
        cmocka_unit_test(test_v4_checksum),
        cmocka_unit_test(test_v4_checksum_over_options),
        cmocka_unit_test(test_v4_options),
        cmocka_unit_test(test_v4_every_truncation),
        cmocka_unit_test(test_v4_lengths),
        cmocka_unit_test(test_v4_super_segment),
        cmocka_unit_test(test_v4_fragments),
        cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_v6_plain),
        cmocka_unit_test(test_v6_every_truncation),
        cmocka_unit_test(test_v6_each_extension),
        cmocka_unit_test(test_v6_extensions_are_capped),
        cmocka_unit_test(test_v6_extension_longer_than_packet),
        cmocka_unit_test(test_v6_hop_by_hop_comes_first),
        cmocka_unit_test(test_v6_no_upper_layer),
        cmocka_unit_test(test_v6_fragments),
        cmocka_unit_test(test_v6_chain_stops_at_fragment),
        cmocka_unit_test(test_v6_super_segment),
        cmocka_unit_test(test_v6_jumbogram),
        cmocka_unit_test(test_v6_broken_jumbograms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
