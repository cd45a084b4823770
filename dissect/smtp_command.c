/* SPDX-License-Identifier: Apache-2.0 */
/* What the client says. */
#include "dissect/smtp_state.h"

static struct span argument(struct span line)
{
    struct span rest = span_from(line, smtp_word_first(line).n);

    while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
        rest = span_from(rest, 1);
    return rest;
}

static void hello(struct smtp *m, enum smtp_verb verb, const struct smtp_line *l)
{
    struct session *s = m->s;

    if (verb != VERB_HELO)
        s->ehlo_count++;
    if (s->upgrade_accepted) { /* in clear after the 220: the first EHLO keeps its place */
        s->ehlo_after = s->ehlo_after || verb != VERB_HELO;
        return;
    }
    s->hello = verb == VERB_HELO ? HELLO_HELO : verb == VERB_LHLO ? HELLO_LHLO : HELLO_EHLO;
    if (verb != VERB_HELO)
        s->ehlo_cmd_offset = l->offset;
    if (s->helo.len == 0)
        s->helo = smtp_text_keep(s, smtp_word_first(argument(l->text)), CAP_DOMAIN_TEXT);
}

static void mail(struct smtp *m, const struct smtp_line *l)
{
    struct session *s = m->s;
    struct span path = smtp_word_path(l->text);

    if (s->mail_commands++ == 0) {
        s->mail_offset = l->offset;
        s->mail_from = smtp_text_address(m, path);
        s->mail_from_null = path.n == 0;
    }
    if (smtp_word_has_param(l->text, "REQUIRETLS") && !s->requiretls) {
        s->requiretls = true;
        s->requiretls_offset = l->offset;
    }
    if (smtp_word_has_param(l->text, "SMTPUTF8"))
        s->smtputf8 = true;
}

static void auth(struct smtp *m, const struct smtp_line *l)
{
    struct session *s = m->s;
    struct span mechanism = smtp_word_first(argument(l->text));
    uint8_t upper[24];

    m->auth_open = true;
    s->auth_tries++;
    if (s->auth == AUTH_ACCEPTED)
        return;
    s->auth = AUTH_TRIED;
    s->auth_offset = l->offset;
    s->auth_code = 0;
    mechanism = span_first(mechanism, sizeof(upper));
    for (size_t i = 0; i < mechanism.n; i++) /* RFC 4422: letters, digits, - and _ */
        upper[i] = span_is_alpha(mechanism.p[i]) || span_is_digit(mechanism.p[i])
                       ? span_upper(mechanism.p[i])
                       : (mechanism.p[i] == '-' ? '-' : '_');
    s->auth_mechanism = smtp_text_keep(s, span_of(upper, mechanism.n), sizeof(upper));
}

static void upgrade(struct smtp *m, enum smtp_verb verb, const struct smtp_line *l,
                    const struct smtp_chunk *c, uint32_t end)
{
    struct session *s = m->s;

    if (s->upgrade_accepted) /* STARTTLS again in clear is no new question */
        return;
    s->upgrade = verb == VERB_STARTTLS ? UPGRADE_STARTTLS : UPGRADE_ANONYMOUSTLS;
    s->upgrade_asks++;
    m->client_lost = false;
    s->upgrade_cmd_offset = l->offset;
    s->upgrade_cmd_time = c->time;
    s->upgrade_param = argument(l->text).n > 0;
    s->reading.upgrade_code = 0;
    m->upgrade_end = end;
    m->upgrade_heard = c->acked;
}

/* A verb that no table knows. Its text may be a secret out of step, so only its head is kept, and
 * the session's header says who may show it. */
static uint8_t odd(struct smtp *m, const struct smtp_line *l)
{
    struct session *s = m->s;
    struct odd_command *o;

    if (s->odd_count >= CAP_ODD_COMMANDS || l->full_len == 0)
        return 0;
    o = &s->odd[s->odd_count++];
    *o = (struct odd_command){
        .text = smtp_text_keep(s, l->text, 16),
        .line_len = (uint16_t)(l->full_len > UINT16_MAX ? UINT16_MAX : l->full_len),
        .word_len = (uint16_t)smtp_word_first(l->text).n,
        .offset = l->offset,
        .before_hello = s->reading.ehlo_code != 250 && !s->helo_accepted,
        .follows_ehlo = m->last_verb == VERB_EHLO,
    };
    return s->odd_count;
}

