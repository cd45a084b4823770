/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for those who do not read EVE. A line of EVE, as the spool keeps it, becomes a line of
 *
 *   ECS       Elastic Common Schema 8.11: one JSON object; all lines
 *   CEF       ArcSight's Common Event Format 0; alerts
 *   OCSF      Open Cybersecurity Schema Framework 1.4.0, Detection Finding: one JSON object; alerts
 *   RFC 5424  syslog; all lines
 *
 * What goes where stands in alert/format_map.def, and nowhere else; docs/formats.md is made of it.
 * No format calls an address attacker or indicator. Text is what the line of EVE says, escaped once
 * more as the format wants it; no control character is ever in the output.
 */
#ifndef ALERT_FORMAT_H
#define ALERT_FORMAT_H

#include "base/json.h"
#include "rules/finding.h"

enum format { FORMAT_EVE, FORMAT_ECS, FORMAT_CEF, FORMAT_OCSF, FORMAT_RFC5424, FORMAT_COUNT };

#define FORMAT_NAMES        "eve, ecs, cef, ocsf or rfc5424"
#define FORMAT_ECS_VERSION  "8.11.0"
#define FORMAT_OCSF_VERSION "1.4.0"

/* For examples and documentation (RFC 5612): we have no private enterprise number of our own. */
#define FORMAT_PEN "32473"

#define FORMAT_FACILITY 16 /* local0 */

const char *format_text(enum format format); /* as the command line has it */

/* FORMAT_COUNT: there is none of that name. */
enum format format_by_name(const char *name);

/* Of RFC 5424 alone. Zeros are the defaults but for the facility: see format_options_default(). */
struct format_options {
    uint8_t facility;     /* 0 to 23 (RFC 5424 section 6.2.1) */
    const char *hostname; /* where the line has no `host`; NULL: unknown */
    bool reason_only;     /* the message of an alert is its reason, not the line of EVE */
};

struct format_options format_options_default(void);

enum format_result {
    FORMAT_OK,
    FORMAT_NOT_CARRIED, /* the format has no such lines: CEF and OCSF alerts alone */
    FORMAT_BROKEN,      /* no line of ours, or no memory to read it */
};

/* Where a line is rendered; the caller's, some 130 KiB, and needs no preparation. */
struct format_out {
    struct span line; /* with its LF, in here; empty: there is none */
    struct json json; /* of ECS and OCSF: what does not fit is left out, with "truncated":true */
    char text[CAP_FORMAT_LINE]; /* of the others: fields that do not fit are left out */
};

/* Renders `eve` with or without its LF. `o` NULL: the defaults. */
enum format_result format_line(enum format format, struct span eve, const struct format_options *o,
                               struct format_out *out);

/* --- the map, for those who check it --- */

/* What a severity is in a format: a number, or -1 where it has none. */
int format_severity(enum format format, enum severity severity);

#endif
