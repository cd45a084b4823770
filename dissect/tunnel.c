/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tunnel.h"

#include "base/cursor.h"
#include "dissect/checksum.h"

enum proto { PROTO_IPIP = 4, PROTO_UDP = 17, PROTO_IPV6 = 41, PROTO_GRE = 47 };

enum gre { /* flags, and the Ethertypes of ERSPAN */
           GRE_CHECKSUM = 0x8000,
           GRE_KEY = 0x2000,
           GRE_SEQUENCE = 0x1000,
           GRE_REFUSED = 0x4c00, /* bits 1, 4 and 5: RFC 2784 section 2.3 */
           GRE_VERSION = 0x0007,
           GRE_TYPE_ERSPAN = 0x88be,
           GRE_TYPE_ERSPAN3 = 0x22eb
};

enum mpls {
    MPLS_ENTRY = 4,
    MPLS_BOTTOM = 0x100,
    MPLS_ENTROPY_INDICATOR = 7 /* RFC 6790: the label behind it only spreads load */
};

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Which kinds of inside have a meaning here; the rest is another protocol's. */
static bool is_read(uint16_t type)
{
    return type == FRAME_TYPE_IPV4 || type == FRAME_TYPE_IPV6 || type == FRAME_TYPE_ETHERNET ||
           type == FRAME_TYPE_MPLS || type == FRAME_TYPE_MPLS_UPSTREAM;
}

static enum tunnel_result inside(struct tunnel *out, uint16_t type, struct span bytes)
{
    out->type = type;
    out->inside = bytes;
    return is_read(type) ? TUNNEL_OK : TUNNEL_OTHER;
}

/* --- MPLS --- */

/* An IP header whose lengths hold, and for IPv4 its checksum: a MAC address may begin alike. */
static bool is_ip(struct span bytes)
{
    struct ip_packet ip;

    return ip_parse(bytes, &ip) == IP_OK && !ip_bad_checksum(&ip);
}

/* A frame with IP inside, or with a header that may lead to it. */
static bool is_ethernet(struct span bytes)
{
    struct frame f;

    switch (frame_parse(FRAME_ETHERNET, bytes, &f)) {
    case FRAME_OK:
        return f.ip.n > 0 && (f.ip.p[0] >> 4 == 4 || f.ip.p[0] >> 4 == 6);
    case FRAME_CARRIER:
        return true;
    default:
        return false;
    }
}

/*
 * The stack does not say what is below it: a first nibble 4 or 6 is IP (RFC 4928 section 3), and
 * two bytes 0 begin the control word of a pseudowire for Ethernet (RFC 4448 section 4.6); without
 * one a frame begins with anything.
 */
static enum tunnel_result below_labels(struct span rest, struct tunnel *out)
{
    struct span word = span_from(rest, 4);
    unsigned nibble;

    if (rest.n == 0)
        return TUNNEL_MALFORMED;
    nibble = rest.p[0] >> 4;
    if ((nibble == 4 || nibble == 6) && (is_ip(rest) || !is_ethernet(rest)))
        return inside(out, nibble == 4 ? FRAME_TYPE_IPV4 : FRAME_TYPE_IPV6, rest);
    if (rest.n > 4 && be16(rest.p) == 0 && is_ethernet(word))
        return inside(out, FRAME_TYPE_ETHERNET, word);
    return is_ethernet(rest) ? inside(out, FRAME_TYPE_ETHERNET, rest) : TUNNEL_OTHER;
}

enum tunnel_result tunnel_mpls(struct span bytes, struct tunnel *out)
{
    bool spreads = false; /* the label that comes is for spreading load */

    *out = (struct tunnel){.kind = TUNNEL_MPLS};
    for (int i = 0; i < CAP_MPLS_LABELS; i++) {
        uint32_t entry, label;
        if (bytes.n < MPLS_ENTRY)
            return TUNNEL_MALFORMED;
        entry = (uint32_t)be16(bytes.p) << 16 | be16(bytes.p + 2);
        label = entry >> 12;
        bytes = span_from(bytes, MPLS_ENTRY);
        if (!spreads && label != MPLS_ENTROPY_INDICATOR)
            out->id = label;
        spreads = !spreads && label == MPLS_ENTROPY_INDICATOR;
        if (entry & MPLS_BOTTOM)
            return below_labels(bytes, out);
    }
    return TUNNEL_DEEP;
}

