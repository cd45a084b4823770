/* SPDX-License-Identifier: Apache-2.0 */
/* Signs in the packets themselves that somebody else speaks on the connection. */
#include "rules/families.h"
#include "rules/raise.h"
#include "rules/wording.h"

static const struct tamper *first_of(const struct session *s, enum tamper_kind kind)
{
    for (uint8_t i = 0; i < s->tamper_count; i++)
        if (s->tamper[i].kind == kind)
            return &s->tamper[i];
    return NULL;
}

static bool far_apart(const struct tamper *t)
{
    int step = t->ttl[0] - t->ttl[1];
    return t->ttl[0] && t->ttl[1] && (step > 3 || step < -3);
}

static void say_ttl(struct finding *f, const struct tamper *t)
{
    if (far_apart(t))
        wording_say(f, "They came different ways: TTL %u and %u.", t->ttl[0], t->ttl[1]);
}

/* A row of the matrix for signs that are of the network but do not decide about TLS. */
static void rate_sign(struct finding *f, enum severity_row row, enum effect effect)
{
    raise_rate(f, row, effect);
    f->evidence = EVIDENCE_E4;
}

/* --- conflicting-segments --- */

static const char *why_dropped(unsigned marks)
{
    if (marks & (COPY_CHECKSUM | COPY_IP_CHECKSUM))
        return "its checksum is wrong";
    if (marks & COPY_TIMESTAMP)
        return "its timestamp is of the past";
    if (marks & COPY_MD5)
        return "it is signed where nothing else is";
    if (marks & COPY_ACK)
        return "it acknowledges what was never sent";
    return marks & COPY_NO_ACK ? "it lacks the ACK flag" : "it lies outside of the window";
}

static void say_conflict(struct finding *f, const struct view *v, const struct tamper *t,
                         bool crowded)
{
    const struct session *s = v->s;
    unsigned dropped = t->marks[1] & COPY_DROPPED;
    const char *who = t->dir == SESSION_TO_CLIENT ? "server" : "client";
    if (t->urgent)
        wording_say(
            f, "A byte of the %s was marked urgent, and most receivers take such a byte out.", who);
    if (t->urgent && t->first.len && t->second.len)
        wording_say(f, "With it the line says \"%s\", without it \"%s\".",
                    wording_bytes(session_text(s, t->first)).text,
                    wording_bytes(session_text(s, t->second)).text);
    else if (t->urgent)
        wording_say(f, "The dialogue was read with it and without it.");
    else if (t->first.len && t->second.len)
        wording_say(f,
                    "The same bytes of the %s came twice and differ: one copy says \"%s\", the "
                    "other \"%s\".",
                    who, wording_bytes(session_text(s, t->first)).text,
                    wording_bytes(session_text(s, t->second)).text);
    else
        wording_say(f, "The same bytes of the %s came twice and differ.", who);
    if (dropped)
        wording_say(f, "Its receiver dropped the second: %s.", why_dropped(dropped));
    say_ttl(f, t);
    if (crowded)
        wording_say(f, "So many copies differ that not all could be compared (%u).", s->conflicts);
    else
        wording_say(f, v->decides ? "What decides about TLS differs between the two."
                                  : "To SMTP both mean the same.");
}

