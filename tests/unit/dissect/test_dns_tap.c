/* SPDX-License-Identifier: Apache-2.0 */
/* DNS from frames: who asked whom, which answer belongs to which query, and the accounting. */
#include "dissect/dns_tap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "packets.h"

#define SPAN(literal) span_of(literal, sizeof(literal) - 1)

/* MX of alder.example, asked with id 7; the answer with A of its host, TTL 60. */
#define QUESTION "\5alder\7example\0\0\x0f\0\1"
#define MX(n)    "\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\x08\0\x0a\3mx" n "\xc0\x0c"

static const char query[] = "\0\7\1\0\0\1\0\0\0\0\0\0" QUESTION;
static const char answer[] = "\0\7\x81\x80\0\1\0\2\0\0\0\0" QUESTION MX("1") MX("2");
static const char turned[] = "\0\7\x81\x80\0\1\0\2\0\0\0\0" QUESTION MX("2") MX("1");
static const char forged[] = "\0\7\x81\x80\0\1\0\1\0\0\0\0" QUESTION MX("9");
static const char other_id[] = "\0\x08\x81\x80\0\1\0\1\0\0\0\0" QUESTION MX("1");

#define QUERY  SPAN(query)
#define ANSWER SPAN(answer)

/* --- what is handed out --- */

#define SEEN_MOST 16

static struct {
    struct dns_sighting s[SEEN_MOST];
    struct dns_message m[SEEN_MOST];
    size_t count; /* all of them */
} seen;

static void on_dns(void *user, const struct dns_sighting *s)
{
    assert_ptr_equal(user, &seen);
    if (seen.count < SEEN_MOST) {
        seen.s[seen.count] = *s;
        seen.m[seen.count] = *s->message;
    }
    seen.count++;
}

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    (void)user;
    (void)s;
    (void)m;
}

static struct dissect *begin(bool wanted)
{
    struct dissect_config c;

    memset(&seen, 0, sizeof(seen));
    dissect_config_default(&c);
    assert_null(c.dns);
    if (wanted)
        c.dns = on_dns;
    else
        c.tunnels = 0; /* or later pieces of UDP are kept for those over it */
    return dissect_new(&c, on_session, &seen);
}

static struct dissect_counters end(struct dissect *d)
{
    struct dissect_counters c;

    dissect_finish(d);
    c = dissect_counters(d);
    assert_int_equal(c.packets, c.not_mail + c.not_ip + c.malformed_link + c.malformed_ip +
                                    c.malformed_tcp + c.unknown_link + c.vlan_deep +
                                    c.malformed_tunnel + c.tunnel_deep + c.fragments_dropped +
                                    c.fragments_held + c.no_flow + c.half_open + c.flow_capped +
                                    c.dns + c.processed);
    assert_int_equal(c.dns_messages + c.dns_unanswered, seen.count);
    dissect_free(d);
    return c;
}

/* --- frames --- */

#define UP   true
#define DOWN false

struct datagram {
    uint8_t family;
    bool up; /* to the server */
    uint16_t client_port, server_port;
    struct span message;
    uint16_t vlan; /* 0: none */
};

static const uint8_t v4[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 53}};
static const uint8_t v6[2][16] = {{0x20, 1, 0x0d, 0xb8, [15] = 1},
                                  {0x20, 1, 0x0d, 0xb8, [15] = 53}};

/* UDP header and message, the checksum right. */
static size_t put_udp(uint8_t *to, const struct datagram *g)
{
    size_t n = 8 + g->message.n, size = g->family == 4 ? 4 : 16;
    const uint8_t *address[2] = {g->family == 4 ? v4[0] : v6[0], g->family == 4 ? v4[1] : v6[1]};
    uint32_t sum = 17 + (uint32_t)n;

    memset(to, 0, 8);
    packets_u16(to, g->up ? g->client_port : g->server_port);
    packets_u16(to + 2, g->up ? g->server_port : g->client_port);
    packets_u16(to + 4, (uint16_t)n);
    memcpy(to + 8, g->message.p, g->message.n);
    for (int i = 0; i < 2; i++)
        sum = packets_sum(address[i], size, sum);
    packets_store_sum(to + 6, packets_sum(to, n, sum));
    return n;
}

static size_t put_ethernet(uint8_t *to, const struct datagram *g)
{
    size_t n = 12;

    memset(to, 2, 12);
    if (g->vlan) {
        packets_u16(to + n, 0x8100);
        packets_u16(to + n + 2, g->vlan);
        n += 4;
    }
    packets_u16(to + n, g->family == 4 ? 0x0800 : 0x86dd);
    return n + 2;
}

