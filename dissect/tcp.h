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

/* Pure; out->payload points into the packet. Options are read leniently: a broken one ends the
 * reading of options and nothing else. */
enum tcp_result tcp_parse(const struct ip_packet *ip, struct tcp_segment *out);

enum tcp_checksum { TCP_CHECKSUM_GOOD, TCP_CHECKSUM_BAD, TCP_CHECKSUM_UNKNOWN };

/*
 * UNKNOWN when the segment was cut by the snap length, and when a super-segment does not add up:
 * the network card was still to write its checksums.
 */
enum tcp_checksum tcp_checksum(const struct ip_packet *ip);

#endif
