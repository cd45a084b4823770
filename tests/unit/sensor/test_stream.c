/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

#include "tests/unit/sensor/capfile.h"

#define BUFFER 64 /* small: the text crosses it many times */

static uint8_t text[100000];
static uint8_t packed[50000];
static uint8_t got[sizeof(text) + 1];

static int make_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i % 11 ? i >> 8 : i);
    return 0;
}

static size_t gzip_text(void)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
    z.next_in = text;
    z.avail_in = sizeof(text);
    z.next_out = packed;
    z.avail_out = sizeof(packed);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void plain_file_is_read_whole(void **state)
{
    (void)state;
    struct stream *s = stream_open(cap_fd(text, sizeof(text)), BUFFER);
    assert_int_equal(fread(got, 1, sizeof(got), stream_file(s)), sizeof(text));
    assert_memory_equal(got, text, sizeof(text));
    assert_null(stream_error(s));
    assert_int_equal(stream_position(s), sizeof(text));
    stream_close(s);
}

static void peeked_bytes_are_read_again(void **state)
{
    (void)state;
    size_t n = gzip_text();
    int fd[2] = {cap_fd(text, sizeof(text)), cap_fd(packed, n)};
    for (int i = 0; i < 2; i++) {
        struct stream *s = stream_open(fd[i], BUFFER);
        struct span head = stream_peek(s);
        assert_int_equal(head.n, 4);
        assert_memory_equal(head.p, text, 4);
        assert_int_equal(fread(got, 1, 2, stream_file(s)), 2);
        assert_int_equal(fread(got + 2, 1, sizeof(got) - 2, stream_file(s)), sizeof(text) - 2);
        assert_memory_equal(got, text, sizeof(text));
        assert_null(stream_error(s));
        stream_close(s);
    }
}

static void short_files_peek_short(void **state)
{
    (void)state;
    for (size_t n = 0; n < 4; n++) {
        struct stream *s = stream_open(cap_fd("abc", n), BUFFER);
        assert_int_equal(stream_peek(s).n, n);
        assert_int_equal(fread(got, 1, 10, stream_file(s)), n);
        assert_null(stream_error(s));
        stream_close(s);
    }
}

/* Data before the damage is given, and the damage is told only by the read that meets it. */
static void truncated_text_is_given_as_far_as_it_goes(void **state)
{
    (void)state;
    size_t n = gzip_text();
    struct stream *s = stream_open(cap_fd(packed, n - 20), BUFFER);
    assert_int_equal(fread(got, 1, 100, stream_file(s)), 100);
    assert_null(stream_error(s));
    size_t rest = fread(got + 100, 1, sizeof(got) - 100, stream_file(s));
    assert_true(rest > 0 && rest < sizeof(text) - 100);
    assert_memory_equal(got, text, 100 + rest);
    assert_true(ferror(stream_file(s)));
    assert_string_equal(stream_error(s), "compressed data ends in the middle");
    stream_close(s);
}

static void a_pipe_may_trickle(void **state)
{
    (void)state;
    int fd[2];
    size_t n = gzip_text();
    assert_int_equal(pipe(fd), 0);
    if (fork() == 0) {
        for (size_t i = 0; i < n; i++)
            if (write(fd[1], packed + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(fd[1]);
    struct stream *s = stream_open(fd[0], BUFFER);
    assert_int_equal(fread(got, 1, sizeof(got), stream_file(s)), sizeof(text));
    assert_memory_equal(got, text, sizeof(text));
    stream_close(s);
}

static void unreadable_descriptors_are_refused(void **state)
{
    (void)state;
    assert_null(stream_open(open("/", O_RDONLY | O_DIRECTORY), BUFFER));
    assert_int_equal(errno, EISDIR);
    assert_null(stream_open(-1, BUFFER));
    assert_int_equal(errno, EBADF);
}

/* As libpcap does. */
static void the_file_may_be_closed_first(void **state)
{
    (void)state;
    struct stream *s = stream_open(cap_fd(text, 10), BUFFER);
    fclose(stream_file(s));
    stream_file_closed(s);
    stream_close(s);
    stream_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_file_is_read_whole),
        cmocka_unit_test(peeked_bytes_are_read_again),
        cmocka_unit_test(short_files_peek_short),
        cmocka_unit_test(truncated_text_is_given_as_far_as_it_goes),
        cmocka_unit_test(a_pipe_may_trickle),
        cmocka_unit_test(unreadable_descriptors_are_refused),
        cmocka_unit_test(the_file_may_be_closed_first),
    };
    return cmocka_run_group_tests(tests, make_text, NULL);
}
