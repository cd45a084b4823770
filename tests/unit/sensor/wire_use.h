/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of sensor/wire.h for tests: messages that are made by hand, of every kind and with as
 * much in them as there can be, and a desk that is handed what was read back, as the judging
 * process hands it.
 */
#ifndef TESTS_UNIT_SENSOR_WIRE_USE_H
#define TESTS_UNIT_SENSOR_WIRE_USE_H

#include <stdlib.h>

#include "sensor/desk.h"
#include "sensor/peers.h"
#include "sensor/wire.h"

enum wire_kind {
    WIRE_FULL,   /* a session with everything in it, its other reading and its twin */
    WIRE_MAIL,   /* one in clear, of a reply without STARTTLS */
    WIRE_TLS,    /* one in TLS, and its handshake behind it */
    WIRE_OPEN,   /* as WIRE_TLS, and not over: the next session goes on from what is kept of it */
    WIRE_ANSWER, /* DNS: records of every type that is read */
    WIRE_EXCHANGER,  /* DNS: that of WIRE_MAIL's recipients is WIRE_MAIL's server */
    WIRE_UNANSWERED, /* DNS */
    WIRE_FETCH,
    WIRE_ATTEMPT,
    WIRE_KIND_COUNT
};

/* --- made by hand --- */

#define WIRE_TIME (1700000000 * NS_PER_S)

struct wire_made {
    struct session s[3]; /* own, other, twin */
    struct ehlo_line line[3][CAP_REPLY_LINES];
    struct text rcpt[3][CAP_RECIPIENTS], rcpt_domain[3][CAP_RECIPIENTS];
    uint8_t pool[3][CAP_TEXT_POOL];
    struct tls_client_hello client;
    struct tls_server_hello server;
    struct tls_sighting sighting;
    uint8_t bytes[CAP_TLS_HANDSHAKE];
    struct dns_message message;
};

static inline struct text wire_text(struct session *s, const char *text)
{
    struct text t = {s->pool_used, (uint16_t)strlen(text)};
    memcpy(s->pool + t.off, text, t.len);
    s->pool_used = (uint16_t)(s->pool_used + t.len);
    return t;
}

static inline void wire_add_line(struct session *s, const char *text)
{
    struct ehlo_line *l = &s->reading.line[s->reading.line_count++];
    *l = (struct ehlo_line){.text = wire_text(s, text),
                            .line_len = (uint16_t)strlen(text),
                            .offset = 20u + s->pool_used};
    l->word_len = (uint16_t)strcspn(text, " ");
}

static inline void wire_add_recipient(struct session *s, const char *domain)
{
    s->rcpt[s->rcpt_count++] = wire_text(s, "*@alder.example");
    s->rcpt_domain[s->rcpt_domain_count++] = wire_text(s, domain);
}

/* A session on port 25 that was captured from its SYN to its end. */
static inline struct session *wire_begin(struct wire_made *w, int i)
{
    struct session *s = &w->s[i];
    *s = (struct session){
        .key = {.family = 4,
                .client = {192, 0, 2, 7},
                .server = {198, 51, 100, 25},
                .view = i == 2,
                .client_port = 40000,
                .server_port = 25},
        .flow_id = 77,
        .first = WIRE_TIME,
        .last = WIRE_TIME + NS_PER_S,
        .now = WIRE_TIME + NS_PER_S,
        .closed = SESSION_FIN,
        .syn_seen = true,
        .synack_seen = true,
        .isn_known = true,
        .seen = {true, true},
        .packets = {9, 9},
        .bytes = {500, 700},
        .fin = {true, true},
        .synack = {.known = true, .ttl_class = 64, .mss = 1460, .option_count = 1, .options = {2}},
        .rtt_floor = NS_PER_MS,
        .answer_floor = 30 * NS_PER_MS,
        .answer_samples = 5,
        .hello = HELLO_EHLO,
        .ehlo_count = 1,
        .has_mac = true,
        .ttl = {60, 61},
        .banner_code = 220,
        .reading = {.ehlo = EHLO_COMPLETE, .ehlo_code = 250, .ehlo_offset = 40},
    };
    s->reading.line = w->line[i];
    s->rcpt = w->rcpt[i];
    s->rcpt_domain = w->rcpt_domain[i];
    s->pool = w->pool[i];
    s->pool_size = CAP_TEXT_POOL;
    s->banner = wire_text(s, "220 mx.alder.example ESMTP Postfix");
    s->helo = wire_text(s, "out.birch.example");
    wire_add_line(s, "mx.alder.example");
    wire_add_line(s, "PIPELINING");
    wire_add_line(s, "SIZE 10240000");
    return s;
}

