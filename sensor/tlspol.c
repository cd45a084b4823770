/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tlspol.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "policy/tlspol_reply.h"

#define TCP_SCHEME  "tlspol://"
#define UNIX_SCHEME "tlspol+unix://"
#define WAIT_S      15     /* it gives itself four for each lookup, and tries again */
#define REPLY_MOST  262144 /* a policy of 64 KiB, each byte of it escaped */

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool tlspol_is_address(const char *where)
{
    return begins(where, TCP_SCHEME) || begins(where, UNIX_SCHEME);
}

static int refuse(char why[POLICY_JSON_WHY], const char *what)
{
    snprintf(why, POLICY_JSON_WHY, "%s", what);
    return -1;
}

/* --- the socket --- */

static int connect_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = -1;
    if (strlen(path) >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    return fd;
}

/* `address` is HOST:PORT and is cut in two. */
static int connect_tcp(char *address)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM,
                                  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;
    char *port = strrchr(address, ':');
    int fd;
    errno = EINVAL;
    if (!port)
        return -1;
    *port++ = '\0';
    if (address[0] == '[' && address[strlen(address) - 1] == ']') {
        address[strlen(address) - 1] = '\0';
        address++;
    }
    if (getaddrinfo(address, port, &want, &found))
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* --- one question --- */

/* A line of the answer without its LF, in a buffer of REPLY_MOST. False: it did not come. */
static bool read_line(int fd, char *to, size_t *n)
{
    *n = 0;
    while (*n < REPLY_MOST) {
        ssize_t got = recv(fd, to + *n, REPLY_MOST - *n, 0);
        if (got <= 0)
            return false;
        char *end = memchr(to + *n, '\n', (size_t)got);
        *n += (size_t)got;
        if (end) {
            *n = (size_t)(end - to);
            return true;
        }
    }
    errno = EMSGSIZE;
    return false;
}

struct asking {
    int fd;
    char *reply; /* REPLY_MOST */
    tlspol_fn fn;
    void *user;
};

static int ask_one(const struct asking *a, const struct domain *d, char why[POLICY_JSON_WHY])
{
    char query[CAP_DOMAIN_TEXT + 16];
    struct policy_json p;
    size_t n;
    int length = snprintf(query, sizeof(query), "%u:JSON %s,", d->n + 5u, d->text);
    errno = 0;
    if (send(a->fd, query, (size_t)length, MSG_NOSIGNAL) != length ||
        !read_line(a->fd, a->reply, &n))
        return refuse(why, errno ? strerror(errno) : "it closed the connection");
    int rc = tlspol_reply_read(span_of(a->reply, n), clock_of(time(NULL), 0), &p, why);
    if (rc == 0 && !span_eq(domain_span(&p.domain), domain_span(d)))
        rc = refuse(why, "it answers for another domain");
    if (rc == 0)
        a->fn(a->user, &p);
    policy_json_fini(&p);
    return rc < 0 ? -1 : 0;
}

static int ask_all(const struct asking *a, char *domains, char why[POLICY_JSON_WHY])
{
    struct domain d;
    char *rest = NULL;
    for (char *name = strtok_r(domains, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (!domain_read(span_str(name), &d))
            return refuse(why, "a domain in the address is none");
        if (ask_one(a, &d, why))
            return -1;
    }
    return 0;
}

static int connect_to(bool local, char *address)
{
    const struct timeval wait = {.tv_sec = WAIT_S};
    int fd = local ? connect_unix(address) : connect_tcp(address);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    return fd;
}

int tlspol_ask(const char *where, tlspol_fn fn, void *user, char why[POLICY_JSON_WHY])
{
    bool local = begins(where, UNIX_SCHEME);
    char *address = strdup(where + strlen(local ? UNIX_SCHEME : TCP_SCHEME));
    struct asking a = {.fd = -1, .reply = malloc(REPLY_MOST), .fn = fn, .user = user};
    char *domains = address ? strrchr(address, '/') : NULL;
    int rc = -1;
    if (!address || !a.reply) {
        refuse(why, strerror(ENOMEM));
    } else if (!domains || !domains[1] || domains == address) {
        refuse(why, "the address ends with /DOMAIN[,DOMAIN...]");
    } else {
        *domains++ = '\0';
        a.fd = connect_to(local, address);
        rc = a.fd < 0 ? refuse(why, strerror(errno)) : ask_all(&a, domains, why);
    }
    if (a.fd >= 0)
        close(a.fd);
    free(a.reply);
    free(address);
    return rc;
}
