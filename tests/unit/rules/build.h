/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions made by hand for the rules: a dialogue is played line by line, offsets run along. */
#ifndef UNIT_RULES_BUILD_H
#define UNIT_RULES_BUILD_H

#include "rules/finding.h"

struct build {
    struct session s;
    uint8_t pool[CAP_TEXT_POOL];
    struct ehlo_line line[CAP_REPLY_LINES];
    struct text domain[CAP_RECIPIENTS];
    uint32_t at[SESSION_DIR_COUNT]; /* next stream offset of each direction */
    struct judgement j;
    const struct expectations *expected;   /* NULL: nothing is promised */
    const struct certificate *certificate; /* NULL: it was not seen */
    const struct baseline *usual;          /* NULL: nothing is remembered */
    const struct steering *steering;       /* NULL: no better server was tried in vain */
    bool own_authorities;                  /* the operator named those to trust */
};

static inline struct text build_text(struct build *b, const void *p, size_t n)
{
    struct text t = {b->s.pool_used, (uint16_t)n};
    if (n > 0)
        memcpy(b->pool + t.off, p, n);
    b->s.pool_used = (uint16_t)(b->s.pool_used + n);
    return t;
}

/* A line of n bytes in one direction; its offset. */
static inline uint32_t build_step(struct build *b, enum session_dir d, size_t n)
{
    uint32_t at = b->at[d];
    b->at[d] += (uint32_t)n + 2;
    b->s.bytes[d] += n + 2;
    b->s.seen[d] = true;
    return at;
}

/* A whole session from 198.51.100.10 to 203.0.113.25, port 25, nothing said yet. */
static inline void build_new(struct build *b)
{
    memset(b, 0, sizeof(*b));
    b->s.pool = b->pool;
    b->s.reading.line = b->line;
    b->s.rcpt_domain = b->domain;
    b->s.pool_size = sizeof(b->pool) - 1;
    b->s.key = (struct flow_key){.family = 4, .client_port = 40001, .server_port = 25};
    memcpy(b->s.key.client, (uint8_t[]){198, 51, 100, 10}, 4);
    memcpy(b->s.key.server, (uint8_t[]){203, 0, 113, 25}, 4);
    b->s.syn_seen = b->s.synack_seen = true;
    b->s.seen[0] = b->s.seen[1] = true;
    b->s.now = NS_PER_S;
}

static inline void build_banner(struct build *b, const char *banner)
{
    b->s.banner_code = 220;
    b->s.banner = build_text(b, banner, strlen(banner));
    b->s.banner_offset = build_step(b, SESSION_TO_CLIENT, strlen(banner));
}

/* One more line of the EHLO reply, bytes of any kind; the first is the greeting. */
static inline void build_line(struct build *b, const void *p, size_t n)
{
    struct smtp_reading *r = &b->s.reading;
    struct ehlo_line *l = &r->line[r->line_count++];
    l->text = build_text(b, p, n < CAP_KEYWORD_TEXT ? n : CAP_KEYWORD_TEXT);
    l->line_len = (uint16_t)n;
    while (l->word_len < l->text.len && ((const char *)p)[l->word_len] != ' ')
        l->word_len++;
    l->offset = build_step(b, SESSION_TO_CLIENT, n + 4);
}

/* EHLO and its complete reply: `keywords` parted by |, after a greeting line. */
static inline void build_ehlo(struct build *b, const char *keywords)
{
    b->s.hello = HELLO_EHLO;
    b->s.ehlo_count++;
    b->s.ehlo_cmd_offset = build_step(b, SESSION_TO_SERVER, 24);
    b->s.reading.ehlo = EHLO_COMPLETE;
    b->s.reading.ehlo_code = 250;
    b->s.reading.line_count = 0;
    b->s.reading.ehlo_offset = b->at[SESSION_TO_CLIENT];
    build_line(b, "mx1.alder.example", 17);
    while (keywords && *keywords) {
        size_t n = strcspn(keywords, "|");
        build_line(b, keywords, n);
        keywords += n + (keywords[n] == '|');
    }
}

/* Like build_ehlo, the greeting line included in `lines`. */
static inline void build_reply(struct build *b, const char *lines)
{
    build_ehlo(b, NULL);
    b->s.reading.line_count = 0;
    while (lines && *lines) {
        size_t n = strcspn(lines, "|");
        build_line(b, lines, n);
        lines += n + (lines[n] == '|');
    }
}

static inline void build_ehlo_refused(struct build *b, const char *reply, int code)
{
    b->s.hello = HELLO_EHLO;
    b->s.ehlo_count++;
    b->s.ehlo_cmd_offset = build_step(b, SESSION_TO_SERVER, 24);
    b->s.reading.refused_code = (int16_t)code;
    b->s.reading.refused_text = build_text(b, reply, strlen(reply));
    b->s.reading.refused_offset = build_step(b, SESSION_TO_CLIENT, strlen(reply));
}

