/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made of a handshake besides its facts: the prints of its hellos, and the verdict about
 * the certificates. It is met once, and numbers of the prints and the verdict stay with the session
 * until its end.
 */
#ifndef SENSOR_PEERS_H
#define SENSOR_PEERS_H

#include "alert/eve.h"
#include "base/siphash.h"

struct peers;

/* Prints as numbers (dissect/tls_print.h): the same in every run and on every machine. 0: the hello
 * was not seen, or has none. */
struct peer_prints {
    uint64_t ja3s; /* of the ServerHello */
    uint64_t ja4;  /* of the ClientHello */
};

/* `ca_path`: as certificates_new() takes it. NULL: no memory. */
struct peers *peers_new(const struct siphash_key *key, const char *ca_path);
void peers_free(struct peers *p);

/* Reads the trust store now; false: there is none. */
bool peers_load(struct peers *p);

/* Looks at the certificates and the hellos, and keeps what is thought of them in session.peer.
 * There may be too many certificates: that is a cap of the session, and so is want of memory. */
void peers_meet(struct peers *p, struct session *s, const struct tls_sighting *t);

/* For the line of the session that was met last: the prints, valid until the next one is met, and
 * the certificate. */
struct eve_peer peers_describe(const struct peers *p, const struct session *s);

/* Of peers_meet(); NULL: none was seen. */
const struct certificate *peers_certificate(const struct session *s);

/* Likewise; never NULL. */
const struct peer_prints *peers_prints(const struct session *s);

/* The session ends. */
void peers_leave(struct session *s);

#endif
