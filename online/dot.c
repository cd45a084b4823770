/* SPDX-License-Identifier: Apache-2.0 */
#include "online/dot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE  (5 * NS_PER_S) /* of a connection on which nothing comes */
#define PAUSE     NS_PER_S       /* between two attempts to connect */
#define HEADER    12             /* RFC 1035 section 4.1.1 */
#define QUESTION  4096           /* the library's have some hundred bytes */
#define ANSWER    (2 + UINT16_MAX)
#define AT_A_TURN 256 /* questions */
#define READS     16  /* of 16 KiB */

_Static_assert((CAP_DOT_FLIGHT & (CAP_DOT_FLIGHT - 1)) == 0, "an ID has a place in its low bits");

/* Who asked, for the answer to find him. */
struct asker {
    struct sockaddr_in from;
    uint16_t id;   /* his */
    uint16_t ours; /* 0: answered */
};

struct dot {
    SSL_CTX *ctx;
    char name[CAP_DOMAIN_TEXT + 1];
    struct sockaddr_storage to;
    socklen_t to_n;
    int epoll, udp, tcp; /* -1: none */
    SSL *ssl;            /* with its BIOs; NULL: there is no connection */
    nstime heard, next;  /* when something came last; not to be connected before */
    size_t open;         /* questions without an answer since the connection is there */
    uint16_t last;
    struct asker asker[CAP_DOT_FLIGHT];
    size_t out_n, in_n;
    uint8_t out[ANSWER], in[ANSWER]; /* questions to be sent; what came of an answer */
};

static bool say(char *why, const char *what)
{
    snprintf(why, DOT_WHY, "DNS over TLS: %s", what);
    return false;
}

/* --- connection --- */

static void watch(const struct dot *d, int fd, uint32_t events, int op)
{
    struct epoll_event e = {.events = events};
    (void)epoll_ctl(d->epoll, op, fd, &e);
}

static void hang_up(struct dot *d)
{
    if (d->tcp >= 0)
        close(d->tcp); /* which ends its watch */
    SSL_free(d->ssl);
    d->ssl = NULL;
    d->tcp = -1;
    d->out_n = d->in_n = d->open = 0;
    ERR_clear_error();
}

static bool ssl_make(struct dot *d)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

    d->ssl = SSL_new(d->ctx);
    if (!d->ssl || !in || !out) {
        BIO_free(in);
        BIO_free(out);
        return false;
    }
    SSL_set_bio(d->ssl, in, out);
    SSL_set_connect_state(d->ssl);
    SSL_set_hostflags(d->ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(d->ssl, d->name) == 1 && SSL_set_tlsext_host_name(d->ssl, d->name) == 1;
}

