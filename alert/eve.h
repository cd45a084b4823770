/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suricata's EVE JSON: one object a line, understood unchanged by what reads Suricata. What we know
 * beyond it stands in one object, `starttls`, and in alerts also in alert.metadata as arrays of
 * strings. docs/eve.schema.json describes every line. Unknown means that the key is absent.
 *
 * alert.category is one of the class texts of Suricata's classification.config, one per family:
 *   strip, refuse   Potentially Bad Traffic: the bytes look wrong, which is no proof of an attack
 *   inject          Generic Protocol Command Decode
 *   auth, promise   Potential Corporate Privacy Violation
 *   discovery, forge, vantage   as strip
 *   sensor, alert-storm         Misc activity
 */
#ifndef ALERT_EVE_H
#define ALERT_EVE_H

#include "alert/incident.h"
#include "base/json.h"

struct certificate;
struct tls_client_print;
struct tls_server_print;

#define EVE_STORM_SID                                                                              \
    1320899 /* the last of our range: the storm line has no row in the catalogue */
#define EVE_STORM_RULE "alert-storm"

struct eve_options {
    const char *sensor;           /* `host`; NULL: absent */
    const char *const *interface; /* `in_iface`, by session.source; NULL: absent */
    uint32_t interface_count;
    /* Where that tap stands: client-side, server-side; NULL, or NULL of one: unknown. */
    const char *(*vantage)(void *user, uint32_t source);
    void *vantage_user;
    const char *const *pcap_filename; /* likewise, as given; NULL: absent */
    uint32_t pcap_count;
    uint16_t community_id_seed;
    bool show_addresses; /* else local parts are masked once more on the way out */
};

/* Whether a flow gets its line: it carried at least one byte, or a hole where bytes were. */
bool eve_wants(const struct session *s);

/* Each fills `out` from json_begin() on; the caller calls json_end() and writes the line. */

/* The `smtp` line of a closed session. `role`: mx-in, mx-out, submission, internal; NULL: unknown.
 */
void eve_session(struct json *out, const struct session *s, const struct judgement *j,
                 const char *role, const struct eve_options *o);

/* What others made of a handshake; each may be NULL. */
struct eve_peer {
    const struct tls_client_print *client;
    const struct tls_server_print *server;
    const struct certificate *certificate; /* of the server; NULL: it was not seen */
};

/* The `tls` line of a handshake that is decided. */
void eve_tls(struct json *out, const struct session *s, const struct tls_sighting *t,
             const struct eve_peer *p, const struct eve_options *o);

/* An `alert` line; source and destination follow the packet that gave the evidence. */
void eve_alert(struct json *out, const struct session *s, const struct judgement *j,
               const struct incident_alert *a, const struct eve_options *o);

/* The one that says that an incident is over: with the place of its newest evidence, and without
 * the verdict of any session. */
void eve_closed(struct json *out, const struct incident_alert *a, const struct eve_options *o);

/* The `alert` line that says that incidents are being held back; `s` is the first of them. */
void eve_storm(struct json *out, const struct session *s, const struct incident_alert *a,
               const struct eve_options *o);

/* The same two of what DNS said: no session and no flow, but `dns` with the question. */
void eve_discovery(struct json *out, const struct discovery *d, const struct incident_alert *a,
                   const struct eve_options *o);
void eve_discovery_storm(struct json *out, const struct discovery *d,
                         const struct incident_alert *a, const struct eve_options *o);

#endif
