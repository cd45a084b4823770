/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/wording.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void wording_say(struct finding *f, const char *format, ...)
{
    size_t n = strlen(f->reason);
    va_list args;
    if (n > 0 && n + 1 < sizeof(f->reason)) {
        f->reason[n++] = ' ';
        f->reason[n] = '\0';
    }
    va_start(args, format);
    vsnprintf(f->reason + n, sizeof(f->reason) - n, format, args);
    va_end(args);
}

struct wording_bytes wording_bytes(struct span wire)
{
    struct wording_bytes b;
    text_mask(b.text, sizeof(b.text), wire);
    return b;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void say_asked(struct finding *f, const struct view *v)
{
    const struct session *s = v->s;
    if (s->tls_complete)
        wording_say(f, "TLS came about all the same.");
    else if (v->asked && s->reading.upgrade_code != 0)
        wording_say(f, "The client asked for TLS and was answered %d.", s->reading.upgrade_code);
    else if (v->asked)
        wording_say(f, "The client asked for TLS.");
    else if (v->milestone > SESSION_EHLO_DONE && view_both(v))
        wording_say(f, "The client did not start TLS.");
}

void wording_effect(struct finding *f, const struct view *v)
{
    const struct session *s = v->s;
    if (f->rule != RULE_STARTTLS_REFUSED)
        say_asked(f, v);
    if (s->mails > 0)
        wording_say(f, "%u message%s of %" PRIu64 " bytes crossed in clear, to %u domain%s.",
                    s->mails, plural(s->mails), s->mail_bytes, s->rcpt_domain_count,
                    plural(s->rcpt_domain_count));
    if (v->login)
        wording_say(f, "A login by %s was accepted in clear.",
                    wording_bytes(session_text(s, s->auth_mechanism)).text);
    if (view_effect(v, true) == EFFECT_HELD)
        wording_say(f, "The client left by QUIT without sending mail.");
}

struct wording_bytes wording_address(uint8_t family, const uint8_t address[16])
{
    struct wording_bytes b;
    text_ip(b.text, family, address);
    return b;
}

struct wording_bytes wording_server(const struct session *s)
{
    return wording_address(s->key.family, s->key.server);
}

/* As much of the text as has room behind `at` bytes, and its NUL; gives where it ends. */
static size_t put(char *dst, size_t cap, size_t at, struct span text)
{
    text = span_first(text, cap - 1 - at);
    memcpy(dst + at, text.p, text.n);
    dst[at + text.n] = '\0';
    return at + text.n;
}

void wording_next_step_at(struct finding *f, const char *where)
{
    const char *row = rule_row(f->rule)->next_step;
    const char *hole = strstr(row, "%s");
    size_t n = put(f->next_step, sizeof(f->next_step), 0,
                   hole ? span_of(row, (size_t)(hole - row)) : span_str(row));
    if (!hole)
        return;
    n = put(f->next_step, sizeof(f->next_step), n, span_str(where));
    put(f->next_step, sizeof(f->next_step), n, span_str(hole + 2));
}

void wording_next_step(struct finding *f, const struct session *s)
{
    char where[sizeof("[]:") + TEXT_IP + TEXT_UINT];
    bool six = s->key.family == 6;
    size_t n = 0;
    where[n] = '[';
    n += six;
    n += text_ip(where + n, s->key.family, s->key.server);
    where[n] = ']';
    n += six;
    where[n++] = ':';
    text_uint(where + n, s->key.server_port);
    wording_next_step_at(f, where);
}

static struct evidence_line *new_line(struct finding *f, enum session_dir dir, uint32_t offset,
                                      const char *note)
{
    const size_t most = sizeof(f->line) / sizeof(f->line[0]);
    if (f->line_count >= most)
        return NULL;
    struct evidence_line *l = &f->line[f->line_count++];
    l->dir = dir;
    l->offset = offset;
    put(l->note, sizeof(l->note), 0, span_str(note));
    return l;
}

void wording_line(struct finding *f, enum session_dir dir, uint32_t offset, const char *prefix,
                  struct span wire, const char *note)
{
    struct evidence_line *l = new_line(f, dir, offset, note);
    if (!l)
        return;
    size_t n = put(l->text, sizeof(l->text), 0, span_str(prefix));
    text_mask(l->text + n, sizeof(l->text) - n, wire);
}

void wording_ehlo_line(struct finding *f, const struct view *v, size_t i, const char *note)
{
    const struct smtp_reading *r = &v->s->reading;
    bool last = i + 1u == r->line_count && !r->lines_capped;
    wording_line(f, SESSION_TO_CLIENT, r->line[i].offset, last ? "250 " : "250-", view_line(v, i),
                 note);
}

/* The sender's address is in the facts as the operator wants it shown: masked or not. */
static void mail_line(struct finding *f, const struct session *s)
{
    struct evidence_line *l =
        new_line(f, SESSION_TO_SERVER, s->mail_offset, "mail in clear begins here");
    char address[sizeof(l->text) - sizeof("MAIL FROM:<>")] = "";
    if (!l)
        return;
    if (!s->mail_from_null)
        text_escape(address, sizeof(address), session_text(s, s->mail_from));
    snprintf(l->text, sizeof(l->text), "MAIL FROM:<%s>", address);
}

void wording_effect_line(struct finding *f, const struct view *v)
{
    const struct session *s = v->s;
    if (v->login)
        wording_line(f, SESSION_TO_SERVER, s->auth_offset, "AUTH ",
                     session_text(s, s->auth_mechanism), "login in clear, accepted");
    else if (s->mails > 0)
        mail_line(f, s);
}
