/* SPDX-License-Identifier: Apache-2.0 */
/* How flows and their sessions begin and end. */
#include <stdlib.h>

#include "dissect/dissect_state.h"
#include "dissect/echo.h"
#include "dissect/smtp.h"

#define IDLE   (CAP_FLOW_IDLE_S * NS_PER_S)
#define LINGER (CAP_FLOW_RESET_S * NS_PER_S)

static struct flow_key twin_key(const struct flow *f)
{
    struct flow_key k = f->key;

    k.view = 1;
    return k;
}

struct flow *lifetime_twin(struct dissect *d, const struct flow *f)
{
    struct flow_key k = twin_key(f);
    struct flow *t = flow_find(d->converse.table, &k);

    return t || !park_count(d->park) ? t : thrift_recall(d, &k);
}

/* The session as it was seen at the second place, for the length of a call. */
static struct session *twin_session(struct dissect *d, const struct flow *f, bool whole)
{
    struct flow *t = f->has_twin ? lifetime_twin(d, f) : NULL;

    if (!t)
        return NULL;
    if (whole)
        converse_resolve(&d->converse, t, true);
    converse_catch_up(t);
    return t->session;
}

static void bring_up_to_date(struct dissect *d, struct flow *f, enum session_milestone m)
{
    converse_catch_up(f);
    converse_reread(&d->converse, f);
    f->session->now = d->converse.now;
    f->session->twin = twin_session(d, f, m == SESSION_CLOSED);
}

/* --- the same connection inside of a tunnel --- */

/* The packed ones are left where they are: those who close them count on it. */
static struct flow *of_same_tuple(struct dissect *d, const struct flow *f, uint16_t tunnel)
{
    struct flow_key k = f->key;
    struct flow *o;

    k.tunnel = tunnel;
    o = flow_find(d->converse.table, &k);
    return o && o->session && echo_near(o, f) ? o : NULL;
}

/* The connection as it is seen outside of the innermost tunnels; NULL: it is not, or no more. */
static struct flow *outside(struct dissect *d, const struct flow *f)
{
    struct flow *o = NULL;

    for (uint16_t t = f->key.tunnel; t && !o;) {
        t >>= POINT_KIND_BITS;
        o = of_same_tuple(d, f, t);
    }
    return o;
}

/* It is told of by the one outside, or was: until it ends one waits with it. */
static bool is_spoken_for(struct dissect *d, const struct flow *f)
{
    if (f->key.tunnel == 0 || f->told)
        return false;
    return outside(d, f) || (f->echo && f->echo == echo_digest(&d->config.key, f->session));
}

/* It ends, and all that it said was said outside as well. */
static bool is_echo(struct dissect *d, const struct flow *f)
{
    uint64_t said;
    struct flow *o;

    if (f->key.tunnel == 0 || f->told)
        return false;
    said = echo_digest(&d->config.key, f->session);
    if (f->echo == said)
        return true;
    o = outside(d, f);
    if (!o)
        return false;
    converse_catch_up(o);
    return echo_digest(&d->config.key, o->session) == said;
}

static bool any_carried(const struct dissect *d)
{
    const struct dissect_counters *c = &d->count;

    return c->gre || c->erspan || c->vxlan || c->geneve || c->ipip;
}

/* Leaves word with the copies of an ending connection that are in one more tunnel, or in two. */
static void leave_word(struct dissect *d, const struct flow *f, uint16_t around, int levels)
{
    if (around >> (CAP_TUNNEL_DEPTH - 1) * POINT_KIND_BITS)
        return;
    for (uint16_t kind = TUNNEL_GRE; kind <= TUNNEL_IP_LAST; kind++) {
        uint16_t inside = (uint16_t)((unsigned)around << POINT_KIND_BITS | kind);
        struct flow *t = of_same_tuple(d, f, inside);
        if (t)
            t->echo = echo_digest(&d->config.key, f->session);
        if (levels > 1)
            leave_word(d, f, inside, levels - 1);
    }
}

/* --- handing out --- */

static void emit(struct dissect *d, struct flow *f, enum session_milestone m)
{
    f->told = true;
    bring_up_to_date(d, f, m);
    d->fn(d->user, f->session, m);
    f->session->twin = NULL;
}

