/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/fetch_tap.h"

#include <stdlib.h>

#include "base/caps.h"
#include "base/heap.h"
#include "base/recent.h"
#include "dissect/tls_hello.h"
#include "dissect/tls_record.h"

#define HEAD 9 /* of the record, and of the message in it */

static const char prefix[] = "mta-sts.";

/* A ClientHello that is not whole yet. */
struct part {
    nstime since;   /* `now` of its newest byte */
    uint32_t next;  /* sequence number of the client's next byte */
    uint16_t have;  /* bytes of it */
    uint8_t *hello; /* heap */
};

/* One that was, and waits for its answer. */
struct fetch {
    struct flow_key key;
    nstime since; /* `now` of its newest byte */
    nstime asked;
    uint32_t source;
    uint32_t next; /* sequence number of the client's next byte */
    char host[CAP_DOMAIN_TEXT + 1];
};

/* Who fills one table with halves of messages makes nobody forget in the other. */
struct fetch_tap {
    fetch_tap_fn fn;
    void *user;
    struct recent *parts;   /* by connection: struct part */
    struct recent *fetches; /* by connection: struct fetch */
    bool servers;           /* any server of port 443 can be heard here */
};

struct fetch_tap *fetch_tap_new(const struct siphash_key *key, fetch_tap_fn fn, void *user)
{
    struct fetch_tap *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->fn = fn;
    t->user = user;
    t->parts = recent_new(key, CAP_FETCHES, sizeof(struct part));
    t->fetches = recent_new(key, CAP_FETCHES, sizeof(struct fetch));
    if (t->parts && t->fetches)
        return t;
    fetch_tap_free(t);
    return NULL;
}

/* --- places --- */

static void drop_part(struct fetch_tap *t, struct part *p)
{
    heap_free(p->hello);
    recent_forget(t->parts, p);
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

    recent_forget(t->fetches, f);
    t->fn(t->user, &s);
}

void fetch_tap_free(struct fetch_tap *t)
{
    if (!t)
        return;
    for (struct part *p; t->parts && (p = recent_oldest(t->parts));)
        drop_part(t, p);
    recent_free(t->parts);
    recent_free(t->fetches);
    free(t);
}

/* A connection as the key of both tables. */
struct connection {
    uint8_t bytes[37];
};

static struct connection connection_of(const struct flow_key *k)
{
    struct connection c;

    memcpy(c.bytes, k->client, 16);
    memcpy(c.bytes + 16, k->server, 16);
    memcpy(c.bytes + 32, &k->client_port, 2);
    memcpy(c.bytes + 34, &k->server_port, 2);
    c.bytes[36] = k->family;
    return c;
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
    struct connection connection;
    const struct tcp_segment *tcp;
    nstime time, now;
    uint32_t source;
};

static void wait_for_server(struct fetch_tap *t, const struct arriving *a, struct span hello)
{
    char host[CAP_DOMAIN_TEXT + 1];
    struct fetch *f;

    if (!read_host(hello, host))
        return;
    f = recent_keep(t->fetches, a->connection.bytes, sizeof(a->connection.bytes));
    *f = (struct fetch){.key = *a->key,
                        .since = a->now,
                        .asked = a->time,
                        .source = a->source,
                        .next = a->tcp->seq + a->tcp->payload_len};
    memcpy(f->host, host, sizeof(f->host));
}

static void go_on(struct fetch_tap *t, struct part *p, const struct arriving *a)
{
    size_t want = whole(p->hello);
    struct span more = span_first(a->tcp->payload, want - p->have);

    if (a->tcp->seq != p->next) /* sent again, or out of order: the next one may fit */
        return;
    memcpy(p->hello + p->have, more.p, more.n);
    p->have = (uint16_t)(p->have + more.n);
    p->next += (uint32_t)more.n;
    p->since = a->now;
    recent_use(t->parts, p);
    if (p->have == want) {
        wait_for_server(t, a, span_of(p->hello, want));
        drop_part(t, p);
    }
}

