/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords. They stand in a file of their own, never in the configuration: a path, or
 * credential:NAME for what systemd put into $CREDENTIALS_DIRECTORY (LoadCredential=).
 */
#ifndef SENSOR_CONFIG_SECRET_H
#define SENSOR_CONFIG_SECRET_H

#include "sensor/cli_value.h"
#include "sensor/config.h"

/* Is it credential:NAME? */
bool config_secret_is_credential(const char *from);

/*
 * The first line of the file. 0; 1: read, but others may read it too, as `why` says; -1: `why` says
 * what is wrong. `why` never has anything of the secret.
 */
int config_secret_read(const char *from, char value[CONFIG_SECRET], struct cli_why *why);

#endif
