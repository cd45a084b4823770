/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/usual.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "rules/families.h"
#include "rules/keywords.h"
#include "rules/raise.h"
#include "rules/wording.h"

#define NEVER 20 /* sessions without an offer: this server has none */

/* --- weight and words --- */

static const struct usual nothing;

/* By how well the memory is supported. */
static enum severity weight_of(const struct usual *u, enum effect effect)
{
    enum severity v = severity_of(SEVERITY_ROW_E2, effect);
    if (u->support == SUPPORT_WELL)
        return v;
    return v > SEVERITY_LOW + 2 ? v - 2 : SEVERITY_LOW;
}

static enum confidence confidence_of(const struct usual *u)
{
    return u->support == SUPPORT_WELL ? CONFIDENCE_HIGH : CONFIDENCE_LOW;
}

static void rate(struct finding *f, const struct usual *u, enum effect effect)
{
    const struct rule *rule = rule_row(f->rule);
    f->effect = effect;
    f->evidence = EVIDENCE_E2;
    f->severity = severity_bound(weight_of(u, effect), rule->floor, rule->ceiling);
    f->confidence = confidence_of(u);
}

/* Adds the evidence of history to a finding that has its own. */
static void lift(struct finding *f, const struct usual *u, enum severity to)
{
    const struct rule *rule = rule_row(f->rule);
    f->evidence |= EVIDENCE_E2;
    to = severity_bound(to, rule->floor, rule->ceiling);
    if (to <= f->severity)
        return;
    f->severity = to;
    if (f->confidence < confidence_of(u))
        f->confidence = confidence_of(u);
}

static struct finding *found(struct judgement *out, enum rule_id id)
{
    for (uint8_t i = 0; i < out->finding_count; i++)
        if (out->finding[i].rule == id)
            return &out->finding[i];
    return NULL;
}

static void say_offers(struct finding *f, const struct session *s, const struct usual *u,
                       const char *but)
{
    wording_say(f, "%s offered STARTTLS in %u of %u sessions from %s%u client%s over %u day%s, %s.",
                wording_server(s).text, u->did, u->of, u->more_clients ? "more than " : "",
                u->clients, u->clients == 1 ? "" : "s", u->days, u->days == 1 ? "" : "s", but);
}

/* Where sensors share a memory. */
static void say_taps(struct finding *f, const struct baseline *b)
{
    uint32_t of = 0, did = 0, of_others = 0, did_others = 0;
    for (uint8_t i = 0; i < b->vantage_count; i++) {
        const struct usual_vantage *at = &b->vantage[i];
        of += at->here ? at->of : 0;
        did += at->here ? at->did : 0;
        of_others += at->here ? 0 : at->of;
        did_others += at->here ? 0 : at->did;
    }
    if (b->placed && of_others > 0)
        wording_say(f,
                    "It was seen to offer it in %u of %u from this tap, in %u of %u from others.",
                    did, of, did_others, of_others);
}

/* Does something else in the session say that it was meddled with? */
static bool meddled(const struct judgement *out)
{
    for (uint8_t i = 0; i < out->finding_count; i++)
        if (out->finding[i].severity > SEVERITY_INFO &&
            out->finding[i].evidence & (EVIDENCE_E1 | EVIDENCE_E4 | EVIDENCE_E5))
            return true;
    return false;
}

/* --- the reply, against the replies that are known --- */

/* Is the reply the known one but for the line in the slot of STARTTLS? */
static bool fills_slot(const struct view *v, const struct layout_known *k)
{
    size_t differ = 0;
    if (k->slot < 0 || v->s->reading.line_count != k->count + 1u)
        return false;
    struct span word = view_word(v, (size_t)k->slot + 1);
    for (size_t i = 0; i < k->count; i++) {
        bool same = span_eq_nocase(view_word(v, i + 1), layout_word(k, i));
        bool beside = (int)i == k->slot - 1 || (int)i == k->slot + 1;
        if ((int)i == k->slot)
            continue;
        if (beside && !same)
            return false;
        differ += !same;
        if (span_eq_nocase(word, layout_word(k, i)))
            return false; /* a line has moved */
    }
    return differ <= k->count / 4u && !(word.n > 0 && keywords_known(word));
}

