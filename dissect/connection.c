/* SPDX-License-Identifier: Apache-2.0 */
/* A segment comes to its connection: the short ways, copies of packets, and the second place. */
#include "dissect/ending.h"
#include "dissect/handshake.h"
#include "dissect/plausible.h"
#include "dissect/smtp.h"
#include "dissect/tls_record.h"

#define DUPLICATE_WINDOW 10000u /* microseconds: a mirror port's second copy follows at once */
#define DIALOGUE_MOST    512    /* bytes of a segment of commands or replies, almost always */
#define UPGRADE_LINE     64     /* bytes of a STARTTLS command, with room */

/* The pointer leads behind the urgent byte as all receivers take it (RFC 6093 section 3.1); Linux
 * takes 0 for the first. */
static uint32_t urgent_seq(const struct tcp_segment *t)
{
    return t->seq + (t->urgent ? t->urgent - 1u : 0);
}

static void segment_of(const struct arrival *a, struct reasm_segment *out, uint64_t number)
{
    *out = (struct reasm_segment){
        .seq = a->tcp.seq + ((a->tcp.flags & TCP_SYN) ? 1 : 0),
        .bytes = a->tcp.payload,
        .wire_len = a->tcp.payload_len,
        .ack = a->tcp.ack,
        .has_ack = (a->tcp.flags & TCP_ACK) != 0,
        .urgent = (a->tcp.flags & TCP_URG) != 0,
        .urgent_seq = urgent_seq(&a->tcp),
        .time = a->packet->time,
        .number = number,
        .ttl = a->ip->ttl,
    };
}

/* Keyed, so that nobody makes a decoy that passes for the true bytes. */
static uint64_t mix_bytes(uint64_t h, uint64_t key, struct span bytes)
{
    uint64_t word = 0;

    for (; bytes.n >= sizeof(word); bytes = span_from(bytes, sizeof(word))) {
        memcpy(&word, bytes.p, sizeof(word));
        h = (h ^ word) * key;
        h ^= h >> 32;
    }
    word = bytes.n;
    if (bytes.n)
        memcpy(&word, bytes.p, bytes.n);
    h = (h ^ word) * key;
    return h ^ h >> 32;
}

static uint32_t fingerprint(const struct dissect *d, const struct arrival *a)
{
    const struct tcp_segment *t = &a->tcp;
    uint64_t h = ((uint64_t)t->seq << 32 | t->ack) * UINT64_C(0x9e3779b97f4a7c15);

    h ^= ((uint64_t)a->ip_id << 32 | (uint64_t)t->checksum << 16 | t->flags) + t->payload_len;
    if (t->payload.n <= DIALOGUE_MOST) /* by what both copies have, not by the state between them */
        h = mix_bytes(h, d->config.key.k0 | 1, t->payload);
    h *= UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h >> 32) | 1;
}

static void remember(struct flow *f, const struct arrival *a, uint32_t print)
{
    uint8_t at = f->recent_at[a->dir];

    f->recent[a->dir][at] = (struct flow_recent){print, (uint32_t)(a->packet->time / NS_PER_US)};
    f->recent_at[a->dir] = (uint8_t)((at + 1) % 4);
}

/* A mirror port that copies a packet twice: everything equal, the dialogue's bytes as well, within
 * milliseconds. */
static bool duplicate(struct dissect *d, struct flow *f, const struct arrival *a, uint32_t print)
{
    uint32_t now = (uint32_t)(a->packet->time / NS_PER_US);

    for (int i = 0; i < 4; i++) {
        const struct flow_recent *r = &f->recent[a->dir][i];
        if (r->print == print && now - r->time + DUPLICATE_WINDOW <= 2 * DUPLICATE_WINDOW) {
            f->session->duplicates[a->dir]++;
            d->count.duplicates++;
            return true;
        }
    }
    remember(f, a, print);
    return false;
}

/* Is the byte whose answer is timed the end of the STARTTLS command? */
static bool ends_upgrade(const struct flow *f)
{
    const struct session *s = f->session;
    uint32_t end = f->rtt_end - f->dir[SESSION_TO_SERVER].base;

    return s->upgrade_asks && end > s->upgrade_cmd_offset &&
           end - s->upgrade_cmd_offset <= UPGRADE_LINE;
}

