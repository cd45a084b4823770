/* SPDX-License-Identifier: Apache-2.0 */
/* The path of the session, and the other end of it: path-stripped, and what TLS and TCP show of the
 * server. */
#include "rules/raise.h"
#include "rules/usual_parts.h"
#include "rules/weight.h"
#include "rules/wording.h"

/* --- path-stripped --- */

#define PATH_SERVERS 8 /* unrelated ones */
#define PATH_SHARE   5 /* fewer than one in so many offer */

static void path_stripped(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    bool lacking = v->offered == OFFERED_NO || v->offered == OFFERED_GARBLED ||
                   weight_found(out, RULE_EHLO_REFUSED);
    if (!lacking || b->path_servers < PATH_SERVERS ||
        b->path_offering * PATH_SHARE >= b->path_servers)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_PATH_STRIPPED, SESSION_TO_CLIENT, v->s->reading.ehlo_offset);
    const struct usual well = {.support = SUPPORT_WELL};
    weight_rate(f, &well, view_effect(v, true));
    f->subject = SUBJECT_PATH;
    if (v->expected)
        f->evidence |= EVIDENCE_E3;
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    raise_alternative(f, CAUSE_CISCO_ESMTP_INSPECTION);
    wording_say(f,
                "Of %u unrelated servers that this network reached on this path within a day and "
                "that are known to offer STARTTLS, %u did.",
                b->path_servers, b->path_offering);
    if (b->known_offer && b->offer.of == 0)
        wording_say(f, "This one names itself as one of %s.", b->known_offer);
    wording_effect(f, v);
    wording_effect_line(f, v);
}

/* --- TLS and TCP --- */

static bool ever(const struct usual_kind *k)
{
    return k->seen >= BASELINE_WELL_SESSIONS;
}

static void version_regressed(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    const struct baseline *b = v->usual;
    if (!s->tls_version || b->version.same > 0 || b->version_count < 2 ||
        b->version_count != b->version.seen || s->tls_version >= b->version_usual ||
        s->tls_newest < b->version_usual)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_VERSION_REGRESSED, SESSION_TO_CLIENT, s->tls.server_offset);
    weight_rate(f, &b->upgrade, EFFECT_NOTHING);
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    wording_say(f,
                "The ClientHello offers the TLS version that %s selected in all %u handshakes "
                "before; this time it selects an older one.",
                wording_server(s).text, b->version.seen);
}

static void certificate_changed(const struct view *v, struct judgement *out)
{
    const struct certificate *c = v->certificate;
    const struct baseline *b = v->usual;
    if (!c || b->spki.seen < 2 || b->spki.same > 0 || b->issuer.same > 0 || b->issuer.seen == 0)
        return;
    bool trusted = c->trust == CERT_TRUST_OK;
    struct finding *f =
        raise_finding(out, v, RULE_CERTIFICATE_CHANGED, SESSION_TO_CLIENT, v->s->tls.server_offset);
    const struct usual u = {.support = ever(&b->spki) ? SUPPORT_WELL : SUPPORT_THIN};
    weight_rate(f, &u, EFFECT_NOTHING);
    raise_cap(f, trusted ? SEVERITY_INFO : SEVERITY_LOW); /* once: then it is known */
    raise_cause(f, trusted ? CAUSE_SERVER_RECONFIGURED : CAUSE_TLS_INSPECTION_GATEWAY);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    wording_say(f,
                "In %u handshakes %s presented %u key%s, issued by %s; this key and its issuer are "
                "both new.",
                b->spki.seen, wording_server(v->s).text, b->spki.kinds,
                b->spki.kinds == 1 ? "" : "s",
                wording_bytes(span_str(b->issuer_usual ? b->issuer_usual : "?")).text);
}

/* CRT-7. All three are answers: to another hello another answer is no wonder. So it takes a sender
 * that had TLS with this very hello before. */
static void stack_changed(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    if (!baseline_other_stack(b) || b->sender_ja4.same == 0)
        return;
    struct finding *f = raise_finding(out, v, RULE_SERVER_STACK_CHANGED, SESSION_TO_CLIENT,
                                      v->s->tls.server_offset);
    const struct usual well = {.support = SUPPORT_WELL};
    weight_rate(f, &well, EFFECT_NOTHING);
    f->confidence = CONFIDENCE_LOW;
    raise_cause(f, CAUSE_SERVER_RECONFIGURED);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    wording_say(
        f,
        "In %u handshakes with %s neither its JA3S, nor the size of its encrypted flight, nor "
        "the print of its SYN/ACK was as here. The ClientHello is one that the sender had in %u of "
        "%u.",
        b->ja3s.seen, wording_server(v->s).text, b->sender_ja4.same, b->sender_ja4.seen);
}

void usual_proxies(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    if (!b->synack_seen || !ever(&b->synack) || b->synack.same > 0 ||
        weight_found(out, RULE_SERVER_STACK_CHANGED))
        return;
    bool beside = false;
    for (uint8_t i = 0; i < out->finding_count; i++)
        beside |= out->finding[i].severity > SEVERITY_INFO;
    struct finding *f =
        raise_finding(out, v, RULE_TRANSPARENT_PROXY, SESSION_TO_CLIENT, v->s->banner_offset);
    const struct usual well = {.support = SUPPORT_WELL};
    weight_rate(f, &well, EFFECT_NOTHING);
    raise_cap(f, beside ? SEVERITY_LOW : SEVERITY_INFO);
    f->confidence = CONFIDENCE_LOW;
    raise_cause(f, CAUSE_TRANSPARENT_PROXY);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    wording_say(f,
                "The SYN/ACK's options, scale and TTL were otherwise in all %u sessions with %s.",
                b->synack.seen, wording_server(v->s).text);
}

void usual_peers(const struct view *v, struct judgement *out)
{
    path_stripped(v, out);
    version_regressed(v, out);
    certificate_changed(v, out);
    stack_changed(v, out);
}
