/* SPDX-License-Identifier: Apache-2.0 */
/* Networks in which addresses are one owner's: /24 and /48 (RFC 6177 section 2). */
#ifndef HISTORY_NET_H
#define HISTORY_NET_H

#include "base/span.h"

#define NET_BYTES 8

/* `address` as in struct flow_key. */
static inline void net_of(uint8_t family, const uint8_t address[16], uint8_t net[NET_BYTES])
{
    memset(net, 0, NET_BYTES);
    net[0] = family;
    memcpy(net + 1, address, family == 4 ? 3 : 6);
}

#endif
