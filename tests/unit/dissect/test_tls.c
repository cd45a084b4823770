/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes made by hand after RFC 8446 and RFC 5246, read whole, in two pieces and byte by byte,
 * and with their records cut anew. */
#include "dissect/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/tls_suite.h"

/* --- making --- */

struct bytes {
    uint8_t p[200000];
    size_t n;
};

static void put(struct bytes *b, const void *from, size_t n)
{
    memcpy(b->p + b->n, from, n);
    b->n += n;
}

static void put16(struct bytes *b, unsigned v)
{
    uint8_t two[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    put(b, two, 2);
}

static void put24(struct bytes *b, size_t v)
{
    uint8_t three[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    put(b, three, 3);
}

static void put_fill(struct bytes *b, uint8_t fill, size_t n)
{
    memset(b->p + b->n, fill, n);
    b->n += n;
}

static void put_message(struct bytes *b, uint8_t type, const struct bytes *body)
{
    put(b, &type, 1);
    put24(b, body->n);
    put(b, body->p, body->n);
}

/* Records of at most `most` bytes. */
static void put_records(struct bytes *b, uint8_t type, const struct bytes *body, size_t most)
{
    for (size_t at = 0; at < body->n; at += most) {
        size_t n = body->n - at < most ? body->n - at : most;
        put(b, &type, 1);
        put16(b, 0x0303);
        put16(b, (unsigned)n);
        put(b, body->p + at, n);
    }
}

static void put_extension(struct bytes *b, unsigned type, const void *body, size_t n)
{
    put16(b, type);
    put16(b, (unsigned)n);
    put(b, body, n);
}

struct offer {
    unsigned version;
    bool modern; /* supported_versions: 1.3 and 1.2 */
    unsigned suite[3];
    uint8_t session; /* length of the session id */
};

static const uint8_t groups[] = {0, 4, 0, 29, 0, 23}; /* x25519, secp256r1 */

static void put_client_hello(struct bytes *out, const struct offer *o)
{
    static struct bytes body, list;
    body.n = list.n = 0;
    put16(&body, o->version);
    put_fill(&body, 0x11, 32);
    put(&body, &o->session, 1);
    put_fill(&body, 0x22, o->session);
    put16(&body, 6);
    for (int i = 0; i < 3; i++)
        put16(&body, o->suite[i]);
    put(&body, "\1\0", 2);
    put_extension(&list, 0, "\0\x0c\0\0\x09mail.test", 14);
    put_extension(&list, 10, groups, sizeof(groups));
    put_extension(&list, 13, "\0\4\4\3\x08\4", 6);
    put_extension(&list, 16, "\0\5\4smtp", 7);
    if (o->modern) {
        put_extension(&list, 43, "\4\3\4\3\3", 5);
        put_extension(&list, 51, "\0\0", 2);
    }
    put16(&body, (unsigned)list.n);
    put(&body, list.p, list.n);
    put_message(out, TLS_CLIENT_HELLO, &body);
}

struct answer {
    unsigned version; /* legacy */
    unsigned suite;
    uint8_t session, compression;
    bool retry;
    unsigned modern; /* supported_versions; 0: none */
    unsigned group;  /* key_share; 0: none */
    bool psk;
    unsigned odd; /* an extension nobody asked for; 0: none */
};

static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static void put_server_hello(struct bytes *out, const struct answer *a)
{
    static struct bytes body, list;
    body.n = list.n = 0;
    put16(&body, a->version);
    if (a->retry)
        put(&body, retry_random, 32);
    else
        put_fill(&body, 0x33, 32);
    put(&body, &a->session, 1);
    put_fill(&body, 0x22, a->session);
    put16(&body, a->suite);
    put(&body, &a->compression, 1);
    if (a->modern) {
        uint8_t v[2] = {3, (uint8_t)a->modern};
        put_extension(&list, 43, v, 2);
    }
    if (a->group) {
        uint8_t share[6] = {0, (uint8_t)a->group, 0, 2, 9, 9};
        put_extension(&list, 51, share, a->retry ? 2 : 6);
    }
    if (a->psk)
        put_extension(&list, 41, "\0\0", 2);
    if (a->odd)
        put_extension(&list, a->odd, "", 0);
    put16(&body, (unsigned)list.n);
    put(&body, list.p, list.n);
    put_message(out, TLS_SERVER_HELLO, &body);
}

/* A list of `count` certificates of `each` bytes. */
static void put_certificates(struct bytes *out, unsigned count, size_t each)
{
    static struct bytes body;
    body.n = 0;
    put24(&body, count * (3 + each));
    for (unsigned i = 0; i < count; i++) {
        put24(&body, each);
        put_fill(&body, (uint8_t)(0x60 + i), each);
    }
    put_message(out, 11, &body);
}

static void put_dhe(struct bytes *out, size_t bytes, uint8_t top)
{
    static struct bytes body;
    body.n = 0;
    put16(&body, (unsigned)bytes + 1);
    put(&body, "\0", 1); /* a leading zero counts for nothing */
    put(&body, &top, 1);
    put_fill(&body, 0x77, bytes - 1);
    put(&body, "\0\1\2\0\1\5", 6);
    put_message(out, 12, &body);
}

static void put_curve(struct bytes *out, unsigned group)
{
    static struct bytes body;
    uint8_t head[4] = {3, (uint8_t)(group >> 8), (uint8_t)group, 2};
    body.n = 0;
    put(&body, head, 4);
    put(&body, "\7\7", 2);
    put_message(out, 12, &body);
}

static void put_done(struct bytes *out)
{
    static const struct bytes none;
    put_message(out, 14, &none);
}

/* --- reading --- */

static struct bytes side[SESSION_DIR_COUNT]; /* records of one flight each */
static struct session s;
static struct tls_sight_room room;
static struct tls_sighting seen;

static bool feed(enum session_dir d, struct tls_record_reader *r, struct span in, uint32_t at)
{
    struct tls_record record;
    while (in.n > 0) {
        size_t used = 0;
        if (r->want == 0 && tls_wants_body(s.handshake, d))
            tls_body(s.handshake, &s, d, span_first(in, r->left));
        switch (tls_record_push(r, in, at, &used, &record)) {
        case TLS_RECORD_SEEN:
            tls_record(s.handshake, &s, d, &record);
            break;
        case TLS_RECORD_NOT:
            tls_lost(s.handshake, &s, d);
            return false;
        case TLS_RECORD_MORE:
            break;
        }
        in = span_from(in, used);
        at += (uint32_t)used;
    }
    return true;
}

static void begin(void)
{
    session_clear(&s);
    memset(&s, 0, sizeof(s));
    s.handshake = tls_new();
}

/* The client's flight, then the server's, each in pieces of `piece` bytes, or cut at `cut`. */
static void read_in(size_t piece, size_t cut)
{
    begin();
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        struct tls_record_reader r = {0};
        size_t next;
        for (size_t at = 0; at < side[d].n; at = next) {
            next = cut > at && cut < side[d].n ? cut : at + piece;
            if (next > side[d].n)
                next = side[d].n;
            if (!feed((enum session_dir)d, &r, span_of(side[d].p + at, next - at), (uint32_t)at))
                break;
        }
    }
    tls_sight(s.handshake, &room, &seen);
}

static void fresh(void)
{
    side[0].n = side[1].n = 0;
}

/* What a session and its sighting say, as one string of bytes. */
static size_t facts(uint8_t *to)
{
    size_t n = 0;
    uint16_t words[] = {s.tls_newest,
                        s.tls_version,
                        s.tls_suite,
                        s.tls_sentinel,
                        (uint16_t)s.tls_stage,
                        s.sni.len,
                        (uint16_t)seen.certificate_count};
    memcpy(to, words, sizeof(words));
    n += sizeof(words);
    memcpy(to + n, &s.tls, sizeof(s.tls));
    n += sizeof(s.tls);
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        for (size_t i = 0; i < seen.said[d].extensions.n; i++)
            to[n++] = seen.said[d].extensions.p[i];
    }
    for (int i = 0; i < seen.certificate_count; i++) {
        memcpy(to + n, seen.certificate[i].p, seen.certificate[i].n);
        n += seen.certificate[i].n;
    }
    return n;
}

