/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/defrag.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/caps.h"
#include "base/siphash.h"

enum {
    BUCKETS = 2 * CAP_FRAG_TRACKERS,
    NONE = CAP_FRAG_TRACKERS, /* no tracker: an index one too far */
    BYTES_FIRST = 4096        /* first allocation for the bytes of a datagram; then doubled */
};

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a hash is cut to a bucket by its low bits");

/* What makes pieces belong together; padded by hand, since it is hashed and compared as bytes. */
struct key {
    uint8_t src[16], dst[16];
    uint32_t id;
    uint8_t family;
    uint8_t proto; /* IPv4 only: the pieces of an IPv6 packet may differ (RFC 8200 section 4.5) */
    uint8_t zero[2];
    uint32_t zone;
};

/* Bytes of the datagram that are here: from start up to end, which is not included. */
struct range {
    uint32_t start, end;
};

/* One datagram being put together. */
struct tracker {
    struct key key;
    nstime started;         /* time of the piece that came first */
    struct ip_packet first; /* the piece at offset 0, once it is here; its payload is gone */
    uint8_t *bytes;         /* what came so far, at its place; owned */
    uint32_t size;          /* of bytes */
    struct range range[CAP_FRAG_PIECES]; /* ascending, never touching each other */
    uint32_t ranges;
    uint32_t pieces; /* that are in here and in no other counter than `pending` */
    uint32_t reach;  /* the furthest end of a piece, captured or not */
    uint32_t total;  /* length of the datagram; 0 until the last piece came */
    uint32_t needed; /* total, less what the snap length cut from the last piece */
    bool refused;    /* had a conflict: takes what comes and gives nothing */
    uint16_t bucket; /* where it hangs */
    uint16_t next_in_bucket;
    uint16_t older, newer; /* by arrival */
};

/*
 * The datagram given out last. A mirror port shows many packets twice, and the second copy of the
 * piece that completed it must not wait for a datagram that will never be.
 */
struct given {
    struct key key;
    nstime started;
    uint8_t *bytes; /* owned */
    uint32_t n;     /* captured */
    uint32_t total;
};

struct defrag {
    struct defrag_counters count;
    struct siphash_key secret;
    struct tracker *pool; /* CAP_FRAG_TRACKERS of them; NULL before the first fragment */
    struct given given;
    uint16_t bucket[BUCKETS];
    uint16_t oldest, newest;
    uint16_t unused; /* free trackers, linked by next_in_bucket */
};

struct defrag *defrag_new(void)
{
    struct defrag *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    /* Nothing that is given out depends on the secret, so zero will do on a system without. */
    if (getrandom(&d->secret, sizeof(d->secret), GRND_NONBLOCK) != (ssize_t)sizeof(d->secret))
        memset(&d->secret, 0, sizeof(d->secret));
    return d;
}

void defrag_free(struct defrag *d)
{
    if (!d)
        return;
    for (int i = 0; d->pool && i < CAP_FRAG_TRACKERS; i++)
        free(d->pool[i].bytes);
    free(d->pool);
    free(d->given.bytes);
    free(d);
}

const struct defrag_counters *defrag_counters(const struct defrag *d)
{
    return &d->count;
}

/* --- trackers --- */

static bool make_pool(struct defrag *d)
{
    if (d->pool)
        return true;
    d->pool = calloc(CAP_FRAG_TRACKERS, sizeof(*d->pool));
    if (!d->pool)
        return false;
    for (int i = 0; i < BUCKETS; i++)
        d->bucket[i] = NONE;
    for (int i = 0; i < CAP_FRAG_TRACKERS; i++)
        d->pool[i].next_in_bucket = (uint16_t)(i + 1);
    d->unused = 0;
    d->oldest = d->newest = NONE;
    return true;
}

static void key_of(const struct ip_packet *in, uint32_t zone, struct key *key)
{
    memset(key, 0, sizeof(*key));
    memcpy(key->src, in->src, sizeof(key->src));
    memcpy(key->dst, in->dst, sizeof(key->dst));
    key->id = in->id;
    key->zone = zone;
    key->family = in->family;
    key->proto = in->family == 4 ? in->proto : 0;
}

static uint16_t bucket_of(const struct defrag *d, const struct key *key)
{
    return (uint16_t)(siphash(&d->secret, key, sizeof(*key)) & (BUCKETS - 1));
}

static struct tracker *find(const struct defrag *d, const struct key *key)
{
    for (uint16_t i = d->bucket[bucket_of(d, key)]; i != NONE; i = d->pool[i].next_in_bucket)
        if (memcmp(&d->pool[i].key, key, sizeof(*key)) == 0)
            return &d->pool[i];
    return NULL;
}

