/* SPDX-License-Identifier: Apache-2.0 */
/* Message text over segments: counted to the byte and ended at its dot, however it is cut, and
 * whatever goes wrong between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "packets.h"

#define LINES 40

static struct packets *k;
static struct session last; /* its pool is gone */
static char message[LINES * 80];

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    (void)user;
    if (m == SESSION_CLOSED)
        last = *s;
}

/* Lines of all lengths; each fifth begins with a dot, stuffed (RFC 5321 section 4.5.2). */
static size_t write_message(void)
{
    size_t n = 0;

    for (size_t i = 0; i < LINES; i++) {
        if (i % 5 == 4) {
            message[n++] = '.';
            message[n++] = '.';
        }
        memset(message + n, 'a' + (int)(i % 26), 1 + i * 7 % 60);
        n += 1 + i * 7 % 60;
        message[n++] = '\r';
        message[n++] = '\n';
    }
    memcpy(message + n, ".\r\n", 3);
    return n;
}

static void begin(void)
{
    packets_begin(k, 10, 20);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 mx.test ESMTP\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO out.test\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 mx.test\r\n");
    packets_say(k, SESSION_TO_SERVER, "MAIL FROM:<a@b.test>\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 ok\r\n");
    packets_say(k, SESSION_TO_SERVER, "RCPT TO:<c@d.test>\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 ok\r\n");
    packets_say(k, SESSION_TO_SERVER, "DATA\r\n");
    packets_say(k, SESSION_TO_CLIENT, "354 go\r\n");
}

static void end(void)
{
    packets_say(k, SESSION_TO_CLIENT, "250 queued\r\n");
    packets_say(k, SESSION_TO_SERVER, "QUIT\r\n");
    packets_say(k, SESSION_TO_CLIENT, "221 bye\r\n");
    packets_fin(k);
}

/* Runs what was made; every packet in is processed or counted as dropped. */
static struct dissect_counters run(void)
{
    struct dissect_config c;
    struct dissect_counters n;

    dissect_config_default(&c);
    struct dissect *d = dissect_new(&c, on_session, NULL);
    last = (struct session){0};
    for (size_t i = 0; i < k->count; i++) {
        struct packet p = packets_get(k, i);
        dissect_packet(d, &p);
    }
    dissect_finish(d);
    n = dissect_counters(d);
    dissect_free(d);
    assert_int_equal(n.processed + n.half_open, k->count);
    return n;
}

static void assert_read(size_t text)
{
    assert_int_equal(last.mails, 1);
    assert_int_equal(last.mail_bytes, text);
    assert_true(last.quit);
    assert_false(last.step_lost);
    assert_int_equal(last.gap_bytes[0] + last.gap_bytes[1], 0);
    assert_int_equal(last.unsolicited + last.odd_count, 0);
}

static void test_every_size_of_segment(void **state)
{
    size_t n = write_message();

    (void)state;
    for (uint32_t mss = 1; mss < 400; mss += mss < 90 ? 1 : 31) {
        begin();
        k->mss = mss;
        packets_say(k, SESSION_TO_SERVER, message);
        k->mss = 1400;
        end();
        run();
        assert_read(n);
        assert_int_equal(last.packets[0] + last.packets[1], k->count - 1); /* the SYN has no flow */
        assert_int_equal(last.retransmits[0] + last.duplicates[0], 0);
    }
}

/* A mirror port gives each segment twice: copies, not retransmissions. */
static void test_twice(void **state)
{
    size_t n = write_message(), first;

    (void)state;
    begin();
    k->mss = 100;
    first = k->count;
    for (const char *at = message; *at;) {
        size_t m = strlen(at) < k->mss ? strlen(at) : k->mss;
        packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1], TCP_ACK, at, m);
        k->seq[0] += (uint32_t)m;
        k->p[k->count] = k->p[k->count - 1];
        k->count++;
        at += m;
    }
    size_t copies = (k->count - first) / 2;
    packets_raw(k, SESSION_TO_CLIENT, k->seq[1], k->seq[0], TCP_ACK, NULL, 0);
    end();
    struct dissect_counters c = run();
    assert_read(n);
    assert_int_equal(last.duplicates[0], copies);
    assert_int_equal(c.duplicates, copies);
    assert_int_equal(last.retransmits[0], 0);
}

/* Neighbours change places, and one comes again later. */
static void test_out_of_order(void **state)
{
    size_t n = write_message(), first;

    (void)state;
    for (size_t odd = 0; odd < 2; odd++) {
        begin();
        k->mss = 64;
        first = k->count;
        packets_say(k, SESSION_TO_SERVER, message);
        for (size_t i = first + odd; i + 2 < k->count - 1; i += 2) {
            struct made_packet swap = k->p[i];
            k->p[i] = k->p[i + 1];
            k->p[i + 1] = swap;
        }
        k->p[k->count] = k->p[first];
        k->p[k->count++].bytes[19] ^= 0x55; /* another identification: sent again */
        k->mss = 1400;
        end();
        run();
        assert_read(n);
        assert_int_equal(last.retransmits[0], 1);
        assert_true(last.reordered[0] > 0);
    }
}

/* BDAT counts its octets, whatever they are (RFC 3030). */
static void test_chunk(void **state)
{
    char bdat[32];
    size_t n = write_message() + 3;

    (void)state;
    for (uint32_t mss = 1; mss < 200; mss += 13) {
        begin();
        k->count -= 4; /* no DATA */
        k->seq[0] -= 6;
        k->seq[1] -= 8;
        snprintf(bdat, sizeof(bdat), "BDAT %zu LAST\r\n", n);
        packets_say(k, SESSION_TO_SERVER, bdat);
        k->mss = mss;
        packets_say(k, SESSION_TO_SERVER, message);
        k->mss = 1400;
        end();
        run();
        assert_read(n);
    }
}

static int setup(void **state)
{
    (void)state;
    k = malloc(sizeof(*k));
    return k ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(k);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_of_segment),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_chunk),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
