/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/converse.h"

#include "base/caps.h"
#include "dissect/smtp.h"

#define TICK_FLOWS 4 /* waiting flows looked at per packet: bounds the cost of one packet */

static enum session_dir other(enum session_dir d)
{
    return d == SESSION_TO_SERVER ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
}

/* --- giving bytes to the reader --- */

/* The reader is made at the first bytes: only then is it known whether a handshake was seen. */
static struct smtp *reader(struct converse *v, struct flow *f)
{
    if (f->smtp)
        return f->smtp;
    f->smtp = smtp_new(f->session, f->key.server_port == v->implicit_port, v->keep_addresses);
    if (!f->smtp)
        return NULL;
    f->evidence = evidence_new(&v->evidence);
    f->session->evidence_evicted = !f->evidence;
    return f->smtp;
}

/* With the first message or TLS record the dialogue that decides is over, but late copies of it may
 * come, or all of the TLS may have been a decoy. */
static void see_the_end(struct converse *v, struct flow *f)
{
    const struct session *s = f->session;

    if (s->mails > 0 || s->tls_records[SESSION_TO_SERVER] || s->tls_records[SESSION_TO_CLIENT])
        f->evidence = evidence_stop(f->evidence, &v->evidence);
}

static void gap(struct converse *v, struct flow *f, enum session_dir d, uint32_t n, bool cut)
{
    struct reasm *r = &f->dir[d];
    struct session *s = f->session;
    struct smtp *m = reader(v, f);

    if (n == 0)
        return;
    if (cut) {
        s->cut_bytes[d] += n;
    } else {
        s->gap_bytes[d] += n;
        s->gaps[d]++;
        v->count.gaps++;
        v->count.gap_bytes += n;
    }
    if (m)
        smtp_gap(m, d, r->next - r->base, n, cut);
    if (f->evidence && !evidence_gap(f->evidence, &v->evidence, d, r->next - r->base, n, cut))
        s->evidence_evicted = true;
    reasm_advance(r, r->next + n);
}

static void note_inside(struct flow *f, enum session_dir d)
{
    f->pass.inside[d] = f->smtp ? smtp_inside(f->smtp, d) : SMTP_INSIDE_UNKNOWN;
}

static void begin_bulk(struct flow *f)
{
    f->bulk = true;
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        note_inside(f, (enum session_dir)d);
}

static void note_urgent(struct converse *v, struct flow *f, enum session_dir d,
                        const struct reasm_segment *s);

/* Feeds one contiguous segment. Returns the bytes used; fewer than all: the reader waits. */
static size_t feed(struct converse *v, struct flow *f, enum session_dir d,
                   const struct reasm_segment *s, bool force)
{
    struct reasm *r = &f->dir[d];
    const struct reasm *o = &f->dir[other(d)];
    struct smtp_chunk c = {.dir = d,
                           .bytes = s->bytes,
                           .offset = s->seq - r->base,
                           .acked = s->has_ack && o->started ? s->ack - o->base : 0,
                           .time = s->time,
                           .force = force};
    struct smtp *m = reader(v, f);
    size_t used;

    if (s->urgent)
        note_urgent(v, f, d, s);
    used = m ? smtp_feed(m, &c) : s->bytes.n;

    f->session->bytes[d] += used;
    if (f->evidence && !evidence_read(f->evidence, &v->evidence, d, c.offset, c.acked, s,
                                      span_first(s->bytes, used)))
        f->session->evidence_evicted = true;
    reasm_advance(r, s->seq + (uint32_t)used);
    if (used == s->bytes.n && s->wire_len > s->bytes.n)
        gap(v, f, d, s->wire_len - (uint32_t)s->bytes.n, true);
    f->blocked[d] = used < s->bytes.n;
    if (used)
        f->blocked[other(d)] = false;
    if (f->waiting) {
        f->wait_since = v->now;
        f->wait_number = v->number;
    }
    if (f->evidence)
        see_the_end(v, f);
    if (m)
        v->milestone(v->user, f);
    if (f->session->tls_complete && !f->bulk && !f->waiting && !r->held && !o->held)
        begin_bulk(f);
    return used;
}

