/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a server's TCP says SYN/ACK: a print of its system, as p0f makes them (Zalewski,
 * lcamtuf.coredump.cx/p0f3). An option answers one that the client's SYN had (RFC 7323 section 1.3,
 * RFC 2018 section 2), and a server that is short of memory leaves some out (SYN cookies), so a
 * host has a few prints: one for each kind of client.
 */
#ifndef DISSECT_SYN_PRINT_H
#define DISSECT_SYN_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/caps.h"

struct ip_packet;

struct syn_print {
    bool known;        /* a SYN/ACK was read; if not, nothing below counts */
    bool df;           /* IPv4: Don't Fragment; false over IPv6, where nobody may */
    uint8_t ttl_class; /* 32, 64, 128 or 255: what TTL or hop limit it will have begun with */
    uint8_t scale;     /* of its window (RFC 7323 section 2.2); 0 where the option is missing too */
    uint16_t mss;      /* RFC 9293 section 3.7.1; 0: none. Middleboxes write here */
    uint16_t window;   /* as sent: that of a SYN is never scaled. Often some times the MSS */
    uint8_t option_count;             /* kept */
    uint8_t options[CAP_SYN_OPTIONS]; /* kinds in their order, NOP (1) and END (0) among them */
};

/* Reads a SYN/ACK whose TCP header is whole. */
void syn_print_read(const struct ip_packet *ip, struct syn_print *out);

/* Of what a host says to all clients of a kind alike: the TTL class, DF, the options in their order
 * and the scale. The same number in every run and on every machine; 0: nothing is known. */
uint32_t syn_print_hash(const struct syn_print *p);

#endif
