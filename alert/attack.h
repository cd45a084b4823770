/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of one incident, and the table of those that are going on; for alert/incident*.c
 * alone. An attack begins with the first finding about its subject and ends when it is forgotten:
 * closed, or the one that was heard of least lately when there is no place left.
 *
 * An attack on a path takes in those of its group on what is reached through it. What was taken in
 * stays as a signpost: it says where sessions that were counted there are counted now.
 */
#ifndef ALERT_ATTACK_H
#define ALERT_ATTACK_H

#include "alert/incident.h"
#include "base/siphash.h"
#include "rules/precedence.h"

/* Rules that took part. */
struct rule_set {
    uint64_t word[(RULE_COUNT + 63) / 64];
};

/* Addresses, each once, as long as there is room: by fingerprints that nobody outside can know. */
struct roll {
    uint32_t print[CAP_INCIDENT_PEERS];
    uint32_t count;
};

/* Of the strongest finding what later lines need, when its session is gone. */
struct attack_lead {
    enum rule_id rule;
    enum severity severity;
    enum confidence confidence;
    uint8_t evidence;
    enum effect effect;
    enum cause cause;
    enum cause alternatives[4];
    uint8_t alternative_count;
    enum session_dir dir;
    const char *tlsrpt; /* lives as long as the program */
    bool retrospective;
    char id[IDS_TEXT];
};

enum attack_state {
    ATTACK_NEW,      /* nothing was told of it, because it has just begun or is held back */
    ATTACK_TOLD,     /* one alert at least */
    ATTACK_ABSORBED, /* a signpost */
    ATTACK_STATE_COUNT
};

struct attack {
    uint64_t serial; /* no other attack ever has it; 0: it is no more */
    enum attack_state state;
    bool held;
    enum finding_subject subject;
    enum rule_group group;
    struct attack *into; /* of a signpost; into_serial tells whether that one is still there */
    uint64_t into_serial;
    char incident[IDS_TEXT];
    uint32_t update; /* alert lines so far */
    struct attack_lead lead;
    bool lead_is_new;          /* since the newest line */
    enum severity told;        /* severity of the newest line, or of when it was held back */
    enum severity strongest;   /* of all findings, those of absorbed attacks included */
    enum rule_id strongest_by; /* rule of that one */
    struct rule_set rules;
    uint64_t sessions; /* with a finding */
    uint64_t mails;    /* in clear, in those, where the finding is not of low confidence */
    uint64_t told_at;  /* the newest of 10, 100, 1,000 sessions that was told */
    struct roll servers, senders;
    uint32_t absorbed;           /* attacks that it took in */
    uint32_t clean;              /* sessions without a finding since the newest with one */
    nstime first, last;          /* evidence */
    nstime heard;                /* packet time of the newest finding */
    struct incident_place place; /* of the newest session with a finding */
};

struct attacks;

struct attacks *attacks_new(const struct siphash_key *key); /* NULL: no memory */
void attacks_free(struct attacks *t);

/* The attack of the group on `subject` of the session, going on or a signpost; NULL: there is none.
 * `name`: of a farm. */
struct attack *attacks_find(struct attacks *t, const struct session *s,
                            enum finding_subject subject, enum rule_group group, const char *name);

/* Begins one, in place of a signpost if need be. There must be room. */
struct attack *attacks_begin(struct attacks *t, const struct session *s, const struct finding *f);

bool attacks_full(const struct attacks *t);
/* That which was heard of least lately, signposts included; NULL: none. */
struct attack *attacks_oldest(struct attacks *t);
void attacks_forget(struct attacks *t, struct attack *a);

/* How many of this subject and group are going on: what is 0 need not be looked up. */
uint32_t attacks_open(const struct attacks *t, enum finding_subject subject, enum rule_group group);
uint32_t attacks_open_all(const struct attacks *t);

/* `into` takes in the next attack of its path and group. NULL: no more of them; else a signpost by
 * now, which says in `update` and `held` what was told of it. */
struct attack *attacks_absorb(struct attacks *t, struct attack *into, struct attack *after);

/* Counts a session, or one more finding of it. */
void attacks_count(struct attacks *t, struct attack *a, const struct session *s);
void attack_hear(struct attacks *t, struct attack *a, const struct session *s,
                 const struct finding *f);

/* Severity of the incident: a step up for ten servers or a hundred mails. */
enum severity attack_severity(const struct attack *a);

/* The lead as a finding, without words. */
void attack_recall(const struct attack *a, struct finding *out);

static inline void rule_set_add(struct rule_set *set, enum rule_id rule)
{
    set->word[rule / 64] |= 1ULL << rule % 64;
}

static inline bool rule_set_has(const struct rule_set *set, enum rule_id rule)
{
    return set->word[rule / 64] >> rule % 64 & 1;
}

#endif
