/* SPDX-License-Identifier: Apache-2.0 */
/* All rules over one session, and the sum. */
#include "rules/families.h"
#include "rules/precedence.h"
#include "rules/usual.h"
#include "rules/verdict.h"

static bool before(const struct finding *a, const struct finding *b)
{
    if (a->severity != b->severity)
        return a->severity > b->severity;
    return rule_before(a->rule, b->rule);
}

static void sort(struct judgement *out)
{
    for (size_t i = 1; i < out->finding_count; i++) {
        struct finding f = out->finding[i];
        size_t at = i;
        for (; at > 0 && before(&f, &out->finding[at - 1]); at--)
            out->finding[at] = out->finding[at - 1];
        out->finding[at] = f;
    }
}

/* The line of the EHLO reply that stands for STARTTLS; a line that begins blank, whole. */
static void set_slot(const struct view *v, struct judgement *out)
{
    int line = v->offered == OFFERED_GARBLED ? (int)v->garble.line : v->starttls_line;
    out->slot = line > 0 ? line - 1 : -1;
    if (line <= 0)
        return;
    const struct ehlo_line *l = &v->s->reading.line[line];
    out->token = l->text;
    if (l->word_len > 0 && l->word_len < l->text.len)
        out->token.len = l->word_len;
}

/* It asked for TLS, got it, and nothing was odd: the dialogue before has nothing to tell. */
static bool settled(const struct session *s, const struct judge_aid *aid)
{
    return s->tls_complete && s->reading.upgrade_code == 220 &&
           ((aid && aid->calm) || judge_calm(s));
}

static void judge_dialogue(const struct view *v, struct judgement *out)
{
    forge_judge(v, out);
    vantage_judge(v, out);
    strip_judge(v, out);
    refuse_judge(v, out);
    inject_judge(v, out);
    auth_judge(v, out);
}

void judge(const struct session *s, enum session_milestone m, const struct judge_aid *aid,
           struct judgement *out)
{
    struct view v = view_of(s, m, aid ? aid->memory : NULL);
    v.expected = aid && aid->expected && aid->expected->count > 0 ? aid->expected : NULL;
    v.sender_checks = aid ? aid->sender_checks : 0;
    v.certificate = aid ? aid->certificate : NULL;
    v.own_authorities = aid && aid->own_authorities;
    v.usual = aid ? aid->usual : NULL;
    v.steering = v.usual ? aid->steering : NULL;
    usual_read(&v);
    out->offered = v.conflicting ? OFFERED_CONFLICTING : v.offered;
    out->token = (struct text){0, 0};
    out->two_places = v.twin;
    out->promise = NULL;
    out->promise_state = PROMISE_UNKNOWN;
    out->sender_checks = v.sender_checks;
    out->finding_count = 0; /* the findings behind it are as large as a page: not cleared */
    set_slot(&v, out);
    if (!settled(s, aid))
        judge_dialogue(&v, out);
    greeting_judge(&v, out);
    tls_judge(&v, out);
    cert_judge(&v, out);
    usual_judge(&v, out);
    steer_judge(&v, out);
    promise_judge(&v, out);
    vantage_lower(aid ? aid->vantage : VANTAGE_UNKNOWN, out);
    sort(out);
    out->verdict = verdict_of(&v, out);
    out->visibility = verdict_visibility(&v);
    out->handshake = verdict_handshake(&v, &out->stage);
    out->peer = verdict_peer(&v, out);
}
