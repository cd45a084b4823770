/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who there is in the month: servers with their software, their habits and what happens to them,
 * clients with theirs, and who writes to whom how often. All of it follows from one seed.
 */
#ifndef TESTS_BENCH_MONTH_WORLD_H
#define TESTS_BENCH_MONTH_WORLD_H

#include "../packets.h"

/* What a server is like: SERVER_KIND(id, name, how many in a thousand). */
#define SERVER_KINDS(KIND)                                                                         \
    KIND(POSTFIX, "postfix", 150)                                                                  \
    KIND(EXIM, "exim", 90)                                                                         \
    KIND(SENDMAIL, "sendmail", 50)                                                                 \
    KIND(OPENSMTPD, "opensmtpd", 30)                                                               \
    KIND(EXCHANGE, "exchange", 70) /* two layouts in turn */                                       \
    KIND(QMAIL, "qmail", 25)                                                                       \
    KIND(NO_TLS, "no-tls", 60)       /* never offers */                                            \
    KIND(HELO_ONLY, "helo-only", 15) /* refuses EHLO */                                            \
    KIND(FARM, "farm", 35)           /* four addresses, one of them without TLS */                 \
    KIND(BALANCER, "balancer", 25)   /* one address; 30 % of its answers have no offer */          \
    KIND(GREYLIST, "greylist", 60)                                                                 \
    KIND(POSTSCREEN, "postscreen", 40)                                                             \
    KIND(TARPIT, "tarpit", 20)                                                                     \
    KIND(LIMITS, "limits", 35)         /* 421 now and then */                                      \
    KIND(TROUBLE, "trouble", 10)       /* 454 to everybody for some hours */                       \
    KIND(PER_CLIENT, "per-client", 25) /* certain clients are never offered STARTTLS */            \
    KIND(LOSES, "loses-tls", 10)       /* for everybody and for good */                            \
    KIND(GAINS, "gains-tls", 15)                                                                   \
    KIND(MOVES, "changes-software", 25)    /* and keeps TLS */                                     \
    KIND(RENEWS, "renews-certificate", 40) /* another key, the same issuer */                      \
    KIND(MIGRATES, "migrates-issuer", 20)                                                          \
    KIND(UPGRADES, "upgrades-tls", 20) /* 1.2, then 1.3 */                                         \
    KIND(VENDOR, "vendor-words", 25)   /* eight-letter keywords of its maker */                    \
    KIND(VANITY, "vanity-order", 20)                                                               \
    KIND(XCLIENT, "xclient", 15) /* XCLIENT and XFORWARD for some clients */                       \
    KIND(LONG_EHLO, "long-ehlo", 10)                                                               \
    KIND(SIZES, "size-changes", 20)      /* the value of SIZE */                                   \
    KIND(AUTH_SOME, "auth-some", 20)     /* AUTH for some clients */                               \
    KIND(LAYOUTS, "several-layouts", 20) /* one address, three programs */                         \
    KIND(ON_GREETING, "on-greeting", 10) /* STARTTLS on the greeting line alone */

/* What a client is like: CLIENT_KIND(id, name, how many in a thousand of ours, of the foreign). */
#define CLIENT_KINDS(KIND)                                                                         \
    KIND(C_POSTFIX, "postfix", 270, 170)                                                           \
    KIND(C_EXIM, "exim", 150, 150)                                                                 \
    KIND(C_SENDMAIL, "sendmail", 80, 60)                                                           \
    KIND(C_EXCHANGE, "exchange", 120, 120) /* BDAT */                                              \
    KIND(C_BULK, "bulk", 60, 60)           /* several mails a session */                           \
    KIND(C_PIPELINED, "pipelined", 80, 80)                                                         \
    KIND(C_SOMETIMES, "now-and-then", 10, 10) /* one session in 25 is in clear */                  \
    KIND(C_TWO_NAMES, "two-names", 10, 10)    /* one in 20 is a second program's, no TLS */        \
    KIND(C_LEAVES_OUT, "leaves-out", 10, 10)  /* one server, from some day on */                   \
    KIND(C_NEVER, "never-tls", 50, 60)                                                             \
    KIND(C_SCANNER, "scanner", 0, 40)                                                              \
    KIND(C_TLS_SCANNER, "tls-scanner", 0, 30) /* leaves after the handshake */                     \
    KIND(C_PROBE, "probe", 10, 30)                                                                 \
    KIND(C_CALLOUT, "callout", 20, 20)                                                             \
    KIND(C_CLEAR_CALLOUT, "clear-callout", 20, 20)                                                 \
    KIND(C_BOT, "bot", 0, 60)                    /* HELO, without listening */                     \
    KIND(C_REPLACED, "replaced", 40, 20)         /* by software without TLS */                     \
    KIND(C_INCOMPATIBLE, "incompatible", 40, 20) /* some servers refuse its hello */               \
    KIND(C_CUT_OFF, "cut-off", 30, 30)           /* its line breaks now and then */                \
    KIND(C_SUBMISSION, "submission", 0, 0)

