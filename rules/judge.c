/* SPDX-License-Identifier: Apache-2.0 */
/* All rules over one session, and the sum. */
#include "rules/families.h"
#include "rules/verdict.h"

/* Which of two findings of one severity speaks for the session: the one nearer to the act. */
static const enum rule_id precedence[] = {
    RULE_CONFLICTING_SEGMENTS,
    RULE_PATH_REWRITES,
    RULE_STARTTLS_GARBLED,
    RULE_STARTTLS_REMOVED,
    RULE_STARTTLS_COMMAND_GARBLED,
    RULE_EHLO_REFUSED,
    RULE_EHLO_VERB_GARBLED,
    RULE_STARTTLS_REFUSED,
    RULE_STARTTLS_IGNORED,
    RULE_CLEARTEXT_IN_HANDSHAKE,
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
    RULE_REQUIRETLS_VIOLATED,
    RULE_AUTH_IN_CLEAR,
    RULE_STARTTLS_UNANSWERED,
    RULE_HANDSHAKE_ABORTED,
    RULE_CLEARTEXT_AFTER_TLS,
    RULE_FORGED_RESET,
    RULE_CONFLICTING_HANDSHAKE,
    RULE_PATH_DISCONTINUITY,
    RULE_REPLY_TOO_FAST,
    RULE_STARTTLS_MISPLACED,
    RULE_GREETING_MASKED,
    RULE_KEY_EXCHANGE_WEAK,
    RULE_FALLBACK_SCSV,
    RULE_CIPHER_WEAK,
    RULE_VERSION_OBSOLETE,
    RULE_STS_CLEARTEXT,
    RULE_STS_RECORD_INVALID,
    RULE_CERTIFICATE_UNTRUSTED,
    RULE_CERTIFICATE_EXPIRED,
    RULE_CERTIFICATE_NAME_MISMATCH,
    RULE_CERTIFICATE_WEAK,
    RULE_UNSOLICITED_REPLY,
};
_Static_assert(sizeof(precedence) / sizeof(precedence[0]) == RULE_COUNT, "a rule has no place");

static size_t place_of(enum rule_id id)
{
    size_t i = 0;
    while (precedence[i] != id)
        i++;
    return i;
}

static bool before(const struct finding *a, const struct finding *b)
{
    if (a->severity != b->severity)
        return a->severity > b->severity;
    return place_of(a->rule) < place_of(b->rule);
}

static void sort(struct judgement *out)
{
    for (size_t i = 1; i < out->finding_count; i++) {
        struct finding f = out->finding[i];
        size_t at = i;
        for (; at > 0 && before(&f, &out->finding[at - 1]); at--)
            out->finding[at] = out->finding[at - 1];
        out->finding[at] = f;
    }
}

/* The line of the EHLO reply that stands for STARTTLS; a line that begins blank, whole. */
static void set_slot(const struct view *v, struct judgement *out)
{
    int line = v->offered == OFFERED_GARBLED ? (int)v->garble.line : v->starttls_line;
    out->slot = line > 0 ? line - 1 : -1;
    if (line <= 0)
        return;
    const struct ehlo_line *l = &v->s->reading.line[line];
    out->token = l->text;
    if (l->word_len > 0 && l->word_len < l->text.len)
        out->token.len = l->word_len;
}

void judge(const struct session *s, enum session_milestone m, const struct judge_aid *aid,
           struct judgement *out)
{
    struct view v = view_of(s, m, aid ? aid->memory : NULL);
    v.expected = aid && aid->expected && aid->expected->count > 0 ? aid->expected : NULL;
    v.sender_checks = aid ? aid->sender_checks : 0;
    v.certificate = aid ? aid->certificate : NULL;
    v.own_authorities = aid && aid->own_authorities;
    out->offered = v.conflicting ? OFFERED_CONFLICTING : v.offered;
    out->token = (struct text){0, 0};
    out->two_places = v.twin;
    out->promise = NULL;
    out->promise_state = PROMISE_UNKNOWN;
    out->sender_checks = v.sender_checks;
    out->finding_count = 0; /* the findings behind it are as large as a page: not cleared */
    set_slot(&v, out);
    forge_judge(&v, out);
    vantage_judge(&v, out);
    strip_judge(&v, out);
    refuse_judge(&v, out);
    inject_judge(&v, out);
    auth_judge(&v, out);
    tls_judge(&v, out);
    cert_judge(&v, out);
    promise_judge(&v, out);
    sort(out);
    out->verdict = verdict_of(&v, out);
    out->visibility = verdict_visibility(&v);
    out->handshake = verdict_handshake(&v, &out->stage);
    out->peer = verdict_peer(&v, out);
}