/* Has everything been read that the sender had received? */
static bool heard(const struct flow *f, enum session_dir d, const struct reasm_segment *s)
{
    const struct reasm *o = &f->dir[other(d)];
    uint32_t next = o->next + (o->fin_seen && o->fin_seq == o->next); /* a FIN counts as one byte */

    return !s->has_ack || (o->started && reasm_diff(s->ack, next) <= 0);
}

static bool readable(const struct flow *f, enum session_dir d, const struct reasm_segment *s)
{
    const struct reasm *r = &f->dir[d];

    return r->started && reasm_diff(s->seq, r->next) <= 0 && !s->suspect && !f->blocked[d] &&
           heard(f, d, s);
}

/* Reads held segments as long as one of either direction can be read; the earlier packet first. */
static void pump(struct converse *v, struct flow *f)
{
    for (;;) {
        struct reasm_segment s[SESSION_DIR_COUNT];
        bool can[SESSION_DIR_COUNT];
        enum session_dir d;

        for (int i = 0; i < SESSION_DIR_COUNT; i++)
            can[i] =
                reasm_first(&f->dir[i], &v->pool, &s[i]) && readable(f, (enum session_dir)i, &s[i]);
        if (!can[SESSION_TO_SERVER] && !can[SESSION_TO_CLIENT])
            break;
        d = !can[SESSION_TO_SERVER] || (can[SESSION_TO_CLIENT] &&
                                        s[SESSION_TO_CLIENT].number < s[SESSION_TO_SERVER].number)
                ? SESSION_TO_CLIENT
                : SESSION_TO_SERVER;
        feed(v, f, d, &s[d], false);
    }
}

/* --- what is stuck --- */

/* Without a handshake the stream begins where its first captured byte is; the other side's begins
 * where this side had acknowledged it. */
static void begin(struct flow *f, enum session_dir d, const struct reasm_segment *s)
{
    struct reasm *o = &f->dir[other(d)];

    reasm_start(&f->dir[d], s->seq);
    if (!o->started && !o->held && s->has_ack)
        reasm_start(o, s->ack);
}

static bool hole_is_lost(const struct flow *f, enum session_dir d, uint32_t seq)
{
    const struct reasm *r = &f->dir[d];

    return r->acked_known && reasm_diff(r->acked, seq) >= 0;
}

/* The other direction lacks what this segment's sender had received. False: it cannot lack that,
 * for it lies half the space ahead. */
static bool miss(struct converse *v, struct flow *f, enum session_dir d, uint32_t ack)
{
    struct reasm *r = &f->dir[d];
    struct reasm_segment held;
    uint32_t to = ack;

    if (!r->started) {
        if (reasm_first(r, &v->pool, &held) && reasm_diff(held.seq, ack) < 0)
            begin(f, d, &held);
        else
            reasm_start(r, ack);
        return true;
    }
    if (reasm_first(r, &v->pool, &held) && reasm_diff(held.seq, r->next) > 0 &&
        reasm_diff(held.seq, ack) < 0)
        to = held.seq;
    if (reasm_diff(to, r->next) <= 0)
        return false;
    gap(v, f, d, to - r->next, false);
    return true;
}

/* Can its receiver be seen to have dropped it? An old timestamp is no decoy's alone: somebody may
 * have pushed the receiver's clock ahead of what its peer really says. */
static bool is_decoy(const struct flow *f, enum session_dir d, const struct reasm_segment *s)
{
    return (s->marks & COPY_DROPPED & ~(unsigned)COPY_TIMESTAMP) && f->session->seen[other(d)];
}

