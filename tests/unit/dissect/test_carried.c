/* SPDX-License-Identifier: Apache-2.0 */
/* Mail inside of encapsulations: it is read, it is counted, and nobody harms a connection outside
 * by what he puts into a tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dissect/dns_tap.h"
#include "dissect/tunnel.h"
#include "packets.h"
#include "session_text.h"

#define GARBLED "250-mx1.test\r\n250-SIZE 1000\r\n250-XXXXXXXX\r\n250 HELP\r\n"
#define OFFERED "250-mx1.test\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n"

enum wrap {
    WRAP_GRE,
    WRAP_GRE_KEY_IPV6,
    WRAP_GRE_ETHERNET,
    WRAP_ERSPAN1,
    WRAP_ERSPAN2,
    WRAP_ERSPAN3,
    WRAP_VXLAN,
    WRAP_GENEVE,
    WRAP_IPIP,
    WRAP_MPLS,
    WRAP_PSEUDOWIRE,
    WRAP_PPPOE,
    WRAP_COUNT
};

/* What stands before the inside, the frame's addresses not counted, and where the inside begins in
 * the frame it is made of: 0 for a frame, 14 for the packet alone. */
static const struct {
    const char *head;
    size_t n;
    uint16_t type; /* of the outer frame */
    size_t from;
    enum tunnel_kind kind;
    uint32_t id;
    uint8_t proto; /* of the outer IP; 0: none */
    bool ipv6;
} WRAPS[WRAP_COUNT] = {
    [WRAP_GRE] = {"\0\0\x08\0", 4, 0x0800, 14, TUNNEL_GRE, 0, 47, false},
    [WRAP_GRE_KEY_IPV6] = {"\x20\0\x08\0\0\0\0\x07", 8, 0x86dd, 14, TUNNEL_GRE, 7, 47, true},
    [WRAP_GRE_ETHERNET] = {"\0\0\x65\x58", 4, 0x0800, 0, TUNNEL_GRE, 0, 47, false},
    [WRAP_ERSPAN1] = {"\0\0\x88\xbe", 4, 0x0800, 0, TUNNEL_ERSPAN, 0, 47, false},
    [WRAP_ERSPAN2] = {"\x10\0\x88\xbe\0\0\0\x01\x10\x01\0\x09\0\0\0\0", 16, 0x0800, 0,
                      TUNNEL_ERSPAN, 9, 47, false},
    [WRAP_ERSPAN3] = {"\x10\0\x22\xeb\0\0\0\x01\x20\x01\0\x09\0\0\0\0\0\0\x80\0", 20, 0x0800, 0,
                      TUNNEL_ERSPAN, 9, 47, false},
    [WRAP_VXLAN] = {"\xc0\0\x12\xb5\0\0\0\0\x08\0\0\0\0\0\x2a\0", 16, 0x0800, 0, TUNNEL_VXLAN, 42,
                    17, false},
    [WRAP_GENEVE] = {"\xc0\0\x17\xc1\0\0\0\0\x01\0\x65\x58\0\0\x2a\0\0\0\0\0", 20, 0x86dd, 0,
                     TUNNEL_GENEVE, 42, 17, true},
    [WRAP_IPIP] = {"", 0, 0x86dd, 14, TUNNEL_IPIP, 0, 4, true},
    [WRAP_MPLS] = {"\0\x06\x41\x40", 4, 0x8847, 14, TUNNEL_MPLS, 100, 0, false},
    [WRAP_PSEUDOWIRE] = {"\0\x06\x41\x40\0\0\0\0", 8, 0x8847, 0, TUNNEL_MPLS, 100, 0, false},
    [WRAP_PPPOE] = {"\x11\0\0\x07\0\0\0\x21", 8, 0x8864, 14, TUNNEL_PPPOE, 7, 0, false},
};

