/* SPDX-License-Identifier: Apache-2.0 */
/* The sum that TCP and UDP carry (RFC 1071), over the pseudo-header and what the IP header says. */
#ifndef DISSECT_CHECKSUM_H
#define DISSECT_CHECKSUM_H

#include "dissect/ip.h"

/* Over all of a packet that is whole, its checksum included: UINT16_MAX when that is right. */
uint16_t checksum_sum(const struct ip_packet *ip, uint8_t proto);

/* The same of bytes alone, as the header of GRE carries it (RFC 2784 section 2.1). */
uint16_t checksum_bytes(struct span bytes);

/* The field at `at` of the payload holds the sum of the pseudo-header alone: the sender's kernel
 * left the rest to its network card, and the packet was captured in between. */
bool checksum_is_partial(const struct ip_packet *ip, uint8_t proto, size_t at);

#endif
