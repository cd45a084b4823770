/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS with validation of our own (libunbound): many questions at a time, nothing waits. `secure`,
 * `insecure`, `bogus` and `failed` are kept apart, as RFC 7672 section 2.1 wants it; an AD bit of
 * anybody else counts nothing. /etc/resolv.conf and /etc/hosts are not read.
 *
 * The library works in a thread of its own, which starts with the first question: walls that the
 * process goes behind before that hold for it as well. All files are read before, by resolve_new().
 * The walls must let a thread be made (clone3, which glibc replaces by clone only where it gives
 * ENOSYS, rseq, set_robust_list, futex, exit, tgkill), a loop of libevent's (epoll_create1,
 * epoll_ctl, epoll_wait, pipe2, fcntl) and sockets (socket, bind, connect, setsockopt, getsockopt,
 * getsockname, sendto, sendmsg, recvfrom, read, write, writev), some 200 at most; getrandom, mmap
 * and the like every program calls. It wants SIGPIPE to be ignored.
 */
#ifndef ONLINE_RESOLVE_H
#define ONLINE_RESOLVE_H

#include "base/clock.h"
#include "base/span.h"
#include "policy/lookup.h"

#define RESOLVE_WHY 256

struct resolve_config {
    const char *const *forward; /* ADDRESS[@PORT][#NAME]; NAME: over TLS (RFC 7858), with that name,
                                   all of them or none; none at all: from the root on */
    size_t forwards;
    const char *anchor_file; /* DNSKEY or DS of the trust anchors; NULL: Debian's root anchor */
    const char *ca_file;     /* a file, for TLS; NULL: the system's */
    const char *const *stub; /* ZONE=ADDRESS[@PORT], asked for that zone alone: laboratories. In
                                clear */
    size_t stubs;
    nstime timeout; /* of one question; 0: 10 s */
};

struct resolve;

enum {
    RESOLVE_A = 1,
    RESOLVE_CNAME = 5,
    RESOLVE_MX = 15,
    RESOLVE_TXT = 16,
    RESOLVE_AAAA = 28,
    RESOLVE_TLSA = 52
};

/* Valid during the call. */
struct answer {
    enum lookup_security security;
    bool no_name;             /* NXDOMAIN */
    struct domain canonical;  /* what CNAMEs lead to; the name itself if there are none. Underscores
                                 are possible; n 0: no name that we would ask for */
    bool aliased;             /* there are */
    const struct span *rdata; /* as on the wire; n 0 and neither bogus nor failed: no such record */
    size_t n;
    uint32_t ttl;
    const char *why; /* bogus, failed: in words, printable; else "" */
};

typedef void (*answer_fn)(void *user, const struct answer *a);

/* NULL: `why` says what is wrong with the configuration. */
struct resolve *resolve_new(const struct resolve_config *c, char why[RESOLVE_WHY]);
void resolve_free(struct resolve *r); /* what is asked is not answered any more */

/* `fn` is called exactly once, from resolve_turn(), and by the first one after the timeout; false:
 * it never is (no such name, too many at a time, no memory). Names with underscores are allowed
 * (_25._tcp.mx.example). */
bool resolve_ask(struct resolve *r, nstime now, const char *name, unsigned type, answer_fn fn,
                 void *user);

int resolve_fd(const struct resolve *r);          /* readable: there is something to do */
void resolve_turn(struct resolve *r, nstime now); /* `now` is monotonic */

#endif
