/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/ending.h"

#define RESET_AHEAD 65535 /* an RST may follow what was not captured */
#define RESET_TURNS 2     /* answers after an RST that prove it false */

/* Somebody else sent the RST that came in the name of `d`; `ttl` is that of its own segments. */
static void tell_reset(struct flow *f, enum session_dir d, uint8_t ttl)
{
    struct tamper *t = session_tamper(f->session, TAMPER_RESET);

    if (!t)
        return;
    t->dir = d;
    t->offset = f->reset_seq[d] - f->dir[d].base;
    t->marks[1] = f->reset_marks[d];
    t->ttl[0] = ttl;
    t->ttl[1] = f->reset_ttl[d];
}

/* An RST ends the connection if its receiver takes it; what its sender says later tells. Where its
 * receiver answers that with an RST of its own, it took the first, and the sender knew of none. */
void ending_reset(struct flow *f, const struct arrival *a, uint8_t marks)
{
    struct session *s = f->session;
    const struct reasm *r = &f->dir[a->dir];
    int32_t ahead = reasm_diff(a->tcp.seq, r->next);

    if ((marks & COPY_DROPPED) || (r->started && (ahead > RESET_AHEAD || ahead < -RESET_AHEAD))) {
        s->odd_resets++;
        return;
    }
    if (s->rst[!a->dir] && f->reset_outrun[!a->dir])
        tell_reset(f, !a->dir, f->ttl[!a->dir]);
    s->rst[a->dir] = true;
    f->reset_outrun[a->dir] = false;
    f->reset_seq[a->dir] = a->tcp.seq;
    f->reset_peer[a->dir] = f->dir[!a->dir].next;
    f->reset_turns[a->dir] = 0;
    f->reset_marks[a->dir] = marks;
    f->reset_ttl[a->dir] = a->ip->ttl;
}

/*
 * Its sender goes on after an RST: somebody else sent that. Bytes alone do not tell, for an RST may
 * overtake them on its way; that its sender twice answered what the peer said since does.
 */
void ending_outlive_reset(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct session *s = f->session;
    const struct reasm *r = &f->dir[a->dir];
    uint32_t end = a->tcp.seq + a->tcp.payload_len;

    if (reasm_diff(end, f->reset_seq[a->dir]) <= 0 || !(a->tcp.flags & TCP_ACK))
        return;
    /* New is what was never said: what is sent again, or before the FIN that came already, was on
     * its way when the RST came. */
    f->reset_outrun[a->dir] = !r->fin_seen && reasm_diff(a->tcp.seq, f->reset_seq[a->dir]) >= 0 &&
                              reasm_diff(end, r->next) > 0;
    if (reasm_diff(a->tcp.ack, f->reset_peer[a->dir]) <= 0)
        return;
    f->reset_peer[a->dir] = a->tcp.ack;
    if (++f->reset_turns[a->dir] < RESET_TURNS)
        return;
    s->rst[a->dir] = false;
    s->resets_outlived++;
    tell_reset(f, a->dir, a->ip->ttl);
    if (!s->rst[!a->dir])
        flow_reopen(d->converse.table, f);
}

/* Read, and received by the peer: a FIN that somebody forged for us is never acknowledged. */
static bool fin_acked(const struct reasm *r)
{
    return r->fin_seen && r->acked_known && reasm_diff(r->next, r->fin_seq) >= 0 &&
           reasm_diff(r->acked, r->fin_seq + 1) >= 0;
}

void ending_note(struct dissect *d, struct flow *f)
{
    struct session *s = f->session;
    bool ended[SESSION_DIR_COUNT];

    for (int i = 0; i < SESSION_DIR_COUNT; i++) {
        struct reasm *r = &f->dir[i];
        if (r->fin_seen && r->started && reasm_diff(r->next, r->fin_seq) >= 0)
            s->fin[i] = true;
        ended[i] = s->fin[i] || !s->seen[i];
    }
    if (s->fin[0] || s->fin[1] || s->rst[0] || s->rst[1])
        lifetime_ending(d, f);
    if (!f->closing && ((ended[0] && ended[1]) || s->rst[0] || s->rst[1])) {
        flow_closing(d->converse.table, f);
        f->close_at = d->converse.now +
                      (s->rst[0] || s->rst[1] ? CAP_FLOW_RESET_S : CAP_FLOW_CLOSED_S) * NS_PER_S;
    }
    if (f->closing && fin_acked(&f->dir[0]) && fin_acked(&f->dir[1]) &&
        !f->waiting) /* all was read: only its place stays */
        lifetime_close_session(d, f, lifetime_how(f));
}

/* Bytes behind a FIN, of its own sender: it was not the end. */
void ending_outlive_fin(struct dissect *d, struct flow *f, const struct arrival *a)
{
    struct reasm *r = &f->dir[a->dir];

    if (reasm_diff(a->tcp.seq + a->tcp.payload_len, r->fin_seq) <= 0)
        return;
    r->fin_seen = false;
    f->session->fin[a->dir] = false;
    f->session->odd_resets++;
    if (!f->session->rst[0] && !f->session->rst[1])
        flow_reopen(d->converse.table, f);
}
