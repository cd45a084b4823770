/* SPDX-License-Identifier: Apache-2.0 */
/* From frames to sessions: order, loss, duplicates, one side, reuse, floods; and the accounting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "packets.h"
#include "session_text.h"

#define EHLO_REPLY "250-mx1.test\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n"

struct seen {
    char *text; /* of all closed sessions, one after the other */
    size_t sessions;
    struct session last; /* pool is gone; counters stay */
};

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct seen *k = user;
    char *one, *all;

    if (m != SESSION_CLOSED)
        return;
    one = session_text_of(s);
    all = malloc(strlen(k->text) + strlen(one) + 1);
    memcpy(all, k->text, strlen(k->text));
    memcpy(all + strlen(k->text), one, strlen(one) + 1);
    free(k->text);
    free(one);
    k->text = all;
    k->sessions++;
    k->last = *s;
}

static void assert_accounted(const struct dissect *d)
{
    struct dissect_counters c = dissect_counters(d);

    assert_int_equal(c.packets, c.not_mail + c.not_ip + c.malformed_link + c.malformed_ip +
                                    c.malformed_tcp + c.unknown_link + c.vlan_deep +
                                    c.malformed_tunnel + c.tunnel_deep + c.fragments_dropped +
                                    c.fragments_held + c.no_flow + c.half_open + c.flow_capped +
                                    c.dns + c.processed);
    assert_int_equal(c.held_bytes, 0);
    assert_int_equal(c.flows_open, 0);
    assert_int_equal(c.flows, c.flows_closed);
}

/* Runs packets in the order of `order` (NULL: as made); `skip` is lost. */
static struct seen run(const struct packets *k, const size_t *order, size_t n, size_t skip,
                       uint32_t max_flows, struct dissect_counters *counters)
{
    struct seen out = {.text = calloc(1, 1)};
    struct dissect_config c;
    struct dissect *d;

    dissect_config_default(&c);
    c.max_flows = max_flows;
    d = dissect_new(&c, on_session, &out);
    for (size_t i = 0; i < n; i++) {
        size_t at = order ? order[i] : i;
        struct packet p = packets_get(k, at);
        if (at != skip)
            dissect_packet(d, &p);
    }
    dissect_finish(d);
    assert_accounted(d);
    if (counters)
        *counters = dissect_counters(d);
    dissect_free(d);
    return out;
}

static struct seen run_all(const struct packets *k)
{
    return run(k, NULL, k->count, SIZE_MAX, 64, NULL);
}

static struct packets *session(uint32_t client_isn, uint32_t server_isn, uint32_t mss)
{
    struct packets *k = malloc(sizeof(*k));

    packets_begin(k, client_isn, server_isn);
    k->mss = mss;
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 mx1.test ESMTP\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO out.test\r\n");
    packets_say(k, SESSION_TO_CLIENT, EHLO_REPLY);
    packets_say(k, SESSION_TO_SERVER, "STARTTLS\r\n");
    packets_say(k, SESSION_TO_CLIENT, "454 no\r\n");
    packets_say(k, SESSION_TO_SERVER, "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 ok\r\n250 ok\r\n354 go\r\n");
    packets_say(k, SESSION_TO_SERVER, "Subject: EHLO\r\n\r\n250-STARTTLS\r\n.\r\nQUIT\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 queued\r\n221 bye\r\n");
    packets_fin(k);
    return k;
}

static void test_whole_session(void **state)
{
    struct packets *k = session(1000, 2000, 1400);
    struct seen s = run_all(k);

    (void)state;
    assert_int_equal(s.sessions, 1);
    assert_int_equal(s.last.closed, SESSION_FIN);
    assert_true(s.last.syn_seen && s.last.synack_seen && !s.last.midstream);
    assert_int_equal(s.last.server_isn, 2000);
    assert_true(s.last.synack.known); /* as packets.h makes it */
    assert_int_equal(s.last.synack.ttl_class, 64);
    assert_int_equal(s.last.synack.window, 64000);
    assert_int_equal(s.last.synack.option_count, 0);
    assert_int_equal(s.last.reading.ehlo, EHLO_COMPLETE);
    assert_int_equal(s.last.reading.upgrade_code, 454);
    assert_int_equal(s.last.mails, 1);
    assert_int_equal(s.last.rtt_floor, NS_PER_MS);
    assert_int_equal(s.last.syn_wait, 1000); /* microseconds: a packet a millisecond */
    assert_int_equal(s.last.synack_wait, 1000);
    assert_int_equal(s.last.gap_bytes[0] + s.last.gap_bytes[1], 0);
    free(s.text);
    free(k);
}