static void unlink_tracker(struct defrag *d, struct tracker *t)
{
    uint16_t self = (uint16_t)(t - d->pool);
    uint16_t *link = &d->bucket[t->bucket];

    while (*link != self)
        link = &d->pool[*link].next_in_bucket;
    *link = t->next_in_bucket;
    *(t->older == NONE ? &d->oldest : &d->pool[t->older].newer) = t->newer;
    *(t->newer == NONE ? &d->newest : &d->pool[t->newer].older) = t->older;
}

static void link_tracker(struct defrag *d, struct tracker *t)
{
    uint16_t self = (uint16_t)(t - d->pool);

    t->bucket = bucket_of(d, &t->key);
    t->next_in_bucket = d->bucket[t->bucket];
    d->bucket[t->bucket] = self;
    t->older = d->newest;
    t->newer = NONE;
    *(d->newest == NONE ? &d->oldest : &d->pool[d->newest].newer) = self;
    d->newest = self;
}

/* Takes the pieces out of the datagram and into a counter. */
static void settle(struct defrag *d, struct tracker *t, uint64_t *counter)
{
    *counter += t->pieces;
    d->count.pending -= t->pieces;
    t->pieces = 0;
}

static void release(struct defrag *d, struct tracker *t, uint64_t *counter)
{
    settle(d, t, counter);
    unlink_tracker(d, t);
    free(t->bytes);
    t->bytes = NULL;
    t->next_in_bucket = d->unused;
    d->unused = (uint16_t)(t - d->pool);
}

/* Packet time may run backwards, and may be anything: what is of the future is not old. */
static bool is_expired(nstime since, nstime now)
{
    return now > since && (uint64_t)now - (uint64_t)since > (uint64_t)(CAP_FRAG_SECONDS * NS_PER_S);
}

static struct tracker *start(struct defrag *d, const struct key *key, nstime now)
{
    struct tracker *t;

    if (d->unused == NONE)
        release(d, &d->pool[d->oldest], &d->count.evicted);
    t = &d->pool[d->unused];
    d->unused = t->next_in_bucket;
    t->key = *key;
    t->started = now;
    t->size = t->ranges = t->pieces = t->reach = t->total = t->needed = 0;
    t->refused = false;
    link_tracker(d, t);
    return t;
}

/* The datagram that this key is part of now, after all whose time is over went. */
static struct tracker *find_current(struct defrag *d, const struct key *key, nstime now)
{
    struct tracker *t;

    while (d->oldest != NONE && is_expired(d->pool[d->oldest].started, now))
        release(d, &d->pool[d->oldest], &d->count.timeouts);
    t = find(d, key);
    if (!t || !is_expired(t->started, now))
        return t;
    /* Behind one of the future, after time ran backwards. */
    release(d, t, &d->count.timeouts);
    return NULL;
}

/* --- pieces --- */

/* Bytes at or behind these can be part of no IP datagram, or the length is no fragment's. */
static bool is_malformed(const struct ip_packet *in)
{
    return in->payload_len == 0 || in->frag_offset > CAP_FRAG_BYTES ||
           in->payload_len > CAP_FRAG_BYTES - in->frag_offset ||
           (in->more && in->payload_len % 8 != 0) || ip_bad_checksum(in);
}