/* The IP header with, for a piece, `field` as fragments have it; `proto` is UDP's. */
static size_t put_ip(uint8_t *to, const struct datagram *g, size_t payload, uint16_t field)
{
    memset(to, 0, 48);
    if (g->family == 4) {
        to[0] = 0x45;
        packets_u16(to + 2, (uint16_t)(20 + payload));
        packets_u16(to + 4, 0x777);
        packets_u16(to + 6, field);
        to[8] = 61;
        to[9] = 17;
        memcpy(to + 12, v4[!g->up], 4);
        memcpy(to + 16, v4[g->up], 4);
        packets_store_sum(to + 10, packets_sum(to, 20, 0));
        return 20;
    }
    to[0] = 0x60;
    packets_u16(to + 4, (uint16_t)(payload + (field ? 8 : 0)));
    to[6] = field ? 44 : 17;
    to[7] = 61;
    memcpy(to + 8, v6[!g->up], 16);
    memcpy(to + 24, v6[g->up], 16);
    if (!field)
        return 40;
    to[40] = 17;
    packets_u16(to + 42, (uint16_t)((field & 0x1fff) << 3 | field >> 13));
    packets_u32(to + 44, 0x777);
    return 48;
}

static void feed(struct dissect *d, nstime time, const uint8_t *frame, size_t n, size_t wire)
{
    const struct packet p = {.time = time,
                             .bytes = span_of(frame, n),
                             .wire_len = (uint32_t)wire,
                             .link = 1,
                             .source = 3};

    dissect_packet(d, &p);
}

static void send(struct dissect *d, nstime time, const struct datagram *g)
{
    uint8_t udp[1500], frame[1600];
    size_t n = put_udp(udp, g), at = put_ethernet(frame, g);

    at += put_ip(frame + at, g, n, 0);
    memcpy(frame + at, udp, n);
    feed(d, time, frame, at + n, at + n);
}

/* In pieces of `size` bytes, a multiple of eight; `last_first`: the other way round. */
static void send_pieces(struct dissect *d, nstime time, const struct datagram *g, size_t size,
                        bool last_first)
{
    uint8_t udp[1500], frame[1600];
    size_t n = put_udp(udp, g), pieces = (n + size - 1) / size;

    for (size_t i = 0; i < pieces; i++) {
        size_t from = (last_first ? pieces - 1 - i : i) * size;
        size_t part = n - from < size ? n - from : size;
        uint16_t more = from + part < n ? 0x2000 : 0;
        size_t at = put_ethernet(frame, g);

        at += put_ip(frame + at, g, part, (uint16_t)(more | from / 8));
        memcpy(frame + at, udp + from, part);
        feed(d, time, frame, at + part, at + part);
    }
}

static const struct datagram asks = {4, UP, 40000, 53, {(const uint8_t *)query, sizeof(query) - 1},
                                     0};
static const struct datagram answers = {
    4, DOWN, 40000, 53, {(const uint8_t *)answer, sizeof(answer) - 1}, 0};

static void say(struct dissect *d, nstime time, bool up, struct span message)
{
    struct datagram g = up ? asks : answers;

    g.message = message;
    send(d, time, &g);
}

#define AT(seconds) ((nstime)(1000 + (seconds)) * NS_PER_S)

/* --- tests --- */

static void assert_parties(const struct dns_sighting *s, uint8_t family)
{
    assert_int_equal(s->family, family);
    assert_int_equal(s->client_port, 40000);
    assert_int_equal(s->server_port, 53);
    assert_int_equal(s->source, 3);
    assert_memory_equal(s->client, family == 4 ? v4[0] : v6[0], family == 4 ? 4 : 16);
    assert_memory_equal(s->server, family == 4 ? v4[1] : v6[1], family == 4 ? 4 : 16);
}

/* A query and its answer over UDP, however they come. */
static void assert_question_and_answer(uint8_t family)
{
    assert_int_equal(seen.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_parties(&seen.s[i], family);
        assert_false(seen.s[i].tcp || seen.s[i].bad_checksum || seen.s[i].again);
        assert_int_equal(seen.m[i].result, DNS_OK);
        assert_string_equal(dns_text(&seen.m[i], seen.m[i].question.name), "alder.example");
        assert_int_equal(seen.s[i].queries, 1);
        assert_int_equal(seen.s[i].query_time, AT(0));
    }
    assert_int_equal(seen.s[0].kind, DNS_SIGHTING_QUERY);
    assert_int_equal(seen.s[0].time, AT(0));
    assert_int_equal(seen.s[1].kind, DNS_SIGHTING_ANSWER);
    assert_int_equal(seen.s[1].time, AT(1));
    assert_true(seen.s[1].query_seen);
    assert_int_equal(seen.s[1].answer_number, 1);
    assert_int_equal(seen.m[1].record_count, 2);
    assert_int_equal(seen.s[0].point >> 8, seen.s[1].point >> 8);
    assert_int_equal(seen.s[0].point & 0xff, 61);
}

