/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/filter.h"

#include <net/if_arp.h>

#include "dissect/fetch_tap.h"
#include "dissect/tcp.h"

enum ethertype {
    TYPE_FIRST = 0x0600, /* below is a length: IEEE 802.3 section 3.2.6 */
    TYPE_IPV4 = 0x0800,
    TYPE_ETHERNET = 0x6558, /* Ethernet in GRE or Geneve (RFC 7637, RFC 8926) */
    TYPE_IPV6 = 0x86dd,
    TYPE_PPPOE = 0x8864,  /* session stage, RFC 2516 */
    TYPE_ERSPAN = 0x88be, /* I and II */
    TYPE_ERSPAN3 = 0x22eb
};

static const uint16_t TYPES_MPLS[] = {0x8847, 0x8848};                /* RFC 5332 */
static const uint16_t TYPES_TAG[] = {0x8100, 0x88a8, 0x9100, 0x9200}; /* dissect/frame.c */
static const uint16_t PORTS_VXLAN[] = {4789, 8472}; /* RFC 7348; Linux before it */
static const uint16_t PORTS_GENEVE[] = {6081};
static const uint16_t PORTS_DNS[] = {53};
static const uint16_t PORTS_HTTPS[] = {FETCH_TAP_PORT};

/* Hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, shim6 (IANA).
 * What is encrypted cannot be read. */
static const uint16_t HEADERS_IPV6[] = {0, 43, 44, 51, 60, 135, 139, 140};

enum protocol { IPV4_IN_IP = 4, TCP = 6, UDP = 17, IPV6_IN_IP = 41, GRE = 47 };

enum gre_flag { GRE_CHECKSUM = 0x8000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000 };
#define GRE_FOREIGN 0x4007 /* source routes (RFC 1701); another version: PPTP */

enum { TLS_ALERT = 21, TLS_HANDSHAKE = 22 }; /* RFC 8446 section 5.1 */

enum { PACKET_OUT = 4 }; /* PACKET_OUTGOING of linux/if_packet.h */

/* Scratch memory. */
enum cell { CELL_SUM, CELL_TYPE, CELL_NEXT, CELL_SIZE, CELL_X };

#define LEVELS     2 /* a packet, and what it is the tunnel of */
#define MPLS_DEPTH 8

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The ways into the walk of one level, all with X at what their names say. */
struct level {
    bpf_label ethernet; /* X at its header */
    bpf_label typed;    /* X behind an ethertype, that is A */
    bpf_label ipv4, ipv6;
};

struct walk {
    struct bpf *b;
    const struct filter_mail *mail; /* NULL: spread */
    bpf_label yes, no;              /* where to go when it is decided */
    struct level level[LEVELS + 1];
};

/* --- between IP and Ethernet --- */

/* More tags than dissect/ reads pass, to be counted there. */
static void walk_tags(struct walk *w)
{
    struct bpf *b = w->b;
    bpf_label done = bpf_label_new(b);
    for (int i = 0; i < CAP_VLAN_DEPTH; i++) {
        bpf_label tag = bpf_label_new(b);
        bpf_go_if_any(b, TYPES_TAG, COUNT(TYPES_TAG), tag);
        bpf_go(b, done);
        bpf_bind(b, tag);
        bpf_load(b, BPF_H, 2);
        bpf_keep(b, CELL_TYPE);
        bpf_forward(b, 4);
        bpf_recall(b, CELL_TYPE);
    }
    bpf_go_if_any(b, TYPES_TAG, COUNT(TYPES_TAG), w->yes);
    bpf_bind(b, done);
}

/* When at `offset` there is this type, and behind it a packet of this version of IP. */
static void go_if_ip(struct bpf *b, uint32_t type, uint32_t offset, uint32_t version, bpf_label l)
{
    bpf_label other = bpf_label_new(b);
    bpf_load(b, BPF_H, offset);
    bpf_go_unless(b, BPF_JEQ, type, other);
    bpf_load(b, BPF_B, offset + 2);
    bpf_put(b, BPF_ALU | BPF_RSH | BPF_K, 4);
    bpf_go_if(b, BPF_JEQ, version, l);
    bpf_bind(b, other);
}

/* Labels do not say what they are of (RFC 3032). A frame without a control word may begin with
 * anything, 4 and 6 included, so it is looked for first: by a type, and a version behind it. Else
 * the first bits tell IP (RFC 4928 section 3), and two bytes 0 are a control word (RFC 4448). */
