/* SPDX-License-Identifier: Apache-2.0 */
/* Meddling with discovery: DNS-1, DNS-2, DNS-4 to DNS-6 of docs/rules.md. */
#include "rules/discovery.h"

#include "base/text.h"
#include "rules/raise.h"
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
}

static bool sts_record_suppressed(const struct discovery *d, struct finding *f)
{
    if (d->answer == DISCOVERY_RECORDS ? !d->contradicted
                                       : !(d->promised || d->before || d->contradicted))
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
    if (!d->contradicted && (!d->promised || d->answer == DISCOVERY_FAILED ||
                             (d->answer == DISCOVERY_UNANSWERED && d->unanswered < SILENT_MANY)))
        raise_cap(f, SEVERITY_LOW);
    if (!d->promised && !d->contradicted)
        f->evidence = EVIDENCE_E2;
    wording_say(f, "A sender without the policy in its cache now delivers as if there were none.");
    f->tlsrpt = "sts-policy-fetch-error";
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

/* --- tlsa-stripped --- */

/* The caller tells only of answers that are not authentic, where authentic ones came before. */
static bool tlsa_stripped(const struct discovery *d, struct finding *f)
{
    if (!d->contradicted && !d->before)
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
        return fetch_prevented(d, out);
    case DISCOVERY_KIND_COUNT:
        break;
    }
    return false;
}
