/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/dissect.h"

#include <stdlib.h>

#include "dissect/converse.h"
#include "dissect/defrag.h"
#include "dissect/frame.h"
#include "dissect/smtp.h"
#include "dissect/tcp.h"
#include "dissect/tls_record.h"

#define IDLE             (CAP_FLOW_IDLE_S * NS_PER_S)
#define EVICT_TRIES      8 /* flows looked at for one that is idle: bounds the cost of one packet */
#define DUPLICATE_WINDOW 10000u /* microseconds: a mirror port's second copy follows at once */

struct dissect {
    struct dissect_config config;
    dissect_fn fn;
    void *user;
    struct converse converse;
    struct defrag *defrag;
    struct dissect_counters count;
    uint64_t serial;
    uint8_t port_map[65536 / 8];
};

void dissect_config_default(struct dissect_config *c)
{
    *c = (struct dissect_config){.port = {25, 587, 2525, 465},
                                 .port_count = 4,
                                 .implicit_port = 465,
                                 .max_flows = CAP_FLOWS};
}

/* --- sessions --- */

static void emit(struct dissect *d, struct flow *f, enum session_milestone m)
{
    converse_catch_up(f);
    f->session->now = d->converse.now;
    d->fn(d->user, f->session, m);
}

/* Called by converse after bytes were read. */
static void milestone(void *user, struct flow *f)
{
    struct dissect *d = user;
    unsigned events = smtp_take_events(f->smtp);

    for (int m = 0; events && m < SESSION_CLOSED; m++)
        if (events & (1u << m))
            emit(d, f, (enum session_milestone)m);
}

static uint64_t flow_id(const struct flow_key *k, nstime first)
{
    static const struct siphash_key fixed = {0, 0}; /* an id, not a table: the same for every run */
    uint8_t bytes[44];

    memcpy(bytes, k->client, 16);
    memcpy(bytes + 16, k->server, 16);
    memcpy(bytes + 32, &k->client_port, 2);
    memcpy(bytes + 34, &k->server_port, 2);
    memcpy(bytes + 36, &first, 8);
    return siphash(&fixed, bytes, sizeof(bytes)) & ((UINT64_C(1) << 53) - 1);
}

/* Frees everything but the flow's place in the table. */
static void drop_session(struct dissect *d, struct flow *f)
{
    for (int i = 0; i < SESSION_DIR_COUNT; i++)
        reasm_release(&f->dir[i], &d->converse.pool);
    flow_unwait(d->converse.table, f);
    smtp_free(f->smtp);
    if (f->session)
        free(f->session->pool);
    free(f->session);
    f->smtp = NULL;
    f->session = NULL;
    f->bulk = false;
}

static void close_session(struct dissect *d, struct flow *f, enum session_close why)
{
    struct session *s = f->session;

    converse_resolve(&d->converse, f, true);
    s->closed = why;
    emit(d, f, SESSION_CLOSED);
    d->count.flows_timeout += why == SESSION_TIMEOUT;
    d->count.flows_evicted += why == SESSION_EVICTED;
    d->count.sessions += s->bytes[0] || s->bytes[1] || s->gap_bytes[0] || s->gap_bytes[1];
    d->count.midstream += s->midstream;
    drop_session(d, f);
}

static void close_flow(struct dissect *d, struct flow *f, enum session_close why)
{
    if (f->session)
        close_session(d, f, why);
    d->count.flows_closed++;
    flow_remove(d->converse.table, f);
}

static enum session_close how_closed(const struct flow *f)
{
    const struct session *s = f->session;

    if (!f->closing || !s)
        return SESSION_INPUT_END;
    return s->rst[SESSION_TO_SERVER] || s->rst[SESSION_TO_CLIENT] ? SESSION_RST : SESSION_FIN;
}

/* A closed flow is worth least, then the one that was silent longest. */
static void make_room(struct dissect *d)
{
    struct flow *f = flow_oldest_closing(d->converse.table);

    if (f) {
        close_flow(d, f, how_closed(f));
        return;
    }
    for (int i = 0; i < EVICT_TRIES; i++) {
        f = flow_oldest(d->converse.table);
        if (!f || f->touched == f->queued)
            break;
        flow_requeue(d->converse.table, f);
    }
    if (f)
        close_flow(d, f, SESSION_EVICTED);
}

