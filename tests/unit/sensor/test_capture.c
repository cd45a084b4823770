/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "dissect/frame.h"
#include "tests/unit/sensor/capfile.h"

static struct capfile file;

static struct capfile *fresh(void)
{
    file.n = 0;
    file.big_endian = 0;
    return &file;
}

static enum capture_status open_file(struct capture **c, struct capture_error *why)
{
    why->text[0] = '\0';
    return capture_open_fd(cap_fd(file.b, file.n), CAPTURE_BUFFER, c, why);
}

static struct capture *open_good(void)
{
    struct capture *c;
    struct capture_error why;
    assert_int_equal(open_file(&c, &why), CAPTURE_OK);
    return c;
}

static void assert_packet(struct capture *c, nstime time, size_t n, uint32_t wire_len)
{
    struct packet p;
    assert_int_equal(capture_next(c, &p), 1);
    assert_int_equal(p.time, time);
    assert_int_equal(p.bytes.n, n);
    assert_int_equal(p.wire_len, wire_len);
}

static void reads_both_precisions_in_both_byte_orders(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct capfile *f = fresh();
        f->big_endian = i & 1;
        cap_header(f, i & 2 ? CAP_NANO : CAP_MICRO, 65535, 1);
        cap_record(f, 1000000000, 123, 60, 1514, 60, 'a');
        cap_record(f, 1000000001, 0, 0, 60, 0, 'a');
        struct capture *c = open_good();
        assert_int_equal(capture_link(c), FRAME_ETHERNET);
        assert_packet(c, 1000000000 * NS_PER_S + (i & 2 ? 123 : 123000), 60, 1514);
        assert_packet(c, 1000000001 * NS_PER_S, 0, 60);
        struct packet p;
        assert_int_equal(capture_next(c, &p), 0);
        assert_int_equal(capture_packets(c), 2);
        assert_int_equal(capture_position(c), f->n);
        capture_close(c);
    }
}

/* Unsigned 32 bits: 2^32 - 1 is 2106-02-07. */
static void seconds_are_unsigned(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    cap_header(f, CAP_MICRO, 65535, 1);
    cap_record(f, 0xFFFFFFFF, 999999, 60, 60, 60, 'a');
    cap_record(f, 0x80000000, 0, 60, 60, 60, 'a');
    struct capture *c = open_good();
    assert_packet(c, 4294967295 * NS_PER_S + 999999000, 60, 60);
    assert_packet(c, 2147483648 * NS_PER_S, 60, 60);
    capture_close(c);
}

static void wire_length_is_never_below_the_captured_one(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    cap_header(f, CAP_MICRO, 65535, 1);
    cap_record(f, 1, 0, 60, 10, 60, 'a');
    struct capture *c = open_good();
    assert_packet(c, NS_PER_S, 60, 60);
    capture_close(c);
}

static void link_types_are_numbers_of_files(void **state)
{
    (void)state;
    static const uint32_t GOOD[][2] = {{0, FRAME_NULL},   {1, FRAME_ETHERNET}, {12, FRAME_RAW},
                                       {101, FRAME_RAW},  {108, FRAME_LOOP},   {113, FRAME_SLL},
                                       {228, FRAME_IPV4}, {229, FRAME_IPV6},   {276, FRAME_SLL2}};
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        cap_header(fresh(), CAP_MICRO, 65535, GOOD[i][0]);
        struct capture *c = open_good();
        assert_int_equal(capture_link(c), GOOD[i][1]);
        capture_close(c);
    }
    static const uint32_t BAD[] = {105 /* 802.11 */, 189 /* USB */, 147 /* user */, 65000};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct capture *c;
        struct capture_error why;
        char number[16];
        cap_header(fresh(), CAP_MICRO, 65535, BAD[i]);
        assert_int_equal(open_file(&c, &why), CAPTURE_DAMAGED);
        assert_null(c);
        snprintf(number, sizeof(number), "link type %u ", BAD[i]);
        assert_ptr_equal(strstr(why.text, number), why.text);
    }
}

