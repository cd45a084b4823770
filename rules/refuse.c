/* SPDX-License-Identifier: Apache-2.0 */
/* The STARTTLS command and its answer: an upgrade that was asked for and did not come about. */
#include "rules/families.h"
#include "rules/keywords.h"
#include "rules/middlebox.h"
#include "rules/raise.h"
#include "rules/verdict.h"
#include "rules/wording.h"

#define PATIENCE (10 * NS_PER_S) /* an open session that waited so long got no answer */

/* --- starttls-refused --- */

/* RFC 3207 section 4: 220, 501 and 454. No success but 220 is a go-ahead, and none is innocent. */
static bool odd_success(int code)
{
    return code >= 200 && code < 400;
}

static void refused_causes(struct finding *f, int code)
{
    if (odd_success(code)) {
        raise_cause(f, CAUSE_ON_PATH_REWRITE);
        raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
        f->confidence = CONFIDENCE_HIGH;
        wording_say(f, "No server says %d where only 220 is a go-ahead.", code);
        return;
    }
    raise_cause(f, CAUSE_UNKNOWN);
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, code < 500 ? CAUSE_PER_CLIENT_POLICY : CAUSE_CISCO_ESMTP_INSPECTION);
    wording_say(f, "A server with certificate trouble says the same to every client, a rewriter "
                   "only on its path.");
}

/* Asked for against the reply, or with a parameter that RFC 3207 does not allow: the client's
 * doing. */
static bool clients_own_doing(const struct view *v)
{
    return v->offered == OFFERED_NO || (v->s->upgrade_param && v->s->reading.upgrade_code == 501);
}

static void rate_refused(struct finding *f, const struct view *v)
{
    int code = v->s->reading.upgrade_code;
    bool cisco = v->offered == OFFERED_GARBLED && v->garble.cisco;
    raise_rate(f, cisco ? SEVERITY_ROW_E1_INNOCENT : SEVERITY_ROW_E1, view_effect(v, true));
    refused_causes(f, code);
    if (v->offered == OFFERED_UNKNOWN) {
        wording_say(f, "Whether STARTTLS was offered was not seen.");
        raise_cap(f, SEVERITY_LOW);
        f->confidence = CONFIDENCE_LOW;
    }
    if (!v->s->tls_complete && v->offered == OFFERED_YES)
        f->tlsrpt = "starttls-not-supported";
}

/* RSP-1 to RSP-3: a contradiction inside one session. */
static void starttls_refused(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    int code = s->reading.upgrade_code;
    if (s->upgrade != UPGRADE_STARTTLS || code == 0 || code == 220 || code == 421)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_STARTTLS_REFUSED, SESSION_TO_CLIENT, s->reading.upgrade_offset);
    wording_say(f,
                v->offered == OFFERED_YES
                    ? "The server %s offered STARTTLS; asked for it, it answered \"%s\"."
                    : "The server %s was asked for STARTTLS without a legible offer and answered "
                      "\"%s\".",
                wording_server(s).text,
                wording_bytes(session_text(s, s->reading.upgrade_text)).text);
    wording_effect(f, v);
    if (clients_own_doing(v)) {
        raise_rate(f, SEVERITY_ROW_E1_INNOCENT, EFFECT_NOTHING);
        raise_cause(f, CAUSE_SCANNER_OR_PROBE);
        wording_say(f, "The refusal is right: the client had no offer to take, or asked wrongly.");
    } else {
        rate_refused(f, v);
    }
    if (v->starttls_line > 0)
        wording_ehlo_line(f, v, (size_t)v->starttls_line, "the offer");
    wording_line(f, SESSION_TO_CLIENT, s->reading.upgrade_offset, "",
                 session_text(s, s->reading.upgrade_text), "the answer to STARTTLS");
}

/* --- starttls-unanswered --- */

#define FIN 1 /* RFC 9293 section 3.1 */

/* Captured out of order a FIN may not have been reached when the input ends. */
static bool said_fin(const struct session *s, enum session_dir d)
{
    return s->fin[d] || (s->tcp_flags[d] & FIN);
}

static bool gave_up(const struct view *v)
{
    const struct session *s = v->s;
    if (v->milestone == SESSION_CLOSED && s->closed == SESSION_INPUT_END)
        return s->now - s->upgrade_cmd_time >= PATIENCE || said_fin(s, SESSION_TO_SERVER) ||
               said_fin(s, SESSION_TO_CLIENT);
    return v->closed;
}

