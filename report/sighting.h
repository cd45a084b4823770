/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of EVE as a report by TLSRPT looks at it: how one session fared with TLS, as RFC 8460
 * section 4.3 has the words. Sessions come in `smtp` lines; what the handshake showed comes in a
 * `tls` line before it, under the same flow_id. What comes in may have been written by anybody.
 */
#ifndef REPORT_SIGHTING_H
#define REPORT_SIGHTING_H

#include "report/tlsrpt.h"

enum sighting_kind {
    SIGHTING_SESSION,
    SIGHTING_HANDSHAKE,
    SIGHTING_BLIND, /* an alert coverage-lost: the sensor did not see all of that time */
    SIGHTING_OTHER,
    SIGHTING_BROKEN
};

enum sighting_outcome {
    SIGHTING_SUCCESS, /* TLS carried data */
    SIGHTING_FAILURE, /* with a result */
    SIGHTING_UNASKED, /* TLS was offered, and the client did not ask for it */
    SIGHTING_NO_MAIL, /* it did not come to EHLO */
    SIGHTING_UNKNOWN, /* the tap did not show enough */
    SIGHTING_OUTCOME_COUNT
};

/* What the peers showed of themselves and of each other. */
struct sighting_peer {
    char sni[CAP_DOMAIN_TEXT + 1]; /* the name that the client asked for; empty: none */
    enum tlsrpt_result doubt;      /* what is wrong with the certificate; TLSRPT_RESULT_COUNT:
                                      nothing, or it was not seen */
    uint8_t alert;                 /* by the client, RFC 8446 section 6; 0: none */
    uint8_t server_alert;
};

/* The domains that are ours, in the form of struct domain, in the order of `sighting.to`. */
struct sighting_own {
    const struct span *name;
    size_t count; /* at most CAP_OWN_DOMAINS */
};

struct sighting {
    bool live; /* of a wire (`in_iface`), where lines may be written of findings alone */
    bool
        ordinary; /* and this one is of none: a session without a finding above info, a handshake */
    int64_t second; /* Unix time of the line */
    uint64_t flow_id;
    int64_t blind; /* BLIND: seconds that it is about, before `second` */
    struct tlsrpt_host client, server;
    uint16_t port; /* the server's */
    bool implicit; /* TLS from the first byte */
    enum sighting_outcome outcome;
    enum tlsrpt_result result;         /* of FAILURE */
    char why[CAP_TLSRPT_TEXT];         /* likewise, in words of ours */
    bool offered;                      /* STARTTLS, and nothing but the client stood in its way */
    bool clear;                        /* mail went in clear */
    bool named;                        /* recipients went in clear: */
    uint64_t to[CAP_OWN_DOMAINS / 64]; /* bits: those domains of ours */
    enum tlsrpt_type policy;           /* that was promised to a domain of ours: */
    size_t policy_of;                  /* which */
    bool broken;                       /* the promise was: */
    bool certificate;                  /* by the certificate */
    char helo[CAP_TLSRPT_TEXT];        /* the name in the server's banner; empty: none */
    struct sighting_peer peer;         /* HANDSHAKE */
};

#define SIGHTING_WHY 160

/* `line` without its end. `why` is filled for BROKEN: one printable line. */
enum sighting_kind sighting_read(struct span line, const struct sighting_own *own,
                                 struct sighting *out, char why[SIGHTING_WHY]);

/* Adds to a session what its handshake showed; NULL: nothing is known of it. */
void sighting_join(struct sighting *session, const struct sighting_peer *peer);

static inline bool sighting_is_to(const struct sighting *s, size_t own)
{
    return s->to[own / 64] >> (own % 64) & 1;
}

#endif
