/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch check`: is a configuration right, and what does it come to? */
#ifndef SENSOR_CHECK_CMD_H
#define SENSOR_CHECK_CMD_H

#include "sensor/cli.h"

/* 0, or -1: what is wrong was printed to standard error. */
int check_cmd(const struct cli *cli, FILE *to);

#endif
