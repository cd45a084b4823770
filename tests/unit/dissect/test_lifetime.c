/* SPDX-License-Identifier: Apache-2.0 */
/* When a handshake is told of: once, in the order of time, before its session's last call, whatever
 * becomes of the flow in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"
#include "dissect/tls_hello.h"
#include "packets.h"

enum { TOLD_MOST = 512, FLOWS_MOST = 80 };

/* --- handshakes --- */

/* TLS 1.2, ECDHE-RSA, one certificate of 90 bytes, SNI mail.test. */
static const uint8_t client_hello[] = {
    22,  3,   1,   0,    65,   1,  0, 0,  61, 3, 3,                          /* headers, version */
    7,   7,   7,   7,    7,    7,  7, 7,  7,  7, 7, 7,   7,   7,   7,   7,   /* random */
    7,   7,   7,   7,    7,    7,  7, 7,  7,  7, 7, 7,   7,   7,   7,   7,   /* */
    0,   0,   2,   0xc0, 0x2f, 1,  0,                                        /* suite */
    0,   18,  0,   0,    0,    14, 0, 12, 0,  0, 9, 'm', 'a', 'i', 'l', '.', /* SNI */
    't', 'e', 's', 't'};
static const uint8_t server_hello[] = {
    22, 3,    3,    0, 42, 2, 0, 0, 38, 3, 3,                /* headers, version */
    8,  8,    8,    8, 8,  8, 8, 8, 8,  8, 8, 8, 8, 8, 8, 8, /* random */
    8,  8,    8,    8, 8,  8, 8, 8, 8,  8, 8, 8, 8, 8, 8, 8, /* */
    0,  0xc0, 0x2f, 0};
static const uint8_t certificate[] = {22, 3, 3, 0, 100, 11, 0, 0, 96, 0, 0, 93, 0, 0, 90};
static const uint8_t hello_done[] = {22, 3, 3, 0, 4, 14, 0, 0, 0};
static const uint8_t change_cipher[] = {20, 3, 3, 0, 1, 1};

struct bytes {
    uint8_t p[1024];
    size_t n;
};

static void put(struct bytes *b, const void *p, size_t n)
{
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_data(struct bytes *b)
{
    static const uint8_t head[5] = {23, 3, 3, 0, 60};
    put(b, head, 5);
    memset(b->p + b->n, 0x5a, 60);
    b->n += 60;
}

static void say(struct packets *k, enum session_dir d, const struct bytes *b)
{
    packets_raw(k, d, k->seq[d], k->seq[!d], TCP_ACK | TCP_PSH, b->p, b->n);
    k->seq[d] += (uint32_t)b->n;
    packets_raw(k, !d, k->seq[!d], k->seq[d], TCP_ACK, NULL, 0);
}

/* From the ClientHello to the server's last record in clear. */
static void say_hellos(struct packets *k)
{
    struct bytes client = {.n = 0}, server = {.n = 0};
    put(&client, client_hello, sizeof(client_hello));
    say(k, SESSION_TO_SERVER, &client);
    put(&server, server_hello, sizeof(server_hello));
    put(&server, certificate, sizeof(certificate));
    memset(server.p + server.n, 0x30, 90);
    server.n += 90;
    put(&server, hello_done, sizeof(hello_done));
    say(k, SESSION_TO_CLIENT, &server);
}

/* Both sides change the cipher and send data: what decides is the server's. */
static void say_data(struct packets *k)
{
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        struct bytes b = {.n = 0};
        put(&b, change_cipher, sizeof(change_cipher));
        put_data(&b);
        say(k, (enum session_dir)d, &b);
    }
}

static void say_clear(struct packets *k)
{
    packets_say(k, SESSION_TO_CLIENT, "220 mx1.test ESMTP\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO out.test\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250-mx1.test\r\n250 STARTTLS\r\n");
    packets_say(k, SESSION_TO_SERVER, "STARTTLS\r\n");
    packets_say(k, SESSION_TO_CLIENT, "220 go\r\n");
}

/* A whole session that begins at `start` milliseconds; its client has the port 40000 + `i`. */
static struct packets *session(unsigned i, nstime start)
{
    struct packets *k = malloc(sizeof(*k));
    packets_begin(k, 1000, 2000);
    k->client_port = (uint16_t)(40000 + i);
    k->now += start * NS_PER_MS;
    packets_handshake(k);
    say_clear(k);
    say_hellos(k);
    say_data(k);
    return k;
}

static struct packets *whole_session(unsigned i, nstime start)
{
    struct packets *k = session(i, start);
    packets_fin(k);
    return k;
}

/* --- what is told --- */

