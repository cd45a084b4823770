/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve.h"

#include <stdio.h>

#include "alert/community_id.h"
#include "base/text.h"

/* Of each list whose length the peers choose: together they leave room for what we have to say. */
#define LIST_BYTES 12288

static const char *const EHLO_TEXT[] = {"none", "complete", "gap", "cut"};
static const char *const AUTH_TEXT[] = {"none", "offered", "tried", "accepted"};
static const char *const EXPOSURE_TEXT[] = {"none", "held", "mail-in-clear", "login-in-clear"};
static const char *const DIRECTION_TEXT[] = {"to_server", "to_client"};
_Static_assert(sizeof EHLO_TEXT / sizeof EHLO_TEXT[0] == EHLO_STATE_COUNT, "a text each");
_Static_assert(sizeof AUTH_TEXT / sizeof AUTH_TEXT[0] == AUTH_STATE_COUNT, "a text each");
_Static_assert(sizeof EXPOSURE_TEXT / sizeof EXPOSURE_TEXT[0] == EFFECT_COUNT, "a text each");
_Static_assert(sizeof DIRECTION_TEXT / sizeof DIRECTION_TEXT[0] == SESSION_DIR_COUNT,
               "a text each");

/* --- the envelope --- */

static void put_endpoints(struct json *out, const struct flow_key *k, bool server_first)
{
    char client[TEXT_IP], server[TEXT_IP];
    text_ip(client, k->family, k->client);
    text_ip(server, k->family, k->server);
    json_word(out, "src_ip", server_first ? server : client);
    json_uint(out, "src_port", server_first ? k->server_port : k->client_port);
    json_word(out, "dest_ip", server_first ? client : server);
    json_uint(out, "dest_port", server_first ? k->client_port : k->server_port);
}

static void put_vlan(struct json *out, const struct session *s)
{
    if (s->vlan_count == 0)
        return;
    json_array(out, "vlan");
    for (uint8_t i = 0; i < s->vlan_count; i++)
        json_uint(out, NULL, s->vlan[i]);
    json_close(out);
}

static void put_origin(struct json *out, const struct session *s, const struct eve_options *o)
{
    if (o->sensor)
        json_str(out, "host", o->sensor);
    if (o->interface)
        json_str(out, "in_iface", o->interface);
    if (o->pcap_filename && s->source < o->pcap_count)
        json_str(out, "pcap_filename", o->pcap_filename[s->source]);
}

