/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS handshake shows: hellos of several libraries, of 1.2 the certificate and the key
 * exchange, then records whose content is filler. Form is as in RFC 5246 and RFC 8446.
 */
#ifndef TESTS_BENCH_MONTH_HELLO_H
#define TESTS_BENCH_MONTH_HELLO_H

#include "chain.h"
#include "talk.h"

enum { CLIENT_STACKS = 6, SERVER_STACKS = 5, STACK_OLD = 3, STACK_NEW = 0 };

struct handshake {
    int client, server; /* stacks */
    const char *name;   /* of the server, for server_name */
    const struct chain *chain;
    bool resumed; /* of 1.2: the abbreviated handshake */
};

/* Whether these two agree on TLS 1.3. */
bool hello_is13(int client, int server);

/* The first flight of the client. */
void hello_client(struct talk *t, const struct handshake *h);

/* All that follows, until both may send data. */
void hello_finish(struct talk *t, const struct handshake *h);

/* A fatal alert in clear (RFC 5246 section 7.2). */
void hello_alert(struct talk *t, int side, uint8_t description);

/* A record of application data of so many bytes within. */
void hello_data(struct talk *t, int side, uint32_t size);

#endif
