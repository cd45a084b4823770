/* SPDX-License-Identifier: Apache-2.0 */
/* What several sessions of a client or a sender tell together: plaintext-fallback,
 * sender-stopped-upgrading, delivery-held. */
#include <stdio.h>

#include "base/text.h"
#include "rules/raise.h"
#include "rules/usual_parts.h"
#include "rules/weight.h"
#include "rules/wording.h"

static void link(struct finding *f, const struct usual_attempt *list, uint8_t count)
{
    for (uint8_t i = 0; i < count && f->linked_count < CAP_LINKED; i++)
        f->linked[f->linked_count++] = list[i].flow_id;
}

static const char *ago(nstime now, nstime then, char text[32])
{
    double s = (double)clock_since(now, then) / NS_PER_S;
    if (s < 120)
        snprintf(text, 32, "%.3g s", s);
    else if (s < 7200)
        snprintf(text, 32, "%.0f min", s / 60);
    else
        snprintf(text, 32, "%.1f h", s / 3600);
    return text;
}

static const char *ended(const struct usual_attempt *a)
{
    switch (a->fate) {
    case OBSERVED_FATE_ALERT:
        return "ended by a TLS alert";
    case OBSERVED_FATE_REFUSED:
        return "was refused";
    default:
        return "was cut off";
    }
}

#define SOMETIMES 1  /* handshakes that failed: the first ones are told of */
#define OFTEN     20 /* one handshake in so many fails: it is the sender's way */

/* Two that cannot agree upon a version or a suite fail each time: said once, it is known. */
static bool known_incompatible(const struct baseline *b)
{
    bool often = b->sender_incompatible > SOMETIMES &&
                 b->sender_incompatible * OFTEN > b->sender_upgrade.did;
    return b->pair_upgrade.did == 0 && (b->fell_back > 0 || often);
}

/* What a ClientHello lacks for one server, as an alert says, it lacks for others like it. */
static bool lacks_elsewhere(const struct baseline *b, uint64_t flow)
{
    return b->pair_upgrade.did == 0 && b->client_alert != 0 && b->client_alert != flow;
}

/* An alert of an endpoint, between two that never had TLS, says why the attempt failed. The tap may
 * have missed one; but of a sender's machines only that is excused for it which had some before. */
bool usual_incompatible(const struct baseline *b, const struct usual_attempt *a)
{
    bool missed = known_incompatible(b) && (b->client_alert != 0 || b->fell_back > 0);
    return b->pair_upgrade.did == 0 && (a->fate == OBSERVED_FATE_ALERT || missed);
}

/* Then it is told of once: with the first attempts of the client, if they were just now. */
void usual_excuse(struct finding *f, const struct baseline *b, const struct usual_attempt *a)
{
    bool before = a->fate == OBSERVED_FATE_ALERT && lacks_elsewhere(b, a->flow_id);
    for (uint8_t i = 0; i < b->failed_count; i++)
        before &= b->failed[i].flow_id != b->client_alert;
    raise_cap(f, before || known_incompatible(b) ? SEVERITY_INFO : SEVERITY_LOW);
    raise_cause(f, CAUSE_TLS_INCOMPATIBLE);
}

static void aborted(const struct view *v, struct judgement *out)
{
    struct finding *f = weight_found(out, RULE_HANDSHAKE_ABORTED);
    bool before = known_incompatible(v->usual) || lacks_elsewhere(v->usual, v->s->flow_id);
    if (!f || f->cause != CAUSE_TLS_INCOMPATIBLE || !before)
        return;
    raise_cap(f, SEVERITY_INFO);
    wording_say(f, "Handshakes of this client ended so before, and it never had TLS here.");
}

/* XSN-1. An alert of an endpoint, between two that never had TLS, says why. */
static void fallback(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    enum effect effect = view_effect(v, false);
    char text[32];
    if (b->failed_count == 0 || v->asked || effect < EFFECT_MAIL || v->mirror ||
        v->offered == OFFERED_NO) /* it could not but send in clear */
        return;
    const struct usual_attempt *a = &b->failed[0];
    struct finding *f =
        raise_finding(out, v, RULE_PLAINTEXT_FALLBACK, SESSION_TO_SERVER, v->s->mail_offset);
    raise_rate(f, SEVERITY_ROW_E1, effect);
    f->evidence = EVIDENCE_E1 | EVIDENCE_E2;
    if (usual_incompatible(b, a)) {
        usual_excuse(f, b, a);
    } else if (b->upgrade.support == SUPPORT_WELL) {
        weight_lift(f, &b->upgrade, weight_of(&b->upgrade, effect));
    }
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    wording_say(f,
                "A handshake of this client with %s %s %s ago; now it sends in clear without "
                "asking for TLS.",
                a->same_server ? "this server" : "another server of the same owner", ended(a),
                ago(v->s->now, a->time, text));
    if (b->upgrade.did > 0)
        wording_say(f, "TLS came about in %u of %u sessions with %s over %u day%s.", b->upgrade.did,
                    b->upgrade.of, wording_server(v->s).text, b->upgrade.days,
                    b->upgrade.days == 1 ? "" : "s");
    wording_effect(f, v);
    link(f, b->failed, b->failed_count);
    if (v->starttls_line > 0)
        wording_ehlo_line(f, v, (size_t)v->starttls_line, "the offer that was not taken");
    wording_effect_line(f, v);
}

/* XSN-3, on the server's side of a rewriter. Several machines behind one address or name, of which
 * some know no TLS, and destinations that are left out, look the same in one session: what tells is
 * whether the sender comes back to TLS. Who does so now and then has not stopped; of others it is
 * said from the fifth session in a row on, and then, or when too few came by, of those before it,
 * which were info when they came (history/stops.h). */
