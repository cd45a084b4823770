/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line a datagram. One that the kernel refuses is kept and sent again, so nothing is lost while
 * the socket of a receiver on this machine is away or full; what the network or the receiver loses
 * nobody knows.
 */
#ifndef DELIVER_SINK_DATAGRAM_H
#define DELIVER_SINK_DATAGRAM_H

#include "deliver/sink_stream.h"

struct sink_datagram_to {
    const char *path; /* NULL: host and port */
    const char *host, *port;
    size_t most; /* bytes; more is cut */
};

/* `user` is freed with the sink, or on failure. */
struct sink *sink_datagram_new(const struct sink_datagram_to *to, sink_framer *framer, void *user,
                               const struct sink_filter *f, char why[SINK_WHY]);

#endif
