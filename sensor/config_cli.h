/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration that a command line asks for: its file, and its options as settings. */
#ifndef SENSOR_CONFIG_CLI_H
#define SENSOR_CONFIG_CLI_H

#include "sensor/cli.h"

/* What config.source points to; it stays until the configuration is read no more. */
struct config_cli {
    struct config_source source;
    char here[CONFIG_PATH]; /* the working directory */
    char path[CONFIG_PATH]; /* of the file, absolute for watch: it is read again from elsewhere */
};

/*
 * `cli` must outlive it. Problems are printed to standard error, and behind errors how many there
 * were. 0, or -1 with nothing to be finished.
 */
int config_cli_read(struct config *c, struct config_cli *from, const struct cli *cli);

#endif