/* Takes one step past what blocks segment s; false: it must wait on. */
static bool step_over(struct converse *v, struct flow *f, enum session_dir d,
                      const struct reasm_segment *s, bool force)
{
    struct reasm *r = &f->dir[d];

    if (!r->started) {
        begin(f, d, s);
        return true;
    }
    if (reasm_diff(s->seq, r->next) > 0) {
        if (!force && !hole_is_lost(f, d, s->seq) && f->session->seen[other(d)])
            return false;
        gap(v, f, d, s->seq - r->next, false);
        return true;
    }
    if (!heard(f, d, s)) {
        struct reasm *o = &f->dir[other(d)];
        struct reasm_segment held;
        bool covered =
            reasm_first(o, &v->pool, &held) && o->started && reasm_diff(held.seq, o->next) <= 0;
        if (covered && !held.suspect) /* both wait for each other: this ACK cannot be true */
            feed(v, f, d, s, true);
        else if (covered)
            feed(v, f, other(d), &held, true);
        else if (!miss(v, f, other(d), s->ack))
            feed(v, f, d, s, true);
        if (!f->session->seen[other(d)])
            f->unseen[other(d)] = true;
        return true;
    }
    if (f->blocked[d] && !force)
        return false;
    if (s->suspect && !hole_is_lost(f, d, s->seq + s->wire_len)) {
        if (!force)
            return false;
        if (is_decoy(f, d, s)) { /* nothing else came, and nobody took it */
            reasm_drop(r, &v->pool, s->number);
            return true;
        }
    }
    feed(v, f, d, s, true);
    return true;
}

static void settle(struct converse *v, struct flow *f)
{
    if (!f->dir[SESSION_TO_SERVER].held && !f->dir[SESSION_TO_CLIENT].held) {
        flow_unwait(v->table, f);
    } else if (!f->waiting) {
        f->wait_since = v->now;
        f->wait_number = v->number;
        f->wait_queued = v->number;
        flow_wait(v->table, f);
    }
}

/* One step past whatever blocks; the direction whose held segment was captured first goes first. */
static bool unstick(struct converse *v, struct flow *f, bool force)
{
    struct reasm_segment s[SESSION_DIR_COUNT];
    bool any[SESSION_DIR_COUNT];
    int d = SESSION_TO_SERVER;

    for (int i = 0; i < SESSION_DIR_COUNT; i++)
        any[i] = reasm_first(&f->dir[i], &v->pool, &s[i]);
    if (!any[SESSION_TO_SERVER] ||
        (any[SESSION_TO_CLIENT] && s[SESSION_TO_CLIENT].number < s[SESSION_TO_SERVER].number))
        d = SESSION_TO_CLIENT;
    if (f->blocked[d] && any[!d]) /* what it waits for may lie in the other direction */
        d = !d;
    if (any[d] && step_over(v, f, (enum session_dir)d, &s[d], force))
        return true;
    d = !d;
    return any[d] && step_over(v, f, (enum session_dir)d, &s[d], force);
}

void converse_resolve(struct converse *v, struct flow *f, bool force)
{
    /* Every step reads bytes, lets go of some, closes a hole or starts a stream, so this ends. */
    do
        pump(v, f);
    while (unstick(v, f, force));
    for (int d = 0; force && d < SESSION_DIR_COUNT; d++)
        gap(v, f, (enum session_dir)d, reasm_tail(&f->dir[d]), false);
    settle(v, f);
}

void converse_resume(struct converse *v, struct flow *f)
{
    pump(v, f);
    settle(v, f);
}

/* --- two copies of the same bytes --- */

static bool is_run(struct span line)
{
    for (size_t i = 1; i < line.n; i++)
        if (line.p[i] != line.p[0])
            return false;
    return line.n > 0;
}

/* What a line of the client may show: the commands that TLS hangs on, and masks. Anything else may
 * be an address or a password. */
static bool may_show(struct span line)
{
    static const char *const verbs[] = {"EHLO ", "HELO ", "STARTTLS"};

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (span_starts_nocase(line, span_str(verbs[i])))
            return true;
    return is_run(line);
}

/* What a line of the server may show: replies to what came before MAIL and AUTH; later ones repeat
 * addresses. `acked`: how much of the client the server had received. */
static bool is_early(const struct session *s, struct span line, uint32_t acked)
{
    if (line.n < 3 || (line.p[0] != '2' && line.p[0] != '4' && line.p[0] != '5'))
        return false;
    if (s->mail_commands && acked > s->mail_offset)
        return false;
    return s->auth == AUTH_NONE || s->auth == AUTH_OFFERED || acked <= s->auth_offset;
}

