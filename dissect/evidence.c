/* SPDX-License-Identifier: Apache-2.0 */
#include "dissect/evidence.h"

#include "base/caps.h"
#include "base/heap.h"
#include "dissect/smtp.h"

#define FIRST_TO_SERVER 96 /* what most sessions need: one allocation for all of it */
#define FIRST_TO_CLIENT 576
#define FIRST_TURNS     12
#define SLICE           512

enum turn_kind { TURN_READ, TURN_GAP, TURN_CUT };

struct turn { /* what one side said before the other did */
    nstime time;
    uint32_t begin, end; /* stream offsets */
    uint32_t acked;
    uint8_t dir, kind;
    uint8_t ttl, marks;
};

struct side {
    uint8_t *bytes; /* the stream from offset 0; zeros in gaps */
    uint32_t n, size;
};

struct copy {
    uint8_t *bytes; /* NULL: the byte there is left out */
    uint32_t offset, n;
    uint8_t dir;
};

struct evidence {
    struct side side[SESSION_DIR_COUNT];
    struct turn *turn;
    uint32_t size; /* of this block, with what lies in it */
    uint16_t turns, turn_size;
    uint8_t copies;
    bool full;                           /* no room: nothing more is kept of what is read */
    bool stopped;                        /* nor need it be */
    bool changed;                        /* since evidence_changed() was asked */
    struct copy *copy;                   /* NULL: none */
    struct turn first_turn[FIRST_TURNS]; /* where all of it stays as long as it is small; when it is
                                            stopped, as much of this as is in use */
    uint8_t first_to_server[FIRST_TO_SERVER];
    uint8_t first_to_client[FIRST_TO_CLIENT];
};

#define COPIES (CAP_EVIDENCE_COPIES * sizeof(struct copy))

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
    e = heap_alloc(sizeof(*e));
    if (!e) {
        pool->bytes -= sizeof(*e);
        return NULL;
    }
    memset(e, 0, offsetof(struct evidence, first_turn)); /* the rest is written before it is read */
    e->size = sizeof(*e);
    e->turn = e->first_turn;
    e->turn_size = FIRST_TURNS;
    e->side[SESSION_TO_SERVER] = (struct side){e->first_to_server, 0, FIRST_TO_SERVER};
    e->side[SESSION_TO_CLIENT] = (struct side){e->first_to_client, 0, FIRST_TO_CLIENT};
    return e;
}

static bool is_inside(const struct evidence *e, const void *p)
{
    return (uintptr_t)p - (uintptr_t)e <= e->size; /* what is empty may lie behind the last byte */
}

/* The block, and what was kept outside of it; the copies stay. */
static void free_read(struct evidence *e, struct evidence_pool *pool)
{
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        if (is_inside(e, e->side[d].bytes))
            continue;
        pool->bytes -= e->side[d].size;
        heap_free(e->side[d].bytes);
    }
    if (!is_inside(e, e->turn)) {
        pool->bytes -= e->turn_size * sizeof(*e->turn);
        heap_free(e->turn);
    }
    pool->bytes -= e->size;
    heap_free(e);
}

void evidence_free(struct evidence *e, struct evidence_pool *pool)
{
    if (!e)
        return;
    for (uint8_t i = 0; i < e->copies; i++) {
        pool->bytes -= e->copy[i].n;
        heap_free(e->copy[i].bytes);
    }
    if (e->copy)
        pool->bytes -= COPIES;
    heap_free(e->copy);
    free_read(e, pool);
}

/* --- keeping --- */

/* Room for `size` bytes in place of what has `old`: from the pool, and from it anew. */
static void *grow(struct evidence_pool *pool, void *p, bool inside, size_t old, size_t size)
{
    size_t more = inside ? size : size - old;
    void *out;

    if (!draw(pool, more))
        return NULL;
    out = inside ? heap_alloc(size) : heap_resize(p, size);
    if (!out)
        pool->bytes -= more;
    else if (inside)
        memcpy(out, p, old);
    return out;
}

static bool side_room(struct evidence *e, struct evidence_pool *pool, struct side *s, uint32_t end)
{
    uint32_t size = s->size;
    void *p;

    if (end <= size)
        return true;
    if (end > CAP_EVIDENCE_BYTES)
        return false;
    while (size < end)
        size *= 2;
    if (size > CAP_EVIDENCE_BYTES)
        size = CAP_EVIDENCE_BYTES;
    p = grow(pool, s->bytes, is_inside(e, s->bytes), s->size, size);
    if (!p)
        return false;
    s->bytes = p;
    s->size = size;
    return true;
}

