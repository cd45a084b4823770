/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1; SSLv3 has the same
 * form), taken apart. Everything in the records is a part of the message, and lives as long as it
 * does.
 */
#ifndef DISSECT_TLS_HELLO_H
#define DISSECT_TLS_HELLO_H

#include "base/cursor.h"
#include "dissect/session.h"

enum { TLS_CLIENT_HELLO = 1, TLS_SERVER_HELLO = 2 }; /* handshake types: RFC 8446 appendix B.3 */

enum tls_extension_type { /* IANA, TLS ExtensionType Values */
                          TLS_EXTENSION_SERVER_NAME = 0,
                          TLS_EXTENSION_SUPPORTED_GROUPS = 10,
                          TLS_EXTENSION_EC_POINT_FORMATS = 11,
                          TLS_EXTENSION_SIGNATURE_ALGORITHMS = 13,
                          TLS_EXTENSION_ALPN = 16,
                          TLS_EXTENSION_SUPPORTED_VERSIONS = 43
};

struct tls_client_hello {
    uint16_t version; /* legacy_version */
    struct span random;
    struct span session_id;
    struct span suites; /* two bytes each */
    struct span compression;
    struct span extensions; /* the whole list, without its length */
};

/* `body`: the message without its header of four bytes. False: it is no ClientHello. */
bool tls_client_hello_read(struct span body, struct tls_client_hello *out);

struct tls_server_hello {
    uint16_t version; /* selected, wherever it is said */
    uint16_t legacy;  /* legacy_version */
    struct span session_id;
    uint16_t suite;
    uint8_t compression;
    enum tls_sentinel sentinel;
    bool retry;             /* a HelloRetryRequest: the random is none */
    struct span extensions; /* the whole list, without its length */
};

bool tls_server_hello_read(struct span body, struct tls_server_hello *out);

/* The newest version that a ClientHello offers, of those that there are: GREASE (RFC 8701) and
 * drafts are none, and without the extension it is TLS 1.2 at most (RFC 8446 section 4.2.1). */
uint16_t tls_client_newest(const struct tls_client_hello *h);

/* RFC 8701 section 2: 0x0A0A, 0x1A1A, ..., 0xFAFA, numbers that mean nothing. */
static inline bool tls_is_grease(unsigned value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* The next extension of a list that cursor_of(extensions) begins. False: no more, or the list ends
 * within one; `type` and `data` are then of no use. */
bool tls_extension_next(struct cursor *list, uint16_t *type, struct span *data);

/* The first extension of that type. False: there is none, or the list ends early before it. */
bool tls_extension(struct span extensions, uint16_t type, struct span *data);

/* The host name of a server_name extension (RFC 6066 section 3); empty: it has none. */
struct span tls_server_name(struct span data);

#endif