/* Puts a frame into an encapsulation; the outer addresses are those of two routers. */
static void wrap(struct made_packet *m, enum wrap w)
{
    uint8_t inner[sizeof(m->bytes)], *b = m->bytes, *at = b + 14;
    size_t n = m->n - WRAPS[w].from, whole = WRAPS[w].n + n;

    memcpy(inner, m->bytes + WRAPS[w].from, n);
    memset(b, 0, 14);
    b[5] = 1;
    b[11] = 2;
    packets_u16(b + 12, WRAPS[w].type);
    if (WRAPS[w].proto && WRAPS[w].ipv6) {
        static const uint8_t address[] = {0x20, 1, 0x0d, 0xb8};
        memset(at, 0, 40);
        at[0] = 0x60;
        packets_u16(at + 4, (uint16_t)whole);
        at[6] = WRAPS[w].proto;
        at[7] = 64;
        memcpy(at + 8, address, 4);
        memcpy(at + 24, address, 4);
        at[39] = 1;
        at += 40;
    } else if (WRAPS[w].proto) {
        memset(at, 0, 20);
        at[0] = 0x45;
        packets_u16(at + 2, (uint16_t)(20 + whole));
        at[8] = 64;
        at[9] = WRAPS[w].proto;
        packets_u32(at + 12, 0xc6336401);
        packets_u32(at + 16, 0xc6336402);
        packets_store_sum(at + 10, packets_sum(at, 20, 0));
        at += 20;
    }
    memcpy(at, WRAPS[w].head, WRAPS[w].n);
    if (WRAPS[w].proto == 17)
        packets_u16(at + 4, (uint16_t)whole);
    if (w == WRAP_PPPOE)
        packets_u16(at + 4, (uint16_t)(2 + n));
    at += WRAPS[w].n;
    memcpy(at, inner, n);
    m->n = m->wire_len = (uint32_t)(at + n - b);
}

/* --- running --- */

#define TOLD_MOST 4

struct told {
    char *text[TOLD_MOST]; /* of each session that ended */
    struct session last[TOLD_MOST];
    size_t count;
    uint64_t memos; /* sessions that were told of early and not to the end */
};

static void on_session(void *user, struct session *s, enum session_milestone m)
{
    struct told *k = user;

    if (m != SESSION_CLOSED) {
        k->memos += s->memo == NULL;
        s->memo = k;
        return;
    }
    k->memos -= s->memo != NULL;
    if (k->count < TOLD_MOST) {
        k->last[k->count] = *s;
        k->text[k->count] = session_text_of(s);
    }
    k->count++;
}

static uint64_t fates(const struct dissect_counters *c)
{
    return c->not_mail + c->not_ip + c->malformed_link + c->malformed_ip + c->malformed_tcp +
           c->unknown_link + c->vlan_deep + c->malformed_tunnel + c->tunnel_deep +
           c->fragments_dropped + c->fragments_held + c->no_flow + c->half_open + c->flow_capped +
           c->dns + c->processed;
}

static struct told run(const struct packets *k, unsigned tunnels, struct dissect_counters *counters)
{
    struct told out = {.count = 0};
    struct dissect_counters c;
    struct dissect_config config;
    struct dissect *d;

    dissect_config_default(&config);
    config.max_flows = 64;
    config.tunnels = tunnels;
    d = dissect_new(&config, on_session, &out);
    for (size_t i = 0; i < k->count; i++) {
        uint8_t *copy = malloc(k->p[i].n);
        struct packet p = packets_get(k, i);
        memcpy(copy, k->p[i].bytes, k->p[i].n); /* of its own size, for the sanitizer */
        p.bytes = span_of(copy, k->p[i].n);
        dissect_packet(d, &p);
        free(copy);
    }
    dissect_finish(d);
    c = dissect_counters(d);
    assert_int_equal(c.packets, fates(&c));
    assert_int_equal(c.flows, c.flows_closed);
    assert_int_equal(c.flows_open, 0);
    assert_int_equal(out.memos, 0);
    dissect_free(d);
    if (counters)
        *counters = c;
    return out;
}