/* RSP-4: needs the server's whole stream, or the answer may just not have been captured. */
static void starttls_unanswered(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    int code = s->reading.upgrade_code;
    if (!v->asked || (code != 0 && code != 421) || !view_both(v) || s->midstream ||
        !session_whole(s, SESSION_TO_CLIENT) || !gave_up(v) || s->mail_accepted > 0 ||
        s->mails > 0 || s->tls_stage > TLS_STAGE_CLIENT_HELLO)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_STARTTLS_UNANSWERED, SESSION_TO_SERVER, s->upgrade_cmd_offset);
    raise_rate(f, SEVERITY_ROW_E1, view_effect(v, true));
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    wording_say(f, "The client asked %s for STARTTLS; %s, and the connection ended%s.",
                wording_server(s).text, code == 421 ? "the server answered 421" : "no answer came",
                s->closed == SESSION_RST ? " by a reset" : "");
    wording_say(f, "Nothing crossed in clear here; watch for the same client coming back without "
                   "TLS.");
    if (v->offered == OFFERED_NO) {
        raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_SCANNER_OR_PROBE);
    }
    wording_line(f, SESSION_TO_SERVER, s->upgrade_cmd_offset, "STARTTLS", span_of(NULL, 0),
                 code == 421 ? "answered 421" : "never answered");
    if (code == 421)
        wording_line(f, SESSION_TO_CLIENT, s->reading.upgrade_offset, "",
                     session_text(s, s->reading.upgrade_text), "the answer to STARTTLS");
}

/* --- starttls-ignored --- */

static void rate_mirror(struct finding *f, const struct view *v)
{
    raise_rate(f, SEVERITY_ROW_E1_INNOCENT, view_effect(v, false));
    raise_cap(f, SEVERITY_LOW);
    f->confidence = CONFIDENCE_LOW;
    raise_cause(f, CAUSE_CAPTURE_ARTEFACT);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    wording_say(f, "Both sides went on in clear with a second EHLO and without one TLS record: so "
                   "looks the decrypted copy of a session that was encrypted on the wire.");
}

/* RSP-5. */
static void starttls_ignored(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (!s->upgrade_accepted || s->client_after != BYTES_CLEAR)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_STARTTLS_IGNORED, SESSION_TO_SERVER, s->client_after_offset);
    wording_say(f,
                "The server %s answered 220 to STARTTLS, and the client's next bytes were "
                "text, not TLS.",
                wording_server(s).text);
    if (v->mirror) {
        rate_mirror(f, v);
    } else {
        raise_rate(f, SEVERITY_ROW_E1, view_effect(v, false));
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
        raise_alternative(f, CAUSE_CAPTURE_ARTEFACT);
    }
    wording_effect(f, v);
    raise_unless_probe(f, v);
    wording_line(f, SESSION_TO_CLIENT, s->reading.upgrade_offset, "",
                 session_text(s, s->reading.upgrade_text), "the go-ahead");
    wording_line(f, SESSION_TO_SERVER, s->client_after_offset, "<text>", span_of(NULL, 0),
                 "a TLS record belongs here");
}

/* --- cleartext-in-handshake, handshake-aborted, cleartext-after-tls --- */

#define ALERT_FATAL 2 /* RFC 8446 section 6 */

/* Text of the server among records, and no last word to a client that is gone. */
static bool text_among_records(const struct session *s)
{
    return s->clear_in_tls[SESSION_TO_CLIENT] && !s->clear_in_tls_bye[SESSION_TO_CLIENT];
}

/* RSP-6. An alert first is a handshake that failed: the text behind it deceives nobody. Of text
 * behind a record no more is kept than where it stands. */
static void cleartext_in_handshake(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    bool alert = s->tls_alert_level[SESSION_TO_CLIENT] != 0;
    bool first = s->server_after == BYTES_CLEAR, text = first || text_among_records(s);
    uint32_t at = first ? s->server_after_offset : s->clear_in_tls_offset[SESSION_TO_CLIENT];
    if (!s->upgrade_accepted || s->client_after != BYTES_TLS || !text || s->tls_complete ||
        !session_whole(s, SESSION_TO_CLIENT)) /* behind a hole anything looks like text */
        return;
    struct finding *f = raise_finding(out, v, RULE_CLEARTEXT_IN_HANDSHAKE, SESSION_TO_CLIENT, at);
    raise_rate(f, alert ? SEVERITY_ROW_E1_INNOCENT : SEVERITY_ROW_E1, view_effect(v, false));
    f->tlsrpt = "validation-failure";
    wording_say(f,
                "%s said go ahead, the client sent its ClientHello, and %sthe answer was "
                "text%s%s%s.",
                wording_server(s).text, first ? "" : "behind a record ",
                s->server_after_text.len ? ": \"" : "",
                wording_bytes(session_text(s, s->server_after_text)).text,
                s->server_after_text.len ? "\"" : "");
    if (alert) {
        if (f->effect == EFFECT_NOTHING || f->effect == EFFECT_HELD)
            raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_IRONPORT_TLS_ALERT);
        wording_say(f, "An alert of TLS came first: the handshake failed, and the server says so.");
    } else {
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
        raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    }
    wording_effect(f, v);
    wording_line(f, SESSION_TO_CLIENT, s->reading.upgrade_offset, "",
                 session_text(s, s->reading.upgrade_text), "the go-ahead");
    wording_line(f, SESSION_TO_CLIENT, at, first ? "" : "<text>",
                 session_text(s, s->server_after_text), "a TLS record belongs here");
}

