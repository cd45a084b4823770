/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says, and which command it answers. */
#include "dissect/smtp_state.h"

static bool acked(uint32_t end, uint32_t ack)
{
    return (int32_t)(end - ack) <= 0;
}

/* --- where a reply belongs --- */

static bool is_banner(const struct smtp *m, int16_t code, uint32_t ack)
{
    struct pending front;

    if (m->banner_done)
        return false;
    if (!m->s->midstream && m->s->synack_seen)
        return true;
    return code == 220 && !(smtp_queue_front(m, &front) && acked(front.end, ack));
}

static void place(struct smtp *m, int16_t code, const struct smtp_chunk *c)
{
    struct reply *r = &m->reply;

    if (is_banner(m, code, c->acked)) {
        r->kind = REPLY_BANNER;
        return;
    }
    r->kind = REPLY_UNMATCHED;
    if (m->step_lost && !smtp_queue_seek(m, code, c->acked))
        return;
    if (smtp_queue_front(m, &r->to) && acked(r->to.end, c->acked)) {
        r->kind = REPLY_MATCHED;
        smtp_queue_pop(m);
    }
}

/* --- the reply to EHLO, collected line by line --- */

static bool is_hello(enum smtp_verb verb)
{
    return verb == VERB_EHLO || verb == VERB_LHLO;
}

static void collect_begin(struct smtp *m, uint32_t offset)
{
    struct smtp_reading *g = &m->s->reading;

    g->ehlo_code = 250;
    g->ehlo_offset = offset;
    g->line_count = 0;
    g->lines_capped = false;
    g->ehlo = EHLO_NONE;
    m->reply.collecting = true;
}

static void collect_line(struct smtp *m, struct span text, const struct smtp_line *l)
{
    struct smtp_reading *g = &m->s->reading;
    struct ehlo_line *list, *e;
    size_t full = l->full_len > 4 ? l->full_len - 4 : 0;

    list = g->line_count < CAP_REPLY_LINES
               ? session_list_room(g->line, g->line_count, sizeof(*list))
               : NULL;
    if (!list) {
        if (!g->lines_capped)
            m->s->caps_hit++;
        g->lines_capped = true;
        return;
    }
    g->line = list;
    e = &g->line[g->line_count++];
    e->text = smtp_text_keep(m->s, text, CAP_KEYWORD_TEXT);
    if (text.n && !e->text.len)
        g->lines_capped = true;
    e->word_len = (uint16_t)smtp_word_first(session_text(m->s, e->text)).n;
    e->line_len = (uint16_t)(full > UINT16_MAX ? UINT16_MAX : full);
    e->offset = l->offset;
}

/* AUTH, also in the old form AUTH=LOGIN. */
static bool offers_auth(const struct session *s)
{
    for (int i = 1; i < s->reading.line_count; i++) {
        struct span word = smtp_word_first(session_text(s, s->reading.line[i].text));
        if (span_eq_nocase(span_first(word, span_find(word, '=')), span_str("AUTH")))
            return true;
    }
    return false;
}

static void collect_end(struct smtp *m)
{
    struct smtp_reading *g = &m->s->reading;

    if (m->ehlo_damaged)
        g->ehlo = m->ehlo_cut ? EHLO_CUT : EHLO_GAP;
    else
        g->ehlo = g->lines_capped ? EHLO_CUT : EHLO_COMPLETE;
    m->ehlo_damaged = false;
    m->ehlo_cut = false;
    m->reply.collecting = false;
    if (m->s->auth == AUTH_NONE && offers_auth(m->s))
        m->s->auth = AUTH_OFFERED;
}

/* --- what one reply means --- */

static void upgrade_reply(struct smtp *m, const struct smtp_line *l)
{
    struct smtp_reading *g = &m->s->reading;

    g->upgrade_code = m->reply.code;
    g->upgrade_text = smtp_text_keep(m->s, l->text, CAP_BANNER_TEXT);
    g->upgrade_offset = l->offset;
    g->upgrade_time = m->reply.time;
}