void usual_read(struct view *v)
{
    const struct baseline *b = v->usual;
    if (!b || v->offered != OFFERED_NO || b->offer.support == SUPPORT_NONE || b->mixed)
        return;
    for (uint8_t i = 0; i < b->layout_count; i++) {
        const struct usual_layout *l = &b->layout[i];
        if (!fills_slot(v, &l->known) || (v->layout && l->count < v->layout->count))
            continue;
        v->layout = l;
        v->offered = OFFERED_GARBLED;
        v->garble = (struct garble){.kind = GARBLE_REMEMBERED, .line = (size_t)l->known.slot + 1};
    }
}

/* All of a known reply, in order, but for STARTTLS. */
static bool is_remainder(const struct view *v, const struct layout_known *k)
{
    if (k->slot < 0 || v->s->reading.line_count != k->count)
        return false;
    for (size_t i = 1; i < v->s->reading.line_count; i++)
        if (!span_eq_nocase(view_word(v, i), layout_word(k, i - 1 + ((int)i > k->slot))))
            return false;
    return true;
}

static bool otherwise_as_usual(const struct view *v)
{
    for (uint8_t i = 0; i < v->usual->layout_count; i++)
        if (is_remainder(v, &v->usual->layout[i].known))
            return true;
    return false;
}

/* --- starttls-removed, starttls-garbled, ehlo-refused --- */

/* What the offers of this server, or of its owner, are worth as a memory. */
static const struct usual *offers_of(const struct baseline *b)
{
    if (b->mixed)
        return &nothing;
    if (b->offer.of == 0 && b->farm_offer.support != SUPPORT_NONE)
        return &b->farm_offer;
    return &b->offer;
}

/* What was found of one path says nothing of another: there it begins anew. */
static bool told_apart(const struct doubt_view *d)
{
    return (d->state == DOUBT_SELECTIVE && d->same_path) || d->state == DOUBT_PATH ||
           d->state == DOUBT_UNDECIDED;
}

static void say_doubt(struct finding *f, const struct doubt_view *d, const char *served)
{
    switch (d->state) {
    case DOUBT_SELECTIVE:
        if (d->served == 0) {
            wording_say(f,
                        "Since it began, other sensors saw it offered, %" PRIu64 " times or more.",
                        d->elsewhere);
            break;
        }
        wording_say(f, "Since it began, %u session%s of %u other client%s %s %s.", d->served,
                    d->served == 1 ? "" : "s", d->served_others, d->served_others == 1 ? "" : "s",
                    d->served == 1 ? "was" : "were", served);
        break;
    case DOUBT_PATH:
        wording_say(f, "Other servers miss it on the same path since the same minutes.");
        break;
    case DOUBT_UNDECIDED:
        wording_say(f,
                    "Nobody else came by since, so a server that was set up anew cannot be ruled "
                    "out.");
        break;
    default:
        if (d->missed > 1)
            wording_say(f,
                        "%u clients miss it, and nobody was %s since: the server may have been "
                        "set up anew.",
                        d->missed, served);
        else
            wording_say(f, "Whether others still have it is not known yet.");
    }
}

/* One session cannot tell a server that was set up anew: until others were seen it is low. Nor can
 * a client that was never served be told from one that shall not be. */
static void wait_for_others(struct finding *f, const struct view *v, const struct judgement *out)
{
    const struct baseline *b = v->usual;
    const struct doubt_view *d = &b->offer_doubt;
    bool served = baseline_would_serve(b);
    if ((!told_apart(d) || !served) && !meddled(out))
        raise_cap(f, SEVERITY_LOW);
    if (!served) {
        raise_cause(f, CAUSE_PER_CLIENT_POLICY);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
        wording_say(f, "This client never had it%s.",
                    b->never_served > 0 ? ", nor had others" : "");
        if (b->never_served > 0 || b->constant_miss)
            raise_cap(f, SEVERITY_INFO);
    }
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    say_doubt(f, d, "offered it");
}

