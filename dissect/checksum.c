/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/checksum.h"

#include <endian.h>

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
static uint64_t sum_pseudo_header(const struct ip_packet *ip, uint8_t proto)
{
    return sum_bytes(ip->src, sizeof(ip->src)) + sum_bytes(ip->dst, sizeof(ip->dst)) +
           htobe32(ip->payload_len) + htobe32(proto);
}

uint16_t checksum_sum(const struct ip_packet *ip, uint8_t proto)
{
    return fold(sum_pseudo_header(ip, proto) + sum_bytes(ip->payload.p, ip->payload.n));
}

uint16_t checksum_bytes(struct span bytes)
{
    return fold(sum_bytes(bytes.p, bytes.n));
}

bool checksum_is_partial(const struct ip_packet *ip, uint8_t proto, size_t at)
{
    uint16_t field;

    if (ip->payload.n < at + sizeof(field))
        return false;
    memcpy(&field, ip->payload.p + at, sizeof(field));
    return field == fold(sum_pseudo_header(ip, proto));
}
