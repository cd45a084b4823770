/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch report`: what the lines of many runs say together. */
#ifndef SENSOR_REPORT_CMD_H
#define SENSOR_REPORT_CMD_H

#include "sensor/cli.h"

enum report_exit {
    REPORT_DONE,
    REPORT_FOUND,   /* --tlsrpt-in: there is a finding */
    REPORT_TROUBLE, /* wrong usage, nothing readable, no memory, or output that failed */
    REPORT_PARTLY,  /* some input was unreadable; the rest was used */
};

/* Writes to `to`, and what goes wrong to standard error. Returns the exit code. */
enum report_exit report_cmd(struct cli *c, FILE *to);

#endif
