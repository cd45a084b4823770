/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a handshake of TLS beside the two who make it: the messages in the records of both
 * directions (RFC 8446 section 5.1: a message may go over several records, a record may have
 * several), from the first record to where encryption begins. It fills the facts of the session
 * and keeps the hellos and the certificates until they were told of. A byte that was lost ends the
 * reading of its direction; so does CAP_TLS_HANDSHAKE, for both.
 *
 * SSLv2's ClientHello counts as one (RFC 5246 appendix E.2).
 */
#ifndef DISSECT_TLS_H
#define DISSECT_TLS_H

#include "dissect/session.h"
#include "dissect/tls_hello.h"
#include "dissect/tls_record.h"

struct tls;

struct tls *tls_new(void); /* NULL: no memory */
void tls_free(struct tls *t);

/* A record begins; the first bytes of its body are in `r`, and tls_body() gets the others. */
void tls_record(struct tls *t, struct session *s, enum session_dir d, const struct tls_record *r);

/* And it is one of application data, which all protected ones of TLS 1.3 seem to be. `acked`: what
 * its sender had received of the other direction. Behind tls_record(). */
void tls_protected(struct tls *t, struct session *s, enum session_dir d, const struct tls_record *r,
                   uint32_t acked);

/* More of the body of the newest record. */
void tls_body(struct tls *t, struct session *s, enum session_dir d, struct span bytes);

/* Whether tls_body() has any use for it. */
bool tls_wants_body(const struct tls *t, enum session_dir d);

/* Bytes of this direction were lost, or are no TLS. */
void tls_lost(struct tls *t, struct session *s, enum session_dir d);

/* TLS carries data: nothing more is read. */
void tls_over(struct tls *t);

/* Room for what a sighting points to, besides `t` itself. */
struct tls_sight_room {
    struct tls_client_hello client;
    struct tls_server_hello server;
    uint8_t types[SESSION_DIR_COUNT][CAP_TLS_HELLO / 2]; /* an extension has four bytes at least */
};

/* What was seen; `time` and `source` are left to the caller. */
void tls_sight(const struct tls *t, struct tls_sight_room *room, struct tls_sighting *out);

#endif
