/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_parts.h"

/* Of each list whose length the peers choose: together they leave room for what we have to say. */
#define LIST_BYTES 12288

static const char *const EHLO_TEXT[] = {"none", "complete", "gap", "cut"};
static const char *const AUTH_TEXT[] = {"none", "offered", "tried", "accepted"};
_Static_assert(sizeof EHLO_TEXT / sizeof EHLO_TEXT[0] == EHLO_STATE_COUNT, "a text each");
_Static_assert(sizeof AUTH_TEXT / sizeof AUTH_TEXT[0] == AUTH_STATE_COUNT, "a text each");

static void put_envelope(struct json *out, const struct session *s, const char *type,
                         bool server_first, const struct eve_options *o)
{
    const struct eve_subject subject = {.time = s->now,
                                        .flow_id = s->flow_id,
                                        .key = &s->key,
                                        .tcp = true,
                                        .vlan = s->vlan,
                                        .vlan_count = s->vlan_count,
                                        .tunnel = s->tunnel,
                                        .tunnel_count = s->tunnel_count,
                                        .source = s->source,
                                        .server_first = server_first};
    eve_put_envelope(out, &subject, type, o);
}

/* --- texts from the wire --- */

static void put_text(struct json *out, const char *key, const struct session *s, struct text t,
                     const struct eve_options *o)
{
    if (o->show_addresses)
        json_wire(out, key, session_text(s, t));
    else
        json_masked(out, key, session_text(s, t));
}

static void put_known_text(struct json *out, const char *key, const struct session *s,
                           struct text t, const struct eve_options *o)
{
    if (t.len)
        put_text(out, key, s, t, o);
}

/* Whether a list that began at `start` may take one more element. */
static bool list_has_room(struct json *out, size_t start)
{
    if (out->len - start < LIST_BYTES)
        return true;
    json_shorten(out);
    return false;
}

static void put_texts(struct json *out, const char *key, const struct session *s,
                      const struct text *list, size_t n, const struct eve_options *o)
{
    json_array(out, key);
    size_t start = out->len;
    for (size_t i = 0; i < n && list_has_room(out, start); i++)
        put_text(out, NULL, s, list[i], o);
    json_close(out);
}

static void put_finding_id(struct json *out, const struct session *s, const struct finding *f)
{
    char id[IDS_TEXT];
    if (ids_finding(s, f, id) == 0)
        json_word(out, "finding_id", id);
}

/* --- the smtp line --- */

/* First words of the EHLO reply; line[0] is the greeting (RFC 5321 section 4.1.1.1). */
static void put_keywords(struct json *out, const struct session *s, const struct eve_options *o)
{
    const struct smtp_reading *r = &s->reading;
    if (r->line_count == 0)
        return;
    json_array(out, "keywords");
    size_t start = out->len;
    for (uint8_t i = 1; i < r->line_count && list_has_room(out, start); i++) {
        struct text word = r->line[i].text;
        if (r->line[i].word_len < word.len)
            word.len = r->line[i].word_len;
        put_text(out, NULL, s, word, o);
    }
    json_close(out);
    if (r->lines_capped)
        json_shorten(out);
}

/* "Not seen" is not "no": only a client heard without a hole can be said not to have asked. */
static void put_asked(struct json *out, const struct session *s)
{
    if (s->upgrade != UPGRADE_NONE)
        json_bool(out, "asked", true);
    else if (session_whole(s, SESSION_TO_SERVER) && !s->midstream && !s->implicit_tls)
        json_bool(out, "asked", false);
}

static int64_t tenths_of_ms(nstime ns)
{
    return (ns + NS_PER_MS / 20) / (NS_PER_MS / 10);
}

static void put_reply(struct json *out, const struct session *s)
{
    const struct smtp_reading *r = &s->reading;
    if (r->upgrade_code)
        json_int(out, "reply_code", r->upgrade_code);
    if (s->upgrade_cmd_time && r->upgrade_time >= s->upgrade_cmd_time)
        json_tenths(out, "reply_ms", tenths_of_ms(r->upgrade_time - s->upgrade_cmd_time));
    if (s->rtt_floor > 0)
        json_tenths(out, "rtt_floor_ms", tenths_of_ms(s->rtt_floor));
}

