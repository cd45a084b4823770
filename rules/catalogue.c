/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/finding.h"

#define SID_FIRST 1320700
#define SID_LAST  1320899

static const struct rule rules[] = {
#define RULE(id, name, sid, family, technique, needs, evidence, ceiling, floor, mitre, title,      \
             what, lookalikes, next_step)                                                          \
    [RULE_##id] = {name,  sid,   family, technique, needs,      evidence, ceiling,                 \
                   floor, mitre, title,  what,      lookalikes, next_step},
#include "rules/catalogue.def"
#undef RULE
};

#define RULE(id, name, sid, ...)                                                                   \
    _Static_assert((sid) >= SID_FIRST && (sid) <= SID_LAST, name ": sid out of range");
#include "rules/catalogue.def"
#undef RULE

const struct rule *rule_row(enum rule_id id)
{
    return &rules[id];
}

enum rule_id rule_by_name(const char *name)
{
    enum rule_id id = 0;
    while (id < RULE_COUNT && strcmp(rules[id].name, name) != 0)
        id++;
    return id;
}

/* A table of texts and the function that reads it, one for each enum of the output. */
#define TEXTS(function, type, count, ...)                                                          \
    const char *function(enum type v)                                                              \
    {                                                                                              \
        static const char *const text[] = {__VA_ARGS__};                                           \
        _Static_assert(sizeof(text) / sizeof(text[0]) == (count),                                  \
                       #function ": a text is missing");                                           \
        return text[v];                                                                            \
    }

TEXTS(severity_text, severity, SEVERITY_COUNT, "info", "low", "medium", "high", "critical")
TEXTS(confidence_text, confidence, CONFIDENCE_COUNT, "low", "medium", "high", "proof")
TEXTS(offered_text, offered, OFFERED_COUNT, "unknown", "yes", "no", "garbled", "conflicting")
TEXTS(verdict_text, verdict, VERDICT_COUNT, "unknown", "encrypted", "downgraded", "exposed", "held",
      "opportunistic-clear", "failed")
TEXTS(visibility_text, visibility, VISIBILITY_COUNT, "both", "client", "server", "partial")
TEXTS(promise_text, promise_state, PROMISE_STATE_COUNT, "unknown", "satisfied", "violated")
TEXTS(subject_text, finding_subject, FINDING_SUBJECT_COUNT, "server", "farm", "sender", "path")
TEXTS(peer_text, peer, PEER_COUNT, NULL, "verified", "unverified", "anonymous", "not-observable")
TEXTS(handshake_text, handshake, HANDSHAKE_COUNT, "none", "complete", "aborted", "refused",
      "cleartext")
TEXTS(cause_text, cause, CAUSE_COUNT, "cisco-esmtp-inspection", "on-path-rewrite",
      "man-on-the-side", "transparent-proxy", "tls-inspection-gateway", "farm-member-without-tls",
      "per-client-policy", "server-reconfigured", "server-tls-trouble", "tls-incompatible",
      "sender-without-sts", "domain-misconfigured", "tlsa-not-rolled", "ironport-tls-alert",
      "scanner-or-probe", "capture-artefact", "unknown")