static void test_udp(void **state)
{
    static const struct {
        uint8_t family;
        uint16_t vlan;
    } row[] = {{4, 0}, {6, 0}, {4, 9}, {6, 9}};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        for (int wanted = 0; wanted < 2; wanted++) {
            struct dissect *d = begin(wanted);
            struct datagram q = asks, a = answers;
            struct dissect_counters c;

            q.family = a.family = row[i].family;
            q.vlan = a.vlan = row[i].vlan;
            send(d, AT(0), &q);
            send(d, AT(1), &a);
            c = end(d);
            assert_int_equal(c.dns, wanted ? 2 : 0);
            assert_int_equal(c.not_mail, wanted ? 0 : 2);
            if (wanted)
                assert_question_and_answer(row[i].family);
            else
                assert_int_equal(seen.count, 0);
        }
    }
}

static void test_other_ports_stay_no_mail(void **state)
{
    static const uint16_t ports[] = {54, 5353, 25, 52, 13568 /* 53, its bytes turned */};
    struct dissect *d = begin(true);
    struct dissect_counters c;
    struct datagram g = asks;

    (void)state;
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        g.server_port = ports[i];
        g.family = 4;
        send(d, AT(0), &g);
        g.family = 6;
        send(d, AT(0), &g);
    }
    c = end(d);
    assert_int_equal(c.not_mail, c.packets);
    assert_int_equal(c.dns, 0);
}

/* Old resolvers ask from port 53: the flag tells who does. */
static void test_both_ports_53(void **state)
{
    struct dissect *d = begin(true);
    struct datagram q = asks, a = answers;

    (void)state;
    q.client_port = a.client_port = 53;
    send(d, AT(0), &q);
    send(d, AT(1), &a);
    (void)end(d);
    assert_int_equal(seen.count, 2);
    assert_memory_equal(seen.s[0].client, v4[0], 4);
    assert_memory_equal(seen.s[1].client, v4[0], 4);
    assert_int_equal(seen.s[1].answer_number, 1);
}

static void test_fragments(void **state)
{
    (void)state;
    for (int round = 0; round < 16; round++) {
        bool wanted = round & 1, last_first = round & 2;
        struct dissect *d = begin(wanted);
        struct datagram q = asks, a = answers;
        struct dissect_counters c;

        q.family = a.family = round & 4 ? 6 : 4;
        q.vlan = a.vlan = round & 8 ? 5 : 0;
        send_pieces(d, AT(0), &q, 24, last_first);
        send_pieces(d, AT(1), &a, 16, last_first);
        c = end(d);
        assert_int_equal(c.dns, wanted ? 2 : 0);
        if (wanted)
            assert_question_and_answer(q.family);
        else
            assert_int_equal(c.not_mail, c.packets);
    }
}

/* Pieces of other datagrams: the first one is told by its ports, the others wait in vain. */
static void test_fragments_of_others(void **state)
{
    struct dissect *d = begin(true);
    struct datagram g = asks;
    struct dissect_counters c;

    (void)state;
    g.server_port = 123;
    send_pieces(d, AT(0), &g, 8, false);
    c = end(d);
    assert_int_equal(c.packets, 5);
    assert_int_equal(c.not_mail, 1);
    assert_int_equal(c.fragments_held, 4);
}

static void test_unasked_answer(void **state)
{
    struct dissect *d = begin(true);

    (void)state;
    say(d, AT(0), UP, QUERY);
    say(d, AT(1), DOWN, SPAN(other_id));
    say(d, AT(1), DOWN, SPAN("\0\7\x81\x80\0\1\0\0\0\0\0\0\5ALDER\7example\0\0\x10\0\1"));
    say(d, AT(1), DOWN, SPAN("\0\7\x81\x81\0\0\0\0\0\0\0\0")); /* without a question */
    (void)end(d);
    assert_int_equal(seen.count, 4);
    for (int i = 1; i < 4; i++)
        assert_true(!seen.s[i].query_seen && seen.s[i].answer_number == 0 &&
                    seen.s[i].query_time == 0);
}

