/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that we never connect to, because a name that an attacker has chosen led there: all
 * that is not the public Internet (the special-purpose registries of IANA, RFC 6890), in each form
 * that hides an IPv4 address in an IPv6 one. Of IPv6 only 2000::/3 is handed out to anybody; the
 * rest is refused without a name of its own.
 */
#ifndef ONLINE_REFUSED_H
#define ONLINE_REFUSED_H

#include "policy/role.h"

/*
 * Why not, in words ("private", "loopback", ...); NULL: it may be connected to. `allowed`: nets
 * that are reached all the same; NULL: none. An IPv4 address within an IPv6 one is judged for
 * itself: who allows 64:ff9b::/96, because the way to the Internet leads through it, has not
 * allowed 64:ff9b::127.0.0.1.
 */
const char *refused(uint8_t family, const uint8_t address[16], const struct role_nets *allowed);

#endif
