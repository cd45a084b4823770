/* SPDX-License-Identifier: Apache-2.0 */
/* One connection seen at two places: what stands between them changed it (evidence E5). */
#include <stdio.h>

#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

struct place {
    char text[96];
};

/* As tcpdump would show it: tags, MAC addresses of the client's side and the server's, TTLs. */
static struct place place_of(const struct session *s)
{
    const uint8_t *c = s->mac[SESSION_TO_SERVER], *d = s->mac[SESSION_TO_CLIENT];
    struct place p;
    int n = 0;

    for (uint8_t i = 0; i < s->vlan_count; i++)
        n += snprintf(p.text + n, sizeof(p.text) - (size_t)n, "VLAN %u, ", s->vlan[i]);
    if (s->has_mac)
        n += snprintf(p.text + n, sizeof(p.text) - (size_t)n,
                      "%02x:%02x:%02x:%02x:%02x:%02x to %02x:%02x:%02x:%02x:%02x:%02x, ", c[0],
                      c[1], c[2], c[3], c[4], c[5], d[0], d[1], d[2], d[3], d[4], d[5]);
    snprintf(p.text + n, sizeof(p.text) - (size_t)n, "TTL %u and %u", s->ttl[SESSION_TO_SERVER],
             s->ttl[SESSION_TO_CLIENT]);
    return p;
}

/* The place where the client's packets have more hops left is the nearer to it. */
static bool nearer_to_client(const struct session *a, const struct session *b)
{
    return a->ttl[SESSION_TO_SERVER] >= b->ttl[SESSION_TO_SERVER];
}

static void name_the_hop(struct finding *f, const struct session *s)
{
    const struct session *near = nearer_to_client(s, s->twin) ? s : s->twin;
    const struct session *far = near == s ? s->twin : s;

    wording_say(f, "It stands between %s (nearer to the client) and %s.", place_of(near).text,
                place_of(far).text);
}

static const char *offer_at(const struct view *v)
{
    switch (v->offered) {
    case OFFERED_YES:
        return "STARTTLS was offered";
    case OFFERED_GARBLED:
        return "the offer was overwritten";
    case OFFERED_NO:
        return "there was no offer";
    default:
        return "the reply is not whole";
    }
}

/* The line of the EHLO reply that stands for STARTTLS; 0: none does. */
static size_t line_of(const struct view *v)
{
    if (v->offered == OFFERED_GARBLED)
        return v->garble.line;
    return v->starttls_line > 0 ? (size_t)v->starttls_line : 0;
}

/* The first line of the EHLO reply that differs; SIZE_MAX: none does, so it is the banner. */
static size_t differing_line(const struct session *a, const struct session *b)
{
    for (uint8_t i = 0; i < a->reading.line_count && i < b->reading.line_count; i++)
        if (!span_eq(session_text(a, a->reading.line[i].text),
                     session_text(b, b->reading.line[i].text)))
            return i;
    return SIZE_MAX;
}

static void show_line(struct finding *f, const struct view *v, const struct session *other,
                      const char *note)
{
    size_t i = v->rewritten ? line_of(v) : differing_line(v->s, other);

    if (i == SIZE_MAX)
        wording_line(f, SESSION_TO_CLIENT, v->s->banner_offset, "",
                     session_text(v->s, v->s->banner), note);
    else if (i > 0)
        wording_ehlo_line(f, v, i, note);
}

void vantage_judge(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;

    if (!v->rewritten && !v->reworded)
        return;
    struct view twin = view_of(s->twin, v->milestone, NULL);
    struct finding *f =
        raise_finding(out, v, RULE_PATH_REWRITES, SESSION_TO_CLIENT, s->reading.ehlo_offset);
    raise_cause(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_CISCO_ESMTP_INSPECTION);
    raise_alternative(f, CAUSE_TLS_INSPECTION_GATEWAY);
    f->confidence = CONFIDENCE_PROOF;
    if (v->rewritten) {
        raise_rate(f, SEVERITY_ROW_E4_E5, view_effect(v, true));
    } else {
        raise_rate(f, SEVERITY_ROW_E1_INNOCENT, EFFECT_NOTHING);
        raise_cap(f, SEVERITY_LOW);
    }
    f->evidence = EVIDENCE_E5;
    if (twin.offered != v->offered)
        wording_say(f, "The same connection was seen at two places: at one %s, at the other %s.",
                    offer_at(v), offer_at(&twin));
    else
        wording_say(f,
                    v->rewritten
                        ? "The same connection was seen at two places, and what was said about "
                          "TLS differs."
                        : "The same connection was seen at two places, and what was said differs, "
                          "but not about TLS.");
    name_the_hop(f, s);
    wording_effect(f, v);
    twin.rewritten = v->rewritten;
    show_line(f, v, s->twin, "at the one place");
    show_line(f, &twin, s, "at the other");
}

/* --- where the tap stands --- */

/* Of what a client says, a tap beside it sees what the client itself said: somebody on the way
 * comes later. Of what a server says, likewise; and a reply is too fast only for who has the way
 * before it. */
static const struct {
    enum rule_id rule;
    enum vantage from;
} SHOWS_NOTHING[] = {
    {RULE_EHLO_VERB_GARBLED, VANTAGE_CLIENT_SIDE},
    {RULE_STARTTLS_COMMAND_GARBLED, VANTAGE_CLIENT_SIDE},
    {RULE_COMMAND_INJECTION, VANTAGE_CLIENT_SIDE},
    {RULE_SENDER_STOPPED_UPGRADING, VANTAGE_CLIENT_SIDE},
    {RULE_RESPONSE_INJECTION, VANTAGE_SERVER_SIDE},
    {RULE_REPLY_TOO_FAST, VANTAGE_SERVER_SIDE},
};

static bool shows_nothing(enum rule_id rule, enum vantage from)
{
    for (size_t i = 0; i < sizeof(SHOWS_NOTHING) / sizeof(SHOWS_NOTHING[0]); i++)
        if (SHOWS_NOTHING[i].rule == rule && SHOWS_NOTHING[i].from == from)
            return true;
    return false;
}

/* One step, and an alert stays one: a tap may be thought to stand elsewhere than it does. */
void vantage_lower(enum vantage from, struct judgement *out)
{
    for (uint8_t i = 0; from != VANTAGE_UNKNOWN && i < out->finding_count; i++) {
        struct finding *f = &out->finding[i];
        if (f->severity <= SEVERITY_INFO || !shows_nothing(f->rule, from))
            continue;
        wording_say(f, "The tap stands on the %s, where this shows less.",
                    from == VANTAGE_CLIENT_SIDE ? "client's side" : "server's side");
        if (f->severity > SEVERITY_LOW)
            f->severity--;
    }
}

const char *vantage_text(enum vantage v)
{
    static const char *const TEXT[] = {"unknown", "client-side", "server-side"};
    _Static_assert(sizeof(TEXT) / sizeof(TEXT[0]) == VANTAGE_COUNT, "one each");
    return TEXT[v];
}