#define AS_ID(id, ...) id,
enum server_kind { SERVER_KINDS(AS_ID) SERVER_KIND_COUNT };
enum client_kind { CLIENT_KINDS(AS_ID) CLIENT_KIND_COUNT };
#undef AS_ID
extern const char *const server_kind_name[SERVER_KIND_COUNT];
extern const char *const client_kind_name[CLIENT_KIND_COUNT];

enum software { S_POSTFIX, S_EXIM, S_SENDMAIL, S_OPENSMTPD, S_EXCHANGE, S_QMAIL, SOFTWARE_COUNT };
enum { LINES = 48, SERVER_LAYOUTS = 3, NAME = 40, WITNESSES = 3 };

/* An EHLO reply without its codes; line[0] stands behind the server's name. */
struct layout {
    const char *banner;
    const char *line[LINES];
    int count;
    int slot; /* of STARTTLS in line[]; 0: none */
};

struct server {
    uint32_t number;
    enum server_kind kind;
    bool own; /* the mail exchangers that the tap stands before */
    bool ipv6;
    char name[NAME];
    struct layout layout[SERVER_LAYOUTS]; /* what each stands for depends on the kind */
    uint64_t change_at;                   /* of kinds that change; never where they do not */
    uint8_t stack[2];                     /* of TLS, before and after the change */
    const struct chain *chain[2];         /* likewise; made when needed */
    uint32_t clean;                       /* sessions that reached TLS without being attacked */
    uint32_t witness[WITNESSES];          /* clients of those, the first ones that differ, + 1 */
};

struct client {
    uint32_t number;
    enum client_kind kind;
    bool own;
    uint16_t net; /* clients of one net share a path */
    uint16_t port;
    uint8_t addr[2][16]; /* IPv4, IPv6 */
    char name[NAME], later[NAME];
    uint64_t change_at;
    const struct server *left_out; /* from then on; null: none */
    uint8_t stack;
    uint32_t upgraded[2]; /* sessions that reached TLS without being attacked; IPv4, IPv6 */
    bool declined;        /* an offer, at least once */
    uint64_t cut_until;   /* its way to TLS is cut off so long; 0: it never was */
};

struct world {
    struct rng rng;
    uint64_t begin, end;
    struct server *server;
    struct client *client;
    uint32_t servers, own_servers;             /* the own ones come last */
    uint32_t clients, own_clients, submitters; /* ours first, then foreign ones, submitters last */
    double *popular[2]; /* sums of Zipf weights: of servers elsewhere, of ours */
    uint32_t *busy[2];  /* clients as often as they send: elsewhere, ours */
    uint32_t busy_count[2];
    uint64_t *met; /* a bit for each pair that has met, by hash */
    bool *secured; /* of a client and a server of ours: one of their sessions reached TLS */
};

void world_make(struct world *w, uint64_t seed, uint32_t servers, uint32_t clients, uint64_t begin,
                uint64_t end);

/* A number that belongs to this pair for ever. */
uint32_t world_pair(const struct client *c, const struct server *s, uint32_t salt);

/* True at the first call for a pair. */
bool world_first_met(struct world *w, const struct client *c, const struct server *s);

struct client *world_sender(struct world *w, bool own);
struct server *world_receiver(struct world *w, bool own);

/* How the address of one of its machines reads in the header; `member` counts from 0. */
void world_address(const struct server *s, uint32_t member, uint8_t addr[16]);

/* A session of TLS went through: the server has a witness more, and the client one to go by. */
void world_clean(struct world *w, struct server *s, struct client *c);

/* Thirty clean sessions from three clients, and a kind whose offer never changes. */
bool world_has_history(const struct server *s);

/* Five clean sessions by the address that it has for this server of ours, one of them with the
 * server, and no offer that it did not take. */
bool world_knows_sender(const struct world *w, const struct client *c, const struct server *s);

#endif