/* Any segmentation, any place in sequence space: the same facts. */
static void test_segmentation_and_wrap(void **state)
{
    static const uint32_t mss[] = {1, 2, 3, 7, 20, 1400};
    static const uint32_t isn[] = {0, 0xffffffff, 0xfffffff0, 0xffffff80, 0x7fffffe0};
    struct packets *k = session(1000, 2000, 1400);
    struct seen want = run_all(k);

    (void)state;
    free(k);
    for (size_t i = 0; i < sizeof(mss) / sizeof(mss[0]); i++)
        for (size_t j = 0; j < sizeof(isn) / sizeof(isn[0]); j++) {
            struct seen got;
            k = session(isn[j], isn[j] + 5, mss[i]);
            got = run_all(k);
            assert_string_equal(got.text, want.text);
            free(got.text);
            free(k);
        }
    free(want.text);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Moves no packet further than `window` places. */
static void shuffle(size_t *order, size_t n, size_t window, uint32_t *seed)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t from = 0; from < n; from += window)
        for (size_t i = from; i < n && i < from + window; i++) {
            size_t span = (n < from + window ? n : from + window) - i;
            size_t j = i + next_random(seed) % span;
            size_t t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
}

static void test_reordering_changes_nothing(void **state)
{
    static const uint32_t mss[] = {1400, 40, 5};
    uint32_t seed = 7;

    (void)state;
    for (size_t m = 0; m < 3; m++) {
        struct packets *k = session(1000, 2000, mss[m]);
        struct seen want = run_all(k);
        size_t *order = malloc(k->count * sizeof(*order));

        for (int round = 0; round < 400; round++) {
            struct seen got;
            shuffle(order, k->count, 2 + next_random(&seed) % 63, &seed);
            got = run(k, order, k->count, SIZE_MAX, 64, NULL);
            assert_string_equal(got.text, want.text);
            free(got.text);
        }
        free(order);
        free(want.text);
        free(k);
    }
}

static void test_every_packet_twice(void **state)
{
    struct packets *k = session(1000, 2000, 40);
    struct seen want = run_all(k);
    size_t n = k->count * 2;
    size_t *order = malloc(n * sizeof(*order));
    struct seen got;

    (void)state;
    for (size_t i = 0; i < n; i++)
        order[i] = i / 2;
    got = run(k, order, n, SIZE_MAX, 64, NULL);
    assert_string_equal(got.text, want.text);
    assert_true(got.last.duplicates[0] > 0 && got.last.duplicates[1] > 0);
    assert_int_equal(got.last.retransmits[0] + got.last.retransmits[1], 0);
    free(order);
    free(want.text);
    free(got.text);
    free(k);
}

/* Nothing may look absent, unsolicited or odd because one packet was not captured. */
static void test_any_one_packet_lost(void **state)
{
    static const uint32_t mss[] = {1400, 16};

    (void)state;
    for (size_t m = 0; m < 2; m++) {
        struct packets *k = session(1000, 2000, mss[m]);
        for (size_t lost = 0; lost < k->count; lost++) {
            struct seen s = run(k, NULL, k->count, lost, 64, NULL);
            assert_int_equal(s.sessions, 1);
            assert_int_equal(s.last.unsolicited, 0);
            assert_int_equal(s.last.early_client, BYTES_NONE);
            assert_false(s.last.not_smtp);
            if (s.last.reading.ehlo == EHLO_COMPLETE)
                assert_int_equal(s.last.reading.line_count, 4);
            for (int i = 0; i < s.last.odd_count; i++)
                assert_true(s.last.step_lost);
            free(s.text);
        }
        free(k);
    }
}

static void count_endings(void *user, struct session *s, enum session_milestone m)
{
    struct session *last = user;

    if (m == SESSION_ENDING)
        last->ending = true;
    if (m == SESSION_CLOSED)
        *last = *s;
}

