/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "sensor/told.h"

#define TOGETHER (32u << 10)          /* what travels together: some ten sessions */
#define ROOM     (TOGETHER + LARGEST) /* of what travels together, the last one begun before */
#define LARGEST  (WIRE_MOST + sizeof(struct message_head))

static const struct {
    uint32_t most;
    enum process sender; /* PROCESS_COUNT: any */
    enum process other;  /* as well; PROCESS_PARENT: nobody */
} KIND[MESSAGE_TYPE_COUNT] = {
    [MESSAGE_SESSION] = {WIRE_MOST, PROCESS_WATCH, PROCESS_PARENT},
    [MESSAGE_HANDSHAKE] = {WIRE_MOST, PROCESS_WATCH, PROCESS_PARENT},
    [MESSAGE_SIGHTING] = {TOLD_SIGHTING_MOST, PROCESS_WATCH, PROCESS_PARENT},
    [MESSAGE_LINE] = {CAP_MESSAGE_LINE, PROCESS_JUDGE, PROCESS_PARENT},
    [MESSAGE_KEPT] = {CAP_MESSAGE_STATE, PROCESS_FEED, PROCESS_PARENT},
    [MESSAGE_ASK] = {sizeof(struct told_ask), PROCESS_JUDGE, PROCESS_PARENT},
    [MESSAGE_TOLD] = {CAP_LOOKUP_LINE, PROCESS_FETCH, PROCESS_LISTS},
    [MESSAGE_STATE] = {CAP_MESSAGE_STATE, PROCESS_COUNT, PROCESS_PARENT},
    [MESSAGE_ORDER] = {CAP_MESSAGE_STATE, PROCESS_PARENT, PROCESS_PARENT},
};

_Static_assert(CAP_MESSAGE_LINE <= WIRE_MOST && CAP_MESSAGE_STATE <= WIRE_MOST &&
                   CAP_LOOKUP_LINE <= WIRE_MOST && TOLD_SIGHTING_MOST <= WIRE_MOST,
               "one buffer is enough for all");
_Static_assert(MESSAGE_TYPE_COUNT < 10, "kinds that one person can know by heart");

const char *process_text(enum process p)
{
    static const char *const TEXT[] = {"parent", "watch", "judge", "fetch", "feed", "lists"};
    _Static_assert(sizeof(TEXT) / sizeof(TEXT[0]) == PROCESS_COUNT, "one each");
    return TEXT[p];
}

uint32_t message_most(enum message_type type)
{
    return KIND[type].most;
}

/* The larger the buffer of the kernel, the longer a child may be away without a loss; more than the
 * usual limit is for root alone. */
static void widen(int fd)
{
    int size = CAP_MESSAGE_SOCKET;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int message_pair(int fd[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd))
        return errno;
    widen(fd[0]);
    widen(fd[1]);
    return 0;
}

/* --- sending --- */

/* What goes together in one piece. */
struct parcel {
    struct parcel *next;
    size_t n;
    uint8_t bytes[];
};

struct message_out {
    int fd;
    struct message_head head;
    struct parcel *first, **end; /* that wait, the oldest first */
    size_t waiting;              /* bytes of theirs */
    uint64_t lost[2];
    size_t n;
    uint8_t bytes[ROOM]; /* being put together */
};

struct message_out *message_out_new(int fd, enum process sender, uint16_t index,
                                    uint64_t generation)
{
    struct message_out *o = calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->fd = fd;
    o->head =
        (struct message_head){.sender = (uint8_t)sender, .index = index, .generation = generation};
    o->end = &o->first;
    return o;
}

