/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handshake of TLS shows to somebody who only listens: everything up to the ServerHello in
 * every version, the certificates up to TLS 1.2 when no session is resumed. Facts, filled by
 * dissect/tls.h.
 */
#ifndef DISSECT_TLS_FACTS_H
#define DISSECT_TLS_FACTS_H

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"

/* Whether the server's certificates could be seen. Not seen is neither good nor missing. */
enum tls_certificates {
    TLS_CERTIFICATES_NONE, /* the handshake did not come so far */
    TLS_CERTIFICATES_SEEN,
    TLS_CERTIFICATES_TLS13,     /* encrypted (RFC 8446 section 4.4) */
    TLS_CERTIFICATES_RESUMED,   /* none is sent (RFC 5246 section 7.3; RFC 8446 section 2.2) */
    TLS_CERTIFICATES_ANONYMOUS, /* the suite has none */
    TLS_CERTIFICATES_GAP,       /* bytes were lost */
    TLS_CERTIFICATES_CAPPED,    /* more than CAP_TLS_HANDSHAKE, or damaged */
    TLS_CERTIFICATES_COUNT
};

/* What ServerKeyExchange carries (RFC 5246 section 7.4.3, RFC 8422 section 5.4). */
enum tls_exchange {
    TLS_EXCHANGE_NONE,  /* there was none, or none that is read here */
    TLS_EXCHANGE_DHE,   /* a prime */
    TLS_EXCHANGE_ECDHE, /* a curve */
    TLS_EXCHANGE_RSA,   /* an RSA key for this handshake: export, or FREAK */
    TLS_EXCHANGE_COUNT
};

/* Primes that many servers share. */
enum tls_prime {
    TLS_PRIME_OTHER,
    TLS_PRIME_IKE,    /* RFC 2409 and RFC 3526 */
    TLS_PRIME_FFDHE,  /* RFC 7919 */
    TLS_PRIME_5114,   /* RFC 5114: nobody says where from */
    TLS_PRIME_EXPORT, /* of 512 bits, by Apache and mod_ssl: broken once for all (Logjam, 2015) */
    TLS_PRIME_COUNT
};

/* The server's answer to a ClientHello that is not the one that was seen here. Bits. */
enum tls_altered {
    TLS_ALTERED_SUITE = 1, /* selected, and not offered */
    TLS_ALTERED_VERSION = 2,
    TLS_ALTERED_GROUP = 4,
    TLS_ALTERED_EXTENSION = 8,
    TLS_ALTERED_COMPRESSION = 16,
    TLS_ALTERED_SESSION = 32, /* TLS 1.3 must give the client's session id back */
    TLS_ALTERED_SECOND = 64   /* one more ServerHello, or one more HelloRetryRequest */
};

struct tls_facts {
    uint8_t certificates; /* enum tls_certificates */
    uint8_t exchange;     /* enum tls_exchange */
    uint8_t prime;        /* enum tls_prime, of a DHE exchange */
    uint8_t altered;      /* enum tls_altered */
    uint8_t compression;  /* selected (RFC 3749); 0: none */
    bool resumed;
    bool retry;    /* a HelloRetryRequest came first */
    bool fallback; /* the client says that it tries again with less (RFC 7507) */
    bool agreed;   /* both sides have compared what was said and heard, and found it the same */
    uint16_t exchange_bits; /* of the prime or the modulus */
    uint16_t group;         /* selected; 0: none was seen */
    uint32_t server_offset; /* of the first record of the server, to client */
    uint32_t flight;        /* bytes of records that the server protected before it had heard any
                               such of the client: the rest of its handshake, of which the chain of
                               certificates is the most. The same with each hello alike but for a
                               signature's encoding, far less in a resumed session. 0: TLS 1.2 or
                               less, something was lost, or the client said nothing protected */
    nstime begin;           /* of the ClientHello's first packet; 0: not seen */
    nstime end;             /* TLS carries data; 0: not yet */
};

struct tls_client_hello;
struct tls_server_hello;

#define TLS_ALPN_NAMES 64 /* told of; clients of mail have none or one */

/* Of the lists below each member has two bytes. */
static inline size_t tls_words(struct span list)
{
    return list.n / 2;
}

static inline uint16_t tls_word(struct span list, size_t i)
{
    return (uint16_t)(list.p[2 * i] << 8 | list.p[2 * i + 1]);
}

/* What one side's hello says, as sent. */
struct tls_said {
    uint16_t version;                 /* legacy_version */
    struct span extensions;           /* types, in order */
    struct span alpn[TLS_ALPN_NAMES]; /* protocol names (RFC 7301) */
    uint8_t alpn_count;
    bool alpn_cut; /* there are more */
};

/* A handshake that is decided, to be told of once. Valid during the call. */
struct tls_sighting {
    nstime time;                           /* of the packet that decided it */
    uint32_t source;                       /* index of its input */
    const struct tls_client_hello *client; /* the first one; NULL: none was read */
    const struct tls_server_hello *server; /* the last one; likewise */
    struct tls_said said[2];               /* by enum session_dir, of those */
    struct span suites;                    /* that the client offers */
    struct span groups;
    struct span signatures;                  /* algorithms (RFC 8446 section 4.2.3) */
    bool sslv2;                              /* the ClientHello had the form of SSLv2 */
    struct span certificate[CAP_CERT_CHAIN]; /* DER, the server's own first */
    uint8_t certificate_count;
    bool certificates_cut; /* there are more, or the last one is damaged */
};

#endif