static void what_is_no_capture_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    struct capture *c;
    struct capture_error why;
    fresh();
    assert_int_equal(open_file(&c, &why), CAPTURE_FOREIGN);
    assert_string_equal(why.text, "is empty");
    cap_put(fresh(), "From: somebody", 14);
    assert_int_equal(open_file(&c, &why), CAPTURE_FOREIGN);
    cap_header(fresh(), CAP_MICRO, 65535, 1);
    for (file.n = 1; file.n < 4; file.n++)
        assert_int_equal(open_file(&c, &why), CAPTURE_FOREIGN);
    for (file.n = 4; file.n < 24; file.n++) {
        assert_int_equal(open_file(&c, &why), CAPTURE_DAMAGED);
        assert_true(strlen(why.text) > 0);
    }
    assert_int_equal(capture_open("/nonexistent", CAPTURE_BUFFER, &c, &why), CAPTURE_UNREADABLE);
    assert_string_equal(why.text, "No such file or directory");
    assert_int_equal(capture_open("/", CAPTURE_BUFFER, &c, &why), CAPTURE_UNREADABLE);
    assert_string_equal(why.text, "Is a directory");
}

/* At every length: the whole records before the cut are given, then damage unless the cut is
 * between two records. */
static void truncated_files_are_read_as_far_as_they_go(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    cap_header(f, CAP_MICRO, 65535, 1);
    for (uint32_t i = 0; i < 3; i++)
        cap_record(f, i, 0, 20, 20, 20, 'a');
    for (size_t n = 24; n <= 24 + 3 * 36; n++) {
        struct packet p;
        f->n = n;
        struct capture *c = open_good();
        for (size_t i = 0; i < (n - 24) / 36; i++)
            assert_int_equal(capture_next(c, &p), 1);
        bool whole = (n - 24) % 36 == 0;
        assert_int_equal(capture_next(c, &p), whole ? 0 : -1);
        assert_int_equal(capture_packets(c), (n - 24) / 36);
        assert_true(whole || strlen(capture_damage(c)) > 0);
        capture_close(c);
    }
}

static void impossible_lengths_are_damage(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    struct packet p;
    cap_header(f, CAP_MICRO, 0, 1);
    cap_record(f, 1, 0, 60, 60, 60, 'a');
    cap_record(f, 1, 0, 0xFFFFFFFF, 0xFFFFFFFF, 600, 'a');
    struct capture *c = open_good();
    assert_packet(c, NS_PER_S, 60, 60); /* a snap length of 0 means none */
    assert_int_equal(capture_next(c, &p), -1);
    assert_int_equal(capture_packets(c), 1);
    capture_close(c);
}

static bool until_three(void *user, const struct packet *p)
{
    unsigned *seen = user;
    assert_int_equal(p->source, 7);
    assert_int_equal(p->time, (nstime)*seen * NS_PER_S);
    return ++*seen % 3 != 0;
}

static void a_run_can_be_stopped_and_resumed(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    unsigned seen = 0;
    cap_header(f, CAP_MICRO, 65535, 1);
    for (uint32_t i = 0; i < 7; i++)
        cap_record(f, i, 0, 60, 60, 60, 'a');
    struct capture *c = open_good();
    capture_set_source(c, 7);
    assert_int_equal(capture_run(c, until_three, &seen), 1);
    assert_int_equal(seen, 3);
    assert_int_equal(capture_run(c, until_three, &seen), 1);
    assert_int_equal(seen, 6);
    assert_int_equal(capture_run(c, until_three, &seen), 0);
    assert_int_equal(seen, 7);
    capture_close(c);
}

/* --- pcapng (draft-ietf-opsawg-pcapng) --- */

static void section(struct capfile *f)
{
    cap_u32(f, 0x0A0D0D0A);
    cap_u32(f, 28);
    cap_u32(f, 0x1A2B3C4D);
    cap_u16(f, 1);
    cap_u16(f, 0);
    cap_u32(f, 0xFFFFFFFF); /* length: not told */
    cap_u32(f, 0xFFFFFFFF);
    cap_u32(f, 28);
}