/* Two that differ; then copies, one of them with its records in another order. */
static void test_two_answers(void **state)
{
    struct dissect *d = begin(true);

    (void)state;
    say(d, AT(0), UP, QUERY);
    say(d, AT(0), DOWN, SPAN(forged));
    say(d, AT(1), DOWN, ANSWER);
    say(d, AT(1), DOWN, SPAN(turned));
    say(d, AT(1), DOWN, SPAN(forged));
    (void)end(d);
    assert_int_equal(seen.count, 5);
    assert_int_equal(seen.s[1].answer_number, 1);
    assert_int_equal(seen.s[2].answer_number, 2);
    assert_false(seen.s[1].again || seen.s[2].again);
    assert_int_equal(seen.s[3].answer_number, 2);
    assert_int_equal(seen.s[4].answer_number, 1);
    assert_true(seen.s[3].again && seen.s[4].again);
    assert_int_equal(seen.s[4].queries, 1);
}

static void test_what_makes_answers_differ(void **state)
{
    static const struct {
        size_t at; /* in the answer */
        uint8_t value;
        bool differs;
    } row[] = {
        {3, 0x83, true},                             /* NXDOMAIN */
        {2, 0x85, false},                            /* AA */
        {34 + 5, 9, false},                          /* TTL */
        {31 + 13, 11, true},                         /* preference */
        {31 + 2 + 2 + 2 + 4 + 2 + 2 + 3, '7', true}, /* exchange */
        {12 + 3, 'D', false},                        /* case */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct dissect *d = begin(true);
        uint8_t b[sizeof(answer) - 1];

        memcpy(b, answer, sizeof(b));
        assert_int_not_equal(b[row[i].at], row[i].value);
        b[row[i].at] = row[i].value;
        say(d, AT(0), UP, QUERY);
        say(d, AT(0), DOWN, ANSWER);
        say(d, AT(0), DOWN, span_of(b, sizeof(b)));
        (void)end(d);
        assert_int_equal(seen.m[2].result, DNS_OK);
        assert_int_equal(seen.s[2].answer_number, row[i].differs ? 2 : 1);
    }
}

static void test_many_answers(void **state)
{
    struct dissect *d = begin(true);
    uint8_t b[sizeof(forged) - 1];

    (void)state;
    memcpy(b, forged, sizeof(b));
    say(d, AT(0), UP, QUERY);
    for (uint8_t i = 0; i < 10; i++) {
        b[31 + 13] = i; /* preference */
        say(d, AT(0), DOWN, span_of(b, sizeof(b)));
        assert_int_equal(seen.s[1 + i].answer_number, i + 1);
    }
    (void)end(d);
}

static void test_unanswered(void **state)
{
    struct dissect *d = begin(true);
    struct dissect_counters c;

    (void)state;
    say(d, AT(0), UP, QUERY);
    say(d, AT(5), UP, SPAN("\0\x09\1\0\0\1\0\0\0\0\0\0" QUESTION));
    assert_int_equal(seen.count, 2);
    feed(d, AT(5) + NS_PER_MS, (const uint8_t *)"", 0, 0);
    feed(d, AT(5) + 200 * NS_PER_MS, (const uint8_t *)"", 0, 0);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.s[2].kind, DNS_SIGHTING_UNANSWERED);
    assert_parties(&seen.s[2], 4);
    assert_int_equal(seen.s[2].query_time, AT(0));
    assert_true(seen.s[2].time > AT(5));
    assert_int_equal(seen.s[2].queries, 1);
    assert_int_equal(seen.m[2].id, 7);
    assert_true(seen.m[2].rd && !seen.m[2].response && seen.m[2].has_question);
    assert_string_equal(dns_text(&seen.m[2], seen.m[2].question.name), "alder.example");
    assert_int_equal(seen.m[2].question.type, DNS_MX);
    /* The answer comes after all: to a query that was seen. */
    say(d, AT(6), DOWN, ANSWER);
    assert_true(seen.s[3].query_seen);
    assert_int_equal(seen.s[3].answer_number, 1);
    /* The other one is given up at the end, if its time is over by then; this one is not. */
    say(d, AT(11), UP, QUERY);
    c = end(d);
    assert_int_equal(c.dns_unanswered, 2);
    assert_int_equal(seen.m[4].id, 9);
}

