/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/defrag.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/caps.h"
#include "tests/unit/guard.h"

static uint8_t content[65536]; /* of every datagram, at its offset; no byte like its neighbours */
static struct defrag *d;
static struct ip_packet whole;

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 7 + i / 251);
    d = defrag_new();
    return d ? 0 : -1;
}

/* Every piece is in one counter (the invariant of the header), whatever the test did. */
static void check_counters(void)
{
    const struct defrag_counters *c = defrag_counters(d);

    assert_int_equal(c->fragments, c->completed_pieces + c->duplicates + c->conflicts +
                                       c->timeouts + c->evicted + c->malformed + c->pending);
}

static int tear_down(void **state)
{
    (void)state;
    check_counters();
    defrag_free(d);
    return 0;
}

/* A piece of the datagram with this id; its bytes are those of `content`. */
static struct ip_packet piece(uint8_t family, uint32_t id, uint32_t from, uint32_t to, bool more)
{
    struct ip_packet p = {.family = family, .src = {10, 1}, .dst = {10, 2}, .proto = 6, .ttl = 64};

    p.id = id;
    p.fragment = true;
    p.more = more;
    p.frag_offset = from;
    p.payload = span_of(content + from, to - from);
    p.payload_len = to - from;
    return p;
}

static bool push_at(struct ip_packet p, nstime now)
{
    uint8_t *copy = guard_copy(p.payload.p, p.payload.n);
    bool done;

    p.payload.p = copy;
    done = defrag_push(d, &p, now, &whole);
    guard_free(copy);
    check_counters();
    return done;
}

static bool push(struct ip_packet p)
{
    return push_at(p, 0);
}

static bool push_v4(uint32_t from, uint32_t to, bool more)
{
    return push(piece(4, 1, from, to, more));
}

static void check_whole(uint32_t len)
{
    assert_int_equal(whole.payload_len, len);
    assert_int_equal(whole.payload.n, len);
    assert_memory_equal(whole.payload.p, content, len);
    assert_false(whole.fragment || whole.more);
    assert_int_equal(whole.frag_offset, 0);
    assert_int_equal(whole.proto, 6);
    assert_int_equal(whole.src[1], 1);
    assert_int_equal(whole.dst[1], 2);
}

/* The n-th order of `count` things. */
static void permute(unsigned n, unsigned count, unsigned order[])
{
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned pick = n % i, last = order[i - 1];

        n /= i;
        order[i - 1] = order[pick];
        order[pick] = last;
    }
}

static void test_every_order(void **state)
{
    static const uint32_t edge[] = {0, 16, 24, 1504, 1507};
    unsigned order[4];

    (void)state;
    for (unsigned n = 0; n < 24; n++) {
        permute(n, 4, order);
        for (unsigned i = 0; i < 4; i++) {
            unsigned k = order[i];
            bool done = push(piece(n % 2 ? 4 : 6, n, edge[k], edge[k + 1], k < 3));

            assert_int_equal(done, i == 3);
        }
        check_whole(1507);
    }
    assert_int_equal(defrag_counters(d)->completed, 24);
    assert_int_equal(defrag_counters(d)->completed_pieces, 24 * 4);
    assert_int_equal(defrag_counters(d)->pending, 0);
}

/* Three pieces that overlap with the same bytes, in every order; each is needed. */
static void test_equal_overlaps(void **state)
{
    static const uint32_t edge[][2] = {{0, 24}, {8, 48}, {32, 60}};
    unsigned order[3];

    (void)state;
    for (unsigned n = 0; n < 6; n++) {
        permute(n, 3, order);
        for (unsigned i = 0; i < 3; i++) {
            unsigned k = order[i];

            assert_int_equal(push(piece(4, n, edge[k][0], edge[k][1], k < 2)), i == 2);
        }
        check_whole(60);
    }
}

static void test_first_piece_gives_the_fields(void **state)
{
    struct ip_packet a = piece(4, 1, 0, 16, true), b = piece(4, 1, 16, 20, false);

    (void)state;
    a.ttl = 60;
    b.ttl = 50;
    assert_false(push(b));
    assert_true(push(a));
    assert_int_equal(whole.ttl, 60);
    check_whole(20);
}

