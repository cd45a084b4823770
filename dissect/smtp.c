/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's front: which kind of bytes comes next on each side, and who reads it. */
#include "dissect/smtp.h"

#include "base/heap.h"
#include "dissect/smtp_state.h"

struct smtp *smtp_new(struct session *s, bool implicit_tls, bool keep_addresses)
{
    struct smtp *m = heap_zeroed(sizeof(*m));

    if (!m)
        return NULL;
    m->s = s;
    m->keep_addresses = keep_addresses;
    s->implicit_tls = implicit_tls;
    m->step_lost = s->midstream;
    m->drift_fresh = true;
    m->side[SESSION_TO_SERVER] = s->midstream ? SIDE_ADRIFT : SIDE_START;
    m->side[SESSION_TO_CLIENT] = SIDE_LINES;
    return m;
}

void smtp_free(struct smtp *m)
{
    if (!m)
        return;
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        smtp_line_fini(&m->line[d]);
    heap_free(m->queue.item);
    heap_free(m);
}

unsigned smtp_take_events(struct smtp *m)
{
    unsigned events = m->events;

    m->events = 0;
    return events;
}

uint32_t smtp_inside(const struct smtp *m, enum session_dir dir)
{
    const struct tls_record_reader *r = &m->tls[dir];

    return m->side[dir] == SIDE_TLS && r->want == 0 ? r->left : SMTP_INSIDE_UNKNOWN;
}

void smtp_passed(struct smtp *m, enum session_dir dir, uint32_t n, uint32_t inside)
{
    m->tls[dir].left = inside;
    m->next[dir] += n;
}

static bool inside_record(struct smtp *m, enum session_dir dir, struct span in)
{
    struct tls_record_reader *r = &m->tls[dir];

    if (smtp_upgrade_reads(m, dir))
        return false;
    if (r->want || in.n > r->left)
        return false;
    r->left -= (uint32_t)in.n;
    return true;
}

bool smtp_pass(struct smtp *m, enum session_dir dir, struct span bytes)
{
    bool done = false;

    if (bytes.n == 0)
        return false;
    if (m->side[dir] == SIDE_TLS)
        done = inside_record(m, dir, bytes);
    else if (dir == SESSION_TO_SERVER)
        done = smtp_content_pass(m, bytes);
    if (done)
        m->next[dir] += (uint32_t)bytes.n;
    return done;
}

/* --- lines --- */

/* Is any byte below 16, as NUL and CR are? Eight bytes at a time; most lines have none. */
static bool has_control(struct span text)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word, low = 0;

    if (text.n < sizeof(word))
        return true;
    for (size_t at = 0; at < text.n; at += sizeof(word)) {
        memcpy(&word, text.p + (at < text.n - sizeof(word) ? at : text.n - sizeof(word)),
               sizeof(word));
        low |= (word - each * 0x10) & ~word & each * 0x80;
    }
    return low != 0;
}

static void count_oddities(struct session *s, enum session_dir d, const struct smtp_line *l)
{
    s->bare_lf[d] += l->bare_lf;
    s->long_lines[d] += l->cut;
    if (!has_control(l->text))
        return;
    s->nul_bytes[d] += span_find(l->text, 0) < l->text.n;
    s->bare_cr[d] += span_find(l->text, '\r') < l->text.n;
}

/* AUTH lines may be long (RFC 4954 section 4); what else is this long is no command. */
static uint32_t line_cap(const struct smtp *m, enum session_dir d, struct span in)
{
    const struct smtp_line_buffer *b = &m->line[d];
    struct span head = b->open ? span_of(b->p, b->n) : in;

    if (d == SESSION_TO_CLIENT)
        return CAP_REPLY_LINE;
    if (m->side[d] == SIDE_AUTH || span_starts_nocase(head, span_str("AUTH")))
        return CAP_AUTH_LINE;
    return CAP_COMMAND_LINE;
}

static void content_ended(struct smtp *m, const struct smtp_chunk *c, uint32_t offset, uint32_t end)
{
    struct pending p = {.verb = VERB_CONTENT_END, .offset = offset, .end = end, .time = c->time};

    smtp_queue_push(m, &p);
}

/* The line after a DATA whose answer nobody saw: a verb tells that the server refused, anything
 * else is the message. */
static void guess(struct smtp *m, const struct smtp_line *l, const struct smtp_chunk *c,
                  uint32_t end)
{
    if (smtp_word_verb(l->text) != VERB_UNKNOWN) {
        m->side[SESSION_TO_SERVER] = SIDE_LINES;
        smtp_command_line(m, l, c, end);
    } else if (smtp_content_line(m, l)) {
        content_ended(m, c, l->offset, end);
    }
}

