/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules say about one session: findings, each with its evidence, what else could explain
 * it and how to confirm it, and the verdict over all. A judgement is a value: judge() fills it from
 * the facts alone, keeps nothing, and gives the same for the same facts.
 */
#ifndef RULES_FINDING_H
#define RULES_FINDING_H

#include "base/caps.h"
#include "dissect/session.h"
#include "history/baseline.h"
#include "policy/expectation.h"

enum rule_id {
#define RULE(id, ...) RULE_##id,
#include "rules/catalogue.def"
#undef RULE
    RULE_COUNT
};

enum severity {
    SEVERITY_INFO, /* never an alert line */
    SEVERITY_LOW,
    SEVERITY_MEDIUM,
    SEVERITY_HIGH,
    SEVERITY_CRITICAL,
    SEVERITY_COUNT
};

enum confidence {
    CONFIDENCE_LOW,
    CONFIDENCE_MEDIUM,
    CONFIDENCE_HIGH,
    CONFIDENCE_PROOF,
    CONFIDENCE_COUNT
};

/* Evidence classes, as bits. */
enum evidence_class {
    EVIDENCE_E1 = 1,  /* lexical: the bytes look wrong */
    EVIDENCE_E2 = 2,  /* differs from what is usual */
    EVIDENCE_E3 = 4,  /* breaks a promise */
    EVIDENCE_E4 = 8,  /* two versions of the same bytes, impossible timing */
    EVIDENCE_E5 = 16, /* two points of observation */
};

/* What it did: the columns of the severity matrix. */
enum effect {
    EFFECT_NOTHING, /* nothing went, or TLS came about */
    EFFECT_HELD,    /* the sender refused to send */
    EFFECT_MAIL,    /* mail in clear */
    EFFECT_LOGIN,   /* a login was accepted in clear */
    EFFECT_COUNT
};

enum cause {
    CAUSE_CISCO_ESMTP_INSPECTION,
    CAUSE_ON_PATH_REWRITE,
    CAUSE_MAN_ON_THE_SIDE,
    CAUSE_TRANSPARENT_PROXY,
    CAUSE_TLS_INSPECTION_GATEWAY,
    CAUSE_FARM_MEMBER_WITHOUT_TLS,
    CAUSE_PER_CLIENT_POLICY,
    CAUSE_SERVER_RECONFIGURED,
    CAUSE_SERVER_TLS_TROUBLE,
    CAUSE_TLS_INCOMPATIBLE,
    CAUSE_SENDER_WITHOUT_STS,
    CAUSE_DOMAIN_MISCONFIGURED,
    CAUSE_TLSA_NOT_ROLLED,
    CAUSE_IRONPORT_TLS_ALERT,
    CAUSE_SCANNER_OR_PROBE,
    CAUSE_CAPTURE_ARTEFACT,
    CAUSE_UNKNOWN,
    CAUSE_COUNT
};

enum offered {
    OFFERED_UNKNOWN,
    OFFERED_YES,
    OFFERED_NO,
    OFFERED_GARBLED,
    OFFERED_CONFLICTING,
    OFFERED_COUNT
};

enum verdict {
    VERDICT_UNKNOWN,
    VERDICT_ENCRYPTED,
    VERDICT_DOWNGRADED,
    VERDICT_EXPOSED,
    VERDICT_HELD,
    VERDICT_OPPORTUNISTIC_CLEAR,
    VERDICT_FAILED,
    VERDICT_COUNT
};

enum visibility {
    VISIBILITY_BOTH,
    VISIBILITY_CLIENT,
    VISIBILITY_SERVER,
    VISIBILITY_PARTIAL,
    VISIBILITY_COUNT
};
enum handshake {
    HANDSHAKE_NONE,
    HANDSHAKE_COMPLETE,
    HANDSHAKE_ABORTED,
    HANDSHAKE_REFUSED,
    HANDSHAKE_CLEARTEXT,
    HANDSHAKE_COUNT
};

/* What is under attack: findings about the same thing are of one incident (alert/incident.h). */
enum finding_subject {
    SUBJECT_SERVER, /* the server of the session, as its client's network reaches it */
    SUBJECT_FARM,   /* servers that go by one name, likewise */
    SUBJECT_SENDER, /* the client of the session */
    SUBJECT_PATH,   /* all that is reached from the client's network */
    FINDING_SUBJECT_COUNT
};

/* One line of the dialogue that a person should see; text is escaped and masked already. */
struct evidence_line {
    enum session_dir dir;
    uint32_t offset; /* stream offset of its first byte */
    char text[160];
    char note[64]; /* what to see in it; may be empty */
};

struct finding {
    enum rule_id rule;
    enum severity severity;
    enum confidence confidence;
    uint8_t evidence; /* enum evidence_class bits */
    enum effect effect;
    enum cause cause;
    enum cause alternatives[4];
    uint8_t alternative_count;
    enum session_dir dir; /* of the evidence */
    uint32_t offset;      /* stream offset of the evidence: part of the finding's id */
    nstime time;          /* 0: the session's `now` */
    enum finding_subject subject;
    char subject_name[CAP_DOMAIN_TEXT + 1]; /* of a farm; else empty */
    uint64_t linked[CAP_LINKED]; /* flow ids of earlier sessions that belong to the same attack */
    uint8_t linked_count;
    bool retrospective;          /* judged by what came to be known after the session */
    bool suppressed;             /* the operator does not want to hear of it (sensor/suppress.h):
                                    it raises no alert */
    const char *tlsrpt;          /* RFC 8460 section 4.3 result type, or NULL */
    char reason[CAP_ALERT_TEXT]; /* two or three sentences, escaped and masked */
    char next_step[256];
    struct evidence_line line[2];
    uint8_t line_count;
};