static struct turn *new_turn(struct evidence *e, struct evidence_pool *pool)
{
    if (e->turns == e->turn_size) {
        uint16_t size = (uint16_t)(2 * e->turn_size);
        void *p;

        if (e->turn_size == CAP_EVIDENCE_TURNS)
            return NULL;
        if (size > CAP_EVIDENCE_TURNS)
            size = CAP_EVIDENCE_TURNS;
        p = grow(pool, e->turn, is_inside(e, e->turn), e->turn_size * sizeof(*e->turn),
                 size * sizeof(*e->turn));
        if (!p)
            return NULL;
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
        last->kind == t->kind && last->ttl == t->ttl && last->marks == t->marks)
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

    if (e->full || t->begin != s->n || t->end <= t->begin || !side_room(e, pool, s, t->end) ||
        !(to = turn_for(e, pool, t))) {
        e->full = true;
        return false;
    }
    to->end = t->end;
    e->changed = true;
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

    return e->stopped || bytes.n == 0 || keep(e, pool, &t, bytes);
}

bool evidence_gap(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                  uint32_t offset, uint32_t n, bool cut)
{
    struct turn t = {
        .begin = offset, .end = offset + n, .dir = (uint8_t)d, .kind = cut ? TURN_CUT : TURN_GAP};

    return e->stopped || keep(e, pool, &t, span_of(NULL, 0));
}

/* Into a block of its own size: the next session takes the large one, which is still warm. */
struct evidence *evidence_stop(struct evidence *e, struct evidence_pool *pool)
{
    uint32_t turns = e->turns * (uint32_t)sizeof(*e->turn);
    uint32_t size = (uint32_t)offsetof(struct evidence, first_turn) + turns +
                    e->side[SESSION_TO_SERVER].n + e->side[SESSION_TO_CLIENT].n;
    struct evidence *out;
    uint8_t *at;

    if (e->stopped)
        return e;
    e->stopped = true;
    if (!draw(pool, size))
        return e;
    out = heap_alloc(size);
    if (!out) {
        pool->bytes -= size;
        return e;
    }
    memcpy(out, e, offsetof(struct evidence, first_turn));
    out->size = size;
    out->turn = out->first_turn;
    out->turn_size = e->turns;
    memcpy(out->turn, e->turn, turns);
    at = (uint8_t *)out->turn + turns;
    for (int d = 0; d < SESSION_DIR_COUNT; d++) {
        out->side[d] = (struct side){at, e->side[d].n, e->side[d].n};
        memcpy(at, e->side[d].bytes, e->side[d].n);
        at += e->side[d].n;
    }
    free_read(e, pool);
    return out;
}

static bool copy_room(struct evidence *e, struct evidence_pool *pool)
{
    if (e->copy)
        return true;
    if (!draw(pool, COPIES))
        return false;
    e->copy = heap_alloc(COPIES);
    if (!e->copy)
        pool->bytes -= COPIES;
    return e->copy != NULL;
}

static bool is_known_copy(const struct evidence *e, enum session_dir d, uint32_t offset,
                          struct span bytes)
{
    for (uint8_t i = 0; i < e->copies; i++)
        if (e->copy[i].dir == d && e->copy[i].offset == offset &&
            span_eq(span_of(e->copy[i].bytes, e->copy[i].n), bytes))
            return true;
    return false;
}

void evidence_copy(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                   uint32_t offset, struct span bytes)
{
    struct copy *c;
    uint8_t *kept;

    bytes = span_first(bytes, CAP_EVIDENCE_BYTES);
    if (e->copies == CAP_EVIDENCE_COPIES || bytes.n == 0 || is_known_copy(e, d, offset, bytes) ||
        !copy_room(e, pool) || !draw(pool, bytes.n))
        return;
    kept = heap_alloc(bytes.n);
    if (!kept) {
        pool->bytes -= bytes.n;
        return;
    }
    c = &e->copy[e->copies];
    c->bytes = kept;
    memcpy(c->bytes, bytes.p, bytes.n);
    c->n = (uint32_t)bytes.n;
    c->offset = offset;
    c->dir = (uint8_t)d;
    e->copies++;
    e->changed = true;
}

bool evidence_omit(struct evidence *e, struct evidence_pool *pool, enum session_dir d,
                   uint32_t offset)
{
    for (uint8_t i = 0; i < e->copies; i++)
        if (!e->copy[i].bytes && e->copy[i].dir == d && e->copy[i].offset == offset)
            return false;
    if (e->stopped)
        return false;
    if (e->copies == CAP_EVIDENCE_COPIES || !copy_room(e, pool))
        return true;
    e->copy[e->copies++] = (struct copy){.offset = offset, .dir = (uint8_t)d};
    e->changed = true;
    return true;
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
        if (t && t->kind != TURN_READ) { /* nobody knows what stood there */
            from = t->end - offset;
            continue;
        }
        *out = (struct evidence_found){.at = (uint32_t)at,
                                       .text = span_of(s->bytes, s->n),
                                       .marks = t ? t->marks : 0,
                                       .ttl = t ? t->ttl : 0,
                                       .acked = t ? t->acked : UINT32_MAX};
        return true;
    }
}