static size_t read_line(struct smtp *m, const struct smtp_chunk *c, struct span in, uint32_t offset)
{
    struct smtp_line l;
    bool done;
    size_t used = smtp_line_push(&m->line[c->dir], in, offset, line_cap(m, c->dir, in), &l, &done);
    uint32_t end = offset + (uint32_t)used;

    if (!done)
        return used;
    m->next[c->dir] = end;
    count_oddities(m->s, c->dir, &l);
    if (c->dir == SESSION_TO_SERVER && m->side[SESSION_TO_SERVER] == SIDE_GUESS)
        guess(m, &l, c, end);
    else if (c->dir == SESSION_TO_SERVER)
        smtp_command_line(m, &l, c, end);
    else
        smtp_reply_line(m, &l, c);
    return used;
}

/* --- the start of a line: TLS instead? --- */

static bool expects_tls(const struct smtp *m)
{
    return m->s->upgrade_asks > 0 || m->s->implicit_tls;
}

static bool looks_like_tls(const struct smtp *m, enum session_dir d, uint8_t first)
{
    if (tls_record_starts(first)) /* control bytes that begin no line of SMTP */
        return true;
    return d == SESSION_TO_SERVER && expects_tls(m) && (first & 0x80); /* SSLv2 hello */
}

/* What it means is said when a whole record header was seen (smtp_upgrade.c). */
static void enter_tls(struct smtp *m, const struct smtp_chunk *c)
{
    m->tls_from[c->dir] = m->side[c->dir];
    m->tls_heard[c->dir] = c->acked;
    m->tls[c->dir] = (struct tls_record_reader){0};
    if (c->dir == SESSION_TO_SERVER)
        smtp_find_step(m, c);
    m->side[c->dir] = SIDE_TLS;
}

/* After the 220 neither TLS nor text: garbage, in which there are no lines to read. */
static bool is_garbage(const struct smtp *m, enum session_dir d, uint8_t first)
{
    return d == SESSION_TO_CLIENT && m->s->upgrade_accepted && (first < 0x20 || first > 0x7e) &&
           first != '\r' && first != '\n';
}

static size_t lines(struct smtp *m, const struct smtp_chunk *c, struct span in, uint32_t offset)
{
    if (!m->line[c->dir].open) {
        if (looks_like_tls(m, c->dir, in.p[0])) {
            enter_tls(m, c);
            return 0;
        }
        if (is_garbage(m, c->dir, in.p[0])) {
            m->side[c->dir] = SIDE_OPAQUE;
            return 0;
        }
    }
    return read_line(m, c, in, offset);
}

/* --- PROXY protocol v2: a 16-byte header before everything else --- */