/* --- PPPoE --- */

enum tunnel_result tunnel_pppoe(struct span bytes, struct tunnel *out)
{
    struct cursor c = cursor_of(bytes);
    uint8_t version = cursor_u8(&c), code = cursor_u8(&c);
    uint16_t length;

    *out = (struct tunnel){.kind = TUNNEL_PPPOE};
    out->id = cursor_u16(&c);
    length = cursor_u16(&c);
    if (c.bad)
        return TUNNEL_MALFORMED;
    if (version != 0x11 || code != 0) /* RFC 2516 sections 4 and 6 */
        return TUNNEL_OTHER;
    c = cursor_of(span_first(cursor_rest(&c), length));
    switch (cursor_u16(&c)) { /* RFC 1661; compressed fields are not for PPPoE (section 7) */
    case 0x0021:
        return inside(out, FRAME_TYPE_IPV4, cursor_rest(&c));
    case 0x0057:
        return inside(out, FRAME_TYPE_IPV6, cursor_rest(&c));
    default:
        return c.bad ? TUNNEL_MALFORMED : TUNNEL_OTHER;
    }
}

/* --- GRE and ERSPAN --- */

/* Type II has 8 bytes (section 4.2 of the draft), type III 12 and perhaps 8 more (section 4.3). */
static enum tunnel_result erspan(struct cursor *c, unsigned version, struct tunnel *out)
{
    uint16_t head = cursor_u16(c), session = cursor_u16(c), flags;

    cursor_skip(c, version == 1 ? 4 : 6); /* index; or timestamp and security group */
    flags = version == 1 ? 0 : cursor_u16(c);
    if (flags & 1)
        cursor_skip(c, 8); /* platform specific */
    if (c->bad || head >> 12 != version)
        return TUNNEL_MALFORMED;
    out->id = session & 0x3ff;
    out->vlan = head & 0xfff;
    switch (flags >> 10 & 0x1f) {
    case 0:
        return inside(out, FRAME_TYPE_ETHERNET, cursor_rest(c));
    case 2: { /* an IP packet alone */
        struct span ip = cursor_rest(c);
        bool v6 = ip.n > 0 && ip.p[0] >> 4 == 6;
        return inside(out, v6 ? FRAME_TYPE_IPV6 : FRAME_TYPE_IPV4, ip);
    }
    default:
        return TUNNEL_OTHER;
    }
}

static enum tunnel_result gre(const struct ip_packet *ip, struct tunnel *out)
{
    struct cursor c = cursor_of(ip->payload);
    uint16_t flags = cursor_u16(&c), type = cursor_u16(&c);

    out->kind = type == GRE_TYPE_ERSPAN || type == GRE_TYPE_ERSPAN3 ? TUNNEL_ERSPAN : TUNNEL_GRE;
    if (c.bad)
        return TUNNEL_MALFORMED;
    if (flags & GRE_VERSION) /* 1 is PPTP's (RFC 2637) */
        return TUNNEL_OTHER;
    if (flags & GRE_REFUSED)
        return TUNNEL_MALFORMED;
    if (flags & GRE_CHECKSUM)
        cursor_skip(&c, 4);
    if (flags & GRE_KEY)
        out->id = cursor_u32(&c);
    if (flags & GRE_SEQUENCE)
        cursor_skip(&c, 4);
    if (c.bad || ((flags & GRE_CHECKSUM) && ip->payload.n == ip->payload_len &&
                  checksum_bytes(ip->payload) != UINT16_MAX))
        return TUNNEL_MALFORMED;
    if (type == GRE_TYPE_ERSPAN3)
        return erspan(&c, 2, out);
    if (type == GRE_TYPE_ERSPAN && (flags & GRE_SEQUENCE))
        return erspan(&c, 1, out);
    return inside(out, type == GRE_TYPE_ERSPAN ? FRAME_TYPE_ETHERNET : type, cursor_rest(&c));
}

