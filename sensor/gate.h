/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the sensor answers: GET and HEAD of /metrics, /healthz and /readyz over HTTP on a loopback
 * address, and the lines `status` and `status json` on a socket of the file system. It never waits:
 * whoever turns it polls for it as well. Everybody on this machine may ask, so visitors, bytes and
 * time are bounded (base/caps.h), and each gets one answer.
 */
#ifndef SENSOR_GATE_H
#define SENSOR_GATE_H

#include <poll.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"

#define GATE_FDS (2 + CAP_GATE_VISITORS + CAP_GATE_CONTROLS) /* that gate_fds() fills at most */
#define GATE_WHY 256

struct gate;

/* Listens: `listen` is 127.0.0.1:9107 or [::1]:9107, of a loopback address alone; `path` that of a
 * socket, which gets mode 0660 and takes the place of one where nobody answers; NULL: there is
 * none. NULL: `why` says what is wrong, escaped. Port 0 is any port. */
struct gate *gate_new(const char *listen, const char *path, char why[GATE_WHY]);

/* Removes the socket of the file system as well, where that is allowed. */
void gate_free(struct gate *g);

/* What is answered from now on; copied. Before the first call all is 503. `metrics` of more than
 * CAP_MESSAGE_STATE bytes are none, and `status` is cut there. */
void gate_set(struct gate *g, struct span metrics, bool healthy, bool ready, struct span status);

/* And to `status json`, likewise; but one that is longer is none. */
void gate_set_json(struct gate *g, struct span status);

/* What to poll for; how many. `max`: room in `to`; GATE_FDS is enough. */
size_t gate_fds(const struct gate *g, struct pollfd *to, size_t max);

/* Does what can be done, with what poll() said of these; and no less than once a second. */
void gate_turn(struct gate *g, const struct pollfd *polled, size_t n);
/* The same at a time of a clock that never steps. */
void gate_turn_at(struct gate *g, const struct pollfd *polled, size_t n, int64_t now);

unsigned gate_port(const struct gate *g);     /* 0: none */
unsigned gate_visitors(const struct gate *g); /* now */

#endif
