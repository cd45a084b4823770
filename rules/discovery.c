/* SPDX-License-Identifier: Apache-2.0 */
/* Meddling with discovery: DNS-1 to DNS-9 of docs/rules.md. */
#include "rules/discovery.h"

#include "base/text.h"
#include "rules/raise.h"
#include "rules/reported.h"
#include "rules/wording.h"

#define SILENT_FEW  2 /* queries in a row: one alone is lost every day */
#define SILENT_MANY 4

static void begin(struct finding *f, enum rule_id id, const struct discovery *d)
{
    *f = (struct finding){.rule = id,
                          .confidence = CONFIDENCE_MEDIUM,
                          .cause = CAUSE_UNKNOWN,
                          .dir = d->answer == DISCOVERY_UNANSWERED ? SESSION_TO_SERVER
                                                                   : SESSION_TO_CLIENT,
                          .offset = d->id,
                          .time = d->time};
    wording_next_step_at(f, d->kind == DISCOVERY_TLSA ? d->host.text : d->domain.text);
    raise_rate(f, d->contradicted ? SEVERITY_ROW_E4_E5 : SEVERITY_ROW_E3, EFFECT_NOTHING);
}

static void say_who(struct finding *f, const struct discovery *d)
{
    char when[TEXT_TIME];
    if (d->own) {
        text_time(when, d->time);
        wording_say(f, "We asked ourselves, at %.19sZ.", when);
        return;
    }
    wording_say(f, "%s asked %s.", wording_address(d->key.family, d->key.client).text,
                wording_address(d->key.family, d->key.server).text);
}

/* One step each for what makes an alert rest on less, as for promises (rules/promise.c). */
static void weigh(struct finding *f, const struct discovery *d)
{
    const struct expectation *e = &d->promise;
    int steps = (e->mode == STS_MODE_TESTING) + !e->strict + e->fetched_later;
    if (d->contradicted) {
        f->confidence = CONFIDENCE_HIGH;
        return;
    }
    if (!d->promised)
        return;
    for (; steps > 0 && f->severity > SEVERITY_LOW; steps--)
        f->severity--;
}

static void say_promise(struct finding *f, const struct discovery *d)
{
    char until[TEXT_TIME];
    const struct expectation *e = &d->promise;
    if (!d->promised)
        return;
    text_time(until, e->until);
    wording_say(f, "%s has an MTA-STS policy in mode %s", e->domain.text, sts_mode_text(e->mode));
    if (e->until != INT64_MAX)
        wording_say(f, "that holds until %.10s", until);
    wording_say(f, "(RFC 8461).");
}

/* --- mx-spoofed --- */

static bool misleads(const struct discovery *d)
{
    return d->promised && d->promise.match != MX_MATCH_WHOLE;
}

static bool mx_spoofed(const struct discovery *d, struct finding *f)
{
    bool mx = d->kind == DISCOVERY_MX;
    if (!(d->answer == DISCOVERY_RECORDS && d->contradicted) && !(mx && misleads(d)))
        return false;
    begin(f, RULE_MX_SPOOFED, d);
    weigh(f, d);
    if (d->contradicted)
        wording_say(f, "One query for %s %s was answered twice, and the answers differ.",
                    mx ? d->domain.text : d->host.text, d->type);
    if (mx && d->answer == DISCOVERY_NONE)
        wording_say(f, "By this answer %s has no mail exchanger, and receives by itself.",
                    d->domain.text);
    else if (mx)
        wording_say(f, "By this answer mail for %s goes to %s.", d->domain.text, d->host.text);
    if (mx && misleads(d)) {
        say_promise(f, d);
        wording_say(f, "None of its patterns names that host%s.",
                    d->another_named ? ", but another that is as good" : "");
    }
    if (mx && d->another_named && !d->contradicted)
        raise_cap(f, SEVERITY_LOW);
    if (mx && misleads(d) && d->promise.match == MX_MATCH_DEPTH && !d->contradicted) {
        wording_say(f, "One would, if its asterisk stood for more than one label.");
        raise_cap(f, SEVERITY_LOW);
        raise_cause(f, CAUSE_DOMAIN_MISCONFIGURED);
    } else if (d->contradicted) {
        raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    }
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    say_who(f, d);
    return true;
}

/* --- sts-record-suppressed, sts-record-invalid --- */

static const char *how_missing(const struct discovery *d)
{
    switch (d->answer) {
    case DISCOVERY_FAILED:
        return "the lookup of its record failed";
    case DISCOVERY_UNANSWERED:
        return "queries for its record stay without an answer, while the same server answers "
               "others";
    default:
        return "the answer says that it has no such record";
    }
}

static void say_before(struct finding *f, const struct discovery *d)
{
    char before[TEXT_TIME];
    text_time(before, d->before);
    if (d->before)
        wording_say(f, "The record was last seen here at %.19sZ.", before);
    text_time(before, d->elsewhere);
    if (d->elsewhere)
        wording_say(f, "Our own resolver was given it at %.19sZ.", before);
}

