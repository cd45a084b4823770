/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS over TLS (RFC 7858) for a library that has none: Debian's libunbound is built without it. One
 * of these is one resolver: it takes questions by UDP on a port of 127.0.0.1, sends them over one
 * connection whose certificate must name the resolver, and sends back what is answered. There is no
 * way round TLS: what cannot be sent over it is not sent, and whoever asked asks again or gives up.
 */
#ifndef ONLINE_DOT_H
#define ONLINE_DOT_H

#include "base/clock.h"
#include "online/resolve_config.h"

#define DOT_WHY 256

struct dot;

/* `u` has `tls`. `ca_file`: a file of authorities. What there is to wait for is put into the epoll
 * instance. NULL: `why`. */
struct dot *dot_new(const struct resolve_upstream *u, const char *ca_file, int epoll,
                    char why[DOT_WHY]);
void dot_free(struct dot *d);

uint16_t dot_port(const struct dot *d);

/* Without waiting. `now` is monotonic; to be called some times a second while there are questions.
 */
void dot_turn(struct dot *d, nstime now);

#endif
