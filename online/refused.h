/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that we never connect to, because a name that an attacker has chosen led there: all
 * that is not the public Internet (the special-purpose registries of IANA, RFC 6890), in each form
 * that hides an IPv4 address in an IPv6 one.
 */
#ifndef ONLINE_REFUSED_H
#define ONLINE_REFUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/role.h"

/* Why not, in words ("private", "loopback", ...); NULL: it may be connected to. `allowed`: nets
 * that are reached all the same; NULL: none. */
const char *refused(uint8_t family, const uint8_t address[16], const struct role_nets *allowed);

#endif
