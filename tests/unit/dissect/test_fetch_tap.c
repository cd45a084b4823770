/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/fetch_tap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/caps.h"

#define S NS_PER_S

static const struct siphash_key key = {9, 9};
static struct fetch_tap *t;
static nstime now;
static char said[4096];

/* fetch_tap_fn */
static void on_fetch(void *user, const struct fetch_sighting *s)
{
    static const char *const outcome[] = {"answered", "reset", "unanswered"};
    size_t n = strlen(said);
    (void)user;
    assert_int_equal(s->key.server_port, 443);
    snprintf(said + n, sizeof(said) - n, "%s %s %d-%d;", s->host, outcome[s->outcome],
             (int)(s->asked / S), (int)(s->time / S));
}

static uint16_t port; /* of the client */

static int setup(void **state)
{
    (void)state;
    now = S;
    said[0] = '\0';
    port = 50000;
    t = fetch_tap_new(&key, on_fetch, NULL);
    return t ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fetch_tap_free(t);
    return 0;
}

struct hello {
    uint8_t p[600];
    size_t n;
};

static void put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* A record with a ClientHello that asks for `host` (RFC 8446 section 4.1.2). */
static struct hello hello_for(const char *host)
{
    struct hello h = {.p = {22, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3}, .n = 9 + 2 + 32};
    size_t n = strlen(host);
    uint8_t *e = h.p + h.n;
    memcpy(e, "\0\0\2\x13\1\1\0", 7);
    put16(e + 7, n + 9);
    put16(e + 9, 0);
    put16(e + 11, n + 5);
    put16(e + 13, n + 3);
    e[15] = 0;
    put16(e + 16, n);
    memcpy(e + 18, host, n);
    h.n += 18 + n;
    put16(h.p + 3, h.n - 5);
    put16(h.p + 7, h.n - 9);
    return h;
}

static void send(bool up, uint8_t flags, uint32_t seq, const void *p, size_t n)
{
    struct ip_packet ip = {.family = 4};
    uint8_t *copy = malloc(n + 1); /* its end is guarded by the sanitizer */
    const struct tcp_segment tcp = {.src_port = up ? port : 443,
                                    .dst_port = up ? 443 : port,
                                    .seq = seq,
                                    .flags = flags,
                                    .payload = span_of(copy, n),
                                    .payload_len = (uint32_t)n};
    memcpy(copy, p, n);
    ip.src[0] = up ? 1 : 2;
    ip.dst[0] = up ? 2 : 1;
    if (fetch_tap_wants(t, up, tcp.payload))
        fetch_tap_segment(t, &ip, &tcp, now, now, 0);
    free(copy);
}

static void ask(const char *host)
{
    struct hello h = hello_for(host);
    send(true, TCP_ACK, 100, h.p, h.n);
}

static void how_it_ends(void **state)
{
    (void)state;
    ask("mta-sts.a.test");
    now += S;
    send(false, TCP_ACK, 1, "", 0);
    assert_string_equal(said, "");
    send(false, TCP_ACK, 1, "x", 1);
    assert_string_equal(said, "mta-sts.a.test answered 1-2;");
    send(false, TCP_RST, 2, "", 0); /* that is another matter */
    said[0] = '\0';
    ask("MTA-STS.b.test");
    send(false, TCP_RST | TCP_ACK, 1, "", 0);
    assert_string_equal(said, "mta-sts.b.test reset 2-2;");
    said[0] = '\0';
    ask("mta-sts.c.test");
    send(false, TCP_FIN | TCP_ACK, 1, "", 0);
    assert_string_equal(said, "mta-sts.c.test reset 2-2;");
    said[0] = '\0';
    ask("mta-sts.d.test");
    now += S;
    send(true, TCP_FIN | TCP_ACK, 1, "", 0);
    assert_string_equal(said, "mta-sts.d.test unanswered 2-3;");
    said[0] = '\0';
    ask("mta-sts.e.test");
    ask("mta-sts.e.test"); /* sent again */
    now += CAP_FETCH_WAIT_S * S;
    fetch_tap_tick(t, now);
    assert_string_equal(said, "");
    now += S;
    fetch_tap_tick(t, now);
    fetch_tap_tick(t, now);
    assert_string_equal(said, "mta-sts.e.test unanswered 3-34;");
}

/* Where no server is heard nobody was silent; and a client that goes on had its answer. */
static void what_is_not_seen_accuses_nobody(void **state)
{
    struct hello h = hello_for("mta-sts.a.test");
    (void)state;
    ask("mta-sts.a.test");
    send(true, TCP_FIN, (uint32_t)(100 + h.n), "", 0);
    ask("mta-sts.a.test");
    now += (CAP_FETCH_WAIT_S + 1) * S;
    fetch_tap_tick(t, now);
    assert_string_equal(said, "");
    ask("mta-sts.a.test");
    send(false, TCP_ACK, 1, "", 0);
    send(true, TCP_ACK, (uint32_t)(100 + h.n), "\x14\3\3\0\1\1", 6);
    assert_string_equal(said, "mta-sts.a.test answered 32-32;");
    said[0] = '\0';
    ask("mta-sts.a.test");
    send(false, TCP_ACK, 1, "\x15\3\3\0\2\2\x28", 7); /* an alert is no answer */
    assert_string_equal(said, "mta-sts.a.test reset 32-32;");
}

