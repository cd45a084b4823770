/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch rules`: the catalogue, as a table, one rule in full, or as docs/rules.md. */
#ifndef SENSOR_RULES_CMD_H
#define SENSOR_RULES_CMD_H

#include "sensor/cli.h"

/* Writes to `to`. Returns 0, or -1 with c->error filled. */
int rules_cmd(struct cli *c, FILE *to);

#endif