/* A refusal that says why: the server wants TLS first (RFC 3207 section 4: 530 Must issue a
 * STARTTLS command first). */
static void demand(struct smtp *m, const struct smtp_line *l)
{
    struct session *s = m->s;
    bool asks = span_search_nocase(l->text, span_str("STARTTLS")) < l->text.n ||
                (m->reply.code == 530 && span_search_nocase(l->text, span_str("TLS")) < l->text.n);

    if (m->reply.code < 500 || !asks || s->demand_code)
        return;
    s->demand_code = m->reply.code;
    s->demand_text = smtp_text_keep(s, l->text, CAP_BANNER_TEXT);
    s->demand_offset = l->offset;
}

static void unsolicited(struct smtp *m, const struct smtp_line *l)
{
    struct session *s = m->s;

    if (m->reply.code == 421) {
        s->code_421 = true;
        return;
    }
    if (m->step_lost || s->step_lost || !s->seen[SESSION_TO_SERVER] ||
        m->side[SESSION_TO_SERVER] == SIDE_TLS) /* a server that takes a ClientHello for commands */
        return;
    if (s->unsolicited++ == 0) {
        s->unsolicited_offset = l->offset;
        s->unsolicited_code = m->reply.code;
    }
}

static void banner_line(struct smtp *m, const struct smtp_line *l)
{
    m->banner_done = true;
    m->drift_over = true;
    m->drift_from_start = true;
    m->s->banner_code = m->reply.code;
    m->s->banner = smtp_text_keep(m->s, l->text, CAP_BANNER_TEXT);
    m->s->banner_offset = l->offset;
}

static void hello_line(struct smtp *m, const struct smtp_line *l)
{
    struct session *s = m->s;

    if (s->upgrade_accepted)
        return;
    if (m->reply.code == 250) {
        if (s->upgrade_asks == 0 && s->mail_commands == 0)
            collect_begin(m, l->offset);
        else if (s->reading.ehlo == EHLO_NONE)
            collect_begin(m, l->offset);
    } else if (m->reply.code != 421) {
        s->reading.refused_code = m->reply.code;
        s->reading.refused_text = smtp_text_keep(s, l->text, CAP_BANNER_TEXT);
        s->reading.refused_offset = l->offset;
    }
}

/* The first line of a reply: texts are taken here, before the line goes away. */
static void first_line(struct smtp *m, const struct smtp_line *l)
{
    struct reply *r = &m->reply;

    if (r->kind == REPLY_BANNER) {
        banner_line(m, l);
        return;
    }
    if (r->kind != REPLY_MATCHED) {
        unsolicited(m, l);
        return;
    }
    if (r->code == 421)
        m->s->code_421 = true;
    if (is_hello(r->to.verb))
        hello_line(m, l);
    else if (r->to.verb == VERB_STARTTLS || r->to.verb == VERB_ANONYMOUSTLS)
        upgrade_reply(m, l);
    else
        demand(m, l);
}

static void go_ahead(struct smtp *m)
{
    if (m->s->reading.upgrade_code == 220)
        m->s->upgrade_accepted = true;
    else
        m->events |= 1u << SESSION_UPGRADE_DECIDED;
}

static void auth_reply(struct smtp *m, int16_t code)
{
    struct session *s = m->s;
    enum side *side = &m->side[SESSION_TO_SERVER];

    if (code == 334) { /* a pipelined answer may be there already */
        if (*side == SIDE_LINES && !smtp_queue_has(m, VERB_AUTH_ANSWER))
            *side = SIDE_AUTH;
        return;
    }
    if (*side == SIDE_AUTH)
        *side = SIDE_LINES;
    m->auth_open = false;
    if (s->auth == AUTH_ACCEPTED)
        return;
    s->auth_code = code;
    s->auth_reply_offset = m->reply.offset;
    if (code == 235) {
        s->auth = AUTH_ACCEPTED;
        m->events |= 1u << SESSION_CLEAR_CONTENT;
    }
}

