/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/handshake.h"

#include "dissect/plausible.h"

#define AHEAD_OF_SYN (1u << 24)        /* data that may lie between a SYN and what recalls it */
#define WAIT_MOST    NS_PER_S          /* beyond it something was sent again (RFC 6298 section 2) */
#define AGAIN_LEAST  (500 * NS_PER_MS) /* a SYN is sent again after a second (RFC 6298) */

void handshake_round_trip(struct session *s, nstime took, bool of_upgrade)
{
    if (s->rtt_floor == 0 || took < s->rtt_floor)
        s->rtt_floor = took;
    if (of_upgrade)
        return;
    s->answer_samples++;
    if (s->answer_floor == 0 || took < s->answer_floor)
        s->answer_floor = took;
}

void handshake_syn(struct flow *f, uint32_t isn, nstime time, bool fast_open)
{
    f->session->syn_seen = true;
    f->session->midstream = false;
    f->syn_fast_open = fast_open;
    if (time < f->session->first)
        f->session->first = time;
    if (!f->dir[SESSION_TO_SERVER].started)
        reasm_start(&f->dir[SESSION_TO_SERVER], isn + 1);
}

/* A SYN that this may answer or go on from, seen at the first place or at the second. */
struct half_open *handshake_syn_of(struct dissect *d, struct flow_key k, uint8_t view,
                                   uint32_t client_next, uint32_t most)
{
    struct half_open *h;

    k.view = view;
    h = half_open_find(d->half_open, &k);
    if (!h || d->converse.now - h->time >= CAP_FLOW_IDLE_S * NS_PER_S ||
        client_next - (h->isn + 1) > (h->fast_open ? AHEAD_OF_SYN : most))
        return NULL;
    return h;
}

/* In microseconds, of which there is one at least; 0: it tells nothing. */
static uint32_t wait_of(nstime took)
{
    if (took < 0 || took >= WAIT_MOST)
        return 0;
    return took < NS_PER_US ? 1 : (uint32_t)(took / NS_PER_US);
}

void handshake_acknowledged(struct session *s, nstime time)
{
    if (s->syn_wait > 0)
        s->synack_wait = wait_of(time - s->first - (nstime)s->syn_wait * NS_PER_US);
}

/* Did a SYN of this very connection leave its mark? If it was seen at two places, the first SYN/ACK
 * comes from the place nearer to the server, which saw the SYN last. */
static void recall_syn(struct dissect *d, struct flow *f, uint32_t client_next, nstime synack)
{
    uint32_t most = synack ? 0 : AHEAD_OF_SYN;
    uint32_t here = f->dir[SESSION_TO_CLIENT].point;
    struct half_open *first = handshake_syn_of(d, f->key, 0, client_next, most);
    struct half_open *second = handshake_syn_of(d, f->key, 1, client_next, most);
    struct half_open *h = second ? second : first;

    if (first && second && point_same_link(first->point, here) &&
        !point_same_link(second->point, here))
        h = first;
    if (!h)
        return;
    handshake_syn(f, h->isn, h->time, h->fast_open);
    f->dir[SESSION_TO_SERVER].point = h->point;
    f->session->ttl[SESSION_TO_SERVER] = point_ttl(h->point);
    if (synack && f->session->first == h->time)
        f->session->syn_wait = wait_of(synack - h->time);
    if (synack > h->time)
        handshake_round_trip(f->session, synack - h->time, false);
    h->tag = 0;
}

static void tell_attempt(struct dissect *d, const struct arrival *a, bool refused)
{
    const struct dissect_attempt attempt = {a->key, a->packet->time, refused};

    d->config.attempt(d->user, &attempt);
}

/* It came before, and so long ago that it is its sender who says it again. */
static bool is_again(const struct half_open *before, const struct arrival *a)
{
    return before && before->isn == a->tcp.seq &&
           clock_since(a->packet->time, before->time) >= AGAIN_LEAST;
}

/* Nobody takes the connection: the answer of the server's host to its SYN (RFC 9293 section
 * 3.10.7.1). The SYN stays known, for anybody could say so. */
static void refused(struct dissect *d, const struct arrival *a)
{
    const struct half_open *syn = half_open_find(d->half_open, &a->key);

    if (syn && (a->tcp.flags & TCP_ACK) && a->tcp.ack == syn->isn + 1)
        tell_attempt(d, a, true);
}

void handshake_half_open(struct dissect *d, const struct arrival *a)
{
    if (d->config.attempt && is_again(half_open_find(d->half_open, &a->key), a))
        tell_attempt(d, a, false);
    struct half_open syn = {.time = d->converse.now,
                            .isn = a->tcp.seq,
                            .point = a->point,
                            .fast_open = a->tcp.fast_open};

    d->count.half_open_overwritten += half_open_note(d->half_open, &a->key, &syn);
    d->count.half_open++;
}

/* A SYN for a 4-tuple that is in use: the same connection (a repeat, or packets out of order), or
 * the next one. */
bool handshake_is_same(const struct flow *f, uint32_t isn)
{
    const struct reasm *r = &f->dir[SESSION_TO_SERVER];

    if (r->started)
        return r->base == isn + 1;
    return !f->closing;
}

/* A SYN/ACK with another initial sequence number: the client's acknowledgement will tell which one
 * it took. */
