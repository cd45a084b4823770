/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/fetch_tap.h"

#include <stdlib.h>

#include "base/caps.h"
#include "base/heap.h"
#include "dissect/tls_hello.h"
#include "dissect/tls_record.h"

#define WAYS 4
#define SETS (CAP_FETCHES / WAYS)
#define HEAD 9 /* of the record, and of the message in it */

static const char prefix[] = "mta-sts.";

enum state { FREE, PARTIAL, WAITING };

struct fetch {
    struct flow_key key;
    enum state state;
    nstime since; /* `now` of its newest byte */
    nstime asked;
    uint32_t source;
    uint32_t next;                  /* sequence number of the client's next byte */
    uint16_t have;                  /* PARTIAL: bytes in `hello` */
    uint8_t *hello;                 /* PARTIAL: heap */
    char host[CAP_DOMAIN_TEXT + 1]; /* WAITING */
};

struct fetch_tap {
    struct siphash_key secret;
    fetch_tap_fn fn;
    void *user;
    uint32_t partial, waiting;
    bool servers; /* any server of port 443 can be heard here */
    struct fetch set[SETS][WAYS];
};

_Static_assert((SETS & (SETS - 1)) == 0, "a hash is cut to a set by its low bits");

struct fetch_tap *fetch_tap_new(const struct siphash_key *key, fetch_tap_fn fn, void *user)
{
    struct fetch_tap *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->secret = *key;
    t->fn = fn;
    t->user = user;
    return t;
}

/* --- places --- */

static void leave(struct fetch_tap *t, struct fetch *f)
{
    t->partial -= f->state == PARTIAL;
    t->waiting -= f->state == WAITING;
    heap_free(f->hello);
    *f = (struct fetch){0};
}

static void tell(struct fetch_tap *t, struct fetch *f, enum fetch_outcome outcome, nstime time,
                 nstime now)
{
    struct fetch told = *f;
    const struct fetch_sighting s = {.outcome = outcome,
                                     .time = time,
                                     .now = now,
                                     .asked = told.asked,
                                     .source = told.source,
                                     .key = told.key,
                                     .host = told.host};

    leave(t, f);
    t->fn(t->user, &s);
}

void fetch_tap_free(struct fetch_tap *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < SETS * WAYS; i++)
        heap_free(t->set[i / WAYS][i % WAYS].hello);
    free(t);
}

static struct fetch *set_of(struct fetch_tap *t, const struct flow_key *k)
{
    uint8_t bytes[36];

    memcpy(bytes, k->client, 16);
    memcpy(bytes + 16, k->server, 16);
    memcpy(bytes + 32, &k->client_port, 2);
    memcpy(bytes + 34, &k->server_port, 2);
    return t->set[siphash(&t->secret, bytes, sizeof(bytes)) & (SETS - 1)];
}

static bool same(const struct flow_key *a, const struct flow_key *b)
{
    return a->family == b->family && a->client_port == b->client_port &&
           memcmp(a->client, b->client, 16) == 0 && memcmp(a->server, b->server, 16) == 0;
}

static struct fetch *find(struct fetch_tap *t, const struct flow_key *k)
{
    struct fetch *set = set_of(t, k);

    for (int i = 0; i < WAYS; i++)
        if (set[i].state != FREE && same(&set[i].key, k))
            return &set[i];
    return NULL;
}

/* Half a message goes before one that waits for its answer, and then the oldest. */
static bool goes_before(const struct fetch *a, const struct fetch *b)
{
    if (a->state != b->state)
        return a->state == PARTIAL;
    return a->since < b->since;
}

/* A free place, or else the least: whoever fills the table makes it forget, and no more. */
static struct fetch *place(struct fetch_tap *t, const struct flow_key *k)
{
    struct fetch *set = set_of(t, k), *least = &set[0];

    for (int i = 0; i < WAYS; i++) {
        if (set[i].state == FREE)
            return &set[i];
        if (goes_before(&set[i], least))
            least = &set[i];
    }
    leave(t, least);
    return least;
}

/* --- the ClientHello --- */

static bool begins_hello(struct span p)
{
    return p.n >= HEAD && p.p[0] == TLS_HANDSHAKE && p.p[1] == 3 && p.p[5] == TLS_CLIENT_HELLO;
}

/* Bytes of a record that holds it whole; 0: there is none such. */
static size_t whole(const uint8_t *head)
{
    size_t record = (size_t)head[3] << 8 | head[4];
    size_t message = (size_t)head[6] << 16 | (size_t)head[7] << 8 | head[8];

    return message + HEAD <= record + 5 && message + HEAD <= CAP_TLS_HELLO ? message + HEAD : 0;
}

/* Is it for a policy host? Then its name. */
static bool read_host(struct span bytes, char host[CAP_DOMAIN_TEXT + 1])
{
    struct tls_client_hello hello;
    struct span data, name;

    if (!tls_client_hello_read(span_from(bytes, HEAD), &hello) ||
        !tls_extension(hello.extensions, TLS_EXTENSION_SERVER_NAME, &data))
        return false;
    name = tls_server_name(data);
    if (name.n > CAP_DOMAIN_TEXT || !span_starts_nocase(name, span_str(prefix)))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] <= ' ' || name.p[i] > '~')
            return false;
        host[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + ('a' - 'A'))
                                                       : (char)name.p[i];
    }
    host[name.n] = '\0';
    return true;
}

struct arriving {
    const struct flow_key *key;
    const struct tcp_segment *tcp;
    nstime time, now;
    uint32_t source;
};