static inline void wire_add_mail(struct session *s)
{
    s->mails = s->mail_commands = s->mail_accepted = s->rcpt_commands = s->rcpt_accepted = 1;
    s->mail_bytes = 300;
    s->mail_from = wire_text(s, "*@birch.example");
    wire_add_recipient(s, "alder.example");
    s->quit = true;
}

static inline void wire_add_oddities(struct session *s)
{
    s->reading.refused_code = 502;
    s->reading.refused_text = wire_text(s, "502 no");
    s->reading.upgrade_code = 454;
    s->reading.upgrade_text = wire_text(s, "454 TLS not available");
    s->reading.upgrade_time = WIRE_TIME + NS_PER_MS;
    s->upgrade = UPGRADE_STARTTLS;
    s->upgrade_cmd_time = WIRE_TIME;
    s->early_client = s->early_server = s->client_after = s->server_after = BYTES_CLEAR;
    s->early_client_verb = wire_text(s, "EHLO");
    s->early_server_text = wire_text(s, "250 ok");
    s->server_after_text = wire_text(s, "500 what");
    s->sni = wire_text(s, "mx.alder.example");
    s->demand_code = 530;
    s->demand_text = wire_text(s, "530 Must issue a STARTTLS command first");
    s->auth = AUTH_ACCEPTED;
    s->auth_mechanism = wire_text(s, "PLAIN");
    s->auth_code = 235;
    s->odd_count = CAP_ODD_COMMANDS;
    for (int i = 0; i < CAP_ODD_COMMANDS; i++)
        s->odd[i] = (struct odd_command){.text = wire_text(s, "XXXX out"),
                                         .line_len = 8,
                                         .word_len = 4,
                                         .reply_code = 502,
                                         .before_hello = true};
    s->unsolicited = 2;
    s->unsolicited_code = 250;
}

static inline void wire_add_tamper(struct session *s)
{
    static const enum tamper_kind kind[CAP_TAMPER] = {TAMPER_RESET, TAMPER_HANDSHAKE};
    s->tamper_count = CAP_TAMPER;
    for (int i = 0; i < CAP_TAMPER; i++)
        s->tamper[i] = (struct tamper){.kind = kind[i],
                                       .dir = SESSION_TO_CLIENT,
                                       .ttl = {60, 50},
                                       .first = wire_text(s, "250-STARTTLS"),
                                       .second = wire_text(s, "250-XXXXXXXX")};
    s->conflicts = CAP_CONFLICTS;
    s->odd_resets = 1;
    s->either_taken = true;
    s->breaks = BREAK_TTL;
    s->breaks_ended = true;
    s->break_ttl[0] = 60;
    s->break_ttl[1] = 50;
}

static inline struct session *wire_made_full(struct wire_made *w)
{
    for (int i = 0; i < 3; i++) {
        struct session *s = wire_begin(w, i);
        wire_add_line(s, i == 0 ? "XXXXXXXX" : "STARTTLS");
        wire_add_line(s, "8BITMIME");
        if (i == 0) {
            wire_add_oddities(s);
            wire_add_tamper(s);
            wire_add_mail(s);
        }
    }
    w->s[0].other = &w->s[1];
    w->s[0].twin = &w->s[2];
    return &w->s[0];
}

static inline struct session *wire_made_mail(struct wire_made *w)
{
    struct session *s = wire_begin(w, 0);
    wire_add_line(s, "8BITMIME");
    wire_add_mail(s);
    return s;
}