/* Any one field of the key apart: two datagrams, both whole. */
static void test_datagrams_are_told_apart(void **state)
{
    (void)state;
    for (unsigned field = 0; field < 5; field++) {
        uint32_t id = 10 * field;
        struct ip_packet a[2] = {piece(4, id, 0, 16, true), piece(4, id, 0, 16, true)};
        struct ip_packet b[2] = {piece(4, id, 16, 20, false), piece(4, id, 16, 24, false)};

        for (unsigned i = 0; i < 2; i++) {
            struct ip_packet *p = i == 0 ? &a[1] : &b[1];

            p->id += field == 0;
            p->src[3] ^= field == 1;
            p->dst[3] ^= field == 2;
            p->proto = field == 3 ? 17 : 6;
            p->family = field == 4 ? 6 : 4;
        }
        assert_false(push(a[0]));
        assert_false(push(a[1]));
        assert_true(push(b[1]));
        assert_int_equal(whole.payload_len, 24);
        assert_true(push(b[0]));
        check_whole(20);
    }
}

/* RFC 8200 section 4.5: of the next headers only that of the first piece counts. */
static void test_v6_next_headers_may_differ(void **state)
{
    struct ip_packet b = piece(6, 1, 16, 20, false);

    (void)state;
    b.proto = 44;
    assert_false(push(b));
    assert_true(push(piece(6, 1, 0, 16, true)));
    check_whole(20);
}

static void test_v6_extensions_inside(void **state)
{
    static const uint8_t bytes[24] = {6, 1, 1, 12, [16] = 'd', 'a', 't', 'a', 'd', 'a', 't', 'a'};
    struct ip_packet a = piece(6, 1, 0, 8, true), b = piece(6, 1, 8, 24, false);

    (void)state;
    a.proto = b.proto = 60; /* destination options of 16 bytes, over two pieces */
    a.payload.p = bytes;
    b.payload.p = bytes + 8;
    assert_false(push(a));
    assert_true(push(b));
    assert_int_equal(whole.proto, 6);
    assert_true(span_eq(whole.payload, span_str("datadata")));
    assert_int_equal(whole.payload_len, 8);
}

/* A whole whose extension headers are broken, or that is a fragment again, is none. */
static void test_v6_broken_wholes(void **state)
{
    static const uint8_t too_long[16] = {6, 9};
    static const uint8_t nested[16] = {6, 0, 0, 1};
    struct ip_packet a = piece(6, 1, 0, 8, true), b = piece(6, 1, 8, 16, false);

    (void)state;
    a.proto = 60;
    a.payload.p = too_long;
    b.payload.p = too_long + 8;
    assert_false(push(a));
    assert_false(push(b));
    assert_int_equal(defrag_counters(d)->malformed, 2);
    a.proto = 44;
    a.payload.p = nested;
    assert_false(push(a));
    assert_false(push(b));
    assert_int_equal(defrag_counters(d)->malformed, 4);
    assert_int_equal(defrag_counters(d)->completed, 0);
}

static void test_duplicates(void **state)
{
    (void)state;
    assert_false(push_v4(0, 16, true));
    assert_false(push_v4(0, 16, true));
    assert_false(push_v4(8, 16, true)); /* a part of it */
    assert_false(push_v4(24, 30, false));
    assert_false(push_v4(24, 30, false));
    assert_int_equal(defrag_counters(d)->duplicates, 3);
    assert_int_equal(defrag_counters(d)->pending, 2);
    assert_true(push_v4(16, 24, true));
    check_whole(30);
    assert_int_equal(defrag_counters(d)->completed_pieces, 3);
}

/* A mirror port that shows everything twice: nothing is left waiting, and nothing comes twice. */
static void test_copies_after_the_whole(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < 3; id++) {
        assert_false(push(piece(4, id, 0, 16, true)));
        assert_false(push(piece(4, id, 0, 16, true)));
        assert_true(push(piece(4, id, 16, 20, false)));
        assert_false(push(piece(4, id, 16, 20, false)));
        check_whole(20);
    }
    assert_int_equal(defrag_counters(d)->duplicates, 6);
    assert_int_equal(defrag_counters(d)->pending, 0);
}