/* The answer of another resolver counts where it is older than what any cache keeps of there having
 * been none (RFC 2308 section 5). What is proven was done by the owner of the zone. */
static bool is_certain(const struct discovery *d)
{
    if (d->own && d->authentic && d->answer == DISCOVERY_NONE)
        return false;
    return d->promised || (d->elsewhere && d->elsewhere_long);
}

static bool sts_record_suppressed(const struct discovery *d, struct finding *f)
{
    if (d->answer == DISCOVERY_RECORDS
            ? !d->contradicted
            : !(d->promised || d->before || d->elsewhere || d->contradicted))
        return false;
    if (d->answer == DISCOVERY_UNANSWERED && d->unanswered < SILENT_FEW)
        return false;
    begin(f, RULE_STS_RECORD_SUPPRESSED, d);
    weigh(f, d);
    if (d->contradicted) {
        wording_say(f,
                    "One query for _mta-sts.%s was answered twice: once with a record and once "
                    "otherwise.",
                    d->domain.text);
        raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    } else {
        wording_say(f, "_mta-sts.%s: %s.", d->domain.text, how_missing(d));
    }
    say_promise(f, d);
    say_before(f, d);
    if (!d->contradicted && (!is_certain(d) || d->answer == DISCOVERY_FAILED ||
                             (d->answer == DISCOVERY_UNANSWERED && d->unanswered < SILENT_MANY)))
        raise_cap(f, SEVERITY_LOW);
    if (!d->promised && !d->elsewhere && !d->contradicted)
        f->evidence = EVIDENCE_E2;
    wording_say(f, "A sender without the policy in its cache now delivers as if there were none.");
    f->tlsrpt = "sts-policy-fetch-error";
    if (d->own && d->authentic && d->answer == DISCOVERY_NONE)
        raise_cause(f, CAUSE_DOMAIN_MISCONFIGURED);
    else
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    say_who(f, d);
    return true;
}

static bool sts_record_invalid(const struct discovery *d, struct finding *f)
{
    if (d->answer != DISCOVERY_RECORDS || !d->invalid)
        return false;
    begin(f, RULE_STS_RECORD_INVALID, d);
    wording_say(f, "_mta-sts.%s: %s.", d->domain.text, d->invalid);
    f->tlsrpt = "sts-policy-invalid";
    raise_cause(f, CAUSE_DOMAIN_MISCONFIGURED);
    say_who(f, d);
    return true;
}

/* The client has come as far as its ClientHello: the name was found, and the host is there. */
static bool fetch_prevented(const struct discovery *d, struct finding *f)
{
    if (!d->promised && !(d->before && d->unanswered >= SILENT_FEW))
        return false;
    begin(f, RULE_STS_RECORD_SUPPRESSED, d);
    weigh(f, d);
    wording_say(f,
                "%s began TLS with mta-sts.%s at %s to fetch its policy, and the connection was "
                "%s, %u time%s in a row.",
                wording_address(d->key.family, d->key.client).text, d->domain.text,
                wording_address(d->key.family, d->key.server).text,
                d->answer == DISCOVERY_FAILED ? "reset" : "never answered", d->unanswered,
                d->unanswered == 1 ? "" : "s");
    say_promise(f, d);
    say_before(f, d);
    if (!d->promised || d->unanswered < SILENT_MANY)
        raise_cap(f, SEVERITY_LOW);
    if (!d->promised)
        f->evidence = EVIDENCE_E2;
    f->tlsrpt = "sts-policy-fetch-error";
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    return true;
}

/* --- what we fetch ourselves: sts-policy-unreachable, sts-id-replayed, sts-policy-weakened --- */