static void walk_below_labels(struct walk *w, const struct level *here, const struct level *within)
{
    struct bpf *b = w->b;
    go_if_ip(b, TYPE_IPV4, 12, 4, within->ethernet);
    go_if_ip(b, TYPE_IPV6, 12, 6, within->ethernet);
    for (size_t i = 0; i < 2; i++) {
        bpf_label other = bpf_label_new(b);
        bpf_load(b, BPF_H, 12);
        bpf_go_unless(b, BPF_JEQ, TYPES_TAG[i], other);
        go_if_ip(b, TYPE_IPV4, 16, 4, within->ethernet);
        go_if_ip(b, TYPE_IPV6, 16, 6, within->ethernet);
        bpf_bind(b, other);
    }
    bpf_load(b, BPF_B, 0);
    bpf_put(b, BPF_ALU | BPF_RSH | BPF_K, 4);
    bpf_go_if(b, BPF_JEQ, 4, here->ipv4);
    bpf_go_if(b, BPF_JEQ, 6, here->ipv6);
    bpf_load(b, BPF_H, 0);
    bpf_go_unless(b, BPF_JEQ, 0, w->yes);
    bpf_forward(b, 4);
    bpf_go(b, within->ethernet);
}

static void walk_mpls(struct walk *w, const struct level *here, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_label bottom = bpf_label_new(b);
    for (int i = 0; i < MPLS_DEPTH; i++) {
        bpf_load(b, BPF_B, 2);
        bpf_keep(b, CELL_NEXT);
        bpf_forward(b, 4);
        bpf_recall(b, CELL_NEXT);
        bpf_go_if(b, BPF_JSET, 1, bottom);
    }
    bpf_go(b, w->yes);
    bpf_bind(b, bottom);
    walk_below_labels(w, here, within);
}

static void walk_pppoe(struct walk *w, const struct level *here)
{
    struct bpf *b = w->b;
    bpf_load(b, BPF_H, 6);
    bpf_keep(b, CELL_NEXT);
    bpf_forward(b, 8);
    bpf_recall(b, CELL_NEXT);
    bpf_go_if(b, BPF_JEQ, 0x0021, here->ipv4);
    bpf_go_if(b, BPF_JEQ, 0x0057, here->ipv6);
    bpf_go(b, w->no);
}

/* A is the type. IP in 802.3 frames has a SNAP header (RFC 1042), and is rare enough to pass. */
static void walk_typed(struct walk *w, const struct level *here, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_label mpls = bpf_label_new(b), pppoe = bpf_label_new(b);
    bpf_go_if(b, BPF_JEQ, TYPE_IPV4, here->ipv4);
    bpf_go_if(b, BPF_JEQ, TYPE_IPV6, here->ipv6);
    bpf_go_if_any(b, TYPES_MPLS, COUNT(TYPES_MPLS), mpls);
    bpf_go_if(b, BPF_JEQ, TYPE_PPPOE, pppoe);
    bpf_go_if(b, BPF_JGE, TYPE_FIRST, w->no);
    bpf_load(b, BPF_W, 0);
    bpf_put(b, BPF_ALU | BPF_RSH | BPF_K, 8);
    bpf_go_if(b, BPF_JEQ, 0xaaaa03, w->yes);
    bpf_go(b, w->no);
    bpf_bind(b, mpls);
    walk_mpls(w, here, within);
    bpf_bind(b, pppoe);
    walk_pppoe(w, here);
}

/* --- tunnels --- */

static void add_if_flag(struct bpf *b, uint32_t flag)
{
    bpf_label without = bpf_label_new(b);
    bpf_recall(b, CELL_NEXT);
    bpf_go_unless(b, BPF_JSET, flag, without);
    bpf_recall(b, CELL_SIZE);
    bpf_put(b, BPF_ALU | BPF_ADD | BPF_K, 4);
    bpf_keep(b, CELL_SIZE);
    bpf_bind(b, without);
}

/* X moves on by A. */
static void forward_by_a(struct bpf *b)
{
    bpf_put(b, BPF_ALU | BPF_ADD | BPF_X, 0);
    bpf_put(b, BPF_MISC | BPF_TAX, 0);
}

/* draft-foschiano-erspan: I has no header, which shows in that GRE has no sequence number; II has 8
 * bytes; III 12, and 8 more when its last bit says so. X behind GRE. */
