/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 5424 around a line: PRI, version, time, host, application, MSGID. No byte of the header comes
 * from the wire unseen. */
#ifndef DELIVER_SYSLOG_FRAME_H
#define DELIVER_SYSLOG_FRAME_H

#include "deliver/line.h"

/* PRI: facility (RFC 5424 section 6.2.1), and severity of an alert: critical 2, high 3, medium 4,
 * low 5, all else 6 (RFC 5424 section 6.2.1). Returns the length; `room` is CAP_DELIVER_HEADER or
 * more. `sensor` stands in for a host that the line does not name. */
size_t syslog_frame_header(const struct line *l, uint8_t facility, const char *sensor, char *to,
                           size_t room);

/* EVE's time as RFC 3339 has it; false, and "-": it is none. */
bool syslog_frame_time(const char *eve, char to[33]);

#endif
