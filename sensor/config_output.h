/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs that a configuration names, one by one: all that asks for some of them goes by this.
 */
#ifndef SENSOR_CONFIG_OUTPUT_H
#define SENSOR_CONFIG_OUTPUT_H

#include "sensor/config.h"

#define CONFIG_OUTPUTS 8

/* Borrowed from the configuration. */
struct config_output {
    const char *name;               /* as its section is called: "file", "kafka" */
    const char *kind;               /* in words, before `where` */
    const char *where;              /* path, address */
    const struct config_told *told; /* what it is told */
    bool reaches_out;               /* another program passes lines on to it (sensor/program.h) */
};

/* Those that are there; how many. */
size_t config_outputs(const struct config *c, struct config_output to[CONFIG_OUTPUTS]);

#endif
