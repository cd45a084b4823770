/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed: lines go into the spool, and from there to the outputs. The same loop runs in our own
 * program, where outputs are of this machine or a Redis, and in stripwatch-feed, which has the
 * libraries for all others.
 */
#ifndef SENSOR_FEED_H
#define SENSOR_FEED_H

#include "sensor/outlets.h"

/* `more` opens outputs besides outlets_local(); NULL: there are no others. The exit code. */
int feed_run(struct child *c, outlets_fn more);

/* Outputs of stripwatch-feed: sockets of this machine, syslog, HTTP, Kafka. */
bool outlets_network(struct outlets *o);

#define FEED_DESCRIPTORS 512 /* spool and outputs some 40; libcurl and librdkafka one a broker */

/* The walls. Who `reaches_out` has threads, and looks names up: authorities are in memory already,
 * what the C library reads of names is not. */
static inline struct sandbox feed_walls(bool reaches_out)
{
    if (!reaches_out)
        return (struct sandbox){.connects = true};
    return (struct sandbox){.network = true,
                            .read_path = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf",
                                          "/etc/host.conf", "/etc/gai.conf"},
                            .descriptors = FEED_DESCRIPTORS};
}

#endif
