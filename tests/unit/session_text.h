/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a session as text, so that two readings of the same bytes can be compared. */
#ifndef TESTS_UNIT_SESSION_TEXT_H
#define TESTS_UNIT_SESSION_TEXT_H

#include <stdio.h>
#include <stdlib.h>

#include "dissect/session.h"

static inline void session_text_put(FILE *f, const struct session *s, const char *name,
                                    struct text t)
{
    struct span v = session_text(s, t);

    fprintf(f, "%s=[", name);
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] >= 0x20 && v.p[i] < 0x7f)
            fputc(v.p[i], f);
        else
            fprintf(f, "\\x%02X", v.p[i]);
    fputs("]\n", f);
}

static inline void session_text_reading(FILE *f, const struct session *s)
{
    const struct smtp_reading *g = &s->reading;

    fprintf(f, "ehlo=%d code=%d lines=%d capped=%d at=%u\n", g->ehlo, g->ehlo_code, g->line_count,
            g->lines_capped, g->ehlo_offset);
    for (int i = 0; i < g->line_count; i++) {
        fprintf(f, "line %d word=%u len=%u at=%u ", i, g->line[i].word_len, g->line[i].line_len,
                g->line[i].offset);
        session_text_put(f, s, "text", g->line[i].text);
    }
    fprintf(f, "refused=%d at=%u upgrade=%d at=%u\n", g->refused_code, g->refused_offset,
            g->upgrade_code, g->upgrade_offset);
    session_text_put(f, s, "refused", g->refused_text);
    session_text_put(f, s, "upgrade", g->upgrade_text);
}

static inline void session_text_upgrade(FILE *f, const struct session *s)
{
    fprintf(f, "asks=%u kind=%d at=%u param=%d accepted=%d\n", s->upgrade_asks, s->upgrade,
            s->upgrade_cmd_offset, s->upgrade_param, s->upgrade_accepted);
    fprintf(f, "early_client=%d at=%u early_server=%d at=%u\n", s->early_client,
            s->early_client_offset, s->early_server, s->early_server_offset);
    session_text_put(f, s, "early_verb", s->early_client_verb);
    session_text_put(f, s, "early_text", s->early_server_text);
    fprintf(f, "client_after=%d at=%u server_after=%d at=%u ehlo_after=%d\n", s->client_after,
            s->client_after_offset, s->server_after, s->server_after_offset, s->ehlo_after);
    fprintf(f, "tls stage=%d complete=%d records=%u/%u alerts=%d:%d/%d:%d clear=%d/%d\n",
            s->tls_stage, s->tls_complete, s->tls_records[0], s->tls_records[1],
            s->tls_alert_level[0], s->tls_alert[0], s->tls_alert_level[1], s->tls_alert[1],
            s->clear_in_tls[0], s->clear_in_tls[1]);
    session_text_put(f, s, "sni", s->sni);
    fprintf(f, "versions %x %x suite %x sentinel %d\n", s->tls_newest, s->tls_version, s->tls_suite,
            s->tls_sentinel);
    fprintf(f, "bye=%d/%d flight=%u\n", s->clear_in_tls_bye[0], s->clear_in_tls_bye[1],
            s->tls.flight);
}

static inline void session_text_mail(FILE *f, const struct session *s)
{
    fprintf(f, "mails=%u bytes=%llu mail=%u/%u at=%u null=%d\n", s->mails,
            (unsigned long long)s->mail_bytes, s->mail_accepted, s->mail_commands, s->mail_offset,
            s->mail_from_null);
    session_text_put(f, s, "from", s->mail_from);
    fprintf(f, "rcpt=%u/%u kept=%d domains=%d\n", s->rcpt_accepted, s->rcpt_commands, s->rcpt_count,
            s->rcpt_domain_count);
    for (int i = 0; i < s->rcpt_count; i++)
        session_text_put(f, s, "to", s->rcpt[i]);
    for (int i = 0; i < s->rcpt_domain_count; i++)
        session_text_put(f, s, "domain", s->rcpt_domain[i]);
    fprintf(f, "requiretls=%d at=%u ok=%d utf8=%d demand=%d at=%u quit=%d\n", s->requiretls,
            s->requiretls_offset, s->requiretls_accepted, s->smtputf8, s->demand_code,
            s->demand_offset, s->quit);
    session_text_put(f, s, "demand", s->demand_text);
    fprintf(f, "auth=%d tries=%u at=%u code=%d by=%u\n", s->auth, s->auth_tries, s->auth_offset,
            s->auth_code, s->auth_reply_offset);
    session_text_put(f, s, "mechanism", s->auth_mechanism);
}

static inline void session_text_oddities(FILE *f, const struct session *s)
{
    for (int i = 0; i < s->odd_count; i++) {
        const struct odd_command *o = &s->odd[i];
        fprintf(f, "odd len=%u word=%u at=%u code=%d before=%d follows=%d ", o->line_len,
                o->word_len, o->offset, o->reply_code, o->before_hello, o->follows_ehlo);
        session_text_put(f, s, "text", o->text);
    }
    fprintf(f, "unsolicited=%u at=%u code=%d 421=%d xclient=%d xforward=%d early=%d\n",
            s->unsolicited, s->unsolicited_offset, s->unsolicited_code, s->code_421, s->xclient,
            s->xforward, s->early_talker);
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        fprintf(f, "dir %d lf=%u cr=%u nul=%u long=%u bytes=%llu gap=%llu cut=%llu\n", d,
                s->bare_lf[d], s->bare_cr[d], s->nul_bytes[d], s->long_lines[d],
                (unsigned long long)s->bytes[d], (unsigned long long)s->gap_bytes[d],
                (unsigned long long)s->cut_bytes[d]);
    fprintf(f, "lost=%d notsmtp=%d caps=%u proxy=%d implicit=%d\n", s->step_lost, s->not_smtp,
            s->caps_hit, s->proxy_version, s->implicit_tls);
}

static inline void session_text_synack(FILE *f, const struct syn_print *p)
{
    fprintf(f, "synack=%d ttl=%d df=%d scale=%d mss=%d window=%d options=", p->known, p->ttl_class,
            p->df, p->scale, p->mss, p->window);
    for (int i = 0; i < p->option_count; i++)
        fprintf(f, "%d,", p->options[i]);
    fputs("\n", f);
}

/* Heap text, the caller frees it. */
static inline char *session_text_of(const struct session *s)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        abort();
    session_text_synack(f, &s->synack);
    fprintf(f, "banner=%d at=%u\n", s->banner_code, s->banner_offset);
    session_text_put(f, s, "banner", s->banner);
    fprintf(f, "hello=%d helo_ok=%d ehlos=%u at=%u\n", s->hello, s->helo_accepted, s->ehlo_count,
            s->ehlo_cmd_offset);
    session_text_put(f, s, "helo", s->helo);
    session_text_reading(f, s);
    session_text_upgrade(f, s);
    session_text_mail(f, s);
    session_text_oddities(f, s);
    fclose(f);
    return text;
}

#endif
