/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS as the tap sees it: messages from the packets on port 53, over UDP and TCP, each with who
 * spoke to whom, and answers with the query that they belong to. What is seen is handed out and
 * nothing is believed: a query that nobody answers, and one that is answered twice, are facts.
 * The record lives as long as the dissector.
 */
#ifndef DISSECT_DNS_TAP_H
#define DISSECT_DNS_TAP_H

#include "base/clock.h"
#include "base/siphash.h"
#include "dissect/dns.h"
#include "dissect/ip.h"
#include "dissect/tcp.h"

enum { DNS_TAP_PORT = 53 };

enum dns_sighting_kind { DNS_SIGHTING_QUERY, DNS_SIGHTING_ANSWER, DNS_SIGHTING_UNANSWERED };

/* One message, or that none came. */
struct dns_sighting {
    enum dns_sighting_kind kind;
    nstime time;           /* of the packet; UNANSWERED: when it was given up */
    nstime now;            /* newest packet time: lines are in the order of these */
    uint32_t source;       /* index of the input; UNANSWERED: of the query */
    uint32_t point;        /* where it was seen: dissect/point.h; 0: not known */
    uint8_t family;        /* 4 or 6 */
    uint8_t client[16];    /* who asks; network order, IPv4 in the first four bytes, rest zero */
    uint8_t server[16];    /* who is asked */
    uint16_t client_port;  /* host order */
    uint16_t server_port;  /* 53 */
    bool tcp;              /* else UDP */
    bool bad_checksum;     /* UDP: nobody reads it; it stands for no query and no answer */
    bool query_seen;       /* ANSWER: its query came by, CAP_DNS_LATE_S before it at most */
    nstime query_time;     /* when it came first; 0: it did not */
    uint8_t queries;       /* times it came by: a copy at another place counts, and so does one
                              that was sent again; 255: or more */
    uint8_t answer_number; /* ANSWER to a query seen: 1 for the first; 2 and more for one that
                              says another thing than those before, TTLs and the order of
                              records aside. With `queries` 1 a sign of forgery. 0: it is not
                              whole, or the query was not seen */
    bool again;            /* one before it said the same */
    const struct dns_message *message; /* UNANSWERED: flags and question alone; a name of more than
                                          CAP_DOMAIN_TEXT characters is "" */
};

/* Called at the packet, before what it leads to; the sighting is valid during the call. */
typedef void (*dns_tap_fn)(void *user, const struct dns_sighting *s);

struct dns_tap_counters {
    uint64_t messages;   /* handed out; unanswered ones apart */
    uint64_t malformed;  /* UDP datagrams, or messages, that are not sound; the latter are among
                            `messages` if they have a header */
    uint64_t unanswered; /* queries, handed out as such */
    uint64_t forgotten;  /* queries that had to go before it was known whether they are answered */
    uint64_t dropped;    /* TCP segments: out of order, without a beginning, cut, or no room */
};

/* A packet on its way in. */
struct dns_arrival {
    nstime time;
    nstime now; /* newest packet time, which never runs backwards */
    uint32_t source;
    uint32_t point;
    const struct ip_packet *ip; /* whole: no fragment */
};

struct dns_tap;

/* `queries`: how many are remembered, a power of two up to CAP_DNS_QUERIES. NULL: no memory. */
struct dns_tap *dns_tap_new(const struct siphash_key *key, uint32_t queries, dns_tap_fn fn,
                            void *user);
void dns_tap_free(struct dns_tap *t);

/* True: one of the ports in a UDP packet is 53. */
bool dns_tap_is_udp(const struct ip_packet *ip);
void dns_tap_udp(struct dns_tap *t, const struct dns_arrival *a);
void dns_tap_tcp(struct dns_tap *t, const struct dns_arrival *a, const struct tcp_segment *tcp);

/* Gives up what has waited for too long; looks through a table, so not for each packet. */
void dns_tap_tick(struct dns_tap *t, nstime now);

struct dns_tap_counters dns_tap_counters(const struct dns_tap *t);

#endif
