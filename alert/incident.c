/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/incident.h"

#include <stdlib.h>

#include "base/heap.h"

#define HOUR (3600 * NS_PER_S)
#define DAY  (24 * HOUR)

_Static_assert(RULE_COUNT <= 64, "memo.led is a set of rules");

/* What has been said about one domain. */
struct told {
    enum rule_id rule;
    struct domain domain; /* n 0: a place that is free */
    char incident[IDS_TEXT];
    uint32_t update;
    enum severity severity;
    nstime first, newest;
    bool held;
};

struct incidents {
    const char *sensor;
    struct incident_counters counters;
    bool hour_running;
    nstime hour_start; /* of the first incident that opened in it */
    uint64_t hour_opened;
    uint64_t hour_held;
    struct told told[INCIDENT_DOMAINS]; /* a ring */
    uint32_t told_next;
};

/* What has been said about one session. */
struct memo {
    char incident[IDS_TEXT];
    uint32_t update;        /* alert lines so far */
    enum severity severity; /* of the newest */
    uint64_t led;           /* rules that were primary: each takes the lead with an alert once */
    nstime first;
    bool held;
};

struct incidents *incident_new(const char *sensor)
{
    struct incidents *in = calloc(1, sizeof *in);
    if (in)
        in->sensor = sensor;
    return in;
}

void incident_free(struct incidents *in)
{
    free(in);
}

const struct incident_counters *incident_counters(const struct incidents *in)
{
    return &in->counters;
}

static nstime evidence_time(const struct session *s, const struct finding *f)
{
    return f->time ? f->time : s->now;
}

static uint64_t rule_bit(enum rule_id rule)
{
    return 1ULL << rule;
}

/* Findings arrive strongest first, so the primary is the first or there is none. */
static const struct finding *primary_of(const struct judgement *j)
{
    if (j->finding_count == 0 || j->finding[0].severity == SEVERITY_INFO)
        return NULL;
    return &j->finding[0];
}

static void count_closed(struct incident_counters *c, const struct judgement *j)
{
    c->sessions++;
    c->verdicts[j->verdict]++;
    for (uint8_t i = 0; i < j->finding_count; i++)
        c->findings[j->finding[i].rule]++;
}

/* An hour begins with the first incident after the last hour ended. */
static bool hour_has_room(struct incidents *in, nstime now)
{
    if (!in->hour_running || clock_since(now, in->hour_start) >= HOUR) {
        in->hour_running = true;
        in->hour_start = now;
        in->hour_opened = 0;
        in->hour_held = 0;
    }
    return in->hour_opened < INCIDENT_HOURLY;
}

static void fill_supporting(struct incident_alert *out, const struct judgement *j)
{
    uint64_t named = rule_bit(out->primary->rule);
    for (uint8_t i = 0; i < j->finding_count; i++) {
        const struct finding *f = &j->finding[i];
        if (f->severity == SEVERITY_INFO || named & rule_bit(f->rule))
            continue;
        named |= rule_bit(f->rule);
        out->supporting[out->supporting_count++] = f->rule;
    }
}

static void fill(const struct incidents *in, const struct session *s, const struct memo *memo,
                 const struct finding *primary, struct incident_alert *out)
{
    *out = (struct incident_alert){.update = memo->update, .primary = primary};
    memcpy(out->incident, memo->incident, IDS_TEXT);
    ids_alert(memo->incident, memo->update, in->sensor, out->id);
    out->first = memo->first;
    out->last = evidence_time(s, primary);
    out->hour_opened = in->hour_opened;
    out->hour_held = in->hour_held;
}

static enum incident_outcome alert(struct incidents *in, const struct session *s, struct memo *memo,
                                   const struct judgement *j, struct incident_alert *out)
{
    const struct finding *primary = primary_of(j);
    memo->update++;
    fill(in, s, memo, primary, out);
    fill_supporting(out, j);
    in->counters.alerts[primary->severity]++;
    return INCIDENT_ALERT;
}

static enum incident_outcome hold(struct incidents *in, const struct session *s, struct memo *memo,
                                  const struct finding *primary, struct incident_alert *out)
{
    if (memo->held)
        return INCIDENT_SILENT;
    memo->held = true;
    in->counters.held++;
    in->hour_held++;
    if (in->hour_held > 1)
        return INCIDENT_SILENT;
    fill(in, s, memo, primary, out);
    in->counters.storms++;
    in->counters.alerts[SEVERITY_MEDIUM]++;
    return INCIDENT_STORM;
}

