/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of EVE, as `stripwatch read --json` writes them, read back: of the record of a session
 * (`smtp` with a `starttls` object) what a measurement goes by, of all others only that they are
 * something else. What comes in may have been written by anybody.
 */
#ifndef REPORT_EVENT_H
#define REPORT_EVENT_H

#include "base/caps.h"
#include "base/span.h"
#include "rules/finding.h"

enum event_kind {
    EVENT_SESSION,
    EVENT_OTHER,  /* another event_type, or an smtp line of somebody else's */
    EVENT_BROKEN, /* no JSON, or not what the schema says */
};

/* What was seen of the reply to EHLO. */
enum event_reply {
    EVENT_REPLY_WHOLE,     /* positive and complete, or a refusal of EHLO */
    EVENT_REPLY_NONE,      /* the session has none */
    EVENT_REPLY_GAP,       /* packets are missing */
    EVENT_REPLY_CUT,       /* cut by the snap length or a cap */
    EVENT_REPLY_ONE_SIDED, /* the server's side was not captured */
    EVENT_REPLY_UNDECIDED, /* complete, and yet the record says that it does not know */
    EVENT_REPLY_COUNT
};

/* What the session says of its server: bits of event.states. */
enum event_state {
    EVENT_OFFERED = 1 << 0,   /* the reply offers STARTTLS */
    EVENT_ENCRYPTED = 1 << 1, /* TLS carried data */
    EVENT_GARBLED = 1 << 2,   /* something else stands where the offer stood */
    EVENT_REMOVED = 1 << 3,   /* no offer, against a promise or against what the server says */
    EVENT_REFUSED = 1 << 4,   /* STARTTLS was refused after its offer, or EHLO was */
};

/* Where it was seen: `host` and `in_iface`, "-" where absent; zero behind the texts. */
struct event_vantage {
    char host[CAP_EVENT_NAME];
    char interface[CAP_EVENT_NAME];
};

struct event {
    int32_t day;    /* since 1970-01-01 UTC */
    uint8_t family; /* of the server's address: 4 or 6 */
    uint8_t server[16];
    uint16_t port;  /* the server's */
    bool implicit;  /* TLS from the first byte */
    bool handed_in; /* role submission or internal: no traffic between mail exchangers */
    enum event_reply reply;
    uint8_t states; /* enum event_state; 0 unless the reply is whole */
    struct event_vantage vantage;
    char token[CAP_GARBLE_TEXT]; /* with EVENT_GARBLED: what stands there */
    enum cause cause;            /* and whose hand it looks like */
};

#define EVENT_WHY 160

/* `line` without its end. `out` is filled for EVENT_SESSION, `why` for EVENT_BROKEN: one printable
 * line. Texts in `out` are printable. */
enum event_kind event_read(struct span line, struct event *out, char why[EVENT_WHY]);

#endif
