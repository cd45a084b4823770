/* SPDX-License-Identifier: Apache-2.0 */
/* What follows STARTTLS: TLS records, clear text, and clear text among records. */
#include "dissect/smtp_state.h"
#include "dissect/tls.h"

/*
 * Notes what came after the 220, and whether anything had asked for it. A server that has heard
 * nothing since STARTTLS has nothing to say (RFC 3207 section 4.2: the client speaks first).
 */
void smtp_upgrade_bytes(struct smtp *m, const struct smtp_chunk *c, uint32_t offset,
                        enum byte_kind kind, struct span line)
{
    struct session *s = m->s;

    if (c->dir == SESSION_TO_SERVER) {
        if (s->client_after != BYTES_NONE || m->client_lost) /* the first bytes may be lost */
            return;
        s->client_after = kind;
        s->client_after_offset = offset;
        if (kind == BYTES_CLEAR)
            m->events |= 1u << SESSION_UPGRADE_DECIDED;
    } else if ((int32_t)(c->acked - m->upgrade_end) <= 0) {
        if (s->early_server != BYTES_NONE || kind != BYTES_CLEAR)
            return;
        s->early_server = kind;
        s->early_server_offset = offset;
        s->early_server_text = smtp_text_keep(s, line, CAP_BANNER_TEXT);
    } else if (s->server_after == BYTES_NONE) {
        s->server_after = kind;
        s->server_after_offset = offset;
        if (kind == BYTES_CLEAR)
            s->server_after_text = smtp_text_keep(s, line, CAP_BANNER_TEXT);
    }
}

static void stage(struct session *s, enum tls_stage at)
{
    if (s->tls_stage < at)
        s->tls_stage = at;
}

static void complete(struct smtp *m, nstime time)
{
    if (m->s->tls_complete)
        return;
    m->s->tls_complete = true;
    m->s->tls.end = time;
    stage(m->s, TLS_STAGE_FINISHED);
    if (m->s->handshake)
        tls_over(m->s->handshake);
    m->events |= 1u << SESSION_UPGRADE_DECIDED;
}

/* Nothing of the client's TLS can be read: it is not on the tap, or was lost. */
static bool unheard(const struct smtp *m)
{
    return !m->s->seen[SESSION_TO_SERVER] || m->side[SESSION_TO_SERVER] == SIDE_ADRIFT;
}

/*
 * In TLS 1.3 the second half of the handshake looks like data. Done is what only a good handshake
 * allows: the server sent protected data after it had heard protected data of the client, neither
 * being short enough for an alert. With one side visible, that side must show it heard more.
 */
static void application_data(struct smtp *m, const struct smtp_chunk *c, const struct tls_record *r)
{
    struct session *s = m->s;

    if (r->length <= TLS_ALERT_SIZE)
        return;
    if (c->dir == SESSION_TO_SERVER) {
        if (m->client_app++ == 0)
            m->client_app_end = r->offset + TLS_RECORD_HEADER + r->length;
        if (!s->seen[SESSION_TO_CLIENT] && m->client_app > 1)
            complete(m, c->time);
        return;
    }
    if (m->server_app++ == 0)
        m->server_app_ack = c->acked;
    if (m->client_app ? (int32_t)(c->acked - m->client_app_end) >= 0
                      : unheard(m) && (int32_t)(c->acked - m->server_app_ack) > 0)
        complete(m, c->time);
}

/* The first record of a direction: now it is known that TLS began, and where. A ClientHello sent
 * before the 220 is no injection (testssl sends such). */
static void first_record(struct smtp *m, const struct smtp_chunk *c, const struct tls_record *r)
{
    struct session *s = m->s;
    struct smtp_chunk at = *c;

    at.acked = m->tls_heard[c->dir];
    if (c->dir == SESSION_TO_SERVER && s->upgrade_asks && s->seen[SESSION_TO_CLIENT] &&
        (int32_t)(at.acked - m->upgrade_heard) <= 0) {
        if (s->early_client == BYTES_NONE) {
            s->early_client = BYTES_TLS;
            s->early_client_offset = r->offset;
        }
        return;
    }
    smtp_upgrade_bytes(m, &at, r->offset, BYTES_TLS, span_of(NULL, 0));
}

void smtp_upgrade_lost(struct smtp *m, enum session_dir d)
{
    if (m->s->handshake)
        tls_lost(m->s->handshake, m->s, d);
}

bool smtp_upgrade_reads(const struct smtp *m, enum session_dir d)
{
    return m->s->handshake && tls_wants_body(m->s->handshake, d);
}

/* --- records --- */

/* The messages of the handshake, as long as they are in clear. Without memory they go unread. */
static void read_handshake(struct smtp *m, const struct smtp_chunk *c, const struct tls_record *r)
{
    struct session *s = m->s;

    if (s->tls_complete) /* it may wait to be told of, and what comes later is not of it */
        return;
    if (!s->handshake) {
        if (r->type == TLS_APPLICATION_DATA || s->tls_records[c->dir] > 1)
            return;
        s->handshake = tls_new();
        if (!s->handshake)
            return;
    }
    if (m->tls_gap[c->dir])
        tls_lost(s->handshake, s, c->dir);
    tls_record(s->handshake, s, c->dir, r);
    if (r->type == TLS_APPLICATION_DATA)
        tls_protected(s->handshake, s, c->dir, r, c->acked);
}

