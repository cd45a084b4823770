/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_parts.h"

#include <stdio.h>

#include "alert/community_id.h"
#include "base/text.h"

static const char *const EXPOSURE_TEXT[] = {"none", "held", "mail-in-clear", "login-in-clear"};
static const char *const DIRECTION_TEXT[] = {"to_server", "to_client"};
static const char *const TUNNEL_TEXT[] = {"",       "gre",  "erspan", "vxlan",
                                          "geneve", "ipip", "mpls",   "pppoe"};
_Static_assert(sizeof TUNNEL_TEXT / sizeof TUNNEL_TEXT[0] == TUNNEL_KIND_COUNT, "a text each");
static const char *const STATE_TEXT[] = {"open", "ongoing", "closed"};
_Static_assert(sizeof EXPOSURE_TEXT / sizeof EXPOSURE_TEXT[0] == EFFECT_COUNT, "a text each");
_Static_assert(sizeof DIRECTION_TEXT / sizeof DIRECTION_TEXT[0] == SESSION_DIR_COUNT,
               "a text each");
_Static_assert(sizeof STATE_TEXT / sizeof STATE_TEXT[0] == INCIDENT_STATE_COUNT, "a text each");

/* --- the envelope --- */

void eve_put_endpoints(struct json *out, const struct flow_key *k, bool server_first)
{
    char client[TEXT_IP], server[TEXT_IP];
    text_ip(client, k->family, k->client);
    text_ip(server, k->family, k->server);
    json_word(out, "src_ip", server_first ? server : client);
    json_uint(out, "src_port", server_first ? k->server_port : k->client_port);
    json_word(out, "dest_ip", server_first ? client : server);
    json_uint(out, "dest_port", server_first ? k->client_port : k->server_port);
}

static void put_vlan(struct json *out, const struct eve_subject *s)
{
    if (s->vlan_count == 0)
        return;
    json_array(out, "vlan");
    for (uint8_t i = 0; i < s->vlan_count; i++)
        json_uint(out, NULL, s->vlan[i]);
    json_close(out);
}

static void put_tunnel(struct json *out, const struct eve_subject *s)
{
    if (s->tunnel_count == 0)
        return;
    json_array(out, "tunnel");
    for (uint8_t i = 0; i < s->tunnel_count; i++) {
        json_object(out, NULL);
        json_word(out, "type", TUNNEL_TEXT[s->tunnel[i].kind]);
        json_uint(out, "id", s->tunnel[i].id);
        json_close(out);
    }
    json_close(out);
}

static void put_origin(struct json *out, const struct eve_subject *s, const struct eve_options *o)
{
    if (o->sensor)
        json_str(out, "host", o->sensor);
    if (o->interface && s->source < o->interface_count)
        json_str(out, "in_iface", o->interface[s->source]);
    if (o->pcap_filename && s->source < o->pcap_count)
        json_str(out, "pcap_filename", o->pcap_filename[s->source]);
}

void eve_put_envelope(struct json *out, const struct eve_subject *s, const char *type,
                      const struct eve_options *o)
{
    char community[COMMUNITY_ID_TEXT];
    uint8_t proto = s->tcp ? COMMUNITY_TCP : COMMUNITY_UDP;
    json_begin(out);
    json_time(out, "timestamp", s->time);
    json_uint(out, "flow_id", s->flow_id);
    json_word(out, "event_type", type);
    put_vlan(out, s);
    put_tunnel(out, s);
    eve_put_endpoints(out, s->key, s->server_first);
    json_word(out, "proto", s->tcp ? "TCP" : "UDP");
    if (community_id(s->key, proto, o->community_id_seed, community) == 0)
        json_word(out, "community_id", community);
    put_origin(out, s, o);
}

/* --- alert --- */

void eve_put_evidence(struct json *out, uint8_t classes)
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

void eve_put_alert_head(struct json *out, uint32_t sid, const char *title, const char *class_text,
                        enum severity severity)
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

void eve_put_fact(struct json *out, const char *key, const char *value)
{
    json_array(out, key);
    json_word(out, NULL, value);
    json_close(out);
}

static void put_fact_known(struct json *out, const char *key, const char *value)
{
    if (value && value[0])
        eve_put_fact(out, key, value);
}

static void put_fact_uint(struct json *out, const char *key, uint64_t value)
{
    char text[TEXT_UINT];
    text_uint(text, value);
    eve_put_fact(out, key, text);
}

static void put_promise(struct json *out, const struct expectation *e)
{
    eve_put_fact(out, "policy_domain", e->domain.text);
    eve_put_fact(out, "policy_mode", sts_mode_text(e->mode));
    eve_put_fact(out, "policy_source",
                 e->fetched_later ? "fetched-later" : expectation_source_text(e->source));
}

const char *eve_vantage(const struct eve_options *o, uint32_t source)
{
    return o->vantage ? o->vantage(o->vantage_user, source) : NULL;
}

