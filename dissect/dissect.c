/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: from a frame to a segment on a mail port. */
#include "dissect/dissect.h"

#include <stdlib.h>

#include "dissect/dissect_state.h"
#include "dissect/plain.h"

#define EXPIRE_EVERY                                                                               \
    (100 * NS_PER_MS) /* time limits are seconds: no need to look at every packet */

enum { PROTO_TCP = 6, PROTO_UDP = 17 };

void dissect_config_default(struct dissect_config *c)
{
    *c =
        (struct dissect_config){.port = {25, 587, 2525, 465},
                                .port_count = 4,
                                .implicit_port = 465,
                                .max_flows = CAP_FLOWS,
                                .half_open = CAP_HALF_OPEN,
                                .tunnels = TUNNEL_ALL,
                                .dns_queries = CAP_DNS_QUERIES,
                                .memory = CAP_MEMORY_FLOWS(CAP_MEMORY_MIB),
                                .unpacked = (CAP_MEMORY_FLOWS(CAP_MEMORY_MIB)) / CAP_UNPACKED_PART};
}

static bool is_mail_port(const struct dissect *d, uint16_t port)
{
    return d->port_map[port >> 3] & (1u << (port & 7));
}

/* Both sides have a mail port: a SYN tells which one serves; without it a flow that is known
 * decides, and else the lower port serves. */
static enum session_dir likely_direction(const struct tcp_segment *t)
{
    if (t->flags & TCP_SYN)
        return t->flags & TCP_ACK ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
    return t->dst_port <= t->src_port ? SESSION_TO_SERVER : SESSION_TO_CLIENT;
}

static inline void key_of(struct arrival *a)
{
    const struct ip_packet *ip = a->ip;
    bool up = a->dir == SESSION_TO_SERVER;

    a->key.family = ip->family;
    a->key.view = 0;
    a->key.tunnel = a->frame->carried;
    memcpy(a->key.client, up ? ip->src : ip->dst, 16);
    memcpy(a->key.server, up ? ip->dst : ip->src, 16);
    a->key.client_port = up ? a->tcp.src_port : a->tcp.dst_port;
    a->key.server_port = up ? a->tcp.dst_port : a->tcp.src_port;
}

static bool is_known(const struct dissect *d, const struct flow_key *k)
{
    struct flow_table *t = d->converse.table;

    return flow_known(t, k) ||
           (park_count(d->park) && park_find(d->park, flow_hash(t, k), k) != NULL);
}

static void orient_between_mail_ports(struct dissect *d, struct arrival *a)
{
    struct arrival turned = *a;

    a->dir = likely_direction(&a->tcp);
    key_of(a);
    if ((a->tcp.flags & TCP_SYN) || is_known(d, &a->key))
        return;
    turned.dir = a->dir == SESSION_TO_SERVER ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
    key_of(&turned);
    if (is_known(d, &turned.key))
        *a = turned;
}

/* What is read off one packet on its way up. */
struct reading {
    enum plain kind;
    struct frame frame;
    struct ip_packet ip;
    struct arrival a;
};

/* The server is the side with the mail port. */
static inline void orient(struct dissect *d, struct arrival *a)
{
    bool src = is_mail_port(d, a->tcp.src_port);
    bool dst = is_mail_port(d, a->tcp.dst_port);

    if (src && dst) {
        orient_between_mail_ports(d, a);
    } else {
        a->dir = dst ? SESSION_TO_SERVER : SESSION_TO_CLIENT;
        key_of(a);
    }
}

static void dns_packet(struct dissect *d, const struct reading *r, const struct tcp_segment *tcp)
{
    const struct dns_arrival a = {.time = r->a.packet->time,
                                  .now = d->converse.now,
                                  .source = r->a.packet->source,
                                  .point = point_of(&r->frame, r->ip.ttl),
                                  .ip = &r->ip};

    d->count.dns++;
    if (tcp)
        dns_tap_tcp(d->dns, &a, tcp);
    else
        dns_tap_udp(d->dns, &a);
}