/* Another datagram with the id of the one before is no copy: by bytes, by length or by time. */
static void test_id_used_again(void **state)
{
    struct ip_packet other = piece(4, 1, 0, 16, true);

    (void)state;
    assert_true(push_v4(0, 20, false));
    other.payload.p++;
    assert_false(push(other));
    assert_true(push_v4(16, 20, false));
    assert_int_equal(whole.payload.p[0], content[1]);
    assert_true(push_v4(0, 24, false));
    assert_false(push_v4(16, 20, false)); /* ends elsewhere */
    assert_true(push_v4(0, 16, true));
    assert_true(push_at(piece(4, 1, 0, 20, false), 31 * NS_PER_S));
    assert_int_equal(defrag_counters(d)->duplicates, 0);
}

/* The bytes are there, but where the datagram ends is news. */
static void test_last_piece_of_known_bytes(void **state)
{
    (void)state;
    assert_false(push_v4(0, 32, true));
    assert_true(push_v4(24, 32, false));
    check_whole(32);
}

static void test_conflicting_bytes(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 16; at++) {
        uint8_t other[16];
        struct ip_packet b = piece(4, at, 8, 24, true);

        memcpy(other, content + 8, sizeof(other));
        other[at] ^= 1;
        b.payload.p = other;
        assert_false(push(piece(4, at, 0, 16, true)));
        assert_false(push(piece(4, at, 16, 24, true)));
        assert_false(push(b));
        assert_int_equal(defrag_counters(d)->conflicts, (at + 1) * 3);
        assert_int_equal(defrag_counters(d)->pending, 0);
    }
}

/* RFC 5722: nor do the pieces that come later make a datagram, even when they would be enough. */
static void test_conflict_is_remembered(void **state)
{
    struct ip_packet forged = piece(6, 1, 0, 16, true);

    (void)state;
    forged.payload.p = content + 1;
    assert_false(push(forged));
    assert_false(push(piece(6, 1, 0, 16, true)));
    assert_false(push(piece(6, 1, 0, 16, true)));
    assert_false(push(piece(6, 1, 16, 20, false)));
    assert_int_equal(defrag_counters(d)->conflicts, 4);
    /* Until its time is over. */
    assert_false(push_at(piece(6, 1, 0, 16, true), 31 * NS_PER_S));
    assert_true(push_at(piece(6, 1, 16, 20, false), 31 * NS_PER_S));
    check_whole(20);
    assert_int_equal(defrag_counters(d)->timeouts, 0);
}

static void test_conflicting_lengths(void **state)
{
    static const struct {
        uint32_t from, to;
        bool more;
    } row[][2] = {
        {{16, 24, false}, {16, 32, false}}, /* two ends */
        {{16, 32, false}, {16, 24, false}},
        {{16, 24, false}, {24, 32, true}}, /* more behind the end */
        {{24, 32, true}, {16, 24, false}}, /* the end before what was there */
        {{16, 24, false}, {16, 32, true}},
    };

    (void)state;
    for (uint32_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_false(push(piece(4, i, row[i][0].from, row[i][0].to, row[i][0].more)));
        assert_false(push(piece(4, i, row[i][1].from, row[i][1].to, row[i][1].more)));
        assert_int_equal(defrag_counters(d)->conflicts, 2 * (i + 1));
        assert_int_equal(defrag_counters(d)->pending, 0);
    }
}

static void test_malformed_pieces(void **state)
{
    static const uint8_t wrong_sum[20] = {0x45, [10] = 0x12, 0x34};
    struct ip_packet p;

    (void)state;
    assert_false(push_v4(8, 8, true)); /* no bytes */
    assert_false(push_v4(8, 8, false));
    assert_false(push_v4(0, 15, true));   /* only the last may be odd */
    p = piece(4, 1, 65528, 65536, false); /* one byte too far */
    assert_false(push(p));
    p = piece(4, 1, 0, 8, false);
    p.payload_len = UINT32_MAX;
    p.frag_offset = 65528;
    assert_false(push(p));
    p = piece(4, 1, 0, 8, true);
    p.header = span_of(wrong_sum, sizeof(wrong_sum));
    assert_false(push(p));
    assert_int_equal(defrag_counters(d)->malformed, 6);
    assert_int_equal(defrag_counters(d)->fragments, 6);
}

static void test_largest_datagram(void **state)
{
    uint32_t at = 0;

    (void)state;
    for (; at + 1280 < 65535; at += 1280)
        assert_false(push_v4(at, at + 1280, true));
    assert_true(push_v4(at, 65535, false));
    check_whole(65535);
}

