/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/verdict.h"

#include "policy/certificate.h"

/* Findings that say someone kept TLS from coming about. */
static bool speaks_of_tampering(enum rule_id id)
{
    switch (id) {
    case RULE_STARTTLS_REMOVED:
    case RULE_STARTTLS_GARBLED:
    case RULE_EHLO_REFUSED:
    case RULE_EHLO_VERB_GARBLED:
    case RULE_STARTTLS_REFUSED:
    case RULE_STARTTLS_IGNORED:
    case RULE_STARTTLS_COMMAND_GARBLED:
    case RULE_CONFLICTING_SEGMENTS:
    case RULE_PATH_REWRITES:
    case RULE_HANDSHAKE_ALTERED:
        return true;
    default:
        return false;
    }
}

/* Of the tampering kind, above info, and about what decides. */
static bool tampered(const struct view *v, const struct judgement *out)
{
    for (size_t i = 0; i < out->finding_count; i++) {
        const struct finding *f = &out->finding[i];
        bool unfounded = (f->rule == RULE_STARTTLS_REFUSED && v->offered == OFFERED_UNKNOWN) ||
                         (f->rule == RULE_CONFLICTING_SEGMENTS && !v->decides) ||
                         (f->rule == RULE_PATH_REWRITES && !v->rewritten) ||
                         (f->rule == RULE_STARTTLS_REMOVED && f->evidence == EVIDENCE_E2);
        if (speaks_of_tampering(f->rule) && f->severity > SEVERITY_INFO && !unfounded)
            return true;
    }
    return false;
}

static bool found(const struct judgement *out, enum rule_id id)
{
    for (size_t i = 0; i < out->finding_count; i++)
        if (out->finding[i].rule == id && out->finding[i].severity > SEVERITY_INFO)
            return true;
    return false;
}

/* It was not as it always was. */
static bool unusual(const struct judgement *out)
{
    return found(out, RULE_STARTTLS_REMOVED) || found(out, RULE_PLAINTEXT_FALLBACK) ||
           found(out, RULE_SENDER_STOPPED_UPGRADING) || found(out, RULE_PATH_STRIPPED);
}

/* Enough to say that nothing stood against the clear text: the reply to EHLO, or that there was
 * none to have. */
static bool saw_enough(const struct view *v)
{
    const struct session *s = v->s;
    bool without = s->reading.refused_code != 0 || s->hello == HELLO_HELO;
    return v->reply_whole || (s->reading.ehlo == EHLO_NONE && without && view_both(v));
}

static bool both_whole(const struct session *s)
{
    return session_whole(s, SESSION_TO_SERVER) && session_whole(s, SESSION_TO_CLIENT);
}

/* Nothing went through. */
static enum verdict nothing_sent(const struct view *v, bool wronged)
{
    const struct session *s = v->s;
    if (s->midstream || !view_both(v) || s->not_smtp || !(v->closed || s->quit) ||
        v->milestone != SESSION_CLOSED)
        return VERDICT_UNKNOWN;
    if (s->tls_stage != TLS_STAGE_NONE && !both_whole(s)) /* what was lost may have completed it */
        return VERDICT_UNKNOWN;
    if (wronged && (s->quit || s->mail_commands == 0))
        return VERDICT_HELD;
    return VERDICT_FAILED;
}

enum verdict verdict_of(const struct view *v, const struct judgement *out)
{
    const struct session *s = v->s;
    bool clear = s->mails > 0 || s->auth == AUTH_ACCEPTED;
    bool tampering = tampered(v, out);
    if (v->mirror)
        return VERDICT_UNKNOWN;
    if (s->tls_complete && !clear)
        return VERDICT_ENCRYPTED;
    if (clear && tampering)
        return VERDICT_DOWNGRADED;
    if (clear && (found(out, RULE_REQUIRETLS_VIOLATED) || unusual(out) ||
                  out->promise_state == PROMISE_VIOLATED))
        return VERDICT_EXPOSED;
    if (clear)
        return saw_enough(v) ? VERDICT_OPPORTUNISTIC_CLEAR : VERDICT_UNKNOWN;
    bool wronged = tampering || out->promise_state == PROMISE_VIOLATED ||
                   found(out, RULE_STARTTLS_REMOVED) || found(out, RULE_DELIVERY_HELD);
    return nothing_sent(v, wronged);
}

