/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch policy`: what is known of a domain's promises, and what is wrong with a policy. */
#ifndef SENSOR_POLICY_CMD_H
#define SENSOR_POLICY_CMD_H

#include "sensor/cli.h"

enum policy_exit {
    POLICY_STRICT,  /* to the letter */
    POLICY_FAULTY,  /* not so */
    POLICY_TROUBLE, /* wrong usage, or unreadable */
};

/* Writes to `to`, and what goes wrong to standard error. Returns the exit code. */
int policy_cmd(struct cli *c, FILE *to);

#endif