/* Every way to cut it says the same. */
static void same_at_every_cut(void)
{
    static uint8_t whole[100000], now[100000];
    size_t longest = side[0].n > side[1].n ? side[0].n : side[1].n, n, step;
    read_in(SIZE_MAX / 2, 0);
    n = facts(whole);
    read_in(1, 0);
    assert_int_equal(facts(now), n);
    assert_memory_equal(now, whole, n);
    step = longest > 3000 ? 97 : 1;
    for (size_t cut = 1; cut < longest; cut += step) {
        read_in(SIZE_MAX / 2, cut);
        assert_int_equal(facts(now), n);
        assert_memory_equal(now, whole, n);
    }
}

static const struct offer modern = {0x0303, true, {0x1301, 0xc02f, 0x009e}, 32};
static const struct offer old = {0x0303, false, {0xc02f, 0x009e, 0x002f}, 0};

static void flight(enum session_dir d, const struct bytes *messages, size_t most)
{
    put_records(&side[d], TLS_HANDSHAKE, messages, most);
}

/* Client and server each with one flight of these messages, in records of `most` bytes. */
static void full_handshake(size_t most, unsigned suite, void (*exchange)(struct bytes *))
{
    static struct bytes client, server;
    const struct answer a = {.version = 0x0303, .suite = suite};
    client.n = server.n = 0;
    fresh();
    put_client_hello(&client, &old);
    flight(SESSION_TO_SERVER, &client, most);
    put_server_hello(&server, &a);
    put_certificates(&server, 3, 700);
    if (exchange)
        exchange(&server);
    put_done(&server);
    flight(SESSION_TO_CLIENT, &server, most);
}