static void walk_erspan(struct walk *w, bpf_label two, bpf_label three, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_label short_header = bpf_label_new(b);
    bpf_bind(b, two);
    bpf_recall(b, CELL_NEXT);
    bpf_go_unless(b, BPF_JSET, GRE_SEQUENCE, within->ethernet);
    bpf_forward(b, 8);
    bpf_go(b, within->ethernet);
    bpf_bind(b, three);
    bpf_load(b, BPF_B, 11);
    bpf_go_unless(b, BPF_JSET, 1, short_header);
    bpf_forward(b, 8);
    bpf_bind(b, short_header);
    bpf_forward(b, 12);
    bpf_go(b, within->ethernet);
}

/* RFC 2784, RFC 2890. */
static void walk_gre(struct walk *w, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_label two = bpf_label_new(b), three = bpf_label_new(b);
    bpf_load(b, BPF_H, 0);
    bpf_go_if(b, BPF_JSET, GRE_FOREIGN, w->yes);
    bpf_keep(b, CELL_NEXT);
    bpf_load(b, BPF_H, 2);
    bpf_keep(b, CELL_TYPE);
    bpf_put(b, BPF_LD | BPF_IMM, 4);
    bpf_keep(b, CELL_SIZE);
    add_if_flag(b, GRE_CHECKSUM);
    add_if_flag(b, GRE_KEY);
    add_if_flag(b, GRE_SEQUENCE);
    bpf_recall(b, CELL_SIZE);
    forward_by_a(b);
    bpf_recall(b, CELL_TYPE);
    bpf_go_if(b, BPF_JEQ, TYPE_ERSPAN, two);
    bpf_go_if(b, BPF_JEQ, TYPE_ERSPAN3, three);
    bpf_go_if(b, BPF_JEQ, TYPE_ETHERNET, within->ethernet);
    bpf_go(b, within->typed);
    walk_erspan(w, two, three, within);
}

/* RFC 8926; X at UDP. */
static void walk_geneve(struct walk *w, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_load(b, BPF_H, 10);
    bpf_keep(b, CELL_TYPE);
    bpf_load(b, BPF_B, 8);
    bpf_put(b, BPF_ALU | BPF_AND | BPF_K, 0x3f);
    bpf_put(b, BPF_ALU | BPF_LSH | BPF_K, 2);
    bpf_put(b, BPF_ALU | BPF_ADD | BPF_K, 16);
    forward_by_a(b);
    bpf_recall(b, CELL_TYPE);
    bpf_go_if(b, BPF_JEQ, TYPE_ETHERNET, within->ethernet);
    bpf_go(b, within->typed);
}

/* --- TCP and UDP --- */

/* Where A is the source's port, and the destination's. */
static void go_if_port(struct bpf *b, const uint16_t *port, size_t count, bpf_label l)
{
    bpf_load(b, BPF_H, 0);
    bpf_go_if_any(b, port, count, l);
    bpf_load(b, BPF_H, 2);
    bpf_go_if_any(b, port, count, l);
}

/* Of a fetch all that the client says is wanted, for a hello may go on in a second segment, and of
 * the server that it said something: enough is how connections begin and end, and the records of
 * handshakes and alerts. What servers deliver, nearly all of the port, does not pass, nor do
 * segments without data: to load of them ends the program. */
static void walk_https(struct walk *w)
{
    struct bpf *b = w->b;
    bpf_label https = bpf_label_new(b);
    go_if_port(b, PORTS_HTTPS, COUNT(PORTS_HTTPS), https);
    bpf_go(b, w->no);
    bpf_bind(b, https);
    bpf_load(b, BPF_B, 13);
    bpf_go_if(b, BPF_JSET, TCP_FIN | TCP_SYN | TCP_RST, w->yes);
    bpf_load(b, BPF_H, 2);
    bpf_keep(b, CELL_NEXT);
    bpf_load(b, BPF_B, 12);
    bpf_put(b, BPF_ALU | BPF_RSH | BPF_K, 4);
    bpf_put(b, BPF_ALU | BPF_LSH | BPF_K, 2);
    forward_by_a(b);
    bpf_load(b, BPF_B, 0);
    bpf_go_if(b, BPF_JEQ, TLS_HANDSHAKE, w->yes);
    bpf_go_if(b, BPF_JEQ, TLS_ALERT, w->yes);
    bpf_recall(b, CELL_NEXT);
    bpf_go_if(b, BPF_JEQ, FETCH_TAP_PORT, w->yes);
    bpf_go(b, w->no);
}

static void walk_tcp(struct walk *w)
{
    const struct filter_mail *m = w->mail;
    if (!m) {
        bpf_go(w->b, w->yes);
        return;
    }
    go_if_port(w->b, m->port, m->port_count, w->yes);
    if (m->dns)
        go_if_port(w->b, PORTS_DNS, COUNT(PORTS_DNS), w->yes);
    if (m->fetch)
        walk_https(w);
    else
        bpf_go(w->b, w->no);
}