/* Two lengths of one datagram, or bytes behind its end. */
static bool has_other_length(const struct tracker *t, const struct ip_packet *in)
{
    uint32_t end = in->frag_offset + in->payload_len;

    if (t->total > 0 && (in->more ? end > t->total : end != t->total))
        return true;
    return !in->more && end < t->reach;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static bool has_other_bytes(const struct tracker *t, struct range piece, const uint8_t *bytes)
{
    for (uint32_t i = 0; i < t->ranges; i++) {
        struct range r = t->range[i];
        uint32_t from = larger(r.start, piece.start);
        uint32_t to = r.end < piece.end ? r.end : piece.end;

        if (from < to && memcmp(t->bytes + from, bytes + (from - piece.start), to - from) != 0)
            return true;
    }
    return false;
}

static bool is_covered(const struct tracker *t, struct range piece)
{
    if (piece.start == piece.end)
        return true;
    for (uint32_t i = 0; i < t->ranges; i++)
        if (t->range[i].start <= piece.start && t->range[i].end >= piece.end)
            return true;
    return false;
}

static bool make_room(struct tracker *t, uint32_t end)
{
    uint32_t size = t->size > 0 ? t->size : BYTES_FIRST;
    uint8_t *bytes;

    while (size < end)
        size *= 2;
    if (size == t->size)
        return true;
    bytes = realloc(t->bytes, size);
    if (!bytes)
        return false;
    t->bytes = bytes;
    t->size = size;
    return true;
}

/* Joins a range with those it touches: there are never more ranges than pieces. */
static void add_range(struct tracker *t, struct range piece)
{
    uint32_t first = 0, behind;

    while (first < t->ranges && t->range[first].end < piece.start)
        first++;
    for (behind = first; behind < t->ranges && t->range[behind].start <= piece.end; behind++) {
        if (t->range[behind].start < piece.start)
            piece.start = t->range[behind].start;
        if (t->range[behind].end > piece.end)
            piece.end = t->range[behind].end;
    }
    memmove(&t->range[first + 1], &t->range[behind], (t->ranges - behind) * sizeof(piece));
    t->range[first] = piece;
    t->ranges = t->ranges - (behind - first) + 1;
}

static bool has_start(const struct tracker *t)
{
    return t->ranges > 0 && t->range[0].start == 0;
}

static void store(struct tracker *t, const struct ip_packet *in, struct range piece)
{
    uint32_t end = in->frag_offset + in->payload_len;

    if (in->frag_offset == 0 && !has_start(t))
        t->first = *in;
    if (piece.start < piece.end) {
        memcpy(t->bytes + piece.start, in->payload.p, piece.end - piece.start);
        add_range(t, piece);
    }
    t->reach = larger(t->reach, end);
    if (!in->more) {
        t->total = end;
        t->needed = larger(t->needed, piece.end);
    }
    t->pieces++;
}

/* Drops what is here and remembers the datagram, so that its later pieces start no new one. */
static void refuse(struct defrag *d, struct tracker *t)
{
    settle(d, t, &d->count.conflicts);
    free(t->bytes);
    t->bytes = NULL;
    t->size = 0;
    t->ranges = 0;
    t->refused = true;
}

/* Whether the piece is now part of the datagram; when it is not, it has been counted. */
static bool take_piece(struct defrag *d, struct tracker *t, const struct ip_packet *in)
{
    struct range piece = {in->frag_offset, in->frag_offset + (uint32_t)in->payload.n};
    bool tells_length = !in->more && (t->total == 0 || piece.end > t->needed);

    if (t->refused || has_other_length(t, in) || has_other_bytes(t, piece, in->payload.p)) {
        d->count.conflicts++;
        refuse(d, t);
        return false;
    }
    if (is_covered(t, piece) && !tells_length) {
        d->count.duplicates++;
        return false;
    }
    if (t->pieces == CAP_FRAG_PIECES || !make_room(t, piece.end)) {
        d->count.evicted++;
        release(d, t, &d->count.evicted);
        return false;
    }
    store(t, in, piece);
    d->count.pending++;
    return true;
}

static bool is_complete(const struct tracker *t)
{
    return t->total > 0 && has_start(t) && t->range[0].end >= t->needed;
}

static bool is_copy_of_given(const struct given *g, const struct key *key,
                             const struct ip_packet *in, nstime now)
{
    uint32_t end = in->frag_offset + in->payload_len;

    if (!g->bytes || memcmp(&g->key, key, sizeof(*key)) != 0 || is_expired(g->started, now))
        return false;
    if (in->more ? end > g->total : end != g->total)
        return false;
    return in->frag_offset <= g->n && in->payload.n <= g->n - in->frag_offset &&
           span_eq(in->payload, span_of(g->bytes + in->frag_offset, in->payload.n));
}

/* Moves the bytes of a complete datagram from its tracker. */
static bool give_out(struct defrag *d, struct tracker *t, struct ip_packet *out)
{
    free(d->given.bytes);
    d->given = (struct given){t->key, t->started, t->bytes, t->range[0].end, t->total};
    t->bytes = NULL;
    *out = t->first;
    out->fragment = false;
    out->more = false;
    out->frag_offset = 0;
    out->header = span_of(NULL, 0); /* it went with its packet */
    out->payload = span_of(d->given.bytes, d->given.n);
    out->payload_len = d->given.total;
    if (out->family == 6 && (ip_skip_extensions(out) != IP_OK || out->fragment)) {
        release(d, t, &d->count.malformed);
        return false;
    }
    d->count.completed++;
    release(d, t, &d->count.completed_pieces);
    return true;
}

bool defrag_push_of(struct defrag *d, uint32_t zone, const struct ip_packet *in, nstime now,
                    struct ip_packet *out)
{
    struct tracker *t;
    struct key key;

    d->count.fragments++;
    if (is_malformed(in)) {
        d->count.malformed++;
        return false;
    }
    if (!make_pool(d)) {
        d->count.evicted++;
        return false;
    }
    key_of(in, zone, &key);
    t = find_current(d, &key, now);
    if (!t && is_copy_of_given(&d->given, &key, in, now)) {
        d->count.duplicates++;
        return false;
    }
    if (!t)
        t = start(d, &key, now);
    return take_piece(d, t, in) && is_complete(t) && give_out(d, t, out);
}

bool defrag_push(struct defrag *d, const struct ip_packet *in, nstime now, struct ip_packet *out)
{
    return defrag_push_of(d, 0, in, now, out);
}