static void x25519(struct bytes *out)
{
    put_curve(out, 29);
}

static void small_prime(struct bytes *out)
{
    put_dhe(out, 128, 0x80); /* 1,024 bits */
}

/* RFC 5246 section 7.3, in records of any size. */
static void a_full_handshake(void **state)
{
    static const size_t most[] = {1, 5, 100, 16384};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        full_handshake(most[i], 0xc02f, x25519);
        same_at_every_cut();
        assert_int_equal(s.tls_newest, 0x0303);
        assert_int_equal(s.tls_version, 0x0303);
        assert_int_equal(s.tls_suite, 0xc02f);
        assert_int_equal(s.tls.certificates, TLS_CERTIFICATES_SEEN);
        assert_int_equal(s.tls_stage, TLS_STAGE_CERTIFICATE);
        assert_int_equal(s.tls.exchange, TLS_EXCHANGE_ECDHE);
        assert_int_equal(s.tls.group, 29);
        assert_int_equal(s.tls.altered, 0);
        assert_false(s.tls.resumed);
        assert_int_equal(seen.certificate_count, 3);
        assert_false(seen.certificates_cut);
        assert_int_equal(seen.certificate[2].n, 700);
        assert_int_equal(seen.certificate[2].p[699], 0x62);
        assert_int_equal(tls_words(seen.suites), 3);
        assert_int_equal(tls_word(seen.suites, 2), 0x002f);
        assert_int_equal(tls_words(seen.groups), 2);
        assert_int_equal(tls_word(seen.signatures, 1), 0x0804);
        assert_int_equal(tls_words(seen.said[SESSION_TO_SERVER].extensions), 4);
        assert_int_equal(seen.said[SESSION_TO_SERVER].alpn_count, 1);
        assert_true(span_eq(seen.said[SESSION_TO_SERVER].alpn[0], span_str("smtp")));
        assert_true(span_eq(session_text(&s, s.sni), span_str("mail.test")));
    }
}

static void a_short_prime(void **state)
{
    (void)state;
    full_handshake(16384, 0x009e, small_prime);
    same_at_every_cut();
    assert_int_equal(s.tls.exchange, TLS_EXCHANGE_DHE);
    assert_int_equal(s.tls.exchange_bits, 1024);
    assert_int_equal(s.tls.prime, TLS_PRIME_OTHER);
    assert_int_equal(s.tls.group, 0);
}

/* FREAK: an RSA key for this handshake, after a suite that has none. */
static void an_rsa_key_of_its_own(void **state)
{
    (void)state;
    full_handshake(16384, 0x002f, small_prime);
    same_at_every_cut();
    assert_int_equal(s.tls.exchange, TLS_EXCHANGE_RSA);
    assert_int_equal(s.tls.exchange_bits, 1024);
}

static void unknown_curve(struct bytes *out)
{
    put_curve(out, 24); /* secp384r1 */
}

