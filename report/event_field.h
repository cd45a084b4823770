/* SPDX-License-Identifier: Apache-2.0 */
/* What is read alike of a line of EVE and of a report by TLSRPT: members, times, addresses, texts.
 * All of it may have been written by anybody. */
#ifndef REPORT_EVENT_FIELD_H
#define REPORT_EVENT_FIELD_H

#include "base/span.h"

struct json_t; /* of jansson */

/* A text, borrowed; empty when it is none or is not there. */
struct span event_text(const struct json_t *value);
struct span event_member(const struct json_t *object, const char *key);

/*
 * A time of EVE or of RFC 3339 in Unix seconds: YYYY-MM-DDTHH:MM:SS, a fraction that is passed
 * over, and Z, +HH:MM or +HHMM. *zoned: it ends in one of these; else it is taken for UTC. False:
 * it is no such time.
 */
bool event_time(struct span text, int64_t *second, bool *zoned);

/* The UTC day, since 1970-01-01. */
int32_t event_day(int64_t second);

/* Network byte order, IPv4 in the first four bytes and zeros behind; family 4 or 6. False: it is no
 * address, and the family is 0. */
bool event_address(struct span text, uint8_t *family, uint8_t address[16]);

/* The same, an IPv4 address that IPv6 maps (RFC 4291 section 2.5.5.2) as the one it is. */
bool event_address_plain(struct span text, uint8_t *family, uint8_t address[16]);

/* Printable and NUL-terminated; what has no room ends in dots. Our own lines are escaped already
 * (base/text.h) and stay as they are: unlike text_escape() this leaves a backslash alone. */
void event_tame(char *dst, size_t cap, struct span text);

#endif
