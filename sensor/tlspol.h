/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a running postfix-tlspol for policies (policy/tlspol_reply.h), by its socket on this
 * machine:
 *
 *   tlspol://127.0.0.1:8642/DOMAIN[,DOMAIN...]
 *   tlspol+unix:///run/postfix-tlspol/tlspol.sock/DOMAIN[,DOMAIN...]
 *
 * It looks the domains up anew, over the network, each time it is asked so.
 */
#ifndef SENSOR_TLSPOL_H
#define SENSOR_TLSPOL_H

#include "policy/policy_json.h"

bool tlspol_is_address(const char *where);

typedef void (*tlspol_fn)(void *user, const struct policy_json *p);

/* Asks for each domain; `fn` is called for each policy there is. 0, or -1 with a reason (printable)
 * at the first that cannot be asked for. */
int tlspol_ask(const char *where, tlspol_fn fn, void *user, char why[POLICY_JSON_WHY]);

#endif
