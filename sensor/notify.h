/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd wants to hear of a service of Type=notify: sd_notify(3), section NOTES, which says
 * how to do it without its library. */
#ifndef SENSOR_NOTIFY_H
#define SENSOR_NOTIFY_H

#include "base/clock.h"

/* "READY=1", "STATUS=...", lines of it. Does nothing where nobody listens. */
void notify_say(const char *state);

/* How often systemd wants to hear WATCHDOG=1: half of its patience; 0: never. */
nstime notify_watchdog(void);

#endif
