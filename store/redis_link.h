/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to Redis that never waits: connecting, the greeting (AUTH, SELECT), bytes out and
 * replies in, deadlines, and the time to stay away after a failure. What the replies mean is
 * store_redis.c's business.
 *
 * Back-off: a connection that had answered is made anew at once; after that 100 ms, doubled up to
 * CAP_STORE_BACKOFF_S, each time between half and all of it by chance, so that a hundred sensors do
 * not return in the same moment.
 */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include <sys/socket.h>

#include "base/caps.h"
#include "base/clock.h"
#include "store/resp.h"
#include "store/store.h"
#include "store/where.h"

enum redis_link_state { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_READY };

struct redis_link {
    struct where where;                    /* server, user, password */
    nstime deadline;                       /* of connecting and greeting */
    enum redis_link_state state;           /* where it stands */
    int fd;                                /* -1 while down */
    nstime since;                          /* connecting began */
    nstime retry_at;                       /* while down: not before */
    unsigned failures;                     /* since a command was answered */
    unsigned greetings;                    /* replies of the greeting that are awaited */
    uint64_t connects;                     /* connections that became ready */
    uint64_t luck;                         /* state of the dice for the back-off */
    struct resp_reader *reader;            /* NULL while down */
    uint8_t *out;                          /* bytes to be sent */
    size_t out_at;                         /* of them sent */
    size_t out_n;                          /* of them there */
    size_t out_room;                       /* allocated */
    enum store_status status;              /* why it is down; STORE_OK: nothing known */
    char why[STORE_WHY];                   /* the same in words, without secrets */
    size_t addresses;                      /* of the server; 0: its name was not found */
    size_t at;                             /* the one in use */
    socklen_t length[CAP_STORE_ADDRESSES]; /* of each address */
    struct sockaddr_storage address[CAP_STORE_ADDRESSES]; /* in the resolver's order */
};

/* Takes a copy of `where`. Connects to nothing yet. */
void redis_link_init(struct redis_link *l, const struct where *where, nstime deadline);
void redis_link_fini(struct redis_link *l);

/* A connected socket instead of an address: there is no reconnecting. For tests. */
int redis_link_adopt(struct redis_link *l, int fd);

/* Looks the name up again; waits for the resolver, so never in a packet loop. */
void redis_link_resolve(struct redis_link *l);

/* A turn of all that can be done without waiting. Returns whether something moved. */
bool redis_link_step(struct redis_link *l, nstime now);

/* Waits until the socket is ready, the back-off over, or `until`. */
void redis_link_wait(const struct redis_link *l, nstime now, nstime until);

/* Closes, and stays away for as long as the back-off says. */
void redis_link_drop(struct redis_link *l, nstime now, enum store_status status, const char *why);

/* Appends a command. -1: no memory. */
int redis_link_command(struct redis_link *l, const struct span *args, size_t count);
size_t redis_link_unsent(const struct redis_link *l); /* bytes */

/* As resp_reader_next(). When it was the answer to a command, the caller sets `failures` to 0. */
int redis_link_reply(struct redis_link *l, struct resp **reply);

/* Does what is said leave this machine? */
bool redis_link_is_remote(const struct redis_link *l);

/* What an error reply is to a caller of the store. */
enum store_status redis_link_status(const struct resp *error);

#endif
