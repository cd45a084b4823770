/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch policy lint`: one policy body, or the TXT records of one name. */
#ifndef SENSOR_LINT_CMD_H
#define SENSOR_LINT_CMD_H

#include "sensor/policy_cmd.h"

enum policy_exit lint_cmd(struct cli *c, FILE *to);

#endif