static void a_group_that_nobody_offered(void **state)
{
    (void)state;
    full_handshake(16384, 0xc02f, unknown_curve);
    same_at_every_cut();
    assert_int_equal(s.tls.altered, TLS_ALTERED_GROUP);
}

/* RFC 8446 section 2: nothing more is read behind the ServerHello. */
static void tls_13(void **state)
{
    static struct bytes client, server;
    struct answer a = {.version = 0x0303, .suite = 0x1301, .session = 32, .modern = 4, .group = 29};
    (void)state;
    for (int psk = 0; psk < 2; psk++) {
        client.n = server.n = 0;
        fresh();
        a.psk = psk;
        put_client_hello(&client, &modern);
        flight(SESSION_TO_SERVER, &client, 16384);
        put_server_hello(&server, &a);
        flight(SESSION_TO_CLIENT, &server, 16384);
        put(&side[1], "\x14\3\3\0\1\1\x17\3\3\0\4\x0b\0\0\0", 15); /* looks like Certificate */
        same_at_every_cut();
        assert_int_equal(s.tls_newest, 0x0304);
        assert_int_equal(s.tls_version, 0x0304);
        assert_int_equal(s.tls.group, 29);
        assert_int_equal(s.tls.altered, psk ? TLS_ALTERED_EXTENSION : 0); /* nobody offered one */
        assert_int_equal(s.tls.resumed, psk);
        assert_int_equal(s.tls.certificates,
                         psk ? TLS_CERTIFICATES_RESUMED : TLS_CERTIFICATES_TLS13);
        assert_int_equal(seen.certificate_count, 0);
    }
}

/* RFC 8446 section 4.1.4, with the ChangeCipherSpec of appendix D.4 in between. */
static void hello_retry(void **state)
{
    static struct bytes client, server;
    const struct answer again = {
        .version = 0x0303, .suite = 0x1301, .session = 32, .retry = true, .modern = 4, .group = 23};
    const struct answer then = {
        .version = 0x0303, .suite = 0x1301, .session = 32, .modern = 4, .group = 23};
    (void)state;
    client.n = server.n = 0;
    fresh();
    put_client_hello(&client, &modern);
    flight(SESSION_TO_SERVER, &client, 16384);
    put(&side[0], "\x14\3\3\0\1\1", 6);
    flight(SESSION_TO_SERVER, &client, 16384);
    put_server_hello(&server, &again);
    flight(SESSION_TO_CLIENT, &server, 16384);
    put(&side[1], "\x14\3\3\0\1\1", 6);
    server.n = 0;
    put_server_hello(&server, &then);
    flight(SESSION_TO_CLIENT, &server, 16384);
    same_at_every_cut();
    assert_true(s.tls.retry);
    assert_int_equal(s.tls.altered, 0);
    assert_int_equal(s.tls.group, 23);
    assert_int_equal(s.tls.certificates, TLS_CERTIFICATES_TLS13);
    assert_non_null(seen.server);
    assert_false(seen.server->retry);
}

/* Another HelloRetryRequest, or another ServerHello: the server said hello once. */
static void one_hello_too_many(void **state)
{
    static struct bytes client, server;
    struct answer a = {
        .version = 0x0303, .suite = 0x1301, .session = 32, .retry = true, .modern = 4, .group = 23};
    (void)state;
    client.n = 0;
    put_client_hello(&client, &modern);
    for (int retry = 0; retry < 2; retry++) {
        server.n = 0;
        fresh();
        a.retry = retry;
        put_server_hello(&server, &a);
        flight(SESSION_TO_SERVER, &client, 16384);
        flight(SESSION_TO_CLIENT, &server, 16384);
        flight(SESSION_TO_CLIENT, &server, 16384);
        same_at_every_cut();
        assert_int_equal(s.tls.altered, TLS_ALTERED_SECOND);
    }
}

/* Of what comes behind the first of a kind nothing is believed, nor compared. */
static void hellos_without_end(void **state)
{
    static struct bytes client, server;
    const struct answer retry = {
        .version = 0x0303, .suite = 0x1301, .session = 32, .retry = true, .modern = 4, .group = 23};
    const struct answer strange = {
        .version = 0x0303, .suite = 0x1303, .session = 32, .retry = true, .modern = 4, .group = 24};
    (void)state;
    client.n = server.n = 0;
    fresh();
    put_client_hello(&client, &modern);
    flight(SESSION_TO_SERVER, &client, 16384);
    put_server_hello(&server, &retry);
    put_server_hello(&server, &strange);
    flight(SESSION_TO_CLIENT, &server, 16384);
    same_at_every_cut();
    assert_int_equal(s.tls.altered, TLS_ALTERED_SECOND);
}

