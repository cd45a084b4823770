/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/evidence.h"

#include <stdlib.h>

#include "base/caps.h"
#include "dissect/smtp.h"

#define FIRST_BYTES 512
#define FIRST_TURNS 16
#define SLICE       512

struct turn {            /* what one side said before the other did */
    uint32_t begin, end; /* stream offsets */
    uint32_t acked;
    nstime time;
    uint8_t dir;
    uint8_t ttl, marks;
    bool gap, cut;
};

struct side {
    uint8_t *bytes; /* the stream from offset 0; zeros in gaps */
    uint32_t n, size;
};

struct copy {
    uint8_t *bytes;
    uint32_t offset, n;
    uint8_t dir;
};

struct evidence {
    struct side side[SESSION_DIR_COUNT];
    struct turn *turn;
    uint16_t turns, turn_size;
    uint8_t copies;
    bool full;    /* no room: nothing more is kept of what is read */
    bool stopped; /* nor need it be */
    struct copy copy[CAP_EVIDENCE_COPIES];
};

static bool draw(struct evidence_pool *pool, size_t n)
{
    if (n > pool->limit - pool->bytes)
        return false;
    pool->bytes += n;
    return true;
}

struct evidence *evidence_new(struct evidence_pool *pool)
{
    struct evidence *e;

    if (!draw(pool, sizeof(*e)))
        return NULL;
    e = calloc(1, sizeof(*e));
    if (!e)
        pool->bytes -= sizeof(*e);
    return e;
}

void evidence_free(struct evidence *e, struct evidence_pool *pool)
{
    if (!e)
        return;
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        pool->bytes -= e->side[d].size;
        free(e->side[d].bytes);
    }
    for (uint8_t i = 0; i < e->copies; i++) {
        pool->bytes -= e->copy[i].n;
        free(e->copy[i].bytes);
    }
    pool->bytes -= e->turn_size * sizeof(*e->turn) + sizeof(*e);
    free(e->turn);
    free(e);
}

/* --- keeping --- */

static bool side_room(struct side *s, struct evidence_pool *pool, uint32_t end)
{
    uint32_t size = s->size ? s->size : FIRST_BYTES;
    uint8_t *p;

    while (size < end)
        size *= 2;
    if (size == s->size)
        return true;
    if (size > CAP_EVIDENCE_BYTES || !draw(pool, size - s->size))
        return false;
    p = realloc(s->bytes, size);
    if (!p) {
        pool->bytes -= size - s->size;
        return false;
    }
    s->bytes = p;
    s->size = size;
    return true;
}

static struct turn *new_turn(struct evidence *e, struct evidence_pool *pool)
{
    if (e->turns == e->turn_size) {
        uint16_t size = e->turn_size ? (uint16_t)(2 * e->turn_size) : FIRST_TURNS;
        size_t more = (size_t)(size - e->turn_size) * sizeof(struct turn);
        struct turn *p;

        if (size > CAP_EVIDENCE_TURNS || !draw(pool, more))
            return NULL;
        p = realloc(e->turn, size * sizeof(*p));
        if (!p) {
            pool->bytes -= more;
            return NULL;
        }
        e->turn = p;
        e->turn_size = size;
    }
    return &e->turn[e->turns++];
}

/* What goes on with the newest turn needs none of its own. */
static struct turn *turn_for(struct evidence *e, struct evidence_pool *pool, const struct turn *t)
{
    struct turn *last = e->turns ? &e->turn[e->turns - 1] : NULL;

    if (last && last->dir == t->dir && last->end == t->begin && last->acked == t->acked &&
        last->gap == t->gap && last->cut == t->cut && last->ttl == t->ttl &&
        last->marks == t->marks)
        return last;
    last = new_turn(e, pool);
    if (last)
        *last = *t;
    return last;
}

/* `bytes` empty: zeros, for a gap. */
static bool keep(struct evidence *e, struct evidence_pool *pool, const struct turn *t,
                 struct span bytes)
{
    struct side *s = &e->side[t->dir];
    struct turn *to;

    if (e->stopped)
        return true;
    if (e->full || t->begin != s->n || t->end <= t->begin || !side_room(s, pool, t->end) ||
        !(to = turn_for(e, pool, t))) {
        e->full = true;
        return false;
    }
    to->end = t->end;
    if (bytes.n)
        memcpy(s->bytes + t->begin, bytes.p, bytes.n);
    else
        memset(s->bytes + t->begin, 0, t->end - t->begin);
    s->n = t->end;
    return true;
}

bool evidence_read(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                   uint32_t offset, uint32_t acked, const struct reasm_segment *s,
                   struct span bytes)
{
    struct turn t = {.begin = offset,
                     .end = offset + (uint32_t)bytes.n,
                     .acked = acked,
                     .time = s->time,
                     .dir = (uint8_t)d,
                     .ttl = s->ttl,
                     .marks = s->marks};

    return bytes.n == 0 || keep(e, pool, &t, bytes);
}

bool evidence_gap(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                  uint32_t offset, uint32_t n, bool cut)
{
    struct turn t = {
        .begin = offset, .end = offset + n, .dir = (uint8_t)d, .gap = true, .cut = cut};

    return keep(e, pool, &t, span_of(NULL, 0));
}