struct tries {
    size_t unanswered, refused;
    struct dissect_attempt last;
};

static void on_session_of_tries(void *user, struct session *s, enum session_milestone m)
{
    (void)user;
    (void)s;
    (void)m;
}

/* dissect_attempt_fn */
static void on_attempt(void *user, const struct dissect_attempt *a)
{
    struct tries *t = user;

    t->unanswered += !a->refused;
    t->refused += a->refused;
    t->last = *a;
}

/* A SYN at `isn`, so long after the one before. */
static void syn(struct dissect *d, struct packets *k, uint32_t isn, nstime later)
{
    static nstime now = NS_PER_S;
    struct packet p;

    now += later;
    packets_raw(k, SESSION_TO_SERVER, isn, 0, TCP_SYN, NULL, 0);
    p = packets_get(k, k->count - 1);
    p.time = now;
    dissect_packet(d, &p);
}

static void reset(struct dissect *d, struct packets *k, enum session_dir dir, uint32_t ack)
{
    struct packet p;

    packets_raw(k, dir, 0, ack, TCP_RST | TCP_ACK, NULL, 0);
    p = packets_get(k, k->count - 1);
    dissect_packet(d, &p);
}

static void test_connections_that_do_not_come_about(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct tries t = {0, 0, {.refused = false}};
    struct dissect_config c;
    struct dissect *d;

    (void)state;
    dissect_config_default(&c);
    c.attempt = on_attempt;
    d = dissect_new(&c, on_session_of_tries, &t);
    packets_begin(k, 1000, 2000);
    syn(d, k, 1000, 0);
    syn(d, k, 1000, 100 * NS_PER_MS); /* a copy, or seen at two places */
    assert_int_equal(t.unanswered, 0);
    syn(d, k, 1000, NS_PER_S);
    assert_int_equal(t.unanswered, 1);
    assert_int_equal(t.last.key.server_port, 25);
    syn(d, k, 77000, NS_PER_S); /* another connection */
    assert_int_equal(t.unanswered, 1);
    reset(d, k, SESSION_TO_CLIENT, 77002); /* answers another SYN */
    reset(d, k, SESSION_TO_SERVER, 77001); /* the client says it */
    assert_int_equal(t.refused, 0);
    reset(d, k, SESSION_TO_CLIENT, 77001);
    assert_int_equal(t.refused, 1);
    assert_true(t.last.refused);
    dissect_finish(d);
    assert_accounted(d);
    dissect_free(d);
    free(k);
}

/* The server's last words, an alert it may be, and then the client's acknowledgement of them. */
static void test_bytes_before_a_fin_are_missed(void **state)
{
    static const uint32_t lost[] = {0, 7, 65535, 65536, 0x80000000};
    static const uint8_t hello[] = {22, 3, 1, 0, 1, 1};

    (void)state;
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        struct packets *k = malloc(sizeof(*k));
        struct session last = {.flow_id = 0};
        struct dissect_config c;
        struct dissect *d;

        packets_begin(k, 1000, 2000);
        k->mss = 1400;
        packets_handshake(k);
        packets_say(k, SESSION_TO_CLIENT, "220 mx1.test ESMTP\r\n");
        packets_say(k, SESSION_TO_SERVER, "EHLO out.test\r\n");
        packets_say(k, SESSION_TO_CLIENT, EHLO_REPLY);
        packets_say(k, SESSION_TO_SERVER, "STARTTLS\r\n");
        packets_say(k, SESSION_TO_CLIENT, "220 go\r\n");
        packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1], TCP_ACK, hello, sizeof(hello));
        k->seq[0] += sizeof(hello);
        packets_raw(k, SESSION_TO_CLIENT, k->seq[1] + lost[i], k->seq[0], TCP_FIN | TCP_ACK, NULL,
                    0);
        dissect_config_default(&c);
        d = dissect_new(&c, count_endings, &last);
        for (size_t at = 0; at < k->count; at++) {
            struct packet p = packets_get(k, at);
            dissect_packet(d, &p);
        }
        assert_int_equal(last.ending, lost[i] == 0); /* what is missing may have completed it */
        dissect_finish(d);
        assert_int_equal(last.gap_bytes[1], lost[i] < 65536 ? lost[i] : 0);
        assert_int_equal(dissect_counters(d).gap_bytes, last.gap_bytes[1]);
        assert_int_equal(last.gap_bytes[0], 0);
        dissect_free(d);
        free(k);
    }
}

