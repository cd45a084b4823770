/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include <stdlib.h>

enum { BUFFER = 1 << 20, RECORD_HEADER = 16 };

static struct {
    FILE *out;
    uint64_t bytes;
    size_t used;
    uint8_t buffer[BUFFER];
} tap;

static void flush(void)
{
    if (tap.used && fwrite(tap.buffer, tap.used, 1, tap.out) != 1) {
        perror("monthgen");
        exit(1);
    }
    tap.bytes += tap.used;
    tap.used = 0;
}

/* Room for a frame, behind its record's header. */
static uint8_t *frame_begin(void)
{
    if (tap.used + RECORD_HEADER + FRAME > BUFFER)
        flush();
    return tap.buffer + tap.used + RECORD_HEADER;
}

static void frame_end(uint64_t at, size_t size)
{
    uint32_t head[4] = {(uint32_t)(at / 1000000), (uint32_t)(at % 1000000), (uint32_t)size,
                        (uint32_t)size};

    memcpy(tap.buffer + tap.used, head, sizeof head);
    tap.used += RECORD_HEADER + size;
}

void tap_open(FILE *out)
{
    static const uint32_t header[6] = {0xA1B2C3D4, 4 << 16 | 2, 0, 0, 65535, 1};

    tap.out = out;
    memcpy(tap.buffer, header, sizeof header);
    tap.used = sizeof header;
}

void tap_packet(struct talk *t)
{
    static const uint8_t linux_syn[] = "\2\4\5\xb4\1\1\4\2\1\3\3\7";
    static const uint8_t windows_syn[] = "\2\4\5\xb4\1\3\3\x08\1\1\4\2";
    const struct talk_packet *p = &t->packet[t->sent++];
    int side = p->side;
    struct tcp tcp = {.src = t->addr[side],
                      .dst = t->addr[!side],
                      .seq = p->seq,
                      .ack = p->ack,
                      .sport = t->port[side],
                      .dport = t->port[!side],
                      .ident = t->ident[side]++,
                      .flags = p->flags,
                      .ipv6 = t->ipv6,
                      .ttl = t->ttl[side]};

    if (p->flags & SYN) {
        tcp.options = t->windows && side == CLIENT ? windows_syn : linux_syn;
        tcp.option_size = 12;
    }
    for (int i = 0; i < p->copies; i++) {
        uint8_t *frame = frame_begin();
        memcpy(payload_of(frame, t->ipv6), t->bytes + p->data, p->size);
        size_t size = tcp_frame(frame, &tcp, p->size);
        memcpy(frame, t->mac[!side], 6);
        memcpy(frame + 6, t->mac[side], 6);
        frame_end(p->at, size);
    }
}

void tap_datagram(uint64_t at, const uint8_t src[4], const uint8_t dst[4], uint16_t sport,
                  uint16_t dport, const uint8_t *payload, size_t size)
{
    uint8_t *frame = frame_begin(), *udp = frame + ETHERNET + IPV4;

    memcpy(frame, "\2\0\0\1\0\1\2\0\0\2\0\2\x08\x00", ETHERNET);
    put_ip(frame + ETHERNET, false, src, dst, (uint16_t)at, 17, 0, UDP + size);
    put16(udp, sport);
    put16(udp + 2, dport);
    put16(udp + 4, (uint32_t)(UDP + size));
    put16(udp + 6, 0);
    memcpy(udp + UDP, payload, size);
    frame_end(at, ETHERNET + IPV4 + UDP + size);
}

uint64_t tap_bytes(void)
{
    return tap.bytes + tap.used;
}

void tap_close(void)
{
    flush();
    if (fflush(tap.out)) {
        perror("monthgen");
        exit(1);
    }
}