static void begin(struct fetch_tap *t, const struct arriving *a)
{
    struct span bytes = a->tcp->payload;
    size_t want = whole(bytes.p);
    uint8_t *hello;
    struct part *p;

    if (!want)
        return;
    if (bytes.n >= want) {
        wait_for_server(t, a, span_first(bytes, want));
        return;
    }
    if (recent_is_full(t->parts))
        drop_part(t, recent_oldest(t->parts));
    hello = heap_alloc(want);
    if (!hello)
        return;
    memcpy(hello, bytes.p, bytes.n);
    p = recent_keep(t->parts, a->connection.bytes, sizeof(a->connection.bytes));
    *p = (struct part){.since = a->now,
                       .next = a->tcp->seq + (uint32_t)bytes.n,
                       .have = (uint16_t)bytes.n,
                       .hello = hello};
}

/* --- segments --- */

static struct fetch *find_fetch(struct fetch_tap *t, const struct arriving *a)
{
    return recent_find(t->fetches, a->connection.bytes, sizeof(a->connection.bytes));
}

static struct part *find_part(struct fetch_tap *t, const struct arriving *a)
{
    return recent_find(t->parts, a->connection.bytes, sizeof(a->connection.bytes));
}

/* Where no server is heard at all nobody can say that one was silent. */
static void give_up(struct fetch_tap *t, struct fetch *f, nstime time, nstime now)
{
    if (t->servers)
        tell(t, f, FETCH_UNANSWERED, time, now);
    else
        recent_forget(t->fetches, f);
}

static void of_waiting(struct fetch_tap *t, struct fetch *f, const struct arriving *a, bool leaves)
{
    if (a->tcp->payload_len > 0 && (int32_t)(a->tcp->seq - f->next) >= 0)
        tell(t, f, FETCH_ANSWERED, a->time, a->now); /* it goes on, so it was answered */
    else if (leaves)
        give_up(t, f, a->time, a->now);
}

static void of_client(struct fetch_tap *t, const struct arriving *a)
{
    bool leaves = a->tcp->flags & (TCP_RST | TCP_FIN);
    struct fetch *f;
    struct part *p;

    if (!leaves && a->tcp->payload_len == 0) /* says only what was received */
        return;
    f = find_fetch(t, a);
    p = f ? NULL : find_part(t, a);
    if (f)
        of_waiting(t, f, a, leaves);
    else if (p && leaves)
        drop_part(t, p);
    else if (p && a->tcp->payload.n > 0)
        go_on(t, p, a);
    else if (!p && begins_hello(a->tcp->payload))
        begin(t, a);
}

static void of_server(struct fetch_tap *t, const struct arriving *a)
{
    struct fetch *f = find_fetch(t, a);

    if (!f)
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
        return recent_count(t->fetches) > 0;
    }
    return recent_count(t->parts) > 0 || recent_count(t->fetches) > 0 || begins_hello(payload);
}

void fetch_tap_segment(struct fetch_tap *t, const struct ip_packet *ip,
                       const struct tcp_segment *tcp, nstime time, nstime now, uint32_t source)
{
    bool up = tcp->dst_port == FETCH_TAP_PORT;
    struct flow_key key = {.family = ip->family,
                           .client_port = up ? tcp->src_port : tcp->dst_port,
                           .server_port = FETCH_TAP_PORT};
    struct arriving a = {.key = &key, .tcp = tcp, .time = time, .now = now, .source = source};

    memcpy(key.client, up ? ip->src : ip->dst, sizeof(key.client));
    memcpy(key.server, up ? ip->dst : ip->src, sizeof(key.server));
    a.connection = connection_of(&key);
    t->servers |= !up;
    if (up)
        of_client(t, &a);
    else
        of_server(t, &a);
}

static bool is_over(nstime since, nstime now)
{
    return now - since > CAP_FETCH_WAIT_S * NS_PER_S;
}

void fetch_tap_tick(struct fetch_tap *t, nstime now)
{
    struct fetch *f;
    struct part *p;

    while ((p = recent_oldest(t->parts)) && is_over(p->since, now))
        drop_part(t, p);
    while ((f = recent_oldest(t->fetches)) && is_over(f->since, now))
        give_up(t, f, now, now);
}
