/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes tell of themselves, as it goes in messages: fixed records of one program. All of
 * it is checked where it arrives, by its size.
 */
#ifndef SENSOR_TOLD_H
#define SENSOR_TOLD_H

#include "policy/domain.h"
#include "sensor/wire.h"

#define TOLD_TEXT 128

/* MESSAGE_SIGHTING: its first byte, and the most that follows it. */
enum told_sighting { TOLD_DNS, TOLD_FETCH, TOLD_ATTEMPT, TOLD_SIGHTING_COUNT };
#define TOLD_SIGHTING_MOST (1 + WIRE_DNS_MOST)
_Static_assert(WIRE_FETCH_MOST <= WIRE_DNS_MOST && sizeof(struct dissect_attempt) <= WIRE_DNS_MOST,
               "a sighting of DNS is the largest");

/* MESSAGE_ASK */
struct told_ask {
    char domain[CAP_DOMAIN_TEXT + 1];
    char id[CAP_STS_ID + 1]; /* of the policy that is known; "": fetch it in any case */
    uint8_t mx;              /* exchangers are asked for as well */
};

/* Takes the first byte from the body; TOLD_SIGHTING_COUNT: it is none of them. */
enum told_sighting told_sighting_read(struct span *body);

/* False: nobody of ours would ask so. `d` is the domain, which somebody else may look up as well as
 * we: no address, and no name that is none. */
bool told_ask_read(struct span body, struct told_ask *to, struct domain *d);

/* Of one interface. */
struct told_interface {
    uint64_t kernel_packets, kernel_drops, interface_drops;
    uint32_t state; /* enum nic_state */
};

/* MESSAGE_STATE: of a process that looks at packets, since it started. */
struct told_watch {
    struct dissect_counters dissect;
    uint64_t kernel_packets, kernel_drops, interface_drops;
    uint64_t shed, shed_urgent; /* messages that found no room */
    uint64_t steps;             /* of the clock */
    int64_t step;               /* how far the newest of them went, ns; negative: back */
    nstime newest;              /* packet time; 0: none yet */
    nstime mail;                /* of the newest packet that was mail; 0: none yet */
    uint64_t interfaces, down;  /* how many, and how many of them are down */
    struct told_interface interface[CAP_INTERFACES]; /* in the order of the configuration */
};

/* Adds what the watcher of that index told. What each of them sees of the same interface and clock
 * counts once: the word of the first one, with those who had its place before. */
void told_watch_add(struct told_watch *to, const struct told_watch *t, uint16_t index);

/* MESSAGE_LINE: before the text of the line. */
struct told_line {
    uint64_t serial;  /* counts the lines of this judge, from 1 */
    uint8_t kind;     /* enum desk_line */
    uint8_t severity; /* enum severity, of alerts */
    uint8_t again;    /* it was sent before, to one who is gone */
    uint32_t rule;    /* of alerts: the number of the rule (sid); 0: of none */
    uint64_t feed;    /* that it was said to, the newest that is known; 0: none is, or it is not
                         kept for another one */
};

/* MESSAGE_KEPT: what of it is on disk. */
struct told_feed {
    uint64_t generation; /* of the judge whose lines are meant */
    uint64_t serial;     /* all alerts up to this one are on disk */
    uint64_t lost;       /* lines that never will be, for want of room; since the start */
    uint64_t waiting;    /* lines that wait for a sink */
    nstime oldest;       /* when the first of those was spooled; 0: none waits */
    uint64_t bytes, cap; /* of the spool on disk, and what it may have; 0: not known */
    uint32_t degraded;   /* the spool cannot be written now */
    char why[TOLD_TEXT];
};

bool told_feed_read(struct span body, struct told_feed *to);

#endif
