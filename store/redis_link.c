/* SPDX-License-Identifier: Apache-2.0 */
#include "store/redis_link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/text.h"

enum { READ_CHUNK = 16384, WRITE_CHUNK = 65536, FIRST_ROOM = 4096, SHOWN = 120 };

#define FIRST_BACKOFF (100 * NS_PER_MS)

/* --- errors of Redis --- */

/* The word that begins an error, and what it means here. What is not listed is refused. */
static const struct {
    const char *word;         /* of Redis 2.6 to 7 */
    enum store_status status; /* for us */
} MEANING[] = {
    {"WRONGTYPE", STORE_WRONG},
    {"ERR hash value is not an integer", STORE_WRONG},
    {"ERR increment or decrement would overflow", STORE_WRONG},
    {"OOM", STORE_FULL},
    {"MISCONF", STORE_FULL}, /* it cannot write its snapshot, so it takes no writes */
    {"LOADING", STORE_AWAY},
    {"BUSY", STORE_AWAY},
    {"READONLY", STORE_AWAY}, /* a replica: the name will point to another one */
    {"MASTERDOWN", STORE_AWAY},
    {"CLUSTERDOWN", STORE_AWAY},
    {"TRYAGAIN", STORE_AWAY},
    {"NOREPLICAS", STORE_AWAY},
    {"UNBLOCKED", STORE_AWAY},
    {"ERR max number of clients", STORE_AWAY},
    {"ERR max clients", STORE_AWAY},
};

enum store_status redis_link_status(const struct resp *error)
{
    for (size_t i = 0; i < sizeof(MEANING) / sizeof(MEANING[0]); i++)
        if (resp_is_error(error, MEANING[i].word))
            return MEANING[i].status;
    return STORE_REFUSED;
}

/* --- addresses --- */

static void take_address(struct redis_link *l, const void *address, socklen_t n)
{
    if (l->addresses == CAP_STORE_ADDRESSES || n > sizeof(l->address[0]))
        return;
    memcpy(&l->address[l->addresses], address, n);
    l->length[l->addresses++] = n;
}

static void resolve_name(struct redis_link *l)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list;
    int rc = getaddrinfo(l->where.host, l->where.port, &want, &list);

    if (rc != 0) {
        l->status = STORE_AWAY;
        snprintf(l->why, sizeof(l->why), "the name of the Redis server: %s", gai_strerror(rc));
        return; /* what was known stays */
    }
    l->addresses = l->at = 0;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        take_address(l, a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
}

void redis_link_resolve(struct redis_link *l)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};

    if (l->where.kind == WHERE_REDIS) {
        if (l->where.host[0]) /* an adopted socket has none */
            resolve_name(l);
        return;
    }
    if (strlen(l->where.path) >= sizeof(path.sun_path)) {
        l->status = STORE_WRONG;
        snprintf(l->why, sizeof(l->why), "the path of the socket is longer than %zu bytes",
                 sizeof(path.sun_path) - 1);
        return;
    }
    memcpy(path.sun_path, l->where.path, strlen(l->where.path));
    l->addresses = l->at = 0;
    take_address(l, &path, sizeof(path));
}

