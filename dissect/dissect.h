/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a packet: frame, IP, fragments, TCP, flow, reassembly, SMTP, TLS records. Packets go
 * in, sessions come out at their milestones. Knows no clock, no file and no libpcap; all memory is
 * capped by the configuration.
 */
#ifndef DISSECT_DISSECT_H
#define DISSECT_DISSECT_H

#include "base/clock.h"
#include "base/siphash.h"
#include "dissect/session.h"

struct dissect;
struct dns_sighting;
struct fetch_sighting;

/* Called for each DNS message: dissect/dns_tap.h. At its packet, and so before sessions that have
 * ended by then, unless they are asked for (dissect_hand_out()). */
typedef void (*dissect_dns_fn)(void *user, const struct dns_sighting *s);

/* Likewise for each fetch of an MTA-STS policy: dissect/fetch_tap.h. */
typedef void (*dissect_fetch_fn)(void *user, const struct fetch_sighting *s);

/* Called once for each handshake of TLS of which a hello was read: when TLS carries data, or before
 * the session is handed out for the last time. In the order of time with what dissect_fn gets. */
typedef void (*dissect_tls_fn)(void *user, struct session *s, const struct tls_sighting *t);

/* A connection that somebody tried to make, and that does not come about: its SYN was sent again
 * and nothing had answered it, or an RST did. */
struct dissect_attempt {
    struct flow_key key;
    nstime time;
    bool refused; /* by an RST */
};

/* Called at its packet, as dissect_dns_fn is. */
typedef void (*dissect_attempt_fn)(void *user, const struct dissect_attempt *a);

struct dissect_config {
    uint16_t port[CAP_PORTS]; /* server ports that carry mail */
    uint8_t port_count;
    uint16_t implicit_port; /* the one where TLS comes first; 0: none */
    uint32_t max_flows;     /* hard cap of the flows, packed ones included */
    uint32_t half_open;     /* bare SYNs that are remembered: a power of two */
    size_t memory;          /* bytes for flows and sessions; beyond it the least promising go */
    size_t unpacked;        /* of those, for flows that are not packed (dissect/park.h), when half
                               of it is in use; 0: all are packed after each packet */
    bool keep_addresses;    /* local parts are kept (--show-addresses) */
    struct siphash_key key; /* random in production, fixed in tests */
    dissect_dns_fn dns;     /* with the `user` of dissect_new(); NULL: packets of DNS are no mail */
    dissect_tls_fn tls;     /* likewise; NULL: nobody is told of handshakes */
    dissect_fetch_fn fetch; /* likewise; NULL: port 443 is no mail */
    dissect_attempt_fn attempt; /* likewise; NULL: nobody is told of those */
    unsigned tunnels;     /* encapsulations that are looked into: TUNNEL_BIT of dissect/tunnel.h; 0:
                             none, and what lies in them is no mail */
    uint32_t dns_queries; /* that are remembered: a power of two up to CAP_DNS_QUERIES */
};

/* 25, 587, 2525 and 465 (implicit), CAP_FLOWS flows, every tunnel, nothing kept; key zero. */
void dissect_config_default(struct dissect_config *c);

struct packet {
    nstime time;       /* within CLOCK_PACKET_S */
    struct span bytes; /* captured */
    uint32_t wire_len; /* length on the wire */
    uint32_t link;     /* LINKTYPE_ number */
    uint32_t source;   /* index of the input */
};

/* Called for each session at each milestone; `s` is valid during the call. Sessions that have ended
 * come some at a time, a tenth of a second of packet time later at most; who has something to say
 * at an earlier milestone of another asks for them first (dissect_hand_out()), and all is in order.
 */
typedef void (*dissect_fn)(void *user, struct session *s, enum session_milestone m);

/* packets = sum of the dropped and the processed ones, always. */
struct dissect_counters {
    uint64_t packets, bytes; /* in */
    uint64_t not_mail;       /* IP, but no mail port (or no TCP) */
    uint64_t not_ip;
    uint64_t malformed_link, malformed_ip, malformed_tcp;
    uint64_t unknown_link, vlan_deep;
    uint64_t malformed_tunnel, tunnel_deep; /* a header that no receiver takes; too many of them */
    uint64_t fragments_dropped;             /* given up, malformed or conflicting */
    uint64_t fragments_held;                /* waiting, or part of a whole that was counted once */
    uint64_t no_flow;     /* mail port, but nothing to attach it to (stray FIN, RST, ACK) */
    uint64_t half_open;   /* bare SYNs: kept in the half-open table, no flow made */
    uint64_t flow_capped; /* no flow could be made */
    uint64_t dns;         /* port 53, if DNS is wanted; whatever became of it */
    uint64_t processed;   /* went into a flow */
    /* encapsulations that were looked into, several in one packet at times, whatever became of it
     */
    uint64_t gre, erspan, vxlan, geneve, ipip, mpls, pppoe;
    /* of the processed ones */
    uint64_t vlan, qinq, ipv4, ipv6, tcp, bad_checksums, offloaded, duplicates, retransmits,
        reordered;
    uint64_t to_client; /* sent by servers; the others by clients */
    uint64_t gaps, gap_bytes, cut_packets;
    /* flows and sessions */
    uint64_t flows, flows_closed, flows_timeout, flows_evicted, flows_open, sessions;
    /* packed for want of memory; given back; of the evicted ones, by enum park_class */
    uint64_t flows_packed, flows_unpacked;
    uint64_t evicted_ended, evicted_decided, evicted_no_greeting, evicted_greeted, evicted_asked,
        evicted_suspect;
    uint64_t half_open_overwritten, midstream, second_views;
    uint64_t held_bytes, held_bytes_peak, held_refused;
    /* of the sessions: with copies that differ; with a dialogue that was not kept whole for it;
     * RSTs and FINs that were not the end */
    uint64_t conflicting, evidence_evicted, false_ends;
    /* of those of DNS: struct dns_tap_counters */
    uint64_t dns_messages, dns_malformed, dns_unanswered, dns_forgotten, dns_dropped;
};

struct dissect *dissect_new(const struct dissect_config *c, dissect_fn fn, void *user);
void dissect_packet(struct dissect *d, const struct packet *p);
/* Time has gone by without a packet, on a wire that is silent: what waits for it goes on. */
void dissect_pass(struct dissect *d, nstime now);
/* The sessions that have ended by now; also in a call. Gives whether there were any. */
bool dissect_hand_out(struct dissect *d);
void dissect_finish(struct dissect *d); /* closes every flow, in the order of first packets */
/* Without dissect_finish() before it nobody is told of what is open; whoever set session.peer or
 * session.memo finishes first, or has no other chance to free them. */
void dissect_free(struct dissect *d);
struct dissect_counters dissect_counters(const struct dissect *d);

#endif
