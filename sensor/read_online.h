/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `read --online`: what the domains publish that mail was taken for. Captures are read once for
 * that, before they are judged; what is found goes to where policies are read from.
 */
#ifndef SENSOR_READ_ONLINE_H
#define SENSOR_READ_ONLINE_H

#include "dissect/dissect.h"
#include "sensor/cli.h"
#include "sensor/inputs.h"

/*
 * Reads all inputs with `c`, whose callbacks it sets itself, and looks up. Gives a file without a
 * name, whose lines are of policy/lookup_json.h: as if they had been asked for when the first
 * packet came, because what is published now stands for what was published then. -1: it was said
 * why not.
 */
int read_online(const struct cli *cli, const struct inputs *inputs, struct dissect_config c);

#endif