static void expire(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    struct flow *f;

    while ((f = flow_oldest_closing(t)) && f->close_at <= d->converse.now)
        close_flow(d, f, how_closed(f));
    while ((f = flow_oldest(t)) && d->converse.now - f->queued >= IDLE) {
        if (d->converse.now - f->touched >= IDLE)
            close_flow(d, f, SESSION_TIMEOUT);
        else
            flow_requeue(t, f);
    }
}

/* --- flows --- */

struct arrival { /* one mail packet on its way */
    const struct packet *packet;
    const struct frame *frame;
    const struct ip_packet *ip;
    struct tcp_segment tcp;
    struct flow_key key;
    enum session_dir dir;
};

static struct flow *new_flow(struct dissect *d, const struct arrival *a)
{
    struct session *s = calloc(1, sizeof(*s));
    struct flow *f;

    if (!s)
        return NULL;
    if (flow_count(d->converse.table) >= d->config.max_flows)
        make_room(d);
    f = flow_add(d->converse.table, &a->key);
    if (!f) {
        free(s);
        return NULL;
    }
    s->key = a->key;
    s->first = a->packet->time;
    s->flow_id = flow_id(&a->key, s->first);
    s->serial = d->serial++;
    s->vlan_count = a->frame->vlan_count;
    memcpy(s->vlan, a->frame->vlan, sizeof(s->vlan));
    s->midstream = true; /* until a SYN or SYN/ACK is seen */
    f->session = s;
    f->queued = d->converse.now;
    f->touched = d->converse.now;
    d->count.flows++;
    return f;
}

static void saw_syn(struct flow *f, uint32_t isn, nstime time, bool fast_open)
{
    f->session->syn_seen = true;
    f->session->midstream = false;
    f->syn_fast_open = fast_open;
    if (time < f->session->first)
        f->session->first = time;
    if (!f->dir[SESSION_TO_SERVER].started)
        reasm_start(&f->dir[SESSION_TO_SERVER], isn + 1);
}

/* Did a SYN of this very connection leave its mark? */
static void recall_syn(struct dissect *d, struct flow *f, uint32_t client_next, nstime synack)
{
    struct flow_half_open *h = flow_half_open(d->converse.table, &f->key);
    bool fresh = d->converse.now - h->time < CAP_FLOW_IDLE_S * NS_PER_S;

    if (h->tag != flow_tag(d->converse.table, &f->key) || !fresh)
        return;
    if (reasm_diff(client_next, h->isn + 1) < 0 || reasm_diff(client_next, h->isn + 1) > (1 << 24))
        return;
    saw_syn(f, h->isn, h->time, h->fast_open);
    if (synack > h->time)
        f->session->rtt_floor = synack - h->time;
    h->tag = 0;
}

static void note_half_open(struct dissect *d, const struct arrival *a)
{
    struct flow_half_open *h = flow_half_open(d->converse.table, &a->key);
    uint64_t tag = flow_tag(d->converse.table, &a->key);

    d->count.half_open_overwritten += h->tag != 0 && h->tag != tag;
    *h = (struct flow_half_open){tag, d->converse.now, a->tcp.seq, a->tcp.fast_open};
    d->count.half_open++;
}

/* A SYN for a 4-tuple that is in use: the same connection (a repeat, or packets out of order), or
 * the next one. */
static bool same_connection(const struct flow *f, uint32_t isn)
{
    const struct reasm *r = &f->dir[SESSION_TO_SERVER];

    if (r->started)
        return r->base == isn + 1;
    return !f->closing;
}

static void segment_of(const struct arrival *a, struct reasm_segment *out, uint64_t number)
{
    *out = (struct reasm_segment){
        .seq = a->tcp.seq + ((a->tcp.flags & TCP_SYN) ? 1 : 0),
        .bytes = a->tcp.payload,
        .wire_len = a->tcp.payload_len,
        .ack = a->tcp.ack,
        .has_ack = (a->tcp.flags & TCP_ACK) != 0,
        .time = a->packet->time,
        .number = number,
    };
}

/*
 * A wrong checksum decides nothing alone: captures on a sending host show only wrong ones. Where
 * this direction's are right, a segment with a wrong one was dropped by its receiver.
 */
