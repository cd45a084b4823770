/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What trafficgen has beside its packets: text and filler to copy payload from, addresses, and the
 * capture file.
 */
#ifndef TESTS_BENCH_FRAMES_H
#define TESTS_BENCH_FRAMES_H

#include "packets.h"

#include <stdio.h>
#include <stdlib.h>

enum { POOL = 1 << 18 };

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

#endif