void message_out_free(struct message_out *o)
{
    if (!o)
        return;
    for (struct parcel *p = o->first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    free(o);
}

enum sent { SENT, SENT_LATER, SENT_NEVER };

static enum sent send_bytes(const struct message_out *o, const uint8_t *p, size_t n)
{
    for (;;) {
        if (send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return SENT;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
            return SENT_LATER;
        if (errno != EINTR)
            return SENT_NEVER;
    }
}

static enum sent send_waiting(struct message_out *o)
{
    while (o->first) {
        struct parcel *p = o->first;
        enum sent sent = send_bytes(o, p->bytes, p->n);
        if (sent != SENT)
            return sent;
        o->first = p->next;
        if (!o->first)
            o->end = &o->first;
        o->waiting -= p->n;
        free(p);
    }
    return SENT;
}

/* What was put together joins those that wait. */
static bool let_wait(struct message_out *o)
{
    struct parcel *p = malloc(sizeof(*p) + o->n);
    if (!p)
        return false;
    p->next = NULL;
    p->n = o->n;
    memcpy(p->bytes, o->bytes, o->n);
    *o->end = p;
    o->end = &p->next;
    o->waiting += p->n;
    return true;
}

bool message_flush(struct message_out *o)
{
    enum sent sent = send_waiting(o);
    if (o->n > 0 && sent == SENT)
        sent = send_bytes(o, o->bytes, o->n);
    if (o->n > 0 && sent == SENT_LATER && !let_wait(o))
        o->lost[1]++;
    o->n = 0;
    return sent != SENT_NEVER;
}

bool message_put(struct message_out *o, enum message_type type, struct span body, bool urgent)
{
    size_t most = urgent ? CAP_MESSAGE_WAITING : CAP_MESSAGE_WAITING / 2;
    if (body.n > KIND[type].most || o->waiting + o->n + body.n > most) {
        o->lost[urgent]++;
        return false;
    }
    o->head.type = (uint8_t)type;
    o->head.size = (uint32_t)body.n;
    memcpy(o->bytes + o->n, &o->head, sizeof(o->head));
    if (body.n > 0)
        memcpy(o->bytes + o->n + sizeof(o->head), body.p, body.n);
    o->n += sizeof(o->head) + body.n;
    return o->n < TOGETHER || message_flush(o);
}

bool message_waits(const struct message_out *o)
{
    return o->first != NULL || o->n > 0;
}

uint64_t message_lost(const struct message_out *o, bool urgent)
{
    return o->lost[urgent];
}

/* --- receiving --- */

struct message_in {
    int fd;
    enum process from;
    uint16_t index;
    uint64_t malformed;
    uint8_t bytes[ROOM];
};

struct message_in *message_in_new(int fd, enum process from, uint16_t index)
{
    struct message_in *in = calloc(1, sizeof(*in));
    if (!in)
        return NULL;
    in->fd = fd;
    in->from = from;
    in->index = index;
    return in;
}

void message_in_free(struct message_in *in)
{
    free(in);
}

static bool may_send(enum message_type type, enum process who)
{
    return KIND[type].sender == PROCESS_COUNT || KIND[type].sender == who ||
           (KIND[type].other != PROCESS_PARENT && KIND[type].other == who);
}

static bool head_good(const struct message_in *in, const struct message_head *h, size_t left)
{
    return h->type < MESSAGE_TYPE_COUNT && h->sender == in->from && h->index == in->index &&
           h->size <= left && h->size <= KIND[h->type].most &&
           may_send((enum message_type)h->type, in->from);
}

int message_receive(struct message_in *in, message_fn fn, void *user)
{
    struct message_head h;
    ssize_t got = recv(in->fd, in->bytes, sizeof(in->bytes), MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    if (got == 0)
        return -1;
    struct span rest = span_of(in->bytes, (size_t)got);
    if (rest.n > sizeof(in->bytes)) {
        in->malformed++;
        return 1;
    }
    while (rest.n > 0) {
        if (rest.n < sizeof(h)) {
            in->malformed++;
            break;
        }
        memcpy(&h, rest.p, sizeof(h));
        rest = span_from(rest, sizeof(h));
        if (!head_good(in, &h, rest.n)) {
            in->malformed++;
            break;
        }
        fn(user, &h, span_first(rest, h.size));
        rest = span_from(rest, h.size);
    }
    return 1;
}

uint64_t message_malformed(const struct message_in *in)
{
    return in->malformed;
}