static void told_free(struct told *t)
{
    for (size_t i = 0; i < t->count && i < TOLD_MOST; i++)
        free(t->text[i]);
}

static struct packets *session(const char *reply, bool fin)
{
    struct packets *k = malloc(sizeof(*k));

    packets_begin(k, 1000, 2000);
    packets_handshake(k);
    packets_say(k, SESSION_TO_CLIENT, "220 mx1.test ESMTP\r\n");
    packets_say(k, SESSION_TO_SERVER, "EHLO out.test\r\n");
    packets_say(k, SESSION_TO_CLIENT, reply);
    packets_say(k, SESSION_TO_SERVER, "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 ok\r\n250 ok\r\n354 go\r\n");
    packets_say(k, SESSION_TO_SERVER, "Subject: EHLO\r\n\r\n250-STARTTLS\r\n.\r\nQUIT\r\n");
    packets_say(k, SESSION_TO_CLIENT, "250 queued\r\n221 bye\r\n");
    if (fin)
        packets_fin(k);
    return k;
}

/* The packets of `b` between those of `a`, each right behind its counterpart, or before it. */
static struct packets *together(const struct packets *a, const struct packets *b, bool before)
{
    struct packets *k = malloc(sizeof(*k));

    *k = *a;
    k->count = 0;
    for (size_t i = 0; i < a->count || i < b->count; i++)
        for (int j = 0; j < 2; j++) {
            const struct packets *from = (j == 0) == before ? b : a;
            if (i < from->count) {
                k->p[k->count] = from->p[i];
                k->p[k->count].time += (j == 0) == before ? -1000 : 0;
                k->count++;
            }
        }
    return k;
}

static void wrap_all(struct packets *k, enum wrap w)
{
    for (size_t i = 0; i < k->count; i++)
        wrap(&k->p[i], w);
}

static uint64_t counted(const struct dissect_counters *c, enum tunnel_kind kind)
{
    const uint64_t n[TUNNEL_KIND_COUNT] = {0,         c->gre,  c->erspan, c->vxlan,
                                           c->geneve, c->ipip, c->mpls,   c->pppoe};

    return n[kind];
}

/* --- what is inside is read --- */

static void test_each_kind(void **state)
{
    struct packets *plain = session(GARBLED, true);
    struct told want = run(plain, TUNNEL_ALL, NULL);

    (void)state;
    for (enum wrap w = 0; w < WRAP_COUNT; w++) {
        struct packets *k = session(GARBLED, true);
        struct dissect_counters c;
        struct told got;

        wrap_all(k, w);
        got = run(k, TUNNEL_ALL, &c);
        assert_int_equal(got.count, 1);
        assert_string_equal(got.text[0], want.text[0]);
        assert_int_equal(got.last[0].tunnel_count, 1);
        assert_int_equal(got.last[0].tunnel[0].kind, WRAPS[w].kind);
        assert_int_equal(got.last[0].tunnel[0].id, WRAPS[w].id);
        assert_int_equal(got.last[0].key.tunnel,
                         WRAPS[w].kind <= TUNNEL_IP_LAST ? WRAPS[w].kind : 0);
        assert_int_equal(counted(&c, WRAPS[w].kind), k->count);
        told_free(&got);
        /* Switched off it is no mail, or no IP. */
        got = run(k, TUNNEL_ALL & ~TUNNEL_BIT(WRAPS[w].kind), &c);
        assert_int_equal(got.count, 0);
        assert_int_equal(c.not_mail + c.not_ip, k->count);
        free(k);
    }
    told_free(&want);
    free(plain);
}

