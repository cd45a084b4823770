/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session is for, seen from the operator's network: the same cleartext is a matter of
 * policy on the way out, of configuration on the way in, and of nobody inside. Known only from
 * what the operator says of his networks; nothing is guessed.
 */
#ifndef POLICY_ROLE_H
#define POLICY_ROLE_H

#include "base/span.h"

#define ROLE_NETS 256 /* networks in one list; each session is compared with them all, once */

enum role {
    ROLE_UNKNOWN,    /* the configuration does not say */
    ROLE_MX_IN,      /* somebody's server delivers to ours */
    ROLE_MX_OUT,     /* ours delivers to somebody's */
    ROLE_SUBMISSION, /* a user hands in mail (RFC 6409, RFC 8314) */
    ROLE_INTERNAL,   /* between our own, or through our smart host */
    ROLE_COUNT
};

struct role_net {
    uint8_t family;   /* 4 or 6 */
    uint8_t bits;     /* prefix length */
    uint8_t addr[16]; /* network byte order; IPv4 in the first four bytes */
};

struct role_nets {
    struct role_net net[ROLE_NETS];
    size_t count;
};

struct role_config {
    struct role_nets local;       /* our networks */
    struct role_nets own_mx;      /* our mail exchangers, wherever they stand */
    struct role_nets smart_hosts; /* relays that we send through, ours or a provider's */
};

/*
 * Adds a list such as "10.0.0.0/8,2001:db8::/32,192.0.2.25" (RFC 4632, RFC 4291 section 2.3); an
 * address without a length is itself alone, and bits beyond the length must be zero. Returns 0;
 * otherwise -1, the reason is in `why` (NUL-terminated, printable) and the list is as before.
 */
int role_nets_parse(struct role_nets *nets, const char *list, char *why, size_t cap);

/* One item of such a list; likewise. */
int role_net_parse(struct span item, struct role_net *out, char *why, size_t cap);

/* `addr` as in struct role_net. */
bool role_net_has(const struct role_net *net, uint8_t family, const uint8_t addr[16]);
bool role_nets_have(const struct role_nets *nets, uint8_t family, const uint8_t addr[16]);

/* Addresses as in struct role_net, ports in host byte order. */
enum role role_of(const struct role_config *c, uint8_t family, const uint8_t client[16],
                  const uint8_t server[16], uint16_t server_port);

/* As the output spells it. */
const char *role_text(enum role r);

#endif
