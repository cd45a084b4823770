/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/syn_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dissect/tcp.h"
#include "tests/unit/guard.h"

/* MSS 1460, SACK permitted, timestamps, NOP, scale 7: what Linux answers a client that has all. */
static const char linux_options[] = "\x02\x04\x05\xb4\x04\x02\x08\x0a\x11\x22\x33\x44\x55\x66\x77"
                                    "\x88\x01\x03\x03\x07";
#define LINUX_OPTIONS 20

struct answer {
    uint8_t family, ttl, fragment; /* the upper byte of IPv4's flags and offset */
    uint16_t window;
    const char *options;
    size_t n;
};

static const struct answer usual = {4, 57, 0x40, 65160, linux_options, LINUX_OPTIONS};

/* Off a page that ends with the options. */
static struct syn_print read_one(const struct answer *a)
{
    struct syn_print out = {0};
    uint8_t ipv4[20] = {0x45}, segment[60] = {0};
    size_t n = TCP_HEADER + (a->n + 3) / 4 * 4;
    struct ip_packet ip = {.family = a->family, .ttl = a->ttl, .payload_len = (uint32_t)n};
    uint8_t *copy;

    ipv4[6] = a->fragment;
    if (a->family == 4)
        ip.header = span_of(ipv4, sizeof(ipv4));
    segment[12] = (uint8_t)(n / 4 << 4);
    segment[13] = TCP_SYN | TCP_ACK;
    segment[14] = (uint8_t)(a->window >> 8);
    segment[15] = (uint8_t)a->window;
    memcpy(segment + TCP_HEADER, a->options, a->n);
    copy = guard_copy(segment, n);
    ip.payload = span_of(copy, n);
    syn_print_read(&ip, &out);
    guard_free(copy);
    return out;
}

static void expect_options(const struct syn_print *p, const char *kinds, size_t n)
{
    assert_int_equal(p->option_count, n);
    assert_true(span_eq(span_of(p->options, p->option_count), span_of(kinds, n)));
}

static void what_linux_says(void **state)
{
    struct syn_print p = read_one(&usual);

    (void)state;
    assert_true(p.known && p.df);
    assert_int_equal(p.ttl_class, 64);
    assert_int_equal(p.window, 65160);
    assert_int_equal(p.mss, 1460);
    assert_int_equal(p.scale, 7);
    expect_options(&p, "\2\4\10\1\3", 5);
}

static void hops_do_not_count(void **state)
{
    static const struct {
        uint8_t ttl, class;
    } row[] = {{0, 32},   {1, 32},    {32, 32},   {33, 64},   {64, 64},
               {65, 128}, {128, 128}, {129, 255}, {200, 255}, {255, 255}};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct answer a = usual;
        a.ttl = row[i].ttl;
        assert_int_equal(read_one(&a).ttl_class, row[i].class);
    }
}

static void ipv6_has_no_df(void **state)
{
    struct answer a = usual;
    struct syn_print p;

    (void)state;
    a.family = 6;
    p = read_one(&a);
    assert_true(p.known && !p.df);
    assert_int_equal(p.ttl_class, 64);
    expect_options(&p, "\2\4\10\1\3", 5);
}

static void options_odd_and_broken(void **state)
{
    static const struct {
        const char *options;
        size_t n;
        const char *kinds;
        size_t count;
        uint16_t mss;
        uint8_t scale;
    } row[] = {
        {"", 0, "", 0, 0, 0},
        {"\x02\x04\x05\xb4", 4, "\2", 1, 1460, 0},
        {"\x02\x04\x05\xb4\x01\x03\x03\x00", 8, "\2\1\3", 3, 1460, 0},
        {"\x02\x04\x05\xb4\x00\x03\x03\x07", 8, "\2\0", 2, 1460, 0}, /* nothing behind the end */
        {"\x02\x03\x05\x01", 4, "\2\1", 2, 0, 0},                    /* an MSS of one byte */
        {"\x03\x04\x05\x06", 4, "\3", 1, 0, 0},                      /* a shift of two */
        {"\x02\x04\x05\xb4\x03\x03\x07\x08", 8, "\2\3", 2, 1460, 7}, /* kind without length */
        {"\x01\x02\x05\x05", 4, "\1", 1, 0, 0},                      /* longer than what is left */
        {"\x01\x02\x01\x05", 4, "\1", 1, 0, 0},                      /* length 1 */
        {"\1\1\1\1\1\1\1\1\1\3\3\7", 12, "\1\1\1\1\1\1\1\1", 8, 0, 7}, /* more than are kept */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct answer a = usual;
        struct syn_print p;

        a.options = row[i].options;
        a.n = row[i].n;
        p = read_one(&a);
        assert_true(p.known);
        expect_options(&p, row[i].kinds, row[i].count);
        assert_int_equal(p.mss, row[i].mss);
        assert_int_equal(p.scale, row[i].scale);
    }
}

/* A host says the same to all; its way, a clamped MSS and a window that follows it say nothing. */
static void one_hash_for_one_host(void **state)
{
    uint32_t want = syn_print_hash(&(struct syn_print){.known = true,
                                                       .df = true,
                                                       .ttl_class = 64,
                                                       .scale = 7,
                                                       .mss = 1,
                                                       .window = 2,
                                                       .option_count = 5,
                                                       .options = {2, 4, 8, 1, 3}});
    struct answer a = usual;
    struct syn_print p;

    (void)state;
    p = read_one(&a);
    assert_int_equal(syn_print_hash(&p), want);
    a.ttl = 33;
    a.window = 28960;
    a.options = "\x02\x04\x05\x50\x04\x02\x08\x0a\x99\x22\x33\x44\x55\x66\x77\x99\x01\x03\x03\x07";
    p = read_one(&a);
    assert_int_equal(syn_print_hash(&p), want);
}

static void another_hash_for_another_host(void **state)
{
    struct answer other[6];
    struct syn_print p = read_one(&usual);
    uint32_t hash[7] = {syn_print_hash(&p)};

    (void)state;
    for (int i = 0; i < 6; i++)
        other[i] = usual;
    other[0].ttl = 128;
    other[1].fragment = 0;
    other[2].options = "\x02\x04\x05\xb4\x04\x02\x08\x0a\x11\x22\x33\x44\x55\x66\x77\x88\x01\x03"
                       "\x03\x08"; /* another scale */
    other[3].options = "\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\x08\x0a\x11\x22\x33\x44\x55\x66"
                       "\x77\x88"; /* another order */
    other[4].n = 4;                /* MSS alone */
    other[5].n = 0;
    for (int i = 0; i < 6; i++) {
        p = read_one(&other[i]);
        hash[i + 1] = syn_print_hash(&p);
        assert_true(hash[i + 1] != 0);
        for (int k = 0; k <= i; k++)
            assert_true(hash[k] != hash[i + 1]);
    }
}

static void nothing_known(void **state)
{
    struct syn_print p = {.ttl_class = 64, .option_count = 1, .options = {2}};

    (void)state;
    assert_int_equal(syn_print_hash(&p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_linux_says),       cmocka_unit_test(hops_do_not_count),
        cmocka_unit_test(ipv6_has_no_df),        cmocka_unit_test(options_odd_and_broken),
        cmocka_unit_test(one_hash_for_one_host), cmocka_unit_test(another_hash_for_another_host),
        cmocka_unit_test(nothing_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
