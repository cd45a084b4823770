/* SPDX-License-Identifier: Apache-2.0 */
/* The EHLO exchange and the greeting: an offer that is gone, altered or kept from being made. */
#include "rules/families.h"
#include "rules/keywords.h"
#include "rules/middlebox.h"
#include "rules/raise.h"
#include "rules/wording.h"

#include <stdio.h>

static const char not_supported[] = "starttls-not-supported"; /* RFC 8460 section 4.3.1 */

/* TLS reports count sessions without TLS; one that came to TLS has nothing to report. */
static void set_tlsrpt(struct finding *f, const struct view *v)
{
    if (!v->s->tls_complete && f->severity > SEVERITY_INFO)
        f->tlsrpt = not_supported;
}

/* --- starttls-removed --- */

/* CAP-1: the server demands what its reply does not offer. Absence alone is never enough. */
static void removed_but_demanded(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    struct finding *f =
        raise_finding(out, v, RULE_STARTTLS_REMOVED, SESSION_TO_CLIENT, s->reading.ehlo_offset);
    raise_rate(f, SEVERITY_ROW_E1, view_effect(v, true));
    raise_cause(f, CAUSE_UNKNOWN);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_PER_CLIENT_POLICY);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    wording_say(f,
                "The EHLO reply of %s, %u lines, is complete and has no STARTTLS, yet the server "
                "demands it: %s.",
                wording_server(s).text, s->reading.line_count,
                wording_bytes(session_text(s, s->demand_text)).text);
    wording_effect(f, v);
    wording_say(f, "Either the offer was removed on the way, or the server is configured against "
                   "itself.");
    wording_ehlo_line(f, v, s->reading.line_count - 1u, "last line; none offers STARTTLS");
    wording_line(f, SESSION_TO_CLIENT, s->demand_offset, "", session_text(s, s->demand_text),
                 "the server demands STARTTLS");
    set_tlsrpt(f, v);
}

/* The client asked without an offer and the server was glad to. */
static void removed_but_accepted(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    struct finding *f =
        raise_finding(out, v, RULE_STARTTLS_REMOVED, SESSION_TO_CLIENT, s->reading.ehlo_offset);
    raise_rate(f, SEVERITY_ROW_E1_INNOCENT, view_effect(v, true));
    f->confidence = CONFIDENCE_LOW;
    raise_cause(f, CAUSE_FARM_MEMBER_WITHOUT_TLS);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SCANNER_OR_PROBE);
    wording_say(f,
                "The EHLO reply of %s, %u lines, is complete and has no STARTTLS, yet the server "
                "accepted it when asked all the same.",
                wording_server(s).text, s->reading.line_count);
    wording_effect(f, v);
    wording_ehlo_line(f, v, s->reading.line_count - 1u, "last line; none offers STARTTLS");
    wording_line(f, SESSION_TO_CLIENT, s->reading.upgrade_offset, "",
                 session_text(s, s->reading.upgrade_text), "the answer to STARTTLS");
}

static bool misplaced(const struct view *v)
{
    return v->offered == OFFERED_NO && keywords_first(view_line(v, 0), span_str("STARTTLS"));
}

static void starttls_removed(const struct view *v, struct judgement *out)
{
    if (v->offered != OFFERED_NO || misplaced(v))
        return;
    if (v->s->demand_code != 0)
        removed_but_demanded(v, out);
    else if (v->s->upgrade == UPGRADE_STARTTLS && v->s->upgrade_accepted)
        removed_but_accepted(v, out);
}

/* --- starttls-garbled --- */

static const char *kind_text(enum garble_kind kind)
{
    switch (kind) {
    case GARBLE_NEAR_MISS:
        return "a near miss of it";
    case GARBLE_MASK:
        return "a mask as long as it";
    case GARBLE_REMEMBERED:
        return "where it stood in the replies that this server gave before";
    case GARBLE_BINARY:
        return "bytes that are no keyword, as many as it has";
    default:
        return "a word as long as it, spelt as no keyword is";
    }
}