/* It was used last when its newest packet came. */
static void fetch(const struct session *s)
{
    for (size_t at = 0; at < sizeof(*s); at += 64)
        __builtin_prefetch((const char *)s + at);
}

/* What was kept of the handshake goes when it was told of. */
static void tell_handshake(struct dissect *d, struct session *s, nstime time, uint32_t source)
{
    struct tls_sighting sighting;

    if (d->config.tls) {
        tls_sight(s->handshake, &d->sight, &sighting);
        sighting.time = time;
        sighting.source = source;
        if (sighting.client || sighting.server)
            d->config.tls(d->user, s, &sighting);
    }
    tls_free(s->handshake);
    s->handshake = NULL;
}

static void hand_out_one(struct dissect *d, const struct hand_out *h)
{
    struct session *s = h->session;

    if (s->handshake)
        tell_handshake(d, s, h->ended ? s->now : h->time, h->ended ? s->source : h->source);
    if (!h->ended)
        return;
    d->fn(d->user, s, SESSION_CLOSED);
    session_free(s);
}

static void hand_out_all(struct dissect *d)
{
    struct hand_out list[TOGETHER];
    unsigned n = d->later_count;

    memcpy(list, d->later, n * sizeof(list[0]));
    d->later_count = 0;
    for (unsigned i = 0; i < n; i++) {
        if (i + 1 < n)
            fetch(list[i + 1].session);
        hand_out_one(d, &list[i]);
    }
}

bool dissect_hand_out(struct dissect *d)
{
    bool any = d->later_count > 0;

    hand_out_all(d);
    return any;
}

static void hand_out_later(struct dissect *d, const struct hand_out *h)
{
    d->later[d->later_count++] = *h;
    if (d->later_count == TOGETHER)
        hand_out_all(d);
}

/* Takes a session that has ended. The second place's goes with its flow, so it cannot wait. */
static void hand_out_ended(struct dissect *d, struct session *s)
{
    bool alone = !s->twin; /* behind the next line it may be gone */

    hand_out_later(d, &(struct hand_out){.session = s, .ended = true});
    if (!alone)
        hand_out_all(d);
}

/* TLS carries data. */
static void handshake_decided(struct dissect *d, struct flow *f)
{
    converse_catch_up(f);
    hand_out_later(d, &(struct hand_out){.session = f->session,
                                         .time = d->converse.now,
                                         .source = f->session->source});
}

/* Called by converse after bytes were read. */
void lifetime_milestone(void *user, struct flow *f)
{
    struct dissect *d = user;
    unsigned events = smtp_take_events(f->smtp);

    if (f->key.view || (events && is_spoken_for(d, f))) /* it is told of with the first view */
        return;
    for (int m = 0; events && m < SESSION_CLOSED; m++)
        if (events & (1u << m))
            emit(d, f, (enum session_milestone)m);
    if ((events & (1u << SESSION_UPGRADE_DECIDED)) && f->session->tls_complete &&
        f->session->handshake)
        handshake_decided(d, f);
}

/* Its peer has it, and an end that overtook it is seen first: bytes that are still to come. */
static bool is_behind(const struct reasm *r)
{
    int32_t ahead = r->started && r->acked_known ? reasm_diff(r->acked, r->next) : 0;
    bool fin = r->fin_seen && r->next == r->fin_seq;

    return ahead > fin;
}

void lifetime_ending(struct dissect *d, struct flow *f)
{
    struct session *s = f->session;

    if (s->ending || s->upgrade == UPGRADE_NONE || s->tls_complete || f->key.view ||
        is_spoken_for(d, f))
        return;
    for (int i = 0; i < SESSION_DIR_COUNT; i++)
        if (f->dir[i].held || reasm_tail(&f->dir[i]) > 0 || is_behind(&f->dir[i]))
            return; /* what is waited for may have completed it */
    s->ending = true;
    emit(d, f, SESSION_ENDING);
}

