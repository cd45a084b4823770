/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From findings to alerts: one attack, one alert. Until history exists an incident is one session.
 * It opens at the session's first finding above info; the strongest finding is its primary, the
 * others support it. A session is judged at every milestone, and judging it again never alerts
 * again: an alert line goes out when the incident opens, when its severity rises, and when a
 * stronger rule takes the lead.
 *
 * At most INCIDENT_HOURLY incidents open in an hour of packet time; the first one past that gives
 * one alert-storm line, the rest are counted. An attacker must be able neither to flood the analyst
 * nor to hide: held incidents raise `worst` like all others and stay in their session's line.
 *
 * What was said about a session is kept in its `memo`: allocated at the first finding above info,
 * freed here at SESSION_CLOSED.
 */
#ifndef ALERT_INCIDENT_H
#define ALERT_INCIDENT_H

#include "alert/ids.h"
#include "rules/discovery.h"

#define INCIDENT_HOURLY  50  /* what one person can look at in an hour and more */
#define INCIDENT_DOMAINS 256 /* five hours of as many as are told */

struct incidents;

/* One alert line to be written now; valid as long as session and judgement are. */
struct incident_alert {
    char incident[IDS_TEXT];
    char id[IDS_TEXT]; /* of the alert: incident, update, sensor */
    uint32_t update;   /* 1: the incident opens; 0: the alert-storm line */
    const struct finding *primary;
    enum rule_id supporting[CAP_FINDINGS]; /* distinct, strongest first, without the primary */
    uint8_t supporting_count;
    nstime first;         /* evidence that opened the incident */
    nstime last;          /* evidence of the primary */
    uint64_t hour_opened; /* incidents alerted in this hour */
    uint64_t hour_held;   /* incidents held back in this hour */
};

enum incident_outcome {
    INCIDENT_SILENT, /* nothing new */
    INCIDENT_ALERT,  /* write eve_alert() */
    INCIDENT_STORM   /* the first held incident of this hour: write eve_storm() */
};

struct incident_counters {
    uint64_t sessions;                /* closed, with or without findings */
    uint64_t verdicts[VERDICT_COUNT]; /* of those */
    uint64_t findings[RULE_COUNT];    /* of those, info included */
    uint64_t alerts[SEVERITY_COUNT];  /* alert lines, updates and storm lines included */
    uint64_t opened;                  /* incidents that were alerted */
    uint64_t held;                    /* incidents held back */
    uint64_t storms;                  /* hours in which any was */
    enum severity worst;              /* of all incidents, held ones included; info: none */
};

/* `sensor` (NULL: none) is borrowed and enters the alert ids. NULL without memory. */
struct incidents *incident_new(const char *sensor);
void incident_free(struct incidents *in);

/* To be called at every milestone of every session, in order. Fills `out` unless SILENT. */
enum incident_outcome incident_judge(struct incidents *in, struct session *s,
                                     enum session_milestone m, const struct judgement *j,
                                     struct incident_alert *out);

/*
 * What DNS said. The incident is one rule and one domain: it opens at the first finding above info,
 * and again when nothing was found for a day; it is told again when its severity rises. Of those
 * open at a time the INCIDENT_DOMAINS newest are known. `out` lasts as long as `f`.
 */
enum incident_outcome incident_discovery(struct incidents *in, const struct discovery *d,
                                         const struct finding *f, struct incident_alert *out);

const struct incident_counters *incident_counters(const struct incidents *in);

#endif
