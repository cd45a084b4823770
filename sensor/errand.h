/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups of a command: the process that reaches the network is started for it, asked by the same
 * messages as that of `watch`, and ended. It stands behind the same walls.
 */
#ifndef SENSOR_ERRAND_H
#define SENSOR_ERRAND_H

#include "sensor/cli.h"
#include "sensor/wants.h"

#define ERRAND_WHY 256

struct errand;

/* With what `-c` and `--set` of the command line say of resolver and fetch. NULL: it was said why,
 * on standard error. */
struct errand *errand_new(const struct cli *c);
void errand_free(struct errand *e);

/* What came of one; the line is that of policy/lookup_json.h. */
typedef void (*errand_fn)(void *user, const struct lookup *l, struct span line);

/* Asks for what is wanted now, and hears what has come, at most so long. False: the process is
 * gone, and it was said. */
bool errand_turn(struct errand *e, struct wants *l, int wait_ms, errand_fn fn, void *user);

/* Until nothing that is wanted waits. Likewise. */
bool errand_finish(struct errand *e, struct wants *l, errand_fn fn, void *user);

#endif