struct told {
    bool closed; /* else: of a handshake */
    uint16_t port;
    nstime time;
    uint8_t certificates;
    bool complete, hellos, peer;
};

static struct told told[TOLD_MOST];
static size_t told_count;

static void on_tls(void *user, struct session *s, const struct tls_sighting *t)
{
    (void)user;
    assert_true(told_count < TOLD_MOST);
    assert_null(s->peer);
    s->peer = &told[told_count]; /* stays with the session until its end */
    told[told_count++] = (struct told){.port = s->key.client_port,
                                       .time = t->time,
                                       .certificates = t->certificate_count,
                                       .complete = s->tls_complete,
                                       .hellos = t->client && t->server};
}

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    (void)user;
    if (m != SESSION_CLOSED)
        return;
    assert_true(told_count < TOLD_MOST);
    assert_null(s->handshake);
    if (s->peer)
        assert_int_equal(((const struct told *)s->peer)->port, s->key.client_port);
    told[told_count++] =
        (struct told){.closed = true, .port = s->key.client_port, .time = s->now, .peer = s->peer};
}

static struct dissect *begin(struct dissect_config *c)
{
    c->tls = on_tls;
    told_count = 0;
    return dissect_new(c, on_session, NULL);
}

/* All packets of all, in the order of time. */
static void feed(struct dissect *d, struct packets *const *all, size_t n)
{
    size_t at[FLOWS_MOST] = {0};
    for (;;) {
        size_t first = n;
        for (size_t i = 0; i < n; i++)
            if (at[i] < all[i]->count &&
                (first == n || all[i]->p[at[i]].time < all[first]->p[at[first]].time))
                first = i;
        if (first == n)
            return;
        struct packet p = packets_get(all[first], at[first]++);
        dissect_packet(d, &p);
    }
}

static void let_go(struct packets **all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(all[i]);
}

/* Every flow: its handshake once, then its end once; all in the order of time. */
static void expect_each_once(size_t flows)
{
    assert_int_equal(told_count, 2 * flows);
    for (size_t i = 0; i < told_count; i++) {
        size_t of_tls = 0, of_end = 0;
        if (i > 0)
            assert_true(told[i - 1].time <= told[i].time);
        for (size_t k = 0; k < told_count; k++)
            if (told[k].port == told[i].port && (!told[k].closed || k >= i))
                *(told[k].closed ? &of_end : &of_tls) += 1;
        assert_int_equal(of_tls, 1);
        assert_int_equal(of_end, 1); /* at `i` or behind it */
        assert_int_equal(told[i].peer, told[i].closed);
        if (!told[i].closed) {
            assert_true(told[i].hellos);
            assert_int_equal(told[i].certificates, 1);
        }
    }
}

static void run_and_expect(struct dissect_config *c, struct packets **all, size_t n)
{
    struct dissect *d = begin(c);
    feed(d, all, n);
    dissect_finish(d);
    dissect_free(d);
    expect_each_once(n);
}

/* --- tests --- */

/* At the packet that decides, not at the end. */
static void when_tls_carries_data(void **state)
{
    struct packets *k = whole_session(0, 0);
    struct dissect_config c;
    (void)state;
    dissect_config_default(&c);
    run_and_expect(&c, &k, 1);
    assert_true(told[0].complete);
    assert_int_equal(told[0].time,
                     k->p[k->count - 5].time); /* an ACK and three of the end follow */
    free(k);
}

/* It comes to nothing: told of at the end. */
static void when_it_comes_to_nothing(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct dissect_config c;
    (void)state;
    dissect_config_default(&c);
    packets_begin(k, 1, 2);
    packets_handshake(k);
    say_clear(k);
    say_hellos(k);
    packets_fin(k);
    run_and_expect(&c, &k, 1);
    assert_false(told[0].complete);
    assert_int_equal(told[0].time, told[1].time);
    free(k);
}

/* So many that they are handed out several times in between, shifted against each other. */
static void many_sessions_in_the_order_of_time(void **state)
{
    struct packets *all[FLOWS_MOST];
    struct dissect_config c;
    (void)state;
    dissect_config_default(&c);
    for (nstime step = 0; step < 40; step += 13) {
        for (unsigned i = 0; i < FLOWS_MOST; i++)
            all[i] = i % 3 ? whole_session(i, i * step) : session(i, i * step);
        run_and_expect(&c, all, FLOWS_MOST);
        let_go(all, FLOWS_MOST);
    }
}

