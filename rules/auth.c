/* SPDX-License-Identifier: Apache-2.0 */
/* Logins in clear (RFC 4954 section 4, RFC 8314). */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

/* Ports where people log in: 587 (RFC 6409) and its common double. */
static bool submission_port(const struct session *s)
{
    return s->key.server_port == 587 || s->key.server_port == 2525;
}

/* AUTH-2, AUTH-3: a submission server that offers AUTH and no TLS asks for passwords in clear. The
 * line that offers AUTH, or -1. */
static int bare_offer(const struct view *v)
{
    bool no_tls = submission_port(v->s) && v->offered == OFFERED_NO;
    if (!v->reply_whole || v->s->tls_stage != TLS_STAGE_NONE || !(no_tls || v->s->implicit_tls))
        return -1;
    return view_keyword(v, "AUTH");
}

/* What the login did; a challenge mechanism does not show the password. */
static void rate_login(struct finding *f, const struct view *v)
{
    const struct session *s = v->s;
    bool unseen = s->auth_code == 0 && (v->milestone == SESSION_CLOSED || !view_both(v));
    raise_rate(f, SEVERITY_ROW_E1, v->login ? EFFECT_LOGIN : view_effect(v, false));
    f->confidence = CONFIDENCE_HIGH;
    if (s->auth == AUTH_ACCEPTED || unseen)
        raise_cap(f, v->login ? SEVERITY_HIGH : SEVERITY_LOW);
    else
        raise_cap(f, SEVERITY_INFO);
}

static void say_login(struct finding *f, const struct view *v)
{
    const struct session *s = v->s;
    struct wording_bytes mechanism = wording_bytes(session_text(s, s->auth_mechanism));
    if (s->auth == AUTH_ACCEPTED && s->auth_tries == 0)
        wording_say(f, "A login was accepted in clear (%d); its command was not seen.",
                    s->auth_code);
    else if (s->auth == AUTH_ACCEPTED)
        wording_say(f, "A login by %s was accepted in clear (%d); the mechanism %s.",
                    mechanism.text, s->auth_code,
                    v->login ? "shows the password or token to everyone on the path"
                             : "does not show the password itself");
    else if (s->auth == AUTH_TRIED && s->auth_code != 0)
        wording_say(f, "A login by %s was tried in clear and answered %d.", mechanism.text,
                    s->auth_code);
    else if (s->auth == AUTH_TRIED)
        wording_say(f, "A login by %s was tried in clear; its outcome was not seen.",
                    mechanism.text);
}

static void say_offer(struct finding *f, const struct view *v, int line)
{
    const struct session *s = v->s;
    if (s->implicit_tls)
        wording_say(f,
                    "Port %u is for TLS from the first byte; this session is in clear and "
                    "offers AUTH.",
                    s->key.server_port);
    else
        wording_say(f,
                    "The submission port %u offers AUTH in clear and no STARTTLS, in an EHLO "
                    "reply of %u lines that is complete.",
                    s->key.server_port, s->reading.line_count);
    wording_ehlo_line(f, v, (size_t)line, "passwords are asked for in clear");
    if (f->severity < SEVERITY_MEDIUM)
        f->severity = SEVERITY_MEDIUM;
}

static void login_causes(struct finding *f, const struct view *v, bool offer)
{
    if (v->mirror && v->s->auth_offset >= v->s->client_after_offset) {
        raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_CAPTURE_ARTEFACT);
        wording_say(f, "The session looks like the decrypted copy of an encrypted one.");
        return;
    }
    if (!offer && v->s->auth == AUTH_TRIED && v->s->auth_code != 0)
        raise_cause(f, CAUSE_SCANNER_OR_PROBE);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    if (v->offered != OFFERED_YES)
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
}

/* The offer comes first and stays: it keeps the finding's identity when a login follows. Of a login
 * whose command the tap lost, the reply tells. */
static struct finding *raise_where_it_shows(struct judgement *out, const struct view *v, int line)
{
    const struct session *s = v->s;
    if (line >= 0)
        return raise_finding(out, v, RULE_AUTH_IN_CLEAR, SESSION_TO_CLIENT,
                             s->reading.line[line].offset);
    if (s->auth_tries == 0)
        return raise_finding(out, v, RULE_AUTH_IN_CLEAR, SESSION_TO_CLIENT, s->auth_reply_offset);
    return raise_finding(out, v, RULE_AUTH_IN_CLEAR, SESSION_TO_SERVER, s->auth_offset);
}

static void show_login(struct finding *f, const struct session *s)
{
    if (s->auth_tries == 0)
        wording_line(f, SESSION_TO_CLIENT, s->auth_reply_offset, "235", span_of(NULL, 0),
                     "login accepted");
    else
        wording_line(f, SESSION_TO_SERVER, s->auth_offset, "AUTH ",
                     session_text(s, s->auth_mechanism), "login in clear");
}

static void auth_in_clear(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    bool tried = s->auth == AUTH_TRIED || s->auth == AUTH_ACCEPTED;
    int line = bare_offer(v);
    if (!tried && line < 0)
        return;
    struct finding *f = raise_where_it_shows(out, v, line);
    if (tried)
        rate_login(f, v);
    else
        raise_rate(f, SEVERITY_ROW_E1, view_effect(v, true));
    if (line >= 0)
        say_offer(f, v, line);
    say_login(f, v);
    login_causes(f, v, line >= 0);
    if (tried)
        show_login(f, s);
}

void auth_judge(const struct view *v, struct judgement *out)
{
    auth_in_clear(v, out);
}