static void put_offer(struct json *out, const struct session *s, const struct judgement *j,
                      const struct eve_options *o)
{
    json_word(out, "ehlo", EHLO_TEXT[s->reading.ehlo]);
    put_known_text(out, "banner", s, s->banner, o);
    put_keywords(out, s, o);
    json_word(out, "offered", offered_text(j->offered));
    if (j->slot >= 0) {
        json_int(out, "slot", j->slot);
        put_text(out, "token", s, j->token, o);
    }
}

static void put_clear(struct json *out, const struct session *s, const struct eve_options *o)
{
    if (!s->seen[SESSION_TO_SERVER] && s->mails == 0 && s->auth == AUTH_NONE)
        return;
    json_object(out, "clear");
    json_uint(out, "mails", s->mails);
    put_texts(out, "rcpt_domains", s, s->rcpt_domain, s->rcpt_domain_count, o);
    json_word(out, "auth", AUTH_TEXT[s->auth]);
    json_uint(out, "bytes", s->mail_bytes);
    json_close(out);
}

static void put_policy(struct json *out, const struct judgement *j)
{
    const struct expectation *e = j->promise;
    if (!e)
        return;
    json_object(out, "policy");
    json_word(out, "domain", e->domain.text);
    json_word(out, "mode", sts_mode_text(e->mode));
    json_word(out, "source", expectation_source_text(e->source));
    json_word(out, "binding", expectation_binding_text(e->binding));
    json_word(out, "verdict", promise_text(j->promise_state));
    json_close(out);
}

static void put_sender_checks(struct json *out, unsigned checks)
{
    if (!checks)
        return;
    json_array(out, "sender_checks");
    if (checks & SENDER_CHECKS_MTA_STS)
        json_word(out, NULL, "mta-sts");
    if (checks & SENDER_CHECKS_DANE)
        json_word(out, NULL, "dane");
    json_close(out);
}

static void put_findings(struct json *out, const struct session *s, const struct judgement *j)
{
    json_array(out, "findings");
    for (uint8_t i = 0; i < j->finding_count; i++) {
        const struct finding *f = &j->finding[i];
        json_object(out, NULL);
        json_word(out, "rule", rule_row(f->rule)->name);
        json_word(out, "severity", severity_text(f->severity));
        json_word(out, "confidence", confidence_text(f->confidence));
        eve_put_evidence(out, f->evidence);
        put_finding_id(out, s, f);
        if (f->suppressed)
            json_bool(out, "suppressed", true);
        json_close(out);
    }
    json_close(out);
}

/* Of all findings, each once. */
static void put_linked(struct json *out, const struct judgement *j)
{
    uint64_t flow_id[4 * CAP_LINKED];
    size_t n = 0;
    for (uint8_t i = 0; i < j->finding_count; i++)
        for (uint8_t k = 0; k < j->finding[i].linked_count; k++) {
            uint64_t id = j->finding[i].linked[k];
            size_t at = 0;
            while (at < n && flow_id[at] != id)
                at++;
            if (at == n && n < sizeof flow_id / sizeof flow_id[0])
                flow_id[n++] = id;
        }
    eve_put_linked(out, flow_id, n);
}

static void put_tamper(struct json *out, const struct session *s, const struct judgement *j,
                       const struct eve_options *o)
{
    static const char *const kind[] = {"conflicting-segments", "forged-reset",
                                       "conflicting-handshake"};
    _Static_assert(sizeof(kind) / sizeof(kind[0]) == TAMPER_KIND_COUNT, "a kind has no name");
    uint8_t told = 0;
    for (uint8_t i = 0; i < s->tamper_count; i++) {
        const struct tamper *t = &s->tamper[i];
        if (j->two_places && t->kind == TAMPER_SEGMENTS) /* path-rewrites says it better */
            continue;
        if (told++ == 0)
            json_array(out, "tamper");
        json_object(out, NULL);
        json_word(out, "kind", kind[t->kind]);
        json_word(out, "direction", t->dir == SESSION_TO_SERVER ? "to_server" : "to_client");
        json_uint(out, "seq", t->offset);
        put_known_text(out, "first", s, t->first, o);
        put_known_text(out, "second", s, t->second, o);
        if (t->ttl[0] && t->ttl[1]) {
            json_array(out, "ttl");
            json_uint(out, NULL, t->ttl[0]);
            json_uint(out, NULL, t->ttl[1]);
            json_close(out);
        }
        json_close(out);
    }
    if (told)
        json_close(out);
}

