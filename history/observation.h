/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told to the memory of one session: what was offered, asked and done, by whom to whom.
 * A value whose spans are borrowed for the length of the call. history/ takes nothing else of a
 * session, so it knows neither packets nor rules.
 */
#ifndef HISTORY_OBSERVATION_H
#define HISTORY_OBSERVATION_H

#include "base/caps.h"
#include "base/clock.h"
#include "base/span.h"

/* What a complete answer to EHLO said of STARTTLS. */
enum observation_offer {
    OBSERVED_OFFER_UNKNOWN, /* not seen whole, or another protocol */
    OBSERVED_OFFER_MADE,
    OBSERVED_OFFER_MISSING,
    OBSERVED_OFFER_BROKEN, /* something stood in its place */
    OBSERVED_EHLO_REFUSED  /* and the session went on without it */
};

/* What came of asking for TLS. */
enum observation_fate {
    OBSERVED_FATE_NONE,    /* not asked for, or not known */
    OBSERVED_FATE_TLS,     /* it carried data */
    OBSERVED_FATE_REFUSED, /* by another answer than 220 */
    OBSERVED_FATE_KILLED,  /* reset, silence or text, before or behind the 220 */
    OBSERVED_FATE_ALERT    /* an endpoint said so with a TLS alert */
};

/* Where the session passed: what one hop beyond the sensor has in common. */
struct observation_path {
    uint8_t mac[6]; /* of the server's side of the link */
    bool has_mac;
};

struct observation {
    nstime time;      /* of the packet that caused it */
    nstime begin;     /* of the session's first packet */
    uint64_t flow_id; /* dissect/session.h */
    uint8_t family;   /* 4 or 6 */
    uint8_t server[16];
    uint8_t client[16];
    uint16_t port; /* the server's */
    struct observation_path path;
    struct span vantage; /* name of the tap: sensor and interface; empty: it has none */

    struct span sender; /* the name that the client says in EHLO or HELO */
    struct span host;   /* the server's name; empty: unknown */
    bool host_sure;     /* from DNS on the tap or the client's SNI, not from the greeting */
    struct span word[CAP_REPLY_LINES]; /* first words of the reply's lines, the greeting left out */
    uint8_t word_count;

    enum observation_offer offer;
    enum observation_fate fate;
    bool asked;     /* for STARTTLS */
    bool mail;      /* text of a message, or an accepted login, crossed in clear */
    bool delivered; /* a mail was accepted in clear, or TLS carried data */
    bool declined;  /* what `mail` says, though the client could have asked for TLS, or could have
                       said EHLO for HELO, and did not */
    bool left;      /* the client said QUIT, or closed, before any MAIL */
    bool promised;  /* a policy or a list demands TLS of this server */

    uint16_t tls_version; /* selected; 0: not seen */
    uint16_t tls_newest;  /* offered by the client at most */
    uint64_t spki;        /* first bytes of the SHA-256 of the server's key; 0: not seen */
    struct span issuer;   /* organisation that issued its certificate */
    uint64_t ja3s;        /* digest of it; 0: not seen */
    uint64_t ja4;         /* of the client's hello; 0: not seen */
    uint32_t synack;      /* print of the server's SYN/ACK; 0: not seen */
    uint32_t flight;      /* bytes of the server's first encrypted flight; 0: not seen */

    bool suspicious;      /* judged so: it is not learnt from */
    bool tried_before;    /* history_attempt() was told of it: if that was forgotten, it stays so */
    bool upgraded_before; /* history_upgraded() was told of it: it has been counted */
};

#endif
