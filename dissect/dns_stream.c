/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/dns_stream.h"

#include <stdlib.h>

#include "base/caps.h"
#include "base/heap.h"
#include "base/recent.h"
#include "dissect/checksum.h"

enum {
    LENGTH = 2,         /* octets of a message's length */
    BYTES_FIRST = 1024, /* first allocation for an unfinished message; then doubled */
    MOST = LENGTH + UINT16_MAX,
    CHECKSUM_AT = 16,
    PROTO_TCP = 6
};

/* Padded by hand: it is hashed as bytes. */
struct key {
    uint8_t src[16], dst[16];
    uint16_t src_port, dst_port;
    uint8_t family;
    uint8_t zero[3];
};

struct stream {
    nstime seen;    /* `now` of its newest segment, when it was used last */
    uint32_t next;  /* sequence number of the next byte */
    uint8_t *bytes; /* an unfinished message with its length; owned; NULL: none */
    uint32_t n;     /* of them here */
    uint32_t size;  /* of bytes */
};

struct dns_stream_table {
    struct recent *streams; /* by struct key */
    uint64_t dropped;
    size_t held;
};

/* Where the messages of a segment go. */
struct sink {
    struct dns_stream_table *table;
    dns_stream_fn fn;
    void *user;
};

struct dns_stream_table *dns_stream_new(const struct siphash_key *key)
{
    struct dns_stream_table *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->streams = recent_new(key, CAP_DNS_STREAMS, sizeof(struct stream));
    if (t->streams)
        return t;
    free(t);
    return NULL;
}

static void forget_message(struct dns_stream_table *t, struct stream *s)
{
    heap_free(s->bytes);
    t->held -= s->size;
    s->bytes = NULL;
    s->n = s->size = 0;
}

static void release(struct dns_stream_table *t, struct stream *s)
{
    forget_message(t, s);
    recent_forget(t->streams, s);
}

void dns_stream_free(struct dns_stream_table *t)
{
    if (!t)
        return;
    for (struct stream *s; (s = recent_oldest(t->streams));)
        release(t, s);
    recent_free(t->streams);
    free(t);
}

uint64_t dns_stream_dropped(const struct dns_stream_table *t)
{
    return t->dropped;
}

size_t dns_stream_held(const struct dns_stream_table *t)
{
    return t->held;
}

void dns_stream_tick(struct dns_stream_table *t, nstime now)
{
    struct stream *s = t->held > 0 ? recent_oldest(t->streams) : NULL;

    while (s && now - s->seen > CAP_DNS_STREAM_S * NS_PER_S) {
        struct stream *newer = recent_newer(t->streams, s);

        if (s->bytes)
            release(t, s);
        s = newer;
    }
}

/* --- directions --- */

static void key_of(const struct ip_packet *ip, const struct tcp_segment *tcp, struct key *k)
{
    memset(k, 0, sizeof(*k));
    memcpy(k->src, ip->src, sizeof(k->src));
    memcpy(k->dst, ip->dst, sizeof(k->dst));
    k->src_port = tcp->src_port;
    k->dst_port = tcp->dst_port;
    k->family = ip->family;
}

/* Where there is no place the one that is silent longest gives way. */
static struct stream *begin(struct dns_stream_table *t, const struct key *k)
{
    if (recent_is_full(t->streams))
        release(t, recent_oldest(t->streams));
    return recent_keep(t->streams, k, sizeof(*k));
}

/* A SYN that comes again is the same beginning. */
static struct stream *direction(struct dns_stream_table *t, const struct ip_packet *ip,
                                const struct tcp_segment *tcp)
{
    struct stream *s;
    struct key k;

    key_of(ip, tcp, &k);
    s = recent_find(t->streams, &k, sizeof(k));
    if (!(tcp->flags & TCP_SYN) || (s && s->next == tcp->seq + 1))
        return s;
    if (s)
        release(t, s);
    s = begin(t, &k);
    s->next = tcp->seq + 1;
    return s;
}

/* --- bytes --- */

