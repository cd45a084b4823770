/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/frame.h"

enum ethertype {
    TYPE_FIRST = 0x0600,    /* below is a length: IEEE 802.3 section 3.2.6 */
    TYPE_VLAN = 0x8100,     /* 802.1Q */
    TYPE_QINQ = 0x88a8,     /* 802.1ad */
    TYPE_QINQ_OLD = 0x9100, /* what switches used for QinQ before 802.1ad */
    TYPE_QINQ_OLDER = 0x9200
};

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline bool is_tag(uint16_t type)
{
    return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD ||
           type == TYPE_QINQ_OLDER;
}

static enum frame_result accept_ip(struct span ip, struct frame *out)
{
    out->ip = ip;
    return FRAME_OK;
}

/* IP over 802.3: LLC with a SNAP header of organization zero (RFC 1042). */
static enum frame_result parse_llc(struct span rest, struct frame *out)
{
    static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
    uint16_t type;

    if (rest.n < sizeof(snap) + 2)
        return FRAME_SHORT;
    if (memcmp(rest.p, snap, sizeof(snap)) != 0)
        return FRAME_NOT_IP;
    type = be16(rest.p + sizeof(snap));
    if (type != FRAME_TYPE_IPV4 && type != FRAME_TYPE_IPV6)
        return FRAME_NOT_IP;
    return accept_ip(span_from(rest, sizeof(snap) + 2), out);
}

static enum frame_result parse_tagged(uint16_t type, struct span rest, struct frame *out)
{
    while (is_tag(type)) {
        if (out->vlan_count == CAP_VLAN_DEPTH)
            return FRAME_VLAN_DEEP;
        if (rest.n < 4)
            return FRAME_SHORT;
        out->vlan[out->vlan_count++] = be16(rest.p) & 0x0fff;
        type = be16(rest.p + 2);
        rest = span_from(rest, 4);
    }
    if (type == FRAME_TYPE_IPV4 || type == FRAME_TYPE_IPV6)
        return accept_ip(rest, out);
    if (type == FRAME_TYPE_MPLS || type == FRAME_TYPE_MPLS_UPSTREAM || type == FRAME_TYPE_PPPOE) {
        out->type = type;
        out->ip = rest;
        return FRAME_CARRIER;
    }
    return type < TYPE_FIRST ? parse_llc(rest, out) : FRAME_NOT_IP;
}

/* What stands behind a type field, wherever the link header has it. */
static inline enum frame_result parse_typed(uint16_t type, struct span rest, struct frame *out)
{
    if (type == FRAME_TYPE_IPV4 || type == FRAME_TYPE_IPV6)
        return accept_ip(rest, out);
    return parse_tagged(type, rest, out);
}

static inline enum frame_result parse_ethernet(struct span bytes, struct frame *out)
{
    if (bytes.n < 14)
        return FRAME_SHORT;
    out->has_mac = true;
    memcpy(out->dst_mac, bytes.p, 6);
    memcpy(out->src_mac, bytes.p + 6, 6);
    return parse_typed(be16(bytes.p + 12), span_from(bytes, 14), out);
}

/* SLL has the type at the end of its 16 bytes; a sender's address only, so no MAC pair. */
static enum frame_result parse_sll(struct span bytes, struct frame *out)
{
    if (bytes.n < 16)
        return FRAME_SHORT;
    return parse_typed(be16(bytes.p + 14), span_from(bytes, 16), out);
}

/* SLL2 has it at the start of its 20. */
static enum frame_result parse_sll2(struct span bytes, struct frame *out)
{
    if (bytes.n < 20)
        return FRAME_SHORT;
    return parse_typed(be16(bytes.p), span_from(bytes, 20), out);
}

/* The address family of the system that captured: IPv6 is 24 on NetBSD and OpenBSD, 28 on FreeBSD,
 * 30 on macOS, 10 on Linux. */
static enum frame_result parse_family(uint32_t family, struct span rest, struct frame *out)
{
    switch (family) {
    case 2:
    case 10:
    case 24:
    case 28:
    case 30:
        return accept_ip(rest, out);
    default:
        return FRAME_NOT_IP;
    }
}

static enum frame_result parse_bsd(uint32_t link, struct span bytes, struct frame *out)
{
    const uint8_t *p = bytes.p;
    uint32_t family;

    if (bytes.n < 4)
        return FRAME_SHORT;
    family = (uint32_t)be16(p) << 16 | be16(p + 2);
    /* NULL has it in the order of the machine that captured; families are small numbers. */
    if (link == FRAME_NULL && family > 0xffff)
        family = (uint32_t)(p[3] << 8 | p[2]) << 16 | (uint32_t)(p[1] << 8 | p[0]);
    return parse_family(family, span_from(bytes, 4), out);
}

static enum frame_result parse_raw(uint32_t link, struct span bytes, struct frame *out)
{
    unsigned version;

    if (bytes.n == 0)
        return FRAME_SHORT;
    version = bytes.p[0] >> 4;
    if ((version == 4 && link != FRAME_IPV6) || (version == 6 && link != FRAME_IPV4))
        return accept_ip(bytes, out);
    return FRAME_NOT_IP;
}

enum frame_result frame_inside(uint16_t type, struct span bytes, struct frame *f)
{
    if (type != FRAME_TYPE_ETHERNET)
        return type < TYPE_FIRST ? FRAME_NOT_IP : parse_typed(type, bytes, f);
    f->vlan_count = 0;
    memset(f->vlan, 0, sizeof(f->vlan));
    return parse_ethernet(bytes, f);
}

enum frame_result frame_parse(uint32_t link, struct span bytes, struct frame *out)
{
    memset(out->vlan, 0, sizeof(out->vlan));
    out->vlan_count = 0;
    out->has_mac = false;
    out->tunnel_count = 0;
    out->carried = 0;
    out->way = 0;
    switch (link) {
    case FRAME_ETHERNET:
        return parse_ethernet(bytes, out);
    case FRAME_SLL:
        return parse_sll(bytes, out);
    case FRAME_SLL2:
        return parse_sll2(bytes, out);
    case FRAME_NULL:
    case FRAME_LOOP:
        return parse_bsd(link, bytes, out);
    case FRAME_RAW_BSD:
    case FRAME_RAW_OPENBSD:
    case FRAME_RAW:
    case FRAME_IPV4:
    case FRAME_IPV6:
        return parse_raw(link, bytes, out);
    default:
        return FRAME_UNKNOWN_LINK;
    }
}

bool frame_link_known(uint32_t link)
{
    struct frame unused;

    return frame_parse(link, span_of(NULL, 0), &unused) != FRAME_UNKNOWN_LINK;
}
