/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines about sessions and those about DNS have in common; for alert/eve*.c alone. */
#ifndef ALERT_EVE_PARTS_H
#define ALERT_EVE_PARTS_H

#include "alert/eve.h"

/* What a line is about. */
struct eve_subject {
    nstime time;
    uint64_t flow_id;
    const struct flow_key *key;
    bool tcp; /* else UDP */
    const uint16_t *vlan;
    uint8_t vlan_count;
    const struct frame_tunnel *tunnel;
    uint8_t tunnel_count;
    uint32_t source;   /* index of the input */
    bool server_first; /* the server's packet is the evidence */
};

void eve_put_envelope(struct json *out, const struct eve_subject *s, const char *type,
                      const struct eve_options *o);
void eve_put_endpoints(struct json *out, const struct flow_key *k, bool server_first);

/* Begins `alert`, up to its metadata. */
void eve_put_alert_head(struct json *out, uint32_t sid, const char *title, const char *class_text,
                        enum severity severity);
/* alert.metadata takes arrays of strings and nothing else. */
void eve_put_fact(struct json *out, const char *key, const char *value);
const char *eve_state_text(enum incident_state state);

/* The rest of an alert line, from `alert` on. `verdict`: of the session, NULL: none. `promise`:
 * NULL when there is none. Leaves the line at its end, where members may follow. */
struct eve_alert_parts {
    const struct incident_alert *alert;
    const char *verdict;
    const struct expectation *promise;
    const char *vantage; /* NULL: unknown */
    bool own;            /* of a look-up of ours: no packet went to either side */
};
/* Where the tap of that source stands; NULL: unknown. */
const char *eve_vantage(const struct eve_options *o, uint32_t source);
void eve_put_alert(struct json *out, const struct eve_alert_parts *p);
void eve_put_starttls(struct json *out, const struct eve_alert_parts *p);
void eve_put_storm(struct json *out, const struct incident_alert *a, bool own);

void eve_put_evidence(struct json *out, uint8_t classes);
/* Flow ids as decimal strings, for not every reader of JSON has whole numbers so large; of none
 * there is no key. */
void eve_put_linked(struct json *out, const uint64_t *flow_id, size_t n);

#endif
