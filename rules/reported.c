/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/reported.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "rules/raise.h"
#include "rules/wording.h"

static struct wording_bytes host(const struct discovery_host *h)
{
    struct wording_bytes none = {"an address that is not told"};
    return h->family ? wording_address(h->family, h->address) : none;
}

static void say_report(struct finding *f, const struct discovery_report *r)
{
    char begin[TEXT_TIME], end[TEXT_TIME];
    wording_say(f, "%s reports \"%s\" (RFC 8460)", *r->organization ? r->organization : "Somebody",
                r->result);
    if (r->begin || r->end) {
        text_time(begin, r->begin);
        text_time(end, r->end);
        wording_say(f, "of %.16sZ to %.16sZ", begin, end);
    }
    if (r->sessions)
        wording_say(f, "for %" PRIu64 " session%s", r->sessions, r->sessions == 1 ? "" : "s");
    wording_say(f, "from %s to %s%s%s%s.", host(&r->sender).text, *r->mx ? r->mx : "",
                *r->mx ? " (" : "", host(&r->receiver).text, *r->mx ? ")" : "");
}

/* What who sees no offer does: he asks for nothing. */
static void say_unasked(struct finding *f, const struct discovery_report *r)
{
    if (r->unasked == 0)
        wording_say(f, "They asked for it in each of these, so there must be others.");
    else if (r->clear == 0)
        wording_say(f, "In %" PRIu64 " they did not ask for it.", r->unasked);
    else
        wording_say(f,
                    "In %" PRIu64 " they did not ask for it, and in %" PRIu64
                    " of these sent mail in clear.",
                    r->unasked, r->clear);
}

static void say_difference(struct finding *f, const struct discovery_report *r)
{
    switch (r->differs) {
    case DISCOVERY_ELSEWHERE:
        wording_say(f, "That address is none of our mail exchangers: their DNS, or somebody on the "
                       "way, led them there.");
        return;
    case DISCOVERY_NEVER_HERE:
        wording_say(f, "Nothing from there reached our border in that time, though others did: "
                       "somebody else answered them.");
        return;
    default:
        wording_say(f,
                    "Our border saw %" PRIu64 " session%s from there, and STARTTLS was offered in "
                    "%" PRIu64 " of them: it was taken away between our border and them.",
                    r->came, r->came == 1 ? "" : "s", r->offered);
        say_unasked(f, r);
    }
}

/* A report is the word of a stranger, though what the border saw is our own: it proves nothing
 * alone, and one forged must not be the gravest of alarms. */
static void rate(struct finding *f, const struct discovery_report *r)
{
    raise_rate(f, SEVERITY_ROW_E4_E5, r->clear ? EFFECT_MAIL : EFFECT_NOTHING);
    raise_cap(f, SEVERITY_HIGH);
    f->evidence = EVIDENCE_E5;
    f->confidence =
        r->differs == DISCOVERY_OFFERED && r->unasked == 0 ? CONFIDENCE_LOW : CONFIDENCE_MEDIUM;
}

/* Where to look: at the exchanger, or at what DNS says of the domain. It stands in a command that
 * is copied into a shell: what a stranger says must be a name and nothing else. */
static void next_step(struct finding *f, const struct discovery *d, bool offered)
{
    const struct discovery_report *r = d->report;
    struct domain mx;
    char where[CAP_DOMAIN_TEXT + 8];
    bool named = domain_read(span_str(r->mx), &mx);
    if (!offered)
        snprintf(where, sizeof(where), "%s", d->domain.text);
    else if (r->receiver.family)
        snprintf(where, sizeof(where), r->receiver.family == 6 ? "[%s]:25" : "%s:25",
                 host(&r->receiver).text);
    else
        snprintf(where, sizeof(where), "%s:25", named ? mx.text : d->domain.text);
    wording_next_step_at(f, where);
}

void reported_judge(const struct discovery *d, struct finding *out)
{
    const struct discovery_report *r = d->report;
    bool offered = r->differs == DISCOVERY_OFFERED;
    *out = (struct finding){.rule = offered ? RULE_PATH_REWRITES : RULE_MX_SPOOFED,
                            .cause = offered ? CAUSE_ON_PATH_REWRITE : CAUSE_UNKNOWN,
                            .dir = SESSION_TO_CLIENT,
                            .time = d->time,
                            .tlsrpt = r->tlsrpt};
    next_step(out, d, offered);
    rate(out, r);
    say_report(out, r);
    say_difference(out, r);
    wording_say(out, "Whoever knows where reports go can send one: was it signed by DKIM?");
    if (offered) {
        raise_alternative(out, CAUSE_SERVER_TLS_TROUBLE);
        raise_alternative(out, CAUSE_PER_CLIENT_POLICY);
    } else {
        raise_alternative(out, CAUSE_ON_PATH_REWRITE);
        raise_alternative(out, CAUSE_DOMAIN_MISCONFIGURED);
        raise_alternative(out, CAUSE_CAPTURE_ARTEFACT);
    }
}
