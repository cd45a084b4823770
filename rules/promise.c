/* SPDX-License-Identifier: Apache-2.0 */
/* What was promised: by the domain, by a list, by the operator, or inside the session itself. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/severity.h"
#include "rules/wording.h"

#include "base/text.h"
#include "policy/certificate.h"

#define PORT_SMTP 25 /* MTA-STS and the lists speak of mail between servers */

static const char not_supported[] = "starttls-not-supported"; /* RFC 8460 section 4.3.1 */

/* --- what all have in common --- */

/* Until a recipient is named, the mail may be for somebody else: then only the end can tell. */
static bool settled(const struct view *v, const struct expectation *e)
{
    return e->binding == BINDING_RECIPIENT || v->milestone == SESSION_CLOSED;
}

/* Of that source, the strictest that names this server, or does not say otherwise. */
static const struct expectation *covering(const struct view *v, enum expectation_source source)
{
    for (uint8_t i = 0; i < v->expected->count; i++) {
        const struct expectation *e = &v->expected->item[i];
        if (e->source == source && e->match == MX_MATCH_WHOLE && settled(v, e))
            return e;
    }
    return NULL;
}

/* Several hosts may have one address. Did the client ask for the certificate of this one? */
static bool asked_for(const struct view *v, const struct expectation *e)
{
    struct span asked = domain_trim(session_text(v->s, v->s->sni));
    return asked.n > 0 && span_eq_nocase(asked, domain_span(&e->mx));
}

/* The same for what was presented: first of all that of the host that was asked for. */
static const struct expectation *presented_for(const struct view *v, enum expectation_source source)
{
    for (uint8_t i = 0; i < v->expected->count; i++) {
        const struct expectation *e = &v->expected->item[i];
        if (e->source == source && e->match == MX_MATCH_WHOLE && settled(v, e) && asked_for(v, e))
            return e;
    }
    return covering(v, source);
}

/* The whole reply is here and offers nothing that a client could use (RFC 3207 section 4.1). */
static bool offers_nothing(const struct view *v)
{
    return v->offered == OFFERED_NO || v->offered == OFFERED_GARBLED;
}

static const char *bound_by(const struct expectation *e)
{
    switch (e->binding) {
    case BINDING_RECIPIENT:
        return "mail for it was sent here";
    case BINDING_DNS:
        return "its MX led here";
    case BINDING_SNI:
        return "the client asked for a name of its MX";
    default:
        return "the server greets with a name of its MX, which proves little";
    }
}

static void say_policy(struct finding *f, const struct view *v, const struct expectation *e)
{
    char until[TEXT_TIME] = "";
    text_time(until, e->until);
    until[10] = '\0'; /* the day is enough */
    wording_say(f, "%s has an MTA-STS policy in mode %s%s%s%s%s, and %s (%s).", e->domain.text,
                sts_mode_text(e->mode), e->id[0] ? ", id " : "", e->id,
                e->until == INT64_MAX ? "" : ", until ", e->until == INT64_MAX ? "" : until,
                bound_by(e), wording_server(v->s).text);
    if (!e->strict)
        wording_say(f, "The policy is not to the letter of RFC 8461: half of the senders would "
                       "not enforce it.");
    if (e->fetched_later)
        wording_say(f, "It was fetched within a day after the packets.");
}

/* One step each for what makes an alert rest on less. */
static void step_down(struct finding *f, const struct expectation *e)
{
    int steps = (e->mode == STS_MODE_TESTING) + !e->strict + e->fetched_later +
                (e->binding == BINDING_GREETING);
    for (; steps > 0 && f->severity > SEVERITY_LOW; steps--)
        f->severity--;
    f->confidence = CONFIDENCE_HIGH;
    if (!e->strict || e->fetched_later)
        f->confidence = CONFIDENCE_MEDIUM;
    if (e->binding == BINDING_GREETING)
        f->confidence = CONFIDENCE_LOW;
}

/* A finding about the offer takes the weight of the promise that it breaks. */
static void lift_offer_findings(struct judgement *out, enum severity to)
{
    for (uint8_t i = 0; i < out->finding_count; i++) {
        struct finding *f = &out->finding[i];
        bool offer = f->rule == RULE_STARTTLS_GARBLED || f->rule == RULE_STARTTLS_REMOVED;
        if (offer && f->severity > SEVERITY_INFO && f->severity < to)
            f->severity = to;
    }
}