/* As deep as the cap in any mixture of two, and no deeper. */
static void test_depth(void **state)
{
    (void)state;
    for (enum wrap w = 0; w < WRAP_COUNT; w++)
        for (int depth = 1; depth <= CAP_TUNNEL_DEPTH + 1; depth++) {
            struct packets *k = session(GARBLED, true);
            struct dissect_counters c;
            struct told got;

            for (int i = 0; i < depth; i++)
                wrap_all(k, i & 1 ? w : WRAP_VXLAN);
            got = run(k, TUNNEL_ALL, &c);
            assert_int_equal(got.count, depth <= CAP_TUNNEL_DEPTH);
            assert_int_equal(c.tunnel_deep, depth <= CAP_TUNNEL_DEPTH ? 0 : k->count);
            told_free(&got);
            free(k);
        }
}

/* A mirror that cuts what it wraps: the same as where the capture was cut, and no malformed IP. */
static void test_cut_inside(void **state)
{
    struct packets *k = session(GARBLED, true);
    struct dissect_counters c;
    struct told want, got;

    (void)state;
    for (size_t i = 0; i < k->count; i++)
        k->p[i].n = k->p[i].n > 64 ? 64 : k->p[i].n;
    want = run(k, TUNNEL_ALL, NULL);
    assert_true(want.last[0].cut_bytes[SESSION_TO_CLIENT] > 0);
    for (size_t i = 0; i < k->count; i++)
        wrap(&k->p[i], WRAP_VXLAN);
    got = run(k, TUNNEL_ALL, &c);
    assert_int_equal(got.count, 1);
    assert_int_equal(c.malformed_ip, 0);
    assert_string_equal(got.text[0], want.text[0]);
    told_free(&got);
    told_free(&want);
    free(k);
}

/* Two copies of each packet from two numbers of one kind: two places, as with two VLANs. */
static void test_two_tunnels_of_one_kind(void **state)
{
    struct packets *a = session(GARBLED, true), *b = session(GARBLED, true), *k;
    struct dissect_counters c;
    struct told got;

    (void)state;
    wrap_all(a, WRAP_ERSPAN2);
    wrap_all(b, WRAP_ERSPAN2);
    for (size_t i = 0; i < b->count; i++)
        b->p[i].bytes[14 + 20 + 8 + 3] = 10; /* another session */
    k = together(a, b, false);
    got = run(k, TUNNEL_ALL, &c);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.last[0].conflicts, 0);
    assert_int_equal(c.second_views, 1);
    told_free(&got);
    free(a);
    free(b);
    free(k);
}

/* --- native and in a tunnel --- */

/* One session, of which nothing is in conflict; whether it ended or the capture did. */
static void test_copy_in_a_tunnel(void **state)
{
    (void)state;
    for (enum wrap w = 0; w < WRAP_COUNT; w++)
        for (int how = 0; how < 4; how++) {
            struct packets *a = session(OFFERED, how & 1), *b = session(OFFERED, how & 1), *k;
            struct told want = run(a, TUNNEL_ALL, NULL), got;
            struct dissect_counters c;

            wrap_all(b, w);
            k = together(a, b, how & 2);
            got = run(k, TUNNEL_ALL, &c);
            assert_int_equal(got.count, 1);
            assert_string_equal(got.text[0], want.text[0]);
            assert_int_equal(got.last[0].conflicts, 0);
            assert_int_equal(got.last[0].breaks, 0);
            assert_int_equal(c.second_views, 1);
            told_free(&got);
            told_free(&want);
            free(a);
            free(b);
            free(k);
        }
}

/* Where the words differ both are told of: the mail was stripped on one of the two ways. */
static void test_other_words_in_a_tunnel(void **state)
{
    (void)state;
    for (int how = 0; how < 8; how++) {
        struct packets *a = session(how & 4 ? GARBLED : OFFERED, how & 1);
        struct packets *b = session(how & 4 ? OFFERED : GARBLED, how & 1);
        struct packets *k;
        struct told native = run(a, TUNNEL_ALL, NULL), inside, got;

        wrap_all(b, WRAP_GRE);
        inside = run(b, TUNNEL_ALL, NULL);
        k = together(a, b, how & 2);
        got = run(k, TUNNEL_ALL, NULL);
        assert_int_equal(got.count, 2);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(got.last[i].conflicts, 0);
            assert_string_equal(got.text[i],
                                got.last[i].key.tunnel ? inside.text[0] : native.text[0]);
        }
        assert_int_not_equal(got.last[0].flow_id, got.last[1].flow_id);
        told_free(&got);
        told_free(&inside);
        told_free(&native);
        free(a);
        free(b);
        free(k);
    }
}

