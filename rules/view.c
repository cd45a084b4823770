/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/view.h"

#include "rules/keywords.h"

struct span view_line(const struct view *v, size_t i)
{
    return session_text(v->s, v->s->reading.line[i].text);
}

struct span view_word(const struct view *v, size_t i)
{
    return keywords_word(view_line(v, i));
}

int view_keyword(const struct view *v, const char *keyword)
{
    struct span want = span_str(keyword);
    for (size_t i = 1; i < v->s->reading.line_count; i++) {
        struct span word = view_word(v, i);
        if (span_eq_nocase(span_first(word, span_find(word, '=')), want))
            return (int)i;
    }
    return -1;
}

/* STARTTLS has no parameters (RFC 3207 section 2), but a server that adds some offers it. */
static int starttls_line(const struct view *v)
{
    for (size_t i = 1; i < v->s->reading.line_count; i++)
        if (keywords_first(view_line(v, i), span_str("STARTTLS")))
            return (int)i;
    return -1;
}

/* The same session with the same reply. The number of its lines stands by itself, so that whatever
 * else two sessions share, a line that is remembered is one of the reply. */
static uint64_t mark_of(const struct session *s)
{
    _Static_assert(CAP_REPLY_LINES < 128, "seven bits");
    return s->flow_id << 9 ^ (uint64_t)s->reading.ehlo_offset << 8 ^
           (uint64_t)s->reading.line_count << 1 ^ 1;
}

static struct garble garble_of(const struct view *v, struct garble_memory *memory)
{
    struct span line[CAP_REPLY_LINES];
    size_t count = v->s->reading.line_count;
    uint64_t mark = mark_of(v->s);
    const struct garble *known = garble_recall(memory, mark);
    if (known)
        return *known;
    for (size_t i = 1; i < count; i++)
        line[i - 1] = view_line(v, i);
    struct garble g =
        garble_judge(memory, line, count > 0 ? count - 1 : 0, session_text(v->s, v->s->banner));
    g.line++;
    garble_remember(memory, mark, &g);
    return g;
}

bool view_secret_shown(const struct session *s)
{
    static const char *const mechanisms[] = {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"};
    for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
        if (span_eq_nocase(session_text(s, s->auth_mechanism), span_str(mechanisms[i])))
            return true;
    return false;
}

/* A visibility appliance hands on the deciphered session under the old addresses: both sides go on
 * in clear after the 220, with the second EHLO that RFC 3207 section 4.2 asks for. */
static bool decrypted_mirror(const struct session *s)
{
    return s->upgrade_accepted && s->client_after == BYTES_CLEAR &&
           s->server_after == BYTES_CLEAR && s->ehlo_after &&
           s->tls_records[SESSION_TO_SERVER] == 0 && s->tls_records[SESSION_TO_CLIENT] == 0;
}

static enum offered offered_of(struct view *v, struct garble_memory *memory)
{
    if (v->s->implicit_tls || !v->reply_whole)
        return OFFERED_UNKNOWN;
    v->starttls_line = starttls_line(v);
    if (v->starttls_line > 0)
        return OFFERED_YES;
    v->garble = garble_of(v, memory);
    return v->garble.kind != GARBLE_NONE ? OFFERED_GARBLED : OFFERED_NO;
}

/* What became of the request for TLS, as far as it matters. */
static int answer_class(const struct session *s)
{
    int code = s->reading.upgrade_code;
    return code == 0 || code == 220 ? code : -1;
}

/* Reads the session with the other copies in place and compares. */
static void compare_readings(struct view *v)
{
    struct view other = view_of(v->s->other, v->milestone, NULL);
    const struct session *o = v->s->other;
    bool offer = other.offered != v->offered;
    if (v->s->evidence_evicted) /* the other reading ends early: what it lacks says nothing */
        v->decides = offer && other.offered != OFFERED_UNKNOWN;
    else
        v->decides = offer || other.asked != v->asked || answer_class(o) != answer_class(v->s) ||
                     (v->s->reading.refused_code != 0) != (o->reading.refused_code != 0);
    v->conflicting = offer && v->decides && v->s->either_taken;
}

static bool same_text(const struct session *a, struct text x, const struct session *b,
                      struct text y)
{
    return span_eq(session_text(a, x), session_text(b, y));
}

static bool same_words(const struct session *a, const struct session *b)
{
    const struct smtp_reading *x = &a->reading, *y = &b->reading;
    if (!same_text(a, a->banner, b, b->banner) || x->line_count != y->line_count)
        return false;
    for (uint8_t i = 0; i < x->line_count; i++)
        if (!same_text(a, x->line[i].text, b, y->line[i].text))
            return false;
    return true;
}

/* Does the other place show enough to speak of, and explain every copy that differs? What was made
 * up to look like one does not, and a forger's copies are his at either place. */
static bool is_second_view(const struct session *s, const struct session *twin)
{
    return twin && twin->synack_seen && twin->conflicts == 0 &&
           s->conflicts == s->conflicts_of_twin && session_whole(twin, SESSION_TO_SERVER) &&
           session_whole(twin, SESSION_TO_CLIENT) &&
           (s->reading.ehlo != EHLO_COMPLETE || twin->reading.ehlo == EHLO_COMPLETE);
}

/* Only what both places show whole is compared: one is a few packets behind. */
static void compare_places(struct view *v)
{
    const struct session *s = v->s, *t = s->twin;
    struct view other = view_of(t, v->milestone, NULL);
    bool both = v->offered != OFFERED_UNKNOWN && other.offered != OFFERED_UNKNOWN;
    bool answered = s->reading.upgrade_code && t->reading.upgrade_code;
    v->rewritten =
        (both && other.offered != v->offered) || (answered && answer_class(t) != answer_class(s));
    if (v->milestone == SESSION_CLOSED)
        v->rewritten |= other.asked != v->asked ||
                        (s->reading.refused_code != 0) != (t->reading.refused_code != 0);
    v->reworded = both && !v->rewritten && !same_words(s, t);
}

struct view view_of(const struct session *s, enum session_milestone m, struct garble_memory *memory)
{
    struct view v = {.s = s, .milestone = m, .starttls_line = -1};
    v.reply_whole =
        s->reading.ehlo == EHLO_COMPLETE && !s->reading.lines_capped && s->reading.line_count > 0;
    v.offered = offered_of(&v, memory);
    v.asked = s->upgrade != UPGRADE_NONE;
    v.login = s->auth == AUTH_ACCEPTED && view_secret_shown(s);
    v.delivered = s->mail_accepted > 0 || s->auth == AUTH_ACCEPTED || s->tls_complete;
    v.mirror = decrypted_mirror(s);
    v.closed = m == SESSION_CLOSED && s->closed != SESSION_OPEN && s->closed != SESSION_INPUT_END &&
               s->closed != SESSION_EVICTED;
    v.twin = is_second_view(s, s->twin);
    if (v.twin)
        compare_places(&v);
    else if (s->other)
        compare_readings(&v);
    return v;
}

enum effect view_effect(const struct view *v, bool offer)
{
    if (v->s->tls_complete)
        return EFFECT_NOTHING;
    if (v->login)
        return EFFECT_LOGIN;
    if (v->s->mails > 0)
        return EFFECT_MAIL;
    if (offer && v->milestone == SESSION_CLOSED && v->s->quit && v->s->mail_commands == 0)
        return EFFECT_HELD;
    return EFFECT_NOTHING;
}