/* High for the fact that something rewrites; never for who did it. */
static enum confidence garbled_confidence(const struct garble *g)
{
    if (g->maybe_chunking || (g->crowd && g->kind != GARBLE_MASK && !g->layout))
        return CONFIDENCE_LOW;
    if (g->kind == GARBLE_SLOT)
        return CONFIDENCE_MEDIUM;
    bool plain = g->kind == GARBLE_NEAR_MISS || g->kind == GARBLE_MASK;
    return plain || g->layout ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM;
}

static void say_garbled(struct finding *f, const struct view *v)
{
    const struct smtp_reading *r = &v->s->reading;
    const struct garble *g = &v->garble;
    struct wording_bytes token = wording_bytes(view_line(v, g->line));
    unsigned length = r->line[g->line].line_len, line = (unsigned)g->line + 1;
    if (g->layout)
        wording_say(f,
                    "In the slot where %s prints STARTTLS the EHLO reply of %s carries \"%s\" "
                    "(%u bytes, line %u of %u).",
                    g->layout, wording_server(v->s).text, token.text, length, line, r->line_count);
    else
        wording_say(f,
                    "The EHLO reply of %s offers no STARTTLS but carries \"%s\", %s (%u bytes, "
                    "line %u of %u).",
                    wording_server(v->s).text, token.text, kind_text(g->kind), length, line,
                    r->line_count);
    if (g->maybe_chunking)
        wording_say(f,
                    "The order of the lines does not settle it, and %s is missing too: the mask "
                    "may have been that.",
                    view_keyword(v, "CHUNKING") < 0 ? "CHUNKING" : "SMTPUTF8");
}

static void garbled_causes(struct finding *f, const struct garble *g)
{
    if (g->cisco) {
        raise_cause(f, CAUSE_CISCO_ESMTP_INSPECTION);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
        wording_say(f, "So writes Cisco's ESMTP inspection, most often the recipient's own "
                       "firewall; an attacker can write the same.");
    } else {
        raise_cause(f, CAUSE_ON_PATH_REWRITE);
        raise_alternative(f, CAUSE_TRANSPARENT_PROXY);
        raise_alternative(f, CAUSE_CISCO_ESMTP_INSPECTION);
        wording_say(f, "Something between client and server rewrites the offer, or the server "
                       "itself prints this; the bytes alone do not tell which.");
    }
}

static void starttls_garbled(const struct view *v, struct judgement *out)
{
    const struct garble *g = &v->garble;
    if (v->offered != OFFERED_GARBLED)
        return;
    struct finding *f = raise_finding(out, v, RULE_STARTTLS_GARBLED, SESSION_TO_CLIENT,
                                      v->s->reading.line[g->line].offset);
    raise_rate(f, g->cisco ? SEVERITY_ROW_E1_INNOCENT : SEVERITY_ROW_E1, view_effect(v, true));
    f->confidence = garbled_confidence(g);
    say_garbled(f, v);
    wording_effect(f, v);
    garbled_causes(f, g);
    char note[64] = "STARTTLS, overwritten";
    if (g->kind == GARBLE_REMEMBERED)
        snprintf(note, sizeof(note), "STARTTLS stood here before");
    if (g->layout)
        snprintf(note, sizeof(note), "STARTTLS stands here in the layout of %s", g->layout);
    wording_ehlo_line(f, v, g->line, note);
    wording_effect_line(f, v);
    set_tlsrpt(f, v);
}

enum word_case { CASE_NONE, CASE_UPPER, CASE_LOWER, CASE_MIXED };

static enum word_case case_of(struct span word)
{
    bool upper = false, lower = false;
    for (size_t i = 0; i < word.n; i++) {
        upper |= word.p[i] >= 'A' && word.p[i] <= 'Z';
        lower |= word.p[i] >= 'a' && word.p[i] <= 'z';
    }
    return upper && lower ? CASE_MIXED : upper ? CASE_UPPER : lower ? CASE_LOWER : CASE_NONE;
}