static void test_answer_too_late(void **state)
{
    struct dissect *d = begin(true);

    (void)state;
    say(d, AT(0), UP, QUERY);
    say(d, AT(CAP_DNS_LATE_S + 1), DOWN, ANSWER);
    (void)end(d);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.s[1].kind, DNS_SIGHTING_UNANSWERED);
    assert_false(seen.s[2].query_seen);
}

/* Asked again within the time it is one query; later it is a new one, with answers of its own. */
static void test_asked_again(void **state)
{
    struct dissect *d = begin(true);

    (void)state;
    say(d, AT(0), UP, QUERY);
    say(d, AT(1), UP, QUERY);
    say(d, AT(2), DOWN, ANSWER);
    say(d, AT(8), UP, QUERY);
    say(d, AT(9), DOWN, SPAN(forged));
    (void)end(d);
    assert_int_equal(seen.count, 5);
    assert_int_equal(seen.s[1].queries, 2);
    assert_int_equal(seen.s[2].queries, 2);
    assert_int_equal(seen.s[2].query_time, AT(0));
    assert_int_equal(seen.s[3].queries, 1);
    assert_int_equal(seen.s[4].answer_number, 1);
    assert_int_equal(seen.s[4].query_time, AT(8));
}

static void test_time_runs_backwards(void **state)
{
    struct dissect *d = begin(true);

    (void)state;
    say(d, INT64_MAX / 4, UP, QUERY);
    say(d, INT64_MIN, DOWN, ANSWER);
    say(d, 0, UP, SPAN("\0\x09\1\0\0\1\0\0\0\0\0\0" QUESTION));
    (void)end(d);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.s[1].answer_number, 1);
}

/* A flood of queries makes those go that came first, and no answer finds them. */
static void test_queries_are_capped(void **state)
{
    struct dissect *d = begin(true);
    uint8_t b[sizeof(query) - 1];
    struct dissect_counters c;
    struct datagram g = asks;

    (void)state;
    memcpy(b, query, sizeof(b));
    g.message = span_of(b, sizeof(b));
    for (unsigned i = 0; i < CAP_DNS_QUERIES + 100; i++) {
        packets_u16(b, (uint16_t)i);
        send(d, AT(0), &g);
    }
    say(d, AT(1), DOWN, ANSWER); /* its id is 7 */
    c = end(d);
    assert_int_equal(c.dns_forgotten, 100);
    assert_int_equal(c.dns_unanswered, 0);
    assert_int_equal(seen.count, CAP_DNS_QUERIES + 101);
    d = begin(true);
    for (unsigned i = 0; i < CAP_DNS_QUERIES; i++) {
        packets_u16(b, (uint16_t)i);
        send(d, AT(0), &g);
    }
    say(d, AT(9), DOWN, ANSWER);
    c = end(d);
    assert_int_equal(c.dns_unanswered, CAP_DNS_QUERIES);
    assert_int_equal(c.dns_forgotten, 0);
}

/* --- damage --- */

