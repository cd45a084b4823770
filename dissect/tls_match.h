/* SPDX-License-Identifier: Apache-2.0 */
/* What a ClientHello offers, and whether a ServerHello keeps to it (RFC 8446 sections 4.1 and 4.2,
 * RFC 5246 section 7.4.1). */
#ifndef DISSECT_TLS_MATCH_H
#define DISSECT_TLS_MATCH_H

#include "dissect/tls_hello.h"

/* Of a ClientHello in the form of SSLv2 (RFC 5246 appendix E.2), from behind its version on: moves
 * the suites of TLS, which are those of its suites of three bytes that begin with zero, to its
 * beginning. Gives their bytes; 0: it is none, or has none. */
size_t tls_match_of_sslv2(uint8_t *body, size_t n);

bool tls_match_has_suite(const struct tls_client_hello *h, uint16_t suite);

/* True as well when the client says nothing about groups: then any is right (RFC 8422 section 4).
 */
bool tls_match_has_group(const struct tls_client_hello *h, uint16_t group);

/* TLS 1.3: of its key share; 0: none. */
uint16_t tls_match_server_group(const struct tls_server_hello *h);
bool tls_match_resumes(const struct tls_server_hello *h); /* TLS 1.3: it takes a pre-shared key */

/* Bits of enum tls_altered: what was selected and had not been offered. */
uint8_t tls_match_unlike(const struct tls_client_hello *client,
                         const struct tls_server_hello *server);

#endif