static void removed(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    const struct usual *u = offers_of(b);
    struct finding *f = found(out, RULE_STARTTLS_REMOVED);
    bool misplaced =
        v->s->reading.line_count > 0 && keywords_first(view_line(v, 0), span_str("STARTTLS"));
    if (v->offered != OFFERED_NO || misplaced || u->support == SUPPORT_NONE)
        return;
    if (f) {
        lift(f, u, weight_of(u, view_effect(v, true)));
        say_offers(f, v->s, u, "not in this one");
        say_taps(f, b);
        return;
    }
    f = raise_finding(out, v, RULE_STARTTLS_REMOVED, SESSION_TO_CLIENT, v->s->reading.ehlo_offset);
    rate(f, u, view_effect(v, true));
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    say_offers(f, v->s, u, "not in this one");
    say_taps(f, b);
    if (u == &b->farm_offer) {
        wording_say(f, "So did all servers of %s; this one was not met before.", b->farm);
        raise_cause(f, CAUSE_FARM_MEMBER_WITHOUT_TLS);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
        raise_cap(f, SEVERITY_LOW);
    } else {
        wait_for_others(f, v, out);
        raise_alternative(f, CAUSE_FARM_MEMBER_WITHOUT_TLS);
    }
    if (otherwise_as_usual(v))
        wording_say(f, "All other lines of the reply are as usual.");
    wording_effect(f, v);
    wording_ehlo_line(f, v, v->s->reading.line_count - 1u, "last line; none offers STARTTLS");
    wording_effect_line(f, v);
    if (!v->s->tls_complete)
        f->tlsrpt = "starttls-not-supported"; /* RFC 8460 section 4.3.1 */
}

/* The bytes alone told of it; a server that always offered makes it more than bytes. */
static void garbled(const struct view *v, struct judgement *out)
{
    const struct usual *u = offers_of(v->usual);
    struct finding *f = found(out, RULE_STARTTLS_GARBLED);
    if (!f || v->offered != OFFERED_GARBLED || u->support == SUPPORT_NONE)
        return;
    enum severity to = weight_of(u, f->effect);
    if (v->layout) { /* nothing but the memory speaks for it */
        f->evidence = EVIDENCE_E2;
        f->severity = SEVERITY_INFO;
        f->confidence = CONFIDENCE_LOW;
    }
    lift(f, u, to);
    say_offers(f, v->s, u, "not in this one");
    say_taps(f, v->usual);
}

static void refused_ehlo(const struct view *v, struct judgement *out)
{
    const struct usual *u = offers_of(v->usual);
    struct finding *f = found(out, RULE_EHLO_REFUSED);
    if (!f || u->support == SUPPORT_NONE)
        return;
    enum severity to = weight_of(u, f->effect);
    if (!told_apart(&v->usual->offer_doubt) && to > SEVERITY_MEDIUM)
        to = SEVERITY_MEDIUM;
    lift(f, u, to);
    say_offers(f, v->s, u, "and refused EHLO in this one");
    say_taps(f, v->usual);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    say_doubt(f, &v->usual->offer_doubt, "offered it");
}

/* --- starttls-refused, starttls-planted --- */

/* Trouble with a certificate hits everybody for a while, a forged answer one path. */
static void refused(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    const struct usual *u = &b->upgrade;
    struct finding *f = found(out, RULE_STARTTLS_REFUSED);
    if (!f || f->severity == SEVERITY_INFO || u->support == SUPPORT_NONE)
        return;
    bool honest = v->s->reading.upgrade_code >= 400 && v->s->reading.upgrade_code < 500;
    bool apart = told_apart(&b->upgrade_doubt);
    wording_say(f, "TLS came about in %u of %u sessions with it over %u day%s.", u->did, u->of,
                u->days, u->days == 1 ? "" : "s");
    if (apart)
        lift(f, u, weight_of(u, f->effect));
    else if (honest && u->support == SUPPORT_WELL)
        raise_cap(f, SEVERITY_LOW);
    f->evidence |= EVIDENCE_E2;
    say_doubt(f, &b->upgrade_doubt, "upgraded");
}

static bool handshake_failed(const struct judgement *out)
{
    static const enum rule_id rules[] = {RULE_STARTTLS_REFUSED, RULE_HANDSHAKE_ABORTED,
                                         RULE_CLEARTEXT_IN_HANDSHAKE, RULE_STARTTLS_UNANSWERED};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        for (uint8_t k = 0; k < out->finding_count; k++)
            if (out->finding[k].rule == rules[i] && out->finding[k].severity > SEVERITY_INFO)
                return true;
    return false;
}