static void test_checksums(void **state)
{
    static const struct {
        bool zero, partial, bad;
    } row[] = {{true, false, false}, {false, true, false}, {false, false, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct dissect *d = begin(true);
        uint8_t frame[1600];
        size_t at = put_ethernet(frame, &answers), n;
        uint32_t sum = 17;

        say(d, AT(0), UP, QUERY);
        at += put_ip(frame + at, &answers, 8 + answers.message.n, 0);
        n = put_udp(frame + at, &answers);
        sum = packets_sum(v4[1], 4, packets_sum(v4[0], 4, sum + (uint32_t)n));
        if (row[i].zero)
            packets_u16(frame + at + 6, 0);
        else if (row[i].partial)
            packets_u16(frame + at + 6, (uint16_t)((sum & 0xffff) + (sum >> 16)));
        else
            frame[at + 6] ^= 1;
        feed(d, AT(1), frame, at + n, at + n);
        (void)end(d);
        assert_int_equal(seen.count, 2);
        assert_int_equal(seen.s[1].bad_checksum, row[i].bad);
        assert_int_equal(seen.s[1].query_seen, !row[i].bad);
        assert_int_equal(seen.s[1].answer_number, !row[i].bad);
    }
}

/* Every length in the UDP header: what is whole by it is read, the rest is counted. */
static void test_udp_lengths(void **state)
{
    uint8_t frame[1600];
    size_t at = put_ethernet(frame, &asks), n;

    (void)state;
    at += put_ip(frame + at, &asks, 8 + asks.message.n, 0);
    n = put_udp(frame + at, &asks);
    packets_u16(frame + at + 6, 0);
    for (size_t length = 0; length < n + 5; length++) {
        struct dissect *d = begin(true);
        struct dissect_counters c;

        packets_u16(frame + at + 4, (uint16_t)length);
        feed(d, AT(0), frame, at + n, at + n);
        c = end(d);
        assert_int_equal(c.dns, 1);
        assert_int_equal(c.dns_malformed, length != n);
        assert_int_equal(c.dns_messages, length >= 8 + 12 && length <= n);
    }
}

/* Cut by the snap length at every byte: never counted as malformed. */
static void test_every_cut(void **state)
{
    uint8_t frame[1600];
    size_t at = put_ethernet(frame, &answers), n;

    (void)state;
    at += put_ip(frame + at, &answers, 8 + answers.message.n, 0);
    n = put_udp(frame + at, &answers);
    for (size_t cut = 0; cut <= at + n; cut++) {
        struct dissect *d = begin(true);
        struct dissect_counters c;

        say(d, AT(0), UP, QUERY);
        feed(d, AT(1), frame, cut, at + n);
        c = end(d);
        assert_int_equal(c.dns_malformed, 0);
        assert_int_equal(seen.count, cut >= at + 8 + 12 ? 2 : 1);
        if (seen.count < 2)
            continue;
        assert_int_equal(seen.m[1].result, cut == at + n ? DNS_OK : DNS_CUT);
        assert_int_equal(seen.s[1].answer_number, cut == at + n);
        assert_int_equal(seen.s[1].query_seen, cut >= at + 8 + 31);
    }
}

/* An answer to port 53, and a query from there. */
static void test_turned(void **state)
{
    struct dissect *d = begin(true);
    struct dissect_counters c;

    (void)state;
    say(d, AT(0), UP, ANSWER);
    say(d, AT(0), DOWN, QUERY);
    c = end(d);
    assert_int_equal(c.dns, 2);
    assert_int_equal(c.dns_malformed, 2);
    assert_int_equal(seen.count, 0);
}

/* --- TCP --- */

static struct packets k;

static size_t put_framed(uint8_t *to, struct span message)
{
    packets_u16(to, (uint16_t)message.n);
    memcpy(to + 2, message.p, message.n);
    return message.n + 2;
}

/* In segments of `size` bytes. */
static void say_tcp(enum session_dir dir, struct span message, size_t size)
{
    uint8_t b[1024];
    size_t n = put_framed(b, message);

    for (size_t at = 0; at < n; at += size) {
        size_t part = n - at < size ? n - at : size;

        packets_raw(&k, dir, k.seq[dir], k.seq[!dir], TCP_ACK, b + at, part);
        k.seq[dir] += (uint32_t)part;
    }
}

static void begin_tcp(uint32_t isn)
{
    packets_begin(&k, isn, isn + 7);
    k.server_port = 53;
    packets_handshake(&k);
}

static struct dissect_counters run_tcp(bool wanted, size_t skip, bool twice)
{
    struct dissect *d = begin(wanted);

    for (size_t i = 0; i < k.count; i++) {
        struct packet p = packets_get(&k, i);

        for (int n = 0; i != skip && n <= twice; n++)
            dissect_packet(d, &p);
    }
    return end(d);
}

static void assert_tcp_pair(size_t at)
{
    assert_true(seen.count >= at + 2);
    assert_true(seen.s[at].tcp && seen.s[at + 1].tcp);
    assert_int_equal(seen.s[at].kind, DNS_SIGHTING_QUERY);
    assert_int_equal(seen.s[at + 1].kind, DNS_SIGHTING_ANSWER);
    assert_int_equal(seen.s[at].client_port, 40000);
    assert_int_equal(seen.s[at + 1].client_port, 40000);
    assert_int_equal(seen.s[at + 1].answer_number, 1);
    assert_int_equal(seen.m[at + 1].record_count, 2);
}

/* Every size of segments, with the sequence numbers at their end too. */
static void test_tcp_in_pieces(void **state)
{
    (void)state;
    for (size_t size = 1; size < 90; size++) {
        for (int round = 0; round < 4; round++) {
            struct dissect_counters c;
            bool wanted = round & 1, twice = round & 2;

            begin_tcp(size & 1 ? 1000 : UINT32_MAX - 20);
            say_tcp(SESSION_TO_SERVER, QUERY, size);
            say_tcp(SESSION_TO_CLIENT, ANSWER, size);
            packets_fin(&k);
            c = run_tcp(wanted, SIZE_MAX, twice);
            assert_int_equal(c.dns, wanted ? k.count * (twice + 1u) : 0);
            assert_int_equal(c.not_mail, wanted ? 0 : k.count * (twice + 1u));
            assert_int_equal(c.dns_dropped | c.dns_malformed, 0);
            assert_int_equal(seen.count, wanted ? 2 : 0);
            if (wanted)
                assert_tcp_pair(0);
        }
    }
}

/* Two messages and the beginning of a third in one segment. */
static void test_tcp_many_in_one(void **state)
{
    uint8_t b[1024];
    size_t n = 0;

    (void)state;
    begin_tcp(1);
    n += put_framed(b + n, QUERY);
    n += put_framed(b + n, SPAN("\0\x09\1\0\0\1\0\0\0\0\0\0" QUESTION));
    n += put_framed(b + n, SPAN("\0\x0a\1\0\0\1\0\0\0\0\0\0" QUESTION));
    packets_raw(&k, SESSION_TO_SERVER, k.seq[0], k.seq[1], TCP_ACK, b, n - 9);
    packets_raw(&k, SESSION_TO_SERVER, k.seq[0] + 5, k.seq[1], TCP_ACK, b + 5, n - 5);
    assert_int_equal(run_tcp(true, SIZE_MAX, false).dns_dropped, 0);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.m[1].id, 9);
    assert_int_equal(seen.m[2].id, 10);
}

