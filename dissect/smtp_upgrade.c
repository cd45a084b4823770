/* SPDX-License-Identifier: Apache-2.0 */
/* What follows STARTTLS: TLS records, clear text, and clear text among records. */
#include "dissect/smtp_state.h"
#include "dissect/tls_hello.h"

/* An encrypted alert has 2 bytes, and 17 (RFC 8446) or up to 22 (8-byte nonce, tag) around them. */
#define ALERT_SIZE 24

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

static void complete(struct smtp *m)
{
    if (m->s->tls_complete)
        return;
    m->s->tls_complete = true;
    stage(m->s, TLS_STAGE_FINISHED);
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

    if (r->length <= ALERT_SIZE)
        return;
    if (c->dir == SESSION_TO_SERVER) {
        if (m->client_app++ == 0)
            m->client_app_end = r->offset + 5 + r->length;
        if (!s->seen[SESSION_TO_CLIENT] && m->client_app > 1)
            complete(m);
        return;
    }
    if (m->server_app++ == 0)
        m->server_app_ack = c->acked;
    if (m->client_app ? (int32_t)(c->acked - m->client_app_end) >= 0
                      : unheard(m) && (int32_t)(c->acked - m->server_app_ack) > 0)
        complete(m);
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

/* --- the first message of each side --- */

#define RECORD_HEADER  5
#define MESSAGE_HEADER 4 /* type, and a length of three bytes */

void smtp_upgrade_forget_hello(struct smtp *m, enum session_dir d)
{
    if (m->hello_open[d])
        smtp_line_fini(&m->line[d]);
    m->hello_open[d] = false;
}

static void read_client_hello(struct session *s, struct span body)
{
    struct tls_client_hello hello;
    struct span data;

    if (!tls_client_hello_read(body, &hello))
        return;
    s->tls_newest = tls_client_newest(&hello);
    if (tls_extension(hello.extensions, TLS_EXTENSION_SERVER_NAME, &data))
        s->sni = smtp_text_keep(s, tls_server_name(data), CAP_DOMAIN_TEXT);
}

static void read_server_hello(struct session *s, struct span body)
{
    struct tls_server_hello hello;

    if (!tls_server_hello_read(body, &hello))
        return;
    s->tls_version = hello.version;
    s->tls_suite = hello.suite;
    s->tls_sentinel = (uint8_t)(hello.retry ? TLS_SENTINEL_NONE : hello.sentinel);
}

static uint8_t hello_type(enum session_dir d)
{
    return d == SESSION_TO_SERVER ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO;
}

static void read_hello(struct smtp *m, enum session_dir d, struct span body)
{
    if (d == SESSION_TO_SERVER)
        read_client_hello(m->s, body);
    else
        read_server_hello(m->s, body);
}

/* Most hellos lie in one piece, and are read where they are. `in` begins with their record. */
static bool read_in_place(struct smtp *m, enum session_dir d, const struct tls_record *r,
                          struct span in)
{
    const size_t head = RECORD_HEADER + MESSAGE_HEADER;
    size_t message;

    if (r->type != TLS_HANDSHAKE || r->version == 2 || r->body[0] != hello_type(d) || in.n < head)
        return false;
    message = (size_t)in.p[6] << 16 | (size_t)in.p[7] << 8 | in.p[8];
    if (MESSAGE_HEADER + message > r->length || MESSAGE_HEADER + message > CAP_CLIENT_HELLO ||
        head + message > in.n)
        return false;
    read_hello(m, d, span_of(in.p + head, message));
    return true;
}

/* More of the body of its records. */
static void hold_hello(struct smtp *m, enum session_dir d, struct span part)
{
    struct smtp_line_buffer *b = &m->line[d];
    size_t want = MESSAGE_HEADER;

    smtp_line_hold(b, part, CAP_CLIENT_HELLO);
    if (b->n >= MESSAGE_HEADER)
        want += (size_t)b->p[1] << 16 | (size_t)b->p[2] << 8 | b->p[3];
    if (b->n >= want)
        read_hello(m, d, span_of(b->p + MESSAGE_HEADER, want - MESSAGE_HEADER));
    if (b->n >= want || want > CAP_CLIENT_HELLO || b->n == 0) /* 0: no memory */
        smtp_upgrade_forget_hello(m, d);
}

/* It begins in the first record and may go on in those behind it (RFC 8446 section 5.1). */
static void begin_hello(struct smtp *m, enum session_dir d, const struct tls_record *r)
{
    if (r->type != TLS_HANDSHAKE || r->version == 2) {
        smtp_upgrade_forget_hello(m, d);
        return;
    }
    if (m->s->tls_records[d] == 1 && r->body[0] == hello_type(d)) {
        smtp_line_fini(&m->line[d]);
        m->hello_open[d] = true;
    }
    if (m->hello_open[d] && r->length > 0)
        hold_hello(m, d,
                   span_of(r->body, r->length < sizeof(r->body) ? r->length : sizeof(r->body)));
}

/* --- records --- */

/* `in` begins with the record, if it began in this piece at all. */
static void record(struct smtp *m, const struct smtp_chunk *c, const struct tls_record *r,
                   struct span in, bool whole_head)
{
    struct session *s = m->s;

    if (s->tls_records[c->dir]++ == 0)
        first_record(m, c, r);
    if (s->tls_records[c->dir] == 1 && !(whole_head && read_in_place(m, c->dir, r, in)))
        begin_hello(m, c->dir, r);
    else if (m->hello_open[c->dir])
        begin_hello(m, c->dir, r);
    if (r->type == TLS_HANDSHAKE && s->tls_records[c->dir] == 1) {
        if (c->dir == SESSION_TO_SERVER && r->body[0] == 1)
            stage(s, TLS_STAGE_CLIENT_HELLO);
        else if (c->dir == SESSION_TO_CLIENT && r->body[0] == 2)
            stage(s, TLS_STAGE_SERVER_HELLO);
    } else if (r->type == TLS_ALERT && r->length == 2) {
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

    smtp_upgrade_forget_hello(m, c->dir);
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

        if (m->hello_open[c->dir] && m->tls[c->dir].want == 0)
            hold_hello(m, c->dir, span_first(span_from(in, at), m->tls[c->dir].left));
        switch (
            tls_record_push(&m->tls[c->dir], span_from(in, at), offset + (uint32_t)at, &used, &r)) {
        case TLS_RECORD_SEEN:
            record(m, c, &r, span_from(in, at), r.offset == offset + (uint32_t)at);
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
