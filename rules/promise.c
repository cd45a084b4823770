/* SPDX-License-Identifier: Apache-2.0 */
/* Promises made inside the session itself. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

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
    requiretls_violated(v, out);
}