/* What a tunnel brings from afar is nobody's DNS: its answers would be believed of the network that
 * is watched. */
static bool is_native(const struct reading *r)
{
    return r->frame.carried == 0;
}

/* A whole packet without mail: DNS, the fetch of a policy, or nothing. `tcp`: NULL when it is no
 * TCP. */
static void other_packet(struct dissect *d, const struct reading *r, const struct tcp_segment *tcp)
{
    if (d->dns && is_native(r) &&
        (tcp ? tcp->src_port == DNS_TAP_PORT || tcp->dst_port == DNS_TAP_PORT
             : dns_tap_is_udp(&r->ip)))
        dns_packet(d, r, tcp);
    else
        d->count.not_mail++;
    if (d->fetch && is_native(r) && tcp &&
        (tcp->src_port == FETCH_TAP_PORT || tcp->dst_port == FETCH_TAP_PORT))
        fetch_tap_segment(d->fetch, &r->ip, tcp, r->a.packet->time, d->converse.now,
                          r->a.packet->source);
}

/* The functions below: true when r->a.tcp is a segment on a mail port; else the packet has been
 * counted. */

static bool framed(struct dissect *d, struct reading *r, enum frame_result result);

static void count_tunnel(struct dissect *d, enum tunnel_kind kind)
{
    uint64_t *const counter[TUNNEL_KIND_COUNT] = {
        [TUNNEL_GRE] = &d->count.gre,     [TUNNEL_ERSPAN] = &d->count.erspan,
        [TUNNEL_VXLAN] = &d->count.vxlan, [TUNNEL_GENEVE] = &d->count.geneve,
        [TUNNEL_IPIP] = &d->count.ipip,   [TUNNEL_MPLS] = &d->count.mpls,
        [TUNNEL_PPPOE] = &d->count.pppoe,
    };

    ++*counter[kind];
}

/* Into a tunnel, carried by `outer` (NULL: by the link). `nothing`: counts what is not looked into.
 */
static bool into_tunnel(struct dissect *d, struct reading *r, enum tunnel_result result,
                        const struct tunnel *t, const struct ip_packet *outer, uint64_t *nothing)
{
    if (!(d->config.tunnels & TUNNEL_BIT(t->kind)) || result == TUNNEL_OTHER) {
        ++*nothing;
        return false;
    }
    if (result == TUNNEL_MALFORMED) {
        d->count.malformed_tunnel++;
        return false;
    }
    if (result == TUNNEL_DEEP || r->frame.tunnel_count == CAP_TUNNEL_DEPTH) {
        d->count.tunnel_deep++;
        return false;
    }
    count_tunnel(d, t->kind);
    point_enter(&r->frame, t, outer);
    return framed(d, r, frame_inside(t->type, t->inside, &r->frame));
}

/* Port 53 stays that of DNS, whatever the other one is. */
static bool ip_tunnel(struct dissect *d, struct reading *r)
{
    const struct ip_packet outer = r->ip;
    struct tunnel t;
    enum tunnel_result result = tunnel_ip(&outer, &t);

    return into_tunnel(d, r, result, &t, &outer, &d->count.not_mail);
}

static bool may_be_tunnel(const struct dissect *d, const struct ip_packet *ip)
{
    struct span ports = ip->frag_offset ? span_of(NULL, 0) : ip->payload;

    return d->config.tunnels && tunnel_may_be(ip->proto, ports, d->config.tunnels);
}

static bool whole_packet(struct dissect *d, struct reading *r)
{
    if (r->ip.proto != PROTO_TCP) {
        if (may_be_tunnel(d, &r->ip) && !(d->dns && is_native(r) && dns_tap_is_udp(&r->ip)))
            return ip_tunnel(d, r);
        other_packet(d, r, NULL);
        return false;
    }
    if (tcp_parse(&r->ip, &r->a.tcp) != TCP_OK) {
        d->count.malformed_tcp++;
        return false;
    }
    if (!is_mail_port(d, r->a.tcp.src_port) && !is_mail_port(d, r->a.tcp.dst_port)) {
        other_packet(d, r, &r->a.tcp);
        return false;
    }
    return true;
}

