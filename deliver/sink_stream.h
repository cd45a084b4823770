/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines over a connection on which nobody ever says that they arrived: a unix stream, syslog over
 * TCP and TLS. When the connection breaks, all that was sent within the last minute is sent again
 * (deliver/trail.h).
 */
#ifndef DELIVER_SINK_STREAM_H
#define DELIVER_SINK_STREAM_H

#include "deliver/deliver.h"
#include "deliver/dial.h"

/* A line as the bytes of the stream; 0: it does not fit. */
typedef size_t sink_framer(const void *user, const struct spool_record *r, char *to, size_t room);

/* The dial is the sink's then, on failure it is ended. `user` is freed with the sink. */
struct sink *sink_stream_new(struct dial *dial, sink_framer *framer, void *user,
                             const struct sink_filter *f, char why[SINK_WHY]);

#endif