/* Every flow is packed behind each of its packets. */
static void flows_that_are_packed(void **state)
{
    struct packets *all[FLOWS_MOST];
    struct dissect_config c;
    struct dissect *d;
    (void)state;
    dissect_config_default(&c);
    c.unpacked = 0;
    for (unsigned i = 0; i < FLOWS_MOST; i++)
        all[i] = i % 2 ? whole_session(i, i * 7) : session(i, i * 7);
    d = begin(&c);
    feed(d, all, FLOWS_MOST);
    dissect_finish(d);
    assert_true(dissect_counters(d).flows_packed > FLOWS_MOST);
    dissect_free(d);
    expect_each_once(FLOWS_MOST);
    let_go(all, FLOWS_MOST);
}

/* There is room for four: the others make way, between the decision and the hand-out too. */
static void flows_that_are_evicted(void **state)
{
    struct packets *all[FLOWS_MOST];
    struct dissect_config c;
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        dissect_config_default(&c);
        c.max_flows = 4;
        if (packed)
            c.unpacked = 0;
        for (unsigned i = 0; i < FLOWS_MOST; i++)
            all[i] = session(i, i * 40);
        run_and_expect(&c, all, FLOWS_MOST);
        let_go(all, FLOWS_MOST);
    }
}

/* A new SYN takes the four-tuple over right behind the decision. */
static void a_four_tuple_that_is_used_again(void **state)
{
    struct packets *k = session(0, 0), *again = malloc(sizeof(*again));
    struct packets *both[] = {k, again};
    struct dissect_config c;
    struct dissect *d;
    (void)state;
    packets_begin(again, 90000, 70000);
    again->now = k->now;
    packets_handshake(again);
    packets_say(again, SESSION_TO_CLIENT, "220 mx1.test ESMTP\r\n");
    dissect_config_default(&c);
    d = begin(&c);
    feed(d, both, 2);
    dissect_finish(d);
    dissect_free(d);
    assert_int_equal(told_count, 3);
    assert_false(told[0].closed);
    assert_true(told[0].complete);
    assert_true(told[1].closed && told[2].closed);
    free(k);
    free(again);
}

/* Nobody is told of what is open, or waits to be told of, when the dissector goes. */
static void without_a_finish(void **state)
{
    size_t before = heap_bytes();
    struct packets *all[6];
    struct dissect_config c;
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        dissect_config_default(&c);
        if (packed)
            c.unpacked = 0;
        for (unsigned i = 0; i < 6; i++)
            all[i] = i % 2 ? whole_session(i, 0) : session(i, 0);
        struct dissect *d = begin(&c);
        feed(d, all, 6);
        size_t count = told_count;
        dissect_free(d);
        assert_int_equal(told_count, count);
        assert_int_equal(heap_bytes(), before);
        let_go(all, 6);
    }
}

/* Who wants to hear nothing of it: what was kept goes all the same. */
static void nobody_listens(void **state)
{
    struct packets *k = whole_session(0, 0);
    struct dissect_config c;
    (void)state;
    dissect_config_default(&c);
    struct dissect *d = begin(&c);
    dissect_free(d);
    c.tls = NULL;
    d = dissect_new(&c, on_session, NULL);
    feed(d, &k, 1);
    dissect_finish(d);
    dissect_free(d);
    assert_int_equal(told_count, 1);
    free(k);
}

static void implicit_tls(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct dissect_config c;
    (void)state;
    packets_begin(k, 1, 2);
    k->server_port = 465;
    packets_handshake(k);
    say_hellos(k);
    say_data(k);
    packets_fin(k);
    dissect_config_default(&c);
    run_and_expect(&c, &k, 1);
    assert_true(told[0].complete);
    free(k);
}

/* The SYNs were not captured; then not the hellos either. */
static void in_mid_stream(void **state)
{
    struct dissect_config c;
    struct packets *k;
    struct dissect *d;
    (void)state;
    dissect_config_default(&c);
    k = malloc(sizeof(*k));
    packets_begin(k, 1, 2);
    say_clear(k);
    say_hellos(k);
    say_data(k);
    packets_fin(k);
    run_and_expect(&c, &k, 1);
    assert_true(told[0].complete);
    packets_begin(k, 1, 2);
    say_data(k);
    say_data(k);
    d = begin(&c);
    feed(d, &k, 1);
    dissect_finish(d);
    dissect_free(d);
    assert_int_equal(told_count, 1); /* no hello was read: there is nothing to tell of */
    assert_true(told[0].closed);
    free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_tls_carries_data),
        cmocka_unit_test(when_it_comes_to_nothing),
        cmocka_unit_test(many_sessions_in_the_order_of_time),
        cmocka_unit_test(flows_that_are_packed),
        cmocka_unit_test(flows_that_are_evicted),
        cmocka_unit_test(a_four_tuple_that_is_used_again),
        cmocka_unit_test(without_a_finish),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(implicit_tls),
        cmocka_unit_test(in_mid_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
