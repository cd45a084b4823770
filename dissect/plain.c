/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/plain.h"

enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40, TCP = 20, PROTO_TCP = 6 };

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

enum plain plain_recognise(uint32_t link, struct span bytes)
{
    const uint8_t *b = bytes.p;

    if (link != FRAME_ETHERNET || bytes.n < ETHERNET + IPV4 + TCP)
        return PLAIN_NOT;
    if (b[12] == 0x08 && b[13] == 0x00 && b[14] == 0x45) {
        if ((b[20] & 0x3f) || b[21]) /* more fragments, or not the first */
            return PLAIN_NOT;
        return b[23] == PROTO_TCP ? PLAIN_TCP_IPV4 : PLAIN_OTHER;
    }
    if (b[12] == 0x86 && b[13] == 0xdd && (b[14] >> 4) == 6 && b[20] == PROTO_TCP &&
        bytes.n >= ETHERNET + IPV6 + TCP)
        return PLAIN_TCP_IPV6;
    return PLAIN_NOT;
}

static inline size_t tcp_at(enum plain kind)
{
    return kind == PLAIN_TCP_IPV4 ? ETHERNET + IPV4 : ETHERNET + IPV6;
}

uint16_t plain_src_port(enum plain kind, struct span bytes)
{
    return be16(bytes.p + tcp_at(kind));
}

uint16_t plain_dst_port(enum plain kind, struct span bytes)
{
    return be16(bytes.p + tcp_at(kind) + 2);
}

static inline void read_ipv4(const uint8_t *p, struct ip_packet *out)
{
    memset(out->src + 4, 0, sizeof(out->src) - 4);
    memset(out->dst + 4, 0, sizeof(out->dst) - 4);
    memcpy(out->src, p + 12, 4);
    memcpy(out->dst, p + 16, 4);
    out->family = 4;
    out->ttl = p[8];
    out->id = be16(p + 4);
    out->header = span_of(p, IPV4);
}

static inline void read_ipv6(const uint8_t *p, struct ip_packet *out)
{
    memcpy(out->src, p + 8, 16);
    memcpy(out->dst, p + 24, 16);
    out->family = 6;
    out->ttl = p[7];
    out->id = 0;
    out->header = span_of(p, 0);
}

static inline void read_frame(struct span bytes, struct frame *out)
{
    memset(out->vlan, 0, sizeof(out->vlan));
    out->vlan_count = 0;
    out->has_mac = true;
    memcpy(out->dst_mac, bytes.p, 6);
    memcpy(out->src_mac, bytes.p + 6, 6);
    out->ip = span_from(bytes, ETHERNET);
}

bool plain_parse(enum plain kind, struct span bytes, struct frame *frame, struct ip_packet *ip,
                 struct tcp_segment *tcp)
{
    const uint8_t *p = bytes.p + ETHERNET;
    size_t header = tcp_at(kind) - ETHERNET;
    size_t length = kind == PLAIN_TCP_IPV4 ? be16(p + 2) : (size_t)be16(p + 4) + IPV6;

    /* Length 0 (offloaded), shorter than the headers, or cut by the snap length. */
    if (length < header + TCP || length > bytes.n - ETHERNET)
        return false;
    read_frame(bytes, frame);
    if (kind == PLAIN_TCP_IPV4)
        read_ipv4(p, ip);
    else
        read_ipv6(p, ip);
    ip->proto = PROTO_TCP;
    ip->payload = span_of(p + header, length - header);
    ip->payload_len = (uint32_t)(length - header);
    ip->offloaded_length = false;
    ip->fragment = false;
    ip->more = false;
    ip->frag_offset = 0;
    return tcp_parse(ip, tcp) == TCP_OK;
}
