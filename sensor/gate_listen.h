/* SPDX-License-Identifier: Apache-2.0 */
/* The two sockets that the gate listens at; for gate.c alone. */
#ifndef SENSOR_GATE_LISTEN_H
#define SENSOR_GATE_LISTEN_H

#include "sensor/gate.h"

/* A descriptor that does not block and is not inherited, or -1 and why. */
int gate_listen_tcp(const char *address, char why[GATE_WHY]);
int gate_listen_unix(const char *path, char why[GATE_WHY]);

#endif