/* Frees everything but the flow's place in the table. */
static void drop(struct dissect *d, struct flow *f)
{
    for (int i = 0; i < SESSION_DIR_COUNT; i++)
        reasm_release(&f->dir[i], &d->converse.pool);
    flow_unwait(d->converse.table, f);
    smtp_free(f->smtp);
    evidence_free(f->evidence, &d->converse.evidence);
    session_free(f->session);
    f->smtp = NULL;
    f->evidence = NULL;
    f->session = NULL;
    f->bulk = false;
}

/* A second view is not handed out: it goes with the first. */
static void drop_twin(struct dissect *d, struct flow *f)
{
    struct flow *t = f->has_twin ? lifetime_twin(d, f) : NULL;

    f->has_twin = false;
    if (t)
        lifetime_close(d, t, SESSION_OPEN);
}

/* What the client was read to say, and the server never said that it had received. */
static uint64_t unacknowledged(const struct flow *f)
{
    const struct session *s = f->session;
    const struct reasm *r = &f->dir[SESSION_TO_SERVER];
    int32_t n = reasm_diff(r->next, r->acked);

    return r->started && r->acked_known && s->seen[0] && s->seen[1] && !s->tls_complete && n > 0
               ? (uint64_t)n
               : 0;
}

/* What the client acknowledged behind all that was read of the server; one may be its FIN. */
static uint64_t unseen(const struct flow *f)
{
    const struct session *s = f->session;
    const struct reasm *r = &f->dir[SESSION_TO_CLIENT];
    int64_t n = (int64_t)reasm_diff(r->acked, r->next) - 1; /* who is far off may say anything */

    return r->started && r->acked_known && s->seen[0] && s->seen[1] && !s->tls_complete && n > 0
               ? (uint64_t)n
               : 0;
}

void lifetime_close_session(struct dissect *d, struct flow *f, enum session_close why)
{
    struct session *s = f->session;

    if (f->key.view)
        return;
    converse_resolve(&d->converse, f, true);
    s->closed = why;
    s->unacknowledged = unacknowledged(f);
    s->unseen = unseen(f);
    bring_up_to_date(d, f, SESSION_CLOSED);
    if (is_echo(d, f)) {
        s->twin = NULL;
        d->count.second_views++;
        drop(d, f);
        drop_twin(d, f);
        return;
    }
    if (any_carried(d))
        leave_word(d, f, f->key.tunnel, 2);
    d->count.flows_timeout += why == SESSION_TIMEOUT;
    d->count.flows_evicted += why == SESSION_EVICTED;
    d->count.sessions += s->bytes[0] || s->bytes[1] || s->gap_bytes[0] || s->gap_bytes[1];
    d->count.midstream += s->midstream;
    d->count.conflicting += s->conflicts > 0;
    d->count.evidence_evicted += s->evidence_evicted;
    d->count.false_ends += s->odd_resets + s->resets_outlived;
    f->session = NULL;
    hand_out_ended(d, s);
    drop(d, f);
    drop_twin(d, f);
}

void lifetime_close(struct dissect *d, struct flow *f, enum session_close why)
{
    if (f->key.view)
        drop(d, f);
    else if (f->session)
        lifetime_close_session(d, f, why);
    d->count.flows_closed++;
    flow_remove(d->converse.table, f);
}

enum session_close lifetime_how(const struct flow *f)
{
    const struct session *s = f->session;

    if (!f->closing || !s)
        return SESSION_INPUT_END;
    return s->rst[SESSION_TO_SERVER] || s->rst[SESSION_TO_CLIENT] ? SESSION_RST : SESSION_FIN;
}

/* --- beginning, and the end of all --- */

bool lifetime_is_full(const struct dissect *d)
{
    return flow_count(d->converse.table) + park_count(d->park) >= d->config.max_flows;
}

void lifetime_expire(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    struct parked *q;
    struct flow *f;

    thrift_measure(d);
    while ((f = flow_oldest_closing(t)) && f->close_at <= d->converse.now)
        lifetime_close(d, f, lifetime_how(f));
    while ((f = flow_oldest(t)) && d->converse.now - f->queued >= IDLE) {
        if (d->converse.now - f->touched >= IDLE)
            lifetime_close(d, f, SESSION_TIMEOUT);
        else
            flow_requeue(t, f);
    }
    while ((q = park_expired(d->park, d->converse.now, IDLE, LINGER)) && (f = thrift_unpack(d, q)))
        lifetime_close(d, f, f->closing ? lifetime_how(f) : SESSION_TIMEOUT);
    hand_out_all(d);
}