/* What a sender was seen to ask DNS for, and so will hold to. Bits. */
enum sender_checks {
    SENDER_CHECKS_MTA_STS = 1, /* _mta-sts records */
    SENDER_CHECKS_DANE = 2     /* TLSA records of port 25 */
};

/* How a session stands to what was promised for it. */
enum promise_state {
    PROMISE_UNKNOWN, /* the tap did not show enough, or nothing was decided */
    PROMISE_SATISFIED,
    PROMISE_VIOLATED,
    PROMISE_STATE_COUNT
};

/* What is known of whom TLS was spoken with. */
enum peer {
    PEER_NONE,       /* there was no TLS */
    PEER_VERIFIED,   /* a trusted chain, valid then, with the name that was asked for or expected */
    PEER_UNVERIFIED, /* a chain that is not */
    PEER_ANONYMOUS,  /* no certificate by choice */
    PEER_NOT_OBSERVABLE,
    PEER_COUNT
};

struct judgement {
    enum verdict verdict;
    enum visibility visibility;
    enum offered offered;
    enum handshake handshake;
    const char *stage; /* starttls | reply | client-hello | server-hello | certificate; or NULL */
    enum peer peer;
    int slot;          /* 0-based index in keywords of the line concerned; -1: none */
    struct text token; /* what stood there; len 0 with slot >= 0 is an empty line */
    bool two_places;   /* copies that differ are explained by session.twin */
    const struct expectation *promise; /* the strictest broken one, or the strictest; the caller's
                                          of judge(); NULL: nothing was promised */
    enum promise_state promise_state;
    unsigned sender_checks; /* enum sender_checks */
    struct finding finding[CAP_FINDINGS];
    uint8_t finding_count;
};

/* A row of the catalogue. */
struct rule {
    const char *name;       /* stable once released */
    uint32_t sid;           /* 1320700-1320899, never reused */
    const char *family;     /* strip, refuse, inject, auth, promise, discovery ... */
    const char *technique;  /* ids of docs/rules.md: CAP-1 ... */
    const char *needs;      /* S session, H history, P promise, N network, D DNS, 2 two points,
                               W the sensor's own counters */
    const char *evidence;   /* "E1", "E1, E3"; "-" of the family sensor */
    enum severity ceiling;  /* capped here when it stands alone */
    enum severity floor;    /* at least this */
    const char *mitre;      /* ATT&CK technique */
    const char *title;      /* the alert's signature without the STRIPWATCH prefix */
    const char *what;       /* what is observed, one or two sentences */
    const char *lookalikes; /* what innocent cases look like and how they are told apart */
    const char *next_step;  /* how to confirm it from another place; %s once: the server's address,
                               or of the family discovery the domain, of sensor the sensor */
};

const struct rule *rule_row(enum rule_id id);
enum rule_id rule_by_name(const char *name); /* RULE_COUNT: none */

/* Texts as the output spells them; all total over their enum. */
const char *severity_text(enum severity v);
const char *confidence_text(enum confidence v);
const char *cause_text(enum cause v);
const char *offered_text(enum offered v);
const char *verdict_text(enum verdict v);
const char *visibility_text(enum visibility v);
const char *handshake_text(enum handshake v);
const char *promise_text(enum promise_state v);
const char *peer_text(enum peer v); /* NULL for PEER_NONE */
const char *subject_text(enum finding_subject v);

struct garble_memory; /* rules/garble.h */
struct certificate;   /* policy/certificate.h */

/* A better mail exchanger that the client tried in vain before. */
struct steering {
    const struct usual_knock *knock; /* of the baseline */
    struct domain domain;            /* of a recipient */
    struct domain better;            /* its mail exchanger that was tried */
    uint16_t better_preference, preference;
};

/* Where the tap stands on the way of the mail. */
enum vantage {
    VANTAGE_UNKNOWN,
    VANTAGE_CLIENT_SIDE, /* near those who send: between them and whoever is on the way */
    VANTAGE_SERVER_SIDE, /* near the servers */
    VANTAGE_COUNT
};

/* "unknown", "client-side", "server-side" */
const char *vantage_text(enum vantage v);

/* What a session is judged with, besides itself. */
struct judge_aid {
    struct garble_memory *memory;          /* spares work and changes no answer; NULL: none */
    const struct expectations *expected;   /* what was promised for it; NULL: nothing is known */
    unsigned sender_checks;                /* enum sender_checks */
    const struct certificate *certificate; /* that the server presented; NULL: it was not seen */
    enum vantage vantage;                  /* of the tap that it was seen at */
    bool own_authorities; /* the operator named whom to trust: an unknown one is told as broken */
    const struct baseline *usual;    /* what is usual for it; NULL: nothing is remembered */
    const struct steering *steering; /* NULL: the client tried no better mail exchanger in vain */
    bool calm;                       /* judge_calm() says so; false: it was not asked */
};

/*
 * Judges the session as it stands at `m`. Fills `out`, of the findings the first finding_count.
 * `aid` may be NULL.
 */
void judge(const struct session *s, enum session_milestone m, const struct judge_aid *aid,
           struct judgement *out);

/* True: at a milestone before SESSION_CLOSED, judge() would find nothing above info. Costs next to
 * nothing, and spares judging most sessions more than once. */
bool judge_calm(const struct session *s);

#endif