static bool suspect(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct session *s = f->session;

    if (s->mails || s->tls_records[a->dir])
        return false;
    switch (tcp_checksum(a->ip)) {
    case TCP_CHECKSUM_GOOD:
        s->good_checksums[a->dir]++;
        return false;
    case TCP_CHECKSUM_BAD:
        s->bad_checksums[a->dir]++;
        d->count.bad_checksums++;
        return s->good_checksums[a->dir] > s->bad_checksums[a->dir];
    case TCP_CHECKSUM_UNKNOWN:
        break;
    }
    return false;
}

static uint32_t fingerprint(const struct arrival *a)
{
    const struct tcp_segment *t = &a->tcp;
    uint64_t h = ((uint64_t)t->seq << 32 | t->ack) * UINT64_C(0x9e3779b97f4a7c15);

    h ^= ((uint64_t)a->ip->id << 32 | (uint64_t)t->checksum << 16 | t->flags) + t->payload_len;
    h *= UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h >> 32) | 1;
}

/* A mirror port that copies a packet twice: everything equal, within milliseconds. */
static bool duplicate(struct dissect *d, struct flow *f, const struct arrival *a)
{
    uint32_t print = fingerprint(a);
    uint32_t now = (uint32_t)(a->packet->time / NS_PER_US);
    uint8_t at = f->recent_at[a->dir];

    for (int i = 0; i < 4; i++) {
        const struct flow_recent *r = &f->recent[a->dir][i];
        if (r->print == print && now - r->time + DUPLICATE_WINDOW <= 2 * DUPLICATE_WINDOW) {
            f->session->duplicates[a->dir]++;
            d->count.duplicates++;
            return true;
        }
    }
    f->recent[a->dir][at] = (struct flow_recent){print, now};
    f->recent_at[a->dir] = (uint8_t)((at + 1) % 4);
    return false;
}

/* The smallest time from a client's byte to its acknowledgement: what a round trip takes from here.
 */
static void time_answer(struct flow *f, const struct arrival *a)
{
    const struct tcp_segment *t = &a->tcp;

    if (a->dir == SESSION_TO_SERVER && t->payload_len && f->rtt_from == 0) {
        f->rtt_end = t->seq + t->payload_len;
        f->rtt_from = a->packet->time;
    } else if (a->dir == SESSION_TO_CLIENT && f->rtt_from && (t->flags & TCP_ACK) &&
               reasm_diff(t->ack, f->rtt_end) >= 0) {
        nstime took = a->packet->time - f->rtt_from;
        if (took > 0 && (f->session->rtt_floor == 0 || took < f->session->rtt_floor))
            f->session->rtt_floor = took;
        f->rtt_from = 0;
    }
}

static void note_ack(struct flow *f, const struct arrival *a)
{
    struct reasm *peer =
        &f->dir[a->dir == SESSION_TO_SERVER ? SESSION_TO_CLIENT : SESSION_TO_SERVER];

    if (!(a->tcp.flags & TCP_ACK))
        return;
    if (!peer->acked_known || reasm_diff(a->tcp.ack, peer->acked) > 0)
        peer->acked = a->tcp.ack;
    peer->acked_known = true;
}

static void note_packet(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct flow_pass *b = &f->pass;

    b->packets[a->dir]++;
    b->wire_bytes[a->dir] += a->packet->wire_len;
    b->tcp_flags[a->dir] |= a->tcp.flags;
    b->source = a->packet->source;
    if (a->packet->time > b->last)
        b->last = a->packet->time;
    f->touched = d->converse.now;
    if (!b->seen[a->dir]) {
        b->seen[a->dir] = true;
        f->session->seen[a->dir] = true;
        f->unseen[a->dir] = false;
    }
}

static void note_end(struct dissect *d, struct flow *f)
{
    struct session *s = f->session;
    bool ended[SESSION_DIR_COUNT];

    for (int i = 0; i < SESSION_DIR_COUNT; i++) {
        struct reasm *r = &f->dir[i];
        if (r->fin_seen && r->started && reasm_diff(r->next, r->fin_seq) >= 0)
            s->fin[i] = true;
        ended[i] = s->fin[i] || !s->seen[i];
    }
    if (!f->closing && ((ended[0] && ended[1]) || s->rst[0] || s->rst[1])) {
        flow_closing(d->converse.table, f);
        f->close_at = d->converse.now + CAP_FLOW_CLOSED_S * NS_PER_S;
    }
    if (f->closing && s->fin[0] && s->fin[1] &&
        !f->waiting) /* all was read: only its place stays */
        close_session(d, f, how_closed(f));
}

