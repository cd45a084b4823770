/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sensor/capture.h"
#include "tests/unit/sensor/capfile.h"

#define HEADER 24

static struct capfile file;

static void begin(uint32_t magic, uint32_t snaplen, int big_endian)
{
    file.n = 0;
    file.big_endian = big_endian;
    cap_header(&file, magic, snaplen, 1);
}

/* The stream of the file, behind its header. */
static struct stream *open_records(size_t buffer)
{
    struct stream *f = stream_open(cap_fd(file.b, file.n), buffer);
    assert_non_null(f);
    stream_share(f);
    for (int i = 0; i < HEADER; i++)
        assert_int_not_equal(getc(stream_file(f)), EOF);
    return f;
}

static struct record_source source_of(struct stream *f, int snaplen)
{
    return record_source(f, span_of(file.b, 4), snaplen);
}

static void takes_records_off_the_buffer(void **state)
{
    (void)state;
    for (int nano = 0; nano < 2; nano++) {
        struct packet p = {.link = 7, .source = 9};
        begin(nano ? CAP_NANO : CAP_MICRO, 100, 0);
        cap_record(&file, 0xFFFFFFFF, 999999, 60, 1514, 60, 'a');
        cap_record(&file, 0, 0, 0, 0, 0, 'b');
        cap_record(&file, 1, 2, 100, 60, 100, 'c');
        struct stream *f = open_records(4096);
        struct record_source r = source_of(f, 100);
        assert_true(record_take(&r, &p));
        assert_int_equal(p.time, 4294967295 * NS_PER_S + (nano ? 999999 : 999999000));
        assert_int_equal(p.bytes.n, 60);
        assert_int_equal(p.bytes.p[59], 'a');
        assert_int_equal(p.wire_len, 1514);
        assert_true(record_take(&r, &p));
        assert_int_equal(p.bytes.n, 0);
        assert_true(record_take(&r, &p));
        assert_int_equal(p.time, NS_PER_S + (nano ? 2 : 2000));
        assert_int_equal(p.bytes.n, 100);
        assert_int_equal(p.wire_len, 100);
        assert_int_equal(p.link, 7);
        assert_int_equal(p.source, 9);
        assert_false(record_take(&r, &p));
        assert_int_equal(getc(stream_file(f)), EOF);
        stream_close(f);
    }
}

/* Left alone: the next byte that stdio gives is still the first of the record. */
static void assert_left(int snaplen)
{
    struct packet p;
    struct stream *f = open_records(sizeof(file.b));
    struct record_source r = source_of(f, snaplen);
    assert_false(record_take(&r, &p));
    assert_int_equal(getc(stream_file(f)), file.n > HEADER ? file.b[HEADER] : EOF);
    stream_close(f);
}

static void leaves_what_is_not_plain(void **state)
{
    (void)state;
    static const struct {
        uint32_t magic, fraction, captured;
        size_t data;
    } ODD[] = {
        {CAP_MICRO, 1000000, 60, 60},    {CAP_MICRO, 0xFFFFFFFF, 60, 60},
        {CAP_NANO, 1000000000, 60, 60},  {CAP_NANO, 0xFFFFFFFF, 60, 60},
        {CAP_MICRO, 0, 101, 101},        {CAP_MICRO, 0, 0xFFFFFFFF, 60},
        {CAP_MICRO, 0, 0xFFFFFFF0, 100}, {CAP_MICRO, 0, 60, 59},
    };
    for (size_t i = 0; i < sizeof(ODD) / sizeof(ODD[0]); i++) {
        begin(ODD[i].magic, 100, 0);
        cap_record(&file, 1, ODD[i].fraction, ODD[i].captured, 60, ODD[i].data, 'a');
        assert_left(100);
    }
    for (size_t n = 1; n < 16 + 60; n++) { /* cut anywhere */
        begin(CAP_MICRO, 100, 0);
        cap_record(&file, 1, 0, 60, 60, 60, 'a');
        file.n = HEADER + n;
        assert_left(100);
    }
}

static void leaves_other_files(void **state)
{
    (void)state;
    struct stream *f = stream_open(cap_fd(file.b, 4), 64);
    begin(CAP_MICRO, 100, 0);
    assert_null(record_source(f, span_of(file.b, 3), 100).stream);
    assert_null(record_source(f, span_of(file.b, 4), 0).stream);
    assert_null(record_source(f, span_of(file.b, 4), -1).stream);
    assert_ptr_equal(record_source(f, span_of(file.b, 4), 100).stream, f);
    begin(CAP_MICRO, 100, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    assert_null(record_source(f, span_of(file.b, 4), 100).stream);
    begin(0xA1B2CD34, 100, 0); /* the patched format: its records have a longer header */
    assert_null(record_source(f, span_of(file.b, 4), 100).stream);
    begin(0x0A0D0D0A, 100, 0); /* pcapng */
    assert_null(record_source(f, span_of(file.b, 4), 100).stream);
    stream_close(f);
}

/* With every size of the buffer the seams between it and libpcap lie elsewhere. */
static void any_buffer_gives_the_same_packets(void **state)
{
    (void)state;
    begin(CAP_NANO, 65535, 0);
    for (uint32_t i = 0; i < 40; i++)
        cap_record(&file, i, i, i, i + 5, i, (uint8_t)i);
    for (size_t buffer = 1; buffer < 400; buffer++) {
        struct capture *c;
        struct capture_error why;
        struct packet p;
        assert_int_equal(capture_open_fd(cap_fd(file.b, file.n), buffer, &c, &why), CAPTURE_OK);
        capture_set_source(c, 3);
        for (uint32_t i = 0; i < 40; i++) {
            assert_int_equal(capture_next(c, &p), 1);
            assert_int_equal(p.time, i * NS_PER_S + i);
            assert_int_equal(p.bytes.n, i);
            for (size_t k = 0; k < i; k++)
                assert_int_equal(p.bytes.p[k], i);
            assert_int_equal(p.wire_len, i + 5);
            assert_int_equal(p.source, 3);
        }
        assert_int_equal(capture_next(c, &p), 0);
        assert_int_equal(capture_packets(c), 40);
        capture_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_records_off_the_buffer),
        cmocka_unit_test(leaves_what_is_not_plain),
        cmocka_unit_test(leaves_other_files),
        cmocka_unit_test(any_buffer_gives_the_same_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