/* The record is there, so there should be a policy. One attempt that came to nothing is none. */
static bool sts_policy_unreachable(const struct discovery *d, struct finding *f)
{
    const struct discovery_policy *p = &d->policy;
    begin(f, RULE_STS_POLICY_UNREACHABLE, d);
    raise_cap(f, p->status == 0 && d->unanswered < SILENT_FEW &&
                         strcmp(p->tlsrpt, "sts-policy-fetch-error") == 0
                     ? SEVERITY_INFO
                     : SEVERITY_LOW);
    wording_say(f, "_mta-sts.%s has a record, and the policy at mta-sts.%s cannot be had%s%s.",
                d->domain.text, d->domain.text, p->why[0] ? ": " : "", p->why);
    if (p->status > 0)
        wording_say(f, "The status is %d.", p->status);
    if (d->unanswered > 1)
        wording_say(f, "So it was %u times in a row.", d->unanswered);
    say_promise(f, d);
    wording_say(f, d->promised ? "Senders that have it keep to it until then, and others to none."
                               : "Senders deliver as if there were none.");
    f->tlsrpt = p->tlsrpt;
    raise_cause(f, CAUSE_DOMAIN_MISCONFIGURED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    say_who(f, d);
    return true;
}

static bool sts_id_replayed(const struct discovery *d, struct finding *f)
{
    char before[TEXT_TIME];
    text_time(before, d->before);
    begin(f, RULE_STS_ID_REPLAYED, d);
    raise_cap(f, SEVERITY_LOW);
    wording_say(f, "_mta-sts.%s has the id %s, which another had replaced by %.19sZ.",
                d->domain.text, d->sts_id, before);
    wording_say(f, "An id stands for one policy and is not used again (RFC 8461 section 3.1).");
    raise_cause(f, CAUSE_DOMAIN_MISCONFIGURED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    say_who(f, d);
    return true;
}

static void say_weaker(struct finding *f, const struct discovery *d)
{
    const struct discovery_policy *p = &d->policy;
    wording_say(f, "The policy of %s is weaker than the one before it.", d->domain.text);
    if (p->weaker & DISCOVERY_WEAKER_MODE)
        wording_say(f, "Its mode was %s and is %s.", sts_mode_text(d->promise.mode),
                    sts_mode_text(p->mode));
    if (p->weaker & DISCOVERY_WEAKER_AGE)
        wording_say(f, "Its max_age was %u and is %u.", p->max_age_before, p->max_age);
    if (p->weaker & DISCOVERY_WEAKER_MX)
        wording_say(f, "It has a wildcard over hosts of another domain, which it had not.");
    if (p->weaker & DISCOVERY_OTHER_MX)
        wording_say(f, "None of its mx was there before.");
    if (p->issuer_changed)
        wording_say(f, "Another authority issued the policy host's certificate.");
    if (p->mx_changed)
        wording_say(f, "None of the domain's mail exchangers is one of those before.");
}

/* RFC 8461 section 8.3 removes a policy by the mode none and a small max_age: alone that is
 * nobody's attack. Whoever took the domain over has another certificate and another place for its
 * mail. */
static bool sts_policy_weakened(const struct discovery *d, struct finding *f)
{
    int steps = d->policy.issuer_changed + d->policy.mx_changed;
    begin(f, RULE_STS_POLICY_WEAKENED, d);
    raise_rate(f, SEVERITY_ROW_E2, EFFECT_NOTHING);
    for (; steps > 0 && f->severity < SEVERITY_HIGH; steps--)
        f->severity++;
    say_weaker(f, d);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    say_who(f, d);
    return true;
}

/* --- tlsa-stripped --- */

/* The caller tells only of answers that are not authentic, where authentic ones came before. */
static bool tlsa_stripped(const struct discovery *d, struct finding *f)
{
    if (!d->contradicted && !d->before && !d->elsewhere)
        return false;
    begin(f, RULE_TLSA_STRIPPED, d);
    weigh(f, d);
    if (d->contradicted) {
        wording_say(f,
                    "One query for the TLSA records of %s was answered twice, and the answers "
                    "differ.",
                    d->host.text);
        raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    } else if (d->answer == DISCOVERY_FAILED) {
        wording_say(f, "The lookup of the TLSA records of %s failed.", d->host.text);
        raise_cap(f, SEVERITY_LOW); /* a sender must wait then (RFC 7672 section 2.1.2) */
    } else {
        wording_say(f, "%s the TLSA records of %s, and the answer is not marked as authentic.",
                    d->answer == DISCOVERY_NONE ? "There are none of" : "Here are", d->host.text);
    }
    if (d->before) {
        char before[TEXT_TIME];
        text_time(before, d->before);
        wording_say(f, "The same resolver gave them as authentic at %.19sZ.", before);
    }
    if (d->elsewhere) {
        char when[TEXT_TIME];
        text_time(when, d->elsewhere);
        wording_say(f, "Our own resolver had them, validated, at %.19sZ.", when);
    }
    f->tlsrpt = "dnssec-invalid";
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_DOMAIN_MISCONFIGURED);
    say_who(f, d);
    return true;
}

bool discovery_judge(const struct discovery *d, struct finding *out)
{
    switch (d->kind) {
    case DISCOVERY_MX:
    case DISCOVERY_ADDRESS:
        return mx_spoofed(d, out);
    case DISCOVERY_STS:
        return sts_record_suppressed(d, out) || sts_record_invalid(d, out);
    case DISCOVERY_TLSA:
        return tlsa_stripped(d, out);
    case DISCOVERY_FETCH:
        return d->own ? sts_policy_unreachable(d, out) : fetch_prevented(d, out);
    case DISCOVERY_POLICY:
        return sts_policy_weakened(d, out);
    case DISCOVERY_ID:
        return sts_id_replayed(d, out);
    case DISCOVERY_REPORT:
        reported_judge(d, out);
        return true;
    case DISCOVERY_KIND_COUNT:
        break;
    }
    return false;
}
