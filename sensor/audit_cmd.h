/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `stripwatch policy audit`: is a domain set up right (policy/audit.h), and what did the tap see of
 * its mail exchangers?
 */
#ifndef SENSOR_AUDIT_CMD_H
#define SENSOR_AUDIT_CMD_H

#include "sensor/policy_cmd.h"

enum policy_exit audit_cmd(struct cli *c, FILE *to);

#endif
