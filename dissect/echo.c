/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/echo.h"

#define FAR 65535 /* bytes that one place may be behind the other: an unscaled window */

bool echo_near(const struct flow *a, const struct flow *b)
{
    bool near = false;

    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        int32_t apart = reasm_diff(a->dir[d].next, b->dir[d].next);
        if (!a->dir[d].started || !b->dir[d].started)
            continue;
        if (apart > FAR || apart < -FAR)
            return false;
        near = true;
    }
    return near;
}

static uint64_t with(const struct siphash_key *key, uint64_t h, const void *bytes, size_t n)
{
    const uint64_t both[2] = {h, siphash(key, bytes, n)};

    return siphash(key, both, sizeof(both));
}

static uint64_t with_text(const struct siphash_key *key, uint64_t h, const struct session *s,
                          struct text t)
{
    struct span text = session_text(s, t);

    return with(key, h, text.p, text.n);
}

static uint64_t with_reading(const struct siphash_key *key, uint64_t h, const struct session *s)
{
    const struct smtp_reading *r = &s->reading;
    const int32_t numbers[] = {(int32_t)r->ehlo, r->line_count, r->refused_code, r->upgrade_code};

    h = with(key, h, numbers, sizeof(numbers));
    for (uint8_t i = 0; i < r->line_count; i++)
        h = with_text(key, with(key, h, &r->line[i].line_len, sizeof(r->line[i].line_len)), s,
                      r->line[i].text);
    h = with_text(key, h, s, r->refused_text);
    return with_text(key, h, s, r->upgrade_text);
}

static uint64_t with_dialogue(const struct siphash_key *key, uint64_t h, const struct session *s)
{
    const uint32_t numbers[] = {
        (uint32_t)s->banner_code,
        s->hello,
        s->helo_accepted,
        s->ehlo_count,
        s->upgrade,
        s->upgrade_asks,
        s->upgrade_param,
        s->upgrade_accepted,
        s->early_client,
        s->early_server,
        s->client_after,
        s->server_after,
        s->ehlo_after,
        s->mails > 0,
        s->mail_commands,
        s->mail_accepted,
        s->rcpt_commands,
        s->rcpt_accepted,
        s->requiretls,
        (uint32_t)s->demand_code,
        s->auth,
        s->auth_tries,
        (uint32_t)s->auth_code,
        s->odd_count,
        s->unsolicited,
        s->not_smtp,
        s->conflicts,
        s->tamper_count,
        s->breaks,
        s->odd_resets,
        s->resets_outlived,
        s->other != NULL,
    };

    h = with(key, h, numbers, sizeof(numbers));
    h = with_text(key, h, s, s->banner);
    h = with_text(key, h, s, s->helo);
    h = with_text(key, h, s, s->mail_from);
    return with_text(key, h, s, s->demand_text);
}

static uint64_t with_tls(const struct siphash_key *key, uint64_t h, const struct session *s)
{
    const struct tls_facts *t = &s->tls;
    const uint32_t numbers[] = {
        s->tls_stage,    s->tls_newest,      s->tls_version,     s->tls_suite,    s->tls_sentinel,
        s->tls_complete, s->clear_in_tls[0], s->clear_in_tls[1], s->tls_alert[0], s->tls_alert[1],
        t->certificates, t->exchange,        t->exchange_bits,   t->prime,        t->altered,
        t->compression,  t->resumed,         t->retry,           t->fallback,     t->group,
        t->flight,       t->server_offset,
    };

    return with_text(key, with(key, h, numbers, sizeof(numbers)), s, s->sni);
}

uint64_t echo_digest(const struct siphash_key *key, const struct session *s)
{
    return with_tls(key, with_dialogue(key, with_reading(key, 0, s), s), s) | 1;
}
