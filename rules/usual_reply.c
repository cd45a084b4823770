/* SPDX-License-Identifier: Apache-2.0 */
/* The EHLO reply and the answer to STARTTLS, against those that are known of the server. */
#include "rules/usual.h"

#include "rules/keywords.h"
#include "rules/raise.h"
#include "rules/usual_parts.h"
#include "rules/weight.h"
#include "rules/wording.h"

#define NEVER 20 /* sessions without an offer: this server has none */

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

/* One session cannot tell a server that was set up anew: until others were seen it is low. Nor can
 * a client that was never served be told from one that shall not be. */
static void wait_for_others(struct finding *f, const struct view *v, const struct judgement *out)
{
    const struct baseline *b = v->usual;
    const struct doubt_view *d = &b->offer_doubt;
    bool served = baseline_would_serve(b);
    if ((!weight_told_apart(d) || !served) && !meddled(out))
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
    weight_say_doubt(f, d, "offered it");
}

static void removed(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    const struct usual *u = weight_offers_of(b);
    struct finding *f = weight_found(out, RULE_STARTTLS_REMOVED);
    bool misplaced =
        v->s->reading.line_count > 0 && keywords_first(view_line(v, 0), span_str("STARTTLS"));
    if (v->offered != OFFERED_NO || misplaced || u->support == SUPPORT_NONE)
        return;
    if (f) {
        weight_lift(f, u, weight_of(u, view_effect(v, true)));
        weight_say_offers(f, v->s, u, "not in this one");
        say_taps(f, b);
        return;
    }
    f = raise_finding(out, v, RULE_STARTTLS_REMOVED, SESSION_TO_CLIENT, v->s->reading.ehlo_offset);
    weight_rate(f, u, view_effect(v, true));
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    weight_say_offers(f, v->s, u, "not in this one");
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
    const struct usual *u = weight_offers_of(v->usual);
    struct finding *f = weight_found(out, RULE_STARTTLS_GARBLED);
    if (!f || v->offered != OFFERED_GARBLED || u->support == SUPPORT_NONE)
        return;
    enum severity to = weight_of(u, f->effect);
    if (v->layout) { /* nothing but the memory speaks for it */
        f->evidence = EVIDENCE_E2;
        f->severity = SEVERITY_INFO;
        f->confidence = CONFIDENCE_LOW;
    }
    weight_lift(f, u, to);
    weight_say_offers(f, v->s, u, "not in this one");
    say_taps(f, v->usual);
}

static void refused_ehlo(const struct view *v, struct judgement *out)
{
    const struct usual *u = weight_offers_of(v->usual);
    struct finding *f = weight_found(out, RULE_EHLO_REFUSED);
    if (!f || u->support == SUPPORT_NONE)
        return;
    enum severity to = weight_of(u, f->effect);
    if (!weight_told_apart(&v->usual->offer_doubt) && to > SEVERITY_MEDIUM)
        to = SEVERITY_MEDIUM;
    weight_lift(f, u, to);
    weight_say_offers(f, v->s, u, "and refused EHLO in this one");
    say_taps(f, v->usual);
    raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    weight_say_doubt(f, &v->usual->offer_doubt, "offered it");
}

/* --- starttls-refused, starttls-planted --- */

/* Trouble with a certificate hits everybody for a while, a forged answer one path. */
static void refused(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    const struct usual *u = &b->upgrade;
    struct finding *f = weight_found(out, RULE_STARTTLS_REFUSED);
    if (!f || f->severity == SEVERITY_INFO || u->support == SUPPORT_NONE)
        return;
    bool honest = v->s->reading.upgrade_code >= 400 && v->s->reading.upgrade_code < 500;
    bool apart = weight_told_apart(&b->upgrade_doubt);
    wording_say(f, "TLS came about in %u of %u sessions with it over %u day%s.", u->did, u->of,
                u->days, u->days == 1 ? "" : "s");
    if (apart)
        weight_lift(f, u, weight_of(u, f->effect));
    else if (honest && u->support == SUPPORT_WELL)
        raise_cap(f, SEVERITY_LOW);
    f->evidence |= EVIDENCE_E2;
    weight_say_doubt(f, &b->upgrade_doubt, "upgraded");
}

static void planted(const struct view *v, struct judgement *out)
{
    const struct baseline *b = v->usual;
    if (b->never < NEVER || v->offered != OFFERED_YES || !v->asked || !weight_handshake_failed(out))
        return;
    struct finding *f = raise_finding(out, v, RULE_STARTTLS_PLANTED, SESSION_TO_CLIENT,
                                      v->s->reading.line[v->starttls_line].offset);
    const struct usual well = {.support = SUPPORT_WELL};
    weight_rate(f, &well, view_effect(v, false));
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

void usual_replies(const struct view *v, struct judgement *out)
{
    removed(v, out);
    garbled(v, out);
    refused_ehlo(v, out);
    refused(v, out);
    planted(v, out);
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

void usual_keywords(const struct view *v, struct judgement *out)
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
    weight_rate(f, &b->offer, EFFECT_NOTHING);
    raise_cap(f, beside ? SEVERITY_LOW : SEVERITY_INFO);
    raise_cause(f, CAUSE_SERVER_RECONFIGURED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_PER_CLIENT_POLICY);
    wording_say(f, "Every known reply of %s has %s, in %u sessions over %u days; this one has not.",
                wording_server(v->s).text, wording_bytes(word).text, b->offer.of, b->offer.days);
}