/* Lists of a few members, from bytes that count up. */
static inline struct span wire_bytes(struct wire_made *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w->bytes[i] = (uint8_t)(i + 1);
    return span_of(w->bytes, n);
}

static inline struct session *wire_made_tls(struct wire_made *w)
{
    static const uint8_t extensions[] = {0, 10, 0, 4, 0, 2, 0, 29, 0, 16, 0, 5, 0, 3, 2, 'h', '2'};
    struct session *s = wire_begin(w, 0);
    struct tls_sighting *t = &w->sighting;
    wire_add_line(s, "STARTTLS");
    s->upgrade = UPGRADE_STARTTLS;
    s->upgrade_accepted = s->tls_complete = true;
    s->reading.upgrade_code = 220;
    s->client_after = s->server_after = BYTES_TLS;
    s->tls_stage = TLS_STAGE_FINISHED;
    s->tls_newest = s->tls_version = TLS_VERSION_12;
    s->tls_suite = 0xc030;
    s->tls = (struct tls_facts){.certificates = TLS_CERTIFICATES_SEEN,
                                .exchange = TLS_EXCHANGE_DHE,
                                .prime = TLS_PRIME_IKE,
                                .exchange_bits = 2048,
                                .begin = WIRE_TIME,
                                .end = WIRE_TIME + NS_PER_MS};
    s->sni = wire_text(s, "mx.alder.example");
    w->client = (struct tls_client_hello){.version = TLS_VERSION_12,
                                          .random = wire_bytes(w, 32),
                                          .session_id = wire_bytes(w, 32),
                                          .suites = wire_bytes(w, 8),
                                          .compression = wire_bytes(w, 1),
                                          .extensions = span_of(extensions, sizeof(extensions))};
    w->server = (struct tls_server_hello){.version = TLS_VERSION_12,
                                          .legacy = TLS_VERSION_12,
                                          .session_id = wire_bytes(w, 32),
                                          .suite = 0xc030,
                                          .sentinel = TLS_SENTINEL_12,
                                          .extensions = span_of(extensions, sizeof(extensions))};
    *t = (struct tls_sighting){.time = WIRE_TIME,
                               .client = &w->client,
                               .server = &w->server,
                               .suites = wire_bytes(w, 8),
                               .groups = wire_bytes(w, 4),
                               .signatures = wire_bytes(w, 4),
                               .certificate_count = 2};
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        t->said[d] = (struct tls_said){.version = TLS_VERSION_12, .extensions = wire_bytes(w, 4)};
        t->said[d].alpn[t->said[d].alpn_count++] = wire_bytes(w, 2);
    }
    t->certificate[0] = t->certificate[1] = wire_bytes(w, 40);
    return s;
}

static inline struct dns_sighting wire_made_dns(struct wire_made *w, uint16_t type,
                                                const char *name)
{
    struct dns_message *m = &w->message;
    memset(m, 0, sizeof(*m));
    dns_clear(m);
    m->response = m->has_question = m->ad = m->dnssec_ok = m->has_edns = true;
    m->question.name = dns_put_name(m, name);
    m->question.type = type;
    m->question.class = DNS_CLASS_IN;
    return (struct dns_sighting){.kind = DNS_SIGHTING_ANSWER,
                                 .time = WIRE_TIME - NS_PER_S,
                                 .now = WIRE_TIME - NS_PER_S,
                                 .family = 4,
                                 .client = {192, 0, 2, 7},
                                 .server = {192, 0, 2, 53},
                                 .client_port = 5353,
                                 .server_port = 53,
                                 .query_seen = true,
                                 .query_time = WIRE_TIME - NS_PER_S,
                                 .queries = 1,
                                 .answer_number = 2,
                                 .message = m};
}

static inline struct dns_record *wire_add_record(struct dns_message *m, uint16_t type,
                                                 const char *owner)
{
    struct dns_record *r = &m->record[m->record_count++];
    *r = (struct dns_record){.owner = dns_put_name(m, owner),
                             .type = type,
                             .class = DNS_CLASS_IN,
                             .ttl = 3600,
                             .section = DNS_ANSWER};
    return r;
}