static void test_single_last_piece(void **state)
{
    (void)state;
    assert_true(push_v4(0, 20, false));
    check_whole(20);
}

/* Cut by the snap length at the tail of the last piece: whole as far as it was captured. */
static void test_cut_tail(void **state)
{
    unsigned order[3];

    (void)state;
    for (unsigned n = 0; n < 6; n++) {
        struct ip_packet p[3] = {piece(4, n, 0, 16, true), piece(4, n, 16, 32, true),
                                 piece(4, n, 32, 48, false)};

        p[2].payload.n = n; /* 0 to 5 of 16 bytes captured */
        permute(n, 3, order);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(push(p[order[i]]), i == 2);
        assert_int_equal(whole.payload_len, 48);
        assert_int_equal(whole.payload.n, 32 + n);
        assert_memory_equal(whole.payload.p, content, 32 + n);
    }
}

/* Anywhere else what was cut is missing, and another copy can bring it. */
static void test_cut_middle(void **state)
{
    struct ip_packet cut = piece(4, 1, 0, 16, true);

    (void)state;
    cut.payload.n = 8;
    assert_false(push(cut));
    assert_false(push_v4(16, 20, false));
    assert_int_equal(defrag_counters(d)->pending, 2);
    assert_true(push_v4(0, 16, true));
    check_whole(20);
    /* What was cut counts for the length all the same. */
    cut.id = 2;
    assert_false(push(cut));
    assert_false(push(piece(4, 2, 8, 12, false)));
    assert_int_equal(defrag_counters(d)->conflicts, 2);
}

static void test_cut_last_piece_again_whole(void **state)
{
    struct ip_packet cut = piece(4, 1, 16, 32, false);

    (void)state;
    cut.payload.n = 4;
    assert_false(push(cut));
    assert_false(push(cut));
    assert_int_equal(defrag_counters(d)->duplicates, 1);
    assert_false(push_v4(16, 32, false));
    assert_true(push_v4(0, 16, true));
    check_whole(32);
}

static void test_timeout(void **state)
{
    (void)state;
    assert_false(push_at(piece(4, 1, 0, 16, true), 100 * NS_PER_S));
    assert_false(push_at(piece(4, 2, 0, 16, true), 110 * NS_PER_S));
    assert_true(push_at(piece(4, 1, 16, 20, false), (100 + CAP_FRAG_SECONDS) * NS_PER_S));
    assert_false(push_at(piece(4, 2, 16, 20, false), (110 + CAP_FRAG_SECONDS) * NS_PER_S + 1));
    assert_int_equal(defrag_counters(d)->timeouts, 1);
    assert_int_equal(defrag_counters(d)->pending, 1);
}

/* A capture may claim any time, in any order. */
static void test_time_runs_backwards(void **state)
{
    (void)state;
    assert_false(push_at(piece(4, 1, 0, 16, true), 1000 * NS_PER_S));
    assert_true(push_at(piece(4, 1, 16, 20, false), 10 * NS_PER_S));
    assert_false(push_at(piece(4, 2, 0, 16, true), INT64_MAX));
    assert_true(push_at(piece(4, 2, 16, 20, false), INT64_MIN));
    assert_int_equal(defrag_counters(d)->timeouts, 0);
    assert_false(push_at(piece(4, 3, 0, 16, true), INT64_MIN));
    assert_false(push_at(piece(4, 3, 16, 20, false), INT64_MAX));
    assert_int_equal(defrag_counters(d)->timeouts, 1);
    /* One of the future lies before an old one, which is found old all the same. */
    assert_false(push_at(piece(4, 4, 0, 16, true), 0));
    assert_false(push_at(piece(4, 4, 16, 20, false), 40 * NS_PER_S));
    assert_int_equal(defrag_counters(d)->timeouts, 2);
}