static void stopped_upgrading(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    const struct usual *u = &b->sender_upgrade;
    enum effect effect = view_effect(v, false);
    bool helo = v->s->hello == HELLO_HELO && v->s->ehlo_count == 0;
    uint32_t sessions = b->sender_lapses + 1;
    char pair[256];
    if (!(v->offered == OFFERED_YES || helo) || v->asked || effect < EFFECT_MAIL ||
        b->failed_count > 0 || u->support == SUPPORT_NONE || !b->sender_known_name ||
        (b->pair_upgrade.did == 0 && !b->sender_knows_server) || b->sender_mixed || b->sender_back)
        return;
    if (weight_found(out, RULE_STARTTLS_COMMAND_GARBLED) ||
        weight_found(out, RULE_EHLO_VERB_GARBLED))
        return; /* it asked, and was not understood */
    struct finding *f =
        raise_finding(out, v, RULE_SENDER_STOPPED_UPGRADING, SESSION_TO_SERVER, v->s->mail_offset);
    weight_rate(f, u, effect);
    if (sessions < BASELINE_STOPPED)
        raise_cap(f, SEVERITY_INFO);
    f->subject = SUBJECT_SENDER;
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_UNKNOWN);
    if (b->pair_upgrade.did > 0)
        snprintf(pair, sizeof(pair), ", %u of them with %s, not in this one.", b->pair_upgrade.did,
                 wording_server(v->s).text);
    else
        snprintf(pair, sizeof(pair), ", some of them with %s, not in this one.",
                 wording_server(v->s).text);
    weight_say_upgrades(f, b, pair);
    if (sessions < BASELINE_STOPPED)
        wording_say(f, "Whether it comes back to TLS is not known yet.");
    else
        wording_say(f, "It has sent in clear %u times in a row.", sessions);
    wording_say(f, helo ? "It said HELO, where no STARTTLS exists: it was set up anew, or its EHLO "
                          "was refused on the way."
                        : "Either it was set up anew, or the offer did not reach it.");
    wording_effect(f, v);
    if (v->starttls_line > 0)
        wording_ehlo_line(f, v, (size_t)v->starttls_line, "the offer that was not taken");
    wording_effect_line(f, v);
}

#define HELD_LEFT 2 /* times that a sender left by itself: no chance */
#define HELD_DIED 4 /* times that its line broke */

/* Does it leave by itself, for want of TLS? */
static bool leaves(const struct view *v)
{
    int code = v->s->reading.upgrade_code;
    return v->s->quit && (v->offered == OFFERED_NO || v->offered == OFFERED_GARBLED ||
                          (code != 0 && code != 220));
}

/* Times that it went without handing in its mail, with this one; 0: not now, or too few. */
static uint32_t times_held(const struct view *v, const struct judgement *out)
{
    const struct baseline *b = v->usual;
    uint32_t all = 1u + b->held_count + b->failed_count, left = 1u + b->held_count;
    bool unwilling =
        v->milestone == SESSION_CLOSED && v->s->mail_commands == 0 && !v->s->tls_complete;
    for (uint8_t i = 0; i < b->failed_count; i++)
        left += b->failed[i].fate == OBSERVED_FATE_REFUSED;
    if (unwilling && leaves(v))
        return left >= HELD_LEFT || all >= HELD_DIED ? all : 0;
    return unwilling && weight_handshake_failed(out) && all >= HELD_DIED ? all : 0;
}

/* Trouble of the server hits everybody, or the server says so itself (RFC 5321 section 3.8: 421;
 * RFC 3207 section 4: 454). Unless others were served since, nobody is after this sender's mail. */
static bool of_the_server(const struct view *v)
{
    const struct doubt_view *d = v->asked ? &v->usual->upgrade_doubt : &v->usual->offer_doubt;
    int code = v->s->reading.upgrade_code;
    return !weight_told_apart(d) &&
           (d->missed > 1 || v->s->code_421 || (code >= 400 && code < 500));
}

/* XSN-6. */
static void held(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    bool promised = v->expected != NULL;
    bool trouble = !promised && of_the_server(v);
    const struct usual *u = weight_offers_of(b);
    char text[32];
    uint32_t times = times_held(v, out);
    if (times == 0 || b->only_looks || (u->support == SUPPORT_NONE && !promised) ||
        !(promised || b->sender_delivers || b->pair_upgrade.did > 1))
        return;
    const struct usual_attempt *a = b->held_count > 0 ? &b->held[0] : &b->failed[0];
    struct finding *f =
        raise_finding(out, v, RULE_DELIVERY_HELD, SESSION_TO_SERVER, v->s->ehlo_cmd_offset);
    weight_rate(f, u, EFFECT_HELD);
    if (promised)
        raise_rate(f, SEVERITY_ROW_E3, EFFECT_HELD);
    else if (trouble)
        raise_cap(f, SEVERITY_LOW);
    raise_cause(f, trouble ? CAUSE_SERVER_TLS_TROUBLE : CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    wording_say(
        f,
        "The sender has left %s without handing in its mail %u times, the last time %s ago, "
        "and delivered nothing between: it seems to insist on TLS.",
        wording_server(v->s).text, times, ago(v->s->now, a->time, text));
    if (u->did > 0)
        weight_say_offers(f, v->s, u,
                          v->offered == OFFERED_YES ? "and in this one" : "not in this one");
    link(f, b->held, b->held_count);
    link(f, b->failed, b->failed_count);
}

void usual_sessions(const struct view *v, struct judgement *out)
{
    aborted(v, out);
    fallback(v, out);
    stopped_upgrading(v, out);
    held(v, out);
}
