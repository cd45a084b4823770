/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a value of a line of EVE becomes one of another format: a function each, named in
 * alert/format_map.def. False: there is no value, and nothing is written.
 */
#ifndef ALERT_FORMAT_HOW_H
#define ALERT_FORMAT_HOW_H

#include "alert/eve_view.h"
#include "alert/format.h"

struct format_how {
    const struct eve_view *view;
    enum format format;
    const char *constant; /* of the row; NULL: it has none */
    char scratch[128];    /* a text that is made; valid until the next value */
};

/* HOW(name, what the documentation says of it) */
#define FORMAT_HOWS(HOW)                                                                           \
    HOW(as_is, "")                                                                                 \
    HOW(first, "")                                                                                 \
    HOW(as_text, "as text")                                                                        \
    HOW(as_list, "as a list of one")                                                               \
    HOW(text, "where there is")                                                                    \
    HOW(number, "where there is")                                                                  \
    HOW(yes, "always true")                                                                        \
    HOW(program_version, "version of the program")                                                 \
    HOW(utc, "Z in the place of +0000")                                                            \
    HOW(utc_second, "and Z")                                                                       \
    HOW(epoch_ms, "milliseconds since 1970")                                                       \
    HOW(lower, "in lower case")                                                                    \
    HOW(severity, "see the table of severities")                                                   \
    HOW(ip4, "IPv4 alone")                                                                         \
    HOW(ip6, "IPv6 alone")                                                                         \
    HOW(ip_type, "ipv4 or ipv6")                                                                   \
    HOW(ip_version, "4 or 6")                                                                      \
    HOW(dataset, "with stripwatch. before it")                                                     \
    HOW(protocol, "smtp; in alerts about DNS dns, about fetching a policy tls")                    \
    HOW(client_side, "of flow where there is one")                                                 \
    HOW(both_addresses, "with dest_ip")                                                            \
    HOW(outer_tag, "the first, as text")                                                           \
    HOW(inner_tag, "the second, as text")                                                          \
    HOW(attack_technique, "up to the dot")                                                         \
    HOW(attack_subtechnique, "whole, if it has a dot")                                             \
    HOW(tls_number, "the number")                                                                  \
    HOW(tls_protocol, "tls or ssl")                                                                \
    HOW(ecs_kind, "alert; metric for stats; else event")                                           \
    HOW(ecs_category, "network, of an alert intrusion_detection as well; none for stats")          \
    HOW(ecs_type, "info; protocol for tls; connection, end for smtp")                              \
    HOW(ecs_direction, "mx-in inbound, mx-out outbound, internal internal")                        \
    HOW(ecs_established, "tls: finished; smtp: handshake is complete")                             \
    HOW(ecs_technique, "up to the dot, as a list of one")                                          \
    HOW(ecs_subtechnique, "whole, if it has a dot, as a list of one")                              \
    HOW(ecs_hash, "upper case, no colons")                                                         \
    HOW(cef_application, "SMTP; in alerts about DNS DNS, about fetching a policy TLS")             \
    HOW(ocsf_activity, "open 1, ongoing 2, closed 3; without an incident 1")                       \
    HOW(ocsf_activity_name, "Create, Update, Close")                                               \
    HOW(ocsf_type, "200400 and activity_id")                                                       \
    HOW(ocsf_status, "1 (New); closed 4 (Resolved)")                                               \
    HOW(ocsf_severity_name, "Critical, High, Medium, Low")                                         \
    HOW(ocsf_confidence, "low 1, medium 2, high and proof 3")                                      \
    HOW(ocsf_labels, "do_not_block, if it is so")                                                  \
    HOW(ocsf_protocol, "TCP 6, UDP 17")

typedef bool format_how_fn(struct format_how *h, const char *from, struct eve_value *out);

#define FORMAT_HOW_DECLARE(name, what) format_how_fn format_how_##name;
FORMAT_HOWS(FORMAT_HOW_DECLARE)
#undef FORMAT_HOW_DECLARE

struct format_row {
    const char *to;
    const char *constant; /* or a label; NULL: none */
    const char *from;
    format_how_fn *how;
};

#define FORMAT_ROW(to, from, how)                {to, NULL, from, format_how_##how},
#define FORMAT_ROW_WITH(to, constant, from, how) {to, constant, from, format_how_##how},

#endif
