/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the resolver asks, as the operator writes it, in the words of the library that asks. */
#ifndef ONLINE_RESOLVE_CONFIG_H
#define ONLINE_RESOLVE_CONFIG_H

#include "base/text.h"
#include "policy/domain.h"

#define RESOLVE_UPSTREAM (TEXT_IP + 6) /* ADDRESS@PORT, the longest, and its NUL */

struct resolve_upstream {
    char text[RESOLVE_UPSTREAM]; /* ADDRESS@PORT */
    char address[TEXT_IP];
    uint16_t port;                  /* 53, over TLS 853 */
    char zone[CAP_DOMAIN_TEXT + 1]; /* of a stub */
    char name[CAP_DOMAIN_TEXT + 1]; /* over TLS */
    bool tls;
    bool loopback; /* 127.0.0.0/8 or ::1 */
};

/* ADDRESS[@PORT][#NAME], without brackets round the address. False: `why` says what is wrong. */
bool resolve_forward_read(struct resolve_upstream *out, const char *text, char *why, size_t cap);

/* ZONE=ADDRESS[@PORT]; `.` is the root. Likewise. */
bool resolve_stub_read(struct resolve_upstream *out, const char *text, char *why, size_t cap);

/* Does a file of trust anchors have a DS or DNSKEY record, comments aside? One without any would
 * make every answer insecure. */
bool resolve_anchor_has(struct span file);

#endif