/* Any one packet is lost: its direction is silent from there on, and nothing is made up. */
static void test_tcp_any_packet_lost(void **state)
{
    (void)state;
    begin_tcp(1);
    say_tcp(SESSION_TO_SERVER, QUERY, 10);
    say_tcp(SESSION_TO_CLIENT, ANSWER, 10);
    for (size_t skip = 0; skip < k.count; skip++) {
        struct dissect_counters c = run_tcp(true, skip, true);

        assert_true(seen.count <= 2);
        assert_int_equal(c.dns_malformed, 0);
        for (size_t i = 0; i < seen.count; i++)
            assert_int_equal(seen.m[i].result, DNS_OK);
        assert_int_equal(seen.count, skip == 2 ? 2 : 1); /* the ACK of the handshake */
    }
}

static void test_tcp_length_that_lies(void **state)
{
    (void)state;
    begin_tcp(1);
    say_tcp(SESSION_TO_SERVER, span_of(query, sizeof(query) - 2), 100); /* a byte short */
    say_tcp(SESSION_TO_SERVER, SPAN(""), 100);
    say_tcp(SESSION_TO_SERVER, SPAN("short"), 100);
    say_tcp(SESSION_TO_SERVER, QUERY, 100);
    assert_int_equal(run_tcp(true, SIZE_MAX, false).dns_malformed, 3);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.m[0].result, DNS_MALFORMED);
    assert_int_equal(seen.m[1].result, DNS_OK);
}

static void test_tcp_damage(void **state)
{
    (void)state;
    begin_tcp(1);
    say_tcp(SESSION_TO_SERVER, QUERY, 100);
    k.p[3].bytes[50] ^= 1; /* the checksum */
    say_tcp(SESSION_TO_SERVER, QUERY, 100);
    assert_int_equal(run_tcp(true, SIZE_MAX, false).dns_dropped, 2);
    assert_int_equal(seen.count, 0);
    begin_tcp(1);
    say_tcp(SESSION_TO_SERVER, QUERY, 100);
    k.p[3].n -= 5; /* cut by the snap length */
    say_tcp(SESSION_TO_SERVER, QUERY, 100);
    assert_int_equal(run_tcp(true, SIZE_MAX, false).dns_dropped, 2);
    assert_int_equal(seen.count, 0);
}

/* Connections that promise long messages and begin them: the bytes have their end, and so has the
 * time. Leak checkers look at the rest. */
static void test_tcp_bytes_are_capped(void **state)
{
    struct dissect *d = begin(true);
    static uint8_t part[1400] = {0xff, 0xff};
    struct dissect_counters c;
    struct packet p;

    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        packets_begin(&k, i, i);
        k.server_port = 53;
        k.client_port = (uint16_t)(3000 + i);
        packets_handshake(&k);
        for (uint32_t n = 0; n < 3; n++)
            packets_raw(&k, SESSION_TO_SERVER, k.seq[0] + n * (uint32_t)sizeof(part), k.seq[1],
                        TCP_ACK, part, sizeof(part));
        for (size_t at = 0; at < k.count; at++) {
            p = packets_get(&k, at);
            dissect_packet(d, &p);
        }
    }
    assert_true(dissect_counters(d).dns_dropped > 100);
    packets_begin(&k, 5, 6); /* later there is room again */
    k.now += (CAP_DNS_STREAM_S + 1) * NS_PER_S;
    k.server_port = 53;
    packets_handshake(&k);
    say_tcp(SESSION_TO_SERVER, QUERY, 10);
    for (size_t at = 0; at < k.count; at++) {
        p = packets_get(&k, at);
        dissect_packet(d, &p);
    }
    c = end(d);
    assert_int_equal(c.dns, c.packets);
    assert_int_equal(seen.count, 1);
}

