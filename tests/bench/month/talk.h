/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection as it will stand in the capture: its packets with their times, sequence numbers
 * and acknowledgements. It is written whole before its first packet goes out, by saying who sends
 * what; the time at which the tap sees a packet follows from who spoke before. Then flaws of the
 * capture may be laid over it: packets that the tap missed, or that it saw twice.
 */
#ifndef TESTS_BENCH_MONTH_TALK_H
#define TESTS_BENCH_MONTH_TALK_H

#include "../packets.h"

enum { CLIENT, SERVER };
enum { TALK_PACKETS = 160, TALK_BYTES = 24576, TALK_MSS = 1460 };

struct talk_packet {
    uint64_t at;       /* microseconds since 1970 */
    uint32_t seq, ack; /* as they stand in the header */
    uint32_t data;     /* offset in bytes[] */
    uint16_t size;
    uint8_t side;   /* of the sender */
    uint8_t flags;  /* FIN, SYN ... */
    uint8_t copies; /* in the capture: 1, or 0 or 2 by a flaw */
};

struct talk {
    struct talk *next_free;
    uint64_t now;     /* of the last packet so far */
    uint32_t rtt;     /* microseconds from the tap to the far end and back */
    uint32_t seq[2];  /* of the next byte of each side */
    uint32_t away[2]; /* of the first byte that never came here, where is_away */
    bool is_away[2];
    uint32_t used;  /* bytes[] */
    uint16_t count; /* packet[] */
    uint16_t sent;  /* those that have gone out */
    uint16_t port[2];
    uint8_t addr[2][16];
    uint8_t mac[2][6];
    uint8_t ttl[2];
    bool ipv6;
    bool windows;    /* SYN options as Windows orders them, else as Linux does */
    uint8_t near;    /* the side that is close to the tap */
    uint8_t last;    /* side that sent the last packet */
    uint16_t flight; /* segments with payload in a row from that side */
    uint16_t ident[2];
    struct rng rng;
    struct talk_packet packet[TALK_PACKETS];
    uint8_t bytes[TALK_BYTES];
};

/* Begins at `now`, with addresses, ports, hop limits and rtt set; seeds its numbers. */
void talk_begin(struct talk *t, uint64_t now, uint64_t seed);

/* SYN, SYN/ACK, ACK. */
void talk_open(struct talk *t);

/* The next packet comes so much later than it would. */
void talk_wait(struct talk *t, uint64_t microseconds);

/* Bytes from one side, in as many segments as they need. */
void talk_send(struct talk *t, int side, const void *bytes, size_t size);

/* Text from one side: strings up to a null pointer, one after the other. */
void talk_say(struct talk *t, int side, ...) __attribute__((sentinel));

/* Room for `size` bytes, which talk_sent() then sends. A talk has TALK_BYTES in all. */
uint8_t *talk_room(struct talk *t, size_t size);
void talk_sent(struct talk *t, int side, size_t size);

/* So many bytes of this side go away before the tap: nobody acknowledges them, nor what follows. */
void talk_away(struct talk *t, int side, uint32_t size);

/* A segment without payload. */
void talk_flags(struct talk *t, int side, uint8_t flags);

/* The last segment of this side with payload `times` more times, 1 s, 2 s, 4 s ... apart. */
void talk_again(struct talk *t, int side, int times);

/* Both directions close, `side` first. */
void talk_close(struct talk *t, int side);

/* Nothing of the connection is seen from this packet on. */
void talk_cut(struct talk *t, uint16_t count);

#endif