bool redis_link_is_remote(const struct redis_link *l)
{
    const struct sockaddr_storage *a = &l->address[l->at];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (l->addresses == 0)
        return false;
    memcpy(&v4, a, sizeof(v4));
    memcpy(&v6, a, sizeof(v6));
    if (a->ss_family == AF_INET)
        return ntohl(v4.sin_addr.s_addr) >> 24 != 127;
    if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return v6.sin6_addr.s6_addr[12] != 127;
    return a->ss_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

/* --- the life of a link --- */

void redis_link_init(struct redis_link *l, const struct where *where, nstime deadline)
{
    memset(l, 0, sizeof(*l));
    l->where = *where;
    l->deadline = deadline;
    l->fd = -1;
    if (getrandom(&l->luck, sizeof(l->luck), GRND_NONBLOCK) != (ssize_t)sizeof(l->luck))
        l->luck = (uint64_t)getpid(); /* it spreads the load; it guards nothing */
}

void redis_link_fini(struct redis_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    resp_reader_free(l->reader);
    heap_free(l->out);
    explicit_bzero(&l->where, sizeof(l->where));
    l->fd = -1;
    l->reader = NULL;
    l->out = NULL;
}

/* splitmix64 */
static uint64_t roll(struct redis_link *l)
{
    uint64_t z = l->luck += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

static nstime backoff(struct redis_link *l)
{
    nstime most = FIRST_BACKOFF, limit = CAP_STORE_BACKOFF_S * NS_PER_S;

    if (l->failures == 0)
        return 0;
    for (unsigned i = 1; i < l->failures && most < limit; i++)
        most *= 2;
    most = most < limit ? most : limit;
    return most / 2 + (nstime)(roll(l) % (uint64_t)(most / 2));
}

/* What we sent and the server did not read must not reach it after what we send next: a reset
 * throws it away, where the kernel can. */
static void reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

void redis_link_drop(struct redis_link *l, nstime now, enum store_status status, const char *why)
{
    bool next = l->state == LINK_CONNECTING && l->at + 1 < l->addresses;

    if (l->fd >= 0)
        reset(l->fd);
    resp_reader_free(l->reader);
    l->reader = NULL;
    l->fd = -1;
    l->out_n = l->out_at = 0;
    l->state = LINK_DOWN;
    l->status = status;
    if (why != l->why)
        snprintf(l->why, sizeof(l->why), "%s", why);
    l->at = next ? l->at + 1 : 0; /* another address of the same name is tried at once */
    l->retry_at = next ? now : now + backoff(l);
    l->failures += !next;
}

/* --- bytes out --- */

static bool out_make_room(struct redis_link *l, size_t n)
{
    size_t room = l->out_room ? l->out_room : FIRST_ROOM;
    uint8_t *p;

    if (l->out_at > 0) {
        memmove(l->out, l->out + l->out_at, l->out_n - l->out_at);
        l->out_n -= l->out_at;
        l->out_at = 0;
    }
    while (room < l->out_n + n)
        room *= 2;
    if (l->out && room == l->out_room)
        return true;
    p = heap_resize(l->out, room);
    if (!p)
        return false;
    l->out = p;
    l->out_room = room;
    return true;
}

int redis_link_command(struct redis_link *l, const struct span *args, size_t count)
{
    char *bytes;
    size_t n = resp_command(&bytes, args, count);

    if (n == 0)
        return -1;
    if (l->out_n + n > l->out_room && !out_make_room(l, n)) {
        resp_command_free(bytes);
        return -1;
    }
    memcpy(l->out + l->out_n, bytes, n);
    l->out_n += n;
    resp_command_free(bytes);
    return 0;
}

size_t redis_link_unsent(const struct redis_link *l)
{
    return l->out_n - l->out_at;
}

static bool is_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void drop_errno(struct redis_link *l, nstime now, const char *what, int error)
{
    char why[STORE_WHY];

    snprintf(why, sizeof(why), "%s: %s", what, strerror(error));
    redis_link_drop(l, now, STORE_AWAY, why);
}

static bool send_some(struct redis_link *l, nstime now)
{
    size_t n = redis_link_unsent(l);
    ssize_t sent;

    if (n == 0)
        return false;
    sent = send(l->fd, l->out + l->out_at, n < WRITE_CHUNK ? n : WRITE_CHUNK,
                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
        l->out_at += (size_t)sent;
        if (l->out_at == l->out_n)
            l->out_at = l->out_n = 0;
        return true;
    }
    if (sent < 0 && !is_later(errno))
        drop_errno(l, now, "the connection to Redis broke", errno);
    return false;
}

/* --- bytes in --- */

static bool receive_some(struct redis_link *l, nstime now)
{
    uint8_t chunk[READ_CHUNK];
    ssize_t n = recv(l->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

    if (n < 0 && is_later(errno))
        return false;
    if (n < 0)
        drop_errno(l, now, "the connection to Redis broke", errno);
    else if (n == 0)
        redis_link_drop(l, now, STORE_AWAY, "Redis closed the connection");
    else if (resp_reader_feed(l->reader, span_of(chunk, (size_t)n)) != 0)
        redis_link_drop(l, now, STORE_AWAY, resp_reader_why(l->reader));
    return true;
}

int redis_link_reply(struct redis_link *l, struct resp **reply)
{
    int rc = l->reader ? resp_reader_next(l->reader, reply) : 0;

    if (!l->reader)
        *reply = NULL;
    return rc;
}

/* --- connecting --- */

static int open_socket(const struct redis_link *l)
{
    const struct sockaddr_storage *a = &l->address[l->at];
    int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || a->ss_family == AF_UNIX)
        return fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    return fd;
}

static void become_ready(struct redis_link *l)
{
    l->state = LINK_READY;
    l->status = STORE_OK;
    l->why[0] = '\0';
    l->connects++;
}

static void greet(struct redis_link *l, nstime now)
{
    const struct where *w = &l->where;
    char db[16];
    int rc = 0, n = snprintf(db, sizeof(db), "%u", w->db);

    l->greetings = 0;
    if (w->password[0]) {
        const struct span args[] = {span_str("AUTH"), span_str(w->user), span_str(w->password)};
        const struct span plain[] = {args[0], args[2]};
        rc |= w->user[0] ? redis_link_command(l, args, 3) : redis_link_command(l, plain, 2);
        l->greetings++;
    }
    if (w->db > 0) {
        const struct span args[] = {span_str("SELECT"), span_of(db, (size_t)n)};
        rc |= redis_link_command(l, args, 2);
        l->greetings++;
    }
    l->reader = resp_reader_new();
    if (rc != 0 || !l->reader) {
        redis_link_drop(l, now, STORE_AWAY, "no memory for the connection to Redis");
        return;
    }
    l->state = LINK_GREETING;
    if (l->greetings == 0)
        become_ready(l);
}

int redis_link_adopt(struct redis_link *l, int fd)
{
    l->fd = fd;
    greet(l, 0);
    return l->state == LINK_DOWN ? -1 : 0;
}

static bool begin_connect(struct redis_link *l, nstime now)
{
    const struct sockaddr *a = (const struct sockaddr *)(const void *)&l->address[l->at];

    if (l->addresses == 0 || now < l->retry_at)
        return false;
    l->state = LINK_CONNECTING;
    l->since = now;
    l->fd = open_socket(l);
    if (l->fd < 0 || (connect(l->fd, a, l->length[l->at]) != 0 && errno != EINPROGRESS))
        drop_errno(l, now, "cannot connect to Redis", errno);
    return true;
}

static bool go_on_connecting(struct redis_link *l, nstime now)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    socklen_t n = sizeof(int);
    int error = 0;

    if (poll(&p, 1, 0) <= 0)
        return false;
    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    if (error != 0)
        drop_errno(l, now, "cannot connect to Redis", error);
    else
        greet(l, now);
    return true;
}

/* Redis repeats the arguments of a command that it does not know, so the text of an error about
 * AUTH is never shown. */
static void refuse_greeting(struct redis_link *l, nstime now, const struct resp *reply)
{
    bool is_auth = l->where.password[0] && l->greetings == (l->where.db > 0 ? 2 : 1);
    char text[SHOWN], why[STORE_WHY];

    if (reply->kind != RESP_ERROR) {
        redis_link_drop(l, now, STORE_AWAY, "the server does not answer as Redis does");
        return;
    }
    text_escape(text, sizeof(text), reply->text);
    snprintf(why, sizeof(why), "Redis refuses the database: %s", text);
    redis_link_drop(l, now, redis_link_status(reply),
                    is_auth ? "Redis refuses the user or the password" : why);
}

static bool go_on_greeting(struct redis_link *l, nstime now)
{
    struct resp *reply;
    int rc = redis_link_reply(l, &reply);

    if (rc < 0)
        redis_link_drop(l, now, STORE_AWAY, resp_reader_why(l->reader));
    if (rc <= 0)
        return rc < 0;
    if (reply->kind != RESP_STATUS) {
        refuse_greeting(l, now, reply);
    } else if (--l->greetings == 0) {
        become_ready(l);
    }
    resp_free(reply);
    return true;
}

static bool check_deadline(struct redis_link *l, nstime now)
{
    bool pending = l->state == LINK_CONNECTING || l->state == LINK_GREETING;

    if (!pending || now - l->since < l->deadline)
        return false;
    redis_link_drop(l, now, STORE_AWAY, "Redis does not answer in time");
    return true;
}

bool redis_link_step(struct redis_link *l, nstime now)
{
    bool moved = false;

    if (l->state == LINK_DOWN)
        return begin_connect(l, now);
    if (l->state == LINK_CONNECTING)
        moved = go_on_connecting(l, now);
    if (l->state == LINK_GREETING || l->state == LINK_READY)
        moved |= send_some(l, now);
    if (l->state == LINK_GREETING || l->state == LINK_READY)
        moved |= receive_some(l, now);
    if (l->state == LINK_GREETING)
        moved |= go_on_greeting(l, now);
    return moved || check_deadline(l, now);
}

void redis_link_wait(const struct redis_link *l, nstime now, nstime until)
{
    bool sends = l->state == LINK_CONNECTING || redis_link_unsent(l) > 0;
    struct pollfd p = {.fd = l->fd, .events = (short)(POLLIN | (sends ? POLLOUT : 0))};
    nstime pending = l->since + l->deadline;

    if (l->state == LINK_DOWN && l->addresses > 0 && l->retry_at < until)
        until = l->retry_at;
    if ((l->state == LINK_CONNECTING || l->state == LINK_GREETING) && pending < until)
        until = pending;
    if (until > now) /* rounded up: not a turn for each microsecond */
        poll(&p, l->fd >= 0, (int)((until - now + NS_PER_MS - 1) / NS_PER_MS));
}
