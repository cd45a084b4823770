/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/ip.h"

#include "base/caps.h"

enum next_header { /* IANA, Assigned Internet Protocol Numbers */
                   NEXT_HOP_BY_HOP = 0,
                   NEXT_TCP = 6,
                   NEXT_ROUTING = 43,
                   NEXT_FRAGMENT = 44,
                   NEXT_AUTHENTICATION = 51,
                   NEXT_NONE = 59,
                   NEXT_DESTINATION = 60,
                   NEXT_MOBILITY = 135,
                   NEXT_HIP = 139,
                   NEXT_SHIM6 = 140
};

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    OPTION_PAD1 = 0,
    OPTION_JUMBO = 0xc2 /* RFC 2675 section 2 */
};

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* RFC 1071: the order of the bytes does not matter to whether the sum is all ones. */
bool ip_bad_checksum(const struct ip_packet *p)
{
    uint64_t sum = 0;
    uint32_t word;

    if (p->header.n == 0 || be16(p->header.p + 10) == 0)
        return false;
    for (size_t i = 0; i < p->header.n; i += sizeof(word)) {
        memcpy(&word, p->header.p + i, sizeof(word));
        sum += word;
    }
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return sum != 0xffff;
}

static inline enum ip_result parse_v4(struct span bytes, struct ip_packet *out)
{
    const uint8_t *p = bytes.p;
    size_t header, total;
    uint16_t fragment;

    if (bytes.n < IPV4_HEADER)
        return IP_SHORT;
    header = (size_t)(p[0] & 0x0f) * 4;
    total = be16(p + 2);
    fragment = be16(p + 6);
    out->frag_offset = (fragment & 0x1fffu) * 8;
    out->more = (fragment & 0x2000) != 0;
    out->fragment = out->more || out->frag_offset > 0;
    out->offloaded_length = total == 0;
    /* A network card cuts a super-segment into segments, never into fragments. */
    if (total == 0 && !out->fragment)
        total = bytes.n;
    if (header < IPV4_HEADER || total < header)
        return IP_MALFORMED;
    if (bytes.n < header)
        return IP_SHORT;
    memset(out->src + 4, 0, sizeof(out->src) - 4);
    memset(out->dst + 4, 0, sizeof(out->dst) - 4);
    memcpy(out->src, p + 12, 4);
    memcpy(out->dst, p + 16, 4);
    out->family = 4;
    out->proto = p[9];
    out->ttl = p[8];
    out->id = be16(p + 4);
    out->header = span_first(bytes, header);
    out->payload_len = (uint32_t)(total - header);
    out->payload = span_first(span_from(bytes, header), total - header);
    return IP_OK;
}

/* The length of a jumbogram, from the options of its hop-by-hop header; 0: it is none. */
static uint32_t jumbo_length(struct span options)
{
    while (options.n > 0) {
        size_t len = 1;

        if (options.p[0] != OPTION_PAD1) {
            if (options.n < 2 || options.n - 2 < options.p[1])
                return 0;
            len = 2 + (size_t)options.p[1];
            if (options.p[0] == OPTION_JUMBO && len == 6)
                return be32(options.p + 2);
        }
        options = span_from(options, len);
    }
    return 0;
}

/* The payload length of an IPv6 packet whose length field says 0. */
static uint32_t length_of_zero(struct span rest, struct ip_packet *out)
{
    uint32_t captured = rest.n < UINT32_MAX ? (uint32_t)rest.n : UINT32_MAX;
    size_t header;
    uint32_t jumbo;

    out->offloaded_length = out->proto == NEXT_TCP;
    if (out->proto == NEXT_TCP)
        return captured;
    if (out->proto != NEXT_HOP_BY_HOP || rest.n < 8)
        return 0;
    header = ((size_t)rest.p[1] + 1) * 8;
    jumbo = jumbo_length(span_from(span_first(rest, header), 2));
    /* RFC 2675 section 3: not more than 65,535 is an error. */
    out->offloaded_length = jumbo > UINT16_MAX;
    return jumbo > UINT16_MAX ? jumbo : 0;
}

