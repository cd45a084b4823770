/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `stripwatch policy import`, `export` and `get`: policies from any source into a store, out of any
 * source as lines of JSON, and those of one domain. docs/redis.md has the keys of a store.
 */
#ifndef SENSOR_IMPORT_CMD_H
#define SENSOR_IMPORT_CMD_H

#include "sensor/policy_cmd.h"

enum policy_exit import_cmd(struct cli *c, FILE *to);
enum policy_exit export_cmd(struct cli *c, FILE *to);
enum policy_exit get_cmd(struct cli *c, FILE *to);

#endif
