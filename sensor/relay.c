/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/relay.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "store/where.h"

#define BYTES 65536

struct way {
    size_t at, n;
    uint8_t bytes[BYTES]; /* taken from one side, not yet by the other */
};

struct pair {
    int fd[2];         /* the judge's side, that of Redis; -1: not in use */
    bool connecting;   /* the latter */
    struct way way[2]; /* from that side */
};

struct relay {
    int listener;
    struct where where;
    struct pair pair[RELAY_PAIRS];
};

bool relay_wanted(const char *store)
{
    struct where w;
    char why[RELAY_WHY];
    return store && where_parse(&w, store, why, sizeof(why)) == 0 &&
           (w.kind == WHERE_REDIS || w.kind == WHERE_REDIS_UNIX);
}

static bool listen_at(struct relay *r, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof(a.sun_path)) {
        errno = EINVAL;
        return false;
    }
    memcpy(a.sun_path, path, strlen(path));
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)unlink(path); /* of the one before us */
    return r->listener >= 0 && bind(r->listener, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
           listen(r->listener, RELAY_PAIRS) == 0;
}

struct relay *relay_new(const char *path, const char *store, char why[RELAY_WHY])
{
    struct relay *r = calloc(1, sizeof(*r));
    if (!r) {
        snprintf(why, RELAY_WHY, "%s", strerror(ENOMEM));
        return NULL;
    }
    r->listener = -1;
    for (int i = 0; i < RELAY_PAIRS; i++)
        r->pair[i].fd[0] = r->pair[i].fd[1] = -1;
    if (where_parse(&r->where, store, why, RELAY_WHY) == 0) {
        if (listen_at(r, path))
            return r;
        snprintf(why, RELAY_WHY, "%s: %s", path ? path : RELAY_VARIABLE, strerror(errno));
    }
    relay_free(r);
    return NULL;
}

static void end(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        if (p->fd[side] >= 0)
            close(p->fd[side]);
        p->fd[side] = -1;
        p->way[side].at = p->way[side].n = 0;
    }
    p->connecting = false;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    for (int i = 0; i < RELAY_PAIRS; i++)
        end(&r->pair[i]);
    if (r->listener >= 0)
        close(r->listener);
    free(r);
}

size_t relay_fds(const struct relay *r, struct pollfd *to)
{
    size_t n = 0;
    to[n++] = (struct pollfd){.fd = r->listener, .events = POLLIN};
    for (int i = 0; i < RELAY_PAIRS; i++) {
        const struct pair *p = &r->pair[i];
        for (int side = 0; side < 2; side++) {
            bool out = p->way[!side].n > 0 || (side == 1 && p->connecting);
            bool in = p->way[side].n == 0 && !p->connecting;
            short events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
            to[n++] = (struct pollfd){.fd = p->fd[side], .events = events};
        }
    }
    return n;
}

/* --- connecting --- */

static int connect_to(const struct sockaddr *a, socklen_t n)
{
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, a, n) && errno != EINPROGRESS) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int connect_by_name(const struct where *w)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list;
    int fd = -1;
    if (getaddrinfo(w->host, w->port, &want, &list))
        return -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
    return fd;
}

static int connect_by_path(const struct where *w)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(w->path) >= sizeof(a.sun_path))
        return -1;
    memcpy(a.sun_path, w->path, strlen(w->path));
    return connect_to((const struct sockaddr *)&a, sizeof(a));
}

static void accept_one(struct relay *r)
{
    int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    for (int i = 0; i < RELAY_PAIRS; i++) {
        struct pair *p = &r->pair[i];
        if (p->fd[0] >= 0)
            continue;
        p->fd[0] = fd;
        p->fd[1] =
            r->where.kind == WHERE_REDIS ? connect_by_name(&r->where) : connect_by_path(&r->where);
        p->connecting = true;
        if (p->fd[1] < 0)
            end(p);
        return;
    }
    close(fd);
}

/* --- bytes --- */

/* False: that side is gone. */
static bool take(struct way *w, int fd)
{
    ssize_t n = w->n > 0 ? 1 : recv(fd, w->bytes, sizeof(w->bytes), 0);
    if (w->n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return true;
    w->at = 0;
    w->n = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool give(struct way *w, int fd)
{
    ssize_t n = w->n > 0 ? send(fd, w->bytes + w->at, w->n, MSG_NOSIGNAL) : 0;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    w->at += (size_t)n;
    w->n -= (size_t)n;
    return true;
}

static void move(struct pair *p, const struct pollfd *f)
{
    bool good = true;
    if (p->connecting) {
        int error = 0;
        socklen_t n = sizeof(error);
        if (!(f[1].revents & (POLLOUT | POLLERR | POLLHUP)))
            return;
        p->connecting = false;
        good = getsockopt(p->fd[1], SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
    }
    for (int side = 0; side < 2 && good; side++) {
        if (f[side].revents & (POLLIN | POLLERR | POLLHUP))
            good = take(&p->way[side], p->fd[side]);
        good = good && give(&p->way[side], p->fd[!side]);
    }
    if (!good)
        end(p);
}

void relay_turn(struct relay *r, const struct pollfd *p, size_t n)
{
    if (n != RELAY_FDS)
        return;
    for (int i = 0; i < RELAY_PAIRS; i++)
        if (r->pair[i].fd[0] >= 0)
            move(&r->pair[i], &p[1 + 2 * i]);
    if (p[0].revents & POLLIN)
        accept_one(r);
}