/* Behind a retry as well there is one ServerHello. */
static void two_hellos_behind_a_retry(void **state)
{
    static struct bytes client, server;
    const struct answer retry = {
        .version = 0x0303, .suite = 0x1301, .session = 32, .retry = true, .modern = 4, .group = 23};
    const struct answer first = {.version = 0x0303, .suite = 0xc02f};
    const struct answer then = {.version = 0x0303, .suite = 0x009e};
    (void)state;
    client.n = server.n = 0;
    fresh();
    put_client_hello(&client, &modern);
    flight(SESSION_TO_SERVER, &client, 16384);
    put_server_hello(&server, &retry);
    put_server_hello(&server, &first);
    put_server_hello(&server, &then);
    flight(SESSION_TO_CLIENT, &server, 16384);
    same_at_every_cut();
    assert_int_equal(s.tls.altered, TLS_ALTERED_SECOND);
    assert_int_equal(s.tls_suite, 0xc02f);
}

static void two_curves(struct bytes *out)
{
    put_curve(out, 29);
    put_curve(out, 24);
}

static void one_key_exchange_too_many(void **state)
{
    (void)state;
    full_handshake(16384, 0xc02f, two_curves);
    same_at_every_cut();
    assert_int_equal(s.tls.group, 29);
    assert_int_equal(s.tls.altered, 0);
}

/* A ClientHello beyond the cap goes unread; what the server says to it does not. */
static void a_client_hello_too_long(void **state)
{
    static struct bytes body, hello;
    (void)state;
    full_handshake(16384, 0xc02f, x25519);
    body.n = hello.n = side[0].n = 0;
    put_fill(&body, 0, CAP_TLS_HELLO + 1);
    put_message(&hello, TLS_CLIENT_HELLO, &body);
    flight(SESSION_TO_SERVER, &hello, 16384);
    same_at_every_cut();
    assert_int_equal(s.caps_hit, 1);
    assert_null(seen.client);
    assert_int_equal(s.tls_suite, 0xc02f);
    assert_int_equal(seen.certificate_count, 3);
}

/* RFC 8446 section 5: a ChangeCipherSpec may come before the ServerHello, and means nothing. */
static void change_cipher_before_the_hello(void **state)
{
    static struct bytes flight;
    (void)state;
    full_handshake(16384, 0xc02f, x25519);
    flight = side[1];
    side[1].n = 0;
    put(&side[1], "\x14\3\3\0\1\1", 6);
    put(&side[1], flight.p, flight.n);
    same_at_every_cut();
    assert_int_equal(s.tls_suite, 0xc02f);
    assert_int_equal(seen.certificate_count, 3);
}

/* RFC 5246 section 7.3: the server goes to ChangeCipherSpec at once; what follows is encrypted. */
static void a_session_resumed(void **state)
{
    static struct bytes client, server;
    const struct answer a = {.version = 0x0303, .suite = 0xc02f};
    (void)state;
    client.n = server.n = 0;
    fresh();
    put_client_hello(&client, &old);
    flight(SESSION_TO_SERVER, &client, 16384);
    put_server_hello(&server, &a);
    flight(SESSION_TO_CLIENT, &server, 16384);
    put(&side[1], "\x14\3\3\0\1\1\x16\3\3\0\x05\x02\0\0\1\7", 16); /* looks like ServerHello */
    same_at_every_cut();
    assert_true(s.tls.resumed);
    assert_int_equal(s.tls.certificates, TLS_CERTIFICATES_RESUMED);
    assert_int_equal(s.tls.altered, 0);
}

