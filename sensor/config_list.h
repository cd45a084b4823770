/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that are kept without memory of their own: networks, ports, interfaces, kinds of lines. */
#ifndef SENSOR_CONFIG_LIST_H
#define SENSOR_CONFIG_LIST_H

#include "sensor/cli_value.h"
#include "sensor/config_key.h"

/* `list` is the member of struct config that belongs to `type`. 0, or -1 with `why`. */
int config_list_add(const char *item, enum config_type type, void *list, struct cli_why *why);
void config_list_clear(enum config_type type, void *list);

/* An item by its number, as it is read; false: there are not so many. */
bool config_list_item(const void *list, enum config_type type, size_t i, char *dst, size_t cap);

#endif
