/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/usual.h"

#include "rules/families.h"
#include "rules/raise.h"
#include "rules/usual_parts.h"
#include "rules/weight.h"
#include "rules/wording.h"

void usual_judge(const struct view *v, struct judgement *out)
{
    if (!v->usual || v->s->implicit_tls)
        return;
    usual_replies(v, out);
    usual_sessions(v, out);
    usual_peers(v, out);
    usual_keywords(v, out);
    usual_proxies(v, out);
}

/* --- judged again --- */

struct usual_late usual_keep(const struct session *s, const struct judgement *j)
{
    struct usual_late l = {
        .key = s->key,
        .flow_id = s->flow_id,
        .serial = s->serial,
        .vlan_count = s->vlan_count,
        .source = s->source,
        .first = s->first,
        .last = s->last,
        .server_isn = s->server_isn,
        .isn_known = s->isn_known,
        .refused_ehlo = s->reading.ehlo == EHLO_NONE,
        .reply_offset =
            s->reading.ehlo == EHLO_NONE ? s->reading.refused_offset : s->reading.ehlo_offset,
        .upgrade_offset = s->reading.upgrade_offset,
        .upgrade_code = s->reading.upgrade_code,
        .mail_offset = s->mail_offset,
        .mails = s->mails,
    };
    memcpy(l.vlan, s->vlan, sizeof(l.vlan));
    for (uint8_t i = 0; i < j->finding_count; i++) {
        if (j->finding[i].effect > l.effect)
            l.effect = j->finding[i].effect;
        if (j->finding[i].severity > l.told)
            l.told = j->finding[i].severity;
    }
    if (s->mails > 0 && l.effect < EFFECT_MAIL)
        l.effect = EFFECT_MAIL;
    return l;
}

/* Nothing so far. The findings are as large as a page and more: not cleared. */
static void begin(struct judgement *out)
{
    memset(out, 0, offsetof(struct judgement, finding));
    out->finding_count = 0;
    out->slot = -1;
}

static struct finding *again(struct judgement *out, const struct session *s, enum rule_id id,
                             uint32_t offset)
{
    struct finding *f = &out->finding[0];
    out->finding_count = 1;
    *f = (struct finding){
        .rule = id, .dir = SESSION_TO_CLIENT, .offset = offset, .retrospective = true};
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    wording_next_step(f, s);
    return f;
}

/* As much of the session as whoever tells of it needs. */
static void revive(const struct usual_late *late, struct session *s)
{
    *s = (struct session){
        .key = late->key,
        .flow_id = late->flow_id,
        .serial = late->serial,
        .vlan_count = late->vlan_count,
        .source = late->source,
        .first = late->first,
        .last = late->last,
        .now = late->last,
        .server_isn = late->server_isn,
        .isn_known = late->isn_known,
        .mails = late->mails,
    };
    memcpy(s->vlan, late->vlan, sizeof(s->vlan));
}

static void say_what_went(struct finding *f, const struct usual_late *late)
{
    if (late->mails > 0)
        wording_say(f, "%u mail%s crossed in clear.", late->mails, late->mails == 1 ? "" : "s");
    else
        wording_say(f, "No mail crossed in clear.");
}

