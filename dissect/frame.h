/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a captured frame to the IP packet inside: Ethernet, 802.1Q and QinQ, Linux SLL and SLL2, raw
 * IP, BSD null and loopback. Link types are the numbers of the capture formats
 * (www.tcpdump.org/linktypes.html); no libpcap here. What is encapsulated once more is for
 * dissect/tunnel.h, and comes back here as what it is inside.
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

enum frame_type { /* Ethertypes */
                  FRAME_TYPE_IPV4 = 0x0800,
                  FRAME_TYPE_ETHERNET = 0x6558, /* a whole frame (RFC 1701) */
                  FRAME_TYPE_IPV6 = 0x86dd,
                  FRAME_TYPE_MPLS = 0x8847,
                  FRAME_TYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
                  FRAME_TYPE_PPPOE = 0x8864
};

/* Those up to TUNNEL_IP_LAST travel in IP packets, which anybody may send from anywhere; the others
 * exist on one link alone, as VLAN tags do. */
enum tunnel_kind {
    TUNNEL_NONE,
    TUNNEL_GRE,
    TUNNEL_ERSPAN,
    TUNNEL_VXLAN,
    TUNNEL_GENEVE,
    TUNNEL_IPIP, /* IPv4 or IPv6 in either */
    TUNNEL_IP_LAST = TUNNEL_IPIP,
    TUNNEL_MPLS,
    TUNNEL_PPPOE,
    TUNNEL_KIND_COUNT
};

/* A tunnel that a packet was in. */
struct frame_tunnel {
    uint8_t kind; /* enum tunnel_kind */
    uint32_t id;
};

struct frame {
    struct span ip;                /* from the first byte of the IP header to the captured end;
                                      FRAME_CARRIER: what stands behind `type` */
    uint16_t vlan[CAP_VLAN_DEPTH]; /* VLAN ids (12 bits), outermost first */
    uint8_t vlan_count;
    bool has_mac;
    uint8_t src_mac[6], dst_mac[6];
    uint16_t type; /* FRAME_CARRIER: enum frame_type */
    /* of the encapsulations around it, outermost first; filled by point_enter() */
    struct frame_tunnel tunnel[CAP_TUNNEL_DEPTH];
    uint8_t tunnel_count;
    uint16_t carried; /* their kinds as far as they travel in IP: flow_key.tunnel */
    uint64_t way;     /* hash of them and of the links they were seen on; 0: there are none */
};

enum frame_result {
    FRAME_OK,
    FRAME_SHORT,       /* ends inside its link header */
    FRAME_CARRIER,     /* MPLS or a PPPoE session: dissect/tunnel.h */
    FRAME_NOT_IP,      /* ARP, LLDP, IS-IS ... */
    FRAME_VLAN_DEEP,   /* more than CAP_VLAN_DEPTH tags */
    FRAME_UNKNOWN_LINK /* a link type that is not read */
};

/* Pure. `out` is filled only for FRAME_OK and FRAME_CARRIER; out->ip points into `bytes`. */
enum frame_result frame_parse(uint32_t link, struct span bytes, struct frame *out);

/* The same for what lies inside an encapsulation: bytes behind an Ethertype, or for
 * FRAME_TYPE_ETHERNET a frame, whose tags and addresses take the place of those outside. `f` is
 * what was filled for the outside. */
enum frame_result frame_inside(uint16_t type, struct span bytes, struct frame *f);

/* Whether a link type is read at all: a capture file is refused when it is not. */
bool frame_link_known(uint32_t link);

#endif
