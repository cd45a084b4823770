/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `stripwatch policy refresh` and `policy get --online`: what domains publish now, as the network
 * has it.
 */
#ifndef SENSOR_REFRESH_CMD_H
#define SENSOR_REFRESH_CMD_H

#include "policy/lookup.h"
#include "sensor/policy_cmd.h"

enum policy_exit refresh_cmd(struct cli *c, FILE *to);
enum policy_exit get_online(const struct cli *c, const struct domain *d, FILE *to);

/* Looks up one domain, and hands what it finds to `fn`, once. False: it was said why not. */
typedef void (*refresh_fn)(void *user, const struct lookup *l);
bool refresh_one(const struct cli *c, const struct domain *d, refresh_fn fn, void *user);

#endif
