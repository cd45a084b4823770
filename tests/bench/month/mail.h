/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said in one connection: by this client to this server at this time, attacked or not.
 */
#ifndef TESTS_BENCH_MONTH_MAIL_H
#define TESTS_BENCH_MONTH_MAIL_H

#include "talk.h"
#include "world.h"

/* FAMILY(id, name): ways to take the encryption away. Each ends with mail in clear. The first ones
 * are seen from the client's side of who does it, those from OFFER_UNHEARD on from the server's. */
#define FAMILIES(FAMILY)                                                                           \
    FAMILY(NO_ATTACK, "-")                                                                         \
    FAMILY(REMOVED, "removed")                                                                     \
    FAMILY(COLLAPSED, "collapsed") /* the reply to EHLO is one line */                             \
    FAMILY(GARBLED_X, "garbled-x") /* XXXXXXXX */                                                  \
    FAMILY(GARBLED_LETTERS, "garbled-letters")                                                     \
    FAMILY(GARBLED_WORD, "garbled-word") /* a keyword that might be some vendor's */               \
    FAMILY(GARBLED_NEAR, "garbled-near") /* starttlz */                                            \
    FAMILY(BLANKED, "blanked")           /* eight blanks */                                        \
    FAMILY(EHLO_REFUSED, "ehlo-refused") /* 500 or 502, then HELO */                               \
    FAMILY(REFUSED_454, "refused-454")                                                             \
    FAMILY(REFUSED_50X, "refused-50x")     /* 501 or 502 */                                        \
    FAMILY(FALSE_OK, "false-ok")           /* STARTTLS answered with 250 or 200 */                 \
    FAMILY(HELLO_RESET, "hello-reset")     /* reset behind ClientHello, retried in clear */        \
    FAMILY(HELLO_SILENCE, "hello-silence") /* ClientHello is never answered */                     \
    FAMILY(HELLO_TEXT, "hello-text")       /* ClientHello is answered in clear */                  \
    FAMILY(STARTTLS_RESET, "starttls-reset")                                                       \
    FAMILY(OFFER_UNHEARD, "offer-unheard") /* offered, and the sender goes on in clear */          \
    FAMILY(EHLO_UNHEARD, "ehlo-unheard")   /* HELO by a sender that says EHLO */                   \
    FAMILY(COMMAND_X, "command-x")         /* XXXXXXXX instead of STARTTLS, refused */             \
    FAMILY(COMMAND_WORD, "command-word")   /* another word, likewise */                            \
    FAMILY(EHLO_GARBLED, "ehlo-garbled")   /* XXXX instead of EHLO, refused, then HELO */          \
    FAMILY(HELLO_UNHEARD, "hello-unheard") /* ClientHello never arrives */                         \
    FAMILY(CLIENT_RESET, "client-reset")   /* reset behind STARTTLS in the client's name */

#define AS_ID(id, ...) id,
enum family { FAMILIES(AS_ID) FAMILY_COUNT };
#undef AS_ID
extern const char *const family_name[FAMILY_COUNT];

/* The tap stands between the attacker and the server. */
static inline bool mail_from_behind(enum family f)
{
    return f >= OFFER_UNHEARD;
}

/* A session of these alone says nothing: it takes several in a row of a known sender. */
static inline bool mail_in_runs(enum family f)
{
    return f == OFFER_UNHEARD || f == EHLO_UNHEARD;
}

/* A connection to come. */
struct plan {
    uint64_t at; /* of its SYN */
    struct client *client;
    struct server *server;
    enum family family; /* what happens to this connection */
    enum family attack; /* what it is part of: a retry too */
    uint32_t group;     /* of an attack: joins the killed session and its retry; 0: none */
    const char *shape;  /* how the attack is spread, null: none; a retry has it too */
    uint16_t port;      /* of the server */
    uint8_t member;     /* address of the server */
    bool retried;       /* the client has been here a moment ago */
    bool in_clear;      /* the client has given up on TLS for now */
};

/* What became of it: yes, no, or - where the capture cannot show it. */
struct outcome {
    char offered, tls;
    bool again;       /* another connection follows */
    struct plan next; /* then: that one */
};

/* Writes the connection; the addresses are those of the plan. */
struct outcome mail_make(struct world *w, const struct plan *p, struct talk *t);

/* Whether this client asks for STARTTLS wherever it is offered, and gets through. */
bool mail_upgrades(const struct client *c, uint64_t at);

#endif
