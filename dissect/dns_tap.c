/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/dns_tap.h"

#include <stdlib.h>

#include "dissect/dns_query.h"
#include "dissect/dns_stream.h"
#include "dissect/udp.h"

enum { HEADER = 12, PROTO_UDP = 17 };

struct dns_tap {
    dns_tap_fn fn;
    void *user;
    nstime now; /* newest packet time */
    struct dns_query_table *queries;
    struct dns_stream_table *streams;
    struct dns_tap_counters count;
    struct dns_message message; /* the one that is read */
};

/* A message and how it came. */
struct carried {
    struct dns_tap *tap;
    const struct dns_arrival *arrival;
    uint16_t src_port, dst_port;
    bool tcp, bad_checksum;
    bool cut; /* by the snap length */
};

struct dns_tap *dns_tap_new(const struct siphash_key *key, uint32_t queries, dns_tap_fn fn,
                            void *user)
{
    struct dns_tap *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->fn = fn;
    t->user = user;
    t->now = INT64_MIN;
    t->queries = dns_query_new(key, queries);
    t->streams = dns_stream_new(key);
    if (!t->queries || !t->streams) {
        dns_tap_free(t);
        return NULL;
    }
    return t;
}

void dns_tap_free(struct dns_tap *t)
{
    if (!t)
        return;
    dns_query_free(t->queries);
    dns_stream_free(t->streams);
    free(t);
}

struct dns_tap_counters dns_tap_counters(const struct dns_tap *t)
{
    struct dns_tap_counters c = t->count;

    c.forgotten = dns_query_forgotten(t->queries);
    c.dropped = dns_stream_dropped(t->streams);
    return c;
}

/* --- one message --- */

static void describe(const struct carried *c, struct dns_sighting *s)
{
    const struct dns_message *m = &c->tap->message;
    const struct ip_packet *ip = c->arrival->ip;
    bool up = c->dst_port == DNS_TAP_PORT && !(c->src_port == DNS_TAP_PORT && m->response);

    *s = (struct dns_sighting){.kind = m->response ? DNS_SIGHTING_ANSWER : DNS_SIGHTING_QUERY,
                               .time = c->arrival->time,
                               .now = c->tap->now,
                               .source = c->arrival->source,
                               .point = c->arrival->point,
                               .family = ip->family,
                               .client_port = up ? c->src_port : c->dst_port,
                               .server_port = DNS_TAP_PORT,
                               .tcp = c->tcp,
                               .bad_checksum = c->bad_checksum,
                               .message = m};
    memcpy(s->client, up ? ip->src : ip->dst, sizeof(s->client));
    memcpy(s->server, up ? ip->dst : ip->src, sizeof(s->server));
}

/* A query goes to port 53 and an answer comes from there; what does else is no DNS. */
static bool is_turned(const struct carried *c)
{
    return (c->tap->message.response ? c->src_port : c->dst_port) != DNS_TAP_PORT;
}

static void hand_out(const struct carried *c)
{
    struct dns_tap *t = c->tap;
    const struct dns_message *m = &t->message;
    struct dns_sighting s;

    describe(c, &s);
    if (m->has_question && !s.bad_checksum && m->response)
        dns_query_answer(t->queries, &s, t->now);
    else if (m->has_question && !s.bad_checksum)
        dns_query_ask(t->queries, &s, t->now);
    t->count.messages++;
    t->fn(t->user, &s);
}

static void carry(const struct carried *c, struct span bytes)
{
    struct dns_message *m = &c->tap->message;
    bool headed = bytes.n >= HEADER;

    if (dns_read(bytes, m) == DNS_CUT && !c->cut)
        m->result = DNS_MALFORMED;
    if (m->result == DNS_MALFORMED || (headed && is_turned(c)))
        c->tap->count.malformed++;
    if (headed && !is_turned(c))
        hand_out(c);
}

static void carry_segment(void *user, struct span message)
{
    carry(user, message);
}

/* --- packets --- */

static void advance(struct dns_tap *t, nstime now)
{
    struct dns_sighting s;

    t->now = now;
    while (dns_query_unanswered(t->queries, t->now, &s, &t->message)) {
        t->count.unanswered++;
        t->fn(t->user, &s);
    }
}

void dns_tap_tick(struct dns_tap *t, nstime now)
{
    advance(t, now);
    dns_stream_tick(t->streams, now);
}

bool dns_tap_is_udp(const struct ip_packet *ip)
{
    return ip->proto == PROTO_UDP && ip->payload.n >= 4 &&
           (tcp_be16(ip->payload.p) == DNS_TAP_PORT || tcp_be16(ip->payload.p + 2) == DNS_TAP_PORT);
}

void dns_tap_udp(struct dns_tap *t, const struct dns_arrival *a)
{
    struct udp_datagram udp;
    struct carried c;

    advance(t, a->now);
    switch (udp_parse(a->ip, &udp)) {
    case UDP_OK:
        c = (struct carried){t,
                             a,
                             udp.src_port,
                             udp.dst_port,
                             false,
                             udp.bad_checksum,
                             udp.payload.n < udp.payload_len};
        carry(&c, udp.payload);
        break;
    case UDP_MALFORMED:
        t->count.malformed++;
        break;
    case UDP_SHORT: /* cut by the snap length */
        break;
    }
}

void dns_tap_tcp(struct dns_tap *t, const struct dns_arrival *a, const struct tcp_segment *tcp)
{
    struct carried c = {
        .tap = t, .arrival = a, .src_port = tcp->src_port, .dst_port = tcp->dst_port, .tcp = true};

    advance(t, a->now);
    dns_stream_push(t->streams, a->ip, tcp, t->now, carry_segment, &c);
}