static void test_one_side_only(void **state)
{
    struct packets *k = session(1000, 2000, 1400);

    (void)state;
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        size_t order[64];
        size_t n = 0;
        struct dissect_counters c;
        struct seen s;

        for (size_t i = 0; i < k->count; i++)
            if ((k->p[i].bytes[35] == 25) == (d == SESSION_TO_CLIENT))
                order[n++] = i;
        s = run(k, order, n, SIZE_MAX, 64, &c);
        assert_int_equal(s.sessions, 1);
        assert_true(c.processed > 0);
        assert_int_equal(c.to_client, d == SESSION_TO_CLIENT ? c.processed : 0);
        assert_true(s.last.seen[d] && !s.last.seen[!d]);
        assert_int_equal(s.last.reading.ehlo == EHLO_COMPLETE, d == SESSION_TO_CLIENT);
        assert_int_equal(s.last.mails, 1);
        assert_int_equal(s.last.unsolicited, 0);
        free(s.text);
    }
    free(k);
}

static void test_packets_are_counted_by_their_direction(void **state)
{
    struct packets *k = session(1000, 2000, 1400);
    struct dissect_counters c;
    uint64_t of_server = 0;

    (void)state;
    for (size_t i = 0; i < k->count; i++)
        of_server += k->p[i].bytes[35] == 25;
    free(run(k, NULL, k->count, SIZE_MAX, 64, &c).text);
    assert_int_equal(c.to_client, of_server);
    assert_int_equal(c.processed, k->count - 1); /* without the bare SYN, which makes no flow */
    free(k);
}

static void test_without_handshake(void **state)
{
    struct packets *k = session(1000, 2000, 1400);
    size_t order[64];
    struct seen s;

    (void)state;
    for (size_t i = 3; i < k->count; i++)
        order[i - 3] = i;
    s = run(k, order, k->count - 3, SIZE_MAX, 64, NULL);
    assert_true(s.last.midstream);
    assert_int_equal(s.last.reading.ehlo, EHLO_COMPLETE);
    assert_int_equal(s.last.banner_code, 220);
    free(s.text);
    free(k);
}

/* Picked up inside a message that talks about SMTP: its lines are no commands. */
static void test_midstream_in_a_message(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct seen s;

    (void)state;
    packets_begin(k, 10, 20);
    packets_say(k, SESSION_TO_SERVER, "EHLO fake.test\r\nSTARTTLS\r\nAUTH PLAIN x\r\n");
    packets_say(k, SESSION_TO_SERVER, "MAIL FROM:<x@y.test>\r\n.\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 queued\r\n");
    packets_say(k, SESSION_TO_SERVER, "MAIL FROM:<a@b.test>\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 ok\r\n");
    s = run_all(k);
    assert_true(s.last.midstream);
    assert_int_equal(s.last.reading.ehlo, EHLO_NONE);
    assert_int_equal(s.last.unsolicited, 0);
    free(s.text);
    free(k);
}

static void test_reuse_of_the_four_tuple(void **state)
{
    struct packets *k = session(1000, 2000, 1400);
    struct seen s;

    (void)state;
    k->seq[0] = 900001;
    k->seq[1] = 700001;
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 second\r\n");
    s = run_all(k);
    assert_int_equal(s.sessions, 2);
    assert_int_equal(s.last.server_isn, 700000);
    assert_true(s.last.synack.known);
    free(s.text);
    free(k);
}

/* A SYN/ACK with a TTL of its own. */
static void answer(struct packets *k, uint32_t isn, uint8_t ttl)
{
    struct made_packet *m =
        packets_raw(k, SESSION_TO_CLIENT, isn, k->seq[0], TCP_SYN | TCP_ACK, NULL, 0);
    uint8_t *ip = m->bytes + 14;

    ip[8] = ttl;
    ip[10] = ip[11] = 0;
    packets_store_sum(ip + 10, packets_sum(ip, 20, 0));
}

