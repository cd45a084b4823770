/* SPDX-License-Identifier: Apache-2.0 */
/* How flows and their sessions begin and end. */
#include <stdlib.h>

#include "dissect/dissect_state.h"
#include "dissect/smtp.h"

#define IDLE        (CAP_FLOW_IDLE_S * NS_PER_S)
#define EVICT_TRIES 8 /* flows looked at for one that is idle: bounds the cost of one packet */

static void emit(struct dissect *d, struct flow *f, enum session_milestone m)
{
    converse_catch_up(f);
    converse_reread(&d->converse, f);
    f->session->now = d->converse.now;
    d->fn(d->user, f->session, m);
}

/* Called by converse after bytes were read. */
void lifetime_milestone(void *user, struct flow *f)
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
void lifetime_drop(struct dissect *d, struct flow *f)
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

void lifetime_close_session(struct dissect *d, struct flow *f, enum session_close why)
{
    struct session *s = f->session;

    converse_resolve(&d->converse, f, true);
    s->closed = why;
    emit(d, f, SESSION_CLOSED);
    d->count.flows_timeout += why == SESSION_TIMEOUT;
    d->count.flows_evicted += why == SESSION_EVICTED;
    d->count.sessions += s->bytes[0] || s->bytes[1] || s->gap_bytes[0] || s->gap_bytes[1];
    d->count.midstream += s->midstream;
    d->count.conflicting += s->conflicts > 0;
    d->count.evidence_evicted += s->evidence_evicted;
    d->count.false_ends += s->odd_resets + s->resets_outlived;
    lifetime_drop(d, f);
}

void lifetime_close(struct dissect *d, struct flow *f, enum session_close why)
{
    if (f->session)
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

/* A closed flow is worth least, then the one that was silent longest. */
static void make_room(struct dissect *d)
{
    struct flow *f = flow_oldest_closing(d->converse.table);

    if (f) {
        lifetime_close(d, f, lifetime_how(f));
        return;
    }
    for (int i = 0; i < EVICT_TRIES; i++) {
        f = flow_oldest(d->converse.table);
        if (!f || f->touched == f->queued)
            break;
        flow_requeue(d->converse.table, f);
    }
    f = flow_oldest(d->converse.table);
    if (f)
        lifetime_close(d, f, SESSION_EVICTED);
}

void lifetime_expire(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    struct flow *f;

    while ((f = flow_oldest_closing(t)) && f->close_at <= d->converse.now)
        lifetime_close(d, f, lifetime_how(f));
    while ((f = flow_oldest(t)) && d->converse.now - f->queued >= IDLE) {
        if (d->converse.now - f->touched >= IDLE)
            lifetime_close(d, f, SESSION_TIMEOUT);
        else
            flow_requeue(t, f);
    }
}

struct flow *lifetime_begin(struct dissect *d, const struct arrival *a)
{
    struct session *s = session_new();
    struct flow *f;

    if (!s)
        return NULL;
    if (flow_count(d->converse.table) >= d->config.max_flows)
        make_room(d);
    f = flow_add(d->converse.table, &a->key);
    if (!f) {
        session_free(s);
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
void lifetime_close_all(struct dissect *d)
{
    struct flow_table *t = d->converse.table;
    struct flow **all = malloc((flow_count(t) + 1) * sizeof(struct flow *));
    uint32_t n = all ? in_order(t, all) : 0;
    struct flow *f;

    for (uint32_t i = 0; i < n; i++)
        lifetime_close(d, all[i], lifetime_how(all[i]));
    free(all);
    while ((f = flow_oldest_closing(t)) || (f = flow_oldest(t)))
        lifetime_close(d, f, lifetime_how(f));
}
