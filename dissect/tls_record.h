/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the record headers of one direction of TLS (RFC 8446 section 5.1, RFC 5246 section 6.2.1):
 * type, version, length and the first two bytes of the body; bodies are skipped by length. The
 * SSLv2-compatible ClientHello (RFC 5246 appendix E.2) counts as a handshake record.
 */
#ifndef DISSECT_TLS_RECORD_H
#define DISSECT_TLS_RECORD_H

#include "base/span.h"

enum tls_record_type {
    TLS_CHANGE_CIPHER_SPEC = 20,
    TLS_ALERT = 21,
    TLS_HANDSHAKE = 22,
    TLS_APPLICATION_DATA = 23
};

#define TLS_RECORD_HEADER 5 /* bytes: type, version, length */

/* An encrypted alert has 2 bytes, and 17 (RFC 8446) or up to 22 (8-byte nonce, tag) around them. */
#define TLS_ALERT_SIZE 24

struct tls_record {
    uint8_t type;     /* enum tls_record_type */
    uint16_t version; /* as in the header; 2 for an SSLv2 hello */
    uint16_t length;  /* of the body */
    uint8_t body[2];  /* its first two bytes, zero when shorter; of an SSLv2 hello its version */
    uint32_t offset;  /* stream offset of the header */
};

struct tls_record_reader {
    uint8_t head[7]; /* header and first two body bytes, collected */
    uint8_t have;
    uint8_t want;    /* bytes to collect; 0: at a header */
    uint32_t left;   /* body bytes to skip */
    uint32_t offset; /* of the header being collected */
    uint32_t count;  /* records seen */
};

enum tls_record_result {
    TLS_RECORD_MORE, /* all bytes used, no record complete */
    TLS_RECORD_SEEN, /* *out is a record; call again with the rest */
    TLS_RECORD_NOT   /* no record begins where one must; nothing of the header was used up that is
                        not in head[0..have) */
};

/* Whether a direction that begins with this byte can be TLS at all. */
bool tls_record_starts(uint8_t first);

/* *used: bytes taken from `in`. */
enum tls_record_result tls_record_push(struct tls_record_reader *r, struct span in, uint32_t offset,
                                       size_t *used, struct tls_record *out);

/*
 * Passes over application data: `inside` bytes of a record are left at the start of `in`. Gives
 * what is left at its end, or UINT32_MAX when anything but whole headers of application data
 * records stands in between (then nothing was decided and tls_record_push() must read it).
 */
static inline uint32_t tls_record_pass(uint32_t inside, struct span in)
{
    while (in.n > inside) {
        const uint8_t *h = in.p + inside;

        if (in.n - inside < 5 || h[0] != TLS_APPLICATION_DATA || h[1] != 3 || h[2] > 4)
            return UINT32_MAX;
        in = span_from(in, inside + 5);
        inside = (uint32_t)(h[3] << 8 | h[4]);
        if (inside < 2) /* the reader looks at two bytes of each body */
            return UINT32_MAX;
    }
    return inside - (uint32_t)in.n;
}

#endif
