/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the generators make their packets of: numbers that look random and are the same every time,
 * IP and TCP headers with their checksums.
 */
#ifndef TESTS_BENCH_PACKETS_H
#define TESTS_BENCH_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FRAME = 2048 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40, TCP = 20, UDP = 8 };

struct rng {
    uint64_t s;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->s += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

static inline void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

/* Sum of 16-bit words in the machine's order (RFC 1071 section 2: the order does not matter). */
static inline uint64_t sum16(const uint8_t *p, size_t n)
{
    uint64_t sum = 0;
    uint16_t v;

    for (; n >= 2; p += 2, n -= 2) {
        memcpy(&v, p, 2);
        sum += v;
    }
    if (n) {
        uint8_t last[2] = {*p, 0};
        memcpy(&v, last, 2);
        sum += v;
    }
    return sum;
}

static inline void put_checksum(uint8_t *field, uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    uint16_t v = (uint16_t)~sum;
    memcpy(field, &v, 2);
}

static inline size_t put_ip(uint8_t *ip, bool ipv6, const uint8_t *src, const uint8_t *dst,
                            uint16_t ident, uint8_t proto, uint8_t ttl, size_t body)
{
    if (ipv6) {
        put32(ip, UINT32_C(6) << 28);
        put16(ip + 4, (uint32_t)body);
        ip[6] = proto;
        ip[7] = ttl ? ttl : 60;
        memcpy(ip + 8, src, 16);
        memcpy(ip + 24, dst, 16);
        return IPV6;
    }
    memcpy(ip, "\x45\0\0\0\0\0\x40\0\x3c\0\0\0", 12);
    put16(ip + 2, (uint32_t)(IPV4 + body));
    put16(ip + 4, ident);
    ip[8] = ttl ? ttl : 60;
    ip[9] = proto;
    memcpy(ip + 12, src, 4);
    memcpy(ip + 16, dst, 4);
    put_checksum(ip + 10, sum16(ip, IPV4));
    return IPV4;
}

struct tcp {
    const uint8_t *src, *dst;
    uint32_t seq, ack;
    const uint8_t *options; /* a multiple of four bytes, behind the fixed header */
    size_t option_size;
    uint16_t sport, dport, ident;
    uint8_t flags;
    bool ipv6;
    uint8_t ttl; /* 0: 60 */
};

/* Where the payload of a segment without options stands. */
static inline uint8_t *payload_of(uint8_t *frame, bool ipv6)
{
    return frame + ETHERNET + (ipv6 ? IPV6 : IPV4) + TCP;
}

/* The frame's header around a payload that stands already where payload_of() says; options go with
 * no payload. */
static inline size_t tcp_frame(uint8_t *frame, const struct tcp *t, size_t payload)
{
    size_t length = t->ipv6 ? 16 : 4;
    uint8_t *ip = frame + ETHERNET, *tcp;
    uint8_t proto[4] = {0, 6};

    payload += t->option_size;
    memcpy(frame, t->ipv6 ? "\2\0\0\0\0\1\2\0\0\0\0\2\x86\xdd" : "\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00",
           ETHERNET);
    tcp = ip + put_ip(ip, t->ipv6, t->src, t->dst, t->ident, 6, t->ttl, TCP + payload);
    put16(tcp, t->sport);
    put16(tcp + 2, t->dport);
    put32(tcp + 4, t->seq);
    put32(tcp + 8, t->ack);
    tcp[12] = (uint8_t)((TCP + t->option_size) / 4 << 4);
    tcp[13] = t->flags;
    memcpy(tcp + 14, "\xff\xff\0\0\0\0", 6);
    if (t->option_size)
        memcpy(tcp + TCP, t->options, t->option_size);
    put16(proto + 2, (uint32_t)(TCP + payload));
    put_checksum(tcp + 16, sum16(t->src, length) + sum16(t->dst, length) + sum16(proto, 4) +
                               sum16(tcp, TCP + payload));
    return (size_t)(tcp - frame) + TCP + payload;
}

#endif