static void wait_for_server(struct fetch_tap *t, struct fetch *f, const struct arriving *a,
                            struct span bytes)
{
    char host[CAP_DOMAIN_TEXT + 1];

    if (!read_host(bytes, host)) {
        leave(t, f);
        return;
    }
    leave(t, f);
    *f = (struct fetch){.key = *a->key,
                        .state = WAITING,
                        .since = a->now,
                        .asked = a->time,
                        .source = a->source,
                        .next = a->tcp->seq + a->tcp->payload_len};
    memcpy(f->host, host, sizeof(f->host));
    t->waiting++;
}

static void go_on(struct fetch_tap *t, struct fetch *f, const struct arriving *a)
{
    size_t want = whole(f->hello);
    struct span part = span_first(a->tcp->payload, want - f->have);

    if (a->tcp->seq != f->next) /* sent again, or out of order: the next one may fit */
        return;
    memcpy(f->hello + f->have, part.p, part.n);
    f->have = (uint16_t)(f->have + part.n);
    f->next += (uint32_t)part.n;
    f->since = a->now;
    if (f->have == want) {
        uint8_t *hello = f->hello;
        f->hello = NULL;
        wait_for_server(t, f, a, span_of(hello, want));
        heap_free(hello);
    }
}

static void begin(struct fetch_tap *t, const struct arriving *a)
{
    struct span p = a->tcp->payload;
    size_t want = whole(p.p);
    struct fetch *f;

    if (!want)
        return;
    f = place(t, a->key);
    f->key = *a->key;
    if (p.n >= want) {
        wait_for_server(t, f, a, span_first(p, want));
        return;
    }
    f->hello = heap_alloc(want);
    if (!f->hello) {
        leave(t, f);
        return;
    }
    memcpy(f->hello, p.p, p.n);
    f->state = PARTIAL;
    f->since = a->now;
    f->have = (uint16_t)p.n;
    f->next = a->tcp->seq + (uint32_t)p.n;
    t->partial++;
}

/* --- segments --- */

/* Where no server is heard at all nobody can say that one was silent. */
static void give_up(struct fetch_tap *t, struct fetch *f, nstime time, nstime now)
{
    if (t->servers)
        tell(t, f, FETCH_UNANSWERED, time, now);
    else
        leave(t, f);
}

static void of_client(struct fetch_tap *t, const struct arriving *a)
{
    struct fetch *f = t->partial || t->waiting ? find(t, a->key) : NULL;
    bool leaves = a->tcp->flags & (TCP_RST | TCP_FIN);

    if (f && f->state == WAITING && a->tcp->payload_len > 0 &&
        (int32_t)(a->tcp->seq - f->next) >= 0)
        tell(t, f, FETCH_ANSWERED, a->time, a->now); /* it goes on, so it was answered */
    else if (f && f->state == WAITING && leaves)
        give_up(t, f, a->time, a->now);
    else if (f && leaves)
        leave(t, f);
    else if (f && f->state == PARTIAL && a->tcp->payload.n > 0)
        go_on(t, f, a);
    else if (!f && begins_hello(a->tcp->payload))
        begin(t, a);
}

static void of_server(struct fetch_tap *t, const struct arriving *a)
{
    struct fetch *f = t->waiting ? find(t, a->key) : NULL;

    if (!f || f->state != WAITING)
        return;
    if (a->tcp->flags & TCP_RST)
        tell(t, f, FETCH_RESET, a->time, a->now);
    else if (a->tcp->payload.n > 0 && a->tcp->payload.p[0] == TLS_ALERT)
        tell(t, f, FETCH_RESET, a->time, a->now);
    else if (a->tcp->payload_len > 0)
        tell(t, f, FETCH_ANSWERED, a->time, a->now);
    else if (a->tcp->flags & TCP_FIN)
        tell(t, f, FETCH_RESET, a->time, a->now);
}

bool fetch_tap_wants(struct fetch_tap *t, bool to_server, struct span payload)
{
    if (!to_server) {
        t->servers = true;
        return t->waiting > 0;
    }
    return t->partial > 0 || t->waiting > 0 || begins_hello(payload);
}

void fetch_tap_segment(struct fetch_tap *t, const struct ip_packet *ip,
                       const struct tcp_segment *tcp, nstime time, nstime now, uint32_t source)
{
    bool up = tcp->dst_port == FETCH_TAP_PORT;
    struct flow_key key = {.family = ip->family,
                           .client_port = up ? tcp->src_port : tcp->dst_port,
                           .server_port = FETCH_TAP_PORT};
    const struct arriving a = {&key, tcp, time, now, source};

    memcpy(key.client, up ? ip->src : ip->dst, sizeof(key.client));
    memcpy(key.server, up ? ip->dst : ip->src, sizeof(key.server));
    t->servers |= !up;
    if (up)
        of_client(t, &a);
    else
        of_server(t, &a);
}

void fetch_tap_tick(struct fetch_tap *t, nstime now)
{
    for (size_t i = 0; (t->partial || t->waiting) && i < SETS * WAYS; i++) {
        struct fetch *f = &t->set[i / WAYS][i % WAYS];
        uint64_t age = (uint64_t)now - (uint64_t)f->since;

        if (f->state == FREE || age <= (uint64_t)(CAP_FETCH_WAIT_S * NS_PER_S))
            continue;
        if (f->state == WAITING)
            give_up(t, f, now, now);
        else
            leave(t, f);
    }
}