bool usual_again(const struct usual_late *late, const struct baseline *b, bool upgrade,
                 struct session *s, struct judgement *out)
{
    const struct usual *u = upgrade ? &b->upgrade : &b->offer;
    const struct doubt_view *d = upgrade ? &b->upgrade_doubt : &b->offer_doubt;
    enum rule_id id = upgrade                       ? RULE_STARTTLS_REFUSED
                      : d->state == DOUBT_SELECTIVE ? RULE_STARTTLS_VANISHED
                      : late->refused_ehlo          ? RULE_EHLO_REFUSED
                                                    : RULE_STARTTLS_REMOVED;
    if (u->support == SUPPORT_NONE)
        return false;
    revive(late, s);
    begin(out);
    out->verdict = late->mails > 0 ? VERDICT_EXPOSED : VERDICT_UNKNOWN;
    out->offered = upgrade ? OFFERED_YES : OFFERED_NO;
    struct finding *f = again(out, s, id, upgrade ? late->upgrade_offset : late->reply_offset);
    weight_rate(f, u, late->effect);
    f->severity = severity_bound(f->severity, SEVERITY_LOW, SEVERITY_HIGH);
    if (d->latent && u->clients < BASELINE_ALL_CLIENTS) { /* it may leave some out */
        raise_cap(f, SEVERITY_LOW);
        raise_cause(f, CAUSE_PER_CLIENT_POLICY);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    }
    if (f->severity <= late->told)
        return false;
    if (upgrade)
        wording_say(f,
                    "TLS came about in %u of %u sessions with %s over %u day%s; in this one "
                    "STARTTLS was answered %d.",
                    u->did, u->of, wording_server(s).text, u->days, u->days == 1 ? "" : "s",
                    late->upgrade_code);
    else
        weight_say_offers(f, s, u,
                          late->refused_ehlo ? "and refused EHLO in this one" : "not in this one");
    weight_say_doubt(f, d, upgrade ? "upgraded" : "offered it");
    say_what_went(f, late);
    raise_alternative(f, CAUSE_PER_CLIENT_POLICY);
    raise_alternative(f, CAUSE_FARM_MEMBER_WITHOUT_TLS);
    if (d->state != DOUBT_SELECTIVE)
        raise_alternative(f, CAUSE_SERVER_RECONFIGURED);
    return true;
}

bool usual_fell_back(const struct usual_late *late, const struct baseline *b,
                     const struct usual_attempt *failed, struct session *s, struct judgement *out)
{
    revive(late, s);
    begin(out);
    out->verdict = VERDICT_EXPOSED;
    out->offered = OFFERED_YES;
    struct finding *f = again(out, s, RULE_PLAINTEXT_FALLBACK, late->mail_offset);
    f->dir = SESSION_TO_SERVER;
    raise_rate(f, SEVERITY_ROW_E1, late->effect);
    f->severity = severity_bound(f->severity, SEVERITY_LOW, SEVERITY_MEDIUM);
    f->evidence = EVIDENCE_E1 | EVIDENCE_E2;
    if (usual_incompatible(b, failed))
        usual_excuse(f, b, failed);
    else if (b->upgrade.support == SUPPORT_WELL)
        weight_lift(f, &b->upgrade, weight_of(&b->upgrade, late->effect));
    if (f->severity <= late->told)
        return false;
    f->linked[f->linked_count++] = failed->flow_id;
    raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    raise_alternative(f, CAUSE_TLS_INCOMPATIBLE);
    wording_say(f,
                "A handshake of this client with %s had begun before and came to nothing; this "
                "session took no offer of TLS.",
                wording_server(s).text);
    say_what_went(f, late);
    return true;
}

bool usual_stopped(const struct usual_late *late, const struct baseline *b, uint32_t sessions,
                   bool sure, struct session *s, struct judgement *out)
{
    const struct usual *u = &b->sender_upgrade;
    if (u->support == SUPPORT_NONE)
        return false;
    revive(late, s);
    *out = (struct judgement){.verdict = VERDICT_EXPOSED, .slot = -1, .offered = OFFERED_YES};
    struct finding *f = again(out, s, RULE_SENDER_STOPPED_UPGRADING, late->mail_offset);
    f->dir = SESSION_TO_SERVER;
    f->subject = SUBJECT_SENDER;
    weight_rate(f, u, late->effect);
    if (!sure) {
        raise_cap(f, SEVERITY_LOW);
        f->confidence = CONFIDENCE_LOW;
    }
    if (f->severity <= late->told)
        return false;
    raise_alternative(f, CAUSE_UNKNOWN);
    weight_say_upgrades(f, b, ", not in this one.");
    if (sure)
        wording_say(f, "It has sent in clear %u times in a row by now.", sessions);
    else
        wording_say(f,
                    "It has not come back to TLS since, but %u session%s in clear may be chance.",
                    sessions, sessions == 1 ? "" : "s");
    say_what_went(f, late);
    return true;
}
