/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/plausible.h"

#define ACK_AHEAD   65535 /* bytes that a capture may miss in the middle of a dialogue */
#define TTL_STEP    3     /* hops that routes differ by */
#define TTL_SETTLED 3     /* packets in a row that make another TTL the usual one */

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

/* Acknowledges more than was ever seen of the peer, by more than a capture may have lost. */
static bool acknowledges_future(const struct flow *f, const struct arrival *a)
{
    const struct reasm *peer = &f->dir[!a->dir];

    return (a->tcp.flags & TCP_ACK) && peer->started && f->session->seen[!a->dir] &&
           reasm_diff(a->tcp.ack, peer->next) > ACK_AHEAD;
}

static bool outside_window(const struct flow *f, const struct arrival *a)
{
    const struct reasm *r = &f->dir[a->dir];
    int32_t ahead = reasm_diff(a->tcp.seq, r->next);

    return r->started && !(a->tcp.flags & TCP_SYN) &&
           (ahead > PLAUSIBLE_AHEAD || ahead < -PLAUSIBLE_AHEAD);
}

/* Hop counts move by a few when a route changes; then they stay. */
static bool ttl_odd(struct flow *f, const struct arrival *a)
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
    f->other_ttl_run[a->dir] = ttl == f->other_ttl[a->dir] ? f->other_ttl_run[a->dir] + 1 : 1;
    f->other_ttl[a->dir] = ttl;
    if (f->other_ttl_run[a->dir] < TTL_SETTLED)
        return true;
    f->ttl[a->dir] = ttl;
    return false;
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
    if (ttl_odd(f, a))
        marks |= COPY_TTL;
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
