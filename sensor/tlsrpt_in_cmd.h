/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch report --tlsrpt-in`: what senders reported, against what the border saw. */
#ifndef SENSOR_TLSRPT_IN_CMD_H
#define SENSOR_TLSRPT_IN_CMD_H

#include "sensor/report_cmd.h"

/* Writes to `to` a text, or lines of EVE; what goes wrong to standard error. */
enum report_exit tlsrpt_in_cmd(const struct cli *c, FILE *to);

#endif
