/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/sink_datagram.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/heap.h"

#define AGAIN (5 * NS_PER_MS) /* a receiver's full queue is looked at so often */

/* Over the network the kernel never says that a receiver is full. The usual buffer of one, 208 KiB,
 * takes a burst twice as large as this; so a backlog goes out with some 6,000 lines a second. */
enum { BURST = 32 };

struct datagram {
    struct sink base;
    struct sockaddr_un here;    /* when there is no look-up */
    struct host_lookup *lookup; /* NULL: of this machine */
    int fd;                     /* -1: none */
    struct backoff away;
    nstime now; /* of the last turn */
    size_t most;
    sink_framer *framer;
    void *user;
    char frame[CAP_SINK_LINE];
};

static struct datagram *of(struct sink *s)
{
    return (struct datagram *)(void *)s;
}

static void hang_up(struct datagram *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

static void trouble(struct datagram *d, nstime now, const char *what, const char *why)
{
    hang_up(d);
    backoff_fail(&d->away, now);
    sink_note(&d->base, SINK_AWAY, "%s: %s", what, why);
}

static void connect_to(struct datagram *d, const struct sockaddr *a, socklen_t n, nstime now)
{
    d->fd = socket(a->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd >= 0 && connect(d->fd, a, n) == 0)
        return;
    trouble(d, now, "cannot connect", strerror(errno));
}

static void open_socket(struct datagram *d, nstime now)
{
    struct addrinfo *found = NULL;
    const char *why = "";
    int rc;

    if (!d->lookup) {
        connect_to(d, (const struct sockaddr *)&d->here, sizeof(d->here), now);
        return;
    }
    rc = host_lookup_step(d->lookup, &found, &why);
    if (rc > 0) {
        connect_to(d, found->ai_addr, found->ai_addrlen, now);
        freeaddrinfo(found);
    } else if (rc < 0) {
        trouble(d, now, "its name is not found", why);
    }
}

static void tick(struct sink *s, nstime now)
{
    of(s)->now = now;
    if (of(s)->fd < 0 && backoff_is_over(&of(s)->away, now))
        open_socket(of(s), now);
}

static size_t room(const struct sink *s)
{
    const struct datagram *d = (const struct datagram *)(const void *)s;

    if (d->fd < 0 || !backoff_is_over(&d->away, d->now))
        return 0;
    return d->lookup ? BURST : CAP_SPOOL_BATCH;
}

/* False: it has not gone, and the same one is to be sent later. */
static bool send_one(struct datagram *d, const struct spool_record *r, nstime now)
{
    size_t n = d->framer(d->user, r, d->frame, sizeof(d->frame));

    n = n < d->most ? n : d->most;
    if (send(d->fd, d->frame, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        backoff_good(&d->away);
        sink_note(&d->base, SINK_OK, "%s", "");
        d->base.stats.delivered++;
        return true;
    }
    if (errno == EMSGSIZE) { /* it will never go */
        d->base.stats.refused++;
        sink_note(&d->base, SINK_BROKEN, "a line of %zu bytes is too long for a datagram", n);
        return true;
    }
    if (errno == EAGAIN || errno == ENOBUFS) {
        backoff_hold(&d->away, now + AGAIN);
        sink_note(&d->base, SINK_AWAY, "the receiver takes nothing just now");
    } else {
        trouble(d, now, "cannot send", strerror(errno));
    }
    return false;
}

static size_t offer(struct sink *s, const struct spool_record *records, size_t n, nstime now)
{
    size_t i = 0;

    while (i < n && backoff_is_over(&of(s)->away, now) && send_one(of(s), &records[i], now))
        i++;
    if (i == BURST && of(s)->lookup)
        backoff_hold(&of(s)->away, now + AGAIN);
    return i;
}

static void reopen(struct sink *s)
{
    (void)s; /* there is no file */
}

static bool poll_datagram(const struct sink *s, struct pollfd *p)
{
    (void)s; /* it is always tried */
    (void)p;
    return false;
}

static void close_sink(struct sink *s)
{
    hang_up(of(s));
    host_lookup_free(of(s)->lookup);
    heap_free(of(s)->user);
    heap_free(s);
}

static const struct sink_ops OPS = {room, offer, tick, reopen, poll_datagram, close_sink};

static bool aim(struct datagram *d, const struct sink_datagram_to *to)
{
    if (to->path) {
        d->here.sun_family = AF_UNIX;
        snprintf(d->here.sun_path, sizeof(d->here.sun_path), "%s", to->path);
        return true;
    }
    d->lookup = host_lookup_new(to->host, to->port, SOCK_DGRAM);
    return d->lookup != NULL;
}

struct sink *sink_datagram_new(const struct sink_datagram_to *to, sink_framer *framer, void *user,
                               const struct sink_filter *f, char why[SINK_WHY])
{
    struct datagram *d = heap_zeroed(sizeof(*d));

    if (!d || !aim(d, to)) {
        snprintf(why, SINK_WHY, "no memory for a sink");
        heap_free(user);
        heap_free(d);
        return NULL;
    }
    d->base.ops = &OPS;
    d->base.filter = f ? *f : (struct sink_filter){0};
    d->fd = -1;
    d->most = to->most;
    d->framer = framer;
    d->user = user;
    backoff_init(&d->away);
    sink_note(&d->base, SINK_AWAY, "not connected to the receiver yet");
    return &d->base;
}
