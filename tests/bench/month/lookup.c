/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include "tap.h"

enum { TYPE_A = 1, TYPE_MX = 15, TTL = 3600, FARM_SIZE = 4 };
static const uint8_t resolver[4] = {185, 10, 250, 53};

static uint8_t *add16(uint8_t *p, uint32_t v)
{
    put16(p, v);
    return p + 2;
}

static uint8_t *add_name(uint8_t *p, const char *name)
{
    while (*name) {
        size_t size = strcspn(name, ".");
        *p++ = (uint8_t)size;
        memcpy(p, name, size);
        p += size;
        name += size + (name[size] == '.');
    }
    *p++ = 0;
    return p;
}

/* A record that belongs to the name asked for (RFC 1035 section 4.1.4). */
static uint8_t *add_record(uint8_t *p, uint32_t type, uint32_t size)
{
    p = add16(p, 0xC00C);
    p = add16(p, type);
    p = add16(p, 1);
    put32(p, TTL);
    return add16(p + 4, size);
}

static uint8_t *add_answer(uint8_t *p, const struct server *s, bool mx)
{
    uint8_t addr[16];

    if (mx) { /* the name of the exchanger is one label, and the name asked for */
        p = add16(add_record(p, TYPE_MX, 8), 10);
        memcpy(p, "\3mx1\xc0\x0c", 6);
        return p + 6;
    }
    for (uint32_t member = 0; member < (s->kind == FARM ? FARM_SIZE : 1); member++) {
        world_address(s, member, addr);
        p = add_record(p, TYPE_A, 4);
        memcpy(p, addr, 4);
        p += 4;
    }
    return p;
}

void lookup_next(struct lookup *l, uint64_t at)
{
    bool answer = l->step % 2, mx = l->step < 2;
    uint32_t answers = !answer ? 0 : mx || l->server->kind != FARM ? 1 : FARM_SIZE;
    uint8_t message[512], *p = message;
    uint16_t port = (uint16_t)(20000 + l->id % 30000 + !mx);

    p = add16(p, l->id + (uint32_t)!mx);
    p = add16(p, answer ? 0x8180 : 0x0100);
    p = add16(p, 1);
    p = add16(p, answers);
    p = add16(add16(p, 0), 0);
    p = add_name(p, l->server->name + (mx ? 4 : 0));
    p = add16(add16(p, mx ? TYPE_MX : TYPE_A), 1);
    if (answer)
        p = add_answer(p, l->server, mx);

    const uint8_t *ends[2] = {l->client->addr[0], resolver};
    uint16_t ports[2] = {port, 53};
    tap_datagram(at, ends[answer], ends[!answer], ports[answer], ports[!answer], message,
                 (size_t)(p - message));
    l->step++;
}
