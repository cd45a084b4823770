/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session and its judgement, made by hand: 192.0.2.10:40001 asks 198.51.100.25:25 for nothing,
 * because its STARTTLS was overwritten, and sends a mail in clear.
 */
#ifndef TESTS_UNIT_ALERT_FIXTURE_H
#define TESTS_UNIT_ALERT_FIXTURE_H

#include <stdio.h>

#include "rules/finding.h"

#define FIXTURE_START (1700000000 * NS_PER_S) /* 2023-11-14T22:13:20 */

struct fixture {
    struct session s;
    struct judgement j;
    uint8_t pool[CAP_TEXT_POOL];
    struct ehlo_line line[CAP_REPLY_LINES];
    struct text rcpt[CAP_RECIPIENTS], domain[CAP_RECIPIENTS];
};

static inline struct text fixture_bytes(struct fixture *f, const void *p, size_t n)
{
    struct text t = {f->s.pool_used, (uint16_t)n};
    memcpy(f->pool + t.off, p, n);
    f->s.pool_used = (uint16_t)(f->s.pool_used + n);
    return t;
}

static inline struct text fixture_text(struct fixture *f, const char *text)
{
    return fixture_bytes(f, text, strlen(text));
}

static inline void fixture_ehlo_line(struct fixture *f, const char *text, size_t word_len)
{
    struct ehlo_line *line = &f->s.reading.line[f->s.reading.line_count++];
    *line = (struct ehlo_line){.text = fixture_text(f, text), .word_len = (uint16_t)word_len};
    line->line_len = line->text.len;
}

static inline void fixture_key(struct flow_key *k)
{
    *k = (struct flow_key){.family = 4,
                           .client = {192, 0, 2, 10},
                           .server = {198, 51, 100, 25},
                           .client_port = 40001,
                           .server_port = 25};
}

/* Adds a finding behind the others; the caller keeps them strongest first. */
static inline struct finding *fixture_finding(struct fixture *f, const char *rule,
                                              enum severity severity)
{
    struct finding *x = &f->j.finding[f->j.finding_count++];
    *x = (struct finding){.rule = rule_by_name(rule),
                          .severity = severity,
                          .confidence = CONFIDENCE_HIGH,
                          .evidence = EVIDENCE_E1,
                          .effect = EFFECT_MAIL,
                          .cause = CAUSE_ON_PATH_REWRITE,
                          .alternatives = {CAUSE_CISCO_ESMTP_INSPECTION},
                          .alternative_count = 1,
                          .dir = SESSION_TO_CLIENT,
                          .offset = 187,
                          .line_count = 2};
    snprintf(x->reason, sizeof x->reason, "Line 3 of the EHLO reply reads XXXXXXXX.");
    snprintf(x->next_step, sizeof x->next_step,
             "openssl s_client -starttls smtp -connect 198.51.100.25:25");
    x->line[0] = (struct evidence_line){SESSION_TO_CLIENT, 187, "250-XXXXXXXX", "eight letters"};
    x->line[1] = (struct evidence_line){SESSION_TO_SERVER, 40, "MAIL FROM:<*@alice.example>", ""};
    return x;
}

static inline void fixture_traffic(struct session *s)
{
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        s->seen[d] = true;
        s->packets[d] = 9;
        s->wire_bytes[d] = 700 + (uint64_t)d;
        s->bytes[d] = 200;
    }
}

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    struct session *s = &f->s;
    s->pool = f->pool;
    s->reading.line = f->line;
    s->rcpt = f->rcpt;
    s->rcpt_domain = f->domain;
    s->pool_size = CAP_TEXT_POOL - 1;
    fixture_key(&s->key);
    fixture_traffic(s);
    s->flow_id = 42945576920139;
    s->first = FIXTURE_START;
    s->last = s->now = FIXTURE_START + 179999 * NS_PER_US;
    s->isn_known = true;
    s->server_isn = 305419896;
    s->banner_code = 220;
    s->banner = fixture_text(f, "220 mx1.example.test ESMTP Postfix");
    s->helo = fixture_text(f, "out.alice.example");
    s->reading.ehlo = EHLO_COMPLETE;
    s->reading.ehlo_code = 250;
    fixture_ehlo_line(f, "mx1.example.test", 16);
    fixture_ehlo_line(f, "PIPELINING", 10);
    fixture_ehlo_line(f, "SIZE 10240000", 4);
    fixture_ehlo_line(f, "XXXXXXXX", 8);
    s->mails = 1;
    s->mail_bytes = 81;
    s->mail_from = fixture_text(f, "*@alice.example");
    s->rcpt[0] = fixture_text(f, "*@bob.example");
    s->rcpt_domain[0] = fixture_text(f, "bob.example");
    s->rcpt_count = s->rcpt_domain_count = 1;
    f->j.verdict = VERDICT_DOWNGRADED;
    f->j.offered = OFFERED_GARBLED;
    f->j.slot = 2;
    f->j.token = s->reading.line[3].text;
}

#endif