/* Of two answers, and of one that is said again, the first counts. */
static void test_first_synack_is_printed(void **state)
{
    for (uint32_t isn = 2000; isn <= 2001; isn++) {
        struct packets *k = malloc(sizeof(*k));
        struct seen s;

        packets_begin(k, 1000, 2000);
        packets_raw(k, SESSION_TO_SERVER, 1000, 0, TCP_SYN, NULL, 0);
        answer(k, 2000, 120);
        answer(k, isn, 60);
        packets_raw(k, SESSION_TO_SERVER, 1001, 2001, TCP_ACK, NULL, 0);
        packets_say(k, SESSION_TO_CLIENT, "220 mx1.test ESMTP\r\n");
        s = run_all(k);
        assert_int_equal(s.last.tamper_count, isn != 2000);
        assert_true(s.last.synack.known);
        assert_int_equal(s.last.synack.ttl_class, 128);
        free(s.text);
        free(k);
    }
    (void)state;
}

static void test_bare_syns_make_no_flow(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct dissect_counters c;
    struct seen s;

    (void)state;
    packets_begin(k, 10, 20);
    for (uint16_t i = 0; i < 1000; i++) {
        k->client_port = (uint16_t)(1024 + i);
        packets_raw(k, SESSION_TO_SERVER, i, 0, TCP_SYN, NULL, 0);
    }
    s = run(k, NULL, k->count, SIZE_MAX, 64, &c);
    assert_int_equal(s.sessions, 0);
    assert_int_equal(c.half_open, 1000);
    assert_int_equal(c.flows, 0);
    free(s.text);
    free(k);
}

static void test_full_slab_evicts_and_counts(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct dissect_counters c;
    struct seen s;

    (void)state;
    packets_begin(k, 10, 20);
    for (uint16_t i = 0; i < 100; i++) {
        k->client_port = (uint16_t)(1024 + i);
        packets_raw(k, SESSION_TO_CLIENT, 21, 11, TCP_ACK, "220 x\r\n", 7);
    }
    s = run(k, NULL, k->count, SIZE_MAX, 8, &c);
    assert_int_equal(s.sessions, 100);
    assert_int_equal(c.flows_evicted, 92);
    free(s.text);
    free(k);
}

static void test_idle_flow_times_out_in_packet_time(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct dissect_counters c;
    struct seen s;

    (void)state;
    packets_begin(k, 10, 20);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 x\r\n");
    k->now += (CAP_FLOW_IDLE_S + 1) * NS_PER_S;
    k->client_port = 50000;
    packets_say(k, SESSION_TO_CLIENT, "220 y\r\n");
    s = run(k, NULL, k->count, SIZE_MAX, 64, &c);
    assert_int_equal(s.sessions, 2);
    assert_int_equal(c.flows_timeout, 1);
    free(s.text);
    free(k);
}

/* In a direction whose checksums are right, a copy with a wrong one was dropped by its receiver. */
static void test_bad_checksum_decides_between_copies(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct made_packet *m;
    struct seen s;

    (void)state;
    packets_begin(k, 10, 20);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 x\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO a\r\n");
    m = packets_raw(k, SESSION_TO_CLIENT, k->seq[1], k->seq[0], TCP_ACK,
                    "250-x\r\n250 XXXXXXXX\r\n", 21);
    m->bytes[50] ^= 1;
    packets_say(k, SESSION_TO_CLIENT, "250-x\r\n250 STARTTLS\r\n");
    packets_say(k, SESSION_TO_SERVER, "QUIT\r\n");
    s = run_all(k);
    assert_non_null(strstr(s.text, "[STARTTLS]"));
    assert_null(strstr(s.text, "[XXXXXXXX]"));
    assert_int_equal(s.last.bad_checksums[SESSION_TO_CLIENT], 1);
    free(s.text);
    free(k);
}

/* Where all are wrong the capture was made on the sender, before its card filled them in. */
static void test_offloaded_checksums_decide_nothing(void **state)
{
    struct packets *k = session(1000, 2000, 1400);
    struct seen want = run_all(k);
    struct seen got;

    (void)state;
    for (size_t i = 0; i < k->count; i++)
        if (k->p[i].bytes[35] == 25)
            k->p[i].bytes[50] ^= 0x55;
    got = run_all(k);
    assert_string_equal(got.text, want.text);
    assert_true(got.last.bad_checksums[SESSION_TO_CLIENT] > 3);
    free(want.text);
    free(got.text);
    free(k);
}

