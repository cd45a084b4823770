/* SPDX-License-Identifier: Apache-2.0 */
/* The chain that the server presented, where it could be seen: without a promise or history it says
 * nothing about an attack, since half of the mail world signs its own. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

#include "base/text.h"
#include "policy/certificate.h"

static struct finding *tell(const struct view *v, struct judgement *out, enum rule_id id)
{
    struct finding *f = raise_finding(out, v, id, SESSION_TO_CLIENT, v->s->tls.server_offset);
    raise_rate(f, SEVERITY_ROW_E1_INNOCENT, EFFECT_NOTHING);
    f->confidence = CONFIDENCE_HIGH;
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    return f;
}

static void say_issuer(struct finding *f, const struct certificate *c)
{
    wording_say(f, "It says to be issued by %s.", wording_bytes(c->issuer).text);
}

/* CRT-2. */
static void certificate_untrusted(const struct view *v, struct judgement *out)
{
    const struct certificate *c = v->certificate;
    if (c->trust == CERT_TRUST_OK || c->trust == CERT_TRUST_UNKNOWN)
        return;
    struct finding *f = tell(v, out, RULE_CERTIFICATE_UNTRUSTED);
    wording_say(f, "The certificate of %s leads to no authority of the trust store (%s).",
                wording_server(v->s).text, certificate_trust_text(c->trust));
    if (c->trust != CERT_TRUST_UNREADABLE)
        say_issuer(f, c);
}

/* CRT-3: at packet time. */
static void certificate_expired(const struct view *v, struct judgement *out)
{
    const struct certificate *c = v->certificate;
    enum certificate_dates dates = certificate_dates(c, session_handshake_time(v->s));
    char from[TEXT_SECONDS], until[TEXT_SECONDS];
    if (dates == CERT_DATES_OK || !text_seconds(from, c->valid_from) ||
        !text_seconds(until, c->valid_until))
        return;
    struct finding *f = tell(v, out, RULE_CERTIFICATE_EXPIRED);
    wording_say(f, "The chain of %s was %s: it holds from %s to %s.", wording_server(v->s).text,
                dates == CERT_DATES_EARLY ? "not valid yet" : "not valid any more", from, until);
}

/* The name that the client asked for; else the first word of the greeting behind its code (RFC 5321
 * section 4.2), if it has the form of a host's. */
static struct span name_of_server(const struct session *s, struct domain *room)
{
    struct span asked = session_text(s, s->sni), text = session_text(s, s->banner);
    size_t begin = 4, end;
    if (asked.n > 0)
        return asked;
    while (begin < text.n && text.p[begin] == ' ')
        begin++;
    for (end = begin; end < text.n && text.p[end] > ' ';)
        end++;
    text = span_first(span_from(text, begin), end - begin);
    return domain_read(text, room) && span_find(text, '.') < text.n ? domain_span(room)
                                                                    : span_of(NULL, 0);
}

/* CRT-4: who does not ask for a name may be given any (RFC 8461 section 7.1). */
static void certificate_name_mismatch(const struct view *v, struct judgement *out)
{
    const struct certificate *c = v->certificate;
    struct domain room;
    struct span host = name_of_server(v->s, &room);
    if (host.n == 0 || c->trust == CERT_TRUST_UNREADABLE || c->names_left ||
        certificate_names(c, host))
        return;
    struct finding *f = tell(v, out, RULE_CERTIFICATE_NAME_MISMATCH);
    wording_say(f, "%s %s, and none of the %u names of the certificate is it.",
                v->s->sni.len ? "The client asked for"
                              : "No name was asked for; the server greets as",
                wording_bytes(host).text, c->name_count);
}

/* CRT-5. Who signs for himself is an authority by habit. */
static void certificate_weak(const struct view *v, struct judgement *out)
{
    const struct certificate *c = v->certificate;
    uint32_t weak = c->weakness;
    if (c->self_signed)
        weak &= ~(certificate_weakness_bit(CERT_WEAK_AUTHORITY) |
                  certificate_weakness_bit(CERT_WEAK_LONG));
    if (weak == 0)
        return;
    struct finding *f = tell(v, out, RULE_CERTIFICATE_WEAK);
    wording_say(f, "The certificate of %s is weak:", wording_server(v->s).text);
    for (int w = 0; w < CERT_WEAK_COUNT; w++)
        if (weak & certificate_weakness_bit((enum certificate_weakness)w))
            wording_say(f, "%s", certificate_weakness_text((enum certificate_weakness)w));
    wording_say(f, "(%s of %u bits, %s, %u days).", certificate_key_text(c->key), c->key_bits,
                c->signature[0] ? c->signature : "unknown signature", c->days);
}

void cert_judge(const struct view *v, struct judgement *out)
{
    if (!v->certificate || v->milestone != SESSION_CLOSED)
        return;
    certificate_untrusted(v, out);
    certificate_expired(v, out);
    certificate_name_mismatch(v, out);
    certificate_weak(v, out);
}
