/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/eve_sensor.h"

#include "alert/eve_parts.h"

static void put_envelope(struct json *out, const struct eve_sensor_alert *a,
                         const struct eve_options *o)
{
    json_begin(out);
    json_time(out, "timestamp", a->time);
    json_word(out, "event_type", "alert");
    if (o->sensor)
        json_str(out, "host", o->sensor);
    if (o->interface && o->interface_count == 1)
        json_str(out, "in_iface", o->interface[0]);
}

static void put_alert(struct json *out, const struct eve_sensor_alert *a)
{
    const struct rule *row = rule_row(a->rule);
    eve_put_alert_head(out, row->sid, row->title, "Misc activity", a->severity);
    json_object(out, "metadata");
    eve_put_fact(out, "rule", row->name);
    eve_put_fact(out, "severity", severity_text(a->severity));
    eve_put_fact(out, "confidence", confidence_text(a->confidence));
    eve_put_fact(out, "judged", "live");
    eve_put_fact(out, "mitre_technique_id", row->mitre);
    eve_put_fact(out, "incident", a->incident);
    eve_put_fact(out, "alert_id", a->id);
    eve_put_fact(out, "finding_id", a->finding_id);
    json_close(out);
    json_close(out);
}

static void put_facts(struct json *out, const struct eve_sensor_alert *a)
{
    json_object(out, "sensor");
    json_word(out, "what", a->what);
    if (a->part)
        json_word(out, "part", a->part);
    if (a->ms)
        json_tenths(out, "seconds", a->ms / 100);
    if (a->of) {
        json_uint(out, "count", a->count);
        json_uint(out, "of", a->of);
    }
    json_close(out);
}

static void put_finding(struct json *out, const struct eve_sensor_alert *a)
{
    json_object(out, "finding");
    json_word(out, "rule", rule_row(a->rule)->name);
    json_word(out, "severity", severity_text(a->severity));
    json_word(out, "confidence", confidence_text(a->confidence));
    json_word(out, "finding_id", a->finding_id);
    json_str(out, "reason", a->reason);
    json_str(out, "next_step", a->next_step);
    json_close(out);
}

static void put_incident(struct json *out, const struct eve_sensor_alert *a)
{
    json_object(out, "incident");
    json_word(out, "id", a->incident);
    json_word(out, "state", eve_state_text(a->state));
    json_uint(out, "update", a->update);
    json_word(out, "primary", rule_row(a->rule)->name);
    json_time(out, "first", a->first);
    json_time(out, "last", a->last);
    json_close(out);
}

void eve_sensor(struct json *out, const struct eve_sensor_alert *a, const struct eve_options *o)
{
    put_envelope(out, a, o);
    put_alert(out, a);
    put_facts(out, a);
    json_object(out, "starttls");
    put_finding(out, a);
    put_incident(out, a);
    json_close(out);
}