/* The smallest time from a client's byte to its acknowledgement: what a round trip takes from here.
 */
static inline void time_answer(struct flow *f, const struct arrival *a)
{
    const struct tcp_segment *t = &a->tcp;

    if (a->dir == SESSION_TO_SERVER && t->payload_len && f->rtt_from == 0) {
        f->rtt_end = t->seq + t->payload_len;
        f->rtt_from = a->packet->time;
    } else if (a->dir == SESSION_TO_CLIENT && f->rtt_from && (t->flags & TCP_ACK) &&
               reasm_diff(t->ack, f->rtt_end) >= 0) {
        nstime took = a->packet->time - f->rtt_from;
        if (took > 0)
            handshake_round_trip(f->session, took, ends_upgrade(f));
        f->rtt_from = 0;
    }
}

static inline void note_ack(struct flow *f, const struct arrival *a)
{
    struct reasm *peer =
        &f->dir[a->dir == SESSION_TO_SERVER ? SESSION_TO_CLIENT : SESSION_TO_SERVER];

    if (!(a->tcp.flags & TCP_ACK))
        return;
    if (!peer->acked_known && a->dir == SESSION_TO_SERVER)
        handshake_acknowledged(f->session, a->packet->time);
    if (!peer->acked_known || reasm_diff(a->tcp.ack, peer->acked) > 0)
        peer->acked = a->tcp.ack;
    peer->acked_known = true;
}

static inline void note_packet(struct dissect *d, struct flow *f, const struct arrival *a)
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

void connection_resolved(void *user, struct flow *f)
{
    ending_note(user, f);
}

/* The next bytes of TLS records. */
static bool pass_tls(struct flow *f, const struct arrival *a)
{
    struct flow_pass *b = &f->pass;
    struct reasm *r = &f->dir[a->dir];
    uint32_t n = a->tcp.payload_len;

    if (a->tcp.seq != r->next || a->tcp.payload.n != n || b->inside[a->dir] == SMTP_INSIDE_UNKNOWN)
        return false;
    uint32_t inside = tls_record_pass(b->inside[a->dir], a->tcp.payload);
    if (inside == UINT32_MAX)
        return false;
    if (n > UINT32_MAX - b->skipped[a->dir])
        converse_catch_up(f);
    r->next += n;
    b->inside[a->dir] = inside;
    b->skipped[a->dir] += n;
    return true;
}

/* The inside of a message's text or of a TLS record, when nothing is out of order. */
static bool pass_inside(const struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct reasm *r = &f->dir[a->dir];
    const struct reasm *o = &f->dir[!a->dir];

    if (a->tcp.seq != r->next || a->tcp.payload.n != a->tcp.payload_len ||
        !(a->tcp.flags & TCP_ACK) || !o->started || reasm_diff(a->tcp.ack, o->next) > 0 ||
        f->waiting || r->held || o->held || f->blocked[a->dir] || r->fin_seen || f->other_synack ||
        !f->smtp || !smtp_pass(f->smtp, a->dir, a->tcp.payload))
        return false;
    r->next += a->tcp.payload_len;
    f->session->bytes[a->dir] += a->tcp.payload_len;
    remember(f, a, fingerprint(d, a));
    note_ack(f, a);
    time_answer(f, a);
    return true;
}

/* Says only what was received. */
static bool pass_ack(struct flow *f, const struct arrival *a)
{
    if (a->tcp.flags != TCP_ACK || f->other_synack)
        return false;
    note_ack(f, a);
    time_answer(f, a);
    return true;
}

/* Most packets: the next bytes of what is only skipped, or an acknowledgement. */
static bool pass(struct dissect *d, struct flow *f, const struct arrival *a)
{
    bool done;

    if (!f->session || f->closing || (a->tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST)))
        return false;
    if (f->bulk)
        done = a->tcp.payload_len == 0 || pass_tls(f, a);
    else
        done = a->tcp.payload_len == 0 ? pass_ack(f, a) : pass_inside(d, f, a);
    if (done)
        note_packet(d, f, a);
    return done;
}