static inline enum ip_result parse_v6(struct span bytes, struct ip_packet *out)
{
    const uint8_t *p = bytes.p;
    struct span rest = span_from(bytes, IPV6_HEADER);

    if (bytes.n < IPV6_HEADER)
        return IP_SHORT;
    memcpy(out->src, p + 8, 16);
    memcpy(out->dst, p + 24, 16);
    out->family = 6;
    out->proto = p[6];
    out->ttl = p[7];
    out->id = 0;
    out->frag_offset = 0;
    out->more = false;
    out->fragment = false;
    out->header = span_of(p, 0);
    out->offloaded_length = false;
    out->payload_len = be16(p + 4);
    if (out->payload_len == 0)
        out->payload_len = length_of_zero(rest, out);
    out->payload = span_first(rest, out->payload_len);
    return out->proto == NEXT_TCP ? IP_OK : ip_skip_extensions(out);
}

static inline bool is_extension(uint8_t proto)
{
    switch (proto) {
    case NEXT_HOP_BY_HOP:
    case NEXT_ROUTING:
    case NEXT_FRAGMENT:
    case NEXT_AUTHENTICATION:
    case NEXT_DESTINATION:
    case NEXT_MOBILITY:
    case NEXT_HIP:
    case NEXT_SHIM6:
        return true;
    default:
        return false;
    }
}

static size_t extension_length(uint8_t proto, const uint8_t *p)
{
    switch (proto) {
    case NEXT_FRAGMENT:
        return 8;
    case NEXT_AUTHENTICATION:
        return ((size_t)p[1] + 2) * 4; /* RFC 4302 section 2.2 */
    default:
        return ((size_t)p[1] + 1) * 8; /* RFC 6564 */
    }
}

static void read_fragment_header(const uint8_t *p, struct ip_packet *out)
{
    uint16_t field = be16(p + 2);

    out->frag_offset = field & 0xfff8u;
    out->more = (field & 1) != 0;
    /* An atomic fragment (RFC 6946) is a whole packet. */
    out->fragment = out->more || out->frag_offset > 0;
    out->id = be32(p + 4);
}

/* Takes one extension header off the payload. */
static enum ip_result skip_extension(struct ip_packet *p)
{
    const uint8_t *header = p->payload.p;
    size_t n;

    if (p->payload.n < 8)
        return p->payload_len < 8 ? IP_MALFORMED : IP_SHORT;
    n = extension_length(p->proto, header);
    if (n > p->payload_len)
        return IP_MALFORMED;
    if (n > p->payload.n)
        return IP_SHORT;
    if (p->proto == NEXT_FRAGMENT)
        read_fragment_header(header, p);
    p->proto = header[0];
    p->payload = span_from(p->payload, n);
    p->payload_len -= (uint32_t)n;
    /* RFC 8200 section 4.1: hop-by-hop options come first or the packet is thrown away. */
    return p->proto == NEXT_HOP_BY_HOP ? IP_MALFORMED : IP_OK;
}

enum ip_result ip_skip_extensions(struct ip_packet *p)
{
    for (int depth = 0; !p->fragment && is_extension(p->proto); depth++) {
        enum ip_result rc = depth < CAP_IPV6_EXT_HEADERS ? skip_extension(p) : IP_EXT_DEEP;
        if (rc != IP_OK)
            return rc;
    }
    return p->proto == NEXT_NONE && !p->fragment ? IP_NO_PAYLOAD : IP_OK;
}

enum ip_result ip_parse(struct span bytes, struct ip_packet *out)
{
    if (bytes.n == 0)
        return IP_SHORT;
    switch (bytes.p[0] >> 4) {
    case 4:
        return parse_v4(bytes, out);
    case 6:
        return parse_v6(bytes, out);
    default:
        return IP_MALFORMED;
    }
}
