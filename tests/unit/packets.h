/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of one made-up TCP connection, checksums right, so that tests can lose and shuffle them.
 */
#ifndef TESTS_UNIT_PACKETS_H
#define TESTS_UNIT_PACKETS_H

#include <stddef.h>

#include "dissect/dissect.h"
#include "dissect/tcp.h"

#define PACKETS_MAX 4096

struct made_packet {
    uint8_t bytes[1600];
    uint32_t n;
    uint32_t wire_len;
    nstime time;
};

struct packets {
    struct made_packet p[PACKETS_MAX];
    size_t count;
    nstime now;
    uint16_t client_port, server_port;
    uint32_t seq[SESSION_DIR_COUNT]; /* next to send */
    uint16_t ip_id;
    uint32_t mss;
};

static inline uint32_t packets_sum(const uint8_t *b, size_t n, uint32_t sum)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)(b[i] << 8 | b[i + 1]);
    if (n & 1)
        sum += (uint32_t)(b[n - 1] << 8);
    return sum;
}

static inline void packets_store_sum(uint8_t *at, uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    at[0] = (uint8_t)(~sum >> 8);
    at[1] = (uint8_t)~sum;
}

static inline void packets_u16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static inline void packets_u32(uint8_t *at, uint32_t v)
{
    packets_u16(at, (uint16_t)(v >> 16));
    packets_u16(at + 2, (uint16_t)v);
}

/* One segment: Ethernet, IPv4, TCP without options. */
static inline struct made_packet *packets_raw(struct packets *k, enum session_dir d, uint32_t seq,
                                              uint32_t ack, uint8_t flags, const void *data,
                                              size_t n)
{
    struct made_packet *m = &k->p[k->count++];
    uint8_t *b = m->bytes, *ip = b + 14, *tcp = b + 34;
    uint8_t pseudo[12] = {192, 0, 2, 1, 192, 0, 2, 2, 0, 6};
    bool up = d == SESSION_TO_SERVER;

    memset(b, 0, 54);
    b[12] = 0x08;
    ip[0] = 0x45;
    packets_u16(ip + 2, (uint16_t)(40 + n));
    packets_u16(ip + 4, ++k->ip_id);
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, pseudo + (up ? 0 : 4), 4);
    memcpy(ip + 16, pseudo + (up ? 4 : 0), 4);
    packets_store_sum(ip + 10, packets_sum(ip, 20, 0));
    packets_u16(tcp, up ? k->client_port : k->server_port);
    packets_u16(tcp + 2, up ? k->server_port : k->client_port);
    packets_u32(tcp + 4, seq);
    packets_u32(tcp + 8, ack);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    packets_u16(tcp + 14, 64000);
    if (n)
        memcpy(tcp + 20, data, n);
    packets_u16(pseudo + 10, (uint16_t)(20 + n));
    packets_store_sum(tcp + 16, packets_sum(tcp, 20 + n, packets_sum(pseudo, 12, 0)));
    m->n = (uint32_t)(54 + n);
    m->wire_len = m->n;
    m->time = k->now;
    k->now += NS_PER_MS;
    return m;
}

static inline void packets_begin(struct packets *k, uint32_t client_isn, uint32_t server_isn)
{
    memset((uint8_t *)k + offsetof(struct packets, count), 0,
           sizeof(*k) - offsetof(struct packets, count));
    k->now = 1000 * NS_PER_S;
    k->client_port = 40000;
    k->server_port = 25;
    k->mss = 1400;
    k->seq[0] = client_isn + 1;
    k->seq[1] = server_isn + 1;
}

static inline void packets_handshake(struct packets *k)
{
    packets_raw(k, SESSION_TO_SERVER, k->seq[0] - 1, 0, TCP_SYN, NULL, 0);
    packets_raw(k, SESSION_TO_CLIENT, k->seq[1] - 1, k->seq[0], TCP_SYN | TCP_ACK, NULL, 0);
    packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1], TCP_ACK, NULL, 0);
}

/* Data, in segments of at most the mss; the other side acknowledges each. */
static inline void packets_say(struct packets *k, enum session_dir d, const char *text)
{
    enum session_dir o = d == SESSION_TO_SERVER ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
    size_t n = strlen(text);

    for (size_t at = 0; at < n;) {
        size_t m = n - at < k->mss ? n - at : k->mss;
        packets_raw(k, d, k->seq[d], k->seq[o], TCP_ACK | TCP_PSH, text + at, m);
        k->seq[d] += (uint32_t)m;
        at += m;
    }
    packets_raw(k, o, k->seq[o], k->seq[d], TCP_ACK, NULL, 0);
}

static inline void packets_fin(struct packets *k)
{
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        packets_raw(k, (enum session_dir)d, k->seq[d], k->seq[!d], TCP_FIN | TCP_ACK, NULL, 0);
        k->seq[d]++;
    }
    packets_raw(k, SESSION_TO_SERVER, k->seq[0], k->seq[1], TCP_ACK, NULL, 0);
}

static inline struct packet packets_get(const struct packets *k, size_t i)
{
    return (struct packet){.time = k->p[i].time,
                           .bytes = span_of(k->p[i].bytes, k->p[i].n),
                           .wire_len = k->p[i].wire_len,
                           .link = 1};
}

#endif
