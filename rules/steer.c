/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that was led to another server: what one that shuts the better one could wish for. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

/* Would its mail have gone in TLS there? A server that never was in TLS with anybody, or never
 * answered, is no loss (nolisting: the best exchanger is shut for ever), nor is it for a client
 * that takes no offer. */
static bool is_a_loss(const struct baseline *b, const struct usual_knock *k)
{
    bool takes = k->upgrade.pair > 0 || b->sender_upgrade.support != SUPPORT_NONE;
    return k->upgrade.support != SUPPORT_NONE && takes;
}

/* XSN-7. A server that nobody reaches is down. */
static void mx_steered(const struct view *v, struct judgement *out)
{
    const struct steering *t = v->steering;
    enum effect effect = view_effect(v, false);
    if (!t || effect < EFFECT_MAIL || v->mirror || !is_a_loss(v->usual, t->knock))
        return;
    const struct usual_knock *k = t->knock;
    struct wording_bytes there = wording_address(v->s->key.family, k->server);
    struct finding *f =
        raise_finding(out, v, RULE_MX_STEERED, SESSION_TO_SERVER, v->s->mail_offset);
    raise_rate(f, SEVERITY_ROW_E2, effect);
    f->confidence = CONFIDENCE_LOW;
    if (k->others > 0) {
        raise_cap(f, SEVERITY_INFO);
        raise_cause(f, CAUSE_SERVER_TLS_TROUBLE);
    } else {
        raise_alternative(f, CAUSE_SERVER_TLS_TROUBLE);
    }
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    wording_say(f,
                "The client tried %s, the better mail exchanger of %s (%s, preference %u), and %s "
                "%.0f s before; then it came to this one (preference %u) and sends in clear.",
                there.text, t->domain.text, t->better.text, t->better_preference,
                k->refused ? "was refused" : "got no answer",
                (double)clock_since(v->s->first, k->time) / NS_PER_S, t->preference);
    wording_say(f, "TLS came about in %u of %u sessions with that one over %u day%s.",
                k->upgrade.did, k->upgrade.of, k->upgrade.days, k->upgrade.days == 1 ? "" : "s");
    if (k->others > 0)
        wording_say(f, "Others do not reach it either, and nobody has since: it is down.");
    wording_effect(f, v);
    wording_effect_line(f, v);
}

void steer_judge(const struct view *v, struct judgement *out)
{
    mx_steered(v, out);
}
