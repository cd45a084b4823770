/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a packet was seen: a mirror port may show one connection at two places, before and after a
 * router or a firewall. The tags, the MAC pair and the TTL tell such places apart.
 */
#ifndef DISSECT_POINT_H
#define DISSECT_POINT_H

#include "dissect/frame.h"

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

/* The upper 24 bits are the link's and the same for both directions over it; the lower 8 are the
 * TTL. 0: nothing is known. */
static inline uint32_t point_of(const struct frame *f, uint8_t ttl)
{
    uint64_t h = f->has_mac ? point_link(point_mac(f->src_mac), point_mac(f->dst_mac)) : 0;

    for (uint8_t i = 0; i < f->vlan_count; i++)
        h = (h ^ (f->vlan[i] + UINT64_C(1))) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32) << 8 | ttl;
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
