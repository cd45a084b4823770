/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/tcp.h"

#include <endian.h>

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

/*
 * RFC 1071: words may be added in any byte order and width. Two counters of 32-bit halves need no
 * carry: a datagram has fewer than 2^32 of them.
 */
static uint64_t sum_bytes(const uint8_t *p, size_t n)
{
    uint64_t low = 0, high = 0, word;
    uint8_t last[8] = {0};

    for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        low += word & UINT32_MAX;
        high += word >> 32;
    }
    if (n > 0) {
        memcpy(last, p, n);
        memcpy(&word, last, sizeof(word));
        low += word & UINT32_MAX;
        high += word >> 32;
    }
    return low + high;
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & UINT32_MAX);
    sum = (sum >> 32) + (sum & UINT32_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    return (uint16_t)sum;
}

/* The pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1): the zeros that pad an IPv4
 * address in the record add nothing, and the length counts the same in 16 bits and in 32. */
static uint64_t sum_pseudo_header(const struct ip_packet *ip)
{
    return sum_bytes(ip->src, sizeof(ip->src)) + sum_bytes(ip->dst, sizeof(ip->dst)) +
           htobe32(ip->payload_len) + htobe32(PROTO_TCP);
}

enum tcp_checksum tcp_checksum(const struct ip_packet *ip)
{
    uint64_t sum;

    if (ip->payload.n < ip->payload_len)
        return TCP_CHECKSUM_UNKNOWN;
    sum = sum_pseudo_header(ip) + sum_bytes(ip->payload.p, ip->payload.n);
    if (fold(sum) == UINT16_MAX)
        return TCP_CHECKSUM_GOOD;
    return ip->offloaded_length ? TCP_CHECKSUM_UNKNOWN : TCP_CHECKSUM_BAD;
}
