/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that do not what they used to, until it is known why. One session alone cannot tell a
 * server that was set up anew from one whose offer is taken away on the way here; the next ones
 * can: are others served as usual, do all miss it, do other servers miss it on the same path?
 * A doubt begins with the first such session, gathers who missed and who was served, and turns once
 * or twice; at each turn whoever asked is told, with the sessions that began it (CAP_HISTORY_CASES
 * of them), so that they can be judged again.
 *
 *   selective     others were served since, so it is no change of the server; also, where sensors
 * share a store and all miss it here, those that another sensor saw
 *   path          three unrelated servers deviate on one path within ten minutes
 *   reconfigured  all its clients miss it, and none was served since; a refused upgrade may be
 * trouble, which ends: that doubt stays until it is over
 *   mixed         clients of three networks at least were served and not served in turns (each
 * missed it again after it had been served), or were never served while others were undecided too
 * few clients came by for a week, or for a day where there is but one; or the input ends within a
 * day
 *
 * What a client misses that was never served says nothing of a change: the server may not serve it.
 * Who takes the offer away from all clients of one server for a day is taken for a server that was
 * set up anew: this is the bound of what can be told from one place without a promise.
 */
#ifndef HISTORY_DOUBTS_H
#define HISTORY_DOUBTS_H

#include "base/siphash.h"
#include "history/baseline.h"
#include "history/observation.h"

#define DOUBT_CLIENTS 12 /* told apart in one doubt: four times what a decision takes */
#define DOUBT_TURNS   2  /* with the first path three that miss it in turns with others */

enum doubt_kind {
    DOUBT_OF_OFFER,   /* STARTTLS was missing, or EHLO refused */
    DOUBT_OF_UPGRADE, /* STARTTLS was refused */
    DOUBT_KIND_COUNT
};

/* A session that may be judged again. */
struct doubt_case {
    nstime time;
    uint64_t flow_id;
    uint16_t note_n;
    bool told;
    uint8_t note[CAP_HISTORY_NOTE]; /* the judge's own */
};

struct doubt_client {
    uint32_t who;
    bool known; /* it had been served before this began */
    bool again; /* it missed it after it had been served since */
    uint64_t path;
    uint16_t missed, served;
};

/* What other sensors see of the server, by the store that they share. */
struct doubt_elsewhere {
    nstime asked;    /* when last; 0: never */
    nstime grew;     /* when there were more than before, or it was asked first */
    uint64_t offers; /* when it was asked last */
    uint64_t since;  /* of those, since it was asked first */
};

struct doubt {
    enum doubt_kind kind;
    enum doubt_state state;
    uint8_t family;
    uint8_t server[16];
    uint16_t port;
    uint64_t group;                  /* digest of who owns the server */
    uint64_t path;                   /* digest of where its first session passed, */
    bool many_paths;                 /* and others passed elsewhere */
    uint64_t turn_path[DOUBT_TURNS]; /* other paths that missed it right after one was served */
    uint8_t turns;
    bool kept;          /* in a store as well (history/kept_doubt.h) */
    bool latent;        /* it had never offered when this began */
    struct usual usual; /* when this began: what came since shall not speak for or against itself */
    nstime first, last;
    uint32_t misses, served;
    struct doubt_elsewhere elsewhere;
    uint32_t clean;        /* served in a row */
    uint32_t missed_first; /* clients that had missed it when one was served */
    nstime served_first;
    struct doubt_client client[DOUBT_CLIENTS];
    uint8_t client_count;
    struct doubt_case item[CAP_HISTORY_CASES];
    uint8_t item_count;
};

struct recent;
struct doubts;

/* A doubt has turned to `d->state`. It may be let go after the call. */
typedef void (*doubt_turn_fn)(void *user, struct doubt *d);

/* Offers of its server that other sensors have seen by now. False: that cannot be said. */
typedef bool (*doubt_elsewhere_fn)(void *user, const struct doubt *d, uint64_t *offers);

struct doubts *doubts_new(const struct siphash_key *key, doubt_turn_fn turn,
                          doubt_elsewhere_fn elsewhere, void *user);
/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **doubts_tables(struct doubts *d, struct recent **to);

void doubts_free(struct doubts *d);

struct keep;

/* From now on doubts are kept there as well, but those of servers that never offered. Borrowed;
 * NULL: no more. */
void doubts_keep(struct doubts *d, struct keep *keep);

/* Those that are open there of the server. */
void doubts_load(struct doubts *d, const struct observation *o);

/* What a deviation stands against. */
struct doubt_ground {
    const struct usual *usual; /* what was usual of the server */
    bool latent;
    bool known; /* the client was served before, or so many others that it would be */
    bool full;  /* the store has doubts enough of this server */
    uint64_t group, path;
};

/* A session of a server that serves some and not others: it counts where there is a doubt already.
 */
void doubts_miss_again(struct doubts *d, enum doubt_kind kind, const struct observation *o);

/* A session that deviates; returns its doubt, for doubts_case(). */
struct doubt *doubts_miss(struct doubts *d, enum doubt_kind kind, const struct observation *o,
                          const struct doubt_ground *g);

/* One that does not. */
void doubts_serve(struct doubts *d, enum doubt_kind kind, const struct observation *o);

/* Keeps what the judge wants to have back of a session, if there is room. */
void doubts_case(struct doubt *d, const struct observation *o, const void *note, size_t n);

/* Decides upon what was just told of; NULL is allowed. */
void doubts_decide(struct doubts *d, struct doubt *of, nstime now);

/* Time has passed: for now and then. The input ended: all are decided as far as they can be. */
void doubts_tick(struct doubts *d, nstime now);
void doubts_finish(struct doubts *d, nstime now);

/* As it stands for a session; of DOUBT_NONE where there is none. */
struct doubt_view doubts_view(struct doubts *d, enum doubt_kind kind, const struct observation *o);

uint32_t doubts_count(const struct doubts *d);
uint64_t doubts_evicted(const struct doubts *d);

#endif
