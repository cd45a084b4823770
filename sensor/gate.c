/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sensor/gate_listen.h"
#include "sensor/gate_request.h"

#define PLACES   (CAP_GATE_VISITORS + CAP_GATE_CONTROLS)
#define PATIENCE (CAP_GATE_SECONDS * NS_PER_S)
#define HEAD     512      /* bytes of an answer before its body */
#define DEAF     NS_PER_S /* after nobody could be let in for want of descriptors */

enum phase { PHASE_FREE, PHASE_ASKS, PHASE_HEARS, PHASE_LEAVES };

struct visitor {
    enum phase phase;
    int fd;
    int64_t until; /* the end of this phase */
    size_t n;      /* bytes of the request */
    char *answer;
    size_t size, sent;
    uint8_t request[CAP_GATE_REQUEST];
};

/* The first places are HTTP's, those behind of the control socket. */
enum door { DOOR_HTTP, DOOR_CONTROL, DOOR_COUNT };

static const size_t FIRST[DOOR_COUNT + 1] = {0, CAP_GATE_VISITORS, PLACES};

struct page {
    size_t n;
    uint8_t bytes[CAP_MESSAGE_STATE];
};

struct gate {
    int fd[DOOR_COUNT]; /* -1: none */
    char *path;         /* of the control socket */
    int64_t deaf_until;
    bool healthy, ready;
    struct page metrics, status, json;
    struct visitor visitor[PLACES];
};

/* --- life --- */

struct gate *gate_new(const char *listen, const char *path, char why[GATE_WHY])
{
    struct gate *g = calloc(1, sizeof(*g));
    if (!g) {
        snprintf(why, GATE_WHY, "%s", strerror(ENOMEM));
        return NULL;
    }
    g->fd[DOOR_HTTP] = g->fd[DOOR_CONTROL] = -1;
    if (listen && (g->fd[DOOR_HTTP] = gate_listen_tcp(listen, why)) < 0)
        goto out;
    if (path && (g->fd[DOOR_CONTROL] = gate_listen_unix(path, why)) < 0)
        goto out;
    if (path && !(g->path = strdup(path))) {
        unlink(path);
        snprintf(why, GATE_WHY, "%s", strerror(ENOMEM));
        goto out;
    }
    return g;
out:
    gate_free(g);
    return NULL;
}

static void dismiss(struct visitor *v)
{
    if (v->phase == PHASE_FREE)
        return;
    close(v->fd);
    free(v->answer);
    v->answer = NULL;
    v->phase = PHASE_FREE;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < PLACES; i++)
        dismiss(&g->visitor[i]);
    for (int d = 0; d < DOOR_COUNT; d++)
        if (g->fd[d] >= 0)
            close(g->fd[d]);
    if (g->path)
        unlink(g->path);
    free(g->path);
    free(g);
}

static void keep(struct page *p, struct span text)
{
    p->n = text.n;
    if (text.n > 0)
        memcpy(p->bytes, text.p, text.n);
}

void gate_set(struct gate *g, struct span metrics, bool healthy, bool ready, struct span status)
{
    keep(&g->metrics, metrics.n > CAP_MESSAGE_STATE ? span_of(NULL, 0) : metrics);
    keep(&g->status, span_first(status, CAP_MESSAGE_STATE));
    g->healthy = healthy;
    g->ready = ready;
}

void gate_set_json(struct gate *g, struct span status)
{
    keep(&g->json, status.n > CAP_MESSAGE_STATE ? span_of(NULL, 0) : status);
}

unsigned gate_port(const struct gate *g)
{
    struct sockaddr_in6 a = {0}; /* the port stands at the same place in sockaddr_in */
    socklen_t n = sizeof(a);
    if (g->fd[DOOR_HTTP] < 0 || getsockname(g->fd[DOOR_HTTP], (struct sockaddr *)&a, &n))
        return 0;
    return ntohs(a.sin6_port);
}

unsigned gate_visitors(const struct gate *g)
{
    unsigned n = 0;
    for (size_t i = 0; i < PLACES; i++)
        n += g->visitor[i].phase != PHASE_FREE;
    return n;
}

/* --- answers --- */