/* Apart from the short ways above, so that they stay short. */
__attribute__((noinline)) static void into_flow(struct dissect *d, struct flow *f,
                                                const struct arrival *a)
{
    struct session *s = f->session;
    struct reasm *r = &f->dir[a->dir];
    bool syn = (a->tcp.flags & TCP_SYN) != 0;
    bool bulk = f->bulk;
    uint32_t print = bulk ? 0 : fingerprint(d, a);
    struct reasm_segment seg;

    segment_of(a, &seg, d->converse.number);
    if (!bulk && duplicate(d, f, a, print)) {
        converse_compare(&d->converse, f, a->dir, &seg); /* sums can be made equal */
        return;
    }
    if (!bulk) {
        uint32_t bad = s->bad_checksums[a->dir];
        seg.marks = plausible_marks(f, a);
        d->count.bad_checksums += s->bad_checksums[a->dir] - bad;
    }
    seg.suspect = seg.marks & COPY_DROPPED;
    if (!seg.suspect)
        note_ack(f, a);
    if (syn && a->dir == SESSION_TO_CLIENT)
        handshake_synack(d, f, a);
    else if (syn)
        handshake_syn(f, a->tcp.seq, a->packet->time, a->tcp.fast_open);
    if (!bulk && !seg.suspect) {
        time_answer(f, a);
        plausible_learn(f, a);
    }
    if (r->fin_seen && a->tcp.payload_len && !seg.suspect)
        ending_outlive_fin(d, f, a);
    if (s->rst[a->dir] && a->tcp.payload_len && !seg.suspect && !(a->tcp.flags & TCP_RST))
        ending_outlive_reset(d, f, a);
    if ((a->tcp.flags & TCP_FIN) && !seg.suspect &&
        (!r->started || reasm_diff(seg.seq + seg.wire_len, r->next) >= 0)) {
        r->fin_seen = true;
        r->fin_seq = seg.seq + seg.wire_len;
    }
    if (a->tcp.payload_len == 0)
        converse_urgent(&d->converse, f, a->dir, &seg);
    if (a->tcp.flags & TCP_RST) /* text in it is no part of the stream (RFC 9293 section 3.5.3) */
        ending_reset(f, a, seg.marks);
    else if (a->tcp.payload_len && (!syn || f->syn_fast_open))
        converse_segment(&d->converse, f, a->dir, &seg);
    else if (f->waiting && (a->tcp.flags & (TCP_SYN | TCP_FIN)))
        converse_resume(&d->converse, f); /* a stream's beginning or end may free what is held */
    if ((a->tcp.flags & (TCP_FIN | TCP_RST)) || f->dir[0].fin_seen || f->dir[1].fin_seen)
        ending_note(d, f);
}

/* Asks for what the long way will want, all at once; it is seldom in the caches of its core. */
static inline void fetch(const struct flow *f)
{
    const struct session *s = f->session;
    const char *m = (const char *)f->smtp;

    __builtin_prefetch(&s->seen);
    __builtin_prefetch(&s->bytes);
    __builtin_prefetch(&s->good_checksums);
    __builtin_prefetch(&s->tls_records);
    __builtin_prefetch(&s->mails);
    if (!m)
        return;
    __builtin_prefetch(m);
    __builtin_prefetch(m + 64);
    __builtin_prefetch(m + 128);
    __builtin_prefetch(m + 192);
    __builtin_prefetch(f->evidence);
}

/* --- a second place --- */

/* Such a segment the peer of this flow would never take: it is numbered otherwise. */
static bool is_foreign(const struct flow *f, const struct arrival *a)
{
    const struct reasm *r = &f->dir[a->dir];
    int32_t ahead = reasm_diff(a->tcp.seq, r->next);

    return r->started && (ahead > PLAUSIBLE_AHEAD || ahead < -PLAUSIBLE_AHEAD);
}