/* The first piece has the ports; who asks for no other is spared the rest. */
static bool wants_piece(const struct dissect *d, const struct reading *r)
{
    const struct ip_packet *piece = &r->ip;

    if (piece->proto == PROTO_TCP || may_be_tunnel(d, piece))
        return true;
    return d->dns && is_native(r) && piece->proto == PROTO_UDP &&
           (piece->frag_offset > 0 || dns_tap_is_udp(piece));
}

static bool fragment(struct dissect *d, struct reading *r)
{
    const struct ip_packet piece = r->ip;
    bool mail = piece.proto == PROTO_TCP && is_native(r);

    if (!wants_piece(d, r)) {
        d->count.not_mail++;
        return false;
    }
    return defrag_push_of(mail ? d->defrag : d->side_defrag, (uint32_t)(r->frame.way >> 32), &piece,
                          d->converse.now, &r->ip) &&
           whole_packet(d, r);
}

static inline void count_family(struct dissect *d, const struct ip_packet *ip)
{
    if (ip->family == 4)
        d->count.ipv4++;
    else
        d->count.ipv6++;
}

/* A packet is as long as it says, or nobody takes it; one that was cut before it was put into a
 * tunnel, as mirrors do, is not. */
static bool is_cut_short(const struct reading *r)
{
    const struct packet *p = r->a.packet;

    return r->ip.payload_len > r->ip.payload.n && p->bytes.n >= p->wire_len && is_native(r);
}

static bool ip_bytes(struct dissect *d, struct reading *r)
{
    if (ip_parse(r->frame.ip, &r->ip) != IP_OK || is_cut_short(r)) {
        d->count.malformed_ip++;
        return false;
    }
    count_family(d, &r->ip);
    return r->ip.fragment ? fragment(d, r) : whole_packet(d, r);
}

/* Of the frame as it was captured. */
static void count_tags(struct dissect *d, const struct frame *frame)
{
    if (frame->tunnel_count > 0 || frame->vlan_count == 0)
        return;
    if (frame->vlan_count == 1)
        d->count.vlan++;
    else
        d->count.qinq++;
}

/* MPLS or PPPoE. */
static bool link_tunnel(struct dissect *d, struct reading *r)
{
    struct tunnel t;
    enum tunnel_result result = r->frame.type == FRAME_TYPE_PPPOE ? tunnel_pppoe(r->frame.ip, &t)
                                                                  : tunnel_mpls(r->frame.ip, &t);

    return into_tunnel(d, r, result, &t, NULL, &d->count.not_ip);
}

static bool framed(struct dissect *d, struct reading *r, enum frame_result result)
{
    switch (result) {
    case FRAME_OK:
        count_tags(d, &r->frame);
        return ip_bytes(d, r);
    case FRAME_CARRIER:
        count_tags(d, &r->frame);
        return link_tunnel(d, r);
    case FRAME_SHORT:
        d->count.malformed_link++;
        break;
    case FRAME_NOT_IP:
        d->count.not_ip++;
        break;
    case FRAME_VLAN_DEEP:
        d->count.vlan_deep++;
        break;
    case FRAME_UNKNOWN_LINK:
        d->count.unknown_link++;
        break;
    }
    return false;
}

static bool frame_bytes(struct dissect *d, const struct packet *p, struct reading *r)
{
    return framed(d, r, frame_parse(p->link, p->bytes, &r->frame));
}

/* A plain frame without mail that is to be read all the same. */
static inline bool wants_other(const struct dissect *d, enum plain kind, struct span bytes)
{
    if (d->dns && plain_has_port(kind, bytes, DNS_TAP_PORT))
        return true;
    if (kind == PLAIN_OTHER)
        return plain_may_carry(kind, bytes, d->config.tunnels);
    if (!d->fetch)
        return false;
    if (plain_dst_port(kind, bytes) == FETCH_TAP_PORT)
        return fetch_tap_wants(d->fetch, true, plain_payload(kind, bytes));
    return plain_src_port(kind, bytes) == FETCH_TAP_PORT &&
           fetch_tap_wants(d->fetch, false, span_of(NULL, 0));
}

