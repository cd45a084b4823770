/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers, options and extension headers skipped, fragments
 * told. The payload is cut to what the header says, so Ethernet padding never becomes data.
 */
#ifndef DISSECT_IP_H
#define DISSECT_IP_H

#include "base/span.h"

struct ip_packet {
    uint8_t family;  /* 4 or 6 */
    uint8_t src[16]; /* network order; IPv4 in the first four bytes, rest zero */
    uint8_t dst[16];
    uint8_t proto;         /* after extension headers: 6 TCP, 17 UDP ... */
    uint8_t ttl;           /* hop limit */
    uint32_t id;           /* IPv4 identification, or that of the IPv6 fragment header, or 0 */
    struct span payload;   /* captured bytes after the headers, padding cut off */
    uint32_t payload_len;  /* bytes after the headers by the length field: > payload.n when the
                              snap length cut the packet */
    bool offloaded_length; /* length field 0: a super-segment; payload_len is what was captured, or
                              what an IPv6 jumbogram option says (RFC 2675) */
    bool fragment;         /* a piece; ports may not be in it */
    bool more;             /* more fragments follow */
    uint32_t frag_offset;  /* bytes */
    struct span header;    /* of IPv4, options included; empty for IPv6 */
};

enum ip_result {
    IP_OK,
    IP_SHORT,      /* ends inside its headers */
    IP_MALFORMED,  /* version, header length or total length impossible */
    IP_EXT_DEEP,   /* more than CAP_IPV6_EXT_HEADERS */
    IP_NO_PAYLOAD, /* IPv6 no next header */
};

/* Pure; out->payload points into `bytes`. `out` means something only for IP_OK. */
enum ip_result ip_parse(struct span bytes, struct ip_packet *out);

/* The IPv4 header checksum is wrong; 0 is taken as offloaded. */
bool ip_bad_checksum(const struct ip_packet *p);

/*
 * Moves p->proto and p->payload over the IPv6 extension headers at the start of the payload, up to
 * the upper-layer header or the first bytes of a fragment. ip_parse() has done so already; a
 * datagram put together from fragments may begin with more of them (RFC 8200 section 4.5).
 */
enum ip_result ip_skip_extensions(struct ip_packet *p);

#endif