/* --- what is forgotten --- */

static struct {
    uint64_t sum; /* of the sightings in their order */
    unsigned count, found;
} told;

static void on_told(void *user, const struct dns_sighting *s)
{
    (void)user;
    told.sum = (told.sum ^ (uint64_t)s->client_port << 8 ^ (uint64_t)s->kind << 1 ^ s->query_seen) *
               UINT64_C(0x9e3779b97f4a7c15);
    told.count++;
    told.found += s->query_seen;
}

static struct dissect *begin_told(uint64_t key)
{
    struct dissect_config c;

    memset(&told, 0, sizeof(told));
    dissect_config_default(&c);
    c.key = (struct siphash_key){key, ~key};
    c.dns = on_told;
    c.dns_queries = 64;
    return dissect_new(&c, on_session, NULL);
}

/* From the packet at `from` on: a handshake has three. */
static void feed_connection(struct dissect *d, unsigned i, size_t from, bool ask)
{
    packets_begin(&k, i, i);
    k.server_port = 53;
    k.client_port = (uint16_t)(3000 + i);
    packets_handshake(&k);
    if (ask)
        say_tcp(SESSION_TO_SERVER, QUERY, 100);
    for (size_t at = from; at < k.count; at++) {
        struct packet p = packets_get(&k, at);
        dissect_packet(d, &p);
    }
}

/* The connections that were silent longest go, whatever the key of the hash is. */
static void test_forgotten_connections(void **state)
{
    uint64_t sum = 0;

    (void)state;
    for (uint64_t key = 1; key < 6; key++) {
        struct dissect *d = begin_told(key);
        for (unsigned i = 0; i < 3000; i++)
            feed_connection(d, i, 0, false);
        for (unsigned i = 0; i < 3000; i++)
            feed_connection(d, i, 3, true);
        dissect_finish(d);
        dissect_free(d);
        assert_int_equal(told.count - told.found, CAP_DNS_STREAMS / 2);
        assert_true(key == 1 || told.sum == sum);
        sum = told.sum;
    }
}

/* And so do queries: the newest 64 are found by their answers, and told of where there is none. */
static void test_forgotten_queries(void **state)
{
    uint64_t sum = 0;

    (void)state;
    for (uint64_t key = 1; key < 6; key++) {
        struct dissect *d = begin_told(key);
        struct datagram g = asks;
        for (uint16_t i = 0; i < 1000; i++) {
            g.client_port = (uint16_t)(3000 + i);
            send(d, NS_PER_S, &g);
        }
        g.up = DOWN;
        g.message = ANSWER;
        for (uint16_t i = 0; i < 1000; i += 2) {
            g.client_port = (uint16_t)(3000 + i);
            send(d, NS_PER_S, &g);
        }
        send(d, 60 * NS_PER_S, &g);
        dissect_finish(d);
        dissect_free(d);
        assert_int_equal(told.found, 64);
        assert_true(key == 1 || told.sum == sum);
        sum = told.sum;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_other_ports_stay_no_mail),
        cmocka_unit_test(test_both_ports_53),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_fragments_of_others),
        cmocka_unit_test(test_unasked_answer),
        cmocka_unit_test(test_two_answers),
        cmocka_unit_test(test_what_makes_answers_differ),
        cmocka_unit_test(test_many_answers),
        cmocka_unit_test(test_unanswered),
        cmocka_unit_test(test_answer_too_late),
        cmocka_unit_test(test_asked_again),
        cmocka_unit_test(test_time_runs_backwards),
        cmocka_unit_test(test_queries_are_capped),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_udp_lengths),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_turned),
        cmocka_unit_test(test_tcp_in_pieces),
        cmocka_unit_test(test_tcp_many_in_one),
        cmocka_unit_test(test_tcp_any_packet_lost),
        cmocka_unit_test(test_tcp_length_that_lies),
        cmocka_unit_test(test_tcp_damage),
        cmocka_unit_test(test_tcp_bytes_are_capped),
        cmocka_unit_test(test_forgotten_connections),
        cmocka_unit_test(test_forgotten_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
