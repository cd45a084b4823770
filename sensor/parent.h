/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that the operator starts: it starts the others, holds the ends of their sockets,
 * starts anew whoever dies, and has nothing else. Packets, files of state and networks are theirs.
 */
#ifndef SENSOR_PARENT_H
#define SENSOR_PARENT_H

#include "sensor/config.h"

enum {
    PARENT_LATER = 1,  /* an interface is not there, and may come */
    PARENT_CANNOT = 2, /* somebody has to do something first */
};

/* Runs until it is told to end (SIGTERM, SIGINT). SIGHUP reads the configuration anew from `from`
 * and lets files be opened again. The exit code: 0, or one of these when it did not come to a
 * start. */
int parent_run(struct config *c, const struct config_source *from);

#endif
