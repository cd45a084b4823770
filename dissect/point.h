/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a packet was seen: a mirror port may show one connection at two places, before and after a
 * router or a firewall. The tags, the MAC pair, the tunnels and the TTL tell such places apart.
 */
#ifndef DISSECT_POINT_H
#define DISSECT_POINT_H

#include "dissect/ip.h"
#include "dissect/tunnel.h"

#define POINT_KIND_BITS 3 /* of each kind of tunnel in frame.carried */

_Static_assert(TUNNEL_IP_LAST < 1 << POINT_KIND_BITS && CAP_TUNNEL_DEPTH * POINT_KIND_BITS <= 16,
               "frame.carried holds them all");

/* Of a MAC pair, whatever its order. */
static inline uint64_t point_link(uint64_t src, uint64_t dst)
{
    return (src + dst) * UINT64_C(0x9e3779b97f4a7c15) ^ (src ^ dst) * UINT64_C(0xff51afd7ed558ccd);
}

static inline uint64_t point_mac(const uint8_t mac[6])
{
    uint32_t high;
    uint16_t low;

    memcpy(&high, mac, sizeof(high));
    memcpy(&low, mac + sizeof(high), sizeof(low));
    return (uint64_t)low << 32 | high;
}

/* Of an untagged Ethernet frame. */
static inline uint32_t point_of_ethernet(const uint8_t *frame, uint8_t ttl)
{
    return (uint32_t)(point_link(point_mac(frame + 6), point_mac(frame)) >> 32) << 8 | ttl;
}

static inline uint64_t point_mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Tags, MAC pair and tunnels, the same for both directions. */
static inline uint64_t point_place(const struct frame *f)
{
    uint64_t h = f->way;

    if (f->has_mac)
        h ^= point_link(point_mac(f->src_mac), point_mac(f->dst_mac));
    for (uint8_t i = 0; i < f->vlan_count; i++)
        h = (h ^ (f->vlan[i] + UINT64_C(1))) * UINT64_C(0x9e3779b97f4a7c15);
    return h;
}

/*
 * The packet is inside of `t`, carried by the packet `outer` (NULL: by the link). The place where
 * it was seen becomes that of the outside, and which tunnel it is: kind, number, and the pair of
 * addresses, whatever its order. f->tunnel_count is below its cap.
 */
static inline void point_enter(struct frame *f, const struct tunnel *t,
                               const struct ip_packet *outer)
{
    uint64_t h =
        point_mix(point_place(f), (uint64_t)t->kind << 48 | (uint64_t)t->vlan << 32 | t->id);

    for (int i = 0; outer && i < 16; i += 8) {
        uint64_t src, dst;
        memcpy(&src, outer->src + i, sizeof(src));
        memcpy(&dst, outer->dst + i, sizeof(dst));
        h = point_mix(h, point_link(src, dst));
    }
    f->way = h | 1;
    f->tunnel[f->tunnel_count++] = (struct frame_tunnel){(uint8_t)t->kind, t->id};
    if (t->kind <= TUNNEL_IP_LAST)
        f->carried = (uint16_t)((unsigned)f->carried << POINT_KIND_BITS | (unsigned)t->kind);
}

/* The upper 24 bits are the link's and the same for both directions over it; the lower 8 are the
 * TTL. 0: nothing is known. */
static inline uint32_t point_of(const struct frame *f, uint8_t ttl)
{
    return (uint32_t)(point_place(f) >> 32) << 8 | ttl;
}

static inline uint8_t point_ttl(uint32_t point)
{
    return (uint8_t)point;
}

static inline bool point_same_link(uint32_t a, uint32_t b)
{
    return a >> 8 == b >> 8;
}

#endif