static void call(struct dot *d, nstime now)
{
    int yes = 1;

    d->next = clock_add(now, PAUSE);
    d->heard = now;
    d->tcp = socket(d->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->tcp < 0 || !ssl_make(d) ||
        (connect(d->tcp, (struct sockaddr *)&d->to, d->to_n) != 0 && errno != EINPROGRESS)) {
        hang_up(d);
        return;
    }
    (void)setsockopt(d->tcp, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    watch(d, d->tcp, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

/* --- questions --- */

static void put16(uint8_t *to, size_t n)
{
    to[0] = (uint8_t)(n >> 8);
    to[1] = (uint8_t)n;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

/* One that finds no room is lost, as datagrams are. */
static void question_take(struct dot *d, const uint8_t *q, size_t n, const struct sockaddr_in *from)
{
    uint8_t *to = d->out + d->out_n;

    if (n < HEADER || d->out_n + 2 + n > sizeof(d->out))
        return;
    if (++d->last == 0)
        d->last = 1;
    d->asker[d->last % CAP_DOT_FLIGHT] =
        (struct asker){.from = *from, .id = get16(q), .ours = d->last};
    put16(to, n);
    memcpy(to + 2, q, n);
    put16(to + 2, d->last);
    d->out_n += 2 + n;
    d->open++;
}

static void questions_take(struct dot *d)
{
    uint8_t q[QUESTION];

    for (int i = 0; i < AT_A_TURN; i++) {
        struct sockaddr_in from = {0};
        socklen_t from_n = sizeof(from);
        ssize_t n = recvfrom(d->udp, q, sizeof(q), 0, (struct sockaddr *)&from, &from_n);
        if (n < 0)
            return;
        question_take(d, q, (size_t)n, &from);
    }
}

/* --- answers --- */

static void answer_give(struct dot *d, uint8_t *a, size_t n)
{
    if (n < HEADER)
        return;
    struct asker *to = &d->asker[get16(a) % CAP_DOT_FLIGHT];
    if (to->ours == 0 || to->ours != get16(a))
        return;
    to->ours = 0;
    d->open -= d->open > 0;
    put16(a, to->id);
    (void)sendto(d->udp, a, n, MSG_NOSIGNAL, (struct sockaddr *)&to->from, sizeof(to->from));
}

/* Those that are whole (RFC 1035 section 4.2.2). */
static void answers_give(struct dot *d)
{
    size_t at = 0;

    while (d->in_n - at >= 2 && d->in_n - at - 2 >= get16(d->in + at)) {
        size_t n = get16(d->in + at);
        answer_give(d, d->in + at + 2, n);
        at += 2 + n;
    }
    memmove(d->in, d->in + at, d->in_n - at);
    d->in_n -= at;
}

/* --- TLS --- */

/* False: the connection is of no use any more. */
static bool wire_read(struct dot *d, nstime now)
{
    uint8_t raw[16384];
    ssize_t n = 1;

    for (int i = 0; i < READS; i++) { /* what is left is for the next turn */
        n = recv(d->tcp, raw, sizeof(raw), 0);
        if (n <= 0)
            break;
        d->heard = now;
        if (BIO_write(SSL_get_rbio(d->ssl), raw, (int)n) != n)
            return false;
    }
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN));
}

static bool wire_write(struct dot *d)
{
    BIO *out = SSL_get_wbio(d->ssl);
    uint8_t sent[4096];
    char *p;
    long n;

    while ((n = BIO_get_mem_data(out, &p)) > 0) {
        size_t most = n < (long)sizeof(sent) ? (size_t)n : sizeof(sent);
        ssize_t went = send(d->tcp, p, most, MSG_NOSIGNAL);
        if (went < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
        if (BIO_read(out, sent, (int)went) != went)
            return false;
    }
    return true;
}

static bool more_wanted(struct dot *d, int r)
{
    int e = SSL_get_error(d->ssl, r);
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

static bool tls_turn(struct dot *d)
{
    int r;

    ERR_clear_error();
    if (!SSL_is_init_finished(d->ssl) && (r = SSL_do_handshake(d->ssl)) != 1)
        return more_wanted(d, r);
    if (d->out_n > 0) {
        if ((r = SSL_write(d->ssl, d->out, (int)d->out_n)) <= 0)
            return more_wanted(d, r);
        d->out_n = 0;
    }
    while ((r = SSL_read(d->ssl, d->in + d->in_n, (int)(sizeof(d->in) - d->in_n))) > 0) {
        d->in_n += (size_t)r;
        answers_give(d);
    }
    return more_wanted(d, r);
}

void dot_turn(struct dot *d, nstime now)
{
    questions_take(d);
    if (!d->ssl && d->out_n > 0 && now >= d->next)
        call(d, now);
    if (!d->ssl) {
        d->out_n = 0; /* older ones are asked again */
        return;
    }
    bool good = wire_read(d, now);
    good = tls_turn(d) && wire_write(d) && good;
    if (d->open == 0)
        d->heard = now;
    if (!good || clock_since(now, d->heard) > PATIENCE) {
        hang_up(d);
        return;
    }
    bool waits = BIO_ctrl_pending(SSL_get_wbio(d->ssl)) > 0;
    watch(d, d->tcp, EPOLLIN | (waits ? EPOLLOUT : 0u), EPOLL_CTL_MOD);
}

/* --- life --- */

static bool address_set(struct dot *d, const struct resolve_upstream *u)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&d->to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&d->to;

    if (inet_pton(AF_INET, u->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(u->port);
        d->to_n = sizeof(*v4);
        return true;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(u->port);
    d->to_n = sizeof(*v6);
    return inet_pton(AF_INET6, u->address, &v6->sin6_addr) == 1;
}

static bool ctx_make(struct dot *d, const char *ca_file, char *why)
{
    d->ctx = SSL_CTX_new(TLS_client_method());
    if (!d->ctx || SSL_CTX_set_min_proto_version(d->ctx, TLS1_2_VERSION) != 1)
        return say(why, "no memory");
    SSL_CTX_set_options(d->ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(d->ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(d->ctx, ca_file) != 1) {
        ERR_clear_error();
        return say(why, "no authorities that are understood");
    }
    return true;
}

static bool listen_here(struct dot *d, char *why)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

    d->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->udp < 0 || bind(d->udp, (struct sockaddr *)&here, sizeof(here)) != 0)
        return say(why, "no port on 127.0.0.1");
    watch(d, d->udp, EPOLLIN, EPOLL_CTL_ADD);
    return true;
}

struct dot *dot_new(const struct resolve_upstream *u, const char *ca_file, int epoll,
                    char why[DOT_WHY])
{
    struct dot *d = calloc(1, sizeof(*d));

    if (!d) {
        say(why, "no memory");
        return NULL;
    }
    d->epoll = epoll;
    d->udp = d->tcp = -1;
    memcpy(d->name, u->name, sizeof(d->name));
    if (!address_set(d, u) || !ctx_make(d, ca_file, why) || !listen_here(d, why)) {
        dot_free(d);
        return NULL;
    }
    return d;
}

void dot_free(struct dot *d)
{
    if (!d)
        return;
    hang_up(d);
    SSL_CTX_free(d->ctx);
    if (d->udp >= 0)
        close(d->udp);
    free(d);
}

uint16_t dot_port(const struct dot *d)
{
    struct sockaddr_in here = {0};
    socklen_t n = sizeof(here);

    (void)getsockname(d->udp, (struct sockaddr *)&here, &n);
    return ntohs(here.sin_port);
}
