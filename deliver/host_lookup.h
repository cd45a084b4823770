/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a host. The resolver works in a thread of the C library's, and nobody waits for it;
 * an address is known at once. */
#ifndef DELIVER_HOST_LOOKUP_H
#define DELIVER_HOST_LOOKUP_H

#include <netdb.h>

struct host_lookup;

/* `kind`: SOCK_STREAM or SOCK_DGRAM. NULL: no memory. */
struct host_lookup *host_lookup_new(const char *host, const char *port, int kind);

/* What a thread still writes to is left to it. */
void host_lookup_free(struct host_lookup *l);

/* 1: *found, the caller's (freeaddrinfo()); 0: not yet; -1: none, in words in *why. Once it has
 * said so, the next call asks anew. */
int host_lookup_step(struct host_lookup *l, struct addrinfo **found, const char **why);

#endif