static void conflicting_segments(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    const struct tamper *t = first_of(s, TAMPER_SEGMENTS);
    if (!t || v->twin) /* the copies are those of the second place */
        return;
    bool damaged = s->damaged == s->conflicts; /* a damaged packet is sent again */
    bool crowded = s->conflicts - s->damaged > CAP_EVIDENCE_COPIES; /* more than were compared */
    struct finding *f = raise_finding(out, v, RULE_CONFLICTING_SEGMENTS, t->dir, t->offset);
    if ((v->decides && !damaged) || crowded) {
        raise_rate(f, SEVERITY_ROW_E4_E5, view_effect(v, true));
        f->confidence =
            (t->marks[1] & COPY_DROPPED) || t->urgent ? CONFIDENCE_HIGH : CONFIDENCE_PROOF;
        raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
        raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    } else {
        rate_sign(f, SEVERITY_ROW_E1_INNOCENT, view_effect(v, true));
        raise_cap(f, damaged && !v->decides ? SEVERITY_INFO : SEVERITY_LOW);
        raise_alternative(f, CAUSE_MAN_ON_THE_SIDE);
    }
    raise_alternative(f, CAUSE_CAPTURE_ARTEFACT);
    say_conflict(f, v, t, crowded);
    wording_effect(f, v);
    if (t->first.len)
        wording_line(f, t->dir, t->offset, "", session_text(s, t->first), "as it was read here");
    if (t->second.len)
        wording_line(f, t->dir, t->offset, "", session_text(s, t->second),
                     t->urgent ? "without the urgent byte" : "the other copy");
}

/* --- forged-reset --- */

static void forged_reset(const struct view *v, struct judgement *out)
{
    const struct tamper *t = first_of(v->s, TAMPER_RESET);
    if (!t)
        return;
    struct finding *f = raise_finding(out, v, RULE_FORGED_RESET, t->dir, t->offset);
    rate_sign(f, SEVERITY_ROW_E1, EFFECT_NOTHING); /* it bears on no byte that decides */
    f->confidence = far_apart(t) ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM;
    raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    raise_alternative(f, CAUSE_TRANSPARENT_PROXY);
    raise_alternative(f, CAUSE_CAPTURE_ARTEFACT);
    wording_say(f, "A reset came in the name of the %s, which went on all the same.",
                t->dir == SESSION_TO_CLIENT ? "server" : "client");
    say_ttl(f, t);
    wording_effect(f, v);
}

/* --- conflicting-handshake --- */

static void conflicting_handshake(const struct view *v, struct judgement *out)
{
    const struct tamper *t = first_of(v->s, TAMPER_HANDSHAKE);
    if (!t)
        return;
    struct finding *f = raise_finding(out, v, RULE_CONFLICTING_HANDSHAKE, t->dir, t->offset);
    rate_sign(f, far_apart(t) ? SEVERITY_ROW_E1 : SEVERITY_ROW_E1_INNOCENT, EFFECT_NOTHING);
    raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    raise_alternative(f, CAUSE_TRANSPARENT_PROXY);
    wording_say(f, "The client's SYN was answered twice, with different sequence numbers.");
    say_ttl(f, t);
    wording_effect(f, v);
}

/* --- path-discontinuity --- */

static void path_discontinuity(const struct view *v, struct judgement *out)
{
    const struct session *s = v->s;
    if (!s->breaks || !s->breaks_ended || s->breaks_often || v->twin)
        return;
    struct finding *f =
        raise_finding(out, v, RULE_PATH_DISCONTINUITY, s->break_dir, s->break_offset);
    raise_rate(f, SEVERITY_ROW_E4_E5, EFFECT_NOTHING);
    raise_cause(f, CAUSE_MAN_ON_THE_SIDE);
    raise_alternative(f, CAUSE_ON_PATH_REWRITE);
    raise_alternative(f, CAUSE_CAPTURE_ARTEFACT);
    wording_say(f, "One segment of the %s's dialogue came another way than those before and after:",
                s->break_dir == SESSION_TO_CLIENT ? "server" : "client");
    if (s->breaks & BREAK_TTL)
        wording_say(f, "TTL %u instead of %u.", s->break_ttl[1], s->break_ttl[0]);
    if (s->breaks & BREAK_LINK)
        wording_say(f, "Other MAC addresses or tags.");
    if (s->breaks & BREAK_OPTIONS)
        wording_say(f, "No TCP timestamps, which the others have.");
    wording_effect(f, v);
}

void forge_judge(const struct view *v, struct judgement *out)
{
    conflicting_segments(v, out);
    forged_reset(v, out);
    conflicting_handshake(v, out);
    path_discontinuity(v, out);
}