/* The handshake was under way, all of it is here, and it is over. */
static bool died(const struct view *v)
{
    const struct session *s = v->s;
    const char *stage;
    return v->milestone == SESSION_CLOSED && s->upgrade_accepted && gave_up(v) && view_both(v) &&
           !s->midstream && session_whole(s, SESSION_TO_SERVER) && session_heard(s) &&
           s->client_after != BYTES_CLEAR && s->server_after != BYTES_CLEAR &&
           !text_among_records(s) && s->early_server == BYTES_NONE && s->mails == 0 &&
           verdict_handshake(v, &stage) == HANDSHAKE_ABORTED;
}

/* Did it end by the server's doing, or in its name, or by nobody's? Else the client left: a server
 * may well reset what comes behind the client's own end. */
static bool ended_by_server(const struct session *s)
{
    bool left =
        said_fin(s, SESSION_TO_SERVER) || s->tls_alert_level[SESSION_TO_SERVER] == ALERT_FATAL;
    if (s->tls_alert_level[SESSION_TO_CLIENT] == ALERT_FATAL)
        return true;
    return !left && (s->rst[SESSION_TO_CLIENT] || !s->rst[SESSION_TO_SERVER]);
}

static const char *how_far(const struct session *s)
{
    switch (s->tls_stage) {
    case TLS_STAGE_NONE:
        return "before the ClientHello";
    case TLS_STAGE_CLIENT_HELLO:
        return "behind the ClientHello";
    default:
        return "behind the server's hello";
    }
}

static void say_alert(struct finding *f, const struct session *s, enum session_dir d)
{
    if (s->tls_alert_level[d])
        wording_say(f, "The %s sent alert %u.", d == SESSION_TO_SERVER ? "client" : "server",
                    s->tls_alert[d]);
}

/* RST-1, RST-2. */
static void handshake_aborted(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (!died(v))
        return;
    struct finding *f =
        raise_finding(out, v, RULE_HANDSHAKE_ABORTED, SESSION_TO_CLIENT, s->reading.upgrade_offset);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_NOTHING);
    f->tlsrpt = "validation-failure";
    wording_say(f, "%s said go ahead, and the handshake ended %s%s.", wording_server(s).text,
                how_far(s),
                s->closed == SESSION_RST       ? ", by a reset"
                : s->closed == SESSION_TIMEOUT ? ", in silence"
                                               : "");
    say_alert(f, s, SESSION_TO_CLIENT);
    say_alert(f, s, SESSION_TO_SERVER);
    if (s->tls_alert_level[SESSION_TO_CLIENT]) {
        raise_cause(f, CAUSE_TLS_INCOMPATIBLE);
    } else if (!ended_by_server(s)) {
        raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_SCANNER_OR_PROBE);
        wording_say(f, "The client left by itself.");
    }
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    wording_say(f, "Watch for the same client coming back without TLS.");
    wording_line(f, SESSION_TO_CLIENT, s->reading.upgrade_offset, "",
                 session_text(s, s->reading.upgrade_text), "the go-ahead");
}

/* RSP-7. */
static void cleartext_after_tls(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    enum session_dir d = s->clear_in_tls[SESSION_TO_CLIENT] ? SESSION_TO_CLIENT : SESSION_TO_SERVER;
    if (!s->clear_in_tls[d] || !s->tls_complete)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_CLEARTEXT_AFTER_TLS, d, s->clear_in_tls_offset[d]);
    raise_rate(f, SEVERITY_ROW_E1, EFFECT_NOTHING);
    if (s->clear_in_tls_bye[d]) { /* Exim does so when the client is gone */
        raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_SERVER_TLS_TROUBLE);
    }
    raise_alternative(f, CAUSE_MAN_ON_THE_SIDE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    wording_say(f, "After TLS had come about with %s, the %s sent text where a record must begin.",
                wording_server(s).text, d == SESSION_TO_SERVER ? "client" : "server");
    wording_line(f, d, s->clear_in_tls_offset[d], "<text>", span_of(NULL, 0),
                 "a TLS record belongs here");
}

