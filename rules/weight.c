/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/weight.h"

#include <inttypes.h>

#include "rules/raise.h"
#include "rules/wording.h"

static const struct usual nothing;

/* By how well the memory is supported. */
enum severity weight_of(const struct usual *u, enum effect effect)
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

void weight_rate(struct finding *f, const struct usual *u, enum effect effect)
{
    const struct rule *rule = rule_row(f->rule);
    f->effect = effect;
    f->evidence = EVIDENCE_E2;
    f->severity = severity_bound(weight_of(u, effect), rule->floor, rule->ceiling);
    f->confidence = confidence_of(u);
}

/* Adds the evidence of history to a finding that has its own. */
void weight_lift(struct finding *f, const struct usual *u, enum severity to)
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

void weight_say_offers(struct finding *f, const struct session *s, const struct usual *u,
                       const char *but)
{
    wording_say(f, "%s offered STARTTLS in %u of %u sessions from %s%u client%s over %u day%s, %s.",
                wording_server(s).text, u->did, u->of, u->more_clients ? "more than " : "",
                u->clients, u->clients == 1 ? "" : "s", u->days, u->days == 1 ? "" : "s", but);
}

struct finding *weight_found(struct judgement *out, enum rule_id id)
{
    for (uint8_t i = 0; i < out->finding_count; i++)
        if (out->finding[i].rule == id)
            return &out->finding[i];
    return NULL;
}

bool weight_handshake_failed(const struct judgement *out)
{
    static const enum rule_id rules[] = {RULE_STARTTLS_REFUSED, RULE_HANDSHAKE_ABORTED,
                                         RULE_CLEARTEXT_IN_HANDSHAKE, RULE_STARTTLS_UNANSWERED};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        for (uint8_t k = 0; k < out->finding_count; k++)
            if (out->finding[k].rule == rules[i] && out->finding[k].severity > SEVERITY_INFO)
                return true;
    return false;
}

bool weight_told_apart(const struct doubt_view *d)
{
    return (d->state == DOUBT_SELECTIVE && d->same_path) || d->state == DOUBT_PATH ||
           d->state == DOUBT_UNDECIDED;
}

void weight_say_doubt(struct finding *f, const struct doubt_view *d, const char *served)
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

void weight_say_upgrades(struct finding *f, const struct baseline *b, const char *but)
{
    const struct usual *u = &b->sender_upgrade;
    wording_say(f, "This sender%s%s took the offer in %u of %u sessions over %u day%s%s",
                b->sender[0] ? ", " : "", b->sender, u->did, u->of, u->days,
                u->days == 1 ? "" : "s", but);
    if (b->sender_ja4.kinds > 0)
        wording_say(f, "Its ClientHellos were of %u kind%s (JA4).", b->sender_ja4.kinds,
                    b->sender_ja4.kinds == 1 ? "" : "s");
}

const struct usual *weight_offers_of(const struct baseline *b)
{
    if (b->mixed)
        return &nothing;
    if (b->offer.of == 0 && b->farm_offer.support != SUPPORT_NONE)
        return &b->farm_offer;
    return &b->offer;
}
