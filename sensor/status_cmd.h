/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch status`: what is remembered in a store, of a server or in all, and how to forget it.
 */
#ifndef SENSOR_STATUS_CMD_H
#define SENSOR_STATUS_CMD_H

#include "sensor/cli.h"

enum status_exit {
    STATUS_DONE,
    STATUS_UNKNOWN, /* nothing is remembered of that server */
    STATUS_TROUBLE, /* wrong usage, or a store that cannot be read */
};

/* Writes to `to`, and what goes wrong to standard error. Returns the exit code. */
int status_cmd(struct cli *c, FILE *to);

#endif
