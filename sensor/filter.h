/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel shall do with a packet before anybody here sees it, as programs of the classic
 * packet filter: which packets may be mail (filter_mail()), and which of several processes gets one
 * (filter_spread()).
 *
 * Both walk through tags (802.1Q, 802.1ad and the older types), MPLS, PPPoE, IPv4 and IPv6, and
 * through one tunnel: GRE, ERSPAN I to III, VXLAN, Geneve, IP in IP. A tunnel in a tunnel is taken
 * as it is. The kernel takes the outermost tag out of a frame before a filter runs: the programs do
 * not look for it, and so need not know. (The word `vlan` of pcap-filter(7) does look, and moves
 * all that stands behind it in an expression; we do not use it.)
 *
 * What a filter cannot decide passes, and is decided in dissect/: fragments of IP, of which only
 * the first has ports; IPv6 with extension headers, which cannot be walked; whatever is tunnelled
 * deeper. No libpcap here.
 */
#ifndef SENSOR_FILTER_H
#define SENSOR_FILTER_H

#include "sensor/bpf.h"

#define FILTER_WHOLE 0x40000 /* what a program returns for a packet that passes: all its bytes */

/* Where a program finds the bytes of a packet beginning. */
enum filter_start {
    FILTER_AT_ETHERNET, /* a frame: sockets bound to Ethernet, files */
    FILTER_AT_NETWORK,  /* behind the link header: cooked sockets, raw IP; type from metadata */
    FILTER_AT_EITHER    /* the program of a fanout: behind it, but for what this machine sends */
};

enum filter_direction { FILTER_BOTH, FILTER_IN, FILTER_OUT };

struct filter_mail {
    enum filter_start start;         /* not FILTER_AT_EITHER */
    enum filter_direction direction; /* by metadata, but for FILTER_BOTH */
    bool loopback;                   /* there may be some: what it sends comes in again, and is
                                        taken once */
    uint16_t port[CAP_PORTS];        /* that carry mail */
    uint8_t port_count;
    bool dns;   /* and port 53, TCP and UDP */
    bool fetch; /* and of port 443 what clients say, and what begins, ends or refuses */
};

/* True: `b` gives FILTER_WHOLE for what may be mail, 0 for the rest. `also` narrows it: a program
 * that is run for what would pass, and decides; `also_count` 0: none. False: too long. */
bool filter_mail(struct bpf *b, const struct filter_mail *m, const struct sock_filter *also,
                 size_t also_count);

/* `b` gives a number that is the same for both directions of a connection and for the fragments of
 * its packets: it is made of the innermost addresses that can be reached. Where the packets of a
 * tunnel are themselves in fragments, those of the tunnel. 0 for what is not IP. */
bool filter_spread(struct bpf *b, enum filter_start start);

/* Nothing passes. */
void filter_nothing(struct bpf *b);

#endif