static void data_reply(struct smtp *m, int16_t code)
{
    if (m->side[SESSION_TO_SERVER] != SIDE_WAIT &&
        (m->side[SESSION_TO_SERVER] != SIDE_GUESS || m->line[SESSION_TO_SERVER].open))
        return;
    m->dot = DOT_LINE; /* the text begins at the start of a line */
    m->side[SESSION_TO_SERVER] = code == 354 ? SIDE_CONTENT : SIDE_LINES;
}

static void answered(struct smtp *m)
{
    struct session *s = m->s;
    int16_t code = m->reply.code;
    bool good = code >= 250 && code <= 259;

    switch ((enum smtp_verb)m->reply.to.verb) {
    case VERB_EHLO:
    case VERB_LHLO:
        m->events |= 1u << SESSION_EHLO_DONE;
        break;
    case VERB_HELO:
        s->helo_accepted = s->helo_accepted || code == 250;
        m->events |= 1u << SESSION_EHLO_DONE;
        break;
    case VERB_MAIL:
        s->mail_accepted += good;
        if (good && s->requiretls && m->reply.to.offset == s->requiretls_offset)
            s->requiretls_accepted = true;
        break;
    case VERB_RCPT:
        s->rcpt_accepted += good;
        break;
    case VERB_DATA:
        data_reply(m, code);
        break;
    case VERB_STARTTLS:
    case VERB_ANONYMOUSTLS:
        go_ahead(m);
        break;
    case VERB_AUTH:
    case VERB_AUTH_ANSWER:
        auth_reply(m, code);
        break;
    default:
        break;
    }
    if (m->reply.to.odd)
        s->odd[m->reply.to.odd - 1].reply_code = code;
}

/* Replies whose command the tap did not show still tell where the dialogue stands. */
static void unmatched(struct smtp *m)
{
    struct session *s = m->s;
    enum side *side = &m->side[SESSION_TO_SERVER];
    bool blind = !s->seen[SESSION_TO_SERVER];

    if (*side == SIDE_TLS || *side == SIDE_OPAQUE)
        return;
    if (m->reply.code == 334) { /* the next line is a secret, not a command */
        m->auth_open = true;
        *side = SIDE_AUTH;
    } else if (m->reply.code == 354) {
        m->dot = DOT_LINE;
        *side = SIDE_CONTENT;
        if (blind)
            smtp_content_begin(m);
    } else if (*side == SIDE_ADRIFT) {
        m->drift_over = true;
        m->drift_end = m->next[SESSION_TO_CLIENT];
        m->banner_done = true;
    } else if (*side == SIDE_CONTENT && (s->step_lost || smtp_content_at_dot(m))) {
        /* the end of the text lay in a gap, or the server takes a dot between bare LFs for it */
        *side = SIDE_LINES;
        smtp_content_end(m);
    }
    if (blind && m->reply.collecting)
        m->events |= 1u << SESSION_EHLO_DONE;
}

static void end_reply(struct smtp *m)
{
    bool collecting = m->reply.collecting;

    if (m->reply.kind == REPLY_MATCHED)
        answered(m);
    else if (m->reply.kind == REPLY_UNMATCHED)
        unmatched(m);
    if (collecting)
        collect_end(m);
    m->reply.kind = REPLY_NONE;
}

/* The first line of the answer to EHLO names a domain or an address, and no keyword has a dot or a
 * colon (RFC 5321 section 4.1.1.1). */
static bool names_host(struct span text)
{
    struct span word = smtp_word_first(text);
    return span_find(word, '.') < word.n || span_find(word, ':') < word.n;
}

/* Server side only: a 250 of several lines can answer nothing but EHLO. Where the tap began with
 * it, lines may have gone before. */
