/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a configuration: read by the type of its row, and written again. */
#ifndef SENSOR_CONFIG_VALUE_H
#define SENSOR_CONFIG_VALUE_H

#include "sensor/cli_value.h"
#include "sensor/config_key.h"

/*
 * Takes a value, or adds an item where the row is a list. `here`: what a relative path begins at,
 * for the command line; NULL: it is refused. 0; 1: taken, but `why` says what is odd; -1: `why`
 * says what is wrong, and the value is as before.
 */
int config_value_take(struct config *c, const struct config_row *row, struct span text,
                      const char *here, struct cli_why *why);

/* Items parted by commas, or the one value of what is no list. Likewise, but for a list that has
 * some of the items when one is wrong. */
int config_value_take_all(struct config *c, const struct config_row *row, const char *text,
                          const char *here, struct cli_why *why);

/* To nothing: an empty list, no text, 0. */
void config_value_clear(struct config *c, const struct config_row *row);

/* Does it say anything: a text, an item? Numbers and the like always do. */
bool config_value_given(const struct config *c, const struct config_row *row);

/* As YAML that reads the same, on one line. Of a secret, where it is from. */
void config_value_write(FILE *to, const struct config *c, const struct config_row *row);

bool config_value_eq(const struct config *a, const struct config *b, const struct config_row *row);

/* What a value may be, for people: "1 to 65536 MiB", "inout, in, out". */
void config_value_allowed(char *dst, size_t cap, const struct config_row *row);

#endif
