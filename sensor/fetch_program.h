/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the program is that reaches the network. It is another one than ours, so that libraries
 * which speak with strangers are in no process that sees packets or judges.
 */
#ifndef SENSOR_FETCH_PROGRAM_H
#define SENSOR_FETCH_PROGRAM_H

#include <stdbool.h>

#define FETCH_PROGRAM      "stripwatch-fetch"
#define FETCH_PROGRAM_PATH 4096

/* What cannot be had without it, as the end of a sentence. */
#define FETCH_PROGRAM_LOST                                                                         \
    "look-ups (policy refresh, policy audit, --online, policy.lookups), and a state of watch "     \
    "that is in Redis"

/* Beside our own program, else in the folder that the build names. False: in neither. */
bool fetch_program(char path[FETCH_PROGRAM_PATH]);

#endif
