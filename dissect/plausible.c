/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/plausible.h"

#define ACK_AHEAD    65535 /* bytes that a capture may miss in the middle of a dialogue */
#define TTL_STEP     3     /* hops that routes differ by */
#define TTL_SETTLED  3     /* answers in a row that make another TTL the usual one */
#define BREAK_BEFORE 2     /* packets that make something usual */
#define BREAK_ALONE  3     /* answers that are unusual: there is another usual */

/*
 * A wrong checksum decides nothing alone: captures on a sending host show only wrong ones. Where
 * this direction's are right, a segment with a wrong one was dropped by its receiver.
 */
static bool checksum_wrong(struct session *s, const struct arrival *a)
{
    switch (tcp_checksum(a->ip)) {
    case TCP_CHECKSUM_GOOD:
        s->good_checksums[a->dir]++;
        return false;
    case TCP_CHECKSUM_BAD:
        s->bad_checksums[a->dir]++;
        return s->good_checksums[a->dir] > s->bad_checksums[a->dir];
    case TCP_CHECKSUM_UNKNOWN:
        break;
    }
    return false;
}

static bool ip_checksum_wrong(struct flow *f, const struct arrival *a)
{
    if (a->ip->header.n && ip_bad_checksum(a->ip))
        return f->ip_sums[a->dir];
    f->ip_sums[a->dir] |= a->ip->header.n > 0;
    return false;
}

/* RFC 7323 section 5.3; Linux lets a difference of one pass. */
static bool timestamp_old(const struct flow *f, const struct arrival *a)
{
    return a->tcp.has_timestamps && f->has_timestamp[a->dir] &&
           (int32_t)(f->timestamp[a->dir] - a->tcp.ts_value) > 1;
}

/* Acknowledges more than was ever seen of the peer, by more than a capture may have lost; half the
 * space ahead counts, for of a FIN that was not read it is one less. */
static bool acknowledges_future(const struct flow *f, const struct arrival *a)
{
    const struct reasm *peer = &f->dir[!a->dir];
    int32_t ahead = reasm_diff(a->tcp.ack, peer->next);

    return (a->tcp.flags & TCP_ACK) && peer->started && f->session->seen[!a->dir] &&
           (ahead > ACK_AHEAD || ahead == INT32_MIN);
}

static bool outside_window(const struct flow *f, const struct arrival *a)
{
    const struct reasm *r = &f->dir[a->dir];
    int32_t ahead = reasm_diff(a->tcp.seq, r->next);

    return r->started && !(a->tcp.flags & TCP_SYN) &&
           (ahead > PLAUSIBLE_AHEAD || ahead < -PLAUSIBLE_AHEAD);
}

/* Hop counts move by a few when a route changes; then they stay. `turn`: its sender had heard
 * more than at the last odd one; the segments of one answer count once. */
static bool ttl_odd(struct flow *f, const struct arrival *a, bool turn)
{
    uint8_t ttl = a->ip->ttl, usual = f->ttl[a->dir];

    if (usual == 0)
        f->ttl[a->dir] = usual = ttl;
    if (f->session->ttl[a->dir] == 0)
        f->session->ttl[a->dir] = ttl;
    if (ttl + TTL_STEP >= usual && usual + TTL_STEP >= ttl) {
        f->other_ttl_run[a->dir] = 0;
        return false;
    }
    if (ttl != f->other_ttl[a->dir] || f->other_ttl_run[a->dir] == 0)
        f->other_ttl_run[a->dir] = 1;
    else if (turn)
        f->other_ttl_run[a->dir]++;
    f->other_ttl[a->dir] = ttl;
    if (f->other_ttl_run[a->dir] < TTL_SETTLED)
        return true;
    f->ttl[a->dir] = ttl;
    return false;
}

/*
 * A segment of the dialogue that came another way than those before it and, as later ones will
 * tell, than those behind it: TTL, link and options of one alone. Where the route changes they stay
 * as they have become.
 */
static void note_break(struct flow *f, const struct arrival *a, bool ttl)
{
    struct session *s = f->session;
    struct flow_usual *u = &f->usual[a->dir];
    bool link = u->packets && !point_same_link(u->point, a->point);
    bool options = u->timestamps && !a->tcp.has_timestamps;

    if (!link && !options && !ttl) {
        if (u->packets < UINT8_MAX)
            u->packets++;
        u->point = a->point;
        u->timestamps = a->tcp.has_timestamps;
        s->breaks_ended |= s->breaks && s->break_dir == a->dir;
        return;
    }
    if (u->odd && a->tcp.ack == u->odd_ack) /* more of the same answer */
        return;
    u->odd_ack = a->tcp.ack;
    if (u->odd < BREAK_ALONE)
        u->odd++;
    if (s->breaks == 0 && a->tcp.payload_len && u->packets >= BREAK_BEFORE) {
        s->breaks = (uint8_t)((ttl ? BREAK_TTL : 0) | (link ? BREAK_LINK : 0) |
                              (options ? BREAK_OPTIONS : 0));
        s->break_dir = a->dir;
        s->break_offset = a->tcp.seq - f->dir[a->dir].base;
        s->break_ttl[0] = f->ttl[a->dir];
        s->break_ttl[1] = a->ip->ttl;
    }
    s->breaks_often |= u->odd == BREAK_ALONE; /* the route has changed, or there are two */
}

uint8_t plausible_marks(struct flow *f, const struct arrival *a)
{
    struct session *s = f->session;
    uint8_t flags = a->tcp.flags;
    unsigned marks = 0;

    if ((s->mails || s->tls_records[a->dir]) &&
        (!f->evidence || reasm_diff(a->tcp.seq, f->dir[a->dir].next) >= 0))
        return 0;
    if (checksum_wrong(s, a))
        marks |= COPY_CHECKSUM;
    if (ip_checksum_wrong(f, a))
        marks |= COPY_IP_CHECKSUM;
    if (timestamp_old(f, a))
        marks |= COPY_TIMESTAMP;
    if (a->tcp.has_md5 && !f->is_signed[a->dir] && f->dir[a->dir].started)
        marks |= COPY_MD5;
    if (acknowledges_future(f, a))
        marks |= COPY_ACK;
    if (!(flags & (TCP_ACK | TCP_SYN | TCP_RST)))
        marks |= COPY_NO_ACK;
    if (outside_window(f, a))
        marks |= COPY_WINDOW;
    if (ttl_odd(f, a, a->tcp.ack != f->usual[a->dir].odd_ack))
        marks |= COPY_TTL;
    if (!(marks & COPY_DROPPED))
        note_break(f, a, marks & COPY_TTL);
    return (uint8_t)marks;
}

void plausible_learn(struct flow *f, const struct arrival *a)
{
    const struct reasm *r = &f->dir[a->dir];

    if (r->started && reasm_diff(a->tcp.seq, r->next) > 0)
        return;
    if (a->tcp.has_timestamps &&
        (!f->has_timestamp[a->dir] || (int32_t)(a->tcp.ts_value - f->timestamp[a->dir]) > 0)) {
        f->timestamp[a->dir] = a->tcp.ts_value;
        f->has_timestamp[a->dir] = true;
    }
    f->is_signed[a->dir] |= a->tcp.has_md5;
}
