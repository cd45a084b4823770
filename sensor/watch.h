/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch watch`: interfaces instead of files. */
#ifndef SENSOR_WATCH_H
#define SENSOR_WATCH_H

#include "sensor/config.h"

/* The exit code. `c` has an interface at least; `from` is read again at SIGHUP. */
int watch_cmd(struct config *c, const struct config_source *from);

#endif