static void put_envelope(struct json *out, const struct session *s, const char *type,
                         bool server_first, const struct eve_options *o)
{
    char community[COMMUNITY_ID_TEXT];
    json_begin(out);
    json_time(out, "timestamp", s->now);
    json_uint(out, "flow_id", s->flow_id);
    json_word(out, "event_type", type);
    put_vlan(out, s);
    put_endpoints(out, &s->key, server_first);
    json_word(out, "proto", "TCP");
    if (community_id(&s->key, o->community_id_seed, community) == 0)
        json_word(out, "community_id", community);
    put_origin(out, s, o);
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

static void put_evidence(struct json *out, uint8_t classes)
{
    static const char *const TEXT[] = {"E1", "E2", "E3", "E4", "E5"};
    json_array(out, "evidence_class");
    for (size_t i = 0; i < sizeof TEXT / sizeof TEXT[0]; i++)
        if (classes >> i & 1)
            json_word(out, NULL, TEXT[i]);
    json_close(out);
}

static void put_causes(struct json *out, const char *key, const struct finding *f)
{
    json_array(out, key);
    for (uint8_t i = 0; i < f->alternative_count; i++)
        json_word(out, NULL, cause_text(f->alternatives[i]));
    json_close(out);
}

static void put_supporting(struct json *out, const struct incident_alert *a)
{
    json_array(out, "supporting");
    for (uint8_t i = 0; i < a->supporting_count; i++)
        json_word(out, NULL, rule_row(a->supporting[i])->name);
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

static void put_findings(struct json *out, const struct session *s, const struct judgement *j)
{
    json_array(out, "findings");
    for (uint8_t i = 0; i < j->finding_count; i++) {
        const struct finding *f = &j->finding[i];
        json_object(out, NULL);
        json_word(out, "rule", rule_row(f->rule)->name);
        json_word(out, "severity", severity_text(f->severity));
        json_word(out, "confidence", confidence_text(f->confidence));
        put_evidence(out, f->evidence);
        put_finding_id(out, s, f);
        json_close(out);
    }
    json_close(out);
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
    put_clear(out, s, o);
    put_policy(out, j);
    put_findings(out, s, j);
    put_tamper(out, s, j, o);
    json_close(out);
}

/* --- alert lines --- */

static void put_flow(struct json *out, const struct session *s)
{
    json_object(out, "flow");
    json_uint(out, "pkts_toserver", s->packets[SESSION_TO_SERVER]);
    json_uint(out, "pkts_toclient", s->packets[SESSION_TO_CLIENT]);
    json_uint(out, "bytes_toserver", s->wire_bytes[SESSION_TO_SERVER]);
    json_uint(out, "bytes_toclient", s->wire_bytes[SESSION_TO_CLIENT]);
    json_time(out, "start", s->first);
    put_endpoints(out, &s->key, false);
    json_close(out);
}

/* EVE counts downwards and knows three: 1 high, 2 medium, 3 low. */
static unsigned eve_severity(enum severity v)
{
    return v >= SEVERITY_HIGH ? 1 : v == SEVERITY_MEDIUM ? 2 : 3;
}

static const char *category(const char *family)
{
    if (strcmp(family, "inject") == 0)
        return "Generic Protocol Command Decode";
    if (strcmp(family, "auth") == 0 || strcmp(family, "promise") == 0)
        return "Potential Corporate Privacy Violation";
    return "Potentially Bad Traffic";
}

static void put_alert_head(struct json *out, uint32_t sid, const char *title,
                           const char *class_text, enum severity severity)
{
    char signature[200];
    snprintf(signature, sizeof signature, "STRIPWATCH %s", title);
    json_object(out, "alert");
    json_word(out, "action", "allowed");
    json_uint(out, "gid", 1);
    json_uint(out, "signature_id", sid);
    json_uint(out, "rev", 1);
    json_str(out, "signature", signature);
    json_word(out, "category", class_text);
    json_uint(out, "severity", eve_severity(severity));
}

/* alert.metadata takes arrays of strings and nothing else. */
static void put_fact(struct json *out, const char *key, const char *value)
{
    json_array(out, key);
    json_word(out, NULL, value);
    json_close(out);
}

static void put_fact_known(struct json *out, const char *key, const char *value)
{
    if (value && value[0])
        put_fact(out, key, value);
}

static void put_fact_uint(struct json *out, const char *key, uint64_t value)
{
    char text[TEXT_UINT];
    text_uint(text, value);
    put_fact(out, key, text);
}

static void put_metadata(struct json *out, const struct session *s, const struct judgement *j,
                         const struct incident_alert *a)
{
    const struct finding *f = a->primary;
    char id[IDS_TEXT];
    json_object(out, "metadata");
    put_fact(out, "rule", rule_row(f->rule)->name);
    if (a->supporting_count)
        put_supporting(out, a);
    put_fact(out, "severity", severity_text(f->severity));
    put_fact(out, "confidence", confidence_text(f->confidence));
    put_evidence(out, f->evidence);
    put_fact(out, "vantage", "unknown");
    put_fact(out, "verdict", verdict_text(j->verdict));
    put_fact(out, "cause", cause_text(f->cause));
    if (f->alternative_count)
        put_causes(out, "alternatives", f);
    put_fact_known(out, "tlsrpt_result", f->tlsrpt);
    if (j->promise) {
        put_fact(out, "policy_domain", j->promise->domain.text);
        put_fact(out, "policy_mode", sts_mode_text(j->promise->mode));
        put_fact(out, "policy_source",
                 j->promise->fetched_later ? "fetched-later"
                                           : expectation_source_text(j->promise->source));
    }
    put_fact(out, "exposure", EXPOSURE_TEXT[f->effect]);
    put_fact(out, "judged", "live");
    put_fact_known(out, "mitre_technique_id", rule_row(f->rule)->mitre);
    put_fact(out, "do_not_block", "true");
    put_fact(out, "incident", a->incident);
    put_fact(out, "alert_id", a->id);
    if (ids_finding(s, f, id) == 0)
        put_fact(out, "finding_id", id);
    json_close(out);
}

static void put_finding(struct json *out, const struct session *s, const struct finding *f)
{
    json_object(out, "finding");
    json_word(out, "rule", rule_row(f->rule)->name);
    json_word(out, "severity", severity_text(f->severity));
    json_word(out, "confidence", confidence_text(f->confidence));
    put_evidence(out, f->evidence);
    json_word(out, "cause", cause_text(f->cause));
    put_causes(out, "alternatives", f);
    put_finding_id(out, s, f);
    json_str(out, "reason", f->reason);
    json_str(out, "next_step", f->next_step);
    json_close(out);
}

static void put_incident(struct json *out, const struct incident_alert *a)
{
    json_object(out, "incident");
    json_word(out, "id", a->incident);
    json_word(out, "state", a->update == 1 ? "open" : "ongoing");
    json_uint(out, "update", a->update);
    json_word(out, "primary", rule_row(a->primary->rule)->name);
    put_supporting(out, a);
    json_uint(out, "sessions", 1); /* an incident is one session until there is a history */
    json_uint(out, "servers", 1);
    json_uint(out, "senders", 1);
    json_time(out, "first", a->first);
    json_time(out, "last", a->last);
    json_close(out);
}

void eve_alert(struct json *out, const struct session *s, const struct judgement *j,
               const struct incident_alert *a, const struct eve_options *o)
{
    const struct finding *f = a->primary;
    const struct rule *row = rule_row(f->rule);
    put_envelope(out, s, "alert", f->dir == SESSION_TO_CLIENT, o);
    put_alert_head(out, row->sid, row->title, category(row->family), f->severity);
    put_metadata(out, s, j, a);
    json_close(out);
    json_word(out, "direction", DIRECTION_TEXT[f->dir]);
    put_flow(out, s);
    json_object(out, "starttls");
    put_finding(out, s, f);
    put_incident(out, a);
    json_close(out);
}

void eve_storm(struct json *out, const struct session *s, const struct incident_alert *a,
               const struct eve_options *o)
{
    enum session_dir dir = a->primary->dir;
    put_envelope(out, s, "alert", dir == SESSION_TO_CLIENT, o);
    put_alert_head(out, EVE_STORM_SID, "alert storm: further incidents held back", "Misc activity",
                   SEVERITY_MEDIUM);
    json_object(out, "metadata");
    put_fact(out, "rule", EVE_STORM_RULE);
    put_fact(out, "severity", severity_text(SEVERITY_MEDIUM));
    put_fact_uint(out, "incidents_alerted", a->hour_opened);
    put_fact_uint(out, "incidents_held", a->hour_held);
    put_fact(out, "judged", "live");
    put_fact(out, "do_not_block", "true");
    put_fact(out, "incident", a->incident);
    put_fact(out, "alert_id", a->id);
    json_close(out);
    json_close(out);
    json_word(out, "direction", DIRECTION_TEXT[dir]);
    put_flow(out, s);
}
