/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident_state.h"

static const struct domain *subject_of(const struct discovery *d)
{
    return d->domain.n ? &d->domain : &d->host;
}

static struct told *told_of(struct incidents *in, const struct discovery *d, enum rule_id rule)
{
    for (size_t i = 0; i < INCIDENT_DOMAINS; i++) {
        struct told *t = &in->told[i];
        if (t->rule == rule && t->domain.n > 0 && clock_since(d->time, t->newest) < DAY &&
            span_eq(domain_span(&t->domain), domain_span(subject_of(d))))
            return t;
    }
    return NULL;
}

static struct told *tell(struct incidents *in, const struct discovery *d, enum rule_id rule)
{
    struct told *t = &in->told[in->told_next++ % INCIDENT_DOMAINS];
    *t = (struct told){.rule = rule, .domain = *subject_of(d), .first = d->time};
    ids_discovery_incident(d, rule, t->incident);
    return t;
}

static void fill(const struct incidents *in, const struct told *t, const struct discovery *d,
                 const struct finding *f, struct incident_alert *out)
{
    *out = (struct incident_alert){.state = t->update > 1 ? INCIDENT_ONGOING : INCIDENT_OPEN,
                                   .update = t->update,
                                   .severity = f->severity,
                                   .primary = f,
                                   .first = t->first,
                                   .last = f->time,
                                   .time = d->now,
                                   .hour_opened = in->hour_opened,
                                   .hour_held = in->hour_held};
    memcpy(out->incident, t->incident, IDS_TEXT);
    ids_discovery_finding(d, f->rule, out->finding_id);
    ids_alert(t->incident, t->update, in->sensor, out->id);
}

/* Tried again at its next finding. */
static enum incident_outcome hold(struct incidents *in, struct told *t, const struct discovery *d,
                                  const struct finding *f, struct incident_alert *out)
{
    enum incident_outcome outcome = incident_hour_hold(in, &t->held);
    if (outcome == INCIDENT_STORM)
        fill(in, t, d, f, out);
    return outcome;
}

enum incident_outcome incident_discovery(struct incidents *in, const struct discovery *d,
                                         const struct finding *f, struct incident_alert *out)
{
    struct told *t;
    in->counters.findings[f->rule]++;
    in->counters.suppressed += f->suppressed;
    if (f->severity == SEVERITY_INFO || f->suppressed)
        return INCIDENT_SILENT;
    t = told_of(in, d, f->rule);
    if (!t)
        t = tell(in, d, f->rule);
    t->newest = d->time > t->newest ? d->time : t->newest;
    if (in->counters.worst < f->severity)
        in->counters.worst = f->severity;
    if (t->update > 0 && f->severity <= t->severity)
        return INCIDENT_SILENT;
    if (t->update == 0 && !incident_hour_has_room(in, d->now))
        return hold(in, t, d, f, out);
    if (t->update == 0)
        incident_hour_open(in, &t->held);
    t->severity = f->severity;
    t->update++;
    in->counters.alerts[f->severity]++;
    fill(in, t, d, f, out);
    return INCIDENT_ALERT;
}
