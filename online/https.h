/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of a domain over HTTPS (RFC 8461 section 3.3): GET
 * https://mta-sts.DOMAIN/.well-known/mta-sts.txt, from addresses that the caller has looked up and
 * that online/refused.h lets pass, and from nowhere else. TLS 1.2 at least, a chain to the trust
 * store, a dNSName and never a common name, no redirect, no proxy, no compression, status 200,
 * 64 KiB, ten seconds to the first byte, a minute in all. Many at a time; nothing waits.
 */
#ifndef ONLINE_HTTPS_H
#define ONLINE_HTTPS_H

#include "base/clock.h"
#include "base/span.h"
#include "policy/lookup.h"

#define HTTPS_WHY       256
#define HTTPS_ADDRESSES 8

struct https_config {
    const char *ca_file;      /* file or directory; NULL: the system's */
    uint16_t port;            /* 0: 443; laboratories */
    nstime first_byte, whole; /* 0: 10 s, 60 s */
    const char *agent;        /* User-Agent */
};

struct https_address {
    uint8_t family; /* 4, 6 */
    uint8_t address[16];
};

/* Valid during the call. */
struct https_result {
    enum lookup_sts sts; /* POLICY: status 200 and a body, of which nothing is checked but its
                            length; FETCH, WEBPKI, INVALID (too long, not UTF-8) */
    int status;          /* 0: none came */
    struct span body;
    bool plain;         /* Content-Type is text/plain */
    const char *issuer; /* organisation, else common name, of who issued; "": unknown */
    const char *why;    /* printable */
};

typedef void (*https_fn)(void *user, const struct https_result *r);

struct https;

struct https *https_new(const struct https_config *c, char why[HTTPS_WHY]);
void https_free(struct https *h);

/* `fn` is called exactly once, from https_turn(). False: it never is (no memory). */
bool https_get(struct https *h, const struct domain *d, const struct https_address *a, size_t n,
               https_fn fn, void *user);

/* What poll() should look at, at most `most`; `wait_ms` is lowered to when https_turn() must come
 * anyway. */
struct pollfd;
size_t https_fds(struct https *h, struct pollfd *to, size_t most, int *wait_ms);
void https_turn(struct https *h, const struct pollfd *p, size_t n);

#endif