static void break_promise(struct judgement *out, const struct expectation *e)
{
    if (out->promise_state != PROMISE_VIOLATED)
        out->promise = e;
    out->promise_state = PROMISE_VIOLATED;
}

/* Begins a finding about an offer that a promise demands, and that the reply does not have. */
static struct finding *offer_missing(const struct view *v, struct judgement *out, enum rule_id id,
                                     const struct expectation *e)
{
    const struct session *s = v->s;
    struct finding *f = raise_finding(out, v, id, SESSION_TO_CLIENT, s->reading.ehlo_offset);
    raise_rate(f, SEVERITY_ROW_E3, view_effect(v, true));
    step_down(f, e);
    if (!s->tls_complete)
        f->tlsrpt = not_supported;
    if (v->offered == OFFERED_GARBLED)
        raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    raise_alternative(f, CAUSE_FARM_MEMBER_WITHOUT_TLS);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    break_promise(out, e);
    return f;
}

static void finish_offer(struct finding *f, const struct view *v, struct judgement *out)
{
    const struct smtp_reading *r = &v->s->reading;
    wording_say(f, "The server's EHLO reply, %u lines, is complete and offers no STARTTLS.",
                r->line_count);
    wording_effect(f, v);
    wording_ehlo_line(f, v, v->offered == OFFERED_GARBLED ? v->garble.line : r->line_count - 1u,
                      v->offered == OFFERED_GARBLED ? "stands for STARTTLS"
                                                    : "last line; none offers STARTTLS");
    wording_effect_line(f, v);
    lift_offer_findings(out, f->severity);
}

/* --- sts-offer-missing, sts-cleartext --- */

/* POL-1a: the promise is the server's to keep, whatever its bytes look like. */
static void sts_offer_missing(const struct view *v, struct judgement *out)
{
    const struct expectation *e = covering(v, EXPECTATION_MTA_STS);
    if (!e || !offers_nothing(v))
        return;
    struct finding *f = offer_missing(v, out, RULE_STS_OFFER_MISSING, e);
    say_policy(f, v, e);
    finish_offer(f, v, out);
}

/* POL-1b: the server kept its promise, and the client made no use of it. */
static void sts_cleartext(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    const struct expectation *e = covering(v, EXPECTATION_MTA_STS);
    if (!e || e->mode != STS_MODE_ENFORCE || e->binding != BINDING_RECIPIENT ||
        v->offered != OFFERED_YES || v->asked || s->mails == 0)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_STS_CLEARTEXT, SESSION_TO_SERVER, s->mail_offset);
    if (v->sender_checks & SENDER_CHECKS_MTA_STS) {
        raise_rate(f, SEVERITY_ROW_E3, view_effect(v, false));
        step_down(f, e);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
        raise_alternative(f, CAUSE_SENDER_WITHOUT_STS);
    } else {
        raise_rate(f, SEVERITY_ROW_E1, view_effect(v, false));
        raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_SENDER_WITHOUT_STS);
    }
    say_policy(f, v, e);
    wording_say(f, "STARTTLS was offered.");
    if (v->sender_checks & SENDER_CHECKS_MTA_STS)
        wording_say(f, "This client was seen to ask DNS for MTA-STS records, and yet it sends in "
                       "clear: what it was shown may differ from what was seen here.");
    wording_effect(f, v);
    wording_effect_line(f, v);
    break_promise(out, e);
}

/* --- sts-mx-mismatch --- */

/* POL-2: the name comes from DNS; what a server calls itself proves nothing. */
static const struct expectation *mismatched(const struct view *v)
{
    for (uint8_t i = 0; i < v->expected->count; i++) {
        const struct expectation *e = &v->expected->item[i];
        if (e->source == EXPECTATION_MTA_STS && e->mx.n > 0 && e->match != MX_MATCH_WHOLE &&
            e->binding != BINDING_GREETING && settled(v, e))
            return e;
    }
    return NULL;
}