/* The SYN/ACK as it was seen at the other of the two places where the SYN was. */
static bool begins_twin(struct dissect *d, const struct flow *f, const struct arrival *a)
{
    return (a->tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && !f->has_twin &&
           f->session && f->session->synack_seen && a->dir == SESSION_TO_CLIENT &&
           a->point != f->dir[SESSION_TO_CLIENT].point &&
           (handshake_syn_of(d, a->key, 0, a->tcp.ack, 0) ||
            handshake_syn_of(d, a->key, 1, a->tcp.ack, 0));
}

static void begin_twin(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct arrival second = *a;

    second.key.view = 1;
    if (!lifetime_is_full(d) && lifetime_begin(d, &second)) { /* never at the first view's cost */
        f->has_twin = true;
        d->count.second_views++;
    }
}

/* One packet of a flow that is known. */
static void packet_of(struct dissect *d, struct flow *f, const struct arrival *a)
{
    if ((!a->tried && pass(d, f, a)) || !f->session) /* a straggler of a session that ended well */
        return;
    fetch(f);
    note_packet(d, f, a);
    if (f->other_synack)
        handshake_choose(d, f, a);
    if (a->tcp.payload_len == 0 && a->tcp.flags == TCP_ACK) { /* says only what was received */
        note_ack(f, a);
        time_answer(f, a);
        if (f->closing)
            ending_note(d, f);
    } else {
        into_flow(d, f, a);
    }
}

enum place { PLACE_FIRST, PLACE_BOTH, PLACE_SECOND }; /* whose packet it is */

/*
 * A packet from the second place goes to the flow's twin as well, so that the twin is whole. The
 * flow itself is never spared it, as long as it can be meant: nobody starves it by making one up.
 */
static enum place into_twin(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct arrival second = *a;
    struct flow *t = lifetime_twin(d, f);

    if (!t || t->dir[a->dir].point != a->point)
        return PLACE_FIRST;
    second.key.view = 1;
    packet_of(d, t, &second);
    return is_foreign(f, a) ? PLACE_SECOND : PLACE_BOTH;
}

/* A packet that was not seen where the last one was: at the second place, or the route changed. */
static enum place elsewhere(struct dissect *d, struct flow *f, const struct arrival *a)
{
    if (begins_twin(d, f, a))
        begin_twin(d, f, a);
    if (f->has_twin)
        return into_twin(d, f, a);
    f->dir[a->dir].point = a->point;
    return PLACE_FIRST;
}

static inline void count_processed(struct dissect *d, const struct arrival *a)
{
    d->count.processed++;
    d->count.to_client += a->dir == SESSION_TO_CLIENT;
}

bool connection_glance(struct dissect *d, struct arrival *a)
{
    struct flow *f = a->flow = flow_find(d->converse.table, &a->key);

    if (!f || a->point != f->dir[a->dir].point || f->syn_pending)
        return false;
    a->tried = true;
    if (!pass(d, f, a))
        return false;
    count_processed(d, a);
    return true;
}

void connection_packet(struct dissect *d, const struct arrival *a)
{
    struct flow *f = a->flow;
    bool bare_syn = (a->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    enum place place = PLACE_FIRST;
    uint32_t conflicts;

    if (!f && park_count(d->park))
        f = thrift_recall(d, &a->key);
    if (f && a->point != f->dir[a->dir].point)
        place = elsewhere(d, f, a);
    if (place == PLACE_SECOND) {
        count_processed(d, a);
        return;
    }
    if (f && bare_syn && !handshake_is_same(f, a->tcp.seq)) {
        if (handshake_in_window(f, a)) { /* nobody begins anew inside a window that is in use */
            count_processed(d, a);
            return;
        }
        if (!f->closing) { /* its receiver would ignore it; the SYN/ACK will tell */
            f->syn_pending = true;
            f->synack_pending = false;
            f->pending_isn = a->tcp.seq;
            handshake_half_open(d, a);
            return;
        }
        lifetime_close(d, f, lifetime_how(f));
        f = NULL;
    }
    if (f && handshake_is_of_next(f, a)) {
        lifetime_close(d, f, lifetime_how(f));
        f = NULL;
    }
    if (f && handshake_is_answer(f, a)) {
        f->synack_pending = true;
        f->pending_synack = a->tcp.seq;
        count_processed(d, a);
        return;
    }
    if (f && f->syn_pending && handshake_begins_next(f, a) && !(f = handshake_next(d, f, a)))
        return;
    if (!f && bare_syn && a->tcp.payload_len == 0) {
        handshake_half_open(d, a);
        return;
    }
    if (!f)
        f = handshake_begin(d, a);
    if (!f)
        return;
    count_processed(d, a);
    conflicts = f->session ? f->session->conflicts : 0;
    packet_of(d, f, a);
    if (place == PLACE_BOTH && f->session)
        f->session->conflicts_of_twin += f->session->conflicts - conflicts;
}
