/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community ID v1 (github.com/corelight/community-id-spec): one text for one flow, the same in
 * Suricata, Zeek, Arkime and here, whichever side spoke first.
 */
#ifndef ALERT_COMMUNITY_ID_H
#define ALERT_COMMUNITY_ID_H

#include "dissect/session.h"

#define COMMUNITY_ID_TEXT 31 /* "1:", 28 characters of base64, NUL */

enum { COMMUNITY_TCP = 6, COMMUNITY_UDP = 17 }; /* IANA, protocol numbers */

/* Returns 0, or -1 when there is no SHA-1 to be had; out is then empty. */
int community_id(const struct flow_key *key, uint8_t proto, uint16_t seed,
                 char out[COMMUNITY_ID_TEXT]);

#endif