static void sts_mx_mismatch(const struct view *v, struct judgement *out)
{
    const struct expectation *e = mismatched(v);
    if (!e)
        return;
    struct finding *f = raise_finding(out, v, RULE_STS_MX_MISMATCH, SESSION_TO_SERVER, 0);
    raise_rate(f, SEVERITY_ROW_E3, view_effect(v, true));
    if (f->effect == EFFECT_HELD || f->effect == EFFECT_NOTHING)
        raise_cap(f, SEVERITY_MEDIUM); /* three domains of ten are misconfigured */
    step_down(f, e);
    say_policy(f, v, e);
    wording_say(f,
                "By the DNS on the tap this server is %s, and no pattern of the policy names it.",
                e->mx.text);
    if (e->match == MX_MATCH_DEPTH) {
        raise_cap(f, SEVERITY_LOW);
        raise_cause(f, CAUSE_DOMAIN_MISCONFIGURED);
        wording_say(f, "A pattern would, if its asterisk stood for more than one label.");
    } else {
        raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
        raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    }
    wording_effect(f, v);
    wording_effect_line(f, v);
    break_promise(out, e);
}

/* --- sts-certificate-invalid --- */

/* A sender that saw the certificate and went no further held its mail back. */
static enum effect certificate_effect(const struct view *v)
{
    enum effect effect = view_effect(v, true);
    if (effect == EFFECT_NOTHING && !v->s->tls_complete && v->closed)
        return EFFECT_HELD;
    return effect;
}

/* The name that the certificate must have (RFC 8461 section 4.1). A client that did not ask for it
 * may have been shown another (section 7.1): then names are not judged. */
static struct span host_to_name(const struct view *v, const struct expectation *e)
{
    bool judged = e->binding != BINDING_GREETING && asked_for(v, e);
    return judged ? domain_span(&e->mx) : span_of(NULL, 0);
}

/* RFC 8461 section 4.2 speaks of the authorities that the sender trusts: those of this system may
 * be others, unless the operator says that they are the ones. */
static bool is_matter_of_trust(const struct view *v, struct span host)
{
    const struct certificate *c = v->certificate;
    return !v->own_authorities && c->trust == CERT_TRUST_UNTRUSTED &&
           certificate_dates(c, session_handshake_time(v->s)) == CERT_DATES_OK &&
           (host.n == 0 || c->names_left || certificate_names(c, host));
}

static void say_certificate(struct finding *f, const struct view *v, struct span host)
{
    const struct certificate *c = v->certificate;
    char until[TEXT_SECONDS];
    if (c->trust == CERT_TRUST_UNREADABLE)
        wording_say(f, "What the server presented is no certificate.");
    else if (c->trust != CERT_TRUST_OK)
        wording_say(f,
                    "The chain that it presented leads to no authority of the trust store (%s); "
                    "it says to be issued by %s.",
                    certificate_trust_text(c->trust), wording_bytes(c->issuer).text);
    if (certificate_dates(c, session_handshake_time(v->s)) != CERT_DATES_OK &&
        text_seconds(until, c->valid_until))
        wording_say(f, "It is not valid at that time, but until %s.", until);
    if (host.n > 0 && !c->names_left && !certificate_names(c, host))
        wording_say(f, "It does not name %s.", wording_bytes(host).text);
}

/* POL-3. */
static void sts_certificate_invalid(const struct view *v, struct judgement *out)
{
    const struct expectation *e = presented_for(v, EXPECTATION_MTA_STS);
    const struct certificate *c = v->certificate;
    if (!e || !c || v->milestone != SESSION_CLOSED)
        return;
    struct span host = host_to_name(v, e);
    const char *result = certificate_tlsrpt(c, host, session_handshake_time(v->s));
    if (!result)
        return;
    struct finding *f = raise_finding(out, v, RULE_STS_CERTIFICATE_INVALID, SESSION_TO_CLIENT,
                                      v->s->tls.server_offset);
    raise_rate(f, SEVERITY_ROW_E3, certificate_effect(v));
    if (f->effect == EFFECT_HELD || f->effect == EFFECT_NOTHING)
        raise_cap(f, SEVERITY_MEDIUM); /* three domains of ten are misconfigured */
    step_down(f, e);
    f->tlsrpt = result;
    if (is_matter_of_trust(v, host))
        raise_cap(f, SEVERITY_INFO);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    say_policy(f, v, e);
    say_certificate(f, v, host);
    wording_effect(f, v);
    wording_effect_line(f, v);
    if (f->severity > SEVERITY_INFO)
        break_promise(out, e);
}