static void others_are_let_go(void **state)
{
    const char *const other[] = {"www.a.test", "mta-sts", "a.mta-sts.test", "mta-sts.a b", ""};
    (void)state;
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        ask(other[i]);
        assert_false(fetch_tap_wants(t, false, span_of(NULL, 0)));
    }
    send(true, TCP_ACK, 1, "\x16\3\1\0\4\2\0\0\0", 9); /* a ServerHello */
    send(true, TCP_ACK, 1, "\x16\3\1\0\4\1\0\0\1", 9); /* longer than its record */
    assert_false(fetch_tap_wants(t, true, span_of(NULL, 0)));
    fetch_tap_tick(t, INT64_MAX);
    assert_string_equal(said, "");
}

/* In any number of segments; one out of order waits for its turn. */
static void a_hello_in_pieces(void **state)
{
    struct hello h = hello_for("mta-sts.a.test");
    (void)state;
    for (size_t piece = 9; piece < h.n; piece++) {
        teardown(state);
        setup(state);
        for (size_t at = 0; at < h.n; at += piece) {
            send(true, TCP_ACK, 7777, "mta-sts", 7);
            send(true, TCP_ACK, (uint32_t)(100 + at), h.p + at,
                 h.n - at < piece ? h.n - at : piece);
        }
        send(false, TCP_RST, 1, "", 0);
        assert_string_equal(said, "mta-sts.a.test reset 1-1;");
    }
    said[0] = '\0';
    send(true, TCP_ACK, 100, h.p, 20); /* and one that never becomes whole */
    now += (CAP_FETCH_WAIT_S + 1) * S;
    fetch_tap_tick(t, now);
    assert_false(fetch_tap_wants(t, true, span_of(NULL, 0)));
    assert_string_equal(said, "");
}

/* --- what is forgotten --- */

static char order[16 * 4096];

/* fetch_tap_fn */
static void on_order(void *user, const struct fetch_sighting *s)
{
    size_t n = strlen(order);
    (void)user;
    snprintf(order + n, sizeof(order) - n, "%d ", s->key.client_port);
}

static void half(uint16_t from, uint16_t count)
{
    struct hello h = hello_for("mta-sts.a.test");
    for (port = from; port < from + count; port++)
        send(true, TCP_ACK, 100, h.p, 20);
}

/* The oldest, in each of the two kinds by itself, whatever the key of the hash is; and those that
 * are given up together are told of in their order. */
static void the_oldest_are_forgotten(void **state)
{
    char wanted[sizeof(order)] = "";
    size_t n = 0;
    (void)state;
    for (int i = 0; i < CAP_FETCHES; i++)
        n += (size_t)snprintf(wanted + n, sizeof(wanted) - n, "%d ", 11000 - CAP_FETCHES + i);
    for (uint64_t k = 1; k < 6; k++) {
        const struct siphash_key other = {k, ~k};
        teardown(state);
        t = fetch_tap_new(&other, on_order, NULL);
        order[0] = '\0';
        for (port = 10000; port < 11000; port++)
            ask("mta-sts.a.test");
        half(20000, 1000);
        send(false, TCP_ACK, 1, "", 0); /* a server is heard */
        now += (CAP_FETCH_WAIT_S + 1) * S;
        fetch_tap_tick(t, now);
        assert_string_equal(order, wanted);
    }
}

/* Hellos for other hosts, whole or not, take nobody's place. */
static void other_hosts_make_nobody_forget(void **state)
{
    (void)state;
    ask("mta-sts.a.test");
    for (port = 10000; port < 11000; port++)
        ask("www.a.test");
    half(20000, 1000);
    port = 50000;
    send(false, TCP_RST, 1, "", 0);
    assert_string_equal(said, "mta-sts.a.test reset 1-1;");
}

/* Nor do acknowledgements mean anything, or what comes behind an answer. */
static void a_place_is_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * CAP_FETCHES; i++) {
        said[0] = '\0';
        ask("mta-sts.a.test");
        send(true, TCP_ACK, 100, "", 0);
        assert_string_equal(said, "");
        send(false, TCP_ACK, 1, "x", 1);
        assert_string_equal(said, "mta-sts.a.test answered 1-1;");
        assert_false(fetch_tap_wants(t, false, span_of(NULL, 0)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(how_it_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_seen_accuses_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(others_are_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hello_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(other_hosts_make_nobody_forget, setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_is_used_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