static struct text line_text(struct session *s, enum session_dir d, struct span line,
                             uint32_t acked)
{
    bool shown = d == SESSION_TO_CLIENT ? is_early(s, line, acked) : may_show(line);

    return shown ? smtp_text_keep(s, line, CAP_KEYWORD_TEXT) : (struct text){0, 0};
}

/* `first` was read or came first, `second` differs from it; both are whole lines, and their `ack`
 * is a stream offset. */
static struct tamper *tell_conflict(struct session *s, enum session_dir d, uint32_t offset,
                                    const struct reasm_segment *first,
                                    const struct reasm_segment *second)
{
    uint32_t acked = first->ack > second->ack ? first->ack : second->ack;
    unsigned marks = first->marks | second->marks;
    struct tamper *t = session_tamper(s, TAMPER_SEGMENTS);

    s->conflicts++;
    s->damaged += (marks & COPY_DROPPED) &&
                  !(marks & COPY_DROPPED & ~(unsigned)(COPY_CHECKSUM | COPY_IP_CHECKSUM));
    s->either_taken |= !(marks & COPY_DROPPED);
    if (!t)
        return NULL;
    t->dir = d;
    t->offset = offset;
    t->marks[0] = first->marks;
    t->marks[1] = second->marks;
    t->ttl[0] = first->ttl;
    t->ttl[1] = second->ttl;
    t->first = line_text(s, d, first->bytes, acked);
    t->second = line_text(s, d, second->bytes, acked);
    return t;
}

/* A line without the byte at `out`, if that is one of it. */
static struct span without(struct span line, const uint8_t *out, uint8_t *room, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < line.n && n < size; i++)
        if (line.p + i != out)
            room[n++] = line.p[i];
    return span_of(room, n);
}

/* The line around byte `at` of `bytes`, begun by the end of `before` where it begins there. */
static struct span whole_line(struct span before, struct span bytes, size_t at, uint8_t *room,
                              size_t size)
{
    struct span part = evidence_line(bytes, at), head = span_of(NULL, 0);

    if (part.p == bytes.p && before.n > 0 && before.p[before.n - 1] != '\n') {
        head = evidence_line(before, before.n - 1);
        head = span_first(head, size);
        memcpy(room, head.p, head.n);
    }
    part = span_first(part, size - head.n);
    memcpy(room + head.n, part.p, part.n);
    return span_of(room, head.n + part.n);
}

static void compare_with_read(struct converse *v, struct flow *f, enum session_dir d,
                              uint32_t offset, const struct reasm_segment *s)
{
    uint8_t room[CAP_KEYWORD_TEXT];
    struct evidence_found found;
    struct reasm_segment first = *s, second = *s;

    if (!evidence_compare(f->evidence, d, offset, s->bytes, &found))
        return;
    first.marks = found.marks;
    first.ttl = found.ttl;
    first.ack = second.ack = found.acked;
    first.bytes = evidence_line(found.text, offset + found.at);
    second.bytes =
        whole_line(span_first(found.text, offset), s->bytes, found.at, room, sizeof(room));
    tell_conflict(f->session, d, offset + found.at, &first, &second);
    evidence_copy(f->evidence, &v->evidence, d, offset, s->bytes);
}

/* A receiver that does not ask for urgent data in line (few do) takes the byte out (RFC 6093
 * section 3.2): whoever marks one shows the tap another line than the receiver. */
static void note_urgent(struct converse *v, struct flow *f, enum session_dir d,
                        const struct reasm_segment *s)
{
    const struct reasm *r = &f->dir[d], *o = &f->dir[other(d)];
    struct reasm_segment first = *s, second = *s;
    uint32_t at = s->urgent_seq - s->seq;
    uint8_t room[CAP_KEYWORD_TEXT];
    struct tamper *t;

    if (!f->evidence || reasm_diff(s->urgent_seq, r->next) < 0 ||
        !evidence_omit(f->evidence, &v->evidence, d, s->urgent_seq - r->base))
        return;
    first.ack = second.ack = s->has_ack && o->started ? s->ack - o->base : 0;
    first.bytes = second.bytes = span_of(NULL, 0);
    if (at < s->bytes.n) { /* else it is yet to come */
        first.bytes = evidence_line(s->bytes, at);
        second.bytes = without(first.bytes, s->bytes.p + at, room, sizeof(room));
    }
    t = tell_conflict(f->session, d, s->urgent_seq - r->base, &first, &second);
    if (t)
        t->urgent = true;
}

