/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the programs are that reach the network. They are others than ours, so that libraries which
 * speak with strangers are in no process that sees packets or judges.
 */
#ifndef SENSOR_PROGRAM_H
#define SENSOR_PROGRAM_H

#include <stdbool.h>

#define PROGRAM_FETCH "stripwatch-fetch" /* looks up, and reaches the Redis of the state */
#define PROGRAM_FEED  "stripwatch-feed"  /* passes lines on to what is not of this machine */
#define PROGRAM_PATH  4096

/* What cannot be had without it, as the end of a sentence. */
#define PROGRAM_FETCH_LOST                                                                         \
    "look-ups (policy refresh, policy audit, --online, policy.lookups), and a state of watch "     \
    "that is in Redis"
#define PROGRAM_FEED_LOST                                                                          \
    "output.unix, output.syslog, output.splunk, output.elastic, output.webhook and output.kafka"

/* Beside our own program, else in the folder that the build names. False: in neither. */
bool program_path(const char *name, char path[PROGRAM_PATH]);

#endif
