/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `stats` line: counters in EVE's own groups (decoder, tcp, flow), so that existing dashboards
 * show them, and all of ours under stats.stripwatch, every packet with the reason of its fate.
 */
#ifndef ALERT_EVE_STATS_H
#define ALERT_EVE_STATS_H

#include "alert/eve.h"
#include "dissect/dissect.h"
#include "history/counters.h"

/* Domains that are looked up over the network. */
struct eve_lookups {
    uint64_t wanted;   /* each time that mail was seen for a domain */
    uint64_t spared;   /* of those: it waits already, or it is too early to ask again */
    uint64_t dropped;  /* likewise: no room in the queue */
    uint64_t asked;    /* domains that were looked up */
    uint64_t answered; /* of those: what came of it is known, if only that it failed */
    uint64_t failed;   /* of those: it could not be found out; the sum of the following */
    struct {
        uint64_t dns;        /* the record could not be had */
        uint64_t record;     /* there are two, or one that breaks the grammar */
        uint64_t fetch;      /* the policy host: no connection, no answer, not 200 */
        uint64_t webpki;     /* its certificate */
        uint64_t invalid;    /* what came is no policy */
        uint64_t refused;    /* it has no address that we would connect to */
        uint64_t busy;       /* too much was asked at a time */
        uint64_t unanswered; /* nothing came in time */
    } failures;
    struct {
        uint64_t exchangers; /* of one domain */
        uint64_t records;    /* TLSA, of one exchanger */
        uint64_t addresses;  /* of one exchanger */
    } left_out;              /* of answers, for want of room in them */
    uint64_t unkept;         /* what came of them had no room on its way to the store */
    uint64_t unasked;        /* answers that nobody had asked for, or that made no sense */
    uint64_t waiting;        /* in the queue now */
    uint64_t flying;         /* asked, and not answered yet */
    uint64_t known;          /* domains of which it is known when to ask again */
};

/* What only a live sensor can say; all of it counts from its start. */
struct eve_live {
    uint64_t kernel_packets;     /* that reached the sockets */
    uint64_t kernel_drops;       /* of those: no room in the ring */
    uint64_t interface_drops;    /* before them */
    uint64_t shed;               /* calm sessions that were not judged, for want of room */
    uint64_t shed_urgent;        /* others, likewise: alerts may be missing */
    uint64_t malformed_messages; /* between processes: somebody speaks who should not */
    uint64_t restarts;           /* of processes that had died */
    uint64_t gap_ms;             /* nobody looked for so long, all such times together */
    uint64_t raised;             /* alert lines that are on disk */
    uint64_t unraised;           /* that wait for it */
    uint64_t lost;               /* that will never be, for want of room */
    struct eve_lookups lookups;
};

/* A line of `stats` that says that lines were lost: of alerts, and others. */
void eve_lost(struct json *out, nstime now, uint64_t alerts, uint64_t others,
              const struct eve_options *o);

/* Fills `out` from json_begin() on. `now` is the time of the newest packet; `live`: NULL for files.
 */
void eve_stats(struct json *out, nstime now, const struct dissect_counters *d,
               const struct incident_counters *c, const struct history_counters *h,
               const struct eve_live *live, const struct eve_options *o);

#endif
