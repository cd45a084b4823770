/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch report --tlsrpt`: what the border saw at our exchangers, in the form of RFC 8460. */
#ifndef SENSOR_TLSRPT_CMD_H
#define SENSOR_TLSRPT_CMD_H

#include "sensor/report_cmd.h"

/* Writes to `to` or into files, and what goes wrong or is in no report to standard error. */
enum report_exit tlsrpt_cmd(const struct cli *c, FILE *to);

#endif
