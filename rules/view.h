/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every rule asks of a session, worked out once for one call of judge(). A view borrows the
 * session and lives no longer than that call.
 */
#ifndef RULES_VIEW_H
#define RULES_VIEW_H

#include "rules/finding.h"
#include "rules/garble.h"

struct view {
    const struct session *s;
    enum session_milestone milestone;
    bool reply_whole;     /* every line of the EHLO reply is here: absence may be stated */
    enum offered offered; /* of STARTTLS, in the EHLO reply */
    int starttls_line;    /* index in reading.line; -1: not among the keywords */
    struct garble garble; /* with offered garbled; its line counts from reading.line[0] */
    bool asked;           /* STARTTLS or X-ANONYMOUSTLS was asked for */
    bool login;           /* accepted in clear by a mechanism that shows the secret */
    bool delivered;       /* the client is no mere prober: mail or login accepted, or TLS */
    bool mirror;          /* looks like the decrypted copy of a TLS session */
    bool closed;          /* by the peers, not by the end of the capture */
    bool decides;         /* there are two readings, and they differ in what decides about TLS */
    bool conflicting;     /* so do they in the offer, and a receiver could not tell them apart */
    bool twin;            /* the session was seen at a second place as well, and whole there */
    bool rewritten;       /* what decides about TLS differs there */
    bool reworded;        /* something else does */
    const struct expectations *expected;   /* what was promised; NULL: nothing that is known */
    unsigned sender_checks;                /* enum sender_checks, of the client */
    const struct certificate *certificate; /* that the server presented; NULL: it was not seen */
    bool own_authorities;                  /* the operator named whom to trust */
    const struct baseline *usual;          /* what is usual for it; NULL: nothing is remembered */
    const struct steering *steering;       /* NULL: no better mail exchanger was tried in vain */
    const struct usual_layout *layout; /* of its server, in whose slot the garbled line stands */
};

/* `memory` may be NULL. */
struct view view_of(const struct session *s, enum session_milestone m,
                    struct garble_memory *memory);

/* The text of line i of the EHLO reply; its first word. */
struct span view_line(const struct view *v, size_t i);
struct span view_word(const struct view *v, size_t i);

/* Does a line after the greeting begin with `keyword`, case ignored; AUTH=LOGIN counts for AUTH? */
int view_keyword(const struct view *v, const char *keyword);

/* What came of it; `offer`: the finding is about the offer, so a sender may have held its mail. */
enum effect view_effect(const struct view *v, bool offer);

/* Does the mechanism of the login show the password or token to the wire? */
bool view_secret_shown(const struct session *s);

/* Was the session answered and asked on this tap, both ways? */
static inline bool view_both(const struct view *v)
{
    return v->s->seen[SESSION_TO_SERVER] && v->s->seen[SESSION_TO_CLIENT];
}

#endif