static const uint8_t proxy_v2[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                     0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

static size_t proxy_skip(struct smtp *m, struct span in)
{
    size_t n = in.n < m->proxy_left ? in.n : m->proxy_left;

    m->proxy_left -= (uint32_t)n;
    if (m->proxy_left == 0)
        m->side[SESSION_TO_SERVER] = SIDE_LINES;
    return n;
}

static size_t start(struct smtp *m, struct span in)
{
    size_t i = 0;

    if (m->proxy_have == sizeof(m->proxy))
        return proxy_skip(m, in);
    while (i < in.n && m->proxy_have < sizeof(m->proxy)) {
        if (m->proxy_have < sizeof(proxy_v2) && in.p[i] != proxy_v2[m->proxy_have]) {
            m->side[SESSION_TO_SERVER] = SIDE_LINES; /* blank lines at most were used up */
            return i;
        }
        m->proxy[m->proxy_have++] = in.p[i++];
    }
    if (m->proxy_have == sizeof(m->proxy)) {
        m->s->proxy_version = 2;
        m->proxy_left = (uint32_t)(m->proxy[14] << 8 | m->proxy[15]);
        if (m->proxy_left == 0)
            m->side[SESSION_TO_SERVER] = SIDE_LINES;
    }
    return i;
}

/* --- the client's special places --- */

/* DATA was sent and its answer is not there: waiting is right. Forced, the next line decides. */
static size_t wait_for_data(struct smtp *m, const struct smtp_chunk *c)
{
    if (c->force || !m->s->seen[SESSION_TO_CLIENT])
        m->side[SESSION_TO_SERVER] = SIDE_GUESS;
    return 0;
}

static size_t content(struct smtp *m, const struct smtp_chunk *c, struct span in, uint32_t offset)
{
    size_t used = smtp_content_feed(m, in);

    if (m->side[SESSION_TO_SERVER] == SIDE_LINES)
        content_ended(m, c, offset, offset + (uint32_t)used);
    return used;
}

/*
 * Adrift: nobody knows whether these bytes are commands or the inside of a message that talks about
 * commands. What the client says after it heard a reply is a command, and so is everything when the
 * first reply is the banner. Where only the client can be seen, a first line that greets is taken
 * for the beginning of a session.
 */
static bool drift_ends(const struct smtp *m, const struct smtp_chunk *c, struct span in,
                       uint32_t offset)
{
    enum smtp_verb verb = smtp_word_verb(span_first(in, span_find(in, '\r')));
    bool greets = verb == VERB_EHLO || verb == VERB_HELO;

    if (m->drift_over)
        return m->drift_from_start || (int32_t)(c->acked - m->drift_end) >= 0;
    return greets && offset == 0 && !m->s->seen[SESSION_TO_CLIENT];
}

static size_t adrift(struct smtp *m, const struct smtp_chunk *c, struct span in, uint32_t offset)
{
    bool fresh = m->drift_fresh;

    m->drift_fresh = false;
    if (fresh && tls_record_starts(in.p[0])) {
        enter_tls(m, c);
        return 0;
    }
    if (drift_ends(m, c, in, offset)) {
        m->side[SESSION_TO_SERVER] = SIDE_LINES;
        m->drift_over = false;
        return 0;
    }
    if (!m->drift_over && !m->banner_done && !c->force && m->s->seen[SESSION_TO_CLIENT])
        return 0; /* the first reply will tell */
    return in.n;
}

static size_t skip_line(struct smtp *m, enum session_dir d, struct span in)
{
    size_t at = span_find(in, '\n');

    if (at == in.n)
        return in.n;
    m->side[d] = SIDE_LINES;
    return at + 1;
}

static size_t side_feed(struct smtp *m, const struct smtp_chunk *c, struct span in, uint32_t offset)
{
    switch (m->side[c->dir]) {
    case SIDE_START:
        return start(m, in);
    case SIDE_LINES:
        return lines(m, c, in, offset);
    case SIDE_SKIP:
        return skip_line(m, c->dir, in);
    case SIDE_WAIT:
        return wait_for_data(m, c);
    case SIDE_GUESS:
        return read_line(m, c, in, offset);
    case SIDE_CONTENT:
        return content(m, c, in, offset);
    case SIDE_CHUNK:
        return smtp_content_chunk(m, in);
    case SIDE_AUTH:
        return read_line(m, c, in, offset);
    case SIDE_ADRIFT:
        return adrift(m, c, in, offset);
    case SIDE_TLS:
        return smtp_upgrade_records(m, c, in, offset);
    case SIDE_OPAQUE:
        break;
    }
    return in.n;
}

size_t smtp_feed(struct smtp *m, const struct smtp_chunk *c)
{
    size_t at = 0;

    while (at < c->bytes.n) {
        enum side before = m->side[c->dir];
        bool awaited = m->side[SESSION_TO_SERVER] == SIDE_WAIT;
        size_t used = side_feed(m, c, span_from(c->bytes, at), c->offset + (uint32_t)at);

        at += used;
        if (used == 0 && m->side[c->dir] == before)
            break; /* it waits for the other side */
        if (c->dir == SESSION_TO_CLIENT && c->force && awaited &&
            m->side[SESSION_TO_SERVER] != SIDE_WAIT)
            break; /* DATA is answered: what the client sent along comes before further replies */
    }
    m->next[c->dir] = c->offset + (uint32_t)at;
    return at;
}

/* --- gaps --- */

static void client_gap(struct smtp *m, uint64_t n)
{
    m->s->step_lost = true;
    m->step_lost = true;
    switch (m->side[SESSION_TO_SERVER]) {
    case SIDE_CONTENT: /* its end may lie in the gap: then the server's answer tells */
        m->dot = DOT_TEXT;
        m->s->mail_bytes += n;
        break;
    case SIDE_CHUNK:
        if (n <= m->chunk_left) {
            m->chunk_left -= n;
            m->s->mail_bytes += n;
            smtp_content_chunk(m, span_of(NULL, 0));
            break;
        }
        m->side[SESSION_TO_SERVER] = SIDE_ADRIFT;
        break;
    case SIDE_TLS:
    case SIDE_OPAQUE:
        break;
    default: /* what was said is lost, and with it what it meant */
        smtp_queue_clear(m);
        m->side[SESSION_TO_SERVER] = SIDE_ADRIFT;
        m->drift_over = false;
        m->drift_from_start = false;
        m->drift_fresh = true;
        m->last_verb = VERB_UNKNOWN;
        if (m->s->reading.ehlo == EHLO_NONE && m->s->seen[SESSION_TO_SERVER])
            m->s->reading.ehlo = EHLO_GAP; /* an EHLO may have been among it */
        m->client_lost = true;
        break;
    }
}

void smtp_gap(struct smtp *m, enum session_dir dir, uint32_t offset, uint64_t n, bool cut)
{
    smtp_upgrade_lost(m, dir);
    smtp_line_reset(&m->line[dir]);
    m->next[dir] = offset + (uint32_t)n;
    if (m->side[dir] == SIDE_OPAQUE)
        return;
    if (m->side[dir] == SIDE_TLS) {
        struct tls_record_reader *r = &m->tls[dir];
        if (n && r->want == 0 && n <= r->left) {
            r->left -= (uint32_t)n;
            return;
        }
        if (dir == SESSION_TO_SERVER && r->count == 0)
            m->client_lost = true;
        m->tls[dir].have = 0;
        m->tls[dir].want = 0;
        m->tls[dir].left = 0;
        m->tls_gap[dir] = true;
        return;
    }
    if (dir == SESSION_TO_SERVER) {
        client_gap(m, n);
        return;
    }
    smtp_reply_gap(m, cut); /* what follows is a reply, or half a line that looks like none */
}