/* Each selection that was not offered. */
static void what_was_not_offered(void **state)
{
    static const struct {
        struct answer a;
        unsigned altered;
    } table[] = {
        {{.version = 0x0303, .suite = 0xc030}, TLS_ALTERED_SUITE},
        {{.version = 0x0304, .suite = 0xc02f}, TLS_ALTERED_VERSION},
        {{.version = 0x0303, .suite = 0xc02f, .compression = 1}, TLS_ALTERED_COMPRESSION},
        {{.version = 0x0303, .suite = 0xc02f, .odd = 15}, TLS_ALTERED_EXTENSION},
        {{.version = 0x0303, .suite = 0xc02f, .odd = 16}, 0},
        {{.version = 0x0301, .suite = 0xc02f, .session = 32}, 0}, /* its own id: a new session */
    };
    static struct bytes client, server;
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        client.n = server.n = 0;
        fresh();
        put_client_hello(&client, &old);
        flight(SESSION_TO_SERVER, &client, 16384);
        put_server_hello(&server, &table[i].a);
        flight(SESSION_TO_CLIENT, &server, 16384);
        same_at_every_cut();
        assert_int_equal(s.tls.altered, table[i].altered);
        assert_int_equal(s.tls.compression, table[i].a.compression);
    }
}

/* TLS 1.3: the session id must come back as it went. */
static void another_session_id(void **state)
{
    static struct bytes client, server;
    const struct answer a = {
        .version = 0x0303, .suite = 0x1301, .session = 31, .modern = 4, .group = 29};
    (void)state;
    client.n = server.n = 0;
    fresh();
    put_client_hello(&client, &modern);
    flight(SESSION_TO_SERVER, &client, 16384);
    put_server_hello(&server, &a);
    flight(SESSION_TO_CLIENT, &server, 16384);
    same_at_every_cut();
    assert_int_equal(s.tls.altered, TLS_ALTERED_SESSION);
}

/* RFC 5246 appendix E.2: three bytes a suite; those that do not begin with zero are SSLv2's own. */
static void a_hello_of_sslv2(void **state)
{
    static const uint8_t hello[] = {
        0x80, 0x1c, 1,    3, 2, 0,    9, 0,    0,    0,  16, /* length, type, version, three lengths
                                                              */
        0x07, 0x00, 0xc0, 0, 0, 0x2f, 0, 0x56, 0x00,         /* suites */
        1,    2,    3,    4, 5, 6,    7, 8,    9,    10, 11, 12, 13, 14, 15, 16};
    (void)state;
    fresh();
    put(&side[0], hello, sizeof(hello));
    side[0].p[1] = (uint8_t)(sizeof(hello) - 2);
    same_at_every_cut();
    assert_int_equal(s.tls_newest, 0x0302);
    assert_true(s.tls.fallback);
    assert_true(seen.sslv2);
    assert_int_equal(tls_words(seen.suites), 2);
    assert_int_equal(tls_word(seen.suites, 0), 0x002f);
    assert_int_equal(tls_words(seen.said[SESSION_TO_SERVER].extensions), 0);
}

/* A ClientHello and a ServerHello that were read; records of `protect` follow. */
static void hellos(const struct offer *o, const struct answer *a)
{
    static struct bytes client, server;
    client.n = server.n = 0;
    fresh();
    put_client_hello(&client, o);
    put_server_hello(&server, a);
    flight(SESSION_TO_SERVER, &client, 16384);
    flight(SESSION_TO_CLIENT, &server, 16384);
    read_in(SIZE_MAX / 2, 0);
}

/* A record of application data, of a sender who had received `acked`. */
static void protect(enum session_dir d, uint32_t offset, uint16_t length, uint32_t acked)
{
    const struct tls_record r = {
        .type = TLS_APPLICATION_DATA, .version = 0x0303, .length = length, .offset = offset};
    tls_record(s.handshake, &s, d, &r);
    tls_protected(s.handshake, &s, d, &r, acked);
}

static const struct answer modern_answer = {
    .version = 0x0303, .suite = 0x1301, .session = 32, .modern = 4, .group = 29};

/* EncryptedExtensions, Certificate, CertificateVerify and Finished make 23 + 900 + 281 + 53 bytes;
 * the client's Finished goes from 700 to 758. What the server says once it has that is no part, and
 * what it says before is one, wherever it was captured. */
