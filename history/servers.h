/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of each server (address and port): how often it offered STARTTLS and TLS came
 * about, by day; its clients; the layouts of its replies; what its handshakes showed. The one that
 * was not met for longest gives way, but of the oldest few the least known goes first, so that a
 * crowd of servers met once does not drive out the known ones.
 */
#ifndef HISTORY_SERVERS_H
#define HISTORY_SERVERS_H

#include "history/baseline.h"
#include "history/days.h"
#include "history/kinds.h"
#include "history/observation.h"

/* A client that was offered STARTTLS, or was not. */
struct server_client {
    uint32_t who; /* digest of its address; 0: free */
    uint16_t offered;
    uint16_t missed;
    uint16_t upgraded; /* of those that were offered: TLS came about */
    uint16_t day;      /* when it was met last, short (days_over()) */
};

/* How it was seen from one tap, since it was set up anew. */
struct server_vantage {
    uint8_t number;       /* history/vantages.h; 0: free */
    uint16_t first, last; /* days, short */
    uint32_t of, did;     /* complete replies, and offers */
};

struct server {
    uint8_t family;
    uint8_t address[16];
    uint16_t port;
    struct days days;
    uint32_t run; /* complete replies with an offer since the last without one */
    struct server_client client[CAP_HISTORY_CLIENTS];
    uint8_t client_count;
    bool more_clients;
    struct {
        uint16_t number; /* of the layout; 0: free */
        int32_t day;
        uint32_t count;
    } layout[BASELINE_LAYOUTS];
    struct server_vantage vantage[BASELINE_VANTAGES];
    struct kinds version, spki, issuer, ja3s, synack;
    char issuer_name[CAP_HISTORY_ISSUER + 1]; /* of the newest certificate */
    uint16_t flight_least, flight_most;       /* bytes; 0: none was seen */
    bool least_once, most_once;               /* one session alone had it */
    uint32_t flights;
    int32_t swept;                  /* the day on which clients were looked at last */
    bool loaded;                    /* what a store had is in it (history/kept_server.h) */
    bool doubted;                   /* it has a doubt of which nobody asked yet */
    uint8_t doubts;                 /* that are kept of it, as long as pairs are */
    uint16_t novel;                 /* new things that this month's counter has of it */
    int32_t month;                  /* the last day before it */
    int32_t reset;                  /* day on which it was set up anew; 0: never */
    uint16_t kept_least, kept_most; /* of the flights that the store has */
};

struct recent;
struct servers;
struct vantages;

/* `layouts` is borrowed. NULL: no memory. */
struct servers *servers_new(const struct siphash_key *key, struct layouts *layouts);

struct keep;

/* From now on what is learnt is kept there as well, and what is there is known. Borrowed. */
void servers_keep(struct servers *s, struct keep *keep);

/* Appends what it is made of, for who hands it over to another process. The next place. */
struct recent **servers_tables(struct servers *s, struct recent **to);

/* The taps that they are seen from. */
struct vantages *servers_vantages(struct servers *s);

void servers_free(struct servers *s);

/* Clients are remembered for so many days; at first PAIR_DAYS. */
void servers_pairs(struct servers *s, uint32_t days);

/* Looks at some of the servers, and forgets clients that were not met for so long. */
void servers_sweep(struct servers *s, int32_t day);

/* The one of the observation; NULL: it is not known. */
struct server *servers_find(struct servers *s, const struct observation *o);

/* The same, new if need be. */
struct server *servers_meet(struct servers *s, const struct observation *o);

/* What is usual, as of the observation's time. `r` may be NULL: nothing is known. */
void servers_recall(struct servers *s, const struct server *r, const struct observation *o,
                    struct baseline *b);

/* Of that only what it offers, and to whom. */
void servers_recall_offer(const struct server *r, const struct observation *o, struct baseline *b);

/* An observation that is not suspicious: what was offered, and what the handshake showed. True: all
 * of it was shown before. */
bool servers_learn(struct servers *s, struct server *r, const struct observation *o);

/* Offers that other sensors have seen of it by now, as the store says. False: it cannot say, or
 * there was none. */
bool servers_elsewhere(struct servers *s, struct server *r, nstime t, uint64_t *offers);

/* Counts it as seen from there; the tap that has not seen it for longest gives way. `number` 0 is
 * none. */
void servers_place(struct server *r, uint8_t number, uint32_t of, uint32_t did, int32_t first,
                   int32_t last);

/* Forgets what it offered: it was set up anew. */
void servers_reset(struct server *r);

/* Sessions of late that lacked the offer were no accident, but its way. */
void servers_learn_misses(struct server *r, nstime t, uint32_t n);

/* A client missed the offer; whether that is its way is not known yet. */
void servers_note_miss(struct server *r, const struct observation *o);

/* Its misses were none of its own: only what it offered is kept. */
void servers_forgive(struct server *r);

uint32_t servers_count(const struct servers *s);
uint64_t servers_evicted(const struct servers *s);

/* Of an issuer's organisation, the same in every run; 0 where there is none. */
uint64_t servers_issuer_digest(struct span issuer);

/* Of a client's address, the same in every run. Never 0. */
uint32_t servers_client_digest(const struct observation *o);

/* The support that counts give. */
enum support servers_support(const struct usual *u);

#endif