static inline struct dns_bytes wire_add_bytes(struct dns_message *m, const char *bytes, size_t n)
{
    struct dns_bytes b = {m->pool_used, (uint16_t)n};
    memcpy(m->pool + b.at, bytes, n);
    m->pool_used = (uint16_t)(m->pool_used + n);
    return b;
}

static inline struct dns_sighting wire_made_answer(struct wire_made *w)
{
    static const char txt[] = "\x0fv=STSv1; id=17;";
    static const uint8_t address[16] = {198, 51, 100, 25};
    struct dns_sighting s = wire_made_dns(w, DNS_TXT, "_mta-sts.alder.example");
    struct dns_message *m = &w->message;
    struct dns_record *r = wire_add_record(m, DNS_TXT, "_mta-sts.alder.example");
    r->text = wire_add_bytes(m, txt, sizeof(txt) - 1);
    r = wire_add_record(m, DNS_TLSA, "_25._tcp.mx.alder.example");
    r->tlsa.usage = 3;
    r->tlsa.selector = r->tlsa.matching = 1;
    r->tlsa.association = wire_add_bytes(m, "0123456789abcdef0123456789abcdef", 32);
    r = wire_add_record(m, DNS_CNAME, "www.alder.example");
    r->target = dns_put_name(m, "alder.example");
    r = wire_add_record(m, DNS_A, "mx.alder.example");
    memcpy(r->address, address, sizeof(address));
    r = wire_add_record(m, DNS_MX, "alder.example");
    r->mx.exchange = dns_put_name(m, "mx.alder.example");
    m->has_soa = true;
    m->soa_owner = dns_put_name(m, "example");
    return s;
}

static inline struct dns_sighting wire_made_exchanger(struct wire_made *w)
{
    static const uint8_t address[16] = {198, 51, 100, 25};
    struct dns_sighting s = wire_made_dns(w, DNS_MX, "alder.example");
    struct dns_record *r = wire_add_record(&w->message, DNS_MX, "alder.example");
    r->mx.exchange = dns_put_name(&w->message, "mx.alder.example");
    r = wire_add_record(&w->message, DNS_A, "mx.alder.example");
    r->section = DNS_ADDITIONAL;
    memcpy(r->address, address, sizeof(address));
    return s;
}

static inline struct dns_sighting wire_made_unanswered(struct wire_made *w)
{
    struct dns_sighting s = wire_made_dns(w, DNS_TXT, "_mta-sts.alder.example");
    s.kind = DNS_SIGHTING_UNANSWERED;
    s.query_seen = false;
    s.answer_number = 0;
    w->message.response = false;
    return s;
}

static inline struct fetch_sighting wire_made_fetch(void)
{
    return (struct fetch_sighting){.outcome = FETCH_RESET,
                                   .time = WIRE_TIME,
                                   .now = WIRE_TIME,
                                   .asked = WIRE_TIME - NS_PER_S,
                                   .key = {.family = 6,
                                           .client = {0x20, 1},
                                           .server = {0x20, 2},
                                           .client_port = 40000,
                                           .server_port = 443},
                                   .host = "mta-sts.alder.example"};
}

/* A message of that kind. */
static inline void wire_make(enum wire_kind kind, struct wire_made *w, struct wire *to)
{
    struct dns_sighting dns;
    struct fetch_sighting fetch = wire_made_fetch();
    const struct dissect_attempt attempt = {.key = {.family = 4,
                                                    .client = {192, 0, 2, 10},
                                                    .server = {198, 51, 100, 25},
                                                    .server_port = 25},
                                            .time = 1790000000 * NS_PER_S,
                                            .refused = true};
    switch (kind) {
    case WIRE_FULL:
        wire_put_session(to, wire_made_full(w));
        break;
    case WIRE_MAIL:
        wire_put_session(to, wire_made_mail(w));
        break;
    case WIRE_TLS:
    case WIRE_OPEN:
        wire_put_session(to, wire_made_tls(w));
        wire_put_handshake(to, &w->sighting);
        break;
    case WIRE_FETCH:
        wire_put_fetch(to, &fetch);
        break;
    case WIRE_ATTEMPT:
        wire_put_attempt(to, &attempt);
        break;
    default:
        dns = kind == WIRE_ANSWER      ? wire_made_answer(w)
              : kind == WIRE_EXCHANGER ? wire_made_exchanger(w)
                                       : wire_made_unanswered(w);
        wire_put_dns(to, &dns);
    }
}