/* --- over UDP --- */

static enum tunnel_result vxlan(struct cursor *c, struct tunnel *out)
{
    uint32_t flags = cursor_u32(c), vni = cursor_u32(c);

    out->kind = TUNNEL_VXLAN;
    if (c->bad)
        return TUNNEL_MALFORMED;
    if (!(flags & 0x08000000)) /* without a valid VNI it is none (RFC 7348 section 5) */
        return TUNNEL_OTHER;
    out->id = vni >> 8;
    return inside(out, FRAME_TYPE_ETHERNET, cursor_rest(c));
}

static enum tunnel_result geneve(struct cursor *c, struct tunnel *out)
{
    uint16_t head = cursor_u16(c), type = cursor_u16(c);
    uint32_t vni = cursor_u32(c);

    out->kind = TUNNEL_GENEVE;
    if (c->bad)
        return TUNNEL_MALFORMED;
    if (head >> 14 != 0 || (head & 0x80)) /* another version, or a message of the tunnel's own */
        return TUNNEL_OTHER;
    cursor_skip(c, (size_t)(head >> 8 & 0x3f) * 4);
    out->id = vni >> 8;
    return c->bad ? TUNNEL_MALFORMED : inside(out, type, cursor_rest(c));
}

/* A datagram's length field cuts what lies behind it; its checksum is left to who receives it, for
 * most tunnels send none (RFC 7348 section 5). */
static enum tunnel_result udp(const struct ip_packet *ip, struct tunnel *out)
{
    struct cursor c = cursor_of(ip->payload);
    uint16_t port, length;

    cursor_skip(&c, 2);
    port = cursor_u16(&c);
    length = cursor_u16(&c);
    cursor_skip(&c, 2);
    if (port != TUNNEL_PORT_VXLAN && port != TUNNEL_PORT_GENEVE)
        return TUNNEL_OTHER;
    out->kind = port == TUNNEL_PORT_VXLAN ? TUNNEL_VXLAN : TUNNEL_GENEVE;
    if (c.bad || length < 8 || length > ip->payload_len)
        return TUNNEL_MALFORMED;
    c = cursor_of(span_first(cursor_rest(&c), length - (size_t)8));
    return port == TUNNEL_PORT_VXLAN ? vxlan(&c, out) : geneve(&c, out);
}

/* --- by the protocol of IP --- */

enum tunnel_result tunnel_ip(const struct ip_packet *ip, struct tunnel *out)
{
    *out = (struct tunnel){.kind = TUNNEL_NONE};
    switch (ip->proto) {
    case PROTO_IPIP:
    case PROTO_IPV6:
        out->kind = TUNNEL_IPIP;
        return inside(out, ip->proto == PROTO_IPIP ? FRAME_TYPE_IPV4 : FRAME_TYPE_IPV6,
                      ip->payload);
    case PROTO_GRE:
        return gre(ip, out);
    case PROTO_UDP:
        return udp(ip, out);
    default:
        return TUNNEL_OTHER;
    }
}

bool tunnel_may_be(uint8_t proto, struct span p, unsigned mask)
{
    uint16_t port;

    switch (proto) {
    case PROTO_IPIP:
    case PROTO_IPV6:
        return mask & TUNNEL_BIT(TUNNEL_IPIP);
    case PROTO_GRE:
        return mask & (TUNNEL_BIT(TUNNEL_GRE) | TUNNEL_BIT(TUNNEL_ERSPAN));
    case PROTO_UDP:
        if (p.n < 4)
            return mask & (TUNNEL_BIT(TUNNEL_VXLAN) | TUNNEL_BIT(TUNNEL_GENEVE));
        port = be16(p.p + 2);
        return (port == TUNNEL_PORT_VXLAN && (mask & TUNNEL_BIT(TUNNEL_VXLAN))) ||
               (port == TUNNEL_PORT_GENEVE && (mask & TUNNEL_BIT(TUNNEL_GENEVE)));
    default:
        return false;
    }
}
