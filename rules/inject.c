/* SPDX-License-Identifier: Apache-2.0 */
/* Text where none belongs: around the go-ahead for TLS, and replies out of turn. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

#include <stdio.h>

/* INJ-1: text between STARTTLS and its answer. A ClientHello sent early is a TLS record and not
 * this; legal pipelining ends at STARTTLS (RFC 3207 section 4, RFC 2920 section 3.1). */
static void command_injection(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (s->early_client != BYTES_CLEAR)
        return;
    struct span verb = session_text(s, s->early_client_verb);
    struct finding *f =
        raise_finding(out, v, RULE_COMMAND_INJECTION, SESSION_TO_SERVER, s->early_client_offset);
    raise_rate(f, SEVERITY_ROW_E1, view_effect(v, false));
    f->confidence = CONFIDENCE_HIGH;
    raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_SCANNER_OR_PROBE);
    if (verb.n > 0)
        wording_say(f, "The command %s followed STARTTLS before the server's answer.",
                    wording_bytes(verb).text);
    else
        wording_say(f, "Text that is no TLS record followed STARTTLS before the server's answer.");
    wording_say(f, "A server with the fault of CVE-2011-0411 takes it for a command given inside "
                   "TLS.");
    wording_effect(f, v);
    raise_unless_probe(f, v);
    wording_line(f, SESSION_TO_SERVER, s->upgrade_cmd_offset, "STARTTLS", span_of(NULL, 0),
                 "the command");
    wording_line(f, SESSION_TO_SERVER, s->early_client_offset, verb.n > 0 ? "" : "<text>", verb,
                 "follows it before the answer");
}

/* INJ-2: text after the 220, before any TLS record of the client. */
static void response_injection(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (s->early_server != BYTES_CLEAR)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_RESPONSE_INJECTION, SESSION_TO_CLIENT, s->early_server_offset);
    raise_rate(f, SEVERITY_ROW_E1, view_effect(v, false));
    f->confidence = CONFIDENCE_HIGH;
    raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    wording_say(f, "After the 220 to STARTTLS the server side sent text that no command asked for. "
                   "A client with the fault of CVE-2021-38371 takes it for replies given inside "
                   "TLS.");
    wording_effect(f, v);
    wording_line(f, SESSION_TO_CLIENT, s->reading.upgrade_offset, "",
                 session_text(s, s->reading.upgrade_text), "the answer to STARTTLS");
    wording_line(f, SESSION_TO_CLIENT, s->early_server_offset, "",
                 session_text(s, s->early_server_text), "follows it unasked");
}

/* INJ-3. Needs whole streams: a lost packet takes commands with it. 421 may come at any time
 * (RFC 5321 section 3.8). */
static void unsolicited_reply(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    bool injected =
        s->early_server == BYTES_CLEAR && s->unsolicited_offset == s->early_server_offset;
    if (s->unsolicited == 0 || s->step_lost || s->midstream || s->unsolicited_code == 421 ||
        injected || !session_whole(s, SESSION_TO_SERVER) || !session_whole(s, SESSION_TO_CLIENT))
        return;
    struct finding *f =
        raise_finding(out, v, RULE_UNSOLICITED_REPLY, SESSION_TO_CLIENT, s->unsolicited_offset);
    raise_rate(f, SEVERITY_ROW_E1_INNOCENT, view_effect(v, false));
    wording_say(f,
                "The server side sent %u repl%s that no command asked for, the first with code "
                "%d.",
                s->unsolicited, s->unsolicited == 1 ? "y" : "ies", s->unsolicited_code);
    char code[16];
    snprintf(code, sizeof(code), "%d", s->unsolicited_code);
    wording_line(f, SESSION_TO_CLIENT, s->unsolicited_offset, code, span_of(NULL, 0),
                 "no command asked for it");
}

void inject_judge(const struct view *v, struct judgement *out)
{
    command_injection(v, out);
    response_injection(v, out);
    unsolicited_reply(v, out);
}