/* --- reading again --- */

bool evidence_changed(struct evidence *e)
{
    bool changed = e->changed;

    e->changed = false;
    return changed;
}

bool evidence_in_conflict(const struct evidence *e)
{
    return e->copies > 0;
}

/* Which copies are laid over what was read: all, or one alone. */
struct overlay {
    uint8_t first, end;
};

/* The bytes [offset, offset + n) of a direction with copies laid over them, into `to`. */
static void lay_over(const struct evidence *e, struct overlay o, enum session_dir d,
                     uint32_t offset, uint8_t *to, uint32_t n)
{
    memcpy(to, e->side[d].bytes + offset, n);
    for (uint8_t i = o.first; i < o.end; i++) {
        const struct copy *c = &e->copy[i];
        uint32_t from = c->offset > offset ? c->offset : offset;
        uint32_t end = c->offset + c->n < offset + n ? c->offset + c->n : offset + n;
        if (c->bytes && c->dir == d && from < end)
            memcpy(to + (from - offset), c->bytes + (from - c->offset), end - from);
    }
}

/* The first byte of a direction from `at` on that is left out; UINT32_MAX: none is. */
static uint32_t next_omitted(const struct evidence *e, struct overlay o, enum session_dir d,
                             uint32_t at)
{
    uint32_t next = UINT32_MAX;

    for (uint8_t i = o.first; i < o.end; i++) {
        const struct copy *c = &e->copy[i];
        if (!c->bytes && c->dir == d && c->offset >= at && c->offset < next)
            next = c->offset;
    }
    return next;
}

static void reread_turn(const struct evidence *e, struct overlay o, const struct turn *t,
                        struct smtp *m)
{
    uint8_t slice[SLICE];
    struct smtp_chunk c = {.dir = (enum session_dir)t->dir, .acked = t->acked, .time = t->time};

    for (uint32_t at = t->begin; at < t->end;) {
        uint32_t n = t->end - at < SLICE ? t->end - at : SLICE;
        uint32_t omitted = next_omitted(e, o, c.dir, at);
        if (omitted == at) {
            at++;
            continue;
        }
        n = omitted - at < n ? omitted - at : n;
        lay_over(e, o, c.dir, at, slice, n);
        c.bytes = span_of(slice, n);
        c.offset = at;
        size_t used = smtp_feed(m, &c);
        if (used == 0 && c.force)
            return;
        c.force = used == 0; /* the other reading waits for what this one did not */
        at += (uint32_t)used;
    }
}

static struct session *reread(const struct evidence *e, struct overlay o, const struct session *as,
                              bool keep_addresses)
{
    struct session *s = session_new();
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
        session_free(s);
        return NULL;
    }
    for (uint16_t i = 0; i < e->turns; i++) {
        const struct turn *t = &e->turn[i];
        if (t->kind != TURN_READ)
            smtp_gap(m, (enum session_dir)t->dir, t->begin, t->end - t->begin, t->kind == TURN_CUT);
        else
            reread_turn(e, o, t, m);
    }
    smtp_free(m);
    return s;
}

static bool offers(const struct session *s)
{
    for (uint8_t i = 1; i < s->reading.line_count; i++) {
        struct text t = s->reading.line[i].text;
        t.len = s->reading.line[i].word_len < t.len ? s->reading.line[i].word_len : t.len;
        if (span_eq_nocase(session_text(s, t), span_str("STARTTLS")))
            return true;
    }
    return false;
}

/* Do two readings differ in what TLS hangs on? */
static bool differ_much(const struct session *a, const struct session *b)
{
    return offers(a) != offers(b) || a->upgrade != b->upgrade ||
           (a->reading.upgrade_code == 220) != (b->reading.upgrade_code == 220) ||
           (a->reading.refused_code != 0) != (b->reading.refused_code != 0);
}

/* With several copies each is tried alone as well, lest one hide another. */
struct session *evidence_reread(const struct evidence *e, const struct session *as,
                                bool keep_addresses)
{
    struct session *s = reread(e, (struct overlay){0, e->copies}, as, keep_addresses);

    for (uint8_t i = 0; s && e->copies > 1 && i < e->copies && !differ_much(as, s); i++) {
        session_free(s);
        s = reread(e, (struct overlay){i, (uint8_t)(i + 1)}, as, keep_addresses);
    }
    return s;
}
