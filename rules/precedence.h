/* SPDX-License-Identifier: Apache-2.0 */
/* What rules are to each other: which speaks for an attack that several see, and which see the same
 * attack. */
#ifndef RULES_PRECEDENCE_H
#define RULES_PRECEDENCE_H

#include "rules/finding.h"

/* Of two findings of one severity, whether that of `a` speaks for both: the one nearer to the act.
 */
bool rule_before(enum rule_id a, enum rule_id b);

/* What an attacker is after. Rules of one group that fire on one server through one path tell of
 * one attack, each from where it looks. */
enum rule_group {
    RULE_GROUP_DOWNGRADE,    /* no TLS where it was to be: strip, refuse, fallback, forge, vantage,
                                and the promises that are broken by it */
    RULE_GROUP_INTERCEPTION, /* TLS, but with another, or weakened: tls, cert */
    RULE_GROUP_INJECTION,    /* words put into somebody's mouth: inject */
    RULE_GROUP_LOGIN,        /* credentials in clear: auth */
    RULE_GROUP_DISCOVERY,    /* where mail goes: discovery */
    RULE_GROUP_SENSOR,       /* the guard itself: sensor */
    RULE_GROUP_COUNT
};

enum rule_group rule_group(enum rule_id id);

#endif
