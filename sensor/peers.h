/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made of a handshake besides its facts: the prints of its hellos, and the verdict about
 * the certificates, which stays with the session until its end.
 */
#ifndef SENSOR_PEERS_H
#define SENSOR_PEERS_H

#include "alert/eve.h"
#include "base/siphash.h"

struct peers;

/* `ca_path`: as certificates_new() takes it. NULL: no memory. */
struct peers *peers_new(const struct siphash_key *key, const char *ca_path);
void peers_free(struct peers *p);

/* Reads the trust store now; false: there is none. */
bool peers_load(struct peers *p);

/* Looks at the certificates, and keeps what is thought of them in session.peer. There may be too
 * many: that is a cap of the session. */
void peers_meet(struct peers *p, struct session *s, const struct tls_sighting *t);

/* For a line: the prints, valid until the next call, and the certificate. */
struct eve_peer peers_describe(struct peers *p, const struct session *s,
                               const struct tls_sighting *t);

/* Of peers_meet(); NULL: none was seen. */
const struct certificate *peers_certificate(const struct session *s);

/* The session ends. */
void peers_leave(struct session *s);

#endif
