/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_parts.h"

#include <stdio.h>

#include "base/text.h"

static void put_host(struct json *out, const char *key, const struct discovery_host *h)
{
    char text[TEXT_IP];
    if (h->family == 0)
        return;
    text_ip(text, h->family, h->address);
    json_word(out, key, text);
}

/* What somebody reports, with the names that RFC 8460 section 4.2 has for it. */
static void put_report(struct json *out, const struct discovery_report *r)
{
    json_object(out, "report");
    if (*r->organization)
        json_str(out, "organization_name", r->organization);
    if (*r->id)
        json_str(out, "report_id", r->id);
    if (r->begin || r->end) {
        json_time(out, "start", r->begin);
        json_time(out, "end", r->end);
    }
    json_str(out, "result_type", r->result);
    put_host(out, "sending_mta_ip", &r->sender);
    if (*r->mx)
        json_str(out, "receiving_mx_hostname", r->mx);
    put_host(out, "receiving_ip", &r->receiver);
    if (r->sessions)
        json_uint(out, "failed_session_count", r->sessions);
    json_close(out);
}

static void put_lookup(struct json *out, const struct discovery *d)
{
    json_object(out, "lookup");
    json_time(out, "time", d->time);
    json_close(out);
}

/* What we asked ourselves, and what was reported to us, has no packets, and no input that it came
 * from. */
static void put_own(struct json *out, const struct discovery *d, const struct eve_options *o)
{
    json_begin(out);
    json_time(out, "timestamp", d->now);
    json_word(out, "event_type", "alert");
    if (o->sensor)
        json_str(out, "host", o->sensor);
    if (d->kind == DISCOVERY_REPORT)
        put_report(out, d->report);
    else
        put_lookup(out, d);
}

static void put_envelope(struct json *out, const struct discovery *d, const struct finding *f,
                         const struct eve_options *o)
{
    const struct eve_subject subject = {.time = d->now,
                                        .flow_id = d->flow_id,
                                        .key = &d->key,
                                        .tcp = d->tcp,
                                        .source = d->source,
                                        .server_first = f->dir == SESSION_TO_CLIENT};
    if (d->own)
        put_own(out, d, o);
    else
        eve_put_envelope(out, &subject, "alert", o);
}

/* What was asked, as Suricata names it; DNS knows more types of answer than matter here. */
static void put_question(struct json *out, const struct discovery *d)
{
    static const char *const answer[] = {"records", "none", "failed", "unanswered"};
    _Static_assert(sizeof(answer) / sizeof(answer[0]) == DISCOVERY_ANSWER_COUNT, "a text each");
    static const char *const prefix[] = {"",         "",         "_mta-sts.", "_25._tcp.",
                                         "mta-sts.", "mta-sts.", "_mta-sts.", ""};
    _Static_assert(sizeof(prefix) / sizeof(prefix[0]) == DISCOVERY_KIND_COUNT, "one each");
    bool of_host = d->kind == DISCOVERY_ADDRESS || d->kind == DISCOVERY_TLSA;
    char name[CAP_DOMAIN_TEXT + 16];
    if (d->kind == DISCOVERY_REPORT)
        return; /* nothing was asked */
    snprintf(name, sizeof(name), "%s%s", prefix[d->kind], of_host ? d->host.text : d->domain.text);
    if (d->kind == DISCOVERY_FETCH || d->kind == DISCOVERY_POLICY) {
        json_object(out, "tls");
        json_word(out, "sni", name);
        json_close(out);
        return;
    }
    json_object(out, "dns");
    json_word(out, "type", d->answer == DISCOVERY_UNANSWERED ? "query" : "answer");
    if (!d->own)
        json_uint(out, "id", d->id);
    json_word(out, "rrname", name);
    json_word(out, "rrtype", d->type);
    json_word(out, "answer", answer[d->answer]);
    json_close(out);
}

void eve_discovery(struct json *out, const struct discovery *d, const struct incident_alert *a,
                   const struct eve_options *o)
{
    struct eve_alert_parts p = {.alert = a,
                                .promise = d->promised ? &d->promise : NULL,
                                .vantage = d->own ? NULL : eve_vantage(o, d->source),
                                .own = d->own};
    put_envelope(out, d, a->primary, o);
    eve_put_alert(out, &p);
    put_question(out, d);
    eve_put_starttls(out, &p);
}

void eve_discovery_storm(struct json *out, const struct discovery *d,
                         const struct incident_alert *a, const struct eve_options *o)
{
    put_envelope(out, d, a->primary, o);
    eve_put_storm(out, a, d->own);
    put_question(out, d);
}
