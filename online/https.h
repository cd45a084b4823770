/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of a domain over HTTPS (RFC 8461 section 3.3): GET
 * https://mta-sts.DOMAIN/.well-known/mta-sts.txt, from addresses that the caller has looked up and
 * that online/refused.h lets pass, and from nowhere else. TLS 1.2 at least, a chain to the trust
 * store, a dNSName and never a common name, no redirect, no proxy, no compression, status 200,
 * 64 KiB, ten seconds to the first byte, a minute in all. Many at a time; nothing waits.
 *
 *   https.c         the loop: sockets, timers, deadlines, who is told
 *   https_get.c     one fetch: how libcurl is held
 *   https_answer.c  what comes back, and what is made of it
 *   https_tls.c     whom the chain is verified for
 *
 * After https_new() no file is opened and no name looked up.
 */
#ifndef ONLINE_HTTPS_H
#define ONLINE_HTTPS_H

#include "base/clock.h"
#include "base/span.h"
#include "policy/lookup.h"
#include "policy/role.h"

#define HTTPS_WHY CAP_LOOKUP_TEXT
#define HTTPS_FDS CAP_HTTPS_FLIGHT /* that https_fds() may have */

struct https_config {
    const char *ca_file;             /* file or directory; NULL: the system's */
    uint16_t port;                   /* 0: 443; laboratories */
    nstime first_byte, whole;        /* since https_get(); 0: 10 s, 60 s */
    const char *agent;               /* User-Agent; NULL: none. Borrowed */
    const struct role_nets *allowed; /* online/refused.h; NULL: none. Borrowed */
};

struct https_address {
    uint8_t family; /* 4, 6 */
    uint8_t address[16];
};

/* Valid during the call. */
struct https_result {
    enum lookup_sts sts; /* POLICY: status 200 and a body, of which nothing is checked but length
                            and encoding; FETCH, WEBPKI, INVALID (too long, not UTF-8), REFUSED */
    int status;          /* 0: none came */
    struct span body;    /* of POLICY */
    bool plain;          /* Content-Type is text/plain (RFC 8461 section 3.2) */
    const char *type;    /* the whole of it, printable; "": none */
    const char *issuer;  /* organisation, else common name, of who issued the certificate, whether
                            it was good or not; printable; "": unknown */
    const char *why;     /* printable; "": POLICY */
};

typedef void (*https_fn)(void *user, const struct https_result *r);

struct https;

/* NULL: `why`, there is no trust store or no memory. */
struct https *https_new(const struct https_config *c, char why[HTTPS_WHY]);
void https_free(struct https *h); /* what is under way is told to nobody any more */

/* `fn` is called exactly once, from https_turn(), and may call https_get(). Of the addresses the
 * first CAP_HTTPS_ADDRESSES that are not refused are tried, one after the other until one answers
 * or shows a bad certificate; if there is none, nothing is sent.
 * False: it never is (no memory, CAP_HTTPS_FLIGHT). */
bool https_get(struct https *h, const struct domain *d, const struct https_address *a, size_t n,
               https_fn fn, void *user);

/* What poll() should look at, at most `most`; `wait_ms` is lowered to when https_turn() must come
 * anyway, -1 being for ever. */
struct pollfd;
size_t https_fds(const struct https *h, struct pollfd *to, size_t most, int *wait_ms);
/* `p`: as poll() left it; those of others among them are passed over. */
void https_turn(struct https *h, const struct pollfd *p, size_t n);

#endif