/* --- handed to a desk --- */

struct wire_use {
    struct desk *desk;
    struct wire_session session;
    struct wire_handshake handshake;
    struct wire_dns dns;
    struct wire_fetch fetch;
    struct session kept;            /* peer, memo and learnt: of a session that is not over */
    void (*line)(struct span line); /* NULL: they are not looked at */
};

static inline void wire_use_line(void *user, struct desk_mark mark, struct span line)
{
    const struct wire_use *u = user;
    (void)mark;
    if (u->line)
        u->line(line);
}

static inline void wire_use_problem(void *user, const char *name, unsigned line, const char *what)
{
    (void)user;
    (void)name;
    (void)line;
    (void)what;
}

static inline bool wire_use_begin(struct wire_use *u, const struct role_config *roles)
{
    static const struct role_nets nobody;
    const struct desk_config c = {.roles = roles, .resolvers = &nobody, .handshakes = true};
    const struct desk_hooks hooks = {.line = wire_use_line, .problem = wire_use_problem, .user = u};
    u->desk = desk_new(&c, &hooks);
    return u->desk != NULL;
}

/* All that happens to a session before the milestone `end`. What the desk keeps with a session
 * outlives its message, and somebody else's next message may tell of another one. */
static inline void wire_use_session(struct wire_use *u, struct session *s,
                                    const struct tls_sighting *t, enum session_milestone end)
{
    s->peer = u->kept.peer;
    s->memo = u->kept.memo;
    s->learnt = u->kept.learnt;
    for (enum session_milestone m = SESSION_EHLO_DONE; m < end; m++) {
        if (t && m == SESSION_UPGRADE_DECIDED)
            desk_handshake(u->desk, s, t);
        desk_session(u->desk, s, m);
    }
    u->kept.peer = s->peer;
    u->kept.memo = s->memo;
    u->kept.learnt = s->learnt && end < SESSION_MILESTONE_COUNT;
}

/* What is kept of an open session is let go of as it ends. */
static inline void wire_use_end(struct wire_use *u)
{
    struct session last = {.key = {.family = 4}};
    wire_use_session(u, &last, NULL, SESSION_MILESTONE_COUNT);
    desk_finish(u->desk);
    desk_free(u->desk);
}

static inline bool wire_use_attempt(struct wire_use *u, struct span *from)
{
    struct dissect_attempt a;
    if (!wire_get_attempt(from, &a))
        return false;
    desk_attempt(u->desk, &a);
    return true;
}

/* False: refused. What is left over counts as that, as it does between processes. */
static inline bool wire_use(struct wire_use *u, enum wire_kind kind, struct span from)
{
    bool tls = kind == WIRE_TLS || kind == WIRE_OPEN;
    switch (kind) {
    case WIRE_FULL:
    case WIRE_MAIL:
    case WIRE_TLS:
    case WIRE_OPEN:
        if (!wire_get_session(&from, &u->session) ||
            (tls && !wire_get_handshake(&from, &u->handshake)) || from.n > 0)
            return false;
        wire_use_session(u, &u->session.own, tls ? &u->handshake.sighting : NULL,
                         kind == WIRE_OPEN ? SESSION_CLOSED : SESSION_MILESTONE_COUNT);
        return true;
    case WIRE_FETCH:
        if (!wire_get_fetch(&from, &u->fetch) || from.n > 0)
            return false;
        desk_fetch(u->desk, &u->fetch.sighting);
        return true;
    case WIRE_ATTEMPT:
        return wire_use_attempt(u, &from) && from.n == 0;
    default:
        if (!wire_get_dns(&from, &u->dns) || from.n > 0)
            return false;
        desk_dns(u->desk, &u->dns.sighting);
        return true;
    }
}

#endif