static void synack(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct session *s = f->session;

    if (!f->dir[SESSION_TO_CLIENT].started)
        reasm_start(&f->dir[SESSION_TO_CLIENT], a->tcp.seq + 1);
    if (f->dir[SESSION_TO_CLIENT].base != a->tcp.seq + 1)
        return; /* another initial sequence number: not this connection's beginning */
    s->synack_seen = true;
    s->midstream = false;
    s->isn_known = true;
    s->server_isn = a->tcp.seq;
    if (!s->syn_seen)
        recall_syn(d, f, a->tcp.ack, a->packet->time);
    if (!f->dir[SESSION_TO_SERVER].started)
        reasm_start(&f->dir[SESSION_TO_SERVER], a->tcp.ack);
}

/* Most packets: the next bytes of TLS records, or an acknowledgement. */
static bool pass(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct flow_pass *b = &f->pass;
    struct reasm *r = &f->dir[a->dir];
    uint32_t n = a->tcp.payload_len;

    if (!f->bulk || (a->tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST)))
        return false;
    if (n) {
        uint32_t inside = tls_record_pass(b->inside[a->dir], a->tcp.payload);
        if (a->tcp.seq != r->next || a->tcp.payload.n != n || b->inside[a->dir] == 0 ||
            inside == UINT32_MAX)
            return false;
        r->next += n;
        b->inside[a->dir] = inside;
        b->skipped[a->dir] += n;
    }
    note_packet(d, f, a);
    return true;
}

static void into_flow(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct session *s = f->session;
    struct reasm *r = &f->dir[a->dir];
    bool syn = (a->tcp.flags & TCP_SYN) != 0;
    bool bulk = f->bulk;
    struct reasm_segment seg;

    note_packet(d, f, a);
    if (!bulk && duplicate(d, f, a))
        return;
    note_ack(f, a);
    segment_of(a, &seg, d->converse.number);
    if (syn && a->dir == SESSION_TO_CLIENT)
        synack(d, f, a);
    else if (syn)
        saw_syn(f, a->tcp.seq, a->packet->time, a->tcp.fast_open);
    if (!bulk) {
        if (a->tcp.payload_len || syn)
            seg.suspect = suspect(d, f, a);
        time_answer(f, a);
    }
    if ((a->tcp.flags & TCP_FIN) && !seg.suspect) {
        r->fin_seen = true;
        r->fin_seq = seg.seq + seg.wire_len;
    }
    if (a->tcp.payload_len && (!syn || f->syn_fast_open))
        converse_segment(&d->converse, f, a->dir, &seg);
    else if (f->waiting && (a->tcp.flags & (TCP_SYN | TCP_FIN)))
        converse_resume(&d->converse, f); /* a stream's beginning or end may free what is held */
    if (a->tcp.flags & TCP_RST)
        s->rst[a->dir] = true;
    note_end(d, f);
}

/* Only a SYN/ACK or data make a flow; recalls the SYN that came before. */
static struct flow *begin_flow(struct dissect *d, const struct arrival *a)
{
    bool syn = (a->tcp.flags & TCP_SYN) != 0;
    struct flow *f;

    if ((a->tcp.flags & TCP_RST) || (!syn && a->tcp.payload_len == 0)) {
        d->count.no_flow++;
        return NULL;
    }
    f = new_flow(d, a);
    if (!f) {
        d->count.flow_capped++;
        return NULL;
    }
    if (!syn)
        recall_syn(d, f, a->dir == SESSION_TO_SERVER ? a->tcp.seq : a->tcp.ack, 0);
    return f;
}