static void walk_udp(struct walk *w, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_label vxlan = bpf_label_new(b), geneve = bpf_label_new(b);
    bpf_load(b, BPF_H, 2);
    bpf_go_if_any(b, PORTS_VXLAN, COUNT(PORTS_VXLAN), vxlan);
    bpf_go_if_any(b, PORTS_GENEVE, COUNT(PORTS_GENEVE), geneve);
    if (w->mail && w->mail->dns)
        go_if_port(b, PORTS_DNS, COUNT(PORTS_DNS), w->yes);
    bpf_go(b, w->no);
    bpf_bind(b, vxlan);
    bpf_forward(b, 16);
    bpf_go(b, within->ethernet);
    bpf_bind(b, geneve);
    walk_geneve(w, within);
}

/* --- IP --- */

/* A is the protocol, X behind the header of IP. */
static void walk_protocol(struct walk *w, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_label tcp = bpf_label_new(b), udp = bpf_label_new(b), gre = bpf_label_new(b);
    bpf_go_if(b, BPF_JEQ, TCP, tcp);
    bpf_go_if(b, BPF_JEQ, UDP, udp);
    bpf_go_if(b, BPF_JEQ, GRE, gre);
    bpf_go_if(b, BPF_JEQ, IPV4_IN_IP, within->ipv4);
    bpf_go_if(b, BPF_JEQ, IPV6_IN_IP, within->ipv6);
    bpf_go(b, w->no);
    bpf_bind(b, tcp);
    walk_tcp(w);
    bpf_bind(b, udp);
    walk_udp(w, within);
    bpf_bind(b, gre);
    walk_gre(w, within);
}

/* The sum of words is the same whoever sends. */
static void sum_words(struct bpf *b, uint32_t first, uint32_t count)
{
    bpf_put(b, BPF_STX, CELL_X);
    bpf_put(b, BPF_LD | BPF_IMM, 0);
    bpf_keep(b, CELL_SUM);
    for (uint32_t i = 0; i < count; i++) {
        bpf_load(b, BPF_W, first + 4 * i);
        bpf_put(b, BPF_LDX | BPF_MEM, CELL_SUM);
        bpf_put(b, BPF_ALU | BPF_ADD | BPF_X, 0);
        bpf_keep(b, CELL_SUM);
        bpf_put(b, BPF_LDX | BPF_MEM, CELL_X);
    }
}

static void walk_ipv4(struct walk *w)
{
    struct bpf *b = w->b;
    if (!w->mail)
        sum_words(b, 12, 2);
    bpf_load(b, BPF_H, 6);
    bpf_go_if(b, BPF_JSET, 0x3fff, w->yes); /* fragments: more to come, or not the first */
    bpf_load(b, BPF_B, 9);
    bpf_keep(b, CELL_NEXT);
    bpf_load(b, BPF_B, 0);
    bpf_put(b, BPF_ALU | BPF_AND | BPF_K, 15);
    bpf_put(b, BPF_ALU | BPF_LSH | BPF_K, 2);
    forward_by_a(b);
    bpf_recall(b, CELL_NEXT);
}

static void walk_ipv6(struct walk *w)
{
    struct bpf *b = w->b;
    if (!w->mail)
        sum_words(b, 8, 8);
    bpf_load(b, BPF_B, 6);
    bpf_keep(b, CELL_NEXT);
    bpf_forward(b, 40);
    bpf_recall(b, CELL_NEXT);
    bpf_go_if_any(b, HEADERS_IPV6, COUNT(HEADERS_IPV6), w->yes);
}

/* --- all of it --- */

static void walk_level(struct walk *w, const struct level *here, const struct level *within)
{
    struct bpf *b = w->b;
    bpf_label protocol = bpf_label_new(b);
    bpf_bind(b, here->ethernet);
    bpf_load(b, BPF_H, 12);
    bpf_keep(b, CELL_TYPE);
    bpf_forward(b, 14);
    bpf_recall(b, CELL_TYPE);
    bpf_bind(b, here->typed);
    walk_tags(w);
    walk_typed(w, here, within);
    bpf_bind(b, here->ipv6);
    walk_ipv6(w);
    bpf_go(b, protocol);
    bpf_bind(b, here->ipv4);
    walk_ipv4(w);
    bpf_bind(b, protocol);
    walk_protocol(w, within);
}