static void test_oldest_gives_way(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < CAP_FRAG_TRACKERS; id++)
        assert_false(push(piece(4, id, 0, 16, true)));
    assert_int_equal(defrag_counters(d)->evicted, 0);
    assert_false(push(piece(4, 0, 16, 24, true)));
    assert_false(push(piece(4, CAP_FRAG_TRACKERS, 0, 16, true)));
    assert_int_equal(defrag_counters(d)->evicted, 2); /* both pieces of the oldest */
    for (uint32_t id = 1; id <= CAP_FRAG_TRACKERS; id++) {
        assert_true(push(piece(4, id, 16, 20, false)));
        check_whole(20);
    }
    assert_int_equal(defrag_counters(d)->completed, CAP_FRAG_TRACKERS);
    assert_int_equal(defrag_counters(d)->pending, 0);
}

static void test_many_ids(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < 20 * CAP_FRAG_TRACKERS; id++)
        assert_false(push(piece(6, id * 0x10001, 0, 16, true)));
    assert_int_equal(defrag_counters(d)->evicted, 19 * CAP_FRAG_TRACKERS);
    assert_int_equal(defrag_counters(d)->pending, CAP_FRAG_TRACKERS);
}

/* Every other one of 65 pieces, so that none joins another; then as many as there may be. */
static void test_pieces_are_capped(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CAP_FRAG_PIECES; i++)
        assert_false(push_v4(16 * i, 16 * i + 8, true));
    assert_int_equal(defrag_counters(d)->pending, CAP_FRAG_PIECES);
    assert_false(push_v4(16 * CAP_FRAG_PIECES, 16 * CAP_FRAG_PIECES + 8, true));
    assert_int_equal(defrag_counters(d)->evicted, CAP_FRAG_PIECES + 1);
    for (uint32_t i = 0; i < CAP_FRAG_PIECES; i++)
        assert_int_equal(push_v4(8 * i, 8 * i + 8, i + 1 < CAP_FRAG_PIECES),
                         i + 1 == CAP_FRAG_PIECES);
    check_whole(8 * CAP_FRAG_PIECES);
}

/* A small linear congruential generator decides; the counters must add up all the time. */
static void test_counters_add_up_in_any_mess(void **state)
{
    uint32_t seed = 1;
    nstime now = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        now += i < 10000 ? NS_PER_MS : NS_PER_S; /* trackers run out first, then their time */
        seed = seed * 1664525 + 1013904223;
        uint32_t from = (seed >> 8 & 7) * 8, len = (seed >> 11 & 3) * 8 + (seed >> 13 & 1) * 3;
        struct ip_packet p = piece(seed >> 14 & 1 ? 4 : 6, seed >> 15 & 511, from, from + len,
                                   (seed >> 24 & 3) != 0);

        p.payload.n -= p.payload.n / 2 * (seed >> 26 & 1);
        if ((seed >> 27 & 15) == 0)
            p.payload.p++;
        if (push_at(p, now))
            assert_true(whole.payload.n <= whole.payload_len);
    }
    assert_int_not_equal(defrag_counters(d)->completed, 0);
    assert_int_not_equal(defrag_counters(d)->conflicts, 0);
    assert_int_not_equal(defrag_counters(d)->timeouts, 0);
    assert_int_not_equal(defrag_counters(d)->evicted, 0);
    assert_int_not_equal(defrag_counters(d)->duplicates, 0);
    assert_int_not_equal(defrag_counters(d)->malformed, 0);
}

static void test_nothing_pushed(void **state)
{
    (void)state;
    defrag_free(NULL);
    assert_int_equal(defrag_counters(d)->fragments, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_order),
        TEST(equal_overlaps),
        TEST(first_piece_gives_the_fields),
        TEST(datagrams_are_told_apart),
        TEST(v6_next_headers_may_differ),
        TEST(v6_extensions_inside),
        TEST(v6_broken_wholes),
        TEST(duplicates),
        TEST(copies_after_the_whole),
        TEST(id_used_again),
        TEST(last_piece_of_known_bytes),
        TEST(conflicting_bytes),
        TEST(conflict_is_remembered),
        TEST(conflicting_lengths),
        TEST(malformed_pieces),
        TEST(largest_datagram),
        TEST(single_last_piece),
        TEST(cut_tail),
        TEST(cut_middle),
        TEST(cut_last_piece_again_whole),
        TEST(timeout),
        TEST(time_runs_backwards),
        TEST(oldest_gives_way),
        TEST(many_ids),
        TEST(pieces_are_capped),
        TEST(counters_add_up_in_any_mess),
        TEST(nothing_pushed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