static bool payload(const struct session *s, enum session_dir d)
{
    return s->seen[d] && (s->bytes[d] > 0 || s->gap_bytes[d] > 0 || s->cut_bytes[d] > 0);
}

/* Losses inside TLS take nothing from what we can say. */
static bool lossy(const struct view *v)
{
    const struct session *s = v->s;
    if (s->reading.ehlo == EHLO_GAP || s->reading.ehlo == EHLO_CUT)
        return true;
    return s->tls_stage == TLS_STAGE_NONE && !both_whole(s);
}

enum visibility verdict_visibility(const struct view *v)
{
    bool client = payload(v->s, SESSION_TO_SERVER), server = payload(v->s, SESSION_TO_CLIENT);
    if (client && !server)
        return VISIBILITY_CLIENT;
    if (server && !client && !v->s->seen[SESSION_TO_SERVER])
        return VISIBILITY_SERVER;
    return v->s->midstream || lossy(v) ? VISIBILITY_PARTIAL : VISIBILITY_BOTH;
}

static const char *died_at(const struct session *s)
{
    if (s->tls_stage >= TLS_STAGE_CERTIFICATE)
        return "certificate";
    if (s->tls_stage == TLS_STAGE_SERVER_HELLO)
        return "server-hello";
    if (s->tls_stage == TLS_STAGE_CLIENT_HELLO)
        return "client-hello";
    return s->upgrade_accepted ? "reply" : "starttls";
}

enum handshake verdict_handshake(const struct view *v, const char **stage)
{
    const struct session *s = v->s;
    int code = s->reading.upgrade_code;
    bool clear = s->client_after == BYTES_CLEAR || s->server_after == BYTES_CLEAR;
    bool over = v->milestone == SESSION_UPGRADE_DECIDED || v->milestone == SESSION_CLOSED;
    *stage = NULL;
    if (s->tls_complete)
        return HANDSHAKE_COMPLETE;
    if (s->implicit_tls ? s->tls_stage == TLS_STAGE_NONE : !v->asked)
        return HANDSHAKE_NONE;
    if (!s->implicit_tls && code != 0 && code != 220)
        return HANDSHAKE_REFUSED;
    if (!s->implicit_tls && s->upgrade_accepted && clear) {
        *stage = died_at(s);
        return HANDSHAKE_CLEARTEXT;
    }
    if (!over)
        return HANDSHAKE_NONE;
    *stage = died_at(s);
    return HANDSHAKE_ABORTED;
}

/* Is it the name that the client asked for, or that DNS had said? */
static bool named(const struct view *v, const struct judgement *j)
{
    struct span sni = session_text(v->s, v->s->sni);
    const struct expectation *e = j->promise;
    if (e && e->mx.n > 0 && e->binding != BINDING_GREETING)
        return certificate_names(v->certificate, span_of(e->mx.text, e->mx.n));
    return sni.n > 0 && certificate_names(v->certificate, sni);
}

enum peer verdict_peer(const struct view *v, const struct judgement *j)
{
    const struct certificate *c = v->certificate;
    if (!v->s->tls_complete)
        return PEER_NONE;
    if (v->s->tls.certificates == TLS_CERTIFICATES_ANONYMOUS)
        return PEER_ANONYMOUS;
    if (!c || c->trust == CERT_TRUST_UNKNOWN)
        return PEER_NOT_OBSERVABLE;
    if (c->trust == CERT_TRUST_OK &&
        certificate_dates(c, session_handshake_time(v->s)) == CERT_DATES_OK && named(v, j))
        return PEER_VERIFIED;
    return PEER_UNVERIFIED;
}