/* With if_tsresol (10 to the minus `digits`) and if_tsoffset (seconds). */
static void interface(struct capfile *f, uint16_t link, uint8_t digits, int64_t offset)
{
    cap_u32(f, 1);
    cap_u32(f, 44);
    cap_u16(f, link);
    cap_u16(f, 0);
    cap_u32(f, 65535);
    cap_u16(f, 9);
    cap_u16(f, 1);
    cap_put(f, (uint8_t[4]){digits}, 4);
    cap_u16(f, 14);
    cap_u16(f, 8);
    cap_u32(f, (uint32_t)((uint64_t)offset & 0xFFFFFFFF)); /* a 64-bit number, ours is LE */
    cap_u32(f, (uint32_t)((uint64_t)offset >> 32));
    cap_u32(f, 0); /* opt_endofopt */
    cap_u32(f, 44);
}

static void enhanced(struct capfile *f, uint32_t interface_id, uint64_t ticks)
{
    cap_u32(f, 6);
    cap_u32(f, 36);
    cap_u32(f, interface_id);
    cap_u32(f, (uint32_t)(ticks >> 32));
    cap_u32(f, (uint32_t)ticks);
    cap_u32(f, 4);
    cap_u32(f, 60);
    cap_put(f, "abcd", 4);
    cap_u32(f, 36);
}

static void pcapng_interfaces_keep_their_clocks(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    struct packet p;
    section(f);
    interface(f, 1, 6, 0);
    interface(f, 1, 9, 100);
    enhanced(f, 0, 5000001);
    enhanced(f, 1, 5000000001);
    struct capture *c = open_good();
    assert_packet(c, 5 * NS_PER_S + 1000, 4, 60);
    assert_packet(c, 105 * NS_PER_S + 1, 4, 60);
    assert_int_equal(capture_next(c, &p), 0);
    capture_close(c);
}

/* Before 1970, and further than 64 bits of nanoseconds reach: still in order, and so far from the
 * ends that the distance of any two can be told. */
static void pcapng_times_may_be_anything(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    struct packet far;
    section(f);
    interface(f, 1, 6, -1000);
    interface(f, 1, 6, INT64_MAX / 2);
    interface(f, 1, 6, INT64_MIN / 2);
    enhanced(f, 0, 1000000);
    enhanced(f, 1, 0);
    enhanced(f, 2, 0);
    struct capture *c = open_good();
    assert_packet(c, -999 * NS_PER_S, 4, 60);
    assert_int_equal(capture_next(c, &far), 1);
    assert_true(far.time == CLOCK_PACKET_S * NS_PER_S);
    assert_int_equal(capture_next(c, &far), 1);
    assert_true(far.time == -CLOCK_PACKET_S * NS_PER_S);
    capture_close(c);
}

static void truncated_pcapng_is_damage(void **state)
{
    (void)state;
    struct capfile *f = fresh();
    section(f);
    interface(f, 1, 6, 0);
    enhanced(f, 0, 1);
    size_t first = f->n;
    enhanced(f, 0, 2);
    for (f->n--; f->n > first; f->n--) {
        struct packet p;
        struct capture *c = open_good();
        assert_int_equal(capture_next(c, &p), 1);
        assert_int_equal(capture_next(c, &p), -1);
        capture_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_precisions_in_both_byte_orders),
        cmocka_unit_test(seconds_are_unsigned),
        cmocka_unit_test(wire_length_is_never_below_the_captured_one),
        cmocka_unit_test(link_types_are_numbers_of_files),
        cmocka_unit_test(what_is_no_capture_is_told_from_a_damaged_one),
        cmocka_unit_test(truncated_files_are_read_as_far_as_they_go),
        cmocka_unit_test(impossible_lengths_are_damage),
        cmocka_unit_test(a_run_can_be_stopped_and_resumed),
        cmocka_unit_test(pcapng_interfaces_keep_their_clocks),
        cmocka_unit_test(pcapng_times_may_be_anything),
        cmocka_unit_test(truncated_pcapng_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
