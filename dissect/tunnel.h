/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one header of an encapsulation says: which kind, which tunnel, and what lies inside. MPLS
 * (RFC 3032, RFC 4385), PPPoE (RFC 2516), GRE (RFC 2784, RFC 2890), ERSPAN types I to III
 * (draft-foschiano-erspan-03), VXLAN (RFC 7348), GENEVE (RFC 8926), IP in IP (RFC 2003, RFC 2473,
 * RFC 4213). One header a call; how deep they may lie in each other is the caller's to say.
 */
#ifndef DISSECT_TUNNEL_H
#define DISSECT_TUNNEL_H

#include "dissect/frame.h"
#include "dissect/ip.h"

enum { TUNNEL_PORT_VXLAN = 4789, TUNNEL_PORT_GENEVE = 6081 }; /* destination ports of UDP */

#define TUNNEL_BIT(kind) (1u << (kind))
#define TUNNEL_ALL       (TUNNEL_BIT(TUNNEL_KIND_COUNT) - TUNNEL_BIT(TUNNEL_GRE)) /* every kind */

struct tunnel {
    enum tunnel_kind kind; /* set whatever the result: TUNNEL_NONE for what is no tunnel at all */
    uint32_t id;           /* GRE key, ERSPAN session, VNI, label, PPPoE session; 0: it has none */
    uint16_t vlan;         /* ERSPAN II and III: of the frame where it was mirrored; else 0 */
    uint16_t type;         /* Ethertype of what is inside; FRAME_TYPE_ETHERNET: a frame */
    struct span inside;    /* captured, cut to what the header says */
};

enum tunnel_result {
    TUNNEL_OK,
    TUNNEL_OTHER,     /* another protocol, version or kind of content than those that are read */
    TUNNEL_MALFORMED, /* ends inside its header, or no receiver would take it */
    TUNNEL_DEEP       /* more labels than CAP_MPLS_LABELS */
};

/* Pure, all of them; `out` but for its kind means something only for TUNNEL_OK. `bytes` is what
 * stands behind the Ethertype. */
enum tunnel_result tunnel_mpls(struct span bytes, struct tunnel *out);
enum tunnel_result tunnel_pppoe(struct span bytes, struct tunnel *out);

/* The same of a whole IP packet. */
enum tunnel_result tunnel_ip(const struct ip_packet *ip, struct tunnel *out);

/* May a packet of this protocol carry one of the kinds in `mask` (TUNNEL_BIT)? `p`: the first bytes
 * behind its headers, of which UDP needs four; fewer: by the protocol alone. */
bool tunnel_may_be(uint8_t proto, struct span p, unsigned mask);

#endif
