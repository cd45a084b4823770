/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <assert.h>
#include <stdarg.h>

enum { HOST_DELAY = 150, LOCAL_DELAY = 300, PACE = 6 };

void talk_begin(struct talk *t, uint64_t now, uint64_t seed)
{
    t->rng.s = seed;
    t->now = now;
    t->used = 0;
    t->count = 0;
    t->sent = 0;
    t->last = SERVER;
    t->flight = 0;
    for (int side = 0; side < 2; side++) {
        t->seq[side] = (uint32_t)rng_next(&t->rng);
        t->ident[side] = (uint16_t)rng_next(&t->rng);
        t->is_away[side] = false;
    }
}

void talk_wait(struct talk *t, uint64_t microseconds)
{
    t->now += microseconds;
}

/* From one sender to the other the way leads past the tap to an end and back. */
static void turn(struct talk *t, int side)
{
    uint32_t way = side == t->near ? LOCAL_DELAY : t->rtt;

    t->now += way + HOST_DELAY + rng_below(&t->rng, 200 + way / 16);
    t->flight = 0;
    t->last = (uint8_t)side;
}

static void packet(struct talk *t, int side, uint8_t flags, uint32_t data, size_t size)
{
    assert(t->count < TALK_PACKETS);
    if (side != t->last)
        turn(t, side);
    else
        t->now += PACE + rng_below(&t->rng, 6);
    struct talk_packet *p = &t->packet[t->count++];
    p->at = t->now;
    p->seq = t->seq[side];
    p->ack = !(flags & ACK) ? 0 : t->is_away[!side] ? t->away[!side] : t->seq[!side];
    p->data = data;
    p->size = (uint16_t)size;
    p->side = (uint8_t)side;
    p->flags = flags;
    p->copies = 1;
    t->seq[side] += (uint32_t)size + ((flags & (SYN | FIN)) != 0);
}

void talk_flags(struct talk *t, int side, uint8_t flags)
{
    packet(t, side, flags, 0, 0);
}

void talk_away(struct talk *t, int side, uint32_t size)
{
    t->away[side] = t->seq[side];
    t->is_away[side] = true;
    t->seq[side] += size;
}

void talk_open(struct talk *t)
{
    talk_flags(t, CLIENT, SYN);
    talk_flags(t, SERVER, SYN | ACK);
    talk_flags(t, CLIENT, ACK);
}

uint8_t *talk_room(struct talk *t, size_t size)
{
    assert(t->used + size <= TALK_BYTES);
    return t->bytes + t->used;
}

/* Who got several segments acknowledges them before it answers (RFC 9293 section 3.8.6.3), and a
 * single one where the answer takes long. */
static void acknowledge(struct talk *t, int side)
{
    if (side == t->last || !t->flight || (t->flight == 1 && rng_below(&t->rng, 4)))
        return;
    talk_flags(t, side, ACK);
    t->now += 200 + rng_below(&t->rng, 5000);
}

void talk_sent(struct talk *t, int side, size_t size)
{
    acknowledge(t, side);
    while (size) {
        size_t part = size < TALK_MSS ? size : TALK_MSS;
        packet(t, side, part == size ? PSH | ACK : ACK, t->used, part);
        t->used += (uint32_t)part;
        t->flight++;
        size -= part;
    }
}

void talk_send(struct talk *t, int side, const void *bytes, size_t size)
{
    memcpy(talk_room(t, size), bytes, size);
    talk_sent(t, side, size);
}

void talk_say(struct talk *t, int side, ...)
{
    uint8_t *at = talk_room(t, 0), *end = t->bytes + TALK_BYTES, *start = at;
    va_list args;

    va_start(args, side);
    for (const char *text; (text = va_arg(args, const char *));) {
        size_t size = strlen(text);
        assert(size <= (size_t)(end - at));
        memcpy(at, text, size);
        at += size;
    }
    va_end(args);
    talk_sent(t, side, (size_t)(at - start));
}

void talk_again(struct talk *t, int side, int times)
{
    struct talk_packet last = {.copies = 0};

    for (uint16_t i = t->count; i-- && !last.copies;)
        if (t->packet[i].side == side && t->packet[i].size)
            last = t->packet[i];
    assert(last.copies);
    for (int i = 0; i < times; i++) {
        assert(t->count < TALK_PACKETS);
        t->now += UINT64_C(1000000) << i;
        last.at = t->now;
        t->packet[t->count++] = last;
    }
    t->last = (uint8_t)side;
}

void talk_close(struct talk *t, int side)
{
    talk_flags(t, side, FIN | ACK);
    talk_flags(t, !side, FIN | ACK);
    talk_flags(t, side, ACK);
}

void talk_cut(struct talk *t, uint16_t count)
{
    if (t->count > count)
        t->count = count;
}
