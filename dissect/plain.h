/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common frame, read in one go: a whole TCP segment over IPv4 or IPv6 in an untagged Ethernet
 * frame. frame_parse(), ip_parse() and tcp_parse() give the same, only slower; whatever is unusual
 * in any way is left to them.
 */
#ifndef DISSECT_PLAIN_H
#define DISSECT_PLAIN_H

#include "dissect/arrival.h"

enum plain {
    PLAIN_NOT,      /* for the layers to read */
    PLAIN_OTHER,    /* IPv4 without options that carries no TCP */
    PLAIN_TCP_IPV4, /* ports where they are without options; the rest is unchecked */
    PLAIN_TCP_IPV6
};

enum plain plain_recognise(uint32_t link, struct span bytes);

/* The ports of a plain TCP frame. */
uint16_t plain_src_port(enum plain kind, struct span bytes);
uint16_t plain_dst_port(enum plain kind, struct span bytes);

/* Any plain frame but PLAIN_NOT: it is TCP or UDP from or to this port. */
bool plain_has_port(enum plain kind, struct span bytes, uint16_t port);

/* Any plain frame but PLAIN_NOT: it may be one of these tunnels (TUNNEL_BIT, dissect/tunnel.h). */
bool plain_may_carry(enum plain kind, struct span bytes, unsigned tunnels);

/* What stands behind the headers of a plain TCP frame, with what may stand behind the datagram. */
struct span plain_payload(enum plain kind, struct span bytes);

/* What a packet in the middle of a connection is passed over by: key, point and ip_id of `a`, and
 * of its tcp seq, ack, flags, checksum and payload. False: the frame is not whole or not sound, or
 * it begins or ends a connection. `a->dir` is given. */
bool plain_glance(enum plain kind, struct span bytes, struct arrival *a);

/* Reads a plain TCP frame. False: it is not whole or not sound; what was filled means nothing. */
bool plain_parse(enum plain kind, struct span bytes, struct frame *frame, struct ip_packet *ip,
                 struct tcp_segment *tcp);

#endif