static void test_reset_does_not_hide_what_follows(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct seen s;

    (void)state;
    packets_begin(k, 10, 20);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 x\r\n");
    packets_raw(k, SESSION_TO_SERVER, k->seq[0], 0, TCP_RST, NULL, 0);
    packets_say(k, SESSION_TO_SERVER, "EHLO a\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250-x\r\n250 STARTTLS\r\n");
    s = run_all(k);
    assert_int_equal(s.sessions, 1);
    assert_int_equal(s.last.reading.ehlo, EHLO_COMPLETE);
    assert_int_equal(s.last.closed, SESSION_RST); /* these bytes may have been on their way */
    assert_int_equal(s.last.resets_outlived, 0);
    free(s.text);
    packets_say(k, SESSION_TO_SERVER, "NOOP\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 x\r\n");
    packets_say(k, SESSION_TO_SERVER, "NOOP\r\n");
    s = run_all(k);
    assert_int_equal(s.last.closed, SESSION_INPUT_END); /* its sender went on: it was forged */
    assert_int_equal(s.last.resets_outlived, 1);
    free(s.text);
    free(k);
}

/* What the client says and the server never says that it has: after an end that only the server
 * saw, say. Acknowledged by anything later it is no doubt, and neither is it where the server is
 * not seen. */
static void test_what_was_never_acknowledged(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct seen s;

    (void)state;
    packets_begin(k, UINT32_MAX - 10, 20);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 x\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO a\r\n");
    s = run_all(k);
    assert_int_equal(s.last.unacknowledged, 0);
    free(s.text);
    packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1], TCP_ACK, "MAIL\r\nDATA\r\n", 12);
    packets_raw(k, SESSION_TO_CLIENT, k->seq[1], k->seq[0] + 6, TCP_ACK, NULL, 0);
    s = run_all(k);
    assert_int_equal(s.last.unacknowledged, 6);
    free(s.text);
    k->count -= 1;
    packets_raw(k, SESSION_TO_CLIENT, k->seq[1], k->seq[0] + 12, TCP_ACK | TCP_FIN, NULL, 0);
    s = run_all(k);
    assert_int_equal(s.last.unacknowledged, 0);
    free(s.text);
    packets_begin(k, 10, 20);
    packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1], TCP_ACK, "EHLO a\r\n", 8);
    s = run_all(k);
    assert_int_equal(s.last.unacknowledged, 0);
    free(s.text);
    free(k);
}

/* What the server said last, and the client heard; a FIN that was not seen is none of it. */
static void test_what_the_tap_never_saw(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct seen s;

    (void)state;
    packets_begin(k, 10, UINT32_MAX - 3);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 x\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO a\r\n");
    for (uint32_t ahead = 0; ahead < 9; ahead++) {
        packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1] + ahead, TCP_ACK | TCP_FIN, NULL, 0);
        s = run_all(k);
        assert_int_equal(s.last.unseen, ahead > 1 ? ahead - 1 : 0);
        free(s.text);
        k->count -= 1;
    }
    packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1] + 7, TCP_ACK, NULL, 0);
    packets_say(k, SESSION_TO_CLIENT, "250 x\r\n"); /* it comes yet */
    s = run_all(k);
    assert_int_equal(s.last.unseen, 0);
    free(s.text);
    free(k);
}

/* A FIN from the past closes nothing; an IP length beyond the frame is no packet to anyone. */
static void test_forged_ends_do_not_blind(void **state)
{
    struct packets *k = malloc(sizeof(*k));
    struct made_packet *m;
    struct seen s;

    (void)state;
    packets_begin(k, 1000, 2000);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 x\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO a\r\n");
    packets_raw(k, SESSION_TO_CLIENT, 2001, k->seq[0], TCP_FIN | TCP_ACK, NULL, 0);
    packets_raw(k, SESSION_TO_SERVER, 1001, k->seq[1], TCP_FIN | TCP_ACK, NULL, 0);
    m = packets_raw(k, SESSION_TO_CLIENT, k->seq[1], k->seq[0], TCP_ACK, "2", 1);
    packets_u16(m->bytes + 16, 40000);
    memset(m->bytes + 24, 0, 2);
    packets_store_sum(m->bytes + 24, packets_sum(m->bytes + 14, 20, 0));
    packets_say(k, SESSION_TO_CLIENT, EHLO_REPLY);
    packets_say(k, SESSION_TO_SERVER, "QUIT\r\n");
    s = run_all(k);
    assert_int_equal(s.sessions, 1);
    assert_int_equal(s.last.reading.ehlo, EHLO_COMPLETE);
    assert_int_equal(s.last.cut_bytes[SESSION_TO_CLIENT], 0);
    free(s.text);
    free(k);
}