static inline void build_helo(struct build *b)
{
    b->s.hello = HELLO_HELO;
    b->s.helo_accepted = true;
    build_step(b, SESSION_TO_SERVER, 24);
    build_step(b, SESSION_TO_CLIENT, 17);
}

/* STARTTLS and its answer; code 0: none. */
static inline void build_starttls(struct build *b, int code, const char *reply)
{
    b->s.upgrade = UPGRADE_STARTTLS;
    b->s.upgrade_asks++;
    b->s.upgrade_cmd_offset = build_step(b, SESSION_TO_SERVER, 8);
    b->s.upgrade_cmd_time = b->s.now;
    b->s.upgrade_accepted = code == 220;
    if (code == 0)
        return;
    b->s.reading.upgrade_code = (int16_t)code;
    b->s.reading.upgrade_text = build_text(b, reply, strlen(reply));
    b->s.reading.upgrade_offset = build_step(b, SESSION_TO_CLIENT, strlen(reply));
}

static inline void build_tls(struct build *b)
{
    b->s.tls_stage = TLS_STAGE_FINISHED;
    b->s.tls_complete = true;
    b->s.client_after = b->s.server_after = BYTES_TLS;
    b->s.tls_records[0] = b->s.tls_records[1] = 5;
    b->s.bytes[0] += 2000;
    b->s.bytes[1] += 4000;
}

/* One message of 375 bytes in clear, accepted. */
static inline void build_mail(struct build *b)
{
    static const char from[] = "*@sender.example", domain[] = "alder.example";
    struct session *s = &b->s;
    uint32_t at = build_step(b, SESSION_TO_SERVER, 32);
    if (s->mail_commands++ == 0) {
        s->mail_offset = at;
        s->mail_from = build_text(b, from, strlen(from));
        s->rcpt_domain[s->rcpt_domain_count++] = build_text(b, domain, strlen(domain));
    }
    s->mail_accepted++;
    s->mails++;
    s->mail_bytes += 375;
    build_step(b, SESSION_TO_CLIENT, 20);
    build_step(b, SESSION_TO_SERVER, 375);
}

static inline void build_auth(struct build *b, const char *mechanism, int code)
{
    b->s.auth = code == 235 ? AUTH_ACCEPTED : AUTH_TRIED;
    b->s.auth_tries++;
    b->s.auth_mechanism = build_text(b, mechanism, strlen(mechanism));
    b->s.auth_code = (int16_t)code;
    b->s.auth_offset = build_step(b, SESSION_TO_SERVER, 40);
    if (code)
        build_step(b, SESSION_TO_CLIENT, 30);
}

/* A command line nobody knows, and its answer. */
static inline struct odd_command *build_odd(struct build *b, const char *line, int code)
{
    struct odd_command *odd = &b->s.odd[b->s.odd_count++];
    size_t n = strlen(line);
    odd->text = build_text(b, line, n < 16 ? n : 16);
    odd->line_len = (uint16_t)n;
    odd->word_len = (uint16_t)strcspn(line, " ");
    odd->offset = build_step(b, SESSION_TO_SERVER, n);
    odd->reply_code = (int16_t)code;
    odd->before_hello = b->s.hello == HELLO_NONE;
    odd->follows_ehlo = b->s.reading.ehlo != EHLO_NONE && b->s.mail_commands == 0;
    if (code)
        build_step(b, SESSION_TO_CLIENT, 30);
    return odd;
}

/* The name that the client asks for. */
static inline void build_sni(struct build *b, const char *name)
{
    b->s.sni = build_text(b, name, strlen(name));
}

static inline void build_quit(struct build *b)
{
    b->s.quit = true;
    build_step(b, SESSION_TO_SERVER, 4);
    build_step(b, SESSION_TO_CLIENT, 15);
}

/* Only the bytes of `d` were captured. */
static inline void build_only(struct build *b, enum session_dir d)
{
    b->s.seen[!d] = false;
    b->s.bytes[!d] = 0;
}

static inline const struct judgement *build_judge(struct build *b, enum session_milestone m)
{
    struct judge_aid aid = {.expected = b->expected,
                            .certificate = b->certificate,
                            .usual = b->usual,
                            .steering = b->steering,
                            .own_authorities = b->own_authorities};
    judge(&b->s, m, &aid, &b->j);
    return &b->j;
}

/* Closes the session and judges it. */
static inline const struct judgement *build_close(struct build *b, enum session_close how)
{
    b->s.closed = how;
    return build_judge(b, SESSION_CLOSED);
}

static inline const struct finding *build_find(const struct judgement *j, enum rule_id id)
{
    for (size_t i = 0; i < j->finding_count; i++)
        if (j->finding[i].rule == id)
            return &j->finding[i];
    return NULL;
}

#endif