static void put_smtp(struct json *out, const struct session *s, const struct eve_options *o)
{
    json_object(out, "smtp");
    put_known_text(out, "helo", s, s->helo, o);
    if (s->mail_from_null)
        json_word(out, "mail_from", "<>");
    else
        put_known_text(out, "mail_from", s, s->mail_from, o);
    if (s->rcpt_count)
        put_texts(out, "rcpt_to", s, s->rcpt, s->rcpt_count, o);
    json_close(out);
}

bool eve_wants(const struct session *s)
{
    uint64_t payload = 0;
    for (int d = 0; d < SESSION_DIR_COUNT; d++)
        payload |= s->bytes[d] | s->gap_bytes[d] | s->cut_bytes[d] | s->gaps[d];
    return payload != 0;
}

void eve_session(struct json *out, const struct session *s, const struct judgement *j,
                 const char *role, const struct eve_options *o)
{
    put_envelope(out, s, "smtp", false, o);
    put_smtp(out, s, o);
    json_object(out, "starttls");
    json_word(out, "visibility", visibility_text(j->visibility));
    json_word(out, "role", role ? role : "unknown");
    if (s->implicit_tls)
        json_bool(out, "implicit", true);
    put_offer(out, s, j, o);
    put_asked(out, s);
    put_reply(out, s);
    json_word(out, "handshake", handshake_text(j->handshake));
    if (j->stage)
        json_word(out, "stage", j->stage);
    json_word(out, "verdict", verdict_text(j->verdict));
    if (peer_text(j->peer))
        json_word(out, "peer", peer_text(j->peer));
    put_clear(out, s, o);
    if (s->unacknowledged)
        json_uint(out, "unacknowledged", s->unacknowledged);
    put_policy(out, j);
    put_sender_checks(out, j->sender_checks);
    put_findings(out, s, j);
    put_tamper(out, s, j, o);
    put_linked(out, j);
    json_close(out);
}

/* --- alert lines --- */

static void put_flow(struct json *out, const struct flow_key *key, const uint64_t *packets,
                     const uint64_t *wire_bytes, nstime first)
{
    json_object(out, "flow");
    json_uint(out, "pkts_toserver", packets[SESSION_TO_SERVER]);
    json_uint(out, "pkts_toclient", packets[SESSION_TO_CLIENT]);
    json_uint(out, "bytes_toserver", wire_bytes[SESSION_TO_SERVER]);
    json_uint(out, "bytes_toclient", wire_bytes[SESSION_TO_CLIENT]);
    json_time(out, "start", first);
    eve_put_endpoints(out, key, false);
    json_close(out);
}

void eve_alert(struct json *out, const struct session *s, const struct judgement *j,
               const struct incident_alert *a, const struct eve_options *o)
{
    const struct eve_alert_parts p = {.alert = a,
                                      .verdict = verdict_text(j->verdict),
                                      .promise = j->promise,
                                      .vantage = eve_vantage(o, s->source)};
    put_envelope(out, s, "alert", a->primary->dir == SESSION_TO_CLIENT, o);
    eve_put_alert(out, &p);
    put_flow(out, &s->key, s->packets, s->wire_bytes, s->first);
    eve_put_starttls(out, &p);
}

void eve_closed(struct json *out, const struct incident_alert *a, const struct eve_options *o)
{
    const struct incident_place *at = a->place;
    const struct eve_alert_parts p = {.alert = a, .vantage = eve_vantage(o, at->source)};
    const struct eve_subject subject = {.time = a->time,
                                        .flow_id = at->flow_id,
                                        .key = &at->key,
                                        .tcp = true,
                                        .vlan = at->vlan,
                                        .vlan_count = at->vlan_count,
                                        .tunnel = at->tunnel,
                                        .tunnel_count = at->tunnel_count,
                                        .source = at->source,
                                        .server_first = a->primary->dir == SESSION_TO_CLIENT};
    eve_put_envelope(out, &subject, "alert", o);
    eve_put_alert(out, &p);
    put_flow(out, &at->key, at->packets, at->wire_bytes, at->first);
    eve_put_starttls(out, &p);
}

void eve_storm(struct json *out, const struct session *s, const struct incident_alert *a,
               const struct eve_options *o)
{
    put_envelope(out, s, "alert", a->primary->dir == SESSION_TO_CLIENT, o);
    eve_put_storm(out, a, false);
    put_flow(out, &s->key, s->packets, s->wire_bytes, s->first);
}