/* Most frames of a link are plain, and those that are not mail are told by a few loads; a glance is
 * enough for those in the middle of TLS. False: it is to be read. */
static inline bool at_a_glance(struct dissect *d, const struct packet *p, struct reading *r)
{
    enum plain kind = r->kind = plain_recognise(p->link, p->bytes);
    bool src, dst;

    if (kind == PLAIN_NOT)
        return false;
    src = kind != PLAIN_OTHER && is_mail_port(d, plain_src_port(kind, p->bytes));
    dst = kind != PLAIN_OTHER && is_mail_port(d, plain_dst_port(kind, p->bytes));
    if (!src && !dst) {
        r->kind = PLAIN_NOT;
        if (wants_other(d, kind, p->bytes))
            return false;
        d->count.not_mail++;
        return true;
    }
    r->a.dir = dst ? SESSION_TO_SERVER : SESSION_TO_CLIENT;
    if (src == dst || !plain_glance(kind, p->bytes, &r->a))
        return false;
    r->a.known = true;
    if (!connection_glance(d, &r->a))
        return false;
    d->count.tcp++;
    d->count.ipv4 += kind == PLAIN_TCP_IPV4;
    d->count.ipv6 += kind == PLAIN_TCP_IPV6;
    return true;
}

/* Plain ones at once, the others through the layers one by one. */
static bool read_packet(struct dissect *d, const struct packet *p, struct reading *r)
{
    if (r->kind == PLAIN_NOT)
        return frame_bytes(d, p, r);
    if (!plain_parse(r->kind, p->bytes, &r->frame, &r->ip, &r->a.tcp)) {
        r->a.known = false;
        return frame_bytes(d, p, r);
    }
    count_family(d, &r->ip);
    return true;
}

/* Apart, so that the glance stays short. */
__attribute__((noinline)) static void read_on(struct dissect *d, const struct packet *p,
                                              struct reading *r)
{
    if (!read_packet(d, p, r))
        return;
    r->a.frame = &r->frame;
    r->a.ip = &r->ip;
    d->count.tcp++;
    d->count.offloaded += r->ip.offloaded_length;
    if (!r->a.known) {
        r->a.point = point_of(&r->frame, r->ip.ttl);
        r->a.ip_id = r->ip.id;
        orient(d, &r->a);
        r->a.flow = flow_find(d->converse.table, &r->a.key);
    }
    connection_packet(d, &r->a);
    thrift_trim(d);
}

static inline void mail_packet(struct dissect *d, const struct packet *p)
{
    struct reading r; /* filled as far as it is asked for; clearing it would cost as much */

    r.a.packet = p;
    r.a.known = false;
    r.a.tried = false;
    if (!at_a_glance(d, p, &r))
        read_on(d, p, &r);
}

static inline void pass(struct dissect *d)
{
    converse_tick(&d->converse);
    if (d->converse.now < d->expire_at)
        return;
    lifetime_expire(d);
    if (d->dns)
        dns_tap_tick(d->dns, d->converse.now);
    if (d->fetch)
        fetch_tap_tick(d->fetch, d->converse.now);
    d->expire_at = d->converse.now + EXPIRE_EVERY;
}

void dissect_packet(struct dissect *d, const struct packet *p)
{
    d->count.packets++;
    d->count.bytes += p->wire_len;
    d->converse.number++;
    if (p->time > d->converse.now)
        d->converse.now = p->time;
    mail_packet(d, p);
    pass(d);
}

void dissect_pass(struct dissect *d, nstime now)
{
    if (now <= d->converse.now || d->count.packets == 0)
        return;
    d->converse.now = now;
    pass(d);
}