static void mail_packet(struct dissect *d, const struct arrival *a)
{
    struct flow *f = flow_find(d->converse.table, &a->key);
    bool bare_syn = (a->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

    if (f && bare_syn && !same_connection(f, a->tcp.seq)) {
        close_flow(d, f, f->closing ? how_closed(f) : SESSION_REUSED);
        f = NULL;
    }
    if (!f && bare_syn && a->tcp.payload_len == 0) {
        note_half_open(d, a);
        return;
    }
    if (!f)
        f = begin_flow(d, a);
    if (!f)
        return;
    d->count.processed++;
    if (!pass(d, f, a) && f->session) /* else a straggler of a session closed in good order */
        into_flow(d, f, a);
}

/* --- the way in --- */

static bool is_mail_port(const struct dissect *d, uint16_t port)
{
    return d->port_map[port >> 3] & (1u << (port & 7));
}

/* The server is the side with the mail port. When both have one, a SYN tells; without it a flow
 * that is known decides, and else the lower port serves. */
static enum session_dir direction(struct dissect *d, const struct tcp_segment *t)
{
    bool src = is_mail_port(d, t->src_port);
    bool dst = is_mail_port(d, t->dst_port);

    if (src != dst)
        return dst ? SESSION_TO_SERVER : SESSION_TO_CLIENT;
    if (t->flags & TCP_SYN)
        return t->flags & TCP_ACK ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
    return t->dst_port <= t->src_port ? SESSION_TO_SERVER : SESSION_TO_CLIENT;
}

static void key_of(struct arrival *a)
{
    const struct ip_packet *ip = a->ip;
    bool up = a->dir == SESSION_TO_SERVER;

    a->key.family = ip->family;
    memcpy(a->key.client, up ? ip->src : ip->dst, 16);
    memcpy(a->key.server, up ? ip->dst : ip->src, 16);
    a->key.client_port = up ? a->tcp.src_port : a->tcp.dst_port;
    a->key.server_port = up ? a->tcp.dst_port : a->tcp.src_port;
}

static void orient(struct dissect *d, struct arrival *a)
{
    a->dir = direction(d, &a->tcp);
    key_of(a);
    if (is_mail_port(d, a->tcp.src_port) && is_mail_port(d, a->tcp.dst_port) &&
        !(a->tcp.flags & TCP_SYN) && !flow_find(d->converse.table, &a->key)) {
        struct arrival turned = *a;
        turned.dir = a->dir == SESSION_TO_SERVER ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
        key_of(&turned);
        if (flow_find(d->converse.table, &turned.key))
            *a = turned;
    }
}

static void whole_packet(struct dissect *d, const struct packet *p, const struct frame *frame,
                         const struct ip_packet *ip)
{
    struct arrival a = {.packet = p, .frame = frame, .ip = ip};

    if (ip->proto != 6) {
        d->count.not_mail++;
        return;
    }
    if (tcp_parse(ip, &a.tcp) != TCP_OK) {
        d->count.malformed_tcp++;
        return;
    }
    if (!is_mail_port(d, a.tcp.src_port) && !is_mail_port(d, a.tcp.dst_port)) {
        d->count.not_mail++;
        return;
    }
    d->count.tcp++;
    d->count.offloaded += ip->offloaded_length;
    orient(d, &a);
    mail_packet(d, &a);
}

static void ip_bytes(struct dissect *d, const struct packet *p, const struct frame *frame)
{
    struct ip_packet ip, whole;

    if (ip_parse(frame->ip, &ip) != IP_OK) {
        d->count.malformed_ip++;
        return;
    }
    d->count.ipv4 += ip.family == 4;
    d->count.ipv6 += ip.family == 6;
    if (!ip.fragment)
        whole_packet(d, p, frame, &ip);
    else if (ip.proto != 6)
        d->count.not_mail++;
    else if (defrag_push(d->defrag, &ip, d->converse.now, &whole))
        whole_packet(d, p, frame, &whole);
}

/* Most frames of a mixed link are plain TCP or UDP over Ethernet that is not mail: told by a few
 * loads, before anything is parsed. */
static bool plainly_not_mail(const struct dissect *d, const struct packet *p)
{
    const uint8_t *b = p->bytes.p;
    const uint8_t *ports;

    if (p->link != FRAME_ETHERNET || p->bytes.n < 58)
        return false;
    if (b[12] == 0x08 && b[13] == 0x00 && b[14] == 0x45) {
        if (b[23] != 6)
            return (b[20] & 0x3f) == 0 && b[21] == 0;
        if ((b[20] & 0x3f) || b[21])
            return false;
        ports = b + 34;
    } else if (b[12] == 0x86 && b[13] == 0xdd && b[20] == 6) {
        ports = b + 54;
    } else {
        return false;
    }
    return !is_mail_port(d, (uint16_t)(ports[0] << 8 | ports[1])) &&
           !is_mail_port(d, (uint16_t)(ports[2] << 8 | ports[3]));
}

static void frame_bytes(struct dissect *d, const struct packet *p)
{
    struct frame frame;

    switch (frame_parse(p->link, p->bytes, &frame)) {
    case FRAME_OK:
        d->count.vlan += frame.vlan_count == 1;
        d->count.qinq += frame.vlan_count > 1;
        ip_bytes(d, p, &frame);
        return;
    case FRAME_SHORT:
        d->count.malformed_link++;
        return;
    case FRAME_NOT_IP:
        d->count.not_ip++;
        return;
    case FRAME_VLAN_DEEP:
        d->count.vlan_deep++;
        return;
    case FRAME_UNKNOWN_LINK:
        d->count.unknown_link++;
        return;
    }
}

void dissect_packet(struct dissect *d, const struct packet *p)
{
    d->count.packets++;
    d->count.bytes += p->wire_len;
    d->converse.number++;
    if (p->time > d->converse.now)
        d->converse.now = p->time;
    if (plainly_not_mail(d, p))
        d->count.not_mail++;
    else
        frame_bytes(d, p);
    converse_tick(&d->converse);
    expire(d);
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
    for (uint8_t i = 0; i < c->port_count; i++)
        d->port_map[c->port[i] >> 3] |= (uint8_t)(1u << (c->port[i] & 7));
    d->defrag = defrag_new();
    d->converse = (struct converse){.table = flow_table_new(c->max_flows, &c->key),
                                    .pool = {.limit = CAP_HELD_POOL_BYTES},
                                    .now = INT64_MIN / 2,
                                    .keep_addresses = c->keep_addresses,
                                    .implicit_port = c->implicit_port,
                                    .milestone = milestone,
                                    .user = d};
    if (!d->defrag || !d->converse.table) {
        dissect_free(d);
        return NULL;
    }
    return d;
}

static int by_serial(const void *a, const void *b)
{
    const struct flow *const *x = a;
    const struct flow *const *y = b;

    return ((*x)->session->serial > (*y)->session->serial) -
           ((*x)->session->serial < (*y)->session->serial);
}

static struct flow *next_flow(struct flow_table *t, const struct flow *f)
{
    return f->age.next == FLOW_NONE ? NULL : flow_at(t, f->age.next);
}

/* The flows that still have a session, in the order of their first packets. */
static uint32_t in_order(struct flow_table *t, struct flow **all)
{
    uint32_t n = 0;

    for (struct flow *f = flow_oldest(t); f; f = next_flow(t, f))
        all[n++] = f;
    for (struct flow *f = flow_oldest_closing(t); f; f = next_flow(t, f))
        if (f->session)
            all[n++] = f;
    qsort(all, n, sizeof(struct flow *), by_serial);
    return n;
}

/* Without memory for the order, the flows close in the order of their age. */
static void close_all(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    struct flow **all = malloc((flow_count(t) + 1) * sizeof(struct flow *));
    uint32_t n = all ? in_order(t, all) : 0;
    struct flow *f;

    for (uint32_t i = 0; i < n; i++)
        close_flow(d, all[i], how_closed(all[i]));
    free(all);
    while ((f = flow_oldest_closing(t)) || (f = flow_oldest(t)))
        close_flow(d, f, how_closed(f));
}

void dissect_finish(struct dissect *d)
{
    close_all(d);
}

void dissect_free(struct dissect *d)
{
    struct flow *f;

    if (!d)
        return;
    while (d->converse.table &&
           ((f = flow_oldest_closing(d->converse.table)) || (f = flow_oldest(d->converse.table)))) {
        drop_session(d, f);
        flow_remove(d->converse.table, f);
    }
    flow_table_free(d->converse.table);
    defrag_free(d->defrag);
    free(d);
}

struct dissect_counters dissect_counters(const struct dissect *d)
{
    const struct defrag_counters *g = defrag_counters(d->defrag);
    const struct converse *v = &d->converse;
    struct dissect_counters c = d->count;

    c.fragments_dropped = g->duplicates + g->conflicts + g->timeouts + g->evicted + g->malformed;
    c.fragments_held = g->pending + g->completed_pieces - g->completed;
    c.retransmits = v->count.retransmits;
    c.reordered = v->count.reordered;
    c.gaps = v->count.gaps;
    c.gap_bytes = v->count.gap_bytes;
    c.cut_packets = v->count.cut_packets;
    c.flows_open = flow_count(v->table);
    c.held_bytes = v->pool.bytes;
    c.held_bytes_peak = v->pool.peak;
    c.held_refused = v->pool.refused;
    return c;
}
