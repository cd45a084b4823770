/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket of this machine that leads to Redis: whoever comes to it is connected there, and bytes
 * go both ways. So the judge reaches the store and nothing else. The names of the server are looked
 * up when somebody comes. Nothing of what passes is looked at.
 */
#ifndef SENSOR_RELAY_H
#define SENSOR_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define RELAY_VARIABLE "STRIPWATCH_RELAY" /* in the environment: the path of the socket */
#define RELAY_WHY      256
#define RELAY_PAIRS    4 /* connections at a time: the judge has one for each store it asks */
#define RELAY_FDS      (1 + 2 * RELAY_PAIRS)

struct relay;

/* Whether the store is one that needs it. NULL: none. */
bool relay_wanted(const char *store);

/* NULL: `why` says what is wrong. */
struct relay *relay_new(const char *path, const char *store, char why[RELAY_WHY]);
void relay_free(struct relay *r);

size_t relay_fds(const struct relay *r, struct pollfd *to); /* RELAY_FDS at most */
void relay_turn(struct relay *r, const struct pollfd *p, size_t n);

#endif