/* --- life --- */

struct dissect *dissect_new(const struct dissect_config *c, dissect_fn fn, void *user)
{
    struct dissect *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->config = *c;
    d->fn = fn;
    d->user = user;
    d->expire_at = INT64_MIN;
    d->memory = d->pack_from =
        SIZE_MAX; /* until the first packet, after which both are looked at */
    for (uint8_t i = 0; i < c->port_count; i++)
        d->port_map[c->port[i] >> 3] |= (uint8_t)(1u << (c->port[i] & 7));
    d->defrag = defrag_new();
    d->half_open = half_open_new(c->half_open);
    d->park = park_new(&c->key, c->max_flows);
    d->converse = (struct converse){.table = flow_table_new(c->max_flows, &c->key),
                                    .pool = {.limit = CAP_HELD_POOL_BYTES},
                                    .evidence = {.limit = CAP_EVIDENCE_POOL},
                                    .now = INT64_MIN / 2, /* before all packets (base/clock.h) */
                                    .keep_addresses = c->keep_addresses,
                                    .implicit_port = c->implicit_port,
                                    .milestone = lifetime_milestone,
                                    .resolved = connection_resolved,
                                    .user = d};
    if (c->dns) {
        d->dns = dns_tap_new(&c->key, c->dns_queries, c->dns, user);
    }
    if (c->dns || c->tunnels)
        d->side_defrag = defrag_new();
    if (c->fetch)
        d->fetch = fetch_tap_new(&c->key, c->fetch, user);
    if (!d->defrag || !d->half_open || !d->park || !d->converse.table || (c->dns && !d->dns) ||
        ((c->dns || c->tunnels) && !d->side_defrag) || (c->fetch && !d->fetch)) {
        dissect_free(d);
        return NULL;
    }
    return d;
}

void dissect_finish(struct dissect *d)
{
    if (d->dns && d->count.packets)
        dns_tap_tick(d->dns, d->converse.now);
    if (d->fetch && d->count.packets)
        fetch_tap_tick(d->fetch, d->converse.now);
    lifetime_close_all(d);
}

void dissect_free(struct dissect *d)
{
    if (!d)
        return;
    if (d->park && d->converse.table)
        lifetime_drop_all(d);
    park_free(d->park);
    flow_table_free(d->converse.table);
    half_open_free(d->half_open);
    defrag_free(d->defrag);
    defrag_free(d->side_defrag);
    dns_tap_free(d->dns);
    fetch_tap_free(d->fetch);
    free(d);
}

static void add_fragments(struct dissect_counters *c, const struct defrag *from)
{
    const struct defrag_counters *g = defrag_counters(from);

    c->fragments_dropped += g->duplicates + g->conflicts + g->timeouts + g->evicted + g->malformed;
    c->fragments_held += g->pending + g->completed_pieces - g->completed;
}

static void add_dns(struct dissect_counters *c, const struct dissect *d)
{
    const struct dns_tap_counters n = dns_tap_counters(d->dns);

    c->dns_messages = n.messages;
    c->dns_malformed = n.malformed;
    c->dns_unanswered = n.unanswered;
    c->dns_forgotten = n.forgotten;
    c->dns_dropped = n.dropped;
}

struct dissect_counters dissect_counters(const struct dissect *d)
{
    const struct converse *v = &d->converse;
    struct dissect_counters c = d->count;

    add_fragments(&c, d->defrag);
    if (d->side_defrag)
        add_fragments(&c, d->side_defrag);
    if (d->dns)
        add_dns(&c, d);
    c.retransmits = v->count.retransmits;
    c.reordered = v->count.reordered;
    c.gaps = v->count.gaps;
    c.gap_bytes = v->count.gap_bytes;
    c.cut_packets = v->count.cut_packets;
    c.flows_open = flow_count(v->table) + park_count(d->park);
    c.held_bytes = v->pool.bytes;
    c.held_bytes_peak = v->pool.peak;
    c.held_refused = v->pool.refused;
    return c;
}
