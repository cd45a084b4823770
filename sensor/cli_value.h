/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options: each parser takes the text whole or refuses it with a reason. */
#ifndef SENSOR_CLI_VALUE_H
#define SENSOR_CLI_VALUE_H

#include "base/caps.h"
#include "rules/finding.h"

/* A reason, NUL-terminated and printable. */
struct cli_why {
    char text[256];
};

/* "'value' reason", the value escaped. Returns -1. */
int cli_value_refuse(struct cli_why *why, const char *value, const char *reason);

/* All return 0, or -1 with a reason. */
int cli_value_number(const char *value, uint32_t min, uint32_t max, uint32_t *out,
                     struct cli_why *why); /* decimal digits only */
int cli_value_ports(const char *value, uint16_t port[CAP_PORTS], uint8_t *count,
                    struct cli_why *why); /* "25,587"; each is kept once */
int cli_value_severity(const char *value, bool or_none, enum severity *out,
                       struct cli_why *why);                /* none is SEVERITY_COUNT */
int cli_value_name(const char *value, struct cli_why *why); /* 1 to 255 bytes */

#endif