/* Lower-case replies are innocent (RFC 5321 section 2.4); one word unlike all others is not. */
static bool odd_case(const struct view *v)
{
    enum word_case ours = case_of(view_word(v, (size_t)v->starttls_line));
    size_t others = 0;
    for (size_t i = 1; i < v->s->reading.line_count; i++) {
        enum word_case c = case_of(view_word(v, i));
        if ((int)i == v->starttls_line || c == CASE_NONE)
            continue;
        if (c == ours)
            return false;
        others++;
    }
    return ours != CASE_UPPER && others >= 3;
}

/* Some clients do not know a starttls in lower case: an offer altered so much keeps them in clear.
 * Told only when this client went on without asking. */
static void starttls_recased(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    bool went_on = v->milestone == SESSION_CLEAR_CONTENT || v->milestone == SESSION_CLOSED;
    if (v->offered != OFFERED_YES || v->asked || !went_on || !session_whole(s, SESSION_TO_SERVER) ||
        !odd_case(v))
        return;
    size_t line = (size_t)v->starttls_line;
    struct finding *f = raise_finding(out, v, RULE_STARTTLS_GARBLED, SESSION_TO_CLIENT,
                                      s->reading.line[line].offset);
    raise_rate(f, SEVERITY_ROW_E1_INNOCENT, view_effect(v, true));
    f->confidence = CONFIDENCE_LOW;
    raise_cause(f, CAUSE_UNKNOWN);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    wording_say(f,
                "STARTTLS is offered as \"%s\", in a case unlike all other keywords of the reply; "
                "some clients do not know it so.",
                wording_bytes(view_word(v, line)).text);
    wording_effect(f, v);
    wording_ehlo_line(f, v, line, "in a case unlike all other lines");
    wording_effect_line(f, v);
}

/* --- starttls-misplaced --- */

/* CAP-9: the first line is the greeting (RFC 5321 section 4.1.1.1), so no client reads it. */
static void starttls_misplaced(const struct view *v, struct judgement *out)
{
    if (!misplaced(v))
        return;
    struct finding *f = raise_finding(out, v, RULE_STARTTLS_MISPLACED, SESSION_TO_CLIENT,
                                      v->s->reading.line[0].offset);
    raise_rate(f, SEVERITY_ROW_E1_INNOCENT, view_effect(v, true));
    f->confidence = CONFIDENCE_HIGH;
    raise_cause(f, CAUSE_DOMAIN_MISCONFIGURED);
    wording_say(f,
                "STARTTLS is the first of %u lines of the EHLO reply, where the server's name "
                "belongs, and on no other line: clients do not see it.",
                v->s->reading.line_count);
    wording_effect(f, v);
    wording_ehlo_line(f, v, 0, "the greeting line is no keyword");
}

/* --- ehlo-refused --- */

static bool says_esmtp(const struct session *s)
{
    struct span banner = session_text(s, s->banner);
    return span_search_nocase(banner, span_str("ESMTP")) < banner.n;
}

/* CAP-4: 421 is a rate limit, and an EHLO that was corrected and then accepted is none of it. */
static bool ehlo_was_refused(const struct session *s)
{
    int code = s->reading.refused_code;
    return code != 0 && code != 250 && code != 421 && s->reading.ehlo == EHLO_NONE &&
           !s->implicit_tls && (s->helo_accepted || s->mail_commands > 0);
}