void converse_urgent(struct converse *v, struct flow *f, enum session_dir d,
                     const struct reasm_segment *s)
{
    if (!s->urgent || s->suspect || !f->dir[d].started)
        return;
    if (f->session->synack_seen)
        (void)reader(v, f); /* it keeps what the byte is left out of, which is yet to come */
    note_urgent(v, f, d, s);
}

/* Will the reader get s rather than the held h? As reasm_hold() and reasm_first() decide. */
static bool wins(const struct reasm *r, const struct reasm_segment *s,
                 const struct reasm_segment *h)
{
    if (s->suspect || h->suspect)
        return !s->suspect;
    return reasm_diff(s->seq, r->next) <= 0 || (s->seq == h->seq && s->bytes.n > h->bytes.n);
}

static void compare_two(struct converse *v, struct flow *f, enum session_dir d,
                        const struct reasm_segment *s, const struct reasm_segment *h)
{
    const struct reasm *r = &f->dir[d], *o = &f->dir[other(d)];
    uint32_t from = reasm_diff(h->seq, s->seq) > 0 ? h->seq : s->seq;
    struct span a = span_from(h->bytes, from - h->seq), b = span_from(s->bytes, from - s->seq);
    size_t at = evidence_differ(a, b);
    bool new_one = wins(r, s, h);
    struct reasm_segment first = new_one ? *s : *h, second = new_one ? *h : *s;
    struct span copy = second.bytes;

    first.bytes = evidence_line(first.bytes, at + (from - first.seq));
    second.bytes = evidence_line(second.bytes, at + (from - second.seq));
    first.ack -= o->started ? o->base : first.ack;
    second.ack -= o->started ? o->base : second.ack;
    tell_conflict(f->session, d, from - r->base + (uint32_t)at, &first, &second);
    evidence_copy(f->evidence, &v->evidence, d, second.seq - r->base, copy);
}

static void compare_with_held(struct converse *v, struct flow *f, enum session_dir d,
                              const struct reasm_segment *s)
{
    const struct reasm_held *h = NULL;

    while ((h = reasm_next_differing(&f->dir[d], h, s)))
        compare_two(v, f, d, s, reasm_segment_of(h));
}

/* One byte of garbage before the next one (RFC 1122 section 4.2.3.6); a NUL also when it comes
 * late. Bytes that SMTP is made of are no garbage. */
static bool is_keep_alive(const struct reasm *r, const struct reasm_segment *s)
{
    uint8_t c = s->bytes.p[0];

    if (s->wire_len != 1)
        return false;
    return c == 0 || (s->seq + 1 == r->next && (c < 0x20 || c > 0x7e) && c != '\r' && c != '\n');
}

void converse_compare(struct converse *v, struct flow *f, enum session_dir d,
                      const struct reasm_segment *s)
{
    const struct reasm *r = &f->dir[d];
    struct reasm_segment inside = *s;

    if (!f->evidence || !r->started || s->bytes.n == 0)
        return;
    if (is_keep_alive(r, s))
        return;
    if (reasm_diff(s->seq, r->base) < 0) {
        inside.bytes = span_from(s->bytes, r->base - s->seq);
        inside.seq = r->base;
    }
    compare_with_read(v, f, d, inside.seq - r->base, &inside);
    compare_with_held(v, f, d, &inside);
}

void converse_reread(struct converse *v, struct flow *f)
{
    if (!f->evidence || !evidence_in_conflict(f->evidence) || !evidence_changed(f->evidence))
        return;
    session_free(f->session->other);
    f->session->other = evidence_reread(f->evidence, f->session, v->keep_addresses);
}

/* --- a segment arrives --- */