/* The incident opens, or, held back so far, is tried again because it grew. */
static enum incident_outcome open_incident(struct incidents *in, const struct session *s,
                                           struct memo *memo, const struct judgement *j,
                                           struct incident_alert *out)
{
    if (!hour_has_room(in, s->now))
        return hold(in, s, memo, primary_of(j), out);
    in->hour_opened++;
    in->counters.opened++;
    in->counters.held -= memo->held;
    memo->held = false;
    return alert(in, s, memo, j, out);
}

static void memo_begin(struct memo *memo, const struct session *s, const struct finding *primary)
{
    *memo = (struct memo){.first = evidence_time(s, primary)};
    ids_incident(s, primary->rule, memo->incident);
}

static enum incident_outcome judge_primary(struct incidents *in, const struct session *s,
                                           struct memo *memo, const struct judgement *j,
                                           struct incident_alert *out)
{
    const struct finding *primary = primary_of(j);
    bool grew = primary->severity > memo->severity ||
                (primary->severity == memo->severity && !(memo->led & rule_bit(primary->rule)));
    if (!grew)
        return INCIDENT_SILENT;
    memo->severity = primary->severity;
    memo->led |= rule_bit(primary->rule);
    if (in->counters.worst < primary->severity)
        in->counters.worst = primary->severity;
    return memo->update ? alert(in, s, memo, j, out) : open_incident(in, s, memo, j, out);
}

enum incident_outcome incident_judge(struct incidents *in, struct session *s,
                                     enum session_milestone m, const struct judgement *j,
                                     struct incident_alert *out)
{
    const struct finding *primary = primary_of(j);
    enum incident_outcome outcome = INCIDENT_SILENT;
    struct memo lost; /* without memory the alert still goes out, if need be more than once */
    if (primary) {
        struct memo *memo = s->memo;
        if (memo == NULL) {
            memo = s->memo = heap_alloc(sizeof *memo);
            memo = memo ? memo : &lost;
            memo_begin(memo, s, primary);
        }
        outcome = judge_primary(in, s, memo, j, out);
    }
    if (m == SESSION_CLOSED) {
        count_closed(&in->counters, j);
        heap_free(s->memo);
        s->memo = NULL;
    }
    return outcome;
}

/* --- what DNS said --- */

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

static void fill_discovery(const struct incidents *in, const struct told *t,
                           const struct finding *f, struct incident_alert *out)
{
    *out = (struct incident_alert){.update = t->update, .primary = f};
    memcpy(out->incident, t->incident, IDS_TEXT);
    ids_alert(t->incident, t->update, in->sensor, out->id);
    out->first = t->first;
    out->last = f->time;
    out->hour_opened = in->hour_opened;
    out->hour_held = in->hour_held;
}

enum incident_outcome incident_discovery(struct incidents *in, const struct discovery *d,
                                         const struct finding *f, struct incident_alert *out)
{
    struct told *t;
    in->counters.findings[f->rule]++;
    if (f->severity == SEVERITY_INFO)
        return INCIDENT_SILENT;
    t = told_of(in, d, f->rule);
    if (!t)
        t = tell(in, d, f->rule);
    t->newest = d->time > t->newest ? d->time : t->newest;
    if (in->counters.worst < f->severity)
        in->counters.worst = f->severity;
    if (t->update > 0 && f->severity <= t->severity)
        return INCIDENT_SILENT;
    if (t->update == 0 && !hour_has_room(in, d->now)) { /* tried again at its next finding */
        if (t->held)
            return INCIDENT_SILENT;
        t->held = true;
        in->counters.held++;
        in->hour_held++;
        if (in->hour_held > 1)
            return INCIDENT_SILENT;
        fill_discovery(in, t, f, out);
        in->counters.storms++;
        in->counters.alerts[SEVERITY_MEDIUM]++;
        return INCIDENT_STORM;
    }
    if (t->update == 0) {
        in->hour_opened++;
        in->counters.opened++;
        in->counters.held -= t->held;
    }
    t->held = false;
    t->severity = f->severity;
    t->update++;
    in->counters.alerts[f->severity]++;
    fill_discovery(in, t, f, out);
    return INCIDENT_ALERT;
}