/* --- dane-violated --- */

static void say_dane(struct finding *f, const struct view *v, const struct expectation *e)
{
    wording_say(f,
                "%s found that %s receives at %s, and that this host has usable "
                "TLSA records: TLS is a must (RFC 7672); and %s (%s).",
                e->looked_up ? "Our own resolver" : "A resolver on the tap", e->domain.text,
                e->mx.text, bound_by(e), wording_server(v->s).text);
}

/* CRT-6: whoever rolls a key must roll the record first, and many do not. */
static void dane_mismatched(const struct view *v, struct judgement *out,
                            const struct expectation *e)
{
    struct finding *f =
        raise_finding(out, v, RULE_DANE_VIOLATED, SESSION_TO_CLIENT, v->s->tls.server_offset);
    raise_rate(f, SEVERITY_ROW_E3, certificate_effect(v));
    step_down(f, e);
    f->confidence = CONFIDENCE_MEDIUM; /* as authentic as the resolver's word */
    f->tlsrpt = dane_tlsrpt(e->dane);
    raise_alternative(f, CAUSE_TLSA_NOT_ROLLED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    say_dane(f, v, e);
    wording_say(f, "The certificate that the server presented, issued by %s, matches none of them.",
                wording_bytes(v->certificate->issuer).text);
    wording_effect(f, v);
    wording_effect_line(f, v);
    break_promise(out, e);
}

/* Where the client did not say which host it wants, the certificate of any of them will do. */
static bool mismatched_tlsa(const struct view *v, const struct expectation *e)
{
    if (e->dane != DANE_MISMATCH || asked_for(v, e))
        return e->dane == DANE_MISMATCH;
    for (uint8_t i = 0; i < v->expected->count; i++)
        if (v->expected->item[i].dane == DANE_MATCH)
            return false;
    return true;
}

static void dane_violated(const struct view *v, struct judgement *out)
{
    const struct expectation *e = presented_for(v, EXPECTATION_DANE);
    if (e && offers_nothing(v)) {
        struct finding *f = offer_missing(v, out, RULE_DANE_VIOLATED, e);
        say_dane(f, v, e);
        finish_offer(f, v, out);
    } else if (e && v->certificate && v->milestone == SESSION_CLOSED && mismatched_tlsa(v, e)) {
        dane_mismatched(v, out, e);
    }
}

/* --- preload-violated, partner-violated --- */

static void preload_violated(const struct view *v, struct judgement *out)
{
    const struct expectation *e = covering(v, EXPECTATION_PRELOAD);
    if (!e || !offers_nothing(v))
        return;
    struct finding *f = offer_missing(v, out, RULE_PRELOAD_VIOLATED, e);
    wording_say(f, "The preload list says of %s: TLS, mode %s; and %s (%s).", e->domain.text,
                sts_mode_text(e->mode), bound_by(e), wording_server(v->s).text);
    finish_offer(f, v, out);
}

static bool chain_has_key(const struct certificate *c, const uint8_t spki[32])
{
    for (uint32_t i = 0; i < c->chain_count; i++)
        if (memcmp(c->chain[i].spki_sha256, spki, 32) == 0)
            return true;
    return c->chain_left > 0; /* it may be among those */
}

/* What the operator demanded beyond TLS and the handshake did not have; "": all is well, as far as
 * it could be seen. */
static const char *undone(const struct view *v, const struct partner_demand *demand)
{
    const struct certificate *c = v->certificate;
    if (demand->version && v->s->tls_version && v->s->tls_version < demand->version)
        return "a version of TLS below the one that was demanded was selected";
    if (!c || c->trust == CERT_TRUST_UNREADABLE)
        return "";
    if (demand->pinned && !chain_has_key(c, demand->spki))
        return "no certificate of the chain has the key that was pinned";
    if (demand->issuer[0] && !span_eq(c->issuer_org, span_str(demand->issuer)))
        return "the certificate was issued by another organisation";
    return "";
}

static void say_partner(struct finding *f, const struct view *v, const struct expectation *e)
{
    wording_say(f, "The list of partners says that %s must use TLS, and %s (%s).", e->domain.text,
                bound_by(e), wording_server(v->s).text);
}

/* TLS came about, or nearly so, and not as it was demanded. */
static void partner_undone(const struct view *v, struct judgement *out, const struct expectation *e)
{
    const char *what = v->milestone == SESSION_CLOSED ? undone(v, &e->demand) : "";
    if (!what[0])
        return;
    struct finding *f =
        raise_finding(out, v, RULE_PARTNER_VIOLATED, SESSION_TO_CLIENT, v->s->tls.server_offset);
    raise_rate(f, SEVERITY_ROW_E3, certificate_effect(v));
    step_down(f, e);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    say_partner(f, v, e);
    wording_say(f, "TLS was spoken, but %s.", what);
    wording_effect(f, v);
    wording_effect_line(f, v);
    break_promise(out, e);
}

static void partner_violated(const struct view *v, struct judgement *out)
{
    const struct expectation *e = covering(v, EXPECTATION_PARTNER);
    bool missing = offers_nothing(v);
    if (!e)
        return;
    if (v->s->tls_complete || !(missing || v->s->mails > 0 || v->login)) {
        partner_undone(v, out, e);
        return;
    }
    struct finding *f = offer_missing(v, out, RULE_PARTNER_VIOLATED, e);
    if (!missing)
        f->tlsrpt = NULL; /* it was offered */
    say_partner(f, v, e);
    if (missing) {
        finish_offer(f, v, out);
        return;
    }
    wording_effect(f, v);
    wording_effect_line(f, v);
}

/* --- all promises made outside the session --- */

/* What the session is told of with, as long as none is broken. */
static const struct expectation *foremost(const struct view *v)
{
    for (uint8_t i = 0; i < v->expected->count; i++)
        if (asked_for(v, &v->expected->item[i]))
            return &v->expected->item[i];
    return &v->expected->item[0];
}

static void expectations_judge(const struct view *v, struct judgement *out)
{
    if (v->s->implicit_tls || v->s->key.server_port != PORT_SMTP)
        return;
    out->promise = foremost(v);
    if (v->mirror) /* what was clear here went through TLS */
        return;
    if (v->s->tls_complete && v->s->tls.certificates != TLS_CERTIFICATES_ANONYMOUS)
        out->promise_state = PROMISE_SATISFIED; /* without a certificate nobody can say */
    sts_offer_missing(v, out);
    sts_cleartext(v, out);
    sts_mx_mismatch(v, out);
    sts_certificate_invalid(v, out);
    dane_violated(v, out);
    preload_violated(v, out);
    partner_violated(v, out);
}

/* --- requiretls-violated --- */

/* RFC 8689 section 3: REQUIRETLS is offered inside TLS only, and a server that took it has
 * promised not to pass the message on in clear, though it came to it in clear. */
static void requiretls_violated(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (!s->requiretls)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_REQUIRETLS_VIOLATED, SESSION_TO_SERVER, s->requiretls_offset);
    raise_rate(f, SEVERITY_ROW_E3, view_effect(v, false));
    f->confidence = CONFIDENCE_HIGH;
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    wording_say(f,
                "MAIL carried REQUIRETLS outside TLS, where it is never offered, and the server "
                "%s.",
                s->requiretls_accepted ? "accepted it" : "did not accept it");
    wording_effect(f, v);
    if (!s->requiretls_accepted)
        raise_cap(f, SEVERITY_INFO);
    raise_unless_probe(f, v);
    if (v->mirror) {
        raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_CAPTURE_ARTEFACT);
    }
    wording_line(f, SESSION_TO_SERVER, s->requiretls_offset, "MAIL ... REQUIRETLS",
                 span_of(NULL, 0), "requires TLS, in clear");
}

void promise_judge(const struct view *v, struct judgement *out)
{
    if (v->expected)
        expectations_judge(v, out);
    requiretls_violated(v, out);
}