static void first_stage(struct session *s, const struct smtp_chunk *c, const struct tls_record *r)
{
    if (c->dir == SESSION_TO_SERVER && (r->body[0] == TLS_CLIENT_HELLO || r->version == 2)) {
        stage(s, TLS_STAGE_CLIENT_HELLO);
        s->tls.begin = c->time;
    } else if (c->dir == SESSION_TO_CLIENT && r->body[0] == TLS_SERVER_HELLO) {
        stage(s, TLS_STAGE_SERVER_HELLO);
        s->tls.server_offset = r->offset;
    }
}

/* Is it the first record of its side that counts? Warnings may come before the hello (RFC 6066
 * section 3), and a ChangeCipherSpec before the ServerHello (RFC 8446 section 5). */
static bool begins(struct smtp *m, const struct smtp_chunk *c, const struct tls_record *r)
{
    bool early = c->dir == SESSION_TO_CLIENT && m->s->tls_stage == TLS_STAGE_CLIENT_HELLO;

    if (m->tls_begun[c->dir] || r->type == TLS_ALERT ||
        (r->type == TLS_CHANGE_CIPHER_SPEC && early))
        return false;
    m->tls_begun[c->dir] = true;
    return true;
}

static void record(struct smtp *m, const struct smtp_chunk *c, const struct tls_record *r)
{
    struct session *s = m->s;

    if (s->tls_records[c->dir]++ == 0)
        first_record(m, c, r);
    if (begins(m, c, r) && r->type == TLS_HANDSHAKE)
        first_stage(s, c, r);
    read_handshake(m, c, r);
    if (r->type == TLS_ALERT && r->length == 2) {
        s->tls_alert_level[c->dir] = r->body[0];
        s->tls_alert[c->dir] = r->body[1];
    } else if (r->type == TLS_APPLICATION_DATA) {
        application_data(m, c, r);
    }
}

static bool is_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] < 0x20 || p[i] > 0x7e) && p[i] != '\r' && p[i] != '\n' && p[i] != '\t')
            return false;
    return n > 0;
}

static bool is_last_word(enum session_dir d, struct span text)
{
    if (d == SESSION_TO_SERVER)
        return span_starts_nocase(text, span_str("QUIT"));
    return span_starts_nocase(text, span_str("221")) || span_starts_nocase(text, span_str("421"));
}

/*
 * One side began TLS and goes on in clear before TLS carried any data: that is the dialogue again,
 * whatever single records somebody sent before it. The client's text counts when the server does
 * not speak TLS either. What was taken for a header is the beginning of a line.
 */
static bool speaks_again(struct smtp *m, enum session_dir d, const struct tls_record_reader *r)
{
    const struct session *s = m->s;
    struct span text = span_of(r->head, r->have);
    struct smtp_line l;
    bool done;

    if (s->tls_complete || m->client_app || m->server_app || m->tls_gap[d] ||
        !s->upgrade_accepted || !s->seen[SESSION_TO_CLIENT] || !is_text(text.p, text.n) ||
        span_find(text, '\n') < text.n)
        return false;
    if (d == SESSION_TO_SERVER && s->tls_records[SESSION_TO_CLIENT] &&
        !s->clear_in_tls[SESSION_TO_CLIENT])
        return false;
    (void)smtp_line_push(&m->line[d], text, r->offset, CAP_COMMAND_LINE, &l, &done);
    return true;
}

/* No record where one must begin: the byte at the start of a line was no TLS after all, or the
 * records are out of step, by text among them or by a gap. */
static void not_record(struct smtp *m, const struct smtp_chunk *c)
{
    struct tls_record_reader r = m->tls[c->dir];
    struct session *s = m->s;

    smtp_upgrade_lost(m, c->dir);
    m->tls[c->dir] = (struct tls_record_reader){0};
    if (r.count == 0) {
        m->side[c->dir] = m->tls_from[c->dir] == SIDE_ADRIFT ? SIDE_ADRIFT : SIDE_SKIP;
        return;
    }
    m->side[c->dir] = SIDE_OPAQUE;
    if (speaks_again(m, c->dir, &r))
        m->side[c->dir] = SIDE_LINES;
    if (!s->clear_in_tls[c->dir] && !m->tls_gap[c->dir] && is_text(r.head, r.have)) {
        s->clear_in_tls[c->dir] = true;
        s->clear_in_tls_offset[c->dir] = r.offset;
        s->clear_in_tls_bye[c->dir] = is_last_word(c->dir, span_of(r.head, r.have));
    }
}

size_t smtp_upgrade_records(struct smtp *m, const struct smtp_chunk *c, struct span in,
                            uint32_t offset)
{
    size_t at = 0;

    while (at < in.n) {
        struct tls_record r;
        size_t used = 0;

        if (m->tls[c->dir].want == 0 && smtp_upgrade_reads(m, c->dir))
            tls_body(m->s->handshake, m->s, c->dir,
                     span_first(span_from(in, at), m->tls[c->dir].left));
        switch (
            tls_record_push(&m->tls[c->dir], span_from(in, at), offset + (uint32_t)at, &used, &r)) {
        case TLS_RECORD_SEEN:
            record(m, c, &r);
            break;
        case TLS_RECORD_NOT:
            not_record(m, c);
            return at + used;
        case TLS_RECORD_MORE:
            break;
        }
        at += used;
    }
    return at;
}
