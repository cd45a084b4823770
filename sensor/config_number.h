/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers with a unit: "64", "64MiB", "1 GiB", "10 min". */
#ifndef SENSOR_CONFIG_NUMBER_H
#define SENSOR_CONFIG_NUMBER_H

#include "sensor/config_key.h"

/* In the unit of the row, within its range; false: it is none. Leading zeros are refused: some read
 * an octal number there. */
bool config_number_read(struct span text, const struct config_row *row, uint32_t *out);

/* The largest unit that it has a whole number of. Returns the length. */
size_t config_number_write(char *dst, size_t cap, enum config_unit unit, uint32_t value);

/* "256 to 262144 bytes (KiB)" */
void config_number_allowed(char *dst, size_t cap, const struct config_row *row);

#endif