static void body_command(struct smtp *m, enum smtp_verb verb, const struct smtp_line *l)
{
    if (verb == VERB_DATA) {
        m->side[SESSION_TO_SERVER] = SIDE_WAIT;
    } else if (smtp_word_bdat(l->text, &m->chunk_left, &m->chunk_last)) {
        m->side[SESSION_TO_SERVER] = SIDE_CHUNK;
        if (m->chunk_left == 0)
            smtp_content_chunk(m, span_of(NULL, 0));
    }
}

static void note(struct smtp *m, enum smtp_verb verb, const struct smtp_line *l,
                 const struct smtp_chunk *c, uint32_t end)
{
    struct session *s = m->s;

    switch (verb) {
    case VERB_EHLO:
    case VERB_HELO:
    case VERB_LHLO:
        hello(m, verb, l);
        break;
    case VERB_MAIL:
        smtp_content_end(m); /* a BDAT message that never had its LAST */
        mail(m, l);
        break;
    case VERB_RSET:
        smtp_content_end(m);
        break;
    case VERB_RCPT:
        s->rcpt_commands++;
        smtp_text_recipient(m, smtp_word_path(l->text));
        break;
    case VERB_DATA:
    case VERB_BDAT:
        body_command(m, verb, l);
        break;
    case VERB_STARTTLS:
    case VERB_ANONYMOUSTLS:
        upgrade(m, verb, l, c, end);
        break;
    case VERB_AUTH:
        auth(m, l);
        break;
    case VERB_QUIT:
        s->quit = true;
        break;
    default:
        s->xclient = s->xclient || verb == VERB_XCLIENT;
        s->xforward = s->xforward || verb == VERB_XFORWARD;
        break;
    }
}

/* Bytes that follow STARTTLS before its answer was heard: a client that keeps to RFC 3207 section 4
 * sends none; an injector hides commands there (CVE-2011-0411). */
static void early(struct smtp *m, enum smtp_verb verb, const struct smtp_line *l)
{
    struct session *s = m->s;

    if (s->early_client != BYTES_NONE || l->full_len == 0)
        return;
    s->early_client = BYTES_CLEAR;
    s->early_client_offset = l->offset;
    if (verb != VERB_UNKNOWN)
        s->early_client_verb = smtp_text_keep(s, smtp_word_first(l->text), 16);
}

static bool proxy_line(struct smtp *m, const struct smtp_line *l)
{
    if (l->offset != 0 || !span_starts_nocase(l->text, span_str("PROXY ")))
        return false;
    m->s->proxy_version = 1;
    return true;
}

/* In a session without gaps everything the client heard answered is answered; after one, a command
 * sent when all replies had been heard gives the step back. */
void smtp_find_step(struct smtp *m, const struct smtp_chunk *c)
{
    if (m->step_lost && (int32_t)(c->acked - m->next[SESSION_TO_CLIENT]) >= 0) {
        smtp_reply_abandon(m);
        smtp_queue_clear(m);
        m->step_lost = false;
        m->ehlo_damaged = false;
    }
}

void smtp_command_line(struct smtp *m, const struct smtp_line *l, const struct smtp_chunk *c,
                       uint32_t end)
{
    struct session *s = m->s;
    enum smtp_verb verb = smtp_word_verb(l->text);
    struct pending p = {.offset = l->offset, .end = end, .time = c->time};

    if (proxy_line(m, l))
        return;
    smtp_find_step(m, c);
    if (m->side[SESSION_TO_SERVER] == SIDE_AUTH ||
        (verb == VERB_UNKNOWN && m->auth_open && l->full_len > 0)) {
        m->side[SESSION_TO_SERVER] = SIDE_LINES;
        p.verb = VERB_AUTH_ANSWER;
        smtp_queue_push(m, &p);
        return;
    }
    if (c->acked == 0 && s->seen[SESSION_TO_CLIENT] && !s->midstream && !m->banner_done)
        s->early_talker = true;
    if (s->upgrade_asks && s->seen[SESSION_TO_CLIENT] &&
        (int32_t)(c->acked - m->upgrade_heard) <= 0)
        early(m, verb, l);
    else if (s->upgrade_accepted && l->full_len > 0)
        smtp_upgrade_bytes(m, c, l->offset, BYTES_CLEAR, l->text);
    if (verb == VERB_UNKNOWN)
        p.odd = odd(m, l);
    p.verb = (uint8_t)verb;
    smtp_queue_push(m, &p);
    note(m, verb, l, c, end);
    m->last_verb = verb;
}