static const char *status_words(unsigned status)
{
    static const struct {
        unsigned status;
        const char *words;
    } WORDS[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    size_t i = 0;
    while (WORDS[i].status != status)
        i++;
    return WORDS[i].words;
}

/* From now on the visitor hears; without memory he leaves. `body` false: HEAD. */
static void answer(struct visitor *v, const char *head, struct span text, bool body, int64_t now)
{
    size_t n = strlen(head);
    v->size = n + (body ? text.n : 0);
    v->answer = malloc(v->size + 1);
    if (!v->answer) {
        dismiss(v);
        return;
    }
    memcpy(v->answer, head, n);
    if (body && text.n > 0)
        memcpy(v->answer + n, text.p, text.n);
    v->sent = 0;
    v->phase = PHASE_HEARS;
    v->until = now + PATIENCE;
}

static void answer_http(struct visitor *v, unsigned status, const char *type, struct span text,
                        bool body, int64_t now)
{
    char head[HEAD];
    snprintf(head, sizeof(head),
             "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
             "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
             "Connection: close\r\n\r\n",
             status, status_words(status), type, text.n,
             status == 405 ? "Allow: GET, HEAD\r\n" : "");
    answer(v, head, text, body, now);
}

static void answer_request(const struct gate *g, struct visitor *v, const struct gate_request *r,
                           int64_t now)
{
    static const char PLAIN[] = "text/plain; charset=utf-8";
    bool good = r->page == GATE_HEALTHZ  ? g->healthy
                : r->page == GATE_READYZ ? g->ready
                                         : g->metrics.n > 0;
    unsigned status = r->status != 200 || good ? r->status : 503;
    char words[64];
    if (status == 200 && r->page == GATE_METRICS) {
        answer_http(v, status, "text/plain; version=0.0.4; charset=utf-8",
                    span_of(g->metrics.bytes, g->metrics.n), !r->head, now);
        return;
    }
    snprintf(words, sizeof(words), "%s\n", status == 200 ? "ok" : status_words(status));
    answer_http(v, status, PLAIN, span_str(words), !r->head, now);
}

/* --- visitors --- */

/* A line; what follows it is nothing to us. */
static void hear_control(const struct gate *g, struct visitor *v, int64_t now)
{
    struct span all = span_of(v->request, v->n);
    struct span line = span_first(all, span_find(all, '\n'));
    if (line.n == all.n && v->n < CAP_GATE_REQUEST)
        return;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    bool json = span_eq(line, span_str("status json"));
    const struct page *p = json ? &g->json : &g->status;
    if (!json && !span_eq(line, span_str("status")))
        answer(v, "unknown request: `status` and `status json` are known\n", span_of(NULL, 0),
               false, now);
    else if (p->n == 0)
        answer(v, json ? "{\"state\":\"unknown\"}\n" : "nothing is known yet\n", span_of(NULL, 0),
               false, now);
    else
        answer(v, "", span_of(p->bytes, p->n), true, now);
}

static void hear_http(const struct gate *g, struct visitor *v, int64_t now)
{
    struct gate_request r;
    if (gate_request_parse(span_of(v->request, v->n), &r))
        answer_request(g, v, &r, now);
}

/* What was read; 0: nothing now; -1: he is gone. */
static ssize_t take(const struct visitor *v, uint8_t *to, size_t room)
{
    ssize_t n = recv(v->fd, to, room, 0);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static void hear(const struct gate *g, struct visitor *v, enum door door, int64_t now)
{
    ssize_t n = take(v, v->request + v->n, CAP_GATE_REQUEST - v->n);
    if (n < 0) {
        dismiss(v);
        return;
    }
    v->n += (size_t)n;
    if (door == DOOR_HTTP)
        hear_http(g, v, now);
    else
        hear_control(g, v, now);
}

/* When all is said the visitor hears so, and may leave first: what he sent too much would otherwise
 * reset the connection, and with it what was said. */
static void say(struct visitor *v)
{
    ssize_t n = send(v->fd, v->answer + v->sent, v->size - v->sent, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            dismiss(v);
        return;
    }
    v->sent += (size_t)n;
    if (v->sent < v->size)
        return;
    shutdown(v->fd, SHUT_WR);
    v->phase = PHASE_LEAVES;
}

static void see_off(struct visitor *v)
{
    if (take(v, v->request, CAP_GATE_REQUEST) < 0)
        dismiss(v);
}

static void attend(const struct gate *g, struct visitor *v, enum door door, int64_t now)
{
    if (v->phase == PHASE_ASKS)
        hear(g, v, door, now);
    else if (v->phase == PHASE_LEAVES)
        see_off(v);
    if (v->phase == PHASE_HEARS)
        say(v);
}

/* --- turning --- */

/* PLACES: none. */
static size_t free_place(const struct gate *g, enum door door)
{
    for (size_t i = FIRST[door]; i < FIRST[door + 1]; i++)
        if (g->visitor[i].phase == PHASE_FREE)
            return i;
    return PLACES;
}

static void let_in(struct gate *g, enum door door, int64_t now)
{
    for (size_t i; (i = free_place(g, door)) < PLACES;) {
        struct visitor *v = &g->visitor[i];
        int fd = accept4(g->fd[door], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                g->deaf_until = now + DEAF;
            return;
        }
        v->phase = PHASE_ASKS;
        v->fd = fd;
        v->n = 0;
        v->until = now + PATIENCE;
    }
}

static bool is_ready(const struct pollfd *polled, size_t n, int fd)
{
    for (size_t i = 0; i < n; i++)
        if (polled[i].fd == fd)
            return polled[i].revents != 0;
    return false;
}

size_t gate_fds(const struct gate *g, struct pollfd *to, size_t max)
{
    size_t n = 0;
    for (int d = 0; d < DOOR_COUNT; d++)
        if (g->fd[d] >= 0 && g->deaf_until == 0 && free_place(g, (enum door)d) < PLACES && n < max)
            to[n++] = (struct pollfd){.fd = g->fd[d], .events = POLLIN};
    for (size_t i = 0; i < PLACES && n < max; i++) {
        const struct visitor *v = &g->visitor[i];
        if (v->phase != PHASE_FREE)
            to[n++] =
                (struct pollfd){.fd = v->fd, .events = v->phase == PHASE_HEARS ? POLLOUT : POLLIN};
    }
    return n;
}

void gate_turn_at(struct gate *g, const struct pollfd *polled, size_t n, int64_t now)
{
    if (now >= g->deaf_until)
        g->deaf_until = 0;
    for (int d = 0; d < DOOR_COUNT; d++)
        for (size_t i = FIRST[d]; i < FIRST[d + 1]; i++) {
            struct visitor *v = &g->visitor[i];
            if (v->phase != PHASE_FREE && is_ready(polled, n, v->fd))
                attend(g, v, (enum door)d, now);
            if (v->phase != PHASE_FREE && now >= v->until)
                dismiss(v);
        }
    for (int d = 0; d < DOOR_COUNT; d++)
        if (g->fd[d] >= 0 && g->deaf_until == 0 && is_ready(polled, n, g->fd[d]))
            let_in(g, (enum door)d, now);
}

void gate_turn(struct gate *g, const struct pollfd *polled, size_t n)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    gate_turn_at(g, polled, n, clock_of(t.tv_sec, t.tv_nsec));
}
