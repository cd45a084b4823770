/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection outwards that never waits: looking the name up, connecting (each address in turn),
 * TLS, bytes out, and the time to stay away after a failure. What a receiver says is read and
 * thrown away: it only tells that he is there.
 */
#ifndef DELIVER_DIAL_H
#define DELIVER_DIAL_H

#include <poll.h>

#include "deliver/backoff.h"
#include "deliver/host_lookup.h"
#include "deliver/tls_client.h"

enum dial_state { DIAL_DOWN, DIAL_ASKING, DIAL_CONNECTING, DIAL_SHAKING, DIAL_READY };

struct dial {
    enum dial_state state;
    char path[108];             /* of a socket of this machine; "": host and port */
    struct host_lookup *lookup; /* else */
    struct tls_client *tls;     /* NULL: none */
    struct addrinfo *addresses; /* found by the look-up */
    struct addrinfo *address;   /* of them the next to be tried */
    int fd;                     /* -1: none */
    nstime since;               /* of the state */
    struct backoff away;
    char why[SINK_WHY]; /* why it is down */
};

/* The TLS is the dial's then. False: no memory. */
bool dial_init_path(struct dial *d, const char *path);
bool dial_init_host(struct dial *d, const char *host, const char *port, struct tls_client *tls);
void dial_fini(struct dial *d);

/* What can be done without waiting. A connection that was ready and is not any more shows by its
 * state. */
void dial_step(struct dial *d, nstime now);

/* Bytes taken; 0: none now; -1: the connection is over. */
ssize_t dial_write(struct dial *d, const void *bytes, size_t n, nstime now);

/* Gives the connection up, and stays away for a while. */
void dial_drop(struct dial *d, nstime now, const char *why);

/* `sends`: there are bytes that wait. */
bool dial_poll(const struct dial *d, bool sends, struct pollfd *p);

#endif
