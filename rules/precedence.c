/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/precedence.h"

static const enum rule_id precedence[] = {
    RULE_CONFLICTING_SEGMENTS,
    RULE_PATH_REWRITES,
    RULE_STARTTLS_GARBLED,
    RULE_STARTTLS_REMOVED,
    RULE_STARTTLS_VANISHED,
    RULE_PATH_STRIPPED,
    RULE_STARTTLS_COMMAND_GARBLED,
    RULE_EHLO_REFUSED,
    RULE_EHLO_VERB_GARBLED,
    RULE_STARTTLS_REFUSED,
    RULE_STARTTLS_IGNORED,
    RULE_CLEARTEXT_IN_HANDSHAKE,
    RULE_PLAINTEXT_FALLBACK,
    RULE_STARTTLS_PLANTED,
    RULE_DOWNGRADE_SENTINEL,
    RULE_HANDSHAKE_ALTERED,
    RULE_COMMAND_INJECTION,
    RULE_RESPONSE_INJECTION,
    RULE_DANE_VIOLATED,
    RULE_STS_OFFER_MISSING,
    RULE_PARTNER_VIOLATED,
    RULE_PRELOAD_VIOLATED,
    RULE_STS_MX_MISMATCH,
    RULE_STS_CERTIFICATE_INVALID,
    RULE_MX_SPOOFED,
    RULE_STS_RECORD_SUPPRESSED,
    RULE_TLSA_STRIPPED,
    RULE_STS_POLICY_WEAKENED,
    RULE_REQUIRETLS_VIOLATED,
    RULE_AUTH_IN_CLEAR,
    RULE_SENDER_STOPPED_UPGRADING,
    RULE_DELIVERY_HELD,
    RULE_MX_STEERED,
    RULE_STARTTLS_UNANSWERED,
    RULE_HANDSHAKE_ABORTED,
    RULE_CLEARTEXT_AFTER_TLS,
    RULE_FORGED_RESET,
    RULE_CONFLICTING_HANDSHAKE,
    RULE_PATH_DISCONTINUITY,
    RULE_REPLY_TOO_FAST,
    RULE_CERTIFICATE_CHANGED,
    RULE_VERSION_REGRESSED,
    RULE_SERVER_STACK_CHANGED,
    RULE_TRANSPARENT_PROXY,
    RULE_KEYWORD_REMOVED,
    RULE_STARTTLS_MISPLACED,
    RULE_GREETING_MASKED,
    RULE_KEY_EXCHANGE_WEAK,
    RULE_FALLBACK_SCSV,
    RULE_CIPHER_WEAK,
    RULE_VERSION_OBSOLETE,
    RULE_STS_CLEARTEXT,
    RULE_STS_POLICY_UNREACHABLE,
    RULE_STS_ID_REPLAYED,
    RULE_STS_RECORD_INVALID,
    RULE_CERTIFICATE_UNTRUSTED,
    RULE_CERTIFICATE_EXPIRED,
    RULE_CERTIFICATE_NAME_MISMATCH,
    RULE_CERTIFICATE_WEAK,
    RULE_UNSOLICITED_REPLY,
    RULE_COVERAGE_LOST,
    RULE_MEMORY_STALE,
};
_Static_assert(sizeof(precedence) / sizeof(precedence[0]) == RULE_COUNT, "a rule has no place");

static size_t place_of(enum rule_id id)
{
    size_t i = 0;
    while (precedence[i] != id)
        i++;
    return i;
}

bool rule_before(enum rule_id a, enum rule_id b)
{
    return place_of(a) < place_of(b);
}

static const struct {
    const char *family;
    enum rule_group group;
} groups[] = {
    {"tls", RULE_GROUP_INTERCEPTION},    {"cert", RULE_GROUP_INTERCEPTION},
    {"inject", RULE_GROUP_INJECTION},    {"auth", RULE_GROUP_LOGIN},
    {"discovery", RULE_GROUP_DISCOVERY}, {"sensor", RULE_GROUP_SENSOR},
};

enum rule_group rule_group(enum rule_id id)
{
    const char *family = rule_row(id)->family;
    if (id == RULE_STS_CERTIFICATE_INVALID) /* a promise, but what breaks it is the certificate */
        return RULE_GROUP_INTERCEPTION;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strcmp(groups[i].family, family) == 0)
            return groups[i].group;
    return RULE_GROUP_DOWNGRADE;
}