static void other_synack(struct flow *f, const struct arrival *a)
{
    struct session *s = f->session;

    if (f->other_synack || s->midstream ||
        (f->dir[SESSION_TO_SERVER].started && a->tcp.ack != f->dir[SESSION_TO_SERVER].base))
        return;
    f->other_synack = true;
    struct tamper *t = session_tamper(s, TAMPER_HANDSHAKE);
    if (t) {
        t->dir = SESSION_TO_CLIENT;
        t->ttl[0] = f->ttl[SESSION_TO_CLIENT];
        t->ttl[1] = a->ip->ttl;
    }
}

/* The client acknowledges another SYN/ACK than the first, and nothing was read after that. */
void handshake_choose(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct reasm *r = &f->dir[SESSION_TO_CLIENT];

    if (a->dir != SESSION_TO_SERVER || !(a->tcp.flags & TCP_ACK) || r->next != r->base ||
        a->tcp.ack == r->base || f->session->bytes[SESSION_TO_SERVER])
        return;
    reasm_release(r, &d->converse.pool);
    reasm_start(r, a->tcp.ack);
    f->session->server_isn = a->tcp.ack - 1;
}

void handshake_synack(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct session *s = f->session;

    if (!f->dir[SESSION_TO_CLIENT].started)
        reasm_start(&f->dir[SESSION_TO_CLIENT], a->tcp.seq + 1);
    else if (f->dir[SESSION_TO_CLIENT].base != a->tcp.seq + 1) {
        other_synack(f, a);
        return;
    }
    s->synack_seen = true;
    s->midstream = false;
    s->isn_known = true;
    s->server_isn = a->tcp.seq;
    if (!s->synack.known)
        syn_print_read(a->ip, &s->synack);
    if (!s->syn_seen) /* else the client's stream begins when the SYN comes, or is given up for
                         lost: the acknowledgement may count data that lay in the SYN */
        recall_syn(d, f, a->tcp.ack, a->packet->time);
}

/* Only a SYN/ACK or data make a flow; recalls the SYN that came before. */
struct flow *handshake_begin(struct dissect *d, const struct arrival *a)
{
    bool syn = (a->tcp.flags & TCP_SYN) != 0;
    struct flow *f;

    if ((a->tcp.flags & TCP_RST) || (!syn && a->tcp.payload_len == 0)) {
        if (d->config.attempt && (a->tcp.flags & TCP_RST) && a->dir == SESSION_TO_CLIENT)
            refused(d, a);
        d->count.no_flow++;
        return NULL;
    }
    f = lifetime_begin(d, a);
    if (!f) {
        d->count.flow_capped++;
        return NULL;
    }
    if (!syn)
        recall_syn(d, f, a->dir == SESSION_TO_SERVER ? a->tcp.seq : a->tcp.ack, 0);
    return f;
}

/* A SYN inside the window of a live client's stream. */
bool handshake_in_window(const struct flow *f, const struct arrival *a)
{
    const struct reasm *r = &f->dir[SESSION_TO_SERVER];
    int32_t ahead = reasm_diff(a->tcp.seq + 1, r->next);

    return f->session && r->started && ahead < PLAUSIBLE_AHEAD && ahead > -PLAUSIBLE_AHEAD;
}

/*
 * A SYN came for a live connection. The next one has begun when its sender goes on from that SYN
 * and acknowledges the answer, if one was captured: of an attacker's SYN and SYN/ACK neither side
 * knows.
 */
bool handshake_begins_next(const struct flow *f, const struct arrival *a)
{
    if (a->dir == SESSION_TO_CLIENT || a->tcp.seq != f->pending_isn + 1)
        return false;
    return f->synack_pending ? a->tcp.ack == f->pending_synack + 1 : a->tcp.payload_len > 0;
}

/* Closes the old connection and begins the one whose handshake was kept. NULL: no room. */
struct flow *handshake_next(struct dissect *d, struct flow *f, const struct arrival *a)
{
    bool answered = f->synack_pending;
    uint32_t isn = f->pending_synack;

    lifetime_close(d, f, f->closing ? lifetime_how(f) : SESSION_REUSED);
    f = lifetime_begin(d, a);
    if (!f) {
        d->count.flow_capped++;
        return NULL;
    }
    recall_syn(d, f, a->tcp.seq, 0);
    if (answered) {
        reasm_start(&f->dir[SESSION_TO_CLIENT], isn + 1);
        f->session->synack_seen = true;
        f->session->midstream = false;
        f->session->isn_known = true;
        f->session->server_isn = isn;
    }
    return f;
}

/* The answer to that SYN, which waits for the client's word. */
bool handshake_is_answer(const struct flow *f, const struct arrival *a)
{
    return f->syn_pending && a->dir == SESSION_TO_CLIENT && (a->tcp.flags & TCP_SYN) &&
           a->tcp.ack == f->pending_isn + 1;
}

/* A SYN/ACK of another connection over one that ended: its SYN was not captured. */
bool handshake_is_of_next(const struct flow *f, const struct arrival *a)
{
    int32_t ahead = reasm_diff(a->tcp.ack, f->dir[SESSION_TO_SERVER].next);

    return f->closing && a->dir == SESSION_TO_CLIENT &&
           (a->tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) &&
           f->dir[SESSION_TO_CLIENT].base != a->tcp.seq + 1 &&
           (!f->session || ahead > PLAUSIBLE_AHEAD || ahead < -PLAUSIBLE_AHEAD);
}