static void note_link(struct session *s, const struct arrival *a)
{
    s->has_mac = a->frame->has_mac;
    if (!s->has_mac)
        return;
    memcpy(s->mac[a->dir], a->frame->src_mac, 6); /* the sender's side */
    memcpy(s->mac[!a->dir], a->frame->dst_mac, 6);
}

struct flow *lifetime_begin(struct dissect *d, const struct arrival *a)
{
    struct session *s = session_new();
    struct flow *f;

    if (!s)
        return NULL;
    if (lifetime_is_full(d))
        thrift_make_room(d);
    f = flow_add(d->converse.table, &a->key);
    if (!f) {
        session_free(s);
        return NULL;
    }
    s->key = a->key;
    s->first = a->packet->time;
    s->flow_id = session_flow_id(&a->key, s->first);
    s->serial = d->serial++;
    s->vlan_count = a->frame->vlan_count;
    memcpy(s->vlan, a->frame->vlan, sizeof(s->vlan));
    s->tunnel_count = a->frame->tunnel_count;
    memcpy(s->tunnel, a->frame->tunnel, s->tunnel_count * sizeof(s->tunnel[0]));
    s->midstream = true; /* until a SYN or SYN/ACK is seen */
    note_link(s, a);
    f->dir[a->dir].point = a->point;
    f->session = s;
    f->queued = d->converse.now;
    f->touched = d->converse.now;
    d->count.flows++;
    return f;
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

/* The flows that still have a session, in the order of their first packets; second views go with
 * theirs, and places without a session at once. */
static uint32_t in_order(struct dissect *d, struct flow **all)
{
    struct flow_table *t = d->converse.table;
    struct flow *next;
    uint32_t n = 0;

    for (struct flow *f = flow_oldest(t); f; f = next_flow(t, f))
        if (!f->key.view)
            all[n++] = f;
    for (struct flow *f = flow_oldest_closing(t); f; f = next) {
        next = next_flow(t, f);
        if (f->session && !f->key.view)
            all[n++] = f;
        else if (!f->session)
            lifetime_close(d, f, SESSION_INPUT_END);
    }
    qsort(all, n, sizeof(struct flow *), by_serial);
    return n;
}

/* Closes the packed flows whose session came before `serial`; gives how many were. */
static uint32_t close_parked(struct dissect *d, struct parked **all, uint32_t n, uint64_t serial)
{
    uint32_t i = 0;
    struct flow *f;

    for (; i < n && park_serial(all[i]) < serial && (f = thrift_unpack(d, all[i])); i++)
        lifetime_close(d, f, lifetime_how(f));
    return i;
}

/* Without memory for the order, the flows close in the order of their age. */
void lifetime_close_all(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    uint32_t left = 0, done = 0;
    struct parked **packed = park_all(d->park, &left), *q;
    struct flow **all = malloc((flow_count(t) + 1) * sizeof(struct flow *));
    uint32_t n = all ? in_order(d, all) : 0;
    struct flow *f;

    for (uint32_t i = 0; i < n; i++) {
        if (done < left)
            done += close_parked(d, packed + done, left - done, all[i]->session->serial);
        lifetime_close(d, all[i], lifetime_how(all[i]));
    }
    if (done < left)
        (void)close_parked(d, packed + done, left - done, UINT64_MAX);
    free(packed);
    free(all);
    while ((f = flow_oldest_closing(t)) || (f = flow_oldest(t)) ||
           ((q = park_least(d->park)) && (f = thrift_unpack(d, q))))
        lifetime_close(d, f, lifetime_how(f));
    hand_out_all(d);
}

void lifetime_drop_all(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    struct parked *q;
    struct flow *f;

    while (d->later_count)
        if (d->later[--d->later_count].ended)
            session_free(d->later[d->later_count].session);
    while ((f = flow_oldest_closing(t)) || (f = flow_oldest(t)) ||
           ((q = park_least(d->park)) && (f = thrift_unpack(d, q)))) {
        drop(d, f);
        flow_remove(t, f);
    }
}