static void guess_hello(struct smtp *m, const struct smtp_reply_line *r, const struct smtp_line *l)
{
    struct session *s = m->s;

    if (m->reply.kind == REPLY_UNMATCHED && !s->seen[SESSION_TO_SERVER] && r->code == 250 &&
        !r->last && s->reading.ehlo == EHLO_NONE) {
        collect_begin(m, l->offset);
        m->ehlo_damaged =
            m->ehlo_damaged || (s->midstream && !m->banner_done && !names_host(r->text));
    }
}

static void begin_reply(struct smtp *m, const struct smtp_reply_line *r, const struct smtp_line *l,
                        const struct smtp_chunk *c)
{
    m->reply =
        (struct reply){.code = r->code, .offset = l->offset, .acked = c->acked, .time = c->time};
    place(m, r->code, c);
    first_line(m, l);
    guess_hello(m, r, l);
}

static void not_smtp(struct smtp *m)
{
    m->s->not_smtp = true;
    m->side[SESSION_TO_SERVER] = SIDE_OPAQUE;
    m->side[SESSION_TO_CLIENT] = SIDE_OPAQUE;
}

/* Clear text after the 220 that answers no command: injected behind it (CVE-2021-38371), or a
 * server that answers the client's TLS in clear. */
static bool after_go(struct smtp *m, const struct smtp_line *l, const struct smtp_chunk *c)
{
    struct session *s = m->s;
    struct pending front;

    if (!s->upgrade_accepted || m->reply.kind != REPLY_NONE || l->full_len == 0)
        return false;
    if (smtp_word_reply(l->text).code == 421) { /* a server that gives up may say so at any time */
        s->code_421 = true;
        return true;
    }
    smtp_upgrade_bytes(m, c, l->offset, BYTES_CLEAR, l->text);
    return !(smtp_queue_front(m, &front) && acked(front.end, c->acked));
}

/* A gap may have swallowed the last line of a reply. A line sent after the server had the next
 * command begins the next reply. */
static bool ended_in_gap(const struct smtp *m, const struct smtp_chunk *c)
{
    struct pending front;

    return m->step_lost && m->reply.kind == REPLY_MATCHED && smtp_queue_front(m, &front) &&
           acked(front.end, c->acked);
}

void smtp_reply_line(struct smtp *m, const struct smtp_line *l, const struct smtp_chunk *c)
{
    struct smtp_reply_line r = smtp_word_reply(l->text);

    if (ended_in_gap(m, c))
        end_reply(m);
    if (after_go(m, l, c))
        return;
    if (r.code == 0) {
        if (!m->banner_done && !m->s->midstream && !m->step_lost)
            not_smtp(m);
        return;
    }
    if (m->reply.kind == REPLY_NONE)
        begin_reply(m, &r, l, c);
    if (m->reply.collecting)
        collect_line(m, r.text, l);
    if (r.last)
        end_reply(m);
}

void smtp_reply_abandon(struct smtp *m)
{
    if (m->reply.kind != REPLY_NONE)
        end_reply(m);
}

void smtp_reply_gap(struct smtp *m, bool cut)
{
    if (m->reply.collecting || smtp_queue_has(m, VERB_EHLO) || smtp_queue_has(m, VERB_LHLO)) {
        m->ehlo_damaged = true;
        m->ehlo_cut = cut;
        if (m->s->reading.ehlo == EHLO_NONE)
            m->s->reading.ehlo = cut ? EHLO_CUT : EHLO_GAP;
    }
    m->banner_done = true;
    m->step_lost = true;
    m->s->step_lost = true;
    if (m->reply.kind != REPLY_NONE && !m->reply.collecting)
        m->reply.kind = REPLY_NONE;
    if (m->side[SESSION_TO_SERVER] == SIDE_WAIT) { /* the answer to DATA may lie in the gap */
        m->side[SESSION_TO_SERVER] = SIDE_GUESS;
    }
}
