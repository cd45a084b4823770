/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What trafficgen makes its packets of: numbers that look random and are the same every time, text
 * and filler to copy payload from, IP and TCP headers with their checksums, and the capture file.
 */
#ifndef TESTS_BENCH_FRAMES_H
#define TESTS_BENCH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 1 << 18, FRAME = 2048 };
enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };
enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40, TCP = 20, UDP = 8 };

struct rng {
    uint64_t s;
};

static struct {
    FILE *out;
    uint64_t time, packets, bytes;
    uint64_t pace; /* microseconds between packets; 0: 7 to 11 */
    bool noise;    /* reorders and repeats a few packets */
    uint8_t held[FRAME];
    size_t held_size;
    int held_for;
} wire;

static uint8_t mail_pool[2 * POOL], random_pool[2 * POOL];

static uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->s += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

static void pools_fill(void)
{
    static const char *const word[] = {"the",     "quick",   "letter", "over", "lazy",
                                       "invoice", "meeting", "a",      "plan", "of",
                                       "next",    "week",    "please", "find"};
    struct rng r = {77};
    size_t at = 0, column = 0;

    for (size_t i = 0; i < POOL; i++)
        random_pool[i] = (uint8_t)rng_next(&r);
    while (at < POOL) {
        const char *w = word[rng_below(&r, sizeof word / sizeof word[0])];
        const char *end = column > 60 ? "\r\n" : " ";
        int n = snprintf((char *)mail_pool + at, 32, "%s%s", w, end);
        at += (size_t)n;
        column = column > 60 ? 0 : column + (size_t)n;
    }
    memcpy(mail_pool + POOL - 2, "\r\n", 2);
    memcpy(mail_pool + POOL, mail_pool, POOL);
    memcpy(random_pool + POOL, random_pool, POOL);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

/* Sum of 16-bit words in the machine's order (RFC 1071 section 2: the order does not matter). */
static uint64_t sum16(const uint8_t *p, size_t n)
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

static void put_checksum(uint8_t *field, uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    uint16_t v = (uint16_t)~sum;
    memcpy(field, &v, 2);
}

static void wire_write(const uint8_t *frame, size_t size)
{
    uint32_t head[4] = {(uint32_t)(wire.time / 1000000), (uint32_t)(wire.time % 1000000),
                        (uint32_t)size, (uint32_t)size};

    wire.time += wire.pace ? wire.pace : 7 + wire.packets % 5;
    if (fwrite(head, sizeof head, 1, wire.out) != 1 || fwrite(frame, size, 1, wire.out) != 1) {
        perror("trafficgen");
        exit(1);
    }
    wire.packets++;
    wire.bytes += sizeof head + size;
}

static void wire_flush(void)
{
    if (wire.held_size)
        wire_write(wire.held, wire.held_size);
    wire.held_size = 0;
}

/* Of a thousand packets two come late, and one comes twice. */
static void wire_send(const uint8_t *frame, size_t size, struct rng *rng)
{
    uint32_t luck = wire.noise ? rng_below(rng, 1000) : 1000;

    if (luck < 2 && !wire.held_size) {
        memcpy(wire.held, frame, size);
        wire.held_size = size;
        wire.held_for = 1 + (int)rng_below(rng, 3);
        return;
    }
    wire_write(frame, size);
    if (luck == 2)
        wire_write(frame, size);
    if (wire.held_size && --wire.held_for <= 0)
        wire_flush();
}

static size_t put_ip(uint8_t *ip, bool ipv6, const uint8_t *src, const uint8_t *dst, uint16_t ident,
                     uint8_t proto, size_t body)
{
    if (ipv6) {
        put32(ip, UINT32_C(6) << 28);
        put16(ip + 4, (uint32_t)body);
        ip[6] = proto;
        ip[7] = 60;
        memcpy(ip + 8, src, 16);
        memcpy(ip + 24, dst, 16);
        return IPV6;
    }
    memcpy(ip, "\x45\0\0\0\0\0\x40\0\x3c\0\0\0", 12);
    put16(ip + 2, (uint32_t)(IPV4 + body));
    put16(ip + 4, ident);
    ip[9] = proto;
    memcpy(ip + 12, src, 4);
    memcpy(ip + 16, dst, 4);
    put_checksum(ip + 10, sum16(ip, IPV4));
    return IPV4;
}

/* Client and server of a number: no two sessions share a four-tuple. */
static void ends(uint32_t number, bool ipv6, uint8_t addr[2][16], uint16_t port[2])
{
    uint32_t host = number / 28000, server = number % 2003;

    memset(addr, 0, 32);
    if (ipv6)
        memcpy(addr[0], "\x20\x01\x0d\xb8\0\x0a", 6), memcpy(addr[1], "\x20\x01\x0d\xb8\0\x19", 6);
    put32(addr[0] + (ipv6 ? 12 : 0), UINT32_C(0x0A000001) + host);
    put32(addr[1] + (ipv6 ? 12 : 0), UINT32_C(0xC6336401) + server);
    port[0] = (uint16_t)(32768 + number % 28000);
    port[1] = 25;
}

struct tcp {
    const uint8_t *src, *dst;
    uint32_t seq, ack;
    uint16_t sport, dport, ident;
    uint8_t flags;
    bool ipv6;
};

/* The frame's header around a payload that stands already where payload_of() says. */
static uint8_t *payload_of(uint8_t *frame, bool ipv6)
{
    return frame + ETHERNET + (ipv6 ? IPV6 : IPV4) + TCP;
}

static size_t tcp_frame(uint8_t *frame, const struct tcp *t, size_t payload)
{
    size_t length = t->ipv6 ? 16 : 4;
    uint8_t *ip = frame + ETHERNET, *tcp;
    uint8_t proto[4] = {0, 6};

    memcpy(frame, t->ipv6 ? "\2\0\0\0\0\1\2\0\0\0\0\2\x86\xdd" : "\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00",
           ETHERNET);
    tcp = ip + put_ip(ip, t->ipv6, t->src, t->dst, t->ident, 6, TCP + payload);
    put16(tcp, t->sport);
    put16(tcp + 2, t->dport);
    put32(tcp + 4, t->seq);
    put32(tcp + 8, t->ack);
    tcp[12] = TCP / 4 << 4;
    tcp[13] = t->flags;
    memcpy(tcp + 14, "\xff\xff\0\0\0\0", 6);
    put16(proto + 2, (uint32_t)(TCP + payload));
    put_checksum(tcp + 16, sum16(t->src, length) + sum16(t->dst, length) + sum16(proto, 4) +
                               sum16(tcp, TCP + payload));
    return (size_t)(tcp - frame) + TCP + payload;
}

#endif
