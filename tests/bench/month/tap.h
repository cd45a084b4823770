/* SPDX-License-Identifier: Apache-2.0 */
/* The capture: a pcap stream of Ethernet frames with times in microseconds. */
#ifndef TESTS_BENCH_MONTH_TAP_H
#define TESTS_BENCH_MONTH_TAP_H

#include "talk.h"

#include <stdio.h>

/* Writes the header of the file. */
void tap_open(FILE *out);

/* The next packet of a connection, as often as the tap saw it. */
void tap_packet(struct talk *t);

/* A UDP datagram over IPv4. */
void tap_datagram(uint64_t at, const uint8_t src[4], const uint8_t dst[4], uint16_t sport,
                  uint16_t dport, const uint8_t *payload, size_t size);

/* Bytes written so far. */
uint64_t tap_bytes(void);

/* Writes what is left. */
void tap_close(void);

#endif
