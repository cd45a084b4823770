/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of MTA-STS policies as the tap sees them: a ClientHello to port 443 that asks for
 * mta-sts.DOMAIN (RFC 8461 section 3.3), and whether the server said anything to it. Of all other
 * connections nothing is kept once their first message was read.
 */
#ifndef DISSECT_FETCH_TAP_H
#define DISSECT_FETCH_TAP_H

#include "base/clock.h"
#include "base/siphash.h"
#include "dissect/ip.h"
#include "dissect/session.h"
#include "dissect/tcp.h"

enum { FETCH_TAP_PORT = 443 };

enum fetch_outcome {
    FETCH_ANSWERED,
    FETCH_RESET,     /* or ended by the server before it said a byte, or by an alert of TLS */
    FETCH_UNANSWERED /* the client left, or CAP_FETCH_WAIT_S went by; told only where any server of
                        port 443 was heard */
};

struct fetch_sighting {
    enum fetch_outcome outcome;
    nstime time;  /* of the packet that tells, or when it was given up */
    nstime now;   /* newest packet time */
    nstime asked; /* of the ClientHello */
    uint32_t source;
    struct flow_key key;
    const char *host; /* mta-sts.DOMAIN, lower case, no more than printable; during the call */
};

typedef void (*fetch_tap_fn)(void *user, const struct fetch_sighting *s);

struct fetch_tap;

struct fetch_tap *fetch_tap_new(const struct siphash_key *key, fetch_tap_fn fn, void *user);
void fetch_tap_free(struct fetch_tap *t);

/* Is a segment of any use? Each is to be asked for. `to_server`: it goes to port 443, else it comes
 * from there. `payload` may have what stands behind its end; decides by its first bytes. */
bool fetch_tap_wants(struct fetch_tap *t, bool to_server, struct span payload);

/* A whole TCP segment from or to port 443; `now` never runs backwards. */
void fetch_tap_segment(struct fetch_tap *t, const struct ip_packet *ip,
                       const struct tcp_segment *tcp, nstime time, nstime now, uint32_t source);

/* Gives up what has waited for too long. */
void fetch_tap_tick(struct fetch_tap *t, nstime now);

#endif
