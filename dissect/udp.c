/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/udp.h"

#include "base/cursor.h"
#include "dissect/checksum.h"

enum { HEADER = 8, CHECKSUM_AT = 6, PROTO_UDP = 17 };

static bool is_bad(const struct ip_packet *ip, uint16_t length, uint16_t checksum)
{
    struct ip_packet cut = *ip;

    cut.payload = span_first(ip->payload, length);
    cut.payload_len = length;
    return checksum != 0 && cut.payload.n == length &&
           checksum_sum(&cut, PROTO_UDP) != UINT16_MAX &&
           !checksum_is_partial(&cut, PROTO_UDP, CHECKSUM_AT);
}

enum udp_result udp_parse(const struct ip_packet *ip, struct udp_datagram *out)
{
    struct cursor c = cursor_of(ip->payload);
    uint16_t length, checksum;

    out->src_port = cursor_u16(&c);
    out->dst_port = cursor_u16(&c);
    length = cursor_u16(&c);
    checksum = cursor_u16(&c);
    if (c.bad)
        return ip->payload_len < HEADER ? UDP_MALFORMED : UDP_SHORT;
    if (length < HEADER || length > ip->payload_len)
        return UDP_MALFORMED;
    out->payload_len = length - (uint32_t)HEADER;
    out->payload = span_first(cursor_rest(&c), out->payload_len);
    out->bad_checksum = is_bad(ip, length, checksum);
    return UDP_OK;
}
