/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tcp.h"

#include "dissect/checksum.h"

enum { PROTO_TCP = 6 };

enum option { /* IANA, TCP Option Kind Numbers */
              OPTION_END = 0,
              OPTION_NOP = 1,
              OPTION_TIMESTAMPS = 8,
              OPTION_MD5 = 19,
              OPTION_FAST_OPEN = 34,
              OPTION_EXPERIMENT = 254
};

#define EXPERIMENT_FAST_OPEN 0xf989 /* RFC 7413 section 4.1.1, registered by RFC 6994 */

static void read_option(uint8_t kind, struct span value, struct tcp_segment *out)
{
    if (kind == OPTION_TIMESTAMPS && value.n == 8)
        tcp_read_timestamps(value.p, out);
    else if (kind == OPTION_MD5 && value.n == 16)
        out->has_md5 = true;
    else if (kind == OPTION_FAST_OPEN)
        out->fast_open = true;
    else if (kind == OPTION_EXPERIMENT && value.n >= 2 && tcp_be16(value.p) == EXPERIMENT_FAST_OPEN)
        out->fast_open = true;
}

void tcp_read_options(struct span options, struct tcp_segment *out)
{
    while (options.n > 0 && options.p[0] != OPTION_END) {
        uint8_t len = 1;

        if (options.p[0] != OPTION_NOP) {
            len = options.n > 1 ? options.p[1] : 0;
            if (len < 2 || len > options.n)
                return;
            read_option(options.p[0], span_of(options.p + 2, len - 2u), out);
        }
        options = span_from(options, len);
    }
}

enum tcp_checksum tcp_checksum(const struct ip_packet *ip)
{
    if (ip->payload.n < ip->payload_len)
        return TCP_CHECKSUM_UNKNOWN;
    if (checksum_sum(ip, PROTO_TCP) == UINT16_MAX)
        return TCP_CHECKSUM_GOOD;
    return ip->offloaded_length ? TCP_CHECKSUM_UNKNOWN : TCP_CHECKSUM_BAD;
}