/* --- forged --- */

enum forged { FORGED_RESETS, FORGED_REPLY, FORGED_SYN_ACK, FORGED_FIN, FORGED_ALL, FORGED_COUNT };

/* What an attacker who knows every number would send into the connection, before each packet. */
static void forge(struct packets *k, const struct packets *of, enum forged what, enum wrap w)
{
    uint32_t seq[2] = {1001, 2001};

    *k = *of;
    k->count = 0;
    for (size_t i = 0; i < of->count; i++) {
        const uint8_t *tcp = of->p[i].bytes + 34;
        enum session_dir d = tcp_be16(tcp) == 25 ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
        size_t first = k->count;

        k->now = of->p[i].time - NS_PER_US;
        if (i > 0 && (what == FORGED_RESETS || what == FORGED_ALL))
            for (int o = 0; o < 2; o++)
                packets_raw(k, (enum session_dir)o, seq[o], seq[!o], TCP_RST | TCP_ACK, NULL, 0);
        if (i > 0 && (what == FORGED_FIN || what == FORGED_ALL))
            for (int o = 0; o < 2; o++)
                packets_raw(k, (enum session_dir)o, seq[o], seq[!o], TCP_FIN | TCP_ACK, NULL, 0);
        if (what == FORGED_SYN_ACK || what == FORGED_ALL) {
            packets_raw(k, SESSION_TO_SERVER, 77, 0, TCP_SYN, NULL, 0);
            packets_raw(k, SESSION_TO_CLIENT, 99, 78, TCP_SYN | TCP_ACK, NULL, 0);
        }
        if (i == 7 && (what == FORGED_REPLY || what == FORGED_ALL)) /* with the reply to EHLO */
            packets_raw(k, SESSION_TO_CLIENT, seq[1], seq[0], TCP_ACK | TCP_PSH, OFFERED,
                        sizeof(OFFERED) - 1);
        for (size_t j = first; j < k->count; j++)
            wrap(&k->p[j], w);
        k->p[k->count++] = of->p[i];
        if (of->p[i].n > 54 || (tcp[13] & TCP_SYN))
            seq[d] = tcp_be32(tcp + 4) + (uint32_t)(of->p[i].n - 54) + ((tcp[13] & TCP_SYN) != 0);
    }
}

static const char *native_text(const struct told *t, const struct session **s)
{
    for (size_t i = 0; i < t->count && i < TOLD_MOST; i++)
        if (t->last[i].key.tunnel == 0) {
            *s = &t->last[i];
            return t->text[i];
        }
    return NULL;
}

/* The native session is what it is without them, to the last counter. */
static void test_forged_inside(void **state)
{
    struct packets *of = session(GARBLED, true), *k = malloc(sizeof(*k));
    struct told want = run(of, TUNNEL_ALL, NULL);

    (void)state;
    for (enum wrap w = 0; w < WRAP_COUNT; w++) {
        if (WRAPS[w].kind > TUNNEL_IP_LAST) /* those are of the link: nobody sends them from afar */
            continue;
        for (enum forged what = 0; what < FORGED_COUNT; what++) {
            const struct session *s = NULL;
            struct told got;
            const char *text;

            forge(k, of, what, w);
            got = run(k, TUNNEL_ALL, NULL);
            text = native_text(&got, &s);
            assert_non_null(text);
            assert_string_equal(text, want.text[0]);
            assert_int_equal(s->flow_id, want.last[0].flow_id);
            assert_int_equal(s->closed, want.last[0].closed);
            assert_int_equal(s->tamper_count + s->conflicts + s->odd_resets + s->resets_outlived,
                             0);
            assert_int_equal(s->packets[0], want.last[0].packets[0]);
            assert_int_equal(s->packets[1], want.last[0].packets[1]);
            assert_null(s->other);
            assert_null(s->twin);
            told_free(&got);
        }
    }
    told_free(&want);
    free(of);
    free(k);
}

