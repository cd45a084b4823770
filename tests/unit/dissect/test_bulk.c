/* SPDX-License-Identifier: Apache-2.0 */
/* TLS that carries data: records pass without the reader, however they lie in their segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "packets.h"

#define BODY 200

static struct packets *k;
static struct dissect *d;
static struct session last; /* its pool is gone */
static size_t sent;         /* packets of k that went in */

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    (void)user;
    if (m == SESSION_CLOSED)
        last = *s;
}

static void send_all(void)
{
    for (; sent < k->count; sent++) {
        struct packet p = packets_get(k, sent);
        dissect_packet(d, &p);
    }
    k->count = sent = 0;
}

static void say(enum session_dir dir, const uint8_t *bytes, size_t n)
{
    packets_raw(k, dir, k->seq[dir], k->seq[!dir], TCP_ACK | TCP_PSH, bytes, n);
    k->seq[dir] += (uint32_t)n;
    packets_raw(k, (enum session_dir) !dir, k->seq[!dir], k->seq[dir], TCP_ACK, NULL, 0);
    send_all();
}

static size_t put_record(uint8_t *to, uint8_t type, uint16_t length)
{
    const uint8_t header[5] = {type, 3, 3, (uint8_t)(length >> 8), (uint8_t)length};

    memcpy(to, header, sizeof(header));
    memset(to + sizeof(header), 0xa5, length);
    return sizeof(header) + length;
}

static void say_record(enum session_dir dir, uint8_t type)
{
    uint8_t bytes[5 + BODY];

    say(dir, bytes, put_record(bytes, type, BODY));
}

/* Up to the point where both sides have shown data. */
static int setup(void **state)
{
    struct dissect_config c;

    (void)state;
    dissect_config_default(&c);
    k = malloc(sizeof(*k));
    d = dissect_new(&c, on_session, NULL);
    sent = 0;
    packets_begin(k, 10, 20);
    k->server_port = 465;
    packets_handshake(k);
    send_all();
    say_record(SESSION_TO_SERVER, 22);
    say_record(SESSION_TO_CLIENT, 22);
    say_record(SESSION_TO_SERVER, 23);
    say_record(SESSION_TO_CLIENT, 23);
    return 0;
}

static void close_all(void)
{
    packets_fin(k);
    send_all();
    dissect_finish(d);
    assert_true(last.tls_complete);
}

static int teardown(void **state)
{
    (void)state;
    dissect_free(d);
    free(k);
    return 0;
}

/* Cut at every place, and both ways through the same flow: the count is that of the bytes, and
 * nothing among them looks like text. */
static void test_every_cut(void **state)
{
    uint8_t bytes[2 * (5 + BODY)];
    uint64_t want = 2 * (5 + BODY);
    size_t n = put_record(bytes, 23, BODY);

    (void)state;
    n += put_record(bytes + n, 23, BODY);
    for (size_t at = 1; at < n; at++) {
        for (int dir = 0; dir < SESSION_DIR_COUNT; dir++) {
            say((enum session_dir)dir, bytes, at);
            say((enum session_dir)dir, bytes + at, n - at);
        }
        want += n;
    }
    close_all();
    for (int dir = 0; dir < SESSION_DIR_COUNT; dir++) {
        assert_int_equal(last.bytes[dir], want);
        assert_false(last.clear_in_tls[dir]);
    }
}

/* Text where a record must begin, right after one that passed. */
static void test_text_at_a_boundary(void **state)
{
    static const char text[] = "MAIL FROM:<a@b.test>\r\n";

    (void)state;
    say_record(SESSION_TO_SERVER, 23);
    say_record(SESSION_TO_SERVER, 23);
    say(SESSION_TO_SERVER, (const uint8_t *)text, strlen(text));
    close_all();
    assert_true(last.clear_in_tls[SESSION_TO_SERVER]);
    assert_int_equal(last.clear_in_tls_offset[SESSION_TO_SERVER], 4 * (5 + BODY));
    assert_false(last.clear_in_tls[SESSION_TO_CLIENT]);
}

/* A plaintext alert in between is the reader's to see. */
static void test_alert_at_a_boundary(void **state)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};

    (void)state;
    say_record(SESSION_TO_CLIENT, 23);
    say(SESSION_TO_CLIENT, alert, sizeof(alert));
    say_record(SESSION_TO_CLIENT, 23);
    close_all();
    assert_int_equal(last.tls_alert[SESSION_TO_CLIENT], 40);
}

/* More than 2^32 bytes pass in a row. */
static void test_count_does_not_wrap(void **state)
{
    static uint8_t frame[14 + 65535];
    const uint32_t payload = 65535 - 40, packets = 65600;
    size_t n = 54;

    (void)state;
    memcpy(frame, packets_raw(k, SESSION_TO_CLIENT, 0, k->seq[0], TCP_ACK, NULL, 0)->bytes, 54);
    for (int i = 0; i < 3; i++)
        n += put_record(frame + n, 23, 16384);
    n += put_record(frame + n, 23, (uint16_t)(sizeof(frame) - n - 5));
    assert_int_equal(n, sizeof(frame));
    packets_u16(frame + 16, 65535);
    for (uint32_t i = 0; i < packets; i++) {
        packets_u32(frame + 38, k->seq[SESSION_TO_CLIENT] + i * payload);
        struct packet p = {.time = k->now,
                           .bytes = span_of(frame, sizeof(frame)),
                           .wire_len = sizeof(frame),
                           .link = 1};
        dissect_packet(d, &p);
    }
    k->seq[SESSION_TO_CLIENT] += packets * payload;
    k->count = 0;
    close_all();
    assert_int_equal(last.bytes[SESSION_TO_CLIENT], 2 * (5 + BODY) + (uint64_t)packets * payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_at_a_boundary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alert_at_a_boundary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_count_does_not_wrap, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
