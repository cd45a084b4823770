/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a captured frame to the IP packet inside: Ethernet, 802.1Q and QinQ, Linux SLL and SLL2, raw
 * IP, BSD null and loopback. Link types are the numbers of the capture formats
 * (www.tcpdump.org/linktypes.html); no libpcap here. Tunnels come with live capture.
 */
#ifndef DISSECT_FRAME_H
#define DISSECT_FRAME_H

#include "base/caps.h"
#include "base/span.h"

enum frame_link { /* LINKTYPE_ numbers */
                  FRAME_NULL = 0,
                  FRAME_ETHERNET = 1,
                  FRAME_RAW_BSD = 12,     /* DLT_RAW on most systems */
                  FRAME_RAW_OPENBSD = 14, /* DLT_RAW on OpenBSD */
                  FRAME_RAW = 101,
                  FRAME_LOOP = 108,
                  FRAME_SLL = 113,
                  FRAME_IPV4 = 228,
                  FRAME_IPV6 = 229,
                  FRAME_SLL2 = 276
};

struct frame {
    struct span ip;                /* from the first byte of the IP header to the captured end */
    uint16_t vlan[CAP_VLAN_DEPTH]; /* VLAN ids (12 bits), outermost first */
    uint8_t vlan_count;
    bool has_mac;
    uint8_t src_mac[6], dst_mac[6];
};

enum frame_result {
    FRAME_OK,
    FRAME_SHORT,       /* ends inside its link header */
    FRAME_NOT_IP,      /* ARP, LLDP, MPLS ... */
    FRAME_VLAN_DEEP,   /* more than CAP_VLAN_DEPTH tags */
    FRAME_UNKNOWN_LINK /* a link type that is not read */
};

/* Pure. `out` is filled only for FRAME_OK; out->ip points into `bytes`. */
enum frame_result frame_parse(uint32_t link, struct span bytes, struct frame *out);

/* Whether a link type is read at all: a capture file is refused when it is not. */
bool frame_link_known(uint32_t link);

#endif
