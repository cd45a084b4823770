/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP header (RFC 9293) with the options that matter here, and its checksum. */
#ifndef DISSECT_TCP_H
#define DISSECT_TCP_H

#include "dissect/ip.h"

enum tcp_flag {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20
};

struct tcp_segment {
    uint16_t src_port, dst_port; /* host order */
    uint32_t seq, ack;
    uint8_t flags;   /* enum tcp_flag */
    uint16_t window; /* unscaled */
    uint16_t urgent;
    uint16_t checksum;    /* as on the wire */
    struct span payload;  /* captured */
    uint32_t payload_len; /* on the wire: > payload.n when cut by the snap length */
    bool has_timestamps;
    uint32_t ts_value, ts_echo;
    bool has_md5;   /* RFC 2385 */
    bool fast_open; /* RFC 7413 cookie or cookie request (34, or experimental 254) */
};

enum tcp_result { TCP_OK, TCP_SHORT, TCP_MALFORMED };

#define TCP_HEADER             20
#define TCP_ALIGNED_TIMESTAMPS 0x0101080a /* NOP, NOP, kind 8, length 10: RFC 7323 appendix A */

static inline uint16_t tcp_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t tcp_be32(const uint8_t *p)
{
    return (uint32_t)tcp_be16(p) << 16 | tcp_be16(p + 2);
}

static inline void tcp_read_timestamps(const uint8_t *p, struct tcp_segment *out)
{
    out->has_timestamps = true;
    out->ts_value = tcp_be32(p);
    out->ts_echo = tcp_be32(p + 4);
}

enum tcp_option { /* IANA, TCP Option Kind Numbers */
                  TCP_OPTION_END = 0,
                  TCP_OPTION_NOP = 1,
                  TCP_OPTION_MSS = 2,
                  TCP_OPTION_SCALE = 3,
                  TCP_OPTION_TIMESTAMPS = 8,
                  TCP_OPTION_MD5 = 19,
                  TCP_OPTION_FAST_OPEN = 34,
                  TCP_OPTION_EXPERIMENT = 254
};

/* The next option, taken off the front of `options`; END takes all that is left. False: no more, or
 * the list ends within one. `value`: what stands behind kind and length. */
bool tcp_option_next(struct span *options, uint8_t *kind, struct span *value);

void tcp_read_options(struct span options, struct tcp_segment *out);

/* Pure; out->payload points into the packet. Options are read leniently: a broken one ends the
 * reading of options and nothing else. Inline: it is done for each packet of mail. */
__attribute__((always_inline)) static inline enum tcp_result tcp_parse(const struct ip_packet *ip,
                                                                       struct tcp_segment *out)
{
    const uint8_t *p = ip->payload.p;
    size_t header;

    if (ip->payload.n < TCP_HEADER)
        return ip->payload_len < TCP_HEADER ? TCP_MALFORMED : TCP_SHORT;
    header = (size_t)(p[12] >> 4) * 4;
    if (header < TCP_HEADER || header > ip->payload_len)
        return TCP_MALFORMED;
    if (header > ip->payload.n)
        return TCP_SHORT;
    out->src_port = tcp_be16(p);
    out->dst_port = tcp_be16(p + 2);
    out->seq = tcp_be32(p + 4);
    out->ack = tcp_be32(p + 8);
    out->flags = p[13];
    out->window = tcp_be16(p + 14);
    out->checksum = tcp_be16(p + 16);
    out->urgent = tcp_be16(p + 18);
    out->payload = span_from(ip->payload, header);
    out->payload_len = ip->payload_len - (uint32_t)header;
    out->has_timestamps = false;
    out->ts_value = 0;
    out->ts_echo = 0;
    out->has_md5 = false;
    out->fast_open = false;
    if (header == TCP_HEADER + 12 && tcp_be32(p + TCP_HEADER) == TCP_ALIGNED_TIMESTAMPS)
        tcp_read_timestamps(p + TCP_HEADER + 4, out);
    else if (header > TCP_HEADER)
        tcp_read_options(span_of(p + TCP_HEADER, header - TCP_HEADER), out);
    return TCP_OK;
}

enum tcp_checksum { TCP_CHECKSUM_GOOD, TCP_CHECKSUM_BAD, TCP_CHECKSUM_UNKNOWN };

/*
 * UNKNOWN when the segment was cut by the snap length, and when a super-segment does not add up:
 * the network card was still to write its checksums.
 */
enum tcp_checksum tcp_checksum(const struct ip_packet *ip);

#endif
