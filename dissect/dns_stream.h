/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS over TCP (RFC 7766): the messages of a direction, each behind its length. A direction begins
 * with its SYN; segments are taken in their order, what comes too early is dropped, and so are all
 * behind it until what is missing comes. Directions and the bytes of unfinished messages are
 * capped; the one that is silent longest gives way.
 */
#ifndef DISSECT_DNS_STREAM_H
#define DISSECT_DNS_STREAM_H

#include "base/clock.h"
#include "base/siphash.h"
#include "dissect/tcp.h"

struct dns_stream_table;

/* Called for each message, without its length; valid during the call. */
typedef void (*dns_stream_fn)(void *user, struct span message);

struct dns_stream_table *dns_stream_new(const struct siphash_key *key); /* NULL: no memory */
void dns_stream_free(struct dns_stream_table *t);

void dns_stream_push(struct dns_stream_table *t, const struct ip_packet *ip,
                     const struct tcp_segment *tcp, nstime now, dns_stream_fn fn, void *user);

/* Gives up unfinished messages that nobody goes on with. */
void dns_stream_tick(struct dns_stream_table *t, nstime now);

uint64_t dns_stream_dropped(const struct dns_stream_table *t); /* segments */
size_t dns_stream_held(const struct dns_stream_table *t);      /* bytes of memory */

#endif
