/* SPDX-License-Identifier: Apache-2.0 */
/* From frames to tls.flight: the same in any segmentation and order, and with a packet lost the
 * same or none; and what stands beside it in a session with TLS 1.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "packets.h"

/* Three records of the server's: the rest of its handshake, and behind the client's Finished a
 * session ticket, which is none of it. */
enum { EXTENSIONS = 31, CERTIFICATE = 1500, FINISHED = 53, TICKET = 234 };

static const uint8_t client_hello[] = {
    22, 3,    3, 0,  58, 1, 0, 0, 54, 3, 3,                /* headers, version */
    7,  7,    7, 7,  7,  7, 7, 7, 7,  7, 7, 7, 7, 7, 7, 7, /* random */
    7,  7,    7, 7,  7,  7, 7, 7, 7,  7, 7, 7, 7, 7, 7, 7, /* */
    0,  0,    2, 19, 1,  1, 0,                             /* TLS_AES_128_GCM_SHA256 */
    0,  11,   0, 43, 0,  3, 2, 3, 4,                       /* supported_versions: 1.3 */
    0,  0x33, 0, 0};
static const uint8_t server_hello[] = {
    22, 3,  3, 0,  50, 2, 0, 0, 46, 3, 3,                /* headers, version */
    8,  8,  8, 8,  8,  8, 8, 8, 8,  8, 8, 8, 8, 8, 8, 8, /* random */
    8,  8,  8, 8,  8,  8, 8, 8, 8,  8, 8, 8, 8, 8, 8, 8, /* */
    0,  19, 1, 0,                                        /* suite */
    0,  6,  0, 43, 0,  2, 3, 4};                         /* 1.3 was selected */
static const uint8_t change_cipher[] = {20, 3, 3, 0, 1, 1};

struct bytes {
    uint8_t p[4096];
    size_t n;
};

static void put(struct bytes *b, const void *p, size_t n)
{
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_protected(struct bytes *b, uint16_t n)
{
    const uint8_t head[5] = {23, 3, 3, (uint8_t)(n >> 8), (uint8_t)n};

    put(b, head, sizeof(head));
    memset(b->p + b->n, 0x5a, n);
    b->n += n;
}

/* As packets_say(), for bytes that may be 0. */
static void say(struct packets *k, enum session_dir d, const struct bytes *b)
{
    for (size_t at = 0; at < b->n;) {
        size_t n = b->n - at < k->mss ? b->n - at : k->mss;
        packets_raw(k, d, k->seq[d], k->seq[!d], TCP_ACK | TCP_PSH, b->p + at, n);
        k->seq[d] += (uint32_t)n;
        at += n;
    }
}

static struct packets *session(uint32_t mss, uint32_t isn)
{
    struct packets *k = malloc(sizeof(*k));
    struct bytes b = {.n = 0};

    packets_begin(k, isn, isn + 77);
    k->mss = mss;
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 mx1.test ESMTP\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO out.test\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250-mx1.test\r\n250 STARTTLS\r\n");
    packets_say(k, SESSION_TO_SERVER, "STARTTLS\r\n");
    packets_say(k, SESSION_TO_CLIENT, "220 go\r\n");
    put(&b, client_hello, sizeof(client_hello));
    say(k, SESSION_TO_SERVER, &b);
    b.n = 0;
    put(&b, server_hello, sizeof(server_hello));
    put(&b, change_cipher, sizeof(change_cipher));
    put_protected(&b, EXTENSIONS);
    put_protected(&b, CERTIFICATE);
    put_protected(&b, FINISHED);
    say(k, SESSION_TO_CLIENT, &b);
    b.n = 0;
    put(&b, change_cipher, sizeof(change_cipher));
    put_protected(&b, FINISHED);
    put_protected(&b, 40);
    say(k, SESSION_TO_SERVER, &b);
    b.n = 0;
    put_protected(&b, TICKET);
    put_protected(&b, 60);
    say(k, SESSION_TO_CLIENT, &b);
    packets_fin(k);
    return k;
}

static struct session last;
static unsigned closed;

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    (void)user;
    if (m != SESSION_CLOSED)
        return;
    last = *s;
    closed++;
}

static uint32_t flight_of(const struct packets *k, const size_t *order, size_t skip, bool pack)
{
    struct dissect_config c;
    struct dissect *d;

    dissect_config_default(&c);
    if (pack)
        c.unpacked = 0;
    closed = 0;
    d = dissect_new(&c, on_session, NULL);
    for (size_t i = 0; i < k->count; i++) {
        struct packet p = packets_get(k, order ? order[i] : i);
        if ((order ? order[i] : i) != skip)
            dissect_packet(d, &p);
    }
    dissect_finish(d);
    dissect_free(d);
    assert_int_equal(closed, 1);
    return last.tls.flight;
}

static void in_any_segmentation(void **state)
{
    static const uint32_t mss[] = {1, 2, 7, 64, 536, 1400};
    static const uint32_t isn[] = {1000, 0xfffffff0, 0xfffffa00};

    (void)state;
    for (size_t i = 0; i < sizeof(mss) / sizeof(mss[0]); i++)
        for (size_t j = 0; j < sizeof(isn) / sizeof(isn[0]); j++)
            for (int pack = 0; pack < 2; pack++) {
                struct packets *k = session(mss[i], isn[j]);
                assert_int_equal(flight_of(k, NULL, SIZE_MAX, pack),
                                 EXTENSIONS + CERTIFICATE + FINISHED);
                assert_true(last.tls_complete && last.tls.agreed);
                assert_true(last.synack.known);
                assert_int_equal(last.synack.window, 64000);
                free(k);
            }
}

/* Any two neighbours, and any group of four turned round, change places in the capture. */
static void in_any_order(void **state)
{
    static const uint32_t mss[] = {100, 700};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct packets *k = session(mss[i], 1000);
        size_t order[128];
        assert_true(k->count < 128);
        for (size_t turned = 2; turned <= 4; turned += 2)
            for (size_t from = 0; from + turned <= k->count; from++) {
                for (size_t at = 0; at < k->count; at++)
                    order[at] = at;
                for (size_t at = 0; at < turned; at++)
                    order[from + at] = from + turned - 1 - at;
                assert_int_equal(flight_of(k, order, SIZE_MAX, false),
                                 EXTENSIONS + CERTIFICATE + FINISHED);
            }
        free(k);
    }
}

static void with_any_one_packet_lost(void **state)
{
    static const uint32_t mss[] = {50, 700};
    unsigned none = 0, whole = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct packets *k = session(mss[i], 1000);
        for (size_t skip = 0; skip < k->count; skip++) {
            uint32_t n = flight_of(k, NULL, skip, false);
            if (n != 0)
                assert_int_equal(n, EXTENSIONS + CERTIFICATE + FINISHED);
            *(n == 0 ? &none : &whole) += 1;
        }
        free(k);
    }
    assert_true(none > CERTIFICATE / 50); /* a packet with bytes of it */
    assert_true(whole > none / 2);        /* one of the rest */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_any_segmentation),
        cmocka_unit_test(in_any_order),
        cmocka_unit_test(with_any_one_packet_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