static void planted(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    if (b->never < NEVER || v->offered != OFFERED_YES || !v->asked || !handshake_failed(out))
        return;
    struct finding *f = raise_finding(out, v, RULE_STARTTLS_PLANTED, SESSION_TO_CLIENT,
                                      v->s->reading.line[v->starttls_line].offset);
    const struct usual well = {.support = SUPPORT_WELL};
    rate(f, &well, view_effect(v, false));
    f->confidence = CONFIDENCE_MEDIUM;
    raise_cause(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    wording_say(
        f,
        "%s had not offered STARTTLS in any of %u sessions over %u days; it offers it here, "
        "and TLS does not come about.",
        wording_server(v->s).text, b->never, b->offer.days);
    wording_effect(f, v);
    wording_ehlo_line(f, v, (size_t)v->starttls_line, "an offer that was never there");
}

/* --- keyword-removed --- */

/* A keyword that every known reply has and this one has not; n 0: none. STARTTLS is another rule's.
 */
static struct span missing_keyword(const struct view *v)
{
    const struct baseline *b = v->usual;
    const struct layout_known *first = &b->layout[0].known;
    for (size_t i = 0; i < first->count; i++) {
        struct span word = layout_word(first, i);
        bool everywhere = !span_eq_nocase(word, span_str("STARTTLS"));
        for (size_t k = 1; k < v->s->reading.line_count; k++)
            everywhere &= !span_eq_nocase(view_word(v, k), word);
        for (uint8_t l = 1; everywhere && l < b->layout_count; l++) {
            bool here = false;
            for (size_t k = 0; k < b->layout[l].known.count; k++)
                here |= span_eq_nocase(layout_word(&b->layout[l].known, k), word);
            everywhere &= here;
        }
        if (everywhere)
            return word;
    }
    return span_of(NULL, 0);
}

static void keyword_removed(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    if (!v->reply_whole || b->layout_count == 0 || b->offer.support != SUPPORT_WELL ||
        v->offered == OFFERED_GARBLED)
        return;
    struct span word = missing_keyword(v);
    if (word.n == 0)
        return;
    bool beside = meddled(out);
    struct finding *f =
        raise_finding(out, v, RULE_KEYWORD_REMOVED, SESSION_TO_CLIENT, v->s->reading.ehlo_offset);
    rate(f, &b->offer, EFFECT_NOTHING);
    raise_cap(f, beside ? SEVERITY_LOW : SEVERITY_INFO);
    raise_cause(f, CAUSE_SERVER_RECONFIGURED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_PER_CLIENT_POLICY);
    wording_say(f, "Every known reply of %s has %s, in %u sessions over %u days; this one has not.",
                wording_server(v->s).text, wording_bytes(word).text, b->offer.of, b->offer.days);
}

/* --- across sessions: plaintext-fallback, sender-stopped-upgrading, delivery-held --- */

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
static bool incompatible(const struct baseline *b, const struct usual_attempt *a)
{
    bool missed = known_incompatible(b) && (b->client_alert != 0 || b->fell_back > 0);
    return b->pair_upgrade.did == 0 && (a->fate == OBSERVED_FATE_ALERT || missed);
}

/* Then it is told of once: with the first attempts of the client, if they were just now. */
static void excuse(struct finding *f, const struct baseline *b, const struct usual_attempt *a)
{
    bool before = a->fate == OBSERVED_FATE_ALERT && lacks_elsewhere(b, a->flow_id);
    for (uint8_t i = 0; i < b->failed_count; i++)
        before &= b->failed[i].flow_id != b->client_alert;
    raise_cap(f, before || known_incompatible(b) ? SEVERITY_INFO : SEVERITY_LOW);
    raise_cause(f, CAUSE_TLS_INCOMPATIBLE);
}

static void aborted(const struct view *v, struct judgement *out)
{
    struct finding *f = found(out, RULE_HANDSHAKE_ABORTED);
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
    if (incompatible(b, a)) {
        excuse(f, b, a);
    } else if (b->upgrade.support == SUPPORT_WELL) {
        lift(f, &b->upgrade, weight_of(&b->upgrade, effect));
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

static void say_upgrades(struct finding *f, const struct baseline *b, const char *but)
{
    const struct usual *u = &b->sender_upgrade;
    wording_say(f, "This sender%s%s took the offer in %u of %u sessions over %u day%s%s",
                b->sender[0] ? ", " : "", b->sender, u->did, u->of, u->days,
                u->days == 1 ? "" : "s", but);
    if (b->sender_ja4.kinds > 0)
        wording_say(f, "Its ClientHellos were of %u kind%s (JA4).", b->sender_ja4.kinds,
                    b->sender_ja4.kinds == 1 ? "" : "s");
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
    if (found(out, RULE_STARTTLS_COMMAND_GARBLED) || found(out, RULE_EHLO_VERB_GARBLED))
        return; /* it asked, and was not understood */
    struct finding *f =
        raise_finding(out, v, RULE_SENDER_STOPPED_UPGRADING, SESSION_TO_SERVER, v->s->mail_offset);
    rate(f, u, effect);
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
    say_upgrades(f, b, pair);
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
    return unwilling && handshake_failed(out) && all >= HELD_DIED ? all : 0;
}

/* Trouble of the server hits everybody, or the server says so itself (RFC 5321 section 3.8: 421;
 * RFC 3207 section 4: 454). Unless others were served since, nobody is after this sender's mail. */
static bool of_the_server(const struct view *v)
{
    const struct doubt_view *d = v->asked ? &v->usual->upgrade_doubt : &v->usual->offer_doubt;
    int code = v->s->reading.upgrade_code;
    return !told_apart(d) && (d->missed > 1 || v->s->code_421 || (code >= 400 && code < 500));
}

/* XSN-6. */
static void held(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    bool promised = v->expected != NULL;
    bool trouble = !promised && of_the_server(v);
    const struct usual *u = offers_of(b);
    char text[32];
    uint32_t times = times_held(v, out);
    if (times == 0 || b->only_looks || (u->support == SUPPORT_NONE && !promised) ||
        !(promised || b->sender_delivers || b->pair_upgrade.did > 1))
        return;
    const struct usual_attempt *a = b->held_count > 0 ? &b->held[0] : &b->failed[0];
    struct finding *f =
        raise_finding(out, v, RULE_DELIVERY_HELD, SESSION_TO_SERVER, v->s->ehlo_cmd_offset);
    rate(f, u, EFFECT_HELD);
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
        say_offers(f, v->s, u, v->offered == OFFERED_YES ? "and in this one" : "not in this one");
    link(f, b->held, b->held_count);
    link(f, b->failed, b->failed_count);
}

/* --- path-stripped --- */

#define PATH_SERVERS 8 /* unrelated ones */
#define PATH_SHARE   5 /* fewer than one in so many offer */

static void path_stripped(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    bool lacking =
        v->offered == OFFERED_NO || v->offered == OFFERED_GARBLED || found(out, RULE_EHLO_REFUSED);
    if (!lacking || b->path_servers < PATH_SERVERS ||
        b->path_offering * PATH_SHARE >= b->path_servers)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_PATH_STRIPPED, SESSION_TO_CLIENT, v->s->reading.ehlo_offset);
    const struct usual well = {.support = SUPPORT_WELL};
    rate(f, &well, view_effect(v, true));
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
    rate(f, &b->upgrade, EFFECT_NOTHING);
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
    rate(f, &u, EFFECT_NOTHING);
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
    rate(f, &well, EFFECT_NOTHING);
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

static void proxied(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    if (!b->synack_seen || !ever(&b->synack) || b->synack.same > 0 ||
        found(out, RULE_SERVER_STACK_CHANGED))
        return;
    bool beside = false;
    for (uint8_t i = 0; i < out->finding_count; i++)
        beside |= out->finding[i].severity > SEVERITY_INFO;
    struct finding *f =
        raise_finding(out, v, RULE_TRANSPARENT_PROXY, SESSION_TO_CLIENT, v->s->banner_offset);
    const struct usual well = {.support = SUPPORT_WELL};
    rate(f, &well, EFFECT_NOTHING);
    raise_cap(f, beside ? SEVERITY_LOW : SEVERITY_INFO);
    f->confidence = CONFIDENCE_LOW;
    raise_cause(f, CAUSE_TRANSPARENT_PROXY);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    wording_say(f,
                "The SYN/ACK's options, scale and TTL were otherwise in all %u sessions with %s.",
                b->synack.seen, wording_server(v->s).text);
}

void usual_judge(const struct view *v, struct judgement *out)
{
    if (!v->usual || v->s->implicit_tls)
        return;
    removed(v, out);
    garbled(v, out);
    refused_ehlo(v, out);
    refused(v, out);
    planted(v, out);
    aborted(v, out);
    fallback(v, out);
    stopped_upgrading(v, out);
    held(v, out);
    path_stripped(v, out);
    version_regressed(v, out);
    certificate_changed(v, out);
    stack_changed(v, out);
    keyword_removed(v, out);
    proxied(v, out);
}

/* --- judged again --- */

struct usual_late usual_keep(const struct session *s, const struct judgement *j)
{
    struct usual_late l = {
        .key = s->key,
        .flow_id = s->flow_id,
        .serial = s->serial,
        .vlan_count = s->vlan_count,
        .source = s->source,
        .first = s->first,
        .last = s->last,
        .server_isn = s->server_isn,
        .isn_known = s->isn_known,
        .refused_ehlo = s->reading.ehlo == EHLO_NONE,
        .reply_offset =
            s->reading.ehlo == EHLO_NONE ? s->reading.refused_offset : s->reading.ehlo_offset,
        .upgrade_offset = s->reading.upgrade_offset,
        .upgrade_code = s->reading.upgrade_code,
        .mail_offset = s->mail_offset,
        .mails = s->mails,
    };
    memcpy(l.vlan, s->vlan, sizeof(l.vlan));
    for (uint8_t i = 0; i < j->finding_count; i++) {
        if (j->finding[i].effect > l.effect)
            l.effect = j->finding[i].effect;
        if (j->finding[i].severity > l.told)
            l.told = j->finding[i].severity;
    }
    if (s->mails > 0 && l.effect < EFFECT_MAIL)
        l.effect = EFFECT_MAIL;
    return l;
}

/* Nothing so far. The findings are as large as a page and more: not cleared. */
static void begin(struct judgement *out)
{
    memset(out, 0, offsetof(struct judgement, finding));
    out->finding_count = 0;
    out->slot = -1;
}

static struct finding *again(struct judgement *out, const struct session *s, enum rule_id id,
                             uint32_t offset)
{
    struct finding *f = &out->finding[0];
    out->finding_count = 1;
    *f = (struct finding){
        .rule = id, .dir = SESSION_TO_CLIENT, .offset = offset, .retrospective = true};
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    wording_next_step(f, s);
    return f;
}

/* As much of the session as whoever tells of it needs. */
static void revive(const struct usual_late *late, struct session *s)
{
    *s = (struct session){
        .key = late->key,
        .flow_id = late->flow_id,
        .serial = late->serial,
        .vlan_count = late->vlan_count,
        .source = late->source,
        .first = late->first,
        .last = late->last,
        .now = late->last,
        .server_isn = late->server_isn,
        .isn_known = late->isn_known,
        .mails = late->mails,
    };
    memcpy(s->vlan, late->vlan, sizeof(s->vlan));
}

static void say_what_went(struct finding *f, const struct usual_late *late)
{
    if (late->mails > 0)
        wording_say(f, "%u mail%s crossed in clear.", late->mails, late->mails == 1 ? "" : "s");
    else
        wording_say(f, "No mail crossed in clear.");
}

bool usual_again(const struct usual_late *late, const struct baseline *b, bool upgrade,
                 struct session *s, struct judgement *out)
{
    const struct usual *u = upgrade ? &b->upgrade : &b->offer;
    const struct doubt_view *d = upgrade ? &b->upgrade_doubt : &b->offer_doubt;
    enum rule_id id = upgrade                       ? RULE_STARTTLS_REFUSED
                      : d->state == DOUBT_SELECTIVE ? RULE_STARTTLS_VANISHED
                      : late->refused_ehlo          ? RULE_EHLO_REFUSED
                                                    : RULE_STARTTLS_REMOVED;
    if (u->support == SUPPORT_NONE)
        return false;
    revive(late, s);
    begin(out);
    out->verdict = late->mails > 0 ? VERDICT_EXPOSED : VERDICT_UNKNOWN;
    out->offered = upgrade ? OFFERED_YES : OFFERED_NO;
    struct finding *f = again(out, s, id, upgrade ? late->upgrade_offset : late->reply_offset);
    rate(f, u, late->effect);
    f->severity = severity_bound(f->severity, SEVERITY_LOW, SEVERITY_HIGH);
    if (d->latent && u->clients < BASELINE_ALL_CLIENTS) { /* it may leave some out */
        raise_cap(f, SEVERITY_LOW);
        raise_cause(f, CAUSE_PER_CLIENT_POLICY);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    }
    if (f->severity <= late->told)
        return false;
    if (upgrade)
        wording_say(f,
                    "TLS came about in %u of %u sessions with %s over %u day%s; in this one "
                    "STARTTLS was answered %d.",
                    u->did, u->of, wording_server(s).text, u->days, u->days == 1 ? "" : "s",
                    late->upgrade_code);
    else
        say_offers(f, s, u,
                   late->refused_ehlo ? "and refused EHLO in this one" : "not in this one");
    say_doubt(f, d, upgrade ? "upgraded" : "offered it");
    say_what_went(f, late);
    raise_alternative(f, CAUSE_PER_CLIENT_POLICY);
    raise_alternative(f, CAUSE_FARM_MEMBER_WITHOUT_TLS);
    if (d->state != DOUBT_SELECTIVE)
        raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    return true;
}

bool usual_fell_back(const struct usual_late *late, const struct baseline *b,
                     const struct usual_attempt *failed, struct session *s, struct judgement *out)
{
    revive(late, s);
    begin(out);
    out->verdict = VERDICT_EXPOSED;
    out->offered = OFFERED_YES;
    struct finding *f = again(out, s, RULE_PLAINTEXT_FALLBACK, late->mail_offset);
    f->dir = SESSION_TO_SERVER;
    raise_rate(f, SEVERITY_ROW_E1, late->effect);
    f->severity = severity_bound(f->severity, SEVERITY_LOW, SEVERITY_MEDIUM);
    f->evidence = EVIDENCE_E1 | EVIDENCE_E2;
    if (incompatible(b, failed))
        excuse(f, b, failed);
    else if (b->upgrade.support == SUPPORT_WELL)
        lift(f, &b->upgrade, weight_of(&b->upgrade, late->effect));
    if (f->severity <= late->told)
        return false;
    f->linked[f->linked_count++] = failed->flow_id;
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    wording_say(f,
                "A handshake of this client with %s had begun before and came to nothing; this "
                "session took no offer of TLS.",
                wording_server(s).text);
    say_what_went(f, late);
    return true;
}

bool usual_stopped(const struct usual_late *late, const struct baseline *b, uint32_t sessions,
                   bool sure, struct session *s, struct judgement *out)
{
    const struct usual *u = &b->sender_upgrade;
    if (u->support == SUPPORT_NONE)
        return false;
    revive(late, s);
    *out = (struct judgement){.verdict = VERDICT_EXPOSED, .slot = -1, .offered = OFFERED_YES};
    struct finding *f = again(out, s, RULE_SENDER_STOPPED_UPGRADING, late->mail_offset);
    f->dir = SESSION_TO_SERVER;
    f->subject = SUBJECT_SENDER;
    rate(f, u, late->effect);
    if (!sure) {
        raise_cap(f, SEVERITY_LOW);
        f->confidence = CONFIDENCE_LOW;
    }
    if (f->severity <= late->told)
        return false;
    raise_alternative(f, CAUSE_UNKNOWN);
    say_upgrades(f, b, ", not in this one.");
    if (sure)
        wording_say(f, "It has sent in clear %u times in a row by now.", sessions);
    else
        wording_say(f,
                    "It has not come back to TLS since, but %u session%s in clear may be chance.",
                    sessions, sessions == 1 ? "" : "s");
    say_what_went(f, late);
    return true;
}