/* Octets of a message and its length, once the length is here; else those of the length. */
static uint32_t wanted(struct span bytes)
{
    return bytes.n < LENGTH ? LENGTH : LENGTH + (uint32_t)tcp_be16(bytes.p);
}

static bool make_room(struct dns_stream_table *t, struct stream *s, uint32_t n)
{
    uint32_t size = s->size > 0 ? s->size : BYTES_FIRST;
    uint8_t *bytes;

    while (size < n)
        size = size < MOST / 2 ? size * 2 : MOST;
    if (size == s->size)
        return true;
    if (size - s->size > CAP_DNS_STREAM_BYTES - t->held)
        return false;
    bytes = heap_resize(s->bytes, size);
    if (!bytes)
        return false;
    t->held += size - s->size;
    s->bytes = bytes;
    s->size = size;
    return true;
}

/* Moves bytes to the unfinished message, no more than it wants. False: no room. */
static bool gather(struct dns_stream_table *t, struct stream *s, struct span *data)
{
    uint32_t lacks = wanted(span_of(s->bytes, s->n)) - s->n;
    struct span part = span_first(*data, lacks);

    if (!make_room(t, s, s->n + (uint32_t)part.n))
        return false;
    memcpy(s->bytes + s->n, part.p, part.n);
    s->n += (uint32_t)part.n;
    *data = span_from(*data, part.n);
    return true;
}

static bool is_whole(struct span bytes)
{
    return bytes.n >= LENGTH && bytes.n >= wanted(bytes);
}

static bool feed(const struct sink *to, struct stream *s, struct span data)
{
    while (data.n > 0) {
        if (s->n == 0 && is_whole(data)) { /* most are: nothing is copied */
            uint32_t n = wanted(data);
            to->fn(to->user, span_of(data.p + LENGTH, n - LENGTH));
            data = span_from(data, n);
            continue;
        }
        if (!gather(to->table, s, &data))
            return false;
        if (is_whole(span_of(s->bytes, s->n))) {
            to->fn(to->user, span_of(s->bytes + LENGTH, s->n - LENGTH));
            forget_message(to->table, s);
        }
    }
    return true;
}

enum taken {
    TAKEN,
    TAKEN_NOT, /* the segment is of no use */
    TAKEN_LAST /* likewise, and what is behind it could not be told apart */
};

/* The bytes that are new, if those before them are here. */
static enum taken take(const struct sink *to, struct stream *s, const struct tcp_segment *tcp)
{
    uint32_t seq = tcp->seq + ((tcp->flags & TCP_SYN) != 0);
    uint32_t old = s->next - seq;

    if (tcp->payload_len == 0 || (old <= INT32_MAX && old >= tcp->payload_len))
        return TAKEN;
    if (old > INT32_MAX)
        return TAKEN_NOT;
    if (tcp->payload.n < tcp->payload_len || !feed(to, s, span_from(tcp->payload, old)))
        return TAKEN_LAST;
    s->next = seq + tcp->payload_len;
    return TAKEN;
}

/* Captured on its sender every segment is wrong; but then in a way of its own. */
static bool is_damaged(const struct ip_packet *ip)
{
    return tcp_checksum(ip) == TCP_CHECKSUM_BAD && !checksum_is_partial(ip, PROTO_TCP, CHECKSUM_AT);
}

void dns_stream_push(struct dns_stream_table *t, const struct ip_packet *ip,
                     const struct tcp_segment *tcp, nstime now, dns_stream_fn fn, void *user)
{
    const struct sink to = {t, fn, user};
    enum taken taken;
    struct stream *s;

    if (is_damaged(ip)) {
        t->dropped++;
        return;
    }
    s = direction(t, ip, tcp);
    if (!s) {
        t->dropped += tcp->payload_len > 0;
        return;
    }
    s->seen = now;
    recent_use(t->streams, s);
    taken = take(&to, s, tcp);
    t->dropped += taken != TAKEN;
    /* RFC 5961: an RST counts at the next byte alone; a FIN is behind the last one. */
    if (taken == TAKEN_LAST ||
        ((tcp->flags & (TCP_FIN | TCP_RST)) && tcp->seq + tcp->payload_len == s->next))
        release(t, s);
}
