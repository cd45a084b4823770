/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session to this mail exchanger, for this domain, must show: one promise, from one source,
 * valid at the time of the packets. policy/expect.h finds them, rules/ compares them with what the
 * session did. A value; nothing in it is borrowed.
 */
#ifndef POLICY_EXPECTATION_H
#define POLICY_EXPECTATION_H

#include "base/clock.h"
#include "policy/certificate.h"
#include "policy/domain.h"
#include "policy/mx_pattern.h"
#include "policy/sts_policy.h"

enum expectation_source {
    EXPECTATION_MTA_STS, /* RFC 8461 */
    EXPECTATION_DANE,    /* RFC 7672: TLSA records that a resolver on the tap found authentic */
    EXPECTATION_PRELOAD, /* a list in the format of STARTTLS Everywhere */
    EXPECTATION_PARTNER, /* the operator's own */
    EXPECTATION_SOURCE_COUNT
};

/* How the session is known to be for the domain. */
enum expectation_binding {
    BINDING_RECIPIENT, /* RCPT TO, in clear */
    BINDING_DNS,       /* answers on the tap: domain, MX, address of this server */
    BINDING_SNI,       /* the client asked for a name of its mail exchangers */
    BINDING_GREETING,  /* the server's own words alone, which anyone may say */
    BINDING_COUNT
};

/* What a partner must do besides TLS. Zero, "": nothing. */
struct partner_demand {
    uint16_t version; /* of TLS, at least */
    bool pinned;
    uint8_t spki[32];                    /* SHA-256 of the key of a certificate of the chain */
    char issuer[CAP_PARTNER_ISSUER + 1]; /* organisation that issued the server's */
};

struct expectation {
    enum expectation_source source;
    enum expectation_binding binding;
    enum sts_mode mode;   /* enforce or testing */
    bool strict;          /* the policy is right to the letter; else usable alone */
    bool fetched_later;   /* not before the packets, but within a day after them; of DANE also when
                             the look-up is older than its TTL */
    bool looked_up;       /* of source DANE: by ourselves; else DNS on the tap said it */
    struct domain domain; /* whose promise it is */
    struct domain mx;    /* the server's name, out of the tap's DNS or its greeting; n 0: unknown */
    enum mx_match match; /* of `mx` and the promise's patterns; WHOLE when it is unknown */
    nstime from, until;  /* when it holds; INT64_MIN and INT64_MAX: always */
    char id[CAP_STS_ID + 1];      /* of the policy; "": none known */
    struct partner_demand demand; /* of source PARTNER */
    enum dane_result dane; /* of source DANE: the certificate that was seen and the records */
};

/* The strictest first. */
struct expectations {
    struct expectation item[CAP_EXPECTATIONS];
    uint8_t count;
};

/* "mta-sts", "dane", "preload", "partner". */
const char *expectation_source_text(enum expectation_source s);

/* "recipient", "dns", "sni", "greeting". */
const char *expectation_binding_text(enum expectation_binding b);

#endif
