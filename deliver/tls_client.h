/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS on a connected socket that never waits. The server is verified by a CA and by its name, and
 * there is no switch for not doing so. Files are read when it is made.
 */
#ifndef DELIVER_TLS_CLIENT_H
#define DELIVER_TLS_CLIENT_H

#include <sys/types.h>

#include "deliver/deliver.h"

struct tls_client;

/* `name`: a host or an address, as the certificate has it. NULL: `why`. */
struct tls_client *tls_client_new(const struct deliver_tls *c, const char *name,
                                  char why[SINK_WHY]);
void tls_client_free(struct tls_client *t); /* NULL is allowed */

/* A session on that socket. */
bool tls_client_begin(struct tls_client *t, int fd);
void tls_client_end(struct tls_client *t);

/* 1: done, 0: not yet, -1: failed, tls_client_why(). */
int tls_client_shake(struct tls_client *t);

/* Bytes; 0: none now; -1: it is over. */
ssize_t tls_client_write(struct tls_client *t, const void *bytes, size_t n);
ssize_t tls_client_read(struct tls_client *t, void *bytes, size_t n);

bool tls_client_wants_write(const struct tls_client *t); /* it waits for room in the socket */
const char *tls_client_why(const struct tls_client *t);

#endif