void evidence_stop(struct evidence *e)
{
    e->stopped = true;
}

void evidence_copy(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                   uint32_t offset, struct span bytes)
{
    struct copy *c = &e->copy[e->copies];

    if (e->copies == CAP_EVIDENCE_COPIES || bytes.n == 0 || bytes.n > CAP_EVIDENCE_BYTES ||
        !draw(pool, bytes.n))
        return;
    c->bytes = malloc(bytes.n);
    if (!c->bytes) {
        pool->bytes -= bytes.n;
        return;
    }
    memcpy(c->bytes, bytes.p, bytes.n);
    c->n = (uint32_t)bytes.n;
    c->offset = offset;
    c->dir = (uint8_t)d;
    e->copies++;
}

/* --- comparing --- */

size_t evidence_differ(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;

    if (n == 0 || memcmp(a.p, b.p, n) == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (a.p[i] != b.p[i])
            return i;
    return SIZE_MAX;
}

struct span evidence_line(struct span text, size_t at)
{
    size_t from = at;

    while (from > 0 && text.p[from - 1] != '\n')
        from--;
    text = span_from(text, from);
    text = span_first(text, span_find(text, '\n'));
    return text.n && text.p[text.n - 1] == '\r' ? span_first(text, text.n - 1) : text;
}

static const struct turn *turn_at(const struct evidence *e, enum session_dir d, uint32_t offset)
{
    for (uint16_t i = 0; i < e->turns; i++)
        if (e->turn[i].dir == d && offset >= e->turn[i].begin && offset < e->turn[i].end)
            return &e->turn[i];
    return NULL;
}

bool evidence_compare(const struct evidence *e, enum session_dir d, uint32_t offset,
                      struct span bytes, struct evidence_found *out)
{
    const struct side *s = &e->side[d];
    struct span kept = span_from(span_of(s->bytes, s->n), offset);

    for (size_t from = 0;;) {
        size_t at = evidence_differ(span_from(kept, from), span_from(bytes, from));
        if (at == SIZE_MAX)
            return false;
        at += from;
        const struct turn *t = turn_at(e, d, offset + (uint32_t)at);
        if (t && t->gap) { /* nobody knows what stood there */
            from = t->end - offset;
            continue;
        }
        *out = (struct evidence_found){.at = (uint32_t)at,
                                       .text = span_of(s->bytes, s->n),
                                       .marks = t ? t->marks : 0,
                                       .ttl = t ? t->ttl : 0};
        return true;
    }
}

/* --- reading again --- */

bool evidence_in_conflict(const struct evidence *e)
{
    return e->copies > 0;
}

/* The bytes [offset, offset + n) of a direction with the copies laid over them, into `to`. */
static void lay_over(const struct evidence *e, enum session_dir d, uint32_t offset, uint8_t *to,
                     uint32_t n)
{
    memcpy(to, e->side[d].bytes + offset, n);
    for (uint8_t i = 0; i < e->copies; i++) {
        const struct copy *c = &e->copy[i];
        uint32_t from = c->offset > offset ? c->offset : offset;
        uint32_t end = c->offset + c->n < offset + n ? c->offset + c->n : offset + n;
        if (c->dir == d && from < end)
            memcpy(to + (from - offset), c->bytes + (from - c->offset), end - from);
    }
}

static void reread_turn(const struct evidence *e, const struct turn *t, struct smtp *m)
{
    uint8_t slice[SLICE];
    struct smtp_chunk c = {.dir = (enum session_dir)t->dir, .acked = t->acked, .time = t->time};

    for (uint32_t at = t->begin; at < t->end;) {
        uint32_t n = t->end - at < SLICE ? t->end - at : SLICE;
        lay_over(e, c.dir, at, slice, n);
        c.bytes = span_of(slice, n);
        c.offset = at;
        size_t used = smtp_feed(m, &c);
        if (used == 0 && c.force)
            return;
        c.force = used == 0; /* the other reading waits for what this one did not */
        at += (uint32_t)used;
    }
}

struct session *evidence_reread(const struct evidence *e, const struct session *as,
                                bool keep_addresses)
{
    struct session *s = calloc(1, sizeof(*s));
    struct smtp *m;

    if (!s)
        return NULL;
    s->key = as->key;
    s->flow_id = ~as->flow_id;
    s->first = as->first;
    s->now = as->now;
    s->synack_seen = as->synack_seen;
    s->midstream = as->midstream;
    memcpy(s->seen, as->seen, sizeof(s->seen));
    m = smtp_new(s, as->implicit_tls, keep_addresses);
    if (!m) {
        free(s);
        return NULL;
    }
    for (uint16_t i = 0; i < e->turns; i++) {
        const struct turn *t = &e->turn[i];
        if (t->gap)
            smtp_gap(m, (enum session_dir)t->dir, t->begin, t->end - t->begin, t->cut);
        else
            reread_turn(e, t, m);
    }
    smtp_free(m);
    return s;
}

void evidence_forget(struct session *other)
{
    if (other)
        free(other->pool);
    free(other);
}
