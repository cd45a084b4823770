/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From findings to alerts: one attack, one alert. An incident is what is attacked (finding.subject:
 * a server, a farm, a sender, a path), what is done (enum rule_group) and the path, which is the
 * client's network (/24, /48). It opens at the first finding above info. Findings of later sessions
 * join it; the strongest is its primary, the others support it.
 *
 * A finding joins the open incident of its own group. Where there is none, it supports what another
 * finding of its session has opened: it came of the same attack. An incident of a path takes in
 * those of its group on what is reached through it, and later ones join it.
 *
 * An alert line goes out when an incident opens, when its severity rises, when a stronger rule
 * takes the lead, at 10, 100 and 1,000 sessions, and when it closes: after INCIDENT_CLEAN sessions
 * in a row that showed that there is nothing of it any more (of a farm it is not known which those
 * are), or after INCIDENT_DAYS without a finding. What is open at the end of the input stays open.
 * A session is judged at every milestone, counts once, and judging it again never alerts again.
 *
 * At most INCIDENT_HOURLY incidents open in an hour of packet time; the first one past that gives
 * one alert-storm line, the rest are counted, and tried again with each session that they grow by.
 * An attacker must be able neither to flood the analyst nor to hide: held incidents raise `worst`
 * like all others and stay in their session's line. Beyond CAP_INCIDENTS the one that was heard of
 * least lately is forgotten; if it goes on it opens again.
 *
 * What was said about a session is kept in its `memo`: allocated at the first finding above info,
 * freed here at SESSION_CLOSED.
 */
#ifndef ALERT_INCIDENT_H
#define ALERT_INCIDENT_H

#include "alert/ids.h"
#include "base/siphash.h"
#include "rules/discovery.h"

#define INCIDENT_HOURLY  50  /* what one person can look at in an hour and more */
#define INCIDENT_DOMAINS 256 /* five hours of as many as are told */
#define INCIDENT_CLEAN   20  /* sessions: as many as make a server's offer well supported */
#define INCIDENT_DAYS    7

struct incidents;

enum incident_state { INCIDENT_OPEN, INCIDENT_ONGOING, INCIDENT_CLOSED, INCIDENT_STATE_COUNT };

/* Where evidence was seen, when the session is gone. */
struct incident_place {
    struct flow_key key;
    uint64_t flow_id;
    uint16_t vlan[CAP_VLAN_DEPTH];
    uint8_t vlan_count;
    struct frame_tunnel tunnel[CAP_TUNNEL_DEPTH];
    uint8_t tunnel_count;
    uint32_t source;
    uint64_t packets[SESSION_DIR_COUNT];
    uint64_t wire_bytes[SESSION_DIR_COUNT];
    nstime first; /* of its packets */
};

/* One alert line to be written now; valid during the call. */
struct incident_alert {
    char incident[IDS_TEXT];
    char id[IDS_TEXT]; /* of the alert: incident, update, sensor */
    enum incident_state state;
    uint32_t update;               /* 1: the incident opens; 0: the alert-storm line */
    enum severity severity;        /* of the incident: that of the primary or more */
    const struct finding *primary; /* as this session has it, or as the incident remembers it */
    char finding_id[IDS_TEXT];     /* of the primary */
    enum rule_id supporting[RULE_COUNT]; /* distinct, strongest first, without the primary */
    uint8_t supporting_count;
    enum finding_subject subject;
    uint64_t sessions; /* with a finding; of what DNS said: 0 */
    uint32_t servers;  /* distinct; CAP_INCIDENT_PEERS stands for so many or more */
    uint32_t senders;
    uint32_t absorbed; /* incidents that it took in */
    nstime first;      /* oldest evidence */
    nstime last;       /* newest evidence */
    nstime time;       /* of the line */
    const struct incident_place
        *place;           /* of CLOSED: the newest session with a finding; else NULL */
    uint64_t hour_opened; /* incidents alerted in this hour */
    uint64_t hour_held;   /* incidents held back in this hour */
};

enum incident_outcome {
    INCIDENT_SILENT, /* nothing new */
    INCIDENT_ALERT,  /* write eve_alert(), or eve_closed() if the state is CLOSED */
    INCIDENT_STORM   /* the first held incident of this hour: write eve_storm() */
};

struct incident_counters {
    uint64_t sessions;                /* closed, with or without findings */
    uint64_t verdicts[VERDICT_COUNT]; /* of those */
    uint64_t findings[RULE_COUNT];    /* of those, info included */
    uint64_t suppressed;              /* of those, and of what DNS said */
    uint64_t alerts[SEVERITY_COUNT];  /* alert lines, updates and storm lines included */
    uint64_t opened;                  /* incidents that were alerted */
    uint64_t ongoing;                 /* of those: known and neither closed nor taken in */
    uint64_t closed;                  /* of those */
    uint64_t absorbed;                /* taken in by the incident of their path, held ones too */
    uint64_t evicted;                 /* forgotten for want of room, held ones too */
    uint64_t held;                    /* incidents held back, and not told since */
    uint64_t storms;                  /* hours in which any was */
    enum severity worst;              /* of all incidents, held ones included; info: none */
};

/* Writes a line. `s`: the session that is being judged, NULL if the incident closes. */
typedef void (*incident_fn)(void *user, const struct session *s, enum incident_outcome outcome,
                            const struct incident_alert *a);

/* `sensor` (NULL: none) is borrowed and enters the alert ids. The key's bits show nowhere. NULL
 * without memory. */
struct incidents *incident_new(const struct siphash_key *key, const char *sensor, incident_fn write,
                               void *user);
void incident_free(struct incidents *in);

/* So many incidents may open in an hour instead of INCIDENT_HOURLY. */
void incident_hourly(struct incidents *in, uint32_t most);

/* To be called at every milestone of every session, in order. Writes what there is to tell. */
void incident_judge(struct incidents *in, struct session *s, enum session_milestone m,
                    const struct judgement *j);

/* A session that has closed is judged again, once, with one finding. `told`: it had findings above
 * info, so it is counted already. */
void incident_again(struct incidents *in, struct session *s, bool told, const struct judgement *j);

/*
 * What DNS said. The incident is one rule and one domain: it opens at the first finding above info,
 * and again when nothing was found for a day; it is told again when its severity rises. Of those
 * open at a time the INCIDENT_DOMAINS newest are known. Fills `out` unless SILENT; it lasts as long
 * as `f`.
 */
enum incident_outcome incident_discovery(struct incidents *in, const struct discovery *d,
                                         const struct finding *f, struct incident_alert *out);

const struct incident_counters *incident_counters(const struct incidents *in);

#endif