/* Cuts an IPv4 frame into two pieces. */
static void split(const struct made_packet *whole, uint16_t id, struct made_packet piece[2])
{
    uint32_t cut = 34 + 16, rest = whole->n - cut;

    piece[0] = piece[1] = *whole;
    piece[0].n = piece[0].wire_len = cut;
    packets_u16(piece[0].bytes + 16, 20 + 16);
    packets_u16(piece[0].bytes + 20, 0x2000);
    piece[1].n = piece[1].wire_len = 34 + rest;
    memmove(piece[1].bytes + 34, piece[1].bytes + cut, rest);
    packets_u16(piece[1].bytes + 16, (uint16_t)(20 + rest));
    packets_u16(piece[1].bytes + 20, 2);
    for (int j = 0; j < 2; j++) {
        packets_u16(piece[j].bytes + 18, id);
        packets_u16(piece[j].bytes + 24, 0);
        packets_store_sum(piece[j].bytes + 24, packets_sum(piece[j].bytes + 14, 20, 0));
    }
}

/* A fragment inside a tunnel with the addresses and the number of a native one: not its piece. */
static void test_forged_fragment(void **state)
{
    struct packets *of = session(GARBLED, true), *k = malloc(sizeof(*k));
    struct told want = run(of, TUNNEL_ALL, NULL), got;
    const struct session *s = NULL;

    (void)state;
    *k = *of;
    k->count = 0;
    for (size_t i = 0; i < of->count; i++) {
        struct made_packet piece[2];

        split(&of->p[i], (uint16_t)(500 + i), piece);
        k->p[k->count] = piece[1]; /* the forged one, before */
        memset(k->p[k->count].bytes + 34, 'X', piece[1].n - 34);
        wrap(&k->p[k->count++], i & 1 ? WRAP_VXLAN : WRAP_IPIP);
        k->p[k->count++] = piece[0];
        k->p[k->count++] = piece[1];
    }
    got = run(k, TUNNEL_ALL, NULL);
    assert_string_equal(native_text(&got, &s), want.text[0]);
    told_free(&got);
    told_free(&want);
    free(of);
    free(k);
}

/* --- fragments of the outside, and inside --- */

/* Cut outside, inside, or both, the pieces in either order: the same session. */
static void test_fragments(void **state)
{
    struct packets *of = session(GARBLED, true), *k = malloc(sizeof(*k));
    struct told want = run(of, TUNNEL_ALL, NULL);
    static const enum wrap kinds[] = {WRAP_GRE, WRAP_GRE_ETHERNET, WRAP_ERSPAN2, WRAP_VXLAN};

    (void)state;
    for (int how = 0; how < 16; how++)
        for (size_t at = 0; at < sizeof(kinds) / sizeof(kinds[0]); at++) {
            struct told got;
            struct dissect_counters c;

            *k = *of;
            k->count = 0;
            for (size_t i = 0; i < of->count; i++) {
                struct made_packet inner[2] = {of->p[i]}, outer[2];
                int pieces = 1, first = (how & 4) != 0;

                if (how & 1) {
                    split(&of->p[i], (uint16_t)(500 + i), inner);
                    pieces = 2;
                }
                for (int j = 0; j < pieces; j++) {
                    struct made_packet *m = &inner[pieces == 2 ? j ^ first : j];
                    wrap(m, kinds[at]);
                    if (!(how & 2)) {
                        k->p[k->count++] = *m;
                        continue;
                    }
                    split(m, (uint16_t)(1000 + k->count), outer);
                    k->p[k->count++] = outer[(how & 8) != 0];
                    k->p[k->count++] = outer[(how & 8) == 0];
                }
            }
            got = run(k, TUNNEL_ALL, &c);
            assert_int_equal(got.count, 1);
            assert_string_equal(got.text[0], want.text[0]);
            assert_int_equal(c.fragments_dropped, 0);
            assert_int_equal(c.fragments_held + of->count, k->count);
            told_free(&got);
        }
    told_free(&want);
    free(of);
    free(k);
}

