/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/wording.h"

#include "base/text.h"

#include <arpa/inet.h>
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
    struct wording_bytes b = {""};
    inet_ntop(family == 6 ? AF_INET6 : AF_INET, address, b.text, sizeof(b.text));
    return b;
}

struct wording_bytes wording_server(const struct session *s)
{
    return wording_address(s->key.family, s->key.server);
}

static void address_of(const struct session *s, char *dst, size_t cap)
{
    snprintf(dst, cap, s->key.family == 6 ? "[%s]:%u" : "%s:%u", wording_server(s).text,
             s->key.server_port);
}

void wording_next_step_at(struct finding *f, const char *where)
{
    const char *row = rule_row(f->rule)->next_step;
    const char *hole = strstr(row, "%s");
    if (hole)
        snprintf(f->next_step, sizeof(f->next_step), "%.*s%s%s", (int)(hole - row), row, where,
                 hole + 2);
    else
        snprintf(f->next_step, sizeof(f->next_step), "%s", row);
}

void wording_next_step(struct finding *f, const struct session *s)
{
    char address[INET6_ADDRSTRLEN + sizeof("[]:65535")];
    address_of(s, address, sizeof(address));
    wording_next_step_at(f, address);
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
    snprintf(l->note, sizeof(l->note), "%s", note);
    return l;
}

void wording_line(struct finding *f, enum session_dir dir, uint32_t offset, const char *prefix,
                  struct span wire, const char *note)
{
    struct evidence_line *l = new_line(f, dir, offset, note);
    if (!l)
        return;
    int n = snprintf(l->text, sizeof(l->text), "%s", prefix);
    text_mask(l->text + n, sizeof(l->text) - (size_t)n, wire);
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
