/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/plain.h"

#include "dissect/point.h"

enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40, TCP = 20, PROTO_TCP = 6, PROTO_UDP = 17 };

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

struct span plain_payload(enum plain kind, struct span bytes)
{
    return span_from(bytes, tcp_at(kind) + (size_t)(bytes.p[tcp_at(kind) + 12] >> 4) * 4);
}

bool plain_has_port(enum plain kind, struct span bytes, uint16_t port)
{
    const uint8_t *p = bytes.p + (kind == PLAIN_TCP_IPV6 ? ETHERNET + IPV6 : ETHERNET + IPV4);

    if (kind == PLAIN_OTHER && bytes.p[23] != PROTO_UDP)
        return false;
    return be16(p) == port || be16(p + 2) == port;
}

bool plain_may_carry(enum plain kind, struct span bytes, unsigned tunnels)
{
    uint16_t port = be16(bytes.p + ETHERNET + IPV4 + 2);

    if (kind != PLAIN_OTHER || (bytes.p[23] == PROTO_UDP && port != TUNNEL_PORT_VXLAN &&
                                port != TUNNEL_PORT_GENEVE)) /* nearly all of them */
        return false;
    return tunnel_may_be(bytes.p[23], span_from(bytes, ETHERNET + IPV4), tunnels);
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
    out->tunnel_count = 0;
    out->carried = 0;
    out->way = 0;
    out->has_mac = true;
    memcpy(out->dst_mac, bytes.p, 6);
    memcpy(out->src_mac, bytes.p + 6, 6);
    out->ip = span_from(bytes, ETHERNET);
}

/* Length 0 (offloaded), shorter than the headers, or cut by the snap length: not whole. */
static inline bool whole(enum plain kind, struct span bytes, size_t *length)
{
    const uint8_t *p = bytes.p + ETHERNET;

    *length = kind == PLAIN_TCP_IPV4 ? be16(p + 2) : (size_t)be16(p + 4) + IPV6;
    return *length >= tcp_at(kind) - ETHERNET + TCP && *length <= bytes.n - ETHERNET;
}

static inline void read_key(enum plain kind, const uint8_t *p, bool to_server, struct flow_key *key)
{
    uint8_t *src = to_server ? key->client : key->server;
    uint8_t *dst = to_server ? key->server : key->client;

    key->view = 0;
    key->tunnel = 0;
    if (kind == PLAIN_TCP_IPV4) {
        key->family = 4;
        memset(key->client + 4, 0, sizeof(key->client) - 4);
        memset(key->server + 4, 0, sizeof(key->server) - 4);
        memcpy(src, p + 12, 4);
        memcpy(dst, p + 16, 4);
    } else {
        key->family = 6;
        memcpy(src, p + 8, 16);
        memcpy(dst, p + 24, 16);
    }
}

bool plain_glance(enum plain kind, struct span bytes, struct arrival *a)
{
    struct tcp_segment *tcp = &a->tcp;
    bool to_server = a->dir == SESSION_TO_SERVER;
    const uint8_t *ip = bytes.p + ETHERNET, *p = bytes.p + tcp_at(kind);
    uint16_t src_port = be16(p), dst_port = be16(p + 2);
    size_t length, header = tcp_at(kind) - ETHERNET + (size_t)(p[12] >> 4) * 4;

    if (p[13] & (TCP_SYN | TCP_FIN | TCP_RST)) /* never in the middle */
        return false;
    if (!whole(kind, bytes, &length) || (p[12] >> 4) * 4 < TCP || header > length)
        return false;
    read_key(kind, ip, to_server, &a->key);
    a->key.client_port = to_server ? src_port : dst_port;
    a->key.server_port = to_server ? dst_port : src_port;
    a->point = point_of_ethernet(bytes.p, ip[kind == PLAIN_TCP_IPV4 ? 8 : 7]);
    a->ip_id = kind == PLAIN_TCP_IPV4 ? be16(ip + 4) : 0;
    tcp->seq = tcp_be32(p + 4);
    tcp->ack = tcp_be32(p + 8);
    tcp->flags = p[13];
    tcp->checksum = be16(p + 16);
    tcp->payload = span_of(ip + header, length - header);
    tcp->payload_len = (uint32_t)(length - header);
    return true;
}

bool plain_parse(enum plain kind, struct span bytes, struct frame *frame, struct ip_packet *ip,
                 struct tcp_segment *tcp)
{
    const uint8_t *p = bytes.p + ETHERNET;
    size_t header = tcp_at(kind) - ETHERNET;
    size_t length;

    if (!whole(kind, bytes, &length))
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
