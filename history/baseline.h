/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is usual for the session that is judged: for its server, its farm, its sender, the two of
 * them, and its path, as far as it is remembered. history/history.h fills it at the time of the
 * packets, rules/ compare. A value; the texts are borrowed from the memory for the length of the
 * judgement.
 *
 * How much a memory is worth (design of the rules): WELL are at least 20 sessions of three clients,
 * or 20 of this pair alone, of which Wilson's lower bound says that four of five did so; THIN are
 * two or more.
 */
#ifndef HISTORY_BASELINE_H
#define HISTORY_BASELINE_H

#include "base/clock.h"
#include "history/kinds.h"
#include "history/layouts.h"
#include "history/observation.h"
#include "history/psl.h"

#define BASELINE_LAYOUTS  8 /* of one server: balancers and greylisters have two or three */
#define BASELINE_VANTAGES 4 /* of one server: a sensor at each end of the company, and two more */
#define BASELINE_LINKS    4 /* earlier sessions that are named */

#define BASELINE_WELL_SESSIONS 20
#define BASELINE_WELL_CLIENTS  3
#define BASELINE_WELL_SHARE    0.8

enum support { SUPPORT_NONE, SUPPORT_THIN, SUPPORT_WELL };

/* How often something came about. */
struct usual {
    uint32_t of;      /* sessions in which it could */
    uint32_t did;     /* and did */
    uint32_t clients; /* distinct, of those that did; at most CAP_HISTORY_CLIENTS are told apart */
    bool more_clients;
    uint32_t days; /* from the first of them to the last */
    uint32_t pair; /* of those that did: with this very client */
    enum support support;
};

/* How a deviation of the server stands that is not decided yet (history/doubts.h). */
enum doubt_state {
    DOUBT_NONE,
    DOUBT_OPEN,         /* nothing speaks for either */
    DOUBT_SELECTIVE,    /* others were served as usual since */
    DOUBT_PATH,         /* other servers deviate on the same path at the same time */
    DOUBT_UNDECIDED,    /* nobody else came by for long */
    DOUBT_RECONFIGURED, /* it does so to everybody now */
    DOUBT_MIXED         /* it does so to anybody now and then */
};

struct doubt_view {
    enum doubt_state state;
    bool latent;            /* the server had never offered when it began */
    struct usual usual;     /* what was usual when it began */
    bool same_path;         /* the session takes the path of the first that deviated */
    nstime first;           /* of the deviation */
    uint32_t misses;        /* sessions that deviate, this one not counted */
    uint32_t missed;        /* their clients */
    uint32_t served;        /* sessions that were as usual since */
    uint64_t elsewhere;     /* likewise, that other sensors saw */
    uint32_t served_others; /* clients of those that did not deviate */
};

struct usual_layout {
    struct layout_known known;
    uint32_t count;
};

/* How a server was seen from one tap. */
struct usual_vantage {
    const char *name;
    bool here;           /* the session is seen from it, too */
    uint32_t of, did;    /* complete replies, and offers */
    int32_t first, last; /* days since 1970 of these sessions, or the first day of their month */
};

/* An attempt of this client that failed, or was given up. */
struct usual_attempt {
    uint64_t flow_id;
    nstime time;
    uint8_t fate;     /* enum observation_fate */
    bool same_server; /* else another of its farm */
};

/* A server that the client tried to reach in vain before the session. */
struct usual_knock {
    uint8_t server[16]; /* of the same family */
    nstime time;
    bool refused;         /* by an RST; else nothing came */
    uint8_t others;       /* clients that did not reach it either since it last answered: up to 4 */
    struct usual upgrade; /* of that server: TLS, of those that asked; its `pair` is this client */
};

struct baseline {
    struct usual offer;    /* of the server: STARTTLS, in complete EHLO replies */
    struct usual upgrade;  /* of the server: TLS, of those that asked */
    bool mixed;            /* it offers to some and not to others, at random */
    bool constant_miss;    /* this client was here, and never had an offer */
    uint32_t never_served; /* other clients of which that is true */
    uint32_t never;        /* sessions without any offer, if there never was one; else 0 */