/* Of what this machine sends, a program of a fanout sees the link header as well. */
static void find_network(struct walk *w)
{
    static const uint16_t with_header[] = {ARPHRD_ETHER, ARPHRD_LOOPBACK};
    struct bpf *b = w->b;
    bpf_label behind = bpf_label_new(b), header = bpf_label_new(b);
    bpf_load_metadata(b, SKF_AD_PKTTYPE);
    bpf_go_unless(b, BPF_JEQ, PACKET_OUT, behind);
    bpf_load_metadata(b, SKF_AD_HATYPE);
    bpf_go_if_any(b, with_header, COUNT(with_header), header);
    bpf_go(b, behind);
    bpf_bind(b, header);
    bpf_put(b, BPF_LDX | BPF_IMM, 14);
    bpf_bind(b, behind);
}

static void begin(struct walk *w, enum filter_start start)
{
    struct bpf *b = w->b;
    bpf_put(b, BPF_LDX | BPF_IMM, 0);
    if (start == FILTER_AT_ETHERNET) {
        bpf_go(b, w->level[0].ethernet);
        return;
    }
    if (start == FILTER_AT_EITHER)
        find_network(w);
    bpf_load_metadata(b, SKF_AD_PROTOCOL);
    bpf_go(b, w->level[0].typed);
}

/* Ends with both labels unbound. What is tunnelled too deep goes to `yes`. */
static void walk(struct walk *w, enum filter_start start)
{
    struct bpf *b = w->b;
    w->yes = bpf_label_new(b);
    w->no = bpf_label_new(b);
    for (int i = 0; i < LEVELS; i++)
        w->level[i] =
            (struct level){bpf_label_new(b), bpf_label_new(b), bpf_label_new(b), bpf_label_new(b)};
    w->level[LEVELS] = (struct level){w->yes, w->yes, w->yes, w->yes};
    begin(w, start);
    for (int i = 0; i < LEVELS; i++)
        walk_level(w, &w->level[i], &w->level[i + 1]);
}

static void choose_direction(struct walk *w)
{
    const struct filter_mail *m = w->mail;
    struct bpf *b = w->b;
    bpf_label taken = bpf_label_new(b);
    if (m->direction == FILTER_BOTH && !m->loopback)
        return;
    bpf_load_metadata(b, SKF_AD_PKTTYPE);
    if (m->direction == FILTER_OUT)
        bpf_go_if(b, BPF_JEQ, PACKET_OUT, taken);
    else
        bpf_go_unless(b, BPF_JEQ, PACKET_OUT, taken);
    if (m->direction == FILTER_BOTH) {
        bpf_load_metadata(b, SKF_AD_HATYPE);
        bpf_go_unless(b, BPF_JEQ, ARPHRD_LOOPBACK, taken);
    }
    bpf_put(b, BPF_RET | BPF_K, 0);
    bpf_bind(b, taken);
}

bool filter_mail(struct bpf *b, const struct filter_mail *m, const struct sock_filter *also,
                 size_t also_count)
{
    static const struct sock_filter whole = {BPF_RET | BPF_K, 0, 0, FILTER_WHOLE};
    struct walk w = {.b = b, .mail = m};
    bpf_init(b);
    choose_direction(&w);
    walk(&w, m->start);
    bpf_bind(b, w.no);
    bpf_put(b, BPF_RET | BPF_K, 0);
    bpf_bind(b, w.yes);
    bpf_resolve(b);
    bpf_append(b, also_count ? also : &whole, also_count ? also_count : 1);
    return !b->full;
}

/* Neighbours have neighbouring sums, and the kernel takes the rest of a division: so the upper half
 * of a product with 2^32 over the golden ratio (Knuth, TAOCP 6.4) is put to use. */
bool filter_spread(struct bpf *b, enum filter_start start)
{
    struct walk w = {.b = b};
    bpf_init(b);
    bpf_put(b, BPF_LD | BPF_IMM, 0);
    bpf_keep(b, CELL_SUM);
    walk(&w, start);
    bpf_bind(b, w.no);
    bpf_bind(b, w.yes);
    bpf_recall(b, CELL_SUM);
    bpf_put(b, BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1);
    bpf_put(b, BPF_ALU | BPF_RSH | BPF_K, 16);
    bpf_resolve(b);
    bpf_put(b, BPF_RET | BPF_A, 0);
    return !b->full;
}

void filter_nothing(struct bpf *b)
{
    bpf_init(b);
    bpf_put(b, BPF_RET | BPF_K, 0);
}