static void a_flight(void **state)
{
    (void)state;
    hellos(&modern, &modern_answer);
    protect(SESSION_TO_CLIENT, 200, 23, 700);
    protect(SESSION_TO_CLIENT, 228, 900, 700);
    protect(SESSION_TO_CLIENT, 1133, 281, 700);
    assert_int_equal(s.tls.flight, 0); /* nobody knows whether that was all */
    protect(SESSION_TO_SERVER, 700, 53, 1400);
    assert_int_equal(s.tls.flight, 23 + 900 + 281);
    protect(SESSION_TO_CLIENT, 1419, 53, 757); /* all but the last byte of it */
    assert_int_equal(s.tls.flight, 23 + 900 + 281 + 53);
    protect(SESSION_TO_SERVER, 758, 60, 1477);
    protect(SESSION_TO_CLIENT, 1477, 234, 758); /* a ticket */
    protect(SESSION_TO_CLIENT, 1716, 234, 700); /* by then it is over */
    assert_int_equal(s.tls.flight, 23 + 900 + 281 + 53);
}

static void a_flight_with_losses(void **state)
{
    (void)state;
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        hellos(&modern, &modern_answer); /* before the client replied */
        protect(SESSION_TO_CLIENT, 200, 900, 700);
        tls_lost(s.handshake, &s, (enum session_dir)d);
        protect(SESSION_TO_CLIENT, 1400, 53, 700);
        protect(SESSION_TO_SERVER, 700, 53, 1500);
        assert_int_equal(s.tls.flight, 0);

        hellos(&modern, &modern_answer); /* and behind that, where its own are of no interest */
        protect(SESSION_TO_CLIENT, 200, 900, 700);
        protect(SESSION_TO_SERVER, 700, 53, 1105);
        tls_lost(s.handshake, &s, (enum session_dir)d);
        assert_int_equal(s.tls.flight, d == SESSION_TO_SERVER ? 900 : 0);

        hellos(&modern, &modern_answer); /* and when it was over */
        protect(SESSION_TO_CLIENT, 200, 900, 700);
        protect(SESSION_TO_SERVER, 700, 53, 1105);
        protect(SESSION_TO_CLIENT, 1105, 234, 758);
        tls_lost(s.handshake, &s, (enum session_dir)d);
        assert_int_equal(s.tls.flight, 900);
    }
}

/* Up to TLS 1.2, and where the client said something protected first (RFC 8446 section 4.2.10). */
static void no_flight(void **state)
{
    const struct answer a = {.version = 0x0303, .suite = 0xc02f};
    (void)state;
    hellos(&old, &a);
    protect(SESSION_TO_CLIENT, 200, 900, 700);
    protect(SESSION_TO_SERVER, 700, 53, 1105);
    assert_int_equal(s.tls.flight, 0);

    begin();
    protect(SESSION_TO_CLIENT, 200, 900, 700); /* no hello was read */
    protect(SESSION_TO_SERVER, 700, 53, 1105);
    assert_int_equal(s.tls.flight, 0);

    begin();
    protect(SESSION_TO_SERVER, 700, 100, 0); /* early data */
    struct tls_record_reader r = {0};
    feed(SESSION_TO_CLIENT, &r, span_of(side[1].p, side[1].n), 0);
    protect(SESSION_TO_CLIENT, 200, 900, 805);
    assert_int_equal(s.tls.flight, 0);
}

/* Lost bytes end the reading of their side, and nothing is said to be missing. */
static void a_gap(void **state)
{
    struct tls_record_reader r = {0};
    (void)state;
    full_handshake(16384, 0xc02f, x25519);
    begin();
    feed(SESSION_TO_CLIENT, &r, span_of(side[1].p, 300), 0);
    tls_lost(s.handshake, &s, SESSION_TO_CLIENT);
    feed(SESSION_TO_CLIENT, &r, span_of(side[1].p + 300, side[1].n - 300), 300);
    assert_int_equal(s.tls_version, 0x0303);
    assert_int_equal(s.tls.certificates, TLS_CERTIFICATES_GAP);
    assert_false(s.tls.resumed);
    tls_sight(s.handshake, &room, &seen);
    assert_int_equal(seen.certificate_count, 0);
}