/* SYN/ACK and banner lost: the reply to EHLO must not be taken for the banner. */
static void test_lost_beginning_keeps_replies_in_step(void **state)
{
    struct packets *k = session(1000, 2000, 1400);
    size_t order[64];
    size_t n = 0;
    struct seen s;

    (void)state;
    for (size_t i = 0; i < k->count; i++)
        if (i != 1 && i != 3)
            order[n++] = i;
    s = run(k, order, n, SIZE_MAX, 64, NULL);
    assert_int_equal(s.last.reading.ehlo, EHLO_COMPLETE);
    assert_int_equal(s.last.reading.upgrade_code, 454);
    assert_int_equal(s.last.banner_code, 0);
    assert_int_equal(s.last.mails, 1);
    free(s.text);
    free(k);
}

static void note_ehlo(void *user, struct session *s, enum session_milestone m)
{
    if (m == SESSION_EHLO_DONE && s->reading.ehlo == EHLO_COMPLETE)
        *(bool *)user = true;
}

/* The SYN was lost, and other packets pass between any two of this flow: it waits for its beginning
 * no longer for being packed in between. */
static void test_packed_flow_does_not_wait_for_ever(void **state)
{
    struct packets *k = session(100, 5000, 1400), *others = malloc(sizeof(*others));
    bool ehlo = false;
    struct dissect_config c;
    struct dissect *d;

    (void)state;
    packets_begin(others, 1, 2);
    others->server_port = 80;
    packets_handshake(others);
    dissect_config_default(&c);
    c.unpacked = 0;
    d = dissect_new(&c, note_ehlo, &ehlo);
    for (size_t i = 1; i < k->count; i++) {
        struct packet p = packets_get(k, i), other = packets_get(others, 0);
        dissect_packet(d, &p);
        other.time = p.time;
        for (int n = 0; n < CAP_REORDER_PACKETS; n++)
            dissect_packet(d, &other);
        if (p.bytes.n > 54 && memcmp(p.bytes.p + 54, "MAIL", 4) == 0)
            break;
    }
    assert_true(ehlo);
    assert_true(dissect_counters(d).flows_unpacked > 4);
    dissect_free(d);
    free(others);
    free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_session),
        cmocka_unit_test(test_segmentation_and_wrap),
        cmocka_unit_test(test_reordering_changes_nothing),
        cmocka_unit_test(test_every_packet_twice),
        cmocka_unit_test(test_any_one_packet_lost),
        cmocka_unit_test(test_bytes_before_a_fin_are_missed),
        cmocka_unit_test(test_connections_that_do_not_come_about),
        cmocka_unit_test(test_one_side_only),
        cmocka_unit_test(test_packets_are_counted_by_their_direction),
        cmocka_unit_test(test_without_handshake),
        cmocka_unit_test(test_midstream_in_a_message),
        cmocka_unit_test(test_reuse_of_the_four_tuple),
        cmocka_unit_test(test_first_synack_is_printed),
        cmocka_unit_test(test_bare_syns_make_no_flow),
        cmocka_unit_test(test_full_slab_evicts_and_counts),
        cmocka_unit_test(test_idle_flow_times_out_in_packet_time),
        cmocka_unit_test(test_bad_checksum_decides_between_copies),
        cmocka_unit_test(test_offloaded_checksums_decide_nothing),
        cmocka_unit_test(test_reset_does_not_hide_what_follows),
        cmocka_unit_test(test_what_was_never_acknowledged),
        cmocka_unit_test(test_what_the_tap_never_saw),
        cmocka_unit_test(test_forged_ends_do_not_blind),
        cmocka_unit_test(test_lost_beginning_keeps_replies_in_step),
        cmocka_unit_test(test_packed_flow_does_not_wait_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
