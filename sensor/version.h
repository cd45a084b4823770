/* SPDX-License-Identifier: Apache-2.0 */
/* `stripwatch version`: what was built, and with what. */
#ifndef SENSOR_VERSION_H
#define SENSOR_VERSION_H

#include <stdio.h>

void version_print(FILE *to);

#endif
