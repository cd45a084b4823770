/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch read`: captures in, lines or a summary out, and an exit code that says how it went.
 */
#ifndef SENSOR_READ_H
#define SENSOR_READ_H

#include "sensor/cli.h"

/* What the shell learns. When several apply: USAGE, else ALERT, else PARTIAL. */
enum read_exit {
    READ_CLEAN = 0,   /* everything was read; no alert of the severity asked for */
    READ_ALERT = 1,   /* at least one such alert */
    READ_USAGE = 2,   /* wrong usage, nothing readable, or output that could not be written */
    READ_PARTIAL = 3, /* some input was cut or unreadable */
};

enum read_exit read_cmd(const struct cli *c);

#endif