static void hold(struct converse *v, struct flow *f, enum session_dir d,
                 const struct reasm_segment *s)
{
    switch (reasm_hold(&f->dir[d], &v->pool, s)) {
    case REASM_HELD:
        break;
    case REASM_KNOWN:
        f->session->retransmits[d]++;
        v->count.retransmits++;
        return;
    case REASM_FULL: /* no room to wait any longer: what is held becomes gaps, then try again */
        f->session->caps_hit++;
        if (s->suspect)
            return;
        converse_resolve(v, f, true);
        (void)reasm_hold(&f->dir[d], &v->pool, s);
        break;
    }
    if (f->unseen[other(d)]) /* one-sided tap: nothing to wait for */
        converse_resolve(v, f, false);
    else
        pump(v, f);
    settle(v, f);
}

void converse_catch_up(struct flow *f)
{
    struct flow_pass *b = &f->pass;
    struct session *s = f->session;

    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        s->packets[d] += b->packets[d];
        s->wire_bytes[d] += b->wire_bytes[d];
        s->bytes[d] += b->skipped[d];
        s->tcp_flags[d] |= b->tcp_flags[d];
        if (f->smtp && b->skipped[d])
            smtp_passed(f->smtp, (enum session_dir)d, b->skipped[d], b->inside[d]);
        b->packets[d] = 0;
        b->wire_bytes[d] = 0;
        b->skipped[d] = 0;
    }
    if (b->last > s->last)
        s->last = b->last;
    s->source = b->source;
}

/* TLS carries data: records are walked while they come in order; nothing is held or waited for. */
static void stream(struct converse *v, struct flow *f, enum session_dir d,
                   const struct reasm_segment *s)
{
    struct reasm *r = &f->dir[d];

    converse_catch_up(f);
    if (s->seq != r->next && f->smtp)
        smtp_gap(f->smtp, d, r->next - r->base, 0, false);
    if (reasm_diff(s->seq, r->next) >= 0) {
        r->next = s->seq;
        feed(v, f, d, s, true);
    }
    reasm_advance(r, s->seq + s->wire_len);
    note_inside(f, d);
}

void converse_segment(struct converse *v, struct flow *f, enum session_dir d,
                      const struct reasm_segment *s)
{
    struct reasm *r = &f->dir[d];
    struct reasm_segment fresh = *s;
    uint32_t skip;

    if (s->wire_len > s->bytes.n)
        v->count.cut_packets++;
    if (f->evidence && (s->seq != r->next || r->held))
        converse_compare(v, f, d, s);
    if (s->marks & COPY_WINDOW) /* nobody takes it, and it would only take room */
        return;
    if (r->started && reasm_diff(s->seq + s->wire_len, r->next) <= 0) {
        converse_urgent(v, f, d, s);
        f->session->retransmits[d]++;
        v->count.retransmits++;
        return;
    }
    if (f->bulk) {
        stream(v, f, d, s);
        return;
    }
    if (r->held || f->dir[other(d)].held || !readable(f, d, s)) {
        if (r->started && reasm_diff(s->seq, r->next) > 0) {
            f->session->reordered[d]++;
            v->count.reordered++;
        }
        hold(v, f, d, s);
        return;
    }
    skip = r->next - s->seq;
    fresh.bytes = span_from(s->bytes, skip);
    fresh.wire_len -= skip;
    fresh.seq = r->next;
    if (feed(v, f, d, &fresh, false) < fresh.bytes.n)
        hold(v, f, d, s);
}

void converse_overdue(struct converse *v, struct flow *f)
{
    if (f->waiting && v->number - f->wait_number >= CAP_REORDER_PACKETS)
        converse_resolve(v, f, v->now - f->wait_since >= CAP_HOLE_SECONDS * NS_PER_S);
    v->resolved(v->user, f);
}

static struct flow *next_overdue(const struct converse *v)
{
    struct flow *f = flow_first_waiting(v->table);

    return f && v->number - f->wait_queued >= CAP_REORDER_PACKETS ? f : NULL;
}

/* Apart, for each packet asks. */
__attribute__((noinline)) static void look_at_waiting(struct converse *v)
{
    struct flow *f;

    for (int i = 0; i < TICK_FLOWS && (f = next_overdue(v)) != NULL; i++) {
        f->wait_queued = v->number;
        flow_wait(v->table, f);
        converse_overdue(v, f);
    }
}

void converse_tick(struct converse *v)
{
    if (next_overdue(v))
        look_at_waiting(v);
}
