/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts on their way from one process to another: what dissect/ hands out, as bytes. Both ends are
 * the same program, so records go as they lie in memory; what they point to follows. The reading
 * end believes nothing of it: whoever took over the process that looks at packets may write what he
 * likes, and gets no further than a session with wrong facts in it.
 */
#ifndef SENSOR_WIRE_H
#define SENSOR_WIRE_H

#include "dissect/dissect.h"
#include "dissect/dns_name.h"
#include "dissect/dns_tap.h"
#include "dissect/fetch_tap.h"
#include "dissect/tls_hello.h"

/* A message that does not fit is a fact that is lost; the largest session takes this: three pools
 * of text, of it, its other reading and its twin, and a handshake with all of its certificates. */
#define WIRE_MOST (3 * (CAP_TEXT_POOL + 8192) + 4 * CAP_TLS_HELLO + 2 * CAP_TLS_HANDSHAKE)

/* Of a sighting of DNS, and of a fetch of a policy: its host goes behind its length. */
#define WIRE_DNS_MOST   (sizeof(struct dns_sighting) + sizeof(struct dns_message))
#define WIRE_FETCH_MOST (sizeof(struct fetch_sighting) + sizeof(uint32_t) + (size_t)CAP_DOMAIN_TEXT)

/* Bytes that are being written. Once they do not fit, `full` is set and nothing more is. */
struct wire {
    uint8_t *p;
    size_t n, room;
    bool full;
};

void wire_put_session(struct wire *to, const struct session *s);
void wire_put_handshake(struct wire *to, const struct tls_sighting *t); /* behind its session */
void wire_put_dns(struct wire *to, const struct dns_sighting *s);
void wire_put_fetch(struct wire *to, const struct fetch_sighting *s);
void wire_put_attempt(struct wire *to, const struct dissect_attempt *a);

/* Where what was read is kept: until the next one of its kind is. The texts of a session stay where
 * they came in. */
struct wire_session {
    struct session own, other, twin;
    struct ehlo_line line[3][CAP_REPLY_LINES];
    struct text rcpt[3][CAP_RECIPIENTS];
    struct text rcpt_domain[3][CAP_RECIPIENTS];
};

struct wire_handshake {
    struct tls_sighting sighting;
    struct tls_client_hello client;
    struct tls_server_hello server;
};

struct wire_dns {
    struct dns_sighting sighting;
    struct dns_message message;
};

struct wire_fetch {
    struct fetch_sighting sighting;
    char host[CAP_DOMAIN_TEXT + 1];
};

/* Each takes what it reads off `from`. False: nobody of ours wrote that. */
bool wire_get_session(struct span *from, struct wire_session *to);
bool wire_get_handshake(struct span *from, struct wire_handshake *to);
bool wire_get_dns(struct span *from, struct wire_dns *to);
bool wire_get_fetch(struct span *from, struct wire_fetch *to);
bool wire_get_attempt(struct span *from, struct dissect_attempt *to);

#endif