static void ehlo_refused(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (!ehlo_was_refused(s))
        return;
    bool esmtp = says_esmtp(s);
    struct finding *f =
        raise_finding(out, v, RULE_EHLO_REFUSED, SESSION_TO_CLIENT, s->reading.refused_offset);
    raise_rate(f, esmtp ? SEVERITY_ROW_E1 : SEVERITY_ROW_E1_INNOCENT, view_effect(v, true));
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_PER_CLIENT_POLICY);
    wording_say(f,
                "The server %s answered EHLO with \"%s\", and the session went on %s, where no "
                "STARTTLS exists.",
                wording_server(s).text,
                wording_bytes(session_text(s, s->reading.refused_text)).text,
                s->helo_accepted ? "with HELO" : "without a HELO");
    if (esmtp) {
        wording_say(f, "The banner says ESMTP, so this server knows EHLO.");
    } else {
        wording_say(f, "The banner does not say ESMTP: the server may be older than EHLO.");
        raise_cap(f, SEVERITY_INFO);
        f->confidence = CONFIDENCE_LOW;
    }
    wording_effect(f, v);
    wording_line(f, SESSION_TO_CLIENT, s->reading.refused_offset, "",
                 session_text(s, s->reading.refused_text), "the answer to EHLO");
    wording_effect_line(f, v);
    set_tlsrpt(f, v);
}

/* --- ehlo-verb-garbled --- */

/* XXXX, or EHLO with one letter changed; other verbs of four letters never come here. */
static bool garbled_ehlo(struct span word)
{
    static const char *const others[] = {"EHLO", "HELO", "LHLO", "HELP"};
    if (word.n != 4)
        return false;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (span_eq_nocase(word, span_str(others[i])))
            return false;
    return middlebox_mask(word) == MIDDLEBOX_MASK_RUN ||
           garble_in_place(word, span_str("EHLO")) >= 3;
}

static const struct odd_command *odd_ehlo(const struct session *s)
{
    for (size_t i = 0; i < s->odd_count; i++) {
        const struct odd_command *odd = &s->odd[i];
        struct span text = session_text(s, odd->text);
        if (odd->before_hello && odd->reply_code >= 500 &&
            garbled_ehlo(span_first(text, odd->word_len)))
            return odd;
    }
    return NULL;
}

/* CAP-5, seen on the server's side of a rewriter. */
static void ehlo_verb_garbled(const struct view *v, struct judgement *out)
{
    const struct odd_command *odd = odd_ehlo(v->s);
    if (!odd || v->s->implicit_tls)
        return;
    struct span word = span_first(session_text(v->s, odd->text), odd->word_len);
    struct finding *f =
        raise_finding(out, v, RULE_EHLO_VERB_GARBLED, SESSION_TO_SERVER, odd->offset);
    raise_rate(f, SEVERITY_ROW_E1, view_effect(v, false));
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    if (middlebox_match("command", word))
        raise_alternative(f, CAUSE_CISCO_ESMTP_INSPECTION);
    raise_alternative(f, CAUSE_SCANNER_OR_PROBE);
    wording_say(f, "In place of EHLO the server received \"%s\" and answered %d.",
                wording_bytes(word).text, odd->reply_code);
    wording_effect(f, v);
    raise_unless_probe(f, v);
    wording_line(f, SESSION_TO_SERVER, odd->offset, "", word, "EHLO, overwritten");
    wording_effect_line(f, v);
}

/* --- greeting-masked --- */

void greeting_judge(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    struct span banner = session_text(s, s->banner);
    const struct middlebox *box =
        s->banner_code ? middlebox_match("banner", span_from(banner, 4)) : NULL;
    if (!box)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_GREETING_MASKED, SESSION_TO_CLIENT, s->banner_offset);
    raise_rate(f, SEVERITY_ROW_E1_INNOCENT, view_effect(v, true));
    f->confidence = CONFIDENCE_HIGH;
    raise_cause(f, middlebox_cause(box));
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    wording_say(
        f, "The server's greeting is masked, %zu bytes, as %s writes it%s.", banner.n, box->device,
        s->hello == HELLO_HELO ? "; the client then used HELO, where no STARTTLS exists" : "");
    wording_effect(f, v);
    wording_line(f, SESSION_TO_CLIENT, s->banner_offset, "", banner, "masked greeting");
}

void strip_judge(const struct view *v, struct judgement *out)
{
    starttls_removed(v, out);
    starttls_garbled(v, out);
    starttls_recased(v, out);
    starttls_misplaced(v, out);
    ehlo_refused(v, out);
    ehlo_verb_garbled(v, out);
}