/* A chain beyond the cap, and more certificates than are kept. */
static void too_much(void **state)
{
    static struct bytes client, server;
    const struct answer a = {.version = 0x0303, .suite = 0xc02f};
    (void)state;
    for (int long_chain = 0; long_chain < 2; long_chain++) {
        client.n = server.n = 0;
        fresh();
        put_client_hello(&client, &old);
        flight(SESSION_TO_SERVER, &client, 16384);
        put_server_hello(&server, &a);
        put_certificates(&server, long_chain ? 11 : 4, long_chain ? 100 : 17000);
        flight(SESSION_TO_CLIENT, &server, 16384);
        read_in(SIZE_MAX / 2, 0);
        assert_int_equal(s.tls.certificates,
                         long_chain ? TLS_CERTIFICATES_SEEN : TLS_CERTIFICATES_CAPPED);
        assert_int_equal(seen.certificate_count, long_chain ? CAP_CERT_CHAIN : 0);
        assert_int_equal(seen.certificates_cut, long_chain);
        assert_int_equal(s.caps_hit, !long_chain);
    }
}

/* A chain that ends with the last byte of the cap is read, and one byte more is not: however it is
 * cut. */
static void the_last_byte_of_the_cap(void **state)
{
    static struct bytes client, server;
    const struct answer a = {.version = 0x0303, .suite = 0xc02f};
    (void)state;
    for (int beyond = 0; beyond < 2; beyond++) {
        client.n = server.n = 0;
        fresh();
        put_client_hello(&client, &old);
        put_server_hello(&server, &a);
        put_certificates(&server, 1,
                         CAP_TLS_HANDSHAKE - client.n - server.n - 4 - 3 - 3 + (size_t)beyond);
        flight(SESSION_TO_SERVER, &client, 16384);
        flight(SESSION_TO_CLIENT, &server, 16384);
        same_at_every_cut();
        assert_int_equal(s.tls.certificates,
                         beyond ? TLS_CERTIFICATES_CAPPED : TLS_CERTIFICATES_SEEN);
        assert_int_equal(seen.certificate_count, !beyond);
        assert_int_equal(s.caps_hit, beyond);
    }
}

/* Empty messages and records for ever: the reading ends. */
static void small_fragments_for_ever(void **state)
{
    static const uint8_t record[] = {22, 3, 3, 0, 4, 0, 0, 0, 0}; /* HelloRequest */
    struct tls_record_reader r = {0};
    (void)state;
    begin();
    for (uint32_t i = 0; i < 100000; i++)
        feed(SESSION_TO_CLIENT, &r, span_of(record, sizeof(record)), i * 9);
    assert_int_equal(s.caps_hit, 1);
    assert_false(tls_wants_body(s.handshake, SESSION_TO_CLIENT));
}

/* Any byte changed, any cut: nothing is read outside of what is there. */
static void any_damage(void **state)
{
    (void)state;
    full_handshake(100, 0x009e, small_prime);
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        for (size_t at = 0; at < side[d].n; at++) {
            uint8_t kept = side[d].p[at];
            for (unsigned bit = 0; bit < 8; bit++) {
                side[d].p[at] = (uint8_t)(kept ^ (1u << bit));
                read_in(SIZE_MAX / 2, 0);
            }
            side[d].p[at] = kept;
        }
}

static int over(void **state)
{
    (void)state;
    session_clear(&s);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_handshake),
        cmocka_unit_test(a_short_prime),
        cmocka_unit_test(an_rsa_key_of_its_own),
        cmocka_unit_test(a_group_that_nobody_offered),
        cmocka_unit_test(tls_13),
        cmocka_unit_test(hello_retry),
        cmocka_unit_test(one_hello_too_many),
        cmocka_unit_test(hellos_without_end),
        cmocka_unit_test(two_hellos_behind_a_retry),
        cmocka_unit_test(one_key_exchange_too_many),
        cmocka_unit_test(a_client_hello_too_long),
        cmocka_unit_test(change_cipher_before_the_hello),
        cmocka_unit_test(a_session_resumed),
        cmocka_unit_test(what_was_not_offered),
        cmocka_unit_test(another_session_id),
        cmocka_unit_test(a_hello_of_sslv2),
        cmocka_unit_test(a_flight),
        cmocka_unit_test(a_flight_with_losses),
        cmocka_unit_test(no_flight),
        cmocka_unit_test(a_gap),
        cmocka_unit_test(too_much),
        cmocka_unit_test(the_last_byte_of_the_cap),
        cmocka_unit_test(small_fragments_for_ever),
        cmocka_unit_test(any_damage),
    };
    return cmocka_run_group_tests(tests, NULL, over);
}