/* --- starttls-command-garbled --- */

static bool stands_for_starttls(const struct session *s, const struct odd_command *odd)
{
    return odd->follows_ehlo || (s->mail_commands > 0 && s->mail_offset > odd->offset &&
                                 s->mail_offset - odd->offset <= odd->line_len + 2u);
}

/* The text of an odd command may be a secret unless it is a mask or nearly STARTTLS. */
static bool may_be_shown(struct span word)
{
    return middlebox_mask(word) != MIDDLEBOX_MASK_NONE || garble_near(word, span_str("STARTTLS"));
}

static const struct odd_command *odd_starttls(const struct view *v)
{
    const struct session *s = v->s;
    bool replies_seen = session_whole(s, SESSION_TO_CLIENT);
    for (size_t i = 0; i < s->odd_count; i++) {
        const struct odd_command *odd = &s->odd[i];
        bool refused = odd->reply_code >= 500;
        bool unseen = odd->reply_code == 0 && !replies_seen;
        struct span text = span_first(session_text(s, odd->text), odd->line_len);
        if (odd->line_len != 8 || odd->word_len != 8 || !stands_for_starttls(s, odd))
            continue;
        if (refused || (unseen && may_be_shown(text)))
            return odd;
    }
    return NULL;
}

/* CMD-1, seen on the server's side of a rewriter: the offer is whole, the command is not. */
static void starttls_command_garbled(const struct view *v, struct judgement *out)
{
    const struct odd_command *odd = v->offered == OFFERED_YES && !v->asked ? odd_starttls(v) : NULL;
    if (!odd)
        return;
    struct span word = span_first(session_text(v->s, odd->text), odd->word_len);
    bool shown = may_be_shown(word);
    struct finding *f =
        raise_finding(out, v, RULE_STARTTLS_COMMAND_GARBLED, SESSION_TO_SERVER, odd->offset);
    raise_rate(f, SEVERITY_ROW_E1, view_effect(v, false));
    f->confidence = shown ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM;
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    if (middlebox_match("command", word))
        raise_alternative(f, CAUSE_CISCO_ESMTP_INSPECTION);
    raise_alternative(f, CAUSE_SCANNER_OR_PROBE);
    wording_say(f,
                "The server %s offered STARTTLS and received \"%s\" (8 bytes) where the command "
                "belongs; it answered %d.",
                wording_server(v->s).text, shown ? wording_bytes(word).text : "<8 bytes>",
                odd->reply_code);
    wording_effect(f, v);
    raise_unless_probe(f, v);
    wording_line(f, SESSION_TO_SERVER, odd->offset, shown ? "" : "<8 bytes>",
                 shown ? word : span_of(NULL, 0), "STARTTLS, overwritten");
    wording_effect_line(f, v);
}

/* --- reply-too-fast --- */

#define FLOOR_SAMPLES 5               /* answers that make a floor */
#define FLOOR_LEAST   (5 * NS_PER_MS) /* below that a tap beside the server tells nothing */

/* CMD-2, TCP-8: the refusal came in less than half the time that any other answer took, so it did
 * not come from where they did. */
static void reply_too_fast(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    const struct smtp_reading *r = &s->reading;
    nstime took = r->upgrade_time - s->upgrade_cmd_time;
    if (r->upgrade_code == 0 || r->upgrade_code == 220 || s->answer_samples < FLOOR_SAMPLES ||
        s->answer_floor < FLOOR_LEAST || took < 0 || took >= s->answer_floor - took)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_REPLY_TOO_FAST, SESSION_TO_CLIENT, r->upgrade_offset);
    raise_rate(f, SEVERITY_ROW_E4_E5, view_effect(v, false));
    raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_TRANSPARENT_PROXY);
    wording_say(f,
                "STARTTLS was answered %d within %.1f ms; no other answer of the session took less "
                "than %.1f ms (%u were timed).",
                r->upgrade_code, (double)took / NS_PER_MS, (double)s->answer_floor / NS_PER_MS,
                s->answer_samples);
    wording_effect(f, v);
    wording_line(f, SESSION_TO_CLIENT, r->upgrade_offset, "", session_text(s, r->upgrade_text),
                 "faster than the path");
}

void refuse_judge(const struct view *v, struct judgement *out)
{
    if (v->s->implicit_tls)
        return;
    starttls_refused(v, out);
    starttls_unanswered(v, out);
    starttls_ignored(v, out);
    cleartext_in_handshake(v, out);
    handshake_aborted(v, out);
    cleartext_after_tls(v, out);
    starttls_command_garbled(v, out);
    reply_too_fast(v, out);
}
