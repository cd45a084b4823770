/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tcp.h"

#include "dissect/checksum.h"

enum { PROTO_TCP = 6 };

#define EXPERIMENT_FAST_OPEN 0xf989 /* RFC 7413 section 4.1.1, registered by RFC 6994 */

static void read_option(uint8_t kind, struct span value, struct tcp_segment *out)
{
    if (kind == TCP_OPTION_TIMESTAMPS && value.n == 8)
        tcp_read_timestamps(value.p, out);
    else if (kind == TCP_OPTION_MD5 && value.n == 16)
        out->has_md5 = true;
    else if (kind == TCP_OPTION_FAST_OPEN)
        out->fast_open = true;
    else if (kind == TCP_OPTION_EXPERIMENT && value.n >= 2 &&
             tcp_be16(value.p) == EXPERIMENT_FAST_OPEN)
        out->fast_open = true;
}

bool tcp_option_next(struct span *options, uint8_t *kind, struct span *value)
{
    size_t len = 1;

    if (options->n == 0)
        return false;
    *kind = options->p[0];
    if (*kind == TCP_OPTION_END) {
        len = options->n;
    } else if (*kind != TCP_OPTION_NOP) {
        len = options->n > 1 ? options->p[1] : 0;
        if (len < 2 || len > options->n)
            return false;
    }
    *value = span_from(span_first(*options, len), 2);
    *options = span_from(*options, len);
    return true;
}

void tcp_read_options(struct span options, struct tcp_segment *out)
{
    struct span value;
    uint8_t kind;

    while (tcp_option_next(&options, &kind, &value))
        read_option(kind, value, out);
}

enum tcp_checksum tcp_checksum(const struct ip_packet *ip)
{
    if (ip->payload.n < ip->payload_len)
        return TCP_CHECKSUM_UNKNOWN;
    if (checksum_sum(ip, PROTO_TCP) == UINT16_MAX)
        return TCP_CHECKSUM_GOOD;
    return ip->offloaded_length ? TCP_CHECKSUM_UNKNOWN : TCP_CHECKSUM_BAD;
}