static void put_metadata(struct json *out, const struct eve_alert_parts *p)
{
    const struct incident_alert *a = p->alert;
    const struct finding *f = a->primary;
    json_object(out, "metadata");
    eve_put_fact(out, "rule", rule_row(f->rule)->name);
    if (a->supporting_count)
        put_supporting(out, a);
    eve_put_fact(out, "severity", severity_text(a->severity));
    eve_put_fact(out, "confidence", confidence_text(f->confidence));
    eve_put_evidence(out, f->evidence);
    eve_put_fact(out, "vantage", p->vantage ? p->vantage : "unknown");
    put_fact_known(out, "verdict", p->verdict);
    eve_put_fact(out, "cause", cause_text(f->cause));
    if (f->alternative_count)
        put_causes(out, "alternatives", f);
    put_fact_known(out, "tlsrpt_result", f->tlsrpt);
    if (p->promise)
        put_promise(out, p->promise);
    eve_put_fact(out, "exposure", EXPOSURE_TEXT[f->effect]);
    eve_put_fact(out, "judged", f->retrospective ? "retrospective" : "live");
    put_fact_known(out, "mitre_technique_id", rule_row(f->rule)->mitre);
    eve_put_fact(out, "do_not_block", "true");
    eve_put_fact(out, "incident", a->incident);
    eve_put_fact(out, "alert_id", a->id);
    put_fact_known(out, "finding_id", a->finding_id);
    json_close(out);
}

void eve_put_alert(struct json *out, const struct eve_alert_parts *p)
{
    const struct finding *f = p->alert->primary;
    const struct rule *row = rule_row(f->rule);
    eve_put_alert_head(out, row->sid, row->title, category(row->family), p->alert->severity);
    put_metadata(out, p);
    json_close(out);
    if (!p->own)
        json_word(out, "direction", DIRECTION_TEXT[f->dir]);
}

void eve_put_storm(struct json *out, const struct incident_alert *a, bool own)
{
    eve_put_alert_head(out, EVE_STORM_SID, "alert storm: further incidents held back",
                       "Misc activity", SEVERITY_MEDIUM);
    json_object(out, "metadata");
    eve_put_fact(out, "rule", EVE_STORM_RULE);
    eve_put_fact(out, "severity", severity_text(SEVERITY_MEDIUM));
    put_fact_uint(out, "incidents_alerted", a->hour_opened);
    put_fact_uint(out, "incidents_held", a->hour_held);
    eve_put_fact(out, "judged", "live");
    eve_put_fact(out, "do_not_block", "true");
    eve_put_fact(out, "incident", a->incident);
    eve_put_fact(out, "alert_id", a->id);
    json_close(out);
    json_close(out);
    if (!own)
        json_word(out, "direction", DIRECTION_TEXT[a->primary->dir]);
}

/* --- starttls --- */

const char *eve_state_text(enum incident_state state)
{
    return STATE_TEXT[state];
}

static void put_finding(struct json *out, const struct incident_alert *a)
{
    const struct finding *f = a->primary;
    json_object(out, "finding");
    json_word(out, "rule", rule_row(f->rule)->name);
    json_word(out, "severity", severity_text(f->severity));
    json_word(out, "confidence", confidence_text(f->confidence));
    eve_put_evidence(out, f->evidence);
    json_word(out, "cause", cause_text(f->cause));
    put_causes(out, "alternatives", f);
    json_word(out, "finding_id", a->finding_id);
    json_str(out, "reason", f->reason);
    json_str(out, "next_step", f->next_step);
    json_close(out);
}

static void put_incident(struct json *out, const struct incident_alert *a)
{
    json_object(out, "incident");
    json_word(out, "id", a->incident);
    json_word(out, "state", eve_state_text(a->state));
    json_uint(out, "update", a->update);
    json_word(out, "primary", rule_row(a->primary->rule)->name);
    put_supporting(out, a);
    if (a->sessions > 0) /* what DNS said is about a domain, and of no session */
        json_word(out, "subject", subject_text(a->subject));
    json_uint(out, "sessions", a->sessions);
    json_uint(out, "servers", a->servers);
    json_uint(out, "senders", a->senders);
    if (a->absorbed)
        json_uint(out, "absorbed", a->absorbed);
    json_time(out, "first", a->first);
    json_time(out, "last", a->last);
    json_close(out);
}

void eve_put_linked(struct json *out, const uint64_t *flow_id, size_t n)
{
    char text[TEXT_UINT];
    if (n == 0)
        return;
    json_array(out, "linked");
    for (size_t i = 0; i < n; i++) {
        text_uint(text, flow_id[i]);
        json_word(out, NULL, text);
    }
    json_close(out);
}

void eve_put_starttls(struct json *out, const struct eve_alert_parts *p)
{
    const struct finding *f = p->alert->primary;
    json_object(out, "starttls");
    put_finding(out, p->alert);
    put_incident(out, p->alert);
    eve_put_linked(out, f->linked, f->linked_count);
    json_close(out);
}