/* --- DNS --- */

static void on_dns_session(void *user, struct session *s, enum session_milestone m)
{
    (void)user;
    (void)s;
    (void)m;
}

static void on_dns(void *user, const struct dns_sighting *s)
{
    (void)s;
    ++*(unsigned *)user;
}

/* Read outside and behind a label; what comes in IP tunnels is nobody's. */
static void test_dns(void **state)
{
    static const uint8_t query[] = {0xc0, 1, 0,   53,  0,   33, 0, 0, /* www.test A */
                                    0,    9, 1,   0,   0,   1,  0, 0, 0, 0, 0,
                                    0,    3, 'w', 'w', 'w', 0,  0, 1, 0, 1};
    struct packets *k = malloc(sizeof(*k));

    (void)state;
    for (int w = -1; w < WRAP_COUNT; w++) {
        bool read = w < 0 || WRAPS[w].kind > TUNNEL_IP_LAST;
        unsigned told = 0;
        struct dissect_config config;
        struct dissect_counters c;
        struct made_packet *m;
        struct packet p;
        struct dissect *d;

        packets_begin(k, 1, 1);
        m = packets_raw(k, SESSION_TO_SERVER, 0, 0, 0, query, sizeof(query) - 20);
        m->bytes[14 + 9] = 17;
        packets_u16(m->bytes + 24, 0);
        packets_store_sum(m->bytes + 24, packets_sum(m->bytes + 14, 20, 0));
        memcpy(m->bytes + 34, query, sizeof(query));
        packets_u16(m->bytes + 38, sizeof(query));
        if (w >= 0)
            wrap(m, (enum wrap)w);
        dissect_config_default(&config);
        config.dns = on_dns;
        d = dissect_new(&config, on_dns_session, &told);
        p = packets_get(k, 0);
        dissect_packet(d, &p);
        c = dissect_counters(d);
        assert_int_equal(told, read);
        assert_int_equal(c.dns, read);
        assert_int_equal(c.not_mail, !read);
        dissect_free(d);
    }
    free(k);
}

/* --- damage --- */

/* Cut at every byte, and with every bit turned: every packet has its fate. */
static void test_damage(void **state)
{
    struct packets *k = malloc(sizeof(*k)), *of = session(GARBLED, true);

    (void)state;
    for (enum wrap w = 0; w < WRAP_COUNT; w++)
        for (int depth = 1; depth <= 2; depth++) {
            struct made_packet m = of->p[5];
            struct told got;

            for (int i = 0; i < depth; i++)
                wrap(&m, i ? WRAP_ERSPAN3 : w);
            packets_begin(k, 1000, 2000);
            for (uint32_t n = 0; n < m.n; n++) {
                k->p[k->count] = m;
                k->p[k->count++].n = n;
                k->p[k->count] = m;
                k->p[k->count].n = n;
                k->p[k->count++].wire_len = n;
            }
            for (uint32_t bit = 0; bit < 8 * m.n && k->count < PACKETS_MAX; bit++) {
                k->p[k->count] = m;
                k->p[k->count++].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            got = run(k, TUNNEL_ALL, NULL);
            told_free(&got);
        }
    free(of);
    free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind),        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_cut_inside),       cmocka_unit_test(test_two_tunnels_of_one_kind),
        cmocka_unit_test(test_copy_in_a_tunnel), cmocka_unit_test(test_other_words_in_a_tunnel),
        cmocka_unit_test(test_forged_inside),    cmocka_unit_test(test_forged_fragment),
        cmocka_unit_test(test_fragments),        cmocka_unit_test(test_dns),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
