/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids by which receivers know a finding, an incident and an alert again: the first 128 bits of
 * SHA-256, in lower-case hex, over a text of lines that each end in LF. There is no time in any of
 * them, so a second run over the same packets gives the same ids.
 *
 *   finding    stripwatch-finding-1      incident   stripwatch-incident-1    alert
 * stripwatch-alert-1 starttls-garbled                     starttls-garbled <incident id> tcp
 * 192.0.2.10 40001 198.51.100.25 25 (both: see below)               2 (update) 305419896 (or -)
 * 305419896 (or -)                 sensor-1 (or -) to_client 187
 *
 * The third line is the 5-tuple in canonical order, the smaller endpoint first (address bytes, then
 * port) as in Community ID, so that it is the same where a tap that missed the handshake took the
 * client for the server. Addresses are written as text_ip() does. The fourth is the server's
 * initial sequence number where it is known. The last line of a finding is the direction and the
 * stream offset of its evidence. Of what DNS said the third line may begin with udp, the fourth is
 * the time of the question in nanoseconds, for it has no sequence number to tell it by, the fifth
 * the domain, and a finding's last one the id of the DNS message. A look-up of our own has no
 * tuple: the third line is `lookup`, the fourth its time. What others report has none either: the
 * third line is `report`, the fourth the time when it begins, and a finding ends in three lines,
 * the sender, the receiver and the result of RFC 8460, each - where it is not told. What a sensor
 * says of itself has no tuple: the third line is what it is about, the fourth the sensor (or -),
 * the fifth the time when it began in nanoseconds; incident and finding differ in the first line
 * alone.
 */
#ifndef ALERT_IDS_H
#define ALERT_IDS_H

#include "rules/discovery.h"

#define IDS_TEXT 33 /* 32 hex digits and NUL */

/* All return 0, or -1 without SHA-256; out is then 32 zeros. */
int ids_finding(const struct session *s, const struct finding *f, char out[IDS_TEXT]);
int ids_incident(const struct session *s, const struct finding *opened_by, char out[IDS_TEXT]);
int ids_discovery_finding(const struct discovery *d, enum rule_id rule, char out[IDS_TEXT]);
int ids_discovery_incident(const struct discovery *d, enum rule_id rule, char out[IDS_TEXT]);
/* `sensor` NULL: it has no name. */
int ids_sensor_finding(enum rule_id rule, const char *what, const char *sensor, nstime began,
                       char out[IDS_TEXT]);
int ids_sensor_incident(enum rule_id rule, const char *what, const char *sensor, nstime began,
                        char out[IDS_TEXT]);
int ids_alert(const char *incident, uint32_t update, const char *sensor, char out[IDS_TEXT]);

#endif
