/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE (10 * NS_PER_S) /* of each step until it is ready */
#define PROVEN   (5 * NS_PER_S)  /* it lived so long: the next failure is a first one */

enum { SILENCE_MS = 30000, READS = 16 };

bool dial_init_path(struct dial *d, const char *path)
{
    *d = (struct dial){.fd = -1};
    snprintf(d->path, sizeof(d->path), "%s", path);
    backoff_init(&d->away);
    return true;
}

bool dial_init_host(struct dial *d, const char *host, const char *port, struct tls_client *tls)
{
    *d = (struct dial){.fd = -1, .tls = tls};
    backoff_init(&d->away);
    d->lookup = host_lookup_new(host, port, SOCK_STREAM);
    return d->lookup != NULL;
}

static void forget_addresses(struct dial *d)
{
    if (d->addresses)
        freeaddrinfo(d->addresses);
    d->addresses = d->address = NULL;
}

static void hang_up(struct dial *d)
{
    if (d->tls)
        tls_client_end(d->tls);
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

void dial_fini(struct dial *d)
{
    hang_up(d);
    forget_addresses(d);
    host_lookup_free(d->lookup);
    tls_client_free(d->tls);
}

static void enter(struct dial *d, enum dial_state state, nstime now)
{
    d->state = state;
    d->since = now;
}

void dial_drop(struct dial *d, nstime now, const char *why)
{
    bool was_ready = d->state == DIAL_READY;

    snprintf(d->why, sizeof(d->why), "%s", why);
    hang_up(d);
    if (was_ready)
        forget_addresses(d); /* the name may lead elsewhere now */
    enter(d, DIAL_DOWN, now);
    if (!d->address)
        backoff_fail(&d->away, now);
}

/* --- becoming ready --- */

/* A receiver that is silently gone shows within half a minute, and not after the quarter of an
 * hour that TCP would go on for. */
static void set_options(int fd, bool is_tcp)
{
    int one = 1, silence = SILENCE_MS;

    if (!is_tcp)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof(silence));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static void connect_to(struct dial *d, const struct sockaddr *a, socklen_t n, nstime now)
{
    char why[SINK_WHY];

    d->fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd >= 0)
        set_options(d->fd, a->sa_family != AF_UNIX);
    if (d->fd >= 0 && (connect(d->fd, a, n) == 0 || errno == EINPROGRESS)) {
        enter(d, DIAL_CONNECTING, now);
        return;
    }
    snprintf(why, sizeof(why), "cannot connect: %s", strerror(errno));
    dial_drop(d, now, why);
}

static void connect_next(struct dial *d, nstime now)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    const struct addrinfo *a = d->address;

    if (d->path[0]) {
        memcpy(here.sun_path, d->path, sizeof(here.sun_path));
        connect_to(d, (const struct sockaddr *)&here, sizeof(here), now);
    } else {
        d->address = a->ai_next;
        connect_to(d, a->ai_addr, a->ai_addrlen, now);
    }
}

static void ask(struct dial *d, nstime now)
{
    const char *text = "";
    char why[SINK_WHY];
    int rc = host_lookup_step(d->lookup, &d->addresses, &text);

    if (rc > 0) {
        d->address = d->addresses;
        connect_next(d, now);
    } else if (rc < 0) {
        snprintf(why, sizeof(why), "its name is not found: %s", text);
        dial_drop(d, now, why);
    }
}

static void begin(struct dial *d, nstime now)
{
    if (d->path[0] || d->address) {
        connect_next(d, now);
        return;
    }
    forget_addresses(d);
    enter(d, DIAL_ASKING, now);
    ask(d, now);
}

static void finish_connect(struct dial *d, nstime now)
{
    struct pollfd p = {.fd = d->fd, .events = POLLOUT};
    socklen_t n = sizeof(int);
    char why[SINK_WHY];
    int error = 0;

    if (poll(&p, 1, 0) <= 0)
        return;
    if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
        snprintf(why, sizeof(why), "cannot connect: %s", strerror(error ? error : errno));
        dial_drop(d, now, why);
    } else if (!d->tls) {
        enter(d, DIAL_READY, now);
    } else if (tls_client_begin(d->tls, d->fd)) {
        enter(d, DIAL_SHAKING, now);
    } else {
        dial_drop(d, now, "no memory for TLS");
    }
}

static void shake(struct dial *d, nstime now)
{
    int rc = tls_client_shake(d->tls);

    if (rc > 0)
        enter(d, DIAL_READY, now);
    else if (rc < 0)
        dial_drop(d, now, tls_client_why(d->tls));
}

/* --- when it is ready --- */

static ssize_t read_some(struct dial *d, void *bytes, size_t n)
{
    ssize_t got;

    if (d->tls)
        return tls_client_read(d->tls, bytes, n);
    got = recv(d->fd, bytes, n, MSG_DONTWAIT);
    if (got > 0)
        return got;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static void listen_in(struct dial *d, nstime now)
{
    char bytes[1024];
    ssize_t n = 1;

    for (int i = 0; i < READS && n > 0; i++)
        n = read_some(d, bytes, sizeof(bytes));
    if (n < 0)
        dial_drop(d, now, d->tls ? tls_client_why(d->tls) : "the receiver closed the connection");
    else if (now - d->since >= PROVEN)
        backoff_good(&d->away);
}

void dial_step(struct dial *d, nstime now)
{
    if (d->state == DIAL_DOWN && (d->address || backoff_is_over(&d->away, now)))
        begin(d, now);
    else if (d->state == DIAL_ASKING)
        ask(d, now);
    if (d->state == DIAL_CONNECTING)
        finish_connect(d, now);
    if (d->state == DIAL_SHAKING)
        shake(d, now);
    if (d->state == DIAL_READY)
        listen_in(d, now);
    else if (d->state > DIAL_ASKING && now - d->since >= DEADLINE)
        dial_drop(d, now, "the receiver does not answer in time");
}

ssize_t dial_write(struct dial *d, const void *bytes, size_t n, nstime now)
{
    char why[SINK_WHY];
    ssize_t sent;

    if (d->tls) {
        sent = tls_client_write(d->tls, bytes, n);
        if (sent < 0)
            dial_drop(d, now, tls_client_why(d->tls));
        return sent;
    }
    sent = send(d->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno == EAGAIN || errno == EINTR)
        return sent > 0 ? sent : 0;
    snprintf(why, sizeof(why), "cannot send: %s", strerror(errno));
    dial_drop(d, now, why);
    return -1;
}

bool dial_poll(const struct dial *d, bool sends, struct pollfd *p)
{
    bool out = d->state == DIAL_CONNECTING ||
               (d->state >= DIAL_SHAKING && d->tls && tls_client_wants_write(d->tls)) ||
               (d->state == DIAL_READY && sends);

    *p = (struct pollfd){.fd = d->fd, .events = (short)(POLLIN | (out ? POLLOUT : 0))};
    return d->fd >= 0;
}
