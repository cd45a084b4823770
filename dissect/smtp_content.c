/* SPDX-License-Identifier: Apache-2.0 */
/* Message texts: skipped, counted, never kept. */
#include "dissect/smtp_state.h"

void smtp_content_begin(struct smtp *m)
{
    if (m->in_message)
        return;
    m->in_message = true;
    m->s->mails++;
}

void smtp_content_end(struct smtp *m)
{
    if (!m->in_message)
        return;
    m->in_message = false;
    if (m->s->mails == 1)
        m->events |= 1u << SESSION_CLEAR_CONTENT;
}

static void keep_tail(struct smtp *m, struct span in)
{
    size_t n = in.n < sizeof(m->tail) ? in.n : sizeof(m->tail);

    memmove(m->tail, m->tail + n, sizeof(m->tail) - n);
    memcpy(m->tail + sizeof(m->tail) - n, in.p + in.n - n, n);
}

bool smtp_content_at_dot(const struct smtp *m)
{
    const uint8_t *t = m->tail;

    return memcmp(t + 1, "\n.\n", 3) == 0 || memcmp(t, "\n.\r\n", 4) == 0;
}

/* One byte of the search for CRLF . CRLF (RFC 5321 section 4.1.1.4). A dot alone between bare LFs
 * is text: what servers make of it differs, and the reply tells (smtp_reply.c). */
static enum dot_state step(enum dot_state at, uint8_t c)
{
    if (at == DOT_CR && c == '\n')
        return DOT_LINE;
    if (at == DOT_LINE && c == '.')
        return DOT_DOT;
    if (at == DOT_DOT && c == '\r')
        return DOT_DOT_CR;
    return c == '\r' ? DOT_CR : DOT_TEXT;
}

/* Uses the text up to and with the final dot's line end. */
size_t smtp_content_feed(struct smtp *m, struct span in)
{
    size_t i = 0;

    smtp_content_begin(m);
    while (i < in.n) {
        if (m->dot == DOT_TEXT) { /* the fast way over a line */
            i += span_find(span_from(in, i), '\r');
            if (i >= in.n)
                break;
            if (in.n - i > 2 && in.p[i + 1] == '\n' && in.p[i + 2] != '.' && in.p[i + 2] != '\r') {
                i += 3; /* a line that begins with neither a dot nor a line end is text */
                continue;
            }
        }
        if (m->dot == DOT_DOT_CR && in.p[i] == '\n') {
            m->s->mail_bytes += i + 1;
            m->s->mail_bytes -= 3; /* the final dot and its line end are no text */
            m->side[SESSION_TO_SERVER] = SIDE_LINES;
            smtp_content_end(m);
            return i + 1;
        }
        m->dot = step(m->dot, in.p[i++]);
    }
    m->s->mail_bytes += in.n;
    keep_tail(m, in);
    return in.n;
}

/* The state behind a text without a line that begins with a dot. */
static enum dot_state dot_behind(enum dot_state at, struct span in)
{
    uint8_t last = in.p[in.n - 1];

    if (last == '\n' && (in.n > 1 ? in.p[in.n - 2] == '\r' : at == DOT_CR))
        return DOT_LINE;
    return last == '\r' ? DOT_CR : DOT_TEXT;
}

static bool may_end(const struct smtp *m, struct span in)
{
    return m->dot == DOT_DOT || m->dot == DOT_DOT_CR || in.p[0] == '.' ||
           span_has_pair(in, '\n', '.');
}

bool smtp_content_pass(struct smtp *m, struct span text)
{
    if (!m->in_message)
        return false;
    if (m->side[SESSION_TO_SERVER] == SIDE_CHUNK && text.n < m->chunk_left) {
        m->chunk_left -= text.n;
    } else if (m->side[SESSION_TO_SERVER] == SIDE_CONTENT && !may_end(m, text)) {
        m->dot = dot_behind(m->dot, text);
        keep_tail(m, text);
    } else {
        return false;
    }
    m->s->mail_bytes += text.n;
    return true;
}

bool smtp_content_line(struct smtp *m, const struct smtp_line *l)
{
    smtp_content_begin(m);
    m->side[SESSION_TO_SERVER] = SIDE_CONTENT;
    m->dot = l->bare_lf ? DOT_TEXT : DOT_LINE;
    if (!l->bare_lf && span_eq(l->text, span_str("."))) {
        m->side[SESSION_TO_SERVER] = SIDE_LINES;
        smtp_content_end(m);
        return true;
    }
    m->s->mail_bytes += l->full_len + (l->bare_lf ? 1 : 2);
    return false;
}

/* BDAT octets: skipped by their count. */
size_t smtp_content_chunk(struct smtp *m, struct span in)
{
    size_t n = in.n < m->chunk_left ? in.n : (size_t)m->chunk_left;

    if (n) {
        smtp_content_begin(m);
        m->s->mail_bytes += n;
        m->chunk_left -= n;
    }
    if (m->chunk_left == 0) {
        m->side[SESSION_TO_SERVER] = SIDE_LINES;
        if (m->chunk_last)
            smtp_content_end(m);
    }
    return n;
}