    char farm[CAP_DOMAIN_TEXT + 1]; /* registrable domain of the server's name; "": unknown */
    bool farm_sure;                 /* the name is not the greeting's alone */
    struct usual farm_offer;        /* of all its servers */
    const char *known_offer; /* suffix in rules/data/known-offers.tsv that covers a server that
                                is not known otherwise; NULL: none */

    struct usual_layout layout[BASELINE_LAYOUTS];
    uint8_t layout_count;

    struct usual_vantage vantage[BASELINE_VANTAGES];
    uint8_t vantage_count;
    bool placed; /* the session's tap has a name */

    struct doubt_view offer_doubt;   /* STARTTLS missing, or EHLO refused */
    struct doubt_view upgrade_doubt; /* STARTTLS refused */

    char sender[CAP_DOMAIN_TEXT + 1]; /* registrable domain of the EHLO name; "": unknown */
    struct usual sender_upgrade;      /* of the sender, of sessions with an offer */
    struct usual pair_upgrade;        /* the same to this server alone */
    uint32_t sender_incompatible;     /* its handshakes that ended by an alert, of all servers */
    bool sender_known_name;           /* this very EHLO name has upgraded */
    bool sender_knows_server;         /* a machine of the sender has upgraded with this server, that
                                         may know too many clients to know which (pair_upgrade) */
    uint32_t sender_lapses;           /* its sessions in clear, since the last that upgraded */
    bool sender_mixed;                /* it takes the offer now and then */
    bool sender_back;                 /* it has upgraded in a session that began later */
    bool sender_delivers;             /* it has delivered here, or more than once elsewhere */
    struct usual_kind sender_ja4;     /* of its hellos; of a session in TLS if its server's stack is
                                         another */

    struct usual_attempt failed[BASELINE_LINKS]; /* of the last hours, the newest first */
    uint8_t failed_count;
    uint32_t fell_back;    /* times that the client came back in clear after an alert */
    uint64_t client_alert; /* the first flow of this client that ended by an alert, with any server
                              that it never had TLS with; 0: none */
    struct usual_attempt held[BASELINE_LINKS]; /* EHLO and QUIT, or a handshake given up */
    uint8_t held_count;
    bool only_looks; /* the client has left in the last hours where it could have had TLS as well */

    struct usual_knock knock[BASELINE_LINKS]; /* of the last hours, the newest first */
    uint8_t knock_count;

    uint32_t path_servers;  /* unrelated ones of this path that should offer, of the last day */
    uint32_t path_offering; /* and did, when last seen */

    struct usual_kind version, spki, issuer, ja3s, synack, flight;
    bool ja3s_seen, synack_seen, flight_seen; /* the session showed one */
    uint16_t version_usual;                   /* of TLS, that most sessions had; 0: none */
    uint32_t version_count;                   /* and how many those were */
    const char *issuer_usual; /* organisation behind the newest certificate; NULL: none was seen */
};

#define BASELINE_STOPPED                                                                           \
    5 /* sessions in clear in a row: of a sender that is to come to TLS in nine of ten and was not \
         known to be such, so many come by one in 10,000 */

#define BASELINE_ALL_CLIENTS                                                                       \
    30 /* served without exception: a server that leaves one client in ten                         \
          out comes so far in one case of 25 */

/* Neither the JA3S, nor the size of the encrypted flight, nor the print of the SYN/ACK was ever so
 * in all the sessions with this server. */
static inline bool baseline_other_stack(const struct baseline *b)
{
    return b->ja3s_seen && b->ja3s.same == 0 && b->ja3s.seen >= BASELINE_WELL_SESSIONS &&
           b->flight_seen && b->flight.same == 0 && b->flight.seen >= BASELINE_WELL_SESSIONS &&
           b->synack_seen && b->synack.same == 0 && b->synack.seen >= BASELINE_WELL_SESSIONS;
}

/* Would the server serve this client? It did before, or it serves everybody. */
static inline bool baseline_would_serve(const struct baseline *b)
{
    return b->offer.pair > 0 || (b->offer.clients >= BASELINE_ALL_CLIENTS && b->never_served == 0);
}

#endif
